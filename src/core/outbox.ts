import type { BatchLane, BatchState, BatchStop, CreatedBatch, NewBatch } from './batch.ts';
import type { Erasure } from './erasure.ts';
import type { ErrorClass, SkipReason } from './errors.ts';
import type { Grounding } from './grounding.ts';
import type { ListedTicket, TicketEvent } from './helpdesk.ts';
import type { TokenUsage } from './language-model.ts';
import type { RulePlan } from './rules.ts';
import type { StoreFault } from './store-fault.ts';
import type { Draft, DraftReview, DraftVersions, Lane, TicketStatus } from './ticket.ts';

/**
 * A job goes through durable steps: buy the draft, post the note. Between them, where a REVIEW_MODEL is set: buy a review
 * of the draft, and where that asks for it one revision.
 */
export type Stage = 'draft' | 'review' | 'revise' | 'post';

/** What a try is recorded as: `query` is the try of a draft that asked a model what to look for (QUERY_MODEL). */
export type AttemptStage = Stage | 'query';

/** Those that every posted ticket goes through. */
export type MainStage = Extract<Stage, 'draft' | 'post'>;

/**
 * The fencing token. Every write a worker makes carries all three; if the job has been claimed again, cancelled or
 * taken over since, the write changes nothing and answers `lost`.
 */
export interface Claim {
  /** UUIDv7. */
  readonly jobId: string;
  /** Counts every claim of the job; never goes back. */
  readonly attempt: number;
  /** The process that claimed it. */
  readonly owner: string;
}

/** A draft that is stored and paid for. */
export interface StoredDraft extends Draft {
  readonly version: number;
  /** `Conversation.version` it was made from. */
  readonly conversationVersion: string;
  readonly seenMessageId: string | null;
}

/** What a worker gets with a claim: ids and the little it needs to start; texts are fetched. */
export interface ClaimedJob extends Claim {
  readonly helpdesk: string;
  readonly ticketId: string;
  readonly stage: Stage;
  readonly lane: Lane;
  readonly batchId: string | null;
  /** How its draft is bought. */
  readonly tier: BatchLane;
  /** 1-based: which try of this stage this is. */
  readonly stageAttempt: number;
  /** Failures of this stage that counted so far. */
  readonly failures: number;
  /** `dd-…`, the same in every try. */
  readonly marker: string;
  readonly traceparent: string;
  /** Steady ms: when the webhook (or batch) came. */
  readonly queuedAt: number;
  /** Steady ms since when a worker could have had it. */
  readonly readyAt: number;
  /** Steady ms when a write of this note was intended whose end is not known: it may have landed, or may yet. */
  readonly postIntendedAt: number | null;
  /** In all stages but `draft`: what to review, to revise or to post. */
  readonly draft: StoredDraft | null;
  /** The newest customer message an earlier, posted draft has seen, and that note's marker. */
  readonly earlier: { readonly seenMessageId: string | null; readonly marker: string } | null;
  /**
   * Nothing new since that draft means a repeated event, not new work: of the note before (`posted`), or of this job's
   * own draft, which is kept meanwhile (`own`).
   */
  readonly verify: { readonly against: 'posted' | 'own'; readonly seenMessageId: string | null } | null;
  readonly post: 'auto' | 'hold';
  /** What a model has said to look for, empty where it did not help; null: none was asked. */
  readonly query: string | null;
}

/** A worker's try, for the attempts list and the accounts. */
export interface AttemptTiming {
  /** Epoch ms, wall clock. */
  readonly startedAt: number;
  readonly durationMs: number;
  /** What the try has cost at the LLM, whether it brought a draft or not; null when it made no call. */
  readonly spent: Spent | null;
}

export interface Spent {
  readonly usage: TokenUsage;
  /** USD; null when the model's price is not known. */
  readonly costUsd: number | null;
  /** How long its calls have waited for the LLM's rate budget, ms. */
  readonly waitedMs: number;
}

export interface TicketFacts {
  readonly subject: string;
  readonly requesterId: string | null;
}

