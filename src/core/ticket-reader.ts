import type { BatchState } from './outbox.ts';
import type { TicketDetail, TicketStatus, TicketSummary } from './ticket.ts';

export type StatusCounts = Readonly<Record<TicketStatus, number>>;

export interface TicketQuery {
  readonly status?: TicketStatus;
  readonly helpdesk?: string;
  readonly batchId?: string;
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
  readonly total: number;
  readonly counts: StatusCounts;
  /** Epoch ms. */
  readonly createdAt: number;
  readonly finishedAt: number | null;
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
}

/** What everybody may look up. Reads only; never holds a read transaction across an await. */
export interface TicketReader {
  counts(): StatusCounts;
  /** Seconds the oldest waiting ticket has waited; 0 when none waits. */
  oldestQueuedSeconds(): number;
  tickets(query: TicketQuery): Page<TicketSummary>;
  ticket(helpdesk: string, ticketId: string): TicketDetail | null;
  batches(limit: number, cursor?: string): Page<BatchSummary>;
  batch(id: string): BatchSummary | null;
  /** Page by page, so that a reader of 10,000 lines holds up nobody. */
  batchResults(id: string, afterTicket: string | null, limit: number): readonly BatchResult[];
  /** Throws when the store cannot be written now; part of `/readyz`. */
  assertWritable(): void;
}
