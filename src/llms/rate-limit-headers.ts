import type { ProviderLimits } from '../core/language-model.ts';

const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/**
 * `x-ratelimit-reset-*` as ms: a Go duration (`6m0s`, `120ms`, OpenAI), or bare seconds (Azure, LiteLLM). Negative or
 * anything else = unknown (llm-and-otel.md A4).
 */
export function parseReset(value: string | null): number | null {
  const text = value?.trim() ?? '';
  if (/^\d+(\.\d+)?$/.test(text)) return Number(text) * 1000;
  if (!/^(\d+(\.\d+)?(ms|s|m|h|d))+$/.test(text)) return null;
  let total = 0;
  for (const [, amount = '', unit = ''] of text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h|d)/g)) {
    total += Number(amount) * (UNIT_MS[unit] ?? 0);
  }
  return total;
}

/** A count; some servers write `30,000`, and −1 where they do not know. */
function parseCount(value: string | null): number | null {
  const text = value?.trim().replaceAll(',', '') ?? '';
  return /^\d{1,15}$/.test(text) ? Number(text) : null;
}

/** What the headers of an answer say; null when they say nothing. */
export function readLimits(headers: Headers): ProviderLimits | null {
  const count = (name: string): number | null => parseCount(headers.get(`x-ratelimit-${name}`));
  const limits: ProviderLimits = {
    limitRequests: count('limit-requests'),
    limitTokens: count('limit-tokens'),
    remainingRequests: count('remaining-requests'),
    remainingTokens: count('remaining-tokens'),
    resetRequestsMs: parseReset(headers.get('x-ratelimit-reset-requests')),
    resetTokensMs: parseReset(headers.get('x-ratelimit-reset-tokens')),
  };
  return Object.values(limits).some((value) => value !== null) ? limits : null;
}

/** How long the exhausted bucket needs, where the server did not say `Retry-After`. */
export function exhaustedForMs(limits: ProviderLimits | null): number | null {
  if (limits === null) return null;
  const waits = [
    limits.remainingRequests === 0 ? limits.resetRequestsMs : null,
    limits.remainingTokens === 0 ? limits.resetTokensMs : null,
  ].filter((wait) => wait !== null);
  return waits.length === 0 ? null : Math.max(...waits);
}