/** What it takes to finish a draft whose answer comes hours later: plain data, kept beside the job. */
export interface ConsignedContext {
  readonly conversationVersion: string;
  readonly seenMessageId: string | null;
  /** Steady ms, as in `drafted`. */
  readonly fetchedAt: number;
  /** Epoch ms, wall clock: when this try began. */
  readonly startedAt: number;
  /** `PreparedPrompt.knownText`. */
  readonly knownText: string;
  /** `PreparedPrompt.placeholders`: missing in what an earlier version has stored. */
  readonly placeholders?: Readonly<Record<string, string>> | null;
  /** What the model was shown of the team's knowledge. Missing as above; null: there is none. */
  readonly grounding?: Grounding | null;
  /** Missing as above. */
  readonly versions?: Omit<DraftVersions, 'model'>;
  /** What the rules came to before the model was asked. Missing as above. */
  readonly plan?: RulePlan;
  /** See `Draft.cut`. */
  readonly cut: string | null;
  /** The model that is asked. */
  readonly model: string;
  /** The most its draft can cost, USD: reserved until its result is stored; null when the price is not known. */
  readonly usd: number | null;
}

/** Of a try that a ticket can do without: why it brought nothing; null where it did, and for all others. */
export function optionalFailure(
  outcome: JobOutcome,
): { readonly errorClass: ErrorClass; readonly error: string } | null {
  return outcome.kind === 'reviewed' || outcome.kind === 'queried' ? outcome.failure : null;
}

/** What a try came to. The outbox turns it into the job's next state, in one write together with the attempt. */
export type JobOutcome =
  | {
      readonly kind: 'drafted';
      readonly draft: Draft;
      readonly conversationVersion: string;
      readonly seenMessageId: string | null;
      /** Steady ms when the conversation was fetched: events received before are in it. */
      readonly fetchedAt: number;
      readonly facts?: TicketFacts;
      /** `skip`: it is kept but not posted. */
      readonly next: 'review' | 'post' | 'hold' | 'skip';
      /** With `skip`: why. Default `no_draft`. */
      readonly reason?: SkipReason;
      /** With `review`: what is left of it in the end waits for its release, whatever its batch says. */
      readonly hold?: boolean;
    }
  /** The draft was judged, or goes on without that. The revised one is `drafted` again. */
  | {
      readonly kind: 'reviewed';
      /** Kept with the draft; null: what it has stays. */
      readonly review: DraftReview | null;
      /** Why the step brought nothing; null when it did. */
      readonly failure: { readonly errorClass: ErrorClass; readonly error: string } | null;
      readonly facts?: TicketFacts;
      readonly next: 'revise' | 'post' | 'hold';
    }
  /** What to look for is known: the draft is next. */
  | {
      readonly kind: 'queried';
      readonly words: string;
      /** Why the model was of no help; null when it was. */
      readonly failure: { readonly errorClass: ErrorClass; readonly error: string } | null;
      readonly facts: TicketFacts;
    }
  | { readonly kind: 'posted'; readonly noteId: string; readonly facts?: TicketFacts }
  | {
      readonly kind: 'skipped';
      readonly reason: SkipReason;
      /** The rule that has kept it back, if one has. */
      readonly rule?: string | null;
      readonly facts?: TicketFacts;
    }
  /** Its draft is bought in a consignment: the job waits for the result, no attempt is recorded yet. */
  | {
      readonly kind: 'consigned';
      readonly consignment: string;
      readonly context: ConsignedContext;
      readonly facts: TicketFacts;
    }
  /** Nothing new to answer: the ticket shows its earlier status again, or this job's own draft stands. */
  | { readonly kind: 'duplicate' }
  /** The customer wrote again before the note was posted: back to drafting. */
  | { readonly kind: 'outdated' }
  | {
      readonly kind: 'retry';
      readonly delayMs: number;
      readonly countsAsAttempt: boolean;
      /** In stage `post`: a write of ours may have landed or may yet. False forgets the intent. */
      readonly postInDoubt: boolean;
      readonly errorClass: ErrorClass;
      readonly error: string;
      readonly facts?: TicketFacts;
    }
  | {
      readonly kind: 'dead';
      readonly errorClass: ErrorClass;
      readonly error: string;
      /** A note is there all the same, and somebody must look at it. */
      readonly noteId?: string;
      readonly facts?: TicketFacts;
    };

