import type { Clock } from '../core/clock.ts';
import { UpstreamError } from '../core/errors.ts';
import { estimate, type Estimate, USUAL_REVISIONS, USUAL_VERDICT_TOKENS } from '../core/estimate.ts';
import type { Demand, Helpdesk, TicketFilter } from '../core/helpdesk.ts';
import type { TokenUsage } from '../core/language-model.ts';
import type { ModelRoute, ModelRoutes } from '../core/model-routes.ts';
import { factsOf, NO_RULES, planTicket } from '../core/rules.ts';
import type { RateBudget } from '../core/rate-budget.ts';
import type { AverageDraft, TicketReader } from '../core/ticket-reader.ts';
import { buildPrompt } from '../drafting/prompt.ts';
import { NO_DRAFT, reviewing } from '../drafting/review-prompt.ts';
import { findEvidence } from './find-evidence.ts';
import type { StageDeps } from './stage-run.ts';

/** Conversations that are fetched for it, spread over the batch. */
const SAMPLE = 20;
/** More of a filter's tickets are not counted; no batch of ids has more than half. */
const COUNT_MAX = 20_000;
/** Ids looked up in one turn of the event loop. */
const SLICE = 500;
/** What servers count over our estimate of a prompt: it is 14 % above them in the middle (drafting/token-estimate.ts). */
const USUAL_PROMPT_RATIO = 0.88;
/** What a draft takes to write while none has been written yet, tokens. */
const USUAL_COMPLETION_TOKENS = 250;

export interface EstimateRequest {
  readonly helpdesk: Helpdesk;
  readonly ticketIds: readonly string[] | null;
  readonly filter: TicketFilter | null;
  readonly skipDrafted: boolean;
  /** With `hold` no note is posted. */
  readonly post: 'auto' | 'hold';
  /** Tickets in flight. */
  readonly workers: number;
}

export interface EstimateDeps {
  readonly reader: Pick<TicketReader, 'takeable' | 'averageDraft'>;
  readonly routes: ModelRoutes;
  /** Of the model that judges drafts, where there is one. */
  readonly reviewRoutes?: ModelRoutes | null;
  readonly guidelines: string;
  readonly maskPersonalData?: boolean;
  /** As in `StageDeps`. */
  readonly rules?: StageDeps['rules'];
  /** As in `StageDeps`. */
  readonly knowledge?: StageDeps['knowledge'];
  readonly clock: Clock;
}

/**
 * What a batch would take, from the token counts of a sample and today's limits. Asks the helpdesk, never the LLM.
 * Throws what the helpdesk throws.
 */
export async function estimateBatch(
  request: EstimateRequest,
  deps: EstimateDeps,
  signal: AbortSignal,
): Promise<Estimate> {
  const { ids, complete } = await wantedIds(request, deps, signal);
  const sampled = await sample(ids, request.helpdesk, deps, signal);
  const average = deps.reader.averageDraft();
  const completionTokens = average?.completionTokens ?? USUAL_COMPLETION_TOKENS;
  // tickets that take no draft (closed, answered) cost their fetch only
  const share = sampled.looked === 0 ? 1 : sampled.prompts.length / sampled.looked;
  const { promptRatio, refundFactor } = deps.routes.preferred.budget.snapshot();
  const estimated = mean(sampled.prompts.map((prompt) => prompt.promptTokens));
  const promptTokens =
    estimated === null ? (average?.promptTokens ?? 0) : estimated * (promptRatio ?? USUAL_PROMPT_RATIO);
  const most = Math.max(completionTokens, sampled.prompts[0]?.maxOutputTokens ?? 0);
  const charged = promptTokens + completionTokens + (1 - refundFactor) * (most - completionTokens);
  const calls = share * (deps.reviewRoutes ? 1 + USUAL_REVISIONS : 1);
  const usage = { promptTokens: calls * promptTokens, cachedTokens: 0, completionTokens: calls * completionTokens };
  const review = reviewOf(sampled, { completionTokens, share, ratio: promptRatio ?? USUAL_PROMPT_RATIO }, deps);
  return estimate({
    tickets: ids.length,
    complete,
    usage: review === null ? usage : addUsage(usage, review.usage),
    demand: [
      ...workerDemand(average, request.workers),
      ...llmDemand(deps, { calls, charged, reviews: share, review }),
      ...helpdeskDemand(request),
    ],
    costUsd: () => {
      const drafts = deps.routes.preferred.model.costUsd(usage);
      const reviews = review === null ? 0 : review.model.costUsd(review.usage);
      return drafts === null || reviews === null ? null : drafts + reviews;
    },
  });
}

async function wantedIds(
  { helpdesk, ticketIds, filter, skipDrafted }: EstimateRequest,
  { reader, clock }: EstimateDeps,
  signal: AbortSignal,
): Promise<{ readonly ids: readonly string[]; readonly complete: boolean }> {
  const wanted = new Set<string>();
  const add = async (ids: readonly string[]): Promise<void> => {
    for (let from = 0; from < ids.length; from += SLICE) {
      for (const id of reader.takeable(helpdesk.name, ids.slice(from, from + SLICE), skipDrafted)) wanted.add(id);
      await clock.sleep(0);
    }
  };
  if (ticketIds !== null) await add(ticketIds);
  for (let cursor: string | null = null; filter !== null;) {
    const page = await helpdesk.listTickets(filter, cursor, signal);
    await add(page.tickets.map(({ ticketId }) => ticketId));
    cursor = page.nextCursor;
    if (cursor === null) break;
    if (wanted.size >= COUNT_MAX) return { ids: [...wanted], complete: false };
  }
  return { ids: [...wanted], complete: true };
}

