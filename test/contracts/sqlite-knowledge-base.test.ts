import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { systemClock, uuidv7 } from '../../src/core/clock.ts';
import { OutboxUnavailable } from '../../src/core/outbox.ts';
import { openDatabase } from '../../src/sqlite/database.ts';
import { customerDigest } from '../../src/sqlite/knowledge-items.ts';
import { openKnowledgeBase } from '../../src/sqlite/knowledge-base.ts';
import { openOutbox } from '../../src/sqlite/outbox.ts';
import { migrationsFolder } from '../support/paths.ts';
import { knowledgeBaseContract } from './knowledge-base.ts';

const clock = systemClock();

function openWorld(routineArticles: readonly string[] = []) {
  const folder = mkdtempSync(join(tmpdir(), 'draftdesk-'));
  const path = join(folder, 'test.db');
  let connection = openDatabase({ path, migrationsFolder });
  return {
    folder,
    base: openKnowledgeBase(connection, { clock, routineArticles }),
    connection,
    reopen: async () => {
      connection.close();
      connection = openDatabase({ path, migrationsFolder });
      return openKnowledgeBase(connection, { clock });
    },
    [Symbol.asyncDispose]: async () => {
      connection.close();
      rmSync(folder, { recursive: true });
    },
  };
}

knowledgeBaseContract('sqlite', async () => openWorld());

const makeSolved = (id: string, customer: string) => ({
  id,
  subject: 'zip is stuck',
  description: 'The zip is stuck.',
  reply: 'Wax helps.',
  customer,
  solvedAt: null,
  articles: ['zip'],
});
const makeArticle = (id: string) => ({
  id,
  locale: null,
  title: id,
  body: `<p>${id}</p>`,
  url: null,
  updatedAt: null,
  restricted: false,
});
const QUERY = { subject: 'zip', text: 'stuck', customer: null };