/**
 * `ok` written · `lost` the claim was no longer ours, nothing written · `superseded` written, but a newer customer
 * reply had joined meanwhile: the draft is kept as a version and the job is queued for a fresh one.
 */
export type ReportResult = 'ok' | 'lost' | 'superseded';

export interface IngestRequest {
  readonly helpdesk: string;
  readonly event: TicketEvent;
  /** W3C traceparent of the webhook. */
  readonly traceparent: string;
}

/** Who gets work without a webhook: from a batch, or found by a sweep. */
export interface WorkOrigin {
  readonly helpdesk: string;
  readonly ticketId: string;
  readonly batchId: string | null;
}

/** `joined`: new, but work for the ticket was waiting already and takes it along. */
export type IngestResult = 'accepted' | 'joined' | 'duplicate' | 'full';

/** Where work may be taken from now, and how much of it. The pool offers only what it can start. */
export interface ClaimOffer {
  readonly stage: Stage;
  readonly helpdesk: string;
  readonly limit: number;
  /** False: only live tickets. */
  readonly batches: boolean;
  /** In stage `draft`: how many of them may be of the economy lane, to be consigned. Default 0. */
  readonly economy?: number;
}

export interface Pause {
  /** `all`, `llm`, or a helpdesk's name. */
  readonly scope: string;
  readonly reason: string;
  readonly errorClass: ErrorClass | null;
  /** Epoch ms. */
  readonly since: number;
}

/**
 * The durable queue: port between the pool, the webhooks and whatever stores them. Every method is one atomic write,
 * on the disk when it resolves; no transaction crosses the port. All reject with `OutboxUnavailable` when the store
 * refuses (disk full, I/O error): nothing has changed then.
 */
export interface MissedResult {
  readonly found: number;
  readonly refused: number;
}

export interface Outbox {
  /** Stores an event and its work. The answer to the vendor waits for it. */
  ingest(request: IngestRequest): Promise<IngestResult>;
  /**
   * Hands out due jobs, live before batch, `post` before `revise`, `review` and `draft`; live ones by priority, then oldest first; of batches
   * that run, the oldest batch first. At most `limit` in all and each offer's limit. The claims are leased for `leaseMs`.
   */
  claim(offers: readonly ClaimOffer[], limit: number): Promise<ClaimedJob[]>;
  /** Extends the leases; answers the claims that are no longer ours. */
  heartbeat(claims: readonly Claim[]): Promise<Claim[]>;
  /**
   * Records that the note is about to be written. False when the claim is lost: then do not write.
   * `lookedAt` (steady ms): the last look at the conversation; events received before it were in it.
   */
  intendPost(claim: Claim, lookedAt: number): Promise<boolean>;
  /**
   * Is the claim ours at this very moment? Asked when a note that has waited for its turn is about to leave: the process
   * may have slept since its intent. False when the store cannot tell.
   */
  holds(claim: Claim): boolean;
  /** Ends a try: next state, attempt record, draft or note id, in one write. */
  report(claim: Claim, outcome: JobOutcome, timing: AttemptTiming): Promise<ReportResult>;
  /** Makes jobs of dead processes claimable again; answers how many. */
  reclaimExpired(): Promise<number>;
  /** True: an earlier life, with a REVIEW_MODEL, has left drafts in stage `review` or `revise`. */
  readonly hasReviews: boolean;

  /** A dead, cancelled or skipped ticket goes back to work. `conflict` when it is in another status. */
  retryTicket(helpdesk: string, ticketId: string): Promise<TicketActionResult>;
  /** A held draft is released for posting. */
  releaseTicket(helpdesk: string, ticketId: string): Promise<TicketActionResult>;
  /** Revives dead tickets; answers how many. */
  retryDead(filter: { readonly ticketIds?: readonly string[]; readonly errorClass?: string }): Promise<number>;

