import type { BatchLane, BatchState, Canary } from './batch.ts';
import type { ErrorClass } from './errors.ts';
import type { TicketFilter } from './helpdesk.ts';
import type { MainStage } from './outbox.ts';
import type { Accounts } from './spend-guard.ts';
import type { DraftSource, DraftVersions, TicketDetail, TicketStatus, TicketSummary } from './ticket.ts';
import type { TicketStory } from './ticket-story.ts';

export type StatusCounts = Readonly<Record<TicketStatus, number>>;

/** Tickets that a worker would still touch. */
export function countPending({ queued, drafting, retrying, posting }: StatusCounts): number {
  return queued + drafting + retrying + posting;
}

export interface TicketQuery {
  readonly status?: TicketStatus;
  readonly helpdesk?: string;
  readonly batchId?: string;
  /**
   * How a ticket's id starts, with `#` or without, or words: all of them are in the subject, in any case, also as parts
   * of words. First come those found by the id, in the order of helpdesks and ids.
   */
  readonly search?: string;
  /** With status `dead` or `retrying`: of what. */
  readonly errorClass?: ErrorClass;
  /** 1 … 500. */
  readonly limit: number;
  /** From an earlier answer. A cursor that is not ours throws `RequestError('malformed')`. */
  readonly cursor?: string;
}

export interface Page<T> {
  readonly items: readonly T[];
  readonly nextCursor: string | null;
}

export interface BatchSummary {
  readonly id: string;
  readonly name: string | null;
  readonly helpdesk: string;
  readonly state: BatchState;
  /** Why it is paused, a sentence; null when a person did it. */
  readonly reason: string | null;
  readonly errorClass: ErrorClass | null;
  /** So far, while a filter is still walked. */
  readonly total: number;
  readonly counts: StatusCounts;
  readonly post: 'auto' | 'hold';
  readonly lane: BatchLane;
  readonly budgetUsd: number | null;
  readonly skippedDrafted: number;
  readonly filter: TicketFilter | null;
  /** True: the helpdesk's list goes on. */
  readonly listing: boolean;
  /** `target`: how many tickets may have begun; null when all may. */
  readonly canary: (Canary & { readonly target: number | null }) | null;
  /** Paid so far, USD; calls of unknown price count nothing. */
  readonly spent: { readonly promptTokens: number; readonly completionTokens: number; readonly costUsd: number };
  /** Null where nothing was sent to the provider's Batch API. */
  readonly economy: EconomyState | null;
  /** Epoch ms. */
  readonly createdAt: number;
  readonly finishedAt: number | null;
}

/** How far the provider's Batch API is with the drafts of a batch. */
export interface EconomyState {
  /** Consignments that were sent, and those of them whose results are stored. */
  readonly sent: number;
  readonly done: number;
  /** Tickets in all that were sent. */
  readonly lines: number;
}

/** What goes wrong in all of the outbox now, by class. */
export interface Failing {
  readonly errorClass: ErrorClass;
  readonly dead: number;
  readonly retrying: number;
}

/** What goes wrong in a batch: tickets that are dead or wait for another try, by class. */
export interface BatchError {
  readonly errorClass: ErrorClass;
  readonly count: number;
  readonly example: { readonly ticketId: string; readonly error: string | null };
}

/** A batch whose tickets still arrive. */
export interface BatchWalk {
  readonly batchId: string;
  readonly helpdesk: string;
  readonly filter: TicketFilter;
  readonly cursor: string | null;
  /** Its tickets that nobody has begun. */
  readonly waiting: number;
}

/** One line of `results.ndjson`. */
export interface BatchResult {
  readonly id: string;
  readonly status: TicketStatus;
  readonly draft: string | null;
  readonly error: string | null;
  readonly attempts: number;
  /** From the start of the first attempt to the end of the last. */
  readonly durationMs: number;
  readonly sources: readonly DraftSource[];
  readonly unproven: readonly string[];
  readonly versions: DraftVersions | null;
  /** Epoch ms; then draft and error are gone. */
  readonly textRemovedAt: number | null;
}

export interface AverageDraft {
  readonly promptTokens: number;
  readonly completionTokens: number;
  /** How long a worker had the ticket, both stages together, ms. */
  readonly workerMs: number;
}

/** What everybody may look up. Reads only; never holds a read transaction across an await. */
export interface TicketReader extends Accounts {
  counts(): StatusCounts;
  /** Seconds the oldest waiting ticket has waited; 0 when none waits. */
  oldestQueuedSeconds(): number;
  tickets(query: TicketQuery): Page<TicketSummary>;
  ticket(helpdesk: string, ticketId: string): TicketDetail | null;
  /** Its newest rounds of work and drafts; null for a ticket that is not known. */
  story(helpdesk: string, ticketId: string): TicketStory | null;
  batches(limit: number, cursor?: string): Page<BatchSummary>;
  batch(id: string): BatchSummary | null;
  /** When the newest webhook (or find of a sweep) came, epoch ms; null when none has. */
  lastEventAt(helpdesk: string): number | null;
  /** Classes of what goes wrong now, those with the most dead tickets first. */
  failing(): readonly Failing[];
  /** Classes of what goes wrong, most frequent first. */
  batchErrors(id: string): readonly BatchError[];
  /** Batches that run and whose list goes on, oldest first. */
  walks(): readonly BatchWalk[];
  /** Tickets of running batches that wait for a worker in this stage, in the order they are handed out. */
  upcoming(helpdesk: string, stage: MainStage, limit: number): readonly string[];
  /** Which of these tickets a new batch would take: not those with live work, nor (if wanted) with a current draft. */
  takeable(helpdesk: string, ticketIds: readonly string[], skipDrafted: boolean): readonly string[];
  /** What the newest drafts took on average; null when there are none yet. */
  averageDraft(): AverageDraft | null;
  /** Page by page, so that a reader of 10,000 lines holds up nobody. */
  batchResults(id: string, afterTicket: string | null, limit: number): readonly BatchResult[];
}
