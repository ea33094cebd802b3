import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock, uuidv7 } from '../../src/core/clock.ts';
import type { Article, SolvedTicket } from '../../src/core/knowledge-base.ts';
import { utcDay } from '../../src/core/spend-guard.ts';
import { packVector } from '../../src/knowledge/vectors.ts';
import { type Connection, openDatabase } from '../../src/sqlite/database.ts';
import { openKnowledgeBase } from '../../src/sqlite/knowledge-base.ts';
import { openOutbox } from '../../src/sqlite/outbox.ts';
import { migrationsFolder } from '../support/paths.ts';
import { stubVector } from '../support/stub-embedding-model.ts';

/* Vectors beside what is known: made once for equal texts, gone with their owners, and never needed. */

const clock = systemClock();
type Base = ReturnType<typeof openKnowledgeBase>;

const article = (id: string, body: string, title = id): Article => ({
  id,
  locale: 'en',
  title,
  body,
  url: null,
  updatedAt: null,
  restricted: false,
});
const solved = (id: string, description: string, over: Partial<SolvedTicket> = {}): SolvedTicket => ({
  id,
  subject: 'A question',
  description,
  reply: 'Wax helps.',
  customer: `zendesk/${id}`,
  solvedAt: 1,
  articles: ['wax'],
  ...over,
});
const ARTICLES = [
  article('wax', '<h2>Candle</h2><p>Rub it on the teeth of the zip.</p><h2>Soap</h2><p>Works as well.</p>'),
  article('poles', '<p>Begin with the poles of the tent.</p>'),
  article('green', '<p>The lights of the router.</p>'),
];
const QUERY = { subject: 'My fastener', text: 'It does not move', customer: null };

