import type { SkipReason } from './errors.ts';
import type { Finding } from './finding.ts';
import type { HelpdeskKnowledge } from './knowledge-source.ts';
import type { Lane, Priority } from './ticket.ts';

/** A webhook as it came over the wire. `body` is the raw bytes: signatures are over bytes, not over parsed JSON. */
export interface WebhookRequest {
  readonly headers: Headers;
  readonly body: Uint8Array;
  /** Wall clock at arrival, epoch ms. */
  readonly receivedAt: number;
}

/** A genuine event that wants a draft. */
export interface TicketEvent {
  readonly kind: 'event';
  /** Decimal string, 1 … 2^53-1. */
  readonly ticketId: string;
  /**
   * Idempotency key, unique per helpdesk and event; null where the vendor's body identifies nothing (a Freshdesk
   * reply event): such an event is compared with the conversation once that is fetched.
   */
  readonly key: string | null;
  /** Id of the customer's message the event is about, where the event names it. */
  readonly messageId: string | null;
  /** Null where the event does not tell. */
  readonly priority: Priority | null;
}

/** A genuine event that wants no draft. `reason` is a short snake_case word for the 202 answer. */
export interface IgnoredEvent {
  readonly kind: 'ignored';
  readonly reason: string;
}

/** One message of a conversation, in the vendor's HTML. */
export interface Message {
  readonly id: string;
  readonly author: 'customer' | 'agent';
  readonly authorName: string | null;
  readonly html: string;
  /** Epoch ms. */
  readonly createdAt: number;
  /** The customer could read it (an agent's public reply) or wrote it. */
  readonly public: boolean;
  /** False when the vendor marks the sender as possibly forged. */
  readonly verified: boolean;
}

/** A note of ours found in a conversation. */
export interface OwnNote {
  readonly noteId: string;
  /** The marker `dd-…` from its last line. */
  readonly marker: string;
}

/** How a helpdesk has filed a ticket: what rules look at. Ids are the vendor's. */
export interface TicketTraits {
  /** Id of the brand (Zendesk) or product (Freshdesk). */
  readonly brand: string | null;
  /** Id of the group of agents. */
  readonly group: string | null;
  /** The vendor's word: `email`, `web`, `chat`, `portal`, … */
  readonly channel: string | null;
  readonly tags: readonly string[];
  readonly priority: Priority | null;
}

/** Of a ticket that no helpdesk has filed. */
export const NO_TRAITS: TicketTraits = { brand: null, group: null, channel: null, tags: [], priority: null };

/** A ticket and what was said on it, as far as a draft needs it. */
export interface Conversation {
  readonly ticketId: string;
  readonly subject: string;
  readonly requesterId: string | null;
  readonly requesterName: string | null;
  /** BCP 47, the requester's own setting where the vendor tells it. */
  readonly locale: string | null;
  readonly traits: TicketTraits;
  /** Set when the ticket takes no draft: closed, merged, spam, … */
  readonly unavailable: SkipReason | null;
  /** Oldest first: what customers wrote and what agents answered publicly. Private notes of agents are left out. */
  readonly messages: readonly Message[];
  /** How many older messages were not fetched. */
  readonly omitted: number;
  readonly ownNotes: readonly OwnNote[];
  /** The helpdesk's own version of the ticket, handed back to `look`; its meaning belongs to the adapter. */
  readonly version: string;
}

/** What a look just before the write has found. */
export type PostLook =
  /** Our note (same marker) is there already. */
  | { readonly kind: 'posted'; readonly noteId: string }
  /** An agent has answered publicly since the draft was made. */
  | { readonly kind: 'answered' }
  /** The customer has written again since: the draft does not answer that. */
  | { readonly kind: 'outdated' }
  | { readonly kind: 'unavailable'; readonly reason: SkipReason }
  /** Free to post; `fence` goes back into `postPrivateNote`. */
  | { readonly kind: 'clear'; readonly fence: string };

/** What a note says, before any vendor's markup. Texts and addresses are plain; adapters escape them. */
export interface Note {
  readonly blocks: readonly NoteBlock[];
  /** `dd-…`; the last line of the note is `Draftdesk ref <marker>`. */
  readonly marker: string;
}

export type NoteBlock =
  | { readonly kind: 'heading'; readonly text: string }
  /** One paragraph; line breaks in it are kept. */
  | { readonly kind: 'paragraph'; readonly text: string }
  | { readonly kind: 'list'; readonly items: readonly (string | NoteLink)[] };

/** A list item with a link that may be followed: never one that a customer or a model has written. */
export interface NoteLink {
  readonly text: string;
  /** Shown as it is, so that it can be read where there are no links; null: there is none. */
  readonly url: string | null;
  /** On a line of its own; empty: nothing. */
  readonly below: string;
}

export interface LookRequest {
  readonly ticketId: string;
  readonly marker: string;
  /** `Conversation.version` the draft was made from. */
  readonly version: string;
  /** Id of the newest message the draft has seen; null when unknown. */
  readonly seenMessageId: string | null;
  /** True when an earlier write of this note may have landed or may still land: look at everything, trust no stamp. */
  readonly ambiguous: boolean;
  /** Whose turn it is where calls wait for the account's limits; `live` unless told. */
  readonly lane?: Lane;
}

