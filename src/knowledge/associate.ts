import type { Breathe } from '../core/breathe.ts';
import type { Voter } from './memory.ts';
import { worthAsking } from './query.ts';
import type { WordIndex } from './word-index.ts';
import type { WordCounts } from './words.ts';

/** So many tickets that know nothing of a word weigh against the few that do. */
const PRIOR_TICKETS = 10;

/** The solved tickets that vouch for a question. */
export interface Vouching {
  readonly voters: readonly Voter[];
  /** By its number in the index; undefined: this one does not. */
  readonly voterAt: (document: number) => Voter | undefined;
}

/**
 * By article: for each word of the question, how much more often tickets with it were answered with the article than
 * tickets at large are; what speaks against it is not counted.
 */
export async function associate(
  index: WordIndex,
  words: WordCounts,
  { voters, voterAt }: Vouching,
  breathe: Breathe,
): Promise<ReadonlyMap<string, number>> {
  const all = new Map<string, number>();
  for (const voter of voters) countLinks(all, voter);
  const associated = new Map<string, number>();
  for (const word of worthAsking(words, index).keys()) {
    const counts = new Map<string, number>();
    let having = 0;
    index.visit(word, (document) => {
      const voter = voterAt(document);
      if (voter === undefined) return;
      having += 1;
      countLinks(counts, voter);
    });
    const expected = having / voters.length;
    for (const [id, count] of counts) {
      const usual = PRIOR_TICKETS * expected;
      const gain = Math.log((count + usual) / ((all.get(id) ?? 0) + PRIOR_TICKETS) / expected);
      if (gain > 0) associated.set(id, (associated.get(id) ?? 0) + gain);
    }
    await breathe();
  }
  return associated;
}

/** A ticket that names several articles counts in part for each. */
function countLinks(counts: Map<string, number>, { articles }: Voter): void {
  for (const id of articles) counts.set(id, (counts.get(id) ?? 0) + 1 / articles.length);
}