describe('vectors in the knowledge base', () => {
  let folder: string;
  let connection: Connection;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'draftdesk-'));
    connection = openDatabase({ path: join(folder, 'test.db'), migrationsFolder });
  });
  afterEach(() => {
    connection.close();
    rmSync(folder, { recursive: true });
  });

  const embedder = (
    space = 'stub',
    question: (text: string) => Promise<Float32Array | null> = async (text) => stubVector(text),
  ) => ({
    space,
    question,
  });
  const open = (space = 'stub'): Base => openKnowledgeBase(connection, { clock, embedder: embedder(space) });

  /** Makes what is missing; answers which texts that were. */
  async function fill({ vectors }: Base): Promise<string[]> {
    const texts: string[] = [];
    for (;;) {
      const some = (await vectors?.missing(2, new Set())) ?? [];
      if (some.length === 0) return texts;
      texts.push(...some.map(({ text }) => text));
      await vectors?.put(new Map(some.map(({ digest, text }) => [digest, stubVector(text)])));
    }
  }

  const rows = (sql: string): unknown[] => connection.prepare<[], unknown>(sql).pluck().all();
  const found = async (base: Base, query = QUERY) => (await base.search(query)).articles.map(({ id }) => id);

  it('find by meaning what no word finds, and show the passage that means it', async () => {
    const base = open();
    await base.putArticles('s', ARTICLES);
    expect(await found(base)).toEqual([]);
    expect((await fill(base))[0]).toBe('wax\nCandle\nRub it on the teeth of the zip.');
    const { articles } = await base.search(QUERY);
    expect(articles[0]).toMatchObject({ id: 'wax', heading: 'Candle' });
  });

  it('let tickets vote that mean the like, but not of the same person, nor of later', async () => {
    const base = open();
    await base.putArticles('s', ARTICLES);
    const others = ['tent', 'poles', 'router'].map((word) => solved(word, `The ${word}`, { articles: [] }));
    await base.putSolved('s', [solved('1', 'The zipper', { articles: ['green'], solvedAt: 5 }), ...others]);
    await fill(base);
    const shareOf = async (over: object): Promise<number> =>
      (await base.search({ ...QUERY, ...over })).articles.find(({ id }) => id === 'green')?.share ?? 0;
    expect(await shareOf({ customer: 'zendesk/9' })).toBeGreaterThan(0.1);
    for (const over of [{ customer: 'zendesk/1' }, { before: 5 }, { ticketId: '1' }])
      expect(await shareOf(over)).toBe(0);
  });

  it('are passages first, then the questions of solved tickets without their answers', async () => {
    const base = open();
    await base.putSolved('s', [solved('1', '<p>The zip.</p>')]);
    await base.putArticles('s', [article('a', '<p>b</p>')]);
    expect(await fill(base)).toEqual(['a\nb', 'A question\nThe zip.']);
    expect(base.vectors?.counts()).toEqual({ wanted: 2, made: 2 });
  });

  it('are asked for once: not after a restart, a change beside the text, or for the like of another', async () => {
    const base = open();
    await base.putArticles('s', ARTICLES);
    await base.putSolved('s', [solved('1', 'The zip')]);
    expect(await fill(base)).toHaveLength(5);
    await base.putArticles(
      's',
      ARTICLES.map((one) => ({ ...one, url: 'https://x.example', updatedAt: 7 })),
    );
    await base.putSolved('s', [solved('1', 'The zip', { reply: 'Soap helps.' }), solved('2', 'The zip')]);
    expect(await fill(base)).toEqual([]);
    const again = open();
    expect(await fill(again)).toEqual([]);
    expect(again.vectors?.counts()).toEqual({ wanted: 6, made: 6 });
    expect((await found(again))[0]).toBe('wax');
    await again.putArticles('s', [
      article('wax', '<h2>Candle</h2><p>Rub it on the teeth of the zip.</p><h2>Soap</h2><p>Not any more.</p>'),
    ]);
    await again.putSolved('s', [solved('1', 'The tent')]);
    expect(await fill(again)).toEqual(['wax\nSoap\nNot any more.', 'A question\nThe tent']);
  });

  it('are asked for once of equal texts that wait together', async () => {
    const base = open();
    await base.putSolved('s', [solved('1', 'The zip'), solved('2', 'The zip')]);
    expect(await base.vectors?.missing(9, new Set())).toHaveLength(1);
    expect(await fill(base)).toEqual(['A question\nThe zip']);
    expect(base.vectors?.counts()).toEqual({ wanted: 2, made: 2 });
  });

  it('are made of what was taken in without a model, of tickets by their subject until they come again', async () => {
    const without = openKnowledgeBase(connection, { clock });
    expect(without.vectors).toBeNull();
    await without.putArticles('s', [article('a', '<p>b</p>')]);
    await without.putSolved('s', [solved('1', 'The zip'), solved('2', '', { subject: 'Only this' })]);
    expect(rows('SELECT count(*) FROM knowledge_vector')).toEqual([0]);
    const base = open();
    expect(await fill(base)).toEqual(['a\nb', 'A question', 'Only this']);
    await base.putSolved('s', [solved('1', 'The zip'), solved('2', '', { subject: 'Only this' })]);
    expect(await fill(base)).toEqual(['A question\nThe zip']);
    expect(await base.putSolved('s', [solved('1', 'The zip')])).toMatchObject({ imported: 0, updated: 0 });
  });

  it('are made anew for another model', async () => {
    const base = open();
    await base.putArticles('s', ARTICLES);
    await base.putSolved('s', [solved('1', 'The zip')]);
    const texts = await fill(base);
    const other = open('other');
    expect(await found(other)).toEqual([]);
    expect((await fill(other)).toSorted()).toEqual(texts.toSorted());
    expect(rows('SELECT DISTINCT model FROM knowledge_vector')).toEqual(['other']);
  });

  it('go with their passage or ticket, in the same write', async () => {
    const base = open();
    await base.putArticles('s', ARTICLES);
    await base.putSolved('s', [solved('1', 'The zip'), solved('2', 'The tent')]);
    await fill(base);
    await base.remove('s', 'articles', ['wax', 'green']);
    await base.remove('s', 'solved', ['1']);
    expect(rows('SELECT count(*) FROM knowledge_vector')).toEqual([2]);
    await base.forgetSolved(10);
    await base.keepOnly('s', 'articles', new Set(['none']));
    expect(rows('SELECT count(*) FROM knowledge_vector')).toEqual([0]);
    expect(await found(base)).toEqual([]);
  });

  it('and the texts they were made of are erased with a person, to the last byte', async () => {
    const base = open();
    const outbox = openOutbox(connection, { clock, newId: uuidv7(clock), owner: 'me', maxPending: 10 });
    await base.putArticles('s', ARTICLES);
    const canary = 'canary zip that sings';
    await base.putSolved('s', [solved('7', canary), solved('8', 'The tent of finch')]);
    await fill(base);
    const kept = packVector(stubVector('A question\nThe tent of finch')).toString('latin1');
    const gone = packVector(stubVector(`A question\n${canary}`)).toString('latin1');
    const bytes = (): string =>
      readdirSync(folder)
        .map((file) => readFileSync(join(folder, file), 'latin1'))
        .join('');
    expect([bytes().includes(canary), bytes().includes(gone)]).toEqual([true, true]);
    expect(await outbox.eraseRequester('zendesk', '7')).toMatchObject({ solved: 1, filesCleaned: true });
    expect([bytes().includes(canary), bytes().includes(gone), bytes().includes(kept)]).toEqual([false, false, true]);
    // one that was on its way for that text finds nobody
    const late = (await base.vectors?.missing(9, new Set()))?.length;
    await base.vectors?.put(new Map([['a digest of nobody', stubVector('zip')]]));
    expect([late, base.vectors?.counts().wanted]).toEqual([0, 5]);
    await base.search(QUERY);
    await outbox.close();
  });

  it('change nothing where there are none, none in time, or no model', async () => {
    const queries = [QUERY, { subject: 'zip', text: 'teeth of the tent', customer: null }];
    const put = async (base: Base): Promise<void> => {
      await base.putArticles('s', ARTICLES);
      await base.putSolved('s', [solved('1', 'The zip'), solved('2', 'The tent', { articles: ['poles'] })]);
    };
    const plain = openKnowledgeBase(connection, { clock });
    await put(plain);
    const expected = await Promise.all(queries.map((query) => plain.search(query)));
    const failing = openKnowledgeBase(connection, { clock, embedder: embedder('stub', async () => null) });
    expect(await Promise.all(queries.map((query) => failing.search(query)))).toEqual(expected);
    await fill(failing);
    expect(await Promise.all(queries.map((query) => failing.search(query)))).toEqual(expected);
    const asked: string[] = [];
    await plain.remove('s', 'articles', ['wax', 'poles', 'green']);
    await plain.remove('s', 'solved', ['1', '2']);
    const empty = openKnowledgeBase(connection, {
      clock,
      embedder: embedder('stub', async (text) => {
        asked.push(text);
        return null;
      }),
    });
    await put(empty);
    await empty.search(QUERY);
    // nothing to compare with: nothing is paid
    expect(asked).toEqual([]);
    await fill(empty);
    await empty.search(QUERY);
    expect(asked).toEqual(['My fastener\nIt does not move']);
  });

  it('are counted in what was spent today', async () => {
    const base = open();
    await base.vectors?.spend(0.25);
    await base.vectors?.spend(0.5);
    expect(rows(`SELECT day || ' ' || scope || cost_usd FROM spending`)).toEqual([`${utcDay(clock.now())} 0.75`]);
  });
});
