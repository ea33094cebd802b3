import type { BatchState } from './batch.ts';
import type { ClaimedJob, ConsignedContext } from './outbox.ts';

/** Drafts of one batch that go to the provider's Batch API together. */
export interface Consignment {
  /** Ours; the provider keeps it with what it was sent. */
  readonly key: string;
  readonly batchId: string;
  readonly batchState: BatchState;
  /** Null until it is known that the provider has it. */
  readonly providerId: string | null;
  /** Epoch ms: since then the provider may have it. Null: nothing was sent. */
  readonly sendingAt: number | null;
}

/** A job whose draft is on its way, and what finishing it takes. */
export interface ConsignedJob {
  /** Its claim fences the result: it is void once the job was cancelled or has become a live one. */
  readonly job: ClaimedJob;
  readonly context: ConsignedContext;
}

/**
 * What is known of consignments: they outlive the process. Made by the first `consigned` outcome that names them;
 * reporting a result ends the wait of its job. Writes are atomic and reject with `OutboxUnavailable`.
 */
export interface Consignments {
  /** Those that are not over, oldest first. */
  open(): readonly Consignment[];
  /**
   * To be asked right before sending: the ids of the jobs that still belong to it. Null when its batch does not run
   * (any more): nothing may be sent then.
   */
  begin(key: string): Promise<readonly string[] | null>;
  /** The provider has it. */
  sent(key: string, providerId: string): Promise<void>;
  /** Jobs that wait for a result: these of them. */
  waiting(key: string, jobIds: readonly string[]): readonly ConsignedJob[];
  /** Some of all that wait, behind the job `after`, in the order of their ids. */
  waitingAfter(key: string, after: string, limit: number): readonly ConsignedJob[];
  /** It is over, and nobody waits for it any more. False while somebody does: nothing has changed then. */
  close(key: string): Promise<boolean>;
}
