import type { Clock } from './clock.ts';
import type { Helpdesk } from './helpdesk.ts';
import type { Pause } from './outbox.ts';
import type { RateBudget } from './rate-budget.ts';
import type { RateMeter } from './rate-meter.ts';
import type { BatchProgress, LlmLimit, Memory, Progress } from './service-control.ts';
import type { Totals } from './tally.ts';
import { isFinal, TICKET_STATUSES } from './ticket.ts';
import type { BatchSummary, StatusCounts, TicketReader } from './ticket-reader.ts';

/** The name under which the meter counts tickets of all batches together. */
export const ALL_TICKETS = '';

export interface ProgressParts {
  readonly reader: TicketReader;
  readonly helpdesks: ReadonlyMap<string, Helpdesk>;
  readonly budget: RateBudget;
  readonly meter: RateMeter;
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
  const ratePerMinute = parts.meter.perMinute(ALL_TICKETS);
  const limits: Record<string, Progress['limits'][string]> = { llm: llmLimit(parts.budget, parts.clock) };
  for (const [name, helpdesk] of parts.helpdesks) limits[name] = helpdesk.limits();
  return {
    paused: pauses.some(({ scope }) => scope === 'all'),
    pauses: pauses.map(({ scope, reason, since }) => ({ scope, reason, since: new Date(since).toISOString() })),
    counts,
    total: sumOf(counts, () => true),
    ratePerMinute,
    etaSeconds: eta(
      sumOf(counts, (status) => !isFinal(status) && status !== 'drafted'),
      ratePerMinute,
    ),
    oldestQueuedSeconds: parts.reader.oldestQueuedSeconds(),
    workers: parts.workers(),
    limits,
    sinceStart: parts.totals(),
    memory: parts.memory(),
  };
}

/** `GET /admin/batches/{id}`. */
export function readBatchProgress(summary: BatchSummary, meter: RateMeter): BatchProgress {
  const { counts, total } = summary;
  const settled = sumOf(counts, isFinal);
  const processed = settled + counts.drafted;
  const failed = counts.dead;
  const ratePerMinute = meter.perMinute(summary.id);
  return {
    ...summary,
    processed,
    succeeded: processed - failed - counts.cancelled,
    failed,
    errorRate: processed === 0 ? 0 : failed / processed,
    ratePerMinute,
    etaSeconds: eta(total - processed, ratePerMinute),
  };
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

function eta(left: number, ratePerMinute: number): number | null {
  if (left === 0) return 0;
  return ratePerMinute === 0 ? null : Math.ceil((left * 60) / ratePerMinute);
}
