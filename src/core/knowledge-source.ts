import type { Article, CannedReply, KnowledgeKind, SolvedTicket } from './knowledge-base.ts';

/** What each kind of knowledge consists of. */
export interface KnowledgeItems {
  readonly articles: Article;
  readonly solved: SolvedTicket;
  readonly canned: CannedReply;
}

/** A handful of a source, read from a cursor. */
export interface KnowledgePage<Item> {
  /** The first page of a pass: who counts what a pass lists counts from here. */
  readonly begins: boolean;
  readonly items: readonly Item[];
  /**
   * Ids that are there no longer, or must not be: a ticket reopened, deleted or redacted, an article withdrawn. To be
   * taken out (all translations) before the items are put in, which may bring some of them back.
   */
  readonly gone: readonly string[];
  /** Ours to store, good for weeks: from here the next page of this pass, or the next pass. */
  readonly nextCursor: string;
  /** The pass is over: there is nothing newer for now. */
  readonly done: boolean;
  /** With `done`: the pass has listed all there is, so that what it has not listed is gone. */
  readonly complete: boolean;
}

export interface KnowledgeRead {
  /** `nextCursor` of the page before; null: from the beginning. One that is not understood counts as null. */
  readonly cursor: string | null;
  /** Epoch ms: what was solved earlier is not wanted. */
  readonly since: number;
  /** Of solved tickets: which to read; not given: all. */
  readonly wanted?: ((ticketId: string) => boolean) | undefined;
  readonly signal: AbortSignal;
}

/**
 * Reads one page. Takes of the account's limits only what tickets leave, and never more than half. Throws
 * `UpstreamError`: the same cursor may be tried again.
 */
export type KnowledgeSource<Kind extends KnowledgeKind> = (
  read: KnowledgeRead,
) => Promise<KnowledgePage<KnowledgeItems[Kind]>>;

/** What a helpdesk knows. A kind that it has no API for is left out. */
export type HelpdeskKnowledge = { readonly [Kind in KnowledgeKind]?: KnowledgeSource<Kind> };
