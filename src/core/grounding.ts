import type { KnowledgeRef } from './ticket.ts';

/** A text of the team that a draft may quote, as the model is shown it. */
export interface Passage extends KnowledgeRef {
  /** What the model calls it: `A1` an article, `T1` a solved ticket, `M1` a canned reply. */
  readonly ref: string;
  readonly text: string;
}

/** What one draft is to rest on: plain data, kept until its answer comes. */
export interface Grounding {
  /** Empty: the team has knowledge, and nothing of it comes near. */
  readonly passages: readonly Passage[];
  /** Of articles that were found, the highest; 0 without one. */
  readonly bestShare: number;
}

/**
 * Shares of the best article, from the table in retrieval.md §5: below the first nothing is cited unless the model quotes
 * what answers; below the second it is a "perhaps".
 */
export const CITE_FROM_SHARE = 0.15;
export const SURE_FROM_SHARE = 0.3;