interface Sampled {
  readonly looked: number;
  readonly prompts: readonly {
    readonly promptTokens: number;
    readonly maxOutputTokens: number;
    /** The prompt of a review without the reply. */
    readonly reviewTokens: number;
  }[];
}

async function sample(
  ids: readonly string[],
  helpdesk: Helpdesk,
  { guidelines, maskPersonalData, knowledge, rules, reviewRoutes = null }: EstimateDeps,
  signal: AbortSignal,
): Promise<Sampled> {
  const step = Math.max(1, ids.length / SAMPLE);
  const chosen = Array.from(
    { length: Math.min(SAMPLE, ids.length) },
    (_, index) => ids[Math.floor(index * step)] ?? '',
  );
  const looks = await Promise.allSettled(chosen.map((id) => helpdesk.conversation(id, signal, 'batch')));
  // one ticket that is gone says nothing about the others; a helpdesk that answers nobody does
  const failed = looks.find((look) => look.status === 'rejected' && !isGone(look.reason));
  if (failed?.status === 'rejected' && looks.every((look) => look.status === 'rejected')) throw failed.reason;
  const prompts: Sampled['prompts'][number][] = [];
  for (const look of looks) {
    if (look.status === 'rejected' || look.value.unavailable !== null) continue;
    const { wish } = planTicket(rules?.() ?? NO_RULES, factsOf(helpdesk.name, look.value));
    if (wish === null) continue;
    const evidence = await findEvidence(look.value, helpdesk, knowledge);
    const { prompt, promptTokens } = buildPrompt(look.value, guidelines, maskPersonalData, { evidence, wish });
    const reviewTokens =
      reviewRoutes === null
        ? 0
        : buildPrompt(look.value, guidelines, maskPersonalData, { evidence, wish, asking: reviewing(NO_DRAFT) })
            .promptTokens;
    prompts.push({ promptTokens, maxOutputTokens: prompt.maxOutputTokens, reviewTokens });
  }
  return { looked: looks.length, prompts };
}

/** Known once tickets have been worked off. */
function workerDemand(average: AverageDraft | null, workers: number): readonly Demand[] {
  if (average === null || average.workerMs <= 0) return [];
  return [{ limit: 'workers', perMinute: (workers * 60_000) / average.workerMs, perTicket: 1 }];
}

function llmDemand({ routes }: EstimateDeps, { calls, charged, reviews, review }: LlmDemand): readonly Demand[] {
  const { budget } = routes.preferred;
  if (review === null) return limitsOf('llm', budget, calls, calls * charged);
  if (review.budget === budget) return limitsOf('llm', budget, calls + reviews, calls * charged + review.charged);
  return [
    ...limitsOf('llm', budget, calls, calls * charged),
    ...limitsOf(`llm:${review.model.model}`, review.budget, reviews, review.charged),
  ];
}

function limitsOf(name: string, budget: RateBudget, calls: number, tokens: number): readonly Demand[] {
  const { requestsPerMinute, tokensPerMinute } = budget.snapshot();
  return [
    { limit: `${name}.requests`, perMinute: requestsPerMinute, perTicket: calls },
    { limit: `${name}.tokens`, perMinute: tokensPerMinute, perTicket: tokens },
  ];
}

interface LlmDemand {
  /** Drafts and revisions of one ticket, on average. */
  readonly calls: number;
  /** Tokens that the limit counts of one of them. */
  readonly charged: number;
  readonly reviews: number;
  readonly review: ReviewDemand | null;
}

interface ReviewDemand extends ModelRoute {
  /** Of one ticket, on average. */
  readonly usage: TokenUsage;
  /** Tokens that its limit counts. */
  readonly charged: number;
}

/** What the reviews take. */
function reviewOf(
  { prompts }: Sampled,
  { completionTokens, share, ratio }: { completionTokens: number; share: number; ratio: number },
  { reviewRoutes = null }: EstimateDeps,
): ReviewDemand | null {
  if (reviewRoutes === null) return null;
  const { model, budget } = reviewRoutes.preferred;
  const reading = share * (ratio * (mean(prompts.map(({ reviewTokens }) => reviewTokens)) ?? 0) + completionTokens);
  const usage = { promptTokens: reading, cachedTokens: 0, completionTokens: share * USUAL_VERDICT_TOKENS };
  return { model, budget, usage, charged: reading + usage.completionTokens };
}

function addUsage(one: TokenUsage, other: TokenUsage): TokenUsage {
  return {
    promptTokens: one.promptTokens + other.promptTokens,
    cachedTokens: one.cachedTokens + other.cachedTokens,
    completionTokens: one.completionTokens + other.completionTokens,
  };
}

function helpdeskDemand({ helpdesk, post }: EstimateRequest): readonly Demand[] {
  const demand = helpdesk.demand();
  if (post === 'auto') return demand;
  return demand
    .map(({ perTicket, perNote, ...limit }) => ({ ...limit, perTicket: perTicket - perNote }))
    .filter(({ perTicket }) => perTicket > 0);
}

function mean(values: readonly number[]): number | null {
  return values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0) / values.length;
}

function isGone(error: unknown): boolean {
  return error instanceof UpstreamError && error.errorClass === 'gone';
}
