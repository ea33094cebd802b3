import type { Breathe } from '../core/breathe.ts';
import type { Found, FoundArticle, FoundCanned, FoundSolved, KnowledgeQuery } from '../core/knowledge-base.ts';
import { associate, type Vouching } from '../knowledge/associate.ts';
import { bestOf } from '../knowledge/best.ts';
import type { Memory, SolvedFacts, Voter } from '../knowledge/memory.ts';
import {
  askedAlso,
  askedWords,
  type AskedWords,
  echoWords,
  withTranslations,
  worthAsking,
} from '../knowledge/query.ts';
import { type Evidence, type Neighbour, rankArticles } from '../knowledge/rank.ts';
import type { Shelf } from '../knowledge/shelf.ts';
import type { Scores } from '../knowledge/word-index.ts';
import { standingOut } from '../knowledge/vectors.ts';
import { hashOf, type WordCounts } from '../knowledge/words.ts';
import type { Connection } from './database.ts';
import type { KnowledgeTables } from './knowledge-tables.ts';

const ARTICLES = 5;
const SOLVED = 5;
const CANNED = 3;
/** Solved tickets with links that vote (measured: retrieval.md §5). */
const VOTERS = 50;
/** Similar solved tickets whose answers are asked for too, with links or not. */
const ECHOED = 8;
/** Articles that are ranked for what they say themselves, and passages that are looked at for them. */
const CANDIDATES = 40;
const PASSAGES = 400;
/** Of an article so many passages count together. */
const PASSAGES_TOGETHER = 4;
/** A likeness of 1 takes a ticket that says nothing but the question, over and over: half of that is as like as they get. */
const LIKENESS_SCALE = 0.5;

interface Passage {
  readonly row: number;
  readonly score: number;
}

