/** A help article in one language. Translations share the id; `(id, locale)` is its key. */
export interface Article {
  /** Unique over all sources: adapters write `zendesk/360001`, imports their own id. */
  readonly id: string;
  /** BCP 47; null where the source does not tell. */
  readonly locale: string | null;
  readonly title: string;
  /** HTML or Markdown, as the source has it. */
  readonly body: string;
  readonly url: string | null;
  /** Epoch ms. */
  readonly updatedAt: number | null;
  /** Not for every customer's eyes: it may ground a draft, but its link is never given to a customer. */
  readonly restricted: boolean;
}

/** A ticket that people have answered. */
export interface SolvedTicket {
  /** Unique over all sources: adapters write `zendesk/5158`, imports their own id. */
  readonly id: string;
  readonly subject: string;
  /** The customer's first message, HTML, Markdown or text. */
  readonly description: string;
  /** The agent's public answer, as above. */
  readonly reply: string;
  /** Who asked: `zendesk/<requester id>`, or an import's own label. Their other tickets do not vouch for a ticket. */
  readonly customer: string | null;
  /** Epoch ms. */
  readonly solvedAt: number | null;
  /** Ids of the articles that answer it; null: those that the reply links to. */
  readonly articles: readonly string[] | null;
}

/** A macro or canned response: what the team wrote once to answer many. */
export interface CannedReply {
  /** Unique over all sources, as above. */
  readonly id: string;
  readonly title: string;
  readonly body: string;
  /** Epoch ms. */
  readonly updatedAt: number | null;
}

export const KNOWLEDGE_KINDS = ['articles', 'solved', 'canned'] as const;

export type KnowledgeKind = (typeof KNOWLEDGE_KINDS)[number];

/** What became of a handful of items; those not counted were there already, unchanged. */
export interface PutResult {
  readonly imported: number;
  readonly updated: number;
  /** `index` is the item's place among those given; `reason` is a sentence. */
  readonly rejected: readonly { readonly index: number; readonly reason: string }[];
}

export interface KnowledgeQuery {
  readonly subject: string;
  /** The customer's words: HTML or text. */
  readonly text: string;
  /** What a model would look for: asked of the articles too. */
  readonly alsoText?: string | null;
  /** As in `SolvedTicket.customer`: this person's own tickets do not count. */
  readonly customer: string | null;
  /** Id of the ticket itself (as in `SolvedTicket.id`), which does not count either. */
  readonly ticketId?: string | null;
  /** Which translation of an article is wanted; others are found too. */
  readonly locale?: string | null;
  /** Epoch ms: as if no later solved ticket were known, for replays. */
  readonly before?: number | null;
  /** Of articles; default 5. */
  readonly limit?: number;
}

export interface FoundArticle {
  readonly id: string;
  readonly locale: string | null;
  readonly title: string;
  readonly url: string | null;
  readonly restricted: boolean;
  /** Of the best passage; empty where it stands before the first heading. */
  readonly heading: string;
  /** The best passage, plain text. */
  readonly passage: string;
  /** 0 to 1: how much of the evidence speaks for this article (retrieval.md §5). */
  readonly share: number;
  /** How many similar solved tickets were answered with it. */
  readonly votes: number;
}

export interface FoundSolved {
  readonly id: string;
  readonly subject: string;
  /** Plain text. */
  readonly reply: string;
  readonly score: number;
}

export interface FoundCanned {
  readonly id: string;
  readonly title: string;
  /** Plain text. */
  readonly body: string;
  readonly score: number;
}

/** What is known about a question, best first. */
export interface Found {
  readonly articles: readonly FoundArticle[];
  readonly solved: readonly FoundSolved[];
  readonly canned: readonly FoundCanned[];
  /** Of the knowledge that was searched. */
  readonly version: string;
}

/** How far a source has been read. */
export interface SyncState {
  /** The source's own; null: from its beginning. */
  readonly cursor: string | null;
  /** Epoch ms of the last pass that came to its end; null: none has. */
  readonly syncedAt: number | null;
  /** Why the last pass did not; a sentence. */
  readonly error: string | null;
}

export interface KnowledgeSummary {
  readonly counts: Readonly<Record<KnowledgeKind, number>>;
  /** Solved tickets that name an article or link somewhere: those whose link is a known article vote. */
  readonly linked: number;
  readonly sources: readonly (SyncState & {
    /** `zendesk`, `freshdesk`, `import`, … */
    readonly source: string;
    readonly kind: KnowledgeKind;
    readonly count: number;
  })[];
  /** Changes with every change of what is known. */
  readonly version: string;
}

/**
 * What the team has written: help articles, solved tickets, canned replies. Callers hand over some hundred items at a
 * time; no call holds the event loop for more than 50 ms. Throws `OutboxUnavailable` when the disk refuses.
 */
export interface KnowledgeBase {
  putArticles(source: string, articles: readonly Article[]): Promise<PutResult>;
  putSolved(source: string, solved: readonly SolvedTicket[]): Promise<PutResult>;
  putCanned(source: string, canned: readonly CannedReply[]): Promise<PutResult>;
  /** Takes out by id (all translations); how many went. */
  remove(source: string, kind: KnowledgeKind, ids: readonly string[]): Promise<number>;
  /** At the end of a pass that listed all of a source: takes out what it did not list; how many went. */
  keepOnly(source: string, kind: KnowledgeKind, keys: ReadonlySet<string>): Promise<number>;
  /** Takes out solved tickets that were solved before `before` (epoch ms), a bounded number; how many went. */
  forgetSolved(before: number): Promise<number>;
  search(query: KnowledgeQuery): Promise<Found>;
  syncState(source: string, kind: KnowledgeKind): SyncState;
  saveSyncState(source: string, kind: KnowledgeKind, state: SyncState): Promise<void>;
  summary(): KnowledgeSummary;
}

/** How `keepOnly` names an item: articles by id and locale, the others by id. */
export function knowledgeKey({ id, locale }: { readonly id: string; readonly locale?: string | null }): string {
  return locale ? `${id} ${locale}` : id;
}
