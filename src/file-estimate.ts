import type { FileRunConfig } from './config.ts';
import { systemClock } from './core/clock.ts';
import { slowestLimit, USUAL_REVISIONS, USUAL_VERDICT_TOKENS } from './core/estimate.ts';
import type { Conversation } from './core/helpdesk.ts';
import type { ServiceTier } from './core/language-model.ts';
import type { Evidence } from './drafting/passages.ts';
import { type Asking, buildPrompt } from './drafting/prompt.ts';
import { NO_DRAFT, reviewing } from './drafting/review-prompt.ts';
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
  readonly bound: 'llm.requests' | 'llm.tokens' | 'review.requests' | 'review.tokens' | 'workers';
  /** The model that judges the drafts, and how many of them are taken to be written anew; null: none does. */
  readonly review: { readonly model: string; readonly revisions: number } | null;
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
  const { guidelines, maskPersonalData } = config;
  const build = (asking?: Asking) =>
    sample.map((conversation, index) =>
      buildPrompt(conversation, guidelines, maskPersonalData, { evidence: evidence[index] ?? null, asking }),
    );
  const { module, settings } = config.llm;
  const reviewer = module.reviewModel(settings);
  const { completionTokens, durationMs } = past;
  const calls = reviewer === null ? 1 : 1 + USUAL_REVISIONS;
  const drafts = loadOf(build(), { calls, answer: completionTokens });
  // of a review only what it reads besides the draft is known
  const judging = { calls: 1, read: completionTokens, answer: USUAL_VERDICT_TOKENS };
  const reviews = reviewer === null ? NOTHING : loadOf(build(reviewing(NO_DRAFT)), judging);
  const all = sumOf(drafts, reviews);
  const isShared = reviewer === null || module.models(settings).includes(reviewer);
  const { limit: bound, minutes } = slowestLimit(tickets, [
    ...limitsOf('llm', module.limits(settings), isShared ? all : drafts),
    ...(isShared ? [] : limitsOf('review', module.limits(settings, reviewer), reviews)),
    { limit: 'workers' as const, perMinute: (config.workerConcurrency * 60_000) / durationMs, perTicket: 1 },
  ]) ?? { limit: 'workers' as const, minutes: 0 };
  const draftUsd = costOf(config, drafts, tier);
  const reviewUsd = reviewer === null ? 0 : costOf(config, reviews, tier, reviewer);
  return {
    tickets,
    promptTokens: Math.round(tickets * all.promptTokens),
    completionTokens: Math.round(tickets * all.completionTokens),
    costUsd: draftUsd === null || reviewUsd === null ? null : tickets * (draftUsd + reviewUsd),
    minutes,
    bound,
    review: reviewer === null ? null : { model: reviewer, revisions: Math.round(tickets * USUAL_REVISIONS) },
  };
}

type Built = ReturnType<typeof buildPrompt>;

/** What one ticket takes of a model, on average. */
interface Load {
  readonly calls: number;
  readonly promptTokens: number;
  readonly completionTokens: number;
  /** Servers count the largest allowed answer before they answer. */
  readonly charged: number;
}

const NOTHING: Load = { calls: 0, promptTokens: 0, completionTokens: 0, charged: 0 };

function loadOf(
  prompts: readonly Built[],
  { calls, read = 0, answer }: { readonly calls: number; readonly read?: number; readonly answer: number },
): Load {
  const mean = (valueOf: (prompt: Built) => number): number =>
    prompts.reduce((sum, prompt) => sum + valueOf(prompt), 0) / Math.max(1, prompts.length);
  return {
    calls,
    promptTokens: calls * (mean(({ promptTokens }) => promptTokens) + read),
    completionTokens: calls * answer,
    charged: calls * (mean(({ promptTokens, prompt }) => promptTokens + prompt.maxOutputTokens) + read),
  };
}

function sumOf(one: Load, other: Load): Load {
  return {
    calls: one.calls + other.calls,
    promptTokens: one.promptTokens + other.promptTokens,
    completionTokens: one.completionTokens + other.completionTokens,
    charged: one.charged + other.charged,
  };
}

function limitsOf<Name extends 'llm' | 'review'>(
  name: Name,
  { requestsPerMinute, tokensPerMinute }: { readonly requestsPerMinute: number; readonly tokensPerMinute: number },
  { calls, charged }: Load,
) {
  return [
    { limit: `${name}.requests` as const, perMinute: requestsPerMinute, perTicket: calls },
    { limit: `${name}.tokens` as const, perMinute: tokensPerMinute, perTicket: charged },
  ];
}

/** USD for one ticket; null where the model's price is not known. */
function costOf(config: FileRunConfig, load: Load, tier: ServiceTier, model?: string): number | null {
  const { module, settings } = config.llm;
  const { allowInsecureUpstreams } = config;
  const upstream = { fetch: createUpstreamFetch(), clock: systemClock(), allowInsecureUpstreams };
  const usage = { promptTokens: load.promptTokens, cachedTokens: 0, completionTokens: load.completionTokens };
  return module.create(settings, upstream, model).costUsd(usage, tier);
}
