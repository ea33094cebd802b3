import { isOver } from './batch.ts';
import type { Clock } from './clock.ts';
import { etaSeconds } from './eta.ts';
import type { Helpdesk } from './helpdesk.ts';
import { everyRoute, type ModelRoutes } from './model-routes.ts';
import type { Pause } from './outbox.ts';
import type { RateBudget } from './rate-budget.ts';
import { ALL_TICKETS, type PaceMeter } from './pace-meter.ts';
import type { RateMeter } from './rate-meter.ts';
import type { BatchProgress, LlmLimit, Memory, Progress } from './service-control.ts';
import { BATCH_DRAFTS } from './spend-guard.ts';
import type { Totals } from './tally.ts';
import { isFinal, TICKET_STATUSES } from './ticket.ts';
import { type BatchSummary, countPending, type StatusCounts, type TicketReader } from './ticket-reader.ts';

export interface ProgressParts {
  readonly reader: TicketReader;
  readonly helpdesks: ReadonlyMap<string, Helpdesk>;
  readonly routes: ModelRoutes;
  /** Of the model that judges drafts, where there is one. */
  readonly reviewRoutes?: ModelRoutes | null;
  readonly meter: RateMeter;
  readonly pace: Pick<PaceMeter, 'read'>;
  readonly pauses: () => readonly Pause[];
  readonly workers: () => { readonly busy: number; readonly total: number };
  readonly clock: Clock;
  readonly totals: () => Totals;
  readonly memory: () => Memory;
}

/** `GET /admin/progress`. */
export function readProgress(parts: ProgressParts): Progress {
  const counts = parts.reader.counts();
  const pauses = parts.pauses();
  const paused = pauses.some(({ scope }) => scope === 'all');
  // of several helpdesks it is not counted how many tickets each has
  const only = parts.helpdesks.size === 1 ? [...parts.helpdesks.values()] : [];
  const demand = only.flatMap((helpdesk) => helpdesk.demand());
  const pace = parts.pace.read(ALL_TICKETS);
  return {
    paused,
    pauses: pauses.map(({ scope, reason, since }) => ({ scope, reason, since: new Date(since).toISOString() })),
    counts,
    total: sumOf(counts, () => true),
    ratePerMinute: parts.meter.perMinute(ALL_TICKETS),
    etaSeconds: paused && countPending(counts) > 0 ? null : etaSeconds({ counts, post: 'auto', pace, demand }),
    oldestQueuedSeconds: parts.reader.oldestQueuedSeconds(),
    workers: parts.workers(),
    limits: readLimits(parts),
    sinceStart: parts.totals(),
    memory: parts.memory(),
  };
}

/** `GET /admin/batches/{id}`. */
export function readBatchProgress(summary: BatchSummary, parts: ProgressParts): BatchProgress {
  const { counts, total, spent } = summary;
  const settled = sumOf(counts, isFinal);
  const processed = settled + counts.drafted;
  const failed = counts.dead;
  const begun = total - counts.queued - counts.drafting - counts.retrying;
  const over = isOver(summary);
  const standing = summary.state === 'paused' || parts.pauses().some(({ scope }) => scope === 'all');
  const pace = parts.pace.read(summary.id);
  const demand = parts.helpdesks.get(summary.helpdesk)?.demand() ?? [];
  return {
    ...summary,
    processed,
    succeeded: processed - failed - counts.cancelled,
    failed,
    errorRate: processed === 0 ? 0 : failed / processed,
    ratePerMinute: parts.meter.perMinute(summary.id),
    etaSeconds: over ? 0 : standing ? null : etaSeconds({ ...summary, pace, demand }),
    spent: { ...spent, forecastUsd: begun <= 0 ? null : (spent.costUsd * total) / begun },
    errors: parts.reader.batchErrors(summary.id),
    waitingFor: over ? [] : waitingFor(summary, parts),
    limits: readLimits(parts),
  };
}

/** From this share of a limit on, what waits is said to wait for it. */
const NEARLY_USED = 0.9;

/** Why it does not go faster, in the words of the settings and the pauses. */
function waitingFor(
  { state, reason, helpdesk, counts, lane, listing, economy }: BatchSummary,
  parts: ProgressParts,
): string[] {
  if (state === 'paused') return [`paused: ${reason ?? 'by an operator'}`];
  const found: string[] = [];
  for (const { scope, reason: why } of parts.pauses()) {
    if (['all', 'llm', BATCH_DRAFTS, helpdesk].includes(scope)) found.push(`${scope}: ${why}`);
  }
  const { requestsPerMinute, tokensPerMinute, usedRequests, usedTokens, waiting, pausedUntil } =
    parts.routes.preferred.budget.snapshot();
  const drafts = counts.queued + counts.drafting + counts.retrying > 0;
  if (pausedUntil !== null) found.push('llm: asks us to wait');
  else if (drafts && waiting > 0) {
    const tight = [
      ...(usedRequests >= requestsPerMinute * NEARLY_USED ? ['llm.requests'] : []),
      ...(usedTokens >= tokensPerMinute * NEARLY_USED ? ['llm.tokens'] : []),
    ];
    found.push(
      ...(tight.length > 0
        ? tight
        : [usedRequests / requestsPerMinute > usedTokens / tokensPerMinute ? 'llm.requests' : 'llm.tokens']),
    );
  }
  const desk = parts.helpdesks.get(helpdesk);
  const calls = desk?.limits();
  if (calls !== undefined && calls.usedRequests >= calls.requestsPerMinute * NEARLY_USED)
    found.push(`${helpdesk}.requests`);
  if (counts.posting > 0 && desk?.room() === 0) found.push(`${helpdesk}.updates`);
  if (lane === 'economy' && drafts) {
    const { sent = 0, done = 0 } = economy ?? {};
    found.push(
      sent > done ? `the provider's Batch API: ${done} of ${sent} batches done` : 'the economy lane: within a day',
    );
  }
  if (state === 'canary') found.push('the canary: its first tickets are judged before more begin');
  if (listing && counts.queued === 0) found.push(`the list of tickets at ${helpdesk}`);
  const { busy, total } = parts.workers();
  if (found.length === 0 && drafts && busy >= total) found.push('workers');
  return found;
}

function readLimits(parts: ProgressParts): Progress['limits'] {
  const limits: Record<string, Progress['limits'][string]> = {};
  for (const { model, budget } of everyRoute(parts.routes, parts.reviewRoutes)) {
    const name = model === parts.routes.preferred.model ? 'llm' : `llm:${model.model}`;
    limits[name] = llmLimit(budget, parts.clock);
  }
  for (const [name, helpdesk] of parts.helpdesks) limits[name] = helpdesk.limits();
  return limits;
}

function llmLimit(budget: RateBudget, clock: Clock): LlmLimit {
  const { requestsPerMinute, tokensPerMinute, usedRequests, usedTokens, pausedUntil } = budget.snapshot();
  const paused = pausedUntil !== null && pausedUntil > clock.now();
  return {
    requestsPerMinute,
    tokensPerMinute,
    usedRequests,
    usedTokens,
    pausedUntil: paused ? new Date(pausedUntil).toISOString() : null,
  };
}

function sumOf(counts: StatusCounts, wanted: (status: (typeof TICKET_STATUSES)[number]) => boolean): number {
  return TICKET_STATUSES.filter(wanted).reduce((sum, status) => sum + counts[status], 0);
}
