import type { Claim } from './outbox.ts';

/** What was removed of one person. Ids of tickets, statuses, counters and the keys of events stay. */
export interface Erasure {
  /** Tickets that were this person's; they name nobody any more. */
  readonly tickets: number;
  readonly drafts: number;
  /** Of the knowledge base: what they asked and what they were answered. */
  readonly solved: number;
  /** Error texts of tries. */
  readonly errors: number;
  /** Days on which this person's spending was kept. */
  readonly spendingDays: number;
  /** Tickets whose work was ended: `cancelled`, reason `erased`. */
  readonly cancelled: number;
  /** What is out of our hands. */
  readonly notes: number;
  readonly posting: number;
  /** Tickets whose prompt lies in a file at the LLM's provider until its batch is done. */
  readonly atProvider: number;
  /** False: copies may lie in unused parts of the database's file until that is rewritten in a quiet moment. */
  readonly filesCleaned: boolean;
  /** Were running: to be aborted now, they can write nothing any more. */
  readonly running: readonly Claim[];
}
