import type { FileRunConfig } from './config.ts';
import { systemClock } from './core/clock.ts';
import { slowestLimit } from './core/estimate.ts';
import type { Conversation } from './core/helpdesk.ts';
import type { ServiceTier } from './core/language-model.ts';
import type { Evidence } from './drafting/passages.ts';
import { buildPrompt } from './drafting/prompt.ts';
import { createUpstreamFetch } from './upstream-fetch.ts';

/** What drafting would take; the same fields as the dry run of a batch at the service. */
export interface FileRunEstimate {
  readonly tickets: number;
  readonly promptTokens: number;
  readonly completionTokens: number;
  /** USD at the prices of the tier; null when the model's price is not known. */
  readonly costUsd: number | null;
  readonly minutes: number;
  /** What decides how long it takes. */
  readonly bound: 'llm.requests' | 'llm.tokens' | 'workers';
}

/** What one draft took on average where there are some already. */
export interface PastDrafts {
  readonly completionTokens: number;
  readonly durationMs: number;
}

/** Where nothing has been drafted yet: a reply of some 150 words with its questions, and a small model's time for it. */
export const TYPICAL_DRAFT: PastDrafts = { completionTokens: 300, durationMs: 5_000 };

export interface EstimateInput {
  /** How many there are in all. */
  readonly tickets: number;
  readonly sample: readonly Conversation[];
  /** What each of the sample is to rest on; not given: on nothing. */
  readonly evidence?: readonly (Evidence | null)[];
  readonly past: PastDrafts;
  readonly tier: ServiceTier;
}

/** From the token counts of a sample, without a call. */
export function estimateFileRun(
  config: FileRunConfig,
  { tickets, sample, evidence = [], past, tier }: EstimateInput,
): FileRunEstimate {
  const prompts = sample.map((conversation, index) =>
    buildPrompt(conversation, config.guidelines, config.maskPersonalData, { evidence: evidence[index] ?? null }),
  );
  const mean = (valueOf: (prompt: (typeof prompts)[number]) => number): number =>
    prompts.reduce((sum, prompt) => sum + valueOf(prompt), 0) / Math.max(1, prompts.length);
  const promptTokens = Math.round(tickets * mean(({ promptTokens }) => promptTokens));
  const completionTokens = Math.round(tickets * past.completionTokens);
  const { requestsPerMinute, tokensPerMinute } = config.llm.module.limits(config.llm.settings);
  // servers count the largest allowed answer before they answer
  const charged = mean(({ promptTokens, prompt }) => promptTokens + prompt.maxOutputTokens);
  const { limit: bound, minutes } = slowestLimit(tickets, [
    { limit: 'llm.requests', perMinute: requestsPerMinute, perTicket: 1 },
    { limit: 'llm.tokens', perMinute: tokensPerMinute, perTicket: charged },
    { limit: 'workers', perMinute: (config.workerConcurrency * 60_000) / past.durationMs, perTicket: 1 },
  ]) ?? { limit: 'workers', minutes: 0 };
  const usage = { promptTokens, cachedTokens: 0, completionTokens };
  const { module, settings } = config.llm;
  const { allowInsecureUpstreams } = config;
  const upstream = { fetch: createUpstreamFetch(), clock: systemClock(), allowInsecureUpstreams };
  const costUsd = module.create(settings, upstream).costUsd(usage, tier);
  return { tickets, promptTokens, completionTokens, costUsd, minutes, bound };
}
