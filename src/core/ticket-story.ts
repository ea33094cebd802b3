import type { StoredDraft } from './outbox.ts';
import type { AttemptRecord, TicketSummary } from './ticket.ts';

/** A try as the accounts know it. */
export interface CostedAttempt extends AttemptRecord {
  /** Null where no call to the LLM was made. */
  readonly promptTokens: number | null;
  readonly completionTokens: number | null;
  /** USD; null where no call was made or the model's price is not known. */
  readonly costUsd: number | null;
}

/** One round of work on a ticket, from what brought it to its end; a later reply of the customer begins another. */
export interface TicketRound extends Pick<
  TicketSummary,
  'status' | 'reason' | 'batchId' | 'createdAt' | 'updatedAt' | 'errorClass' | 'error' | 'noteId' | 'traceId'
> {
  readonly id: string;
  /** `dd-…` of its note. */
  readonly marker: string;
  /** Oldest first; of very many the newest. */
  readonly attempts: readonly CostedAttempt[];
}

export interface DraftVersion extends StoredDraft {
  /** Of the round that it was made in. */
  readonly roundId: string;
  /** Epoch ms. */
  readonly createdAt: number;
}

/** How a ticket came to where it is; oldest first, of very many the newest. */
export interface TicketStory {
  readonly rounds: readonly TicketRound[];
  /** Without those whose text has been removed. */
  readonly drafts: readonly DraftVersion[];
}
