import type { Erasure } from './erasure.ts';
import type { LimitSnapshot } from './helpdesk.ts';
import type { Totals } from './tally.ts';
import type { CreatedBatch, NewBatch } from './batch.ts';
import type { Estimate } from './estimate.ts';
import type { BatchError, BatchSummary, StatusCounts } from './ticket-reader.ts';

/** `GET /admin/progress`, one to one. */
export interface Progress {
  readonly paused: boolean;
  /** Why work stands still, per scope (`all`, `llm`, a helpdesk's name). */
  readonly pauses: readonly { readonly scope: string; readonly reason: string; readonly since: string }[];
  readonly counts: StatusCounts;
  readonly total: number;
  /** Tickets that reached a final status in the last minute. */
  readonly ratePerMinute: number;
  /** Null when it cannot be told: nothing moves. */
  readonly etaSeconds: number | null;
  readonly oldestQueuedSeconds: number;
  readonly workers: { readonly busy: number; readonly total: number };
  readonly limits: Readonly<Record<string, LimitSnapshot | LlmLimit>>;
  /** Of this process. */
  readonly sinceStart: Totals;
  readonly memory: Memory;
}

export interface Memory {
  /** Resident set of the process, MB (10^6 bytes), now and at its highest. */
  readonly rssMb: number;
  readonly peakRssMb: number;
}

export interface LlmLimit {
  readonly requestsPerMinute: number;
  readonly tokensPerMinute: number;
  readonly usedRequests: number;
  readonly usedTokens: number;
  /** ISO 8601. */
  readonly pausedUntil: string | null;
}

export interface BatchProgress extends Omit<BatchSummary, 'spent'> {
  /** In a final status, or drafted and held. */
  readonly processed: number;
  /** posted, accepted, edited, discarded, skipped, and drafted in a held batch. */
  readonly succeeded: number;
  /** dead. */
  readonly failed: number;
  /** failed / processed; 0 while nothing is. */
  readonly errorRate: number;
  readonly ratePerMinute: number;
  readonly etaSeconds: number | null;
  /** `forecastUsd`: of the whole batch; null while nothing is drafted. */
  readonly spent: BatchSummary['spent'] & { readonly forecastUsd: number | null };
  readonly errors: readonly BatchError[];
  /** What it waits for now: a limit (`llm.tokens`, `zendesk.updates`), `workers`, a pause (`paused: …`), `budget`, … */
  readonly waitingFor: readonly string[];
  readonly limits: Progress['limits'];
}

export interface Readiness {
  readonly ready: boolean;
  /** `ok`, or a sentence that says what is wrong: `database`, `workers`, `llm`, one per helpdesk. */
  readonly checks: Readonly<Record<string, string>>;
}

/** What the HTTP side may do with the running service besides reading and writing the outbox. */
export interface ServiceControl {
  progress(): Progress;
  batchProgress(id: string): BatchProgress | null;
  readiness(): Promise<Readiness>;
  /** Stop taking work; in-flight work finishes. Durable. */
  pause(): Promise<void>;
  /** Go on, also where a bad credential or quota had stopped one scope. */
  resume(): Promise<void>;
  /**
   * Starts a batch; of a filter the first page is fetched before anything is stored. Throws what the helpdesk throws.
   */
  startBatch(batch: NewBatch): Promise<CreatedBatch>;
  /** What it would take. Asks the helpdesk, not the LLM; stores nothing. Throws what the helpdesk throws. */
  estimateBatch(batch: NewBatch): Promise<Estimate>;
  /** False when `budgetUsd` cannot be kept because the price of a model that may be used is not known. */
  canPrice(): boolean;
  /** Cancels a batch and aborts its calls in flight; null when there is no such batch. */
  cancelBatch(id: string): Promise<BatchProgress | null>;
  /** Removes what is known of one person, and aborts the calls in flight for that person's tickets. */
  eraseRequester(helpdesk: string, requesterId: string): Promise<Erasure>;
  /** True from the first signal to stop: webhooks get 503 then. */
  stopping(): boolean;
}