  /**
   * Stores a batch and all its tickets; work begins while it still does so. Should the store refuse in the middle, the
   * batch is there, the rest is left to `tendBatches`, and the answer counts what is stored so far.
   */
  createBatch(batch: NewBatch): Promise<CreatedBatch>;
  /** One page of a batch's source: its tickets and where the walk goes on (null: it is over). */
  addToBatch(batchId: string, ticketIds: readonly string[], nextCursor: string | null): Promise<void>;
  /** Stops the batch: no claim after this, running work is void. Null when there is no such batch. */
  cancelBatch(batchId: string): Promise<CancelledBatch | null>;
  /** `stop`: why, when nobody did it by hand. In-flight work finishes. */
  pauseBatch(batchId: string, stop: BatchStop | null): Promise<BatchActionResult>;
  /** Goes on where it paused or was cancelled. */
  resumeBatch(batchId: string): Promise<BatchActionResult>;
  /** Revives dead and cancelled tickets, or the dead ones of one class. */
  retryBatch(batchId: string, errorClass: ErrorClass | null): Promise<BatchActionResult>;
  /** Posts what is held as `drafted` now, from a confidence on. */
  releaseBatch(batchId: string, minConfidence: number | null): Promise<BatchActionResult>;
  /**
   * Carries out, slice by slice, what was decided about batches: their tickets stored, cancelled, let go, revived,
   * released. Resolves when nothing is left; called again after a restart, it goes on.
   */
  tendBatches(): Promise<void>;
  /**
   * Of tickets that a helpdesk lists as changed: stores work for those whose webhook never came. Answers for how many,
   * and how many found the outbox full and are to be brought again.
   */
  ingestMissed(helpdesk: string, listed: readonly ListedTicket[]): Promise<MissedResult>;

  /**
   * Removes the texts of work that has been over since before `before` (epoch ms), slice by slice. Answers how many rows
   * it has gone through. When the signal aborts, the rest waits for the next call.
   */
  removeTexts(before: number, signal: AbortSignal): Promise<number>;
  /**
   * Removes what is known of one person, slice by slice, and ends the work on that person's tickets. What is under way
   * can bring no text of them any more.
   */
  eraseRequester(helpdesk: string, requesterId: string): Promise<Erasure>;

  /**
   * Does what was left for a quiet moment: rewrites the store's file, so that no byte of removed texts is left in it.
   * Others wait meanwhile.
   */
  tidy(): Promise<void>;

  setPause(pause: Pause): Promise<void>;
  clearPause(scope: string): Promise<boolean>;
  pauses(): readonly Pause[];

  /** Why nothing can be written now, as far as is known; null when all is well. */
  storeFault(): StoreFault | null;
  /** Finds out, by writing something small. While there is a fault this is done once a second without being asked. */
  checkStore(): StoreFault | null;

  /** Calls back after a batch has come to another state, on the disk. Answers the removal. */
  onBatch(callback: (change: BatchChange) => void): () => void;
  /** Calls back, soon after, when there may be work. A hint: polling is the truth. Answers the removal. */
  onWake(callback: () => void): () => void;
  /** The process is about to end and wants to: what it has in hand then has not killed it. Never rejects. */
  leave(): Promise<void>;
  close(): Promise<void>;
}

/** `cancelling` while notes that are being written arrive, else `cancelled` (or `completed` before). */
export interface CancelledBatch {
  readonly state: BatchState;
  /** Were running: to be aborted now, they can write nothing any more. */
  readonly running: readonly Claim[];
  /** Are writing their note: to be let finish for a moment. */
  readonly posting: readonly Claim[];
}

/** A batch in its new state; `reason` says why it is paused when nobody did it by hand. */
export interface BatchChange {
  readonly batchId: string;
  readonly state: BatchState;
  readonly total: number;
  readonly reason: string | null;
  /** Epoch ms. */
  readonly createdAt: number;
}

/** What became of an operator's wish; `conflict` names the state that does not allow it. */
export type BatchActionResult =
  | { readonly kind: 'ok' }
  | { readonly kind: 'unknown' }
  | { readonly kind: 'conflict'; readonly state: BatchState };

export type TicketActionResult =
  | { readonly kind: 'ok' }
  | { readonly kind: 'unknown' }
  | { readonly kind: 'conflict'; readonly status: TicketStatus };

/** The store refuses to write. Callers answer 503 and try again later. */
export class OutboxUnavailable extends Error {
  override readonly name = 'OutboxUnavailable';
}

/**
 * For what is left of something that is decided and on the disk: that the store refuses now does not undo it, and who
 * asked must not ask twice. The pool tends batches again once a second.
 */
export function leaveToLater(error: unknown): void {
  if (!(error instanceof OutboxUnavailable)) throw error;
}