export interface PostRequest {
  readonly ticketId: string;
  readonly note: Note;
  readonly fence: string;
  /** Asked when the write has had its turn and is about to be sent; false: it is not, and `cancelled` is thrown. */
  readonly mayStart?: () => boolean;
  /** As in `LookRequest`. */
  readonly lane?: Lane;
}

/** Which tickets of a helpdesk: all that is given must hold. Times are epoch ms; `since` includes, `until` excludes. */
export interface TicketFilter {
  /** The vendor's own words, lower case, e.g. `new`, `open`, `pending`: any of them. */
  readonly status?: readonly string[];
  /** All of them. */
  readonly tags?: readonly string[];
  /** Id of a group of agents. */
  readonly group?: string;
  readonly createdSince?: number;
  readonly createdUntil?: number;
  readonly updatedSince?: number;
  readonly updatedUntil?: number;
}

export interface ListedTicket {
  readonly ticketId: string;
  /** Epoch ms; helpdesks keep whole seconds. */
  readonly updatedAt: number;
  /** False: solved, closed, deleted or spam. */
  readonly open: boolean;
}

export interface TicketPage {
  readonly tickets: readonly ListedTicket[];
  /** Null on the last page. Ours to store: it stays good for days, whatever the vendor's own does. */
  readonly nextCursor: string | null;
}

/** One of a helpdesk's limits and what a ticket takes of it, for estimates. */
export interface Demand {
  /** As in `GET /admin/batches` dry runs: `zendesk.updates`, `freshdesk.requests`, … */
  readonly limit: string;
  readonly perMinute: number;
  /** Calls (or credits) from fetching the conversation to the posted note, in a batch without faults. */
  readonly perTicket: number;
}

export interface HelpdeskDemand extends Demand {
  /** What of `perTicket` comes after the draft. */
  readonly perNote: number;
}

/** Budget of one kind of call, for progress displays. */
export interface LimitSnapshot {
  readonly requestsPerMinute: number;
  readonly usedRequests: number;
  /** Time that calls of this process have waited for their turn, all together, ms. */
  readonly waitedMs: number;
  readonly updatesPerMinute?: number;
  readonly usedUpdates?: number;
  /** The account's own limit, once its answers have told it, and what of it stays free for others. */
  readonly learnedPerMinute?: number;
  readonly reserved?: number;
  /** The same for updates. */
  readonly learnedUpdatesPerMinute?: number;
  readonly reservedUpdates?: number;
  /** ISO 8601; null when not paused by the server. */
  readonly pausedUntil: string | null;
}

/**
 * One ticketing system. Implementations pace their own calls inside the account's limits and throw `UpstreamError`
 * with a class; they never retry, and they write private notes only. A new helpdesk is one file and one line in
 * `helpdesks/index.ts`.
 */
export interface Helpdesk {
  readonly name: string;
  /**
   * Is this webhook genuine? Over the raw bytes, in constant time, within the time window where a stamp is signed.
   * False answers 401.
   */
  authenticate(request: WebhookRequest): boolean;
  /** Reads a genuine webhook. Throws `RequestError('malformed')` with a sentence for the admin. */
  parse(request: WebhookRequest): TicketEvent | IgnoredEvent;
  /** Fetches ticket and conversation. A ticket that is not there throws `UpstreamError('gone')` with its reason. */
  conversation(ticketId: string, signal: AbortSignal, lane?: Lane): Promise<Conversation>;
  /** Looks, on primary data, whether the note is there and whether it may still be written. */
  look(request: LookRequest, signal: AbortSignal): Promise<PostLook>;
  /**
   * Writes one private note and reads back that it is private. Throws `conflict` when the ticket moved since the look,
   * `ambiguous_post` when the write may have happened, `posted_public` when it came back public.
   */
  postPrivateNote(request: PostRequest, signal: AbortSignal): Promise<{ readonly noteId: string }>;
  /**
   * Pages of the tickets that a filter means, for batches and sweeps; cursor null = from the start. A ticket may come
   * twice, none is missed that stands still meanwhile. Throws `invalid_request` when the vendor refuses the filter.
   */
  listTickets(filter: TicketFilter, cursor: string | null, signal: AbortSignal): Promise<TicketPage>;
  /** Are the credentials good? Throws `auth`/`forbidden`/… if not. */
  probe(signal: AbortSignal): Promise<void>;
  /** What the vendor has configured for us, where its API tells; for `draftdesk doctor`. Throws as `probe` does. */
  setup?(signal: AbortSignal): Promise<readonly Finding[]>;
  /** The vendor's screen where an admin sets up what Draftdesk connects by. */
  readonly adminUrl?: string;
  /** What the team has written there: its help centre, solved tickets, macros. */
  readonly knowledge?: HelpdeskKnowledge;
  /** Where an agent sees the ticket in a browser. */
  ticketUrl?(ticketId: string): string;
  /** How many notes could be started now without waiting for the budget. */
  room(): number;
  limits(): LimitSnapshot;
  /** What one ticket takes of each limit. */
  demand(): readonly HelpdeskDemand[];
  /** How long after an ambiguous write to wait before the next look, ms. */
  readonly ambiguousWaitMs: number;
}
