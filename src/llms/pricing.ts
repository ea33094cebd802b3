import type { PriceTier, TokenUsage } from '../core/language-model.ts';

interface Price {
  readonly input: number;
  readonly cached: number;
  readonly output: number;
}

/**
 * Standard prices, USD per million tokens (llm-and-otel.md A6: @pydantic/genai-prices 0.1.8 of 2026-09-23, four of them
 * held against OpenAI's model pages). Writing to the prompt cache costs up to a quarter of the input price more on some
 * models; answers do not always tell how much was written, so it is left out.
 */
const PRICES: Readonly<Record<string, Price>> = {
  'gpt-6-luna': { input: 0.1, cached: 0.01, output: 0.5 },
  'gpt-6-sol': { input: 2, cached: 0.2, output: 10 },
  'gpt-6-astra': { input: 10, cached: 1, output: 50 },
  'gpt-5.6-luna': { input: 0.2, cached: 0.02, output: 1.2 },
  'gpt-5.6-terra': { input: 2, cached: 0.2, output: 12 },
  'gpt-5.6-sol': { input: 4, cached: 0.4, output: 20 },
  'gpt-5.4': { input: 2.5, cached: 0.25, output: 15 },
  'gpt-5.4-mini': { input: 0.75, cached: 0.075, output: 4.5 },
  'gpt-5.4-nano': { input: 0.2, cached: 0.02, output: 1.25 },
  'gpt-5-mini': { input: 0.25, cached: 0.025, output: 2 },
  'gpt-4.1-mini': { input: 0.4, cached: 0.1, output: 1.6 },
  'gpt-4o-mini': { input: 0.15, cached: 0.075, output: 0.6 },
  // embeddings: developers.openai.com model pages as of mid-2026, by aicost.tools and embeddingcost.com
  'text-embedding-3-small': { input: 0.02, cached: 0.02, output: 0 },
  'text-embedding-3-large': { input: 0.13, cached: 0.13, output: 0 },
  'text-embedding-ada-002': { input: 0.1, cached: 0.1, output: 0 },
};

/** Share of the standard price (llm-and-otel.md A6). */
const SHARE: Readonly<Record<PriceTier, number>> = { standard: 1, flex: 0.5, batch: 0.5 };

/** What a call cost in USD; null when the model's price is not known. A dated name has the price of its base. */
export function costUsd(model: string, usage: TokenUsage, tier: PriceTier = 'standard'): number | null {
  const price = priceOf(model);
  if (price === undefined) return null;
  const cached = Math.min(usage.cachedTokens, usage.promptTokens);
  const fresh = usage.promptTokens - cached;
  const standard = (fresh * price.input + cached * price.cached + usage.completionTokens * price.output) / 1e6;
  return standard * SHARE[tier];
}

function priceOf(model: string): Price | undefined {
  const base = model.replace(/-\d{4}-\d{2}-\d{2}$/, '');
  return Object.hasOwn(PRICES, base) ? PRICES[base] : undefined;
}