/** Finds what is like a question. */
export function prepareSearch(connection: Connection, tables: KnowledgeTables) {
  // the outbox removes what an erased person wrote without telling us: the table is the truth
  const present = connection
    .prepare<[string], number>('SELECT id FROM knowledge_solved WHERE id IN (SELECT value FROM json_each(?))')
    .pluck();
  const firstPassage = connection
    .prepare<[number], number>('SELECT min(id) FROM knowledge_passage WHERE article = ?')
    .pluck();

  return async (
    memory: Memory,
    query: KnowledgeQuery,
    vector: Float32Array | null,
    breathe: Breathe,
  ): Promise<Found> => {
    if (memory.isEmpty()) return { articles: [], solved: [], canned: [], version: tables.version() };
    const asked = askedWords(query.subject, query.text);
    const locale = query.locale ?? null;
    const vouching = await vouchingFor(memory, query, breathe);
    const near = await nearSolved(memory, asked.words, vouching, breathe);
    // what a model would look for is in the words of articles, not of customers
    const wanted = query.alsoText ? askedAlso(asked, query.alsoText) : asked;
    const passages = await scorePassages(memory, wanted, locale, breathe);
    const meant = vector === null ? null : await byMeaning(memory, vouching, vector, breathe);
    const evidence: Evidence = {
      ...near,
      ...passages,
      ...(await fromArticles(memory, wanted, near.answers, breathe)),
      ...(meant === null ? {} : { meaning: meant }),
    };
    const ranked = rankArticles(evidence).slice(0, query.limit ?? ARTICLES);
    const articles = ranked.flatMap(({ id, share, votes }): FoundArticle[] => {
      const row = rowOf(memory, id, locale, passages.best.get(id) ?? meant?.best.get(id));
      const passage = row === undefined ? undefined : tables.passages.byRow(row);
      const face = memory.articles.get(passage?.article ?? -1);
      if (passage === undefined || face === undefined) return [];
      return [{ ...face, heading: passage.heading, passage: passage.text, share, votes }];
    });
    return {
      articles,
      solved: near.answers.slice(0, SOLVED),
      canned: await nearCanned(memory, asked.words, breathe),
      version: tables.version(),
    };
  };

  /** Who has asked the like: what articles they vote for, and what they were answered. */
  async function nearSolved(memory: Memory, words: WordCounts, vouching: VouchingFor, breathe: Breathe) {
    const { solved } = memory;
    const scores = await solved.index.score(worthAsking(words, solved.index), breathe);
    const { counts, voters, voterAt } = vouching;
    const scale = scores.best * LIKENESS_SCALE || 1;
    const likenessOf = (document: number): number => (scores.of[document] ?? 0) / scale;
    const history = new Map<string, { count: number; likeness: number }>();
    for (const { document, articles } of voters) {
      for (const id of articles) {
        const one = history.get(id) ?? { count: 0, likeness: 0 };
        one.count += 1;
        one.likeness += (likenessOf(document) - one.likeness) / one.count;
        history.set(id, one);
      }
    }
    await breathe();
    const associated = await associate(solved.index, words, vouching, breathe);
    const linked = bestOf(scores.of, VOTERS, (document) => voterAt(document) !== undefined);
    const like = bestOf(scores.of, ECHOED, (document) => {
      const facts = solved.at(document)?.facts;
      return facts !== undefined && counts(facts);
    });
    forgetErased(solved, [...linked, ...like]);
    const neighbours = linked.flatMap(({ document }): Neighbour[] => {
      const voter = solved.at(document) === undefined ? undefined : voterAt(document);
      return voter === undefined ? [] : [{ likeness: likenessOf(document), articles: voter.articles }];
    });
    const answers = like.flatMap(({ document, score }): FoundSolved[] => {
      const row = tables.solved.byRow(solved.at(document)?.row ?? -1);
      return row === undefined
        ? []
        : [{ id: row.ticketId, subject: row.subject, reply: row.reply, score: score / (scores.best || 1) }];
    });
    return { neighbours, history, associated, answers };
  }

  /** What means the like, whatever its words: passages by their article, and solved tickets that name one. */
  async function byMeaning(memory: Memory, vouching: VouchingFor, vector: Float32Array, breathe: Breathe) {
    const { vectors, passages, articles, solved } = memory;
    const ofPassages = await vectors.passages.cosines(vector, breathe);
    const best = new Map<string, Passage>();
    ofPassages.of.subarray(0, ofPassages.size).forEach((score, at) => {
      const row = ofPassages.rows[at] ?? -1;
      const id = articles.get(passages.of(row)?.facts.article ?? -1)?.id;
      if (id !== undefined && score > (best.get(id)?.score ?? Number.NEGATIVE_INFINITY)) best.set(id, { row, score });
    });
    await breathe();
    const ids = [...best.keys()];
    const scores = standingOut(Float32Array.from(best.values(), ({ score }) => score));
    const nearest = bestOf(scores, CANDIDATES, () => true).map(
      ({ document, score }) => [ids[document] ?? '', score] as const,
    );
    const ofSolved = await vectors.solved.cosines(vector, breathe);
    const stand = standingOut(ofSolved.of.subarray(0, ofSolved.size));
    const voterOf = (at: number) => vouching.voterAt(solved.of(ofSolved.rows[at] ?? -1)?.document ?? -1);
    await breathe();
    const like = bestOf(stand, VOTERS, (at) => voterOf(at) !== undefined);
    forgetErased(
      solved,
      like.flatMap(({ document }) => voterOf(document) ?? []),
    );
    const neighbours = like.flatMap(({ document, score }): Neighbour[] => {
      const voter = voterOf(document);
      return voter === undefined ? [] : [{ likeness: score, articles: voter.articles }];
    });
    return { best, articles: new Map(nearest), neighbours };
  }

  function forgetErased(solved: Shelf<SolvedFacts>, found: readonly { readonly document: number }[]): void {
    const rows = found.flatMap(({ document }) => solved.at(document)?.row ?? []);
    const there = new Set(present.all(JSON.stringify(rows)));
    for (const row of rows) if (!there.has(row)) solved.remove(row);
  }

  async function nearCanned({ canned }: Memory, words: WordCounts, breathe: Breathe): Promise<FoundCanned[]> {
    const scores = await canned.index.score(worthAsking(words, canned.index), breathe);
    return bestOf(scores.of, CANNED, (document) => canned.at(document) !== undefined).flatMap(({ document, score }) => {
      const row = tables.canned.byRow(canned.at(document)?.row ?? -1);
      return row === undefined
        ? []
        : [{ id: row.cannedId, title: row.title, body: row.body, score: score / scores.best }];
    });
  }

  /** The passage to show of an article: where none matches, its first. */
  function rowOf(memory: Memory, id: string, locale: string | null, best: Passage | undefined): number | undefined {
    if (best !== undefined) return best.row;
    const rows = [...memory.articles].filter(([, face]) => face.id === id);
    const [row] = rows.find(([, face]) => speaks(face.locale, locale)) ?? rows[0] ?? [];
    return row === undefined ? undefined : firstPassage.get(row);
  }
}

interface VouchingFor extends Vouching {
  /** Does what is known of a solved ticket count, with links or not? */
  readonly counts: (facts: SolvedFacts) => boolean;
}

