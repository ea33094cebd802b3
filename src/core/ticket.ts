/** What anyone can look up about a ticket (INTERFACE.md). */
export const TICKET_STATUSES = [
  'queued',
  'drafting',
  'drafted',
  'posting',
  'posted',
  'accepted',
  'edited',
  'discarded',
  'retrying',
  'skipped',
  'dead',
  'cancelled',
] as const;

export type TicketStatus = (typeof TICKET_STATUSES)[number];

/** `live`: somebody waits for this ticket, a webhook is behind it; goes before `batch` at every stage. */
export type Lane = 'live' | 'batch';

/** What helpdesks call priority, highest first: among live tickets the order of work. */
export const PRIORITIES = ['urgent', 'high', 'normal', 'low'] as const;

export type Priority = (typeof PRIORITIES)[number];

/** Work on these tickets is over; only a new customer reply or an operator starts it again. */
const FINAL = new Set<TicketStatus>(['posted', 'accepted', 'edited', 'discarded', 'skipped', 'dead', 'cancelled']);

export function isFinal(status: TicketStatus): boolean {
  return FINAL.has(status);
}

/**
 * Which status may follow which. The outbox is the only writer; `test/house.test.ts` holds the diagram in README
 * against this table.
 */
export const TRANSITIONS: Readonly<Record<TicketStatus, readonly TicketStatus[]>> = {
  queued: ['drafting', 'posting', 'cancelled'],
  drafting: ['posting', 'drafted', 'posted', 'retrying', 'queued', 'skipped', 'dead', 'cancelled'],
  drafted: ['posting', 'queued', 'cancelled'],
  posting: ['posted', 'retrying', 'queued', 'skipped', 'dead', 'cancelled'],
  retrying: ['drafting', 'posting', 'queued', 'cancelled'],
  posted: ['accepted', 'edited', 'discarded', 'queued'],
  accepted: ['queued'],
  edited: ['queued'],
  discarded: ['queued'],
  skipped: ['queued'],
  dead: ['queued'],
  // a draft that was held, and is again after its batch is resumed
  cancelled: ['queued', 'drafted'],
};

/** Something that the team has written, as a draft names it. */
export interface KnowledgeRef {
  readonly kind: 'article' | 'ticket' | 'macro';
  readonly id: string;
  /** Of a solved ticket only its number: what its customer called it is not for another's note. */
  readonly title: string;
  readonly url: string | null;
  /** An article that not every customer may see: its link is for the agent only. */
  readonly restricted: boolean;
  /** 0 to 1, of an article: how much of the evidence speaks for it. */
  readonly share: number | null;
  /** Of an article: how many similar solved tickets were answered with it. */
  readonly votes: number | null;
}

/** A source that a draft rests on: the quote stands in it word for word. */
export interface DraftSource extends KnowledgeRef {
  readonly quote: string;
}

/** What made a draft: short hashes of contents; null where there was no such thing. */
export interface DraftVersions {
  readonly prompt: string;
  readonly guidelines: string | null;
  readonly rules: string | null;
  readonly model: string;
  readonly knowledge: string | null;
  /** Name of the rule that took the ticket. Missing as below; null: none did. */
  readonly rule?: string | null;
  /** What the model says it is about; missing where it was not asked. */
  readonly category?: string | null;
}

/** What a second model said of a draft (REVIEW_MODEL). */
export interface DraftReview {
  /**
   * `objected`: it found problems, and no revision has mended them; `revised`: this draft was written anew after them;
   * `failed`: there was no review.
   */
  readonly verdict: 'passed' | 'objected' | 'revised' | 'failed';
  /** The model that judged. */
  readonly model: string;
  /** For the agent, plain text, one sentence each: what it found, or why there was none. */
  readonly problems: readonly string[];
}

/** A checked draft, as paid for and stored. `body` is plain text; null when the model found nothing to answer with. */
export interface Draft {
  readonly body: string | null;
  /** With a null body: why there is no draft, a sentence for the agent. */
  readonly finding: string | null;
  /** BCP 47 tag of the reply's language, e.g. `de`. */
  readonly language: string;
  /** 0 to 1, the model's own. */
  readonly confidence: number;
  /** For the agent: warnings, what to check, and in a finding what to ask the customer. */
  readonly questions: readonly string[];
  readonly sources: readonly DraftSource[];
  /** Statements of the draft whose quote does not stand in the source they name, or that name none. */
  readonly unproven: readonly string[];
  /** What nobody could find. */
  readonly missing: readonly string[];
  /** In a finding: the articles that come nearest. */
  readonly closest: readonly KnowledgeRef[];
  /** Null: made before there were such stamps. */
  readonly versions: DraftVersions | null;
  readonly model: string;
  readonly promptTokens: number;
  readonly cachedTokens: number;
  readonly completionTokens: number;
  /** USD; null when the model's price is not known. */
  readonly costUsd: number | null;
  /** For the agent: what of the conversation was cut to fit the token budget, and which fallback model wrote the draft. */
  readonly cut: string | null;
  /** Null: nobody has reviewed it. */
  readonly review: DraftReview | null;
}

/** One try of one stage, as recorded for everybody to read. */
export interface AttemptRecord {
  readonly stage: 'draft' | 'query' | 'review' | 'revise' | 'post';
  /** 1-based, counts every try of this stage. */
  readonly number: number;
  /** Epoch ms. */
  readonly startedAt: number;
  readonly durationMs: number;
  readonly outcome: 'ok' | 'retry' | 'dead' | 'cancelled';
  readonly errorClass: string | null;
  readonly error: string | null;
  /** How long its calls to the LLM have waited for the rate budget, ms; null where none was made, or not known. */
  readonly waitedMs: number | null;
}

export interface TicketSummary {
  readonly helpdesk: string;
  readonly ticketId: string;
  readonly status: TicketStatus;
  readonly reason: string | null;
  readonly batchId: string | null;
  readonly subject: string | null;
  /** Epoch ms. */
  readonly createdAt: number;
  /** Epoch ms. */
  readonly updatedAt: number;
  readonly errorClass: string | null;
  readonly error: string | null;
  readonly noteId: string | null;
  /** Epoch ms; then subject, draft and error texts are gone. */
  readonly textRemovedAt: number | null;
  readonly traceId: string;
}

export interface TicketDetail extends TicketSummary {
  /** Name of the rule that has taken it; null: none has. */
  readonly rule: string | null;
  readonly attempts: readonly AttemptRecord[];
  readonly draft: (Draft & { readonly version: number; readonly createdAt: number }) | null;
}