describe('the knowledge base on SQLite', () => {
  it('counts no votes for articles that are linked whatever the question', async () => {
    await using world = openWorld(['first-aid']);
    await world.base.putArticles('s', ['zip', 'first-aid'].map(makeArticle));
    await world.base.putSolved('s', [{ ...makeSolved('1', 'a'), articles: ['first-aid'] }]);
    expect((await world.base.search(QUERY)).articles.find(({ id }) => id === 'first-aid')?.votes ?? 0).toBe(0);
  });

  it('forgets a person whom the outbox erases, also one that it has in memory, and takes nothing of them again', async () => {
    await using world = openWorld();
    const { base, connection } = world;
    const outbox = openOutbox(connection, { clock, newId: uuidv7(clock), owner: 'me', maxPending: 10 });
    await base.putArticles('s', [makeArticle('zip')]);
    await base.putSolved('s', [makeSolved('1', 'zendesk/7'), makeSolved('2', '7'), makeSolved('3', 'zendesk/8')]);
    expect((await base.search(QUERY)).solved).toHaveLength(3);
    const before = base.summary().version;
    expect(await outbox.eraseRequester('zendesk', '7')).toMatchObject({ solved: 2 });
    const { solved, articles, version } = await base.search(QUERY);
    expect(solved.map(({ id }) => id)).toEqual(['3']);
    expect(articles[0]).toMatchObject({ id: 'zip', votes: 1 });
    expect(version).not.toBe(before);
    const again = await base.putSolved('s', [makeSolved('1', 'zendesk/7'), makeSolved('2', '7')]);
    const reason = 'Its customer was erased.';
    const rejected = [
      { index: 0, reason },
      { index: 1, reason },
    ];
    expect(again).toEqual({ imported: 0, updated: 0, rejected });
    await outbox.close();
  });

  it('takes in nothing of a person who is erased while it is filled', async () => {
    await using world = openWorld();
    const { base, connection } = world;
    const outbox = openOutbox(connection, { clock, newId: uuidv7(clock), owner: 'me', maxPending: 10 });
    await base.putArticles('s', [makeArticle('zip')]);
    const filling = base.putSolved(
      's',
      Array.from({ length: 40 }, (_, index) => makeSolved(`${index}`, index === 20 ? 'zendesk/7' : `c${index}`)),
    );
    await outbox.eraseRequester('zendesk', '7');
    await filling;
    const left = connection.prepare(`SELECT count(*) FROM knowledge_solved WHERE customer = 'zendesk/7'`).pluck().get();
    expect(left).toBe(0);
    await outbox.close();
  });

  it('says of a person who is erased between reading and writing that they were not taken in', async () => {
    await using world = openWorld();
    const { base, connection } = world;
    const erase = connection.prepare('INSERT INTO knowledge_erased (customer) VALUES (?)');
    const last = makeSolved('2', 'c2');
    const items = [
      makeSolved('1', 'zendesk/7'),
      {
        ...last,
        get subject() {
          if (base.summary().counts.solved === 0) erase.run(customerDigest('zendesk/7'));
          Object.defineProperty(this, 'subject', { value: last.subject, enumerable: true });
          return last.subject;
        },
      },
    ];
    expect(await base.putSolved('s', items)).toEqual({
      imported: 1,
      updated: 0,
      rejected: [{ index: 0, reason: 'Its customer was erased.' }],
    });
  });

  it('leaves no byte of a person who was erased', async () => {
    await using world = openWorld();
    const { base, connection, folder } = world;
    const outbox = openOutbox(connection, { clock, newId: uuidv7(clock), owner: 'me', maxPending: 10 });
    const found = (): number =>
      readdirSync(folder).filter((file) => readFileSync(join(folder, file), 'latin1').includes('kestrel')).length;
    const people = Array.from({ length: 60 }, (_, index) => makeSolved(`${index}`, `zendesk/${index % 3}`));
    await base.putSolved(
      's',
      people.map((one, index) =>
        index % 3 === 0 ? { ...one, subject: 'kestrel', reply: `kestrel ${'wax '.repeat(50 * index)}` } : one,
      ),
    );
    expect(found()).toBeGreaterThan(0);
    expect(await outbox.eraseRequester('zendesk', '0')).toMatchObject({ solved: 20, filesCleaned: true });
    expect(found()).toBe(0);
    await outbox.close();
  });

  it('refuses as the outbox does when the disk is full, and memory holds no more than the tables', async () => {
    await using world = openWorld();
    const { base, connection } = world;
    await base.putArticles('s', [makeArticle('zip')]);
    const pages = Number(connection.pragma('page_count', { simple: true }));
    connection.pragma(`max_page_count = ${pages}`);
    const large = { ...makeArticle('large zip'), body: `<p>${'zip stuck '.repeat(20_000)}</p>` };
    await expect(base.putArticles('s', [large])).rejects.toBeInstanceOf(OutboxUnavailable);
    expect((await base.search(QUERY)).articles.map(({ id }) => id)).toEqual(['zip']);
    connection.pragma('max_page_count = 1000000');
    await new Promise((resolve) => setTimeout(resolve, 0));
    connection.disk.check();
    expect(await base.putArticles('s', [large])).toMatchObject({ imported: 1 });
  });

  it('makes its index anew when most of it is of texts that are gone, and finds what is there', async () => {
    await using world = openWorld();
    const { base } = world;
    const many = Array.from({ length: 1500 }, (_, index) => makeSolved(`${index}`, `c${index}`));
    await base.putSolved('s', many);
    await base.keepOnly('s', 'solved', new Set(['7']));
    expect((await base.search(QUERY)).solved.map(({ id }) => id)).toEqual(['7']);
  });

  it('can be searched while it is filled', async () => {
    await using world = openWorld();
    const { base } = world;
    const filling = base.putSolved(
      's',
      Array.from({ length: 500 }, (_, index) => makeSolved(`${index}`, `c${index}`)),
    );
    const found = await base.search(QUERY);
    expect(found.solved.length).toBeLessThanOrEqual(5);
    await filling;
    expect(base.summary().counts.solved).toBe(500);
  });
});
