import type { Breathe } from '../core/breathe.ts';
import { articleKeys } from './article-links.ts';
import { titleWords } from './query.ts';
import { createShelf, type Shelf } from './shelf.ts';
import { createVectorShelf, type VectorShelf } from './vectors.ts';

/** What is known of an article without asking the database. */
export interface ArticleFace {
  readonly id: string;
  readonly locale: string | null;
  readonly title: string;
  readonly url: string | null;
  readonly restricted: boolean;
}

export interface SolvedFacts {
  /** `hashOf` the ticket's id, and of who asked. */
  readonly ticket: number;
  readonly customer: number | null;
  readonly solvedAt: number | null;
  /** Names of the articles that it was answered with. */
  readonly links: readonly string[];
}

/** What searches go through: indexes of all words and who linked what. The database has the texts. */
export interface Memory {
  readonly articles: ReadonlyMap<number, ArticleFace>;
  readonly passages: Shelf<{ readonly article: number }>;
  /** By an article's row: its title's words, and pieces of all its words. */
  readonly titles: Shelf<null>;
  readonly grams: Shelf<null>;
  readonly solved: Shelf<SolvedFacts>;
  readonly canned: Shelf<null>;
  /** By the row of a passage and of a solved ticket; empty without an embedding model. */
  readonly vectors: { readonly passages: VectorShelf; readonly solved: VectorShelf };
  addArticle(row: number, face: ArticleFace, grams: Buffer): void;
  addPassage(row: number, article: number, packed: Buffer): void;
  removeArticle(row: number): void;
  /** There is nothing to be found. */
  isEmpty(): boolean;
  /** So much of it is of rows that are gone that it should be made anew. */
  isWorn(): boolean;
  /** Solved tickets that name an article which is there, by their number in the index. */
  voters(breathe: Breathe): Promise<Voters>;
}

/** All of them, and each by its number in the index. */
export interface Voters {
  readonly all: readonly Voter[];
  readonly byDocument: readonly (Voter | undefined)[];
}

export interface Voter {
  readonly document: number;
  readonly facts: SolvedFacts;
  readonly articles: readonly string[];
}

/** Tickets looked through between two pauses. */
const STEP = 2000;

/** The name of the article with this id. */
export function idKey(id: string): string {
  return `id ${id}`;
}

/** `leftOut`: ids of articles that links to are no votes for. */
export function createMemory(leftOut: ReadonlySet<string>): Memory {
  const articles = new Map<number, ArticleFace>();
  const ofArticle = new Map<number, number[]>();
  const passages: Memory['passages'] = createShelf();
  const titles: Memory['titles'] = createShelf();
  const grams: Memory['grams'] = createShelf();
  const solved: Memory['solved'] = createShelf();
  const canned: Memory['canned'] = createShelf();
  const vectors = { passages: createVectorShelf(), solved: createVectorShelf() };
  let ids: Map<string, string> | null = null;
  let voters: (Voters & { readonly revision: string }) | null = null;
  let changes = 0;

  const names = (): Map<string, string> => {
    const made = new Map<string, string>();
    for (const { id, url } of articles.values()) {
      if (leftOut.has(id)) continue;
      for (const key of [idKey(id), ...(url === null ? [] : articleKeys(url))]) made.set(key, id);
    }
    return made;
  };
  return {
    articles,
    passages,
    titles,
    grams,
    solved,
    canned,
    vectors,
    addArticle: (row, face, packed) => {
      articles.set(row, face);
      titles.add(row, titleWords(face.title), null);
      grams.add(row, packed, null);
      ids = null;
      changes += 1;
    },
    addPassage: (row, article, packed) => {
      passages.add(row, packed, { article });
      const rows = ofArticle.get(article);
      if (rows === undefined) ofArticle.set(article, [row]);
      else rows.push(row);
    },
    removeArticle: (row) => {
      articles.delete(row);
      titles.remove(row);
      grams.remove(row);
      ids = null;
      changes += 1;
      for (const passage of ofArticle.get(row) ?? []) {
        passages.remove(passage);
        vectors.passages.remove(passage);
      }
      ofArticle.delete(row);
    },
    isEmpty: () => articles.size === 0 && solved.isEmpty() && canned.isEmpty(),
    isWorn: () => passages.isWorn() || grams.isWorn() || solved.isWorn() || canned.isWorn(),
    voters: async (breathe) => {
      const revision = `${changes} ${solved.revision()}`;
      if (voters?.revision === revision) return voters;
      const all: Voter[] = [];
      const byDocument: (Voter | undefined)[] = [];
      for (let document = 0; document < solved.index.size(); document += 1) {
        const facts = solved.at(document)?.facts;
        const named = facts === undefined ? [] : resolve(facts.links);
        const voter = facts === undefined || named.length === 0 ? undefined : { document, facts, articles: named };
        byDocument.push(voter);
        if (voter !== undefined) all.push(voter);
        if (document % STEP === 0) await breathe();
      }
      voters = { revision, all, byDocument };
      return voters;
    },
  };

  /** Ids of the articles that these names stand for by now. */
  function resolve(links: readonly string[]): readonly string[] {
    if (links.length === 0) return links;
    const known = (ids ??= names());
    return [...new Set(links.flatMap((link) => known.get(link) ?? []))];
  }
}