async function vouchingFor(memory: Memory, query: KnowledgeQuery, breathe: Breathe): Promise<VouchingFor> {
  const { all, byDocument } = await memory.voters(breathe);
  const counts = countsFor(query);
  const voters = all.filter(({ facts }) => counts(facts));
  await breathe();
  const voterAt = (document: number): Voter | undefined => {
    const voter = byDocument[document];
    return voter !== undefined && counts(voter.facts) ? voter : undefined;
  };
  return { counts, voters, voterAt };
}

/** Who vouches for a question: not the ticket itself, not the same person's others, not what was solved later. */
function countsFor({ ticketId, customer, before }: KnowledgeQuery): (facts: SolvedFacts) => boolean {
  const self = typeof ticketId === 'string' ? hashOf(ticketId) : null;
  const person = customer === null ? null : hashOf(customer);
  return (facts) =>
    facts.ticket !== self &&
    (person === null || facts.customer !== person) &&
    (typeof before !== 'number' || (facts.solvedAt ?? Number.NEGATIVE_INFINITY) < before);
}

/** By article: the passage that matches best, in the language that is wanted if one matches there, and its best together. */
async function scorePassages(
  { passages, articles }: Memory,
  asked: AskedWords,
  locale: string | null,
  breathe: Breathe,
): Promise<Pick<Evidence, 'passage' | 'passages'> & { readonly best: ReadonlyMap<string, Passage> }> {
  const { index } = passages;
  const scores = await index.score(worthAsking(withTranslations(asked, index), index), breathe);
  const live = (document: number) => articles.get(passages.at(document)?.facts.article ?? -1);
  const best = new Map<string, Passage & { readonly wanted: boolean }>();
  const together = new Map<string, { sum: number; count: number }>();
  for (const { document, score } of bestOf(scores.of, PASSAGES, (one) => live(one) !== undefined)) {
    const face = live(document);
    const row = passages.at(document)?.row;
    if (face === undefined || row === undefined) continue;
    const before = best.get(face.id);
    const wanted = speaks(face.locale, locale);
    if (before === undefined) best.set(face.id, { row, score, wanted });
    else if (wanted && !before.wanted) best.set(face.id, { row, score: before.score, wanted });
    const some = together.get(face.id) ?? { sum: 0, count: 0 };
    if (some.count < PASSAGES_TOGETHER) together.set(face.id, { sum: some.sum + score, count: some.count + 1 });
  }
  return {
    best,
    passage: new Map([...best].slice(0, CANDIDATES).map(([id, { score }]) => [id, score])),
    passages: new Map([...together].map(([id, { sum }]) => [id, sum])),
  };
}

/** What else speaks for articles: titles, pieces of words, and the answers that similar tickets got. */
async function fromArticles(
  memory: Memory,
  question: AskedWords,
  answers: readonly FoundSolved[],
  breathe: Breathe,
): Promise<Pick<Evidence, 'title' | 'grams' | 'echo'>> {
  const { articles, titles, passages } = memory;
  const ofRow = (shelf: Shelf<null>) => (document: number) => articles.get(shelf.at(document)?.row ?? -1)?.id;
  const ofPassage = (document: number) => articles.get(passages.at(document)?.facts.article ?? -1)?.id;
  const asked = echoWords(answers.map(({ reply, score }) => ({ reply, likeness: score })));
  const title = await titles.index.score(worthAsking(withTranslations(question, titles.index), titles.index), breathe);
  const pieces = await memory.grams.index.score(worthAsking(question.grams, memory.grams.index), breathe);
  const echo = await passages.index.score(worthAsking(asked, passages.index), breathe);
  return {
    title: bestById(title, ofRow(titles), CANDIDATES),
    grams: bestById(pieces, ofRow(memory.grams), CANDIDATES),
    echo: bestById(echo, ofPassage, PASSAGES),
  };
}

/** The highest score of each article's rows. */
function bestById(
  { of }: Scores,
  idOf: (document: number) => string | undefined,
  limit: number,
): ReadonlyMap<string, number> {
  const best = new Map<string, number>();
  for (const { document, score } of bestOf(of, limit, (one) => idOf(one) !== undefined)) {
    const id = idOf(document);
    if (id !== undefined && !best.has(id)) best.set(id, score);
  }
  return best;
}

function speaks(locale: string | null, wanted: string | null): boolean {
  return locale !== null && wanted !== null && locale.slice(0, 2).toLowerCase() === wanted.slice(0, 2).toLowerCase();
}
