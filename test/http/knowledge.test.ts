import { describe, expect, test } from 'vitest';
import type { KnowledgeQuery } from '../../src/core/knowledge-base.ts';
import type { KnowledgeSyncer, SourceProgress } from '../../src/core/knowledge-sync.ts';
import { OutboxUnavailable } from '../../src/core/outbox.ts';
import { AUTHORIZED, get, json, post, type TestApp, testApp, VIEWER_TOKEN } from './test-app.ts';

const CANARY = 'text-canary-of-a-customer';
const ARTICLES = '/admin/knowledge/articles';
const article = (id: string, more: object = {}) => ({ id, title: `About ${id}`, body: `<p>${CANARY}</p>`, ...more });
const solved = (id: string, more: object = {}) => ({ id, subject: 's', description: 'd', reply: 'r', ...more });
const lines = (...items: readonly (object | string)[]): string =>
  items.map((item) => `${typeof item === 'string' ? item : JSON.stringify(item)}\n`).join('');

const send = (
  { app }: TestApp,
  path: string,
  body: NonNullable<RequestInit['body']>,
  headers: Record<string, string> = {},
) => app.request(path, { method: 'POST', body, duplex: 'half', headers: { ...AUTHORIZED, ...headers } } as RequestInit);

/** A body of these chunks; the last of them may be an error. */
function chunked(chunks: Iterable<string | Error>): ReadableStream<Uint8Array> {
  const iterator = chunks[Symbol.iterator]();
  return new ReadableStream({
    pull: (controller) => {
      const { value, done } = iterator.next();
      if (done === true) controller.close();
      else if (value instanceof Error) controller.error(value);
      else controller.enqueue(Buffer.from(value));
    },
  });
}

describe('an import', () => {
  test('takes lines in, tells new from changed, and answers just that', async () => {
    const parts = testApp();
    const first = await send(parts, ARTICLES, lines(article('a'), article('b', { locale: 'de', url: null })));
    expect(first.status).toBe(200);
    expect(await json(first)).toEqual({ imported: 2, updated: 0, rejected: [] });
    const again = await send(parts, ARTICLES, lines(article('a'), article('b', { locale: 'de', title: 'New' })));
    expect(await json(again)).toEqual({ imported: 0, updated: 1, rejected: [] });
    expect(parts.knowledge.items('import', 'articles').get('a')).toEqual({
      id: 'a',
      title: 'About a',
      body: `<p>${CANARY}</p>`,
      url: null,
      locale: null,
      updatedAt: null,
      restricted: false,
    });
  });

  test('reads every field of solved tickets and canned replies, ids as numbers too, and passes over what it does not know', async () => {
    const parts = testApp();
    const full = solved('x', { customer: 7, solvedAt: '2026-11-24T12:00:00+02:00', articles: [3, 'b'], tags: ['?'] });
    expect((await send(parts, '/admin/knowledge/solved', lines({ ...full, id: 5158 }))).status).toBe(200);
    expect([...parts.knowledge.items('import', 'solved').values()]).toEqual([
      {
        id: '5158',
        subject: 's',
        description: 'd',
        reply: 'r',
        customer: '7',
        solvedAt: Date.UTC(2026, 10, 24, 10),
        articles: ['3', 'b'],
      },
    ]);
    const canned = lines({ id: 'refund', title: 't', body: 'b', updatedAt: '2026-11-24' });
    expect((await send(parts, '/admin/knowledge/canned', canned)).status).toBe(200);
    expect([...parts.knowledge.items('import', 'canned').values()]).toEqual([
      { id: 'refund', title: 't', body: 'b', updatedAt: Date.UTC(2026, 10, 24) },
    ]);
  });

  test('tells each bad line by its number, takes the others, and lets nothing of a line back out', async () => {
    const parts = testApp();
    const body = Buffer.concat([
      Buffer.from(`\uFEFF${lines(article('a'), `{${CANARY}`, '', '  ', `["${CANARY}"]`)}`),
      Buffer.from(lines({ ...article('b'), title: undefined }, { ...article('c'), body: 7 }, article(''), 'null')),
      Buffer.from([0x22, 0xff, 0x22, 0x0a]),
      Buffer.from(lines(article('d', { updatedAt: 'yesterday' }), `"${'x'.repeat(8 * 1024 * 1024)}"`)),
      Buffer.from(JSON.stringify(article('e'))),
    ]);
    const answer = await json(await send(parts, ARTICLES, body));
    expect(answer).toEqual({
      imported: 2,
      updated: 0,
      rejected: [
        { line: 2, reason: 'It is not JSON.' },
        { line: 5, reason: 'It is not a JSON object.' },
        { line: 6, reason: 'Its title is missing.' },
        { line: 7, reason: 'Its body must be a text.' },
        { line: 8, reason: 'Its id must be a text of 1 to 300 characters.' },
        { line: 9, reason: 'It is not a JSON object.' },
        { line: 10, reason: 'It is not UTF-8 text.' },
        { line: 11, reason: 'Its updatedAt must be a time such as 2026-11-24T10:00:00Z.' },
        { line: 12, reason: 'It is longer than 8 MiB.' },
      ],
    });
    expect(parts.knowledge.keys('import', 'articles')).toEqual(['a', 'e']);
  });

  test('what the knowledge base itself refuses is told by its line too', async () => {
    const parts = testApp();
    const put = parts.knowledge.putSolved.bind(parts.knowledge);
    parts.knowledge.putSolved = async (source, items) => ({
      ...(await put(source, items)),
      rejected: [{ index: 1, reason: 'It has no answer.' }],
    });
    const answer = await json(await send(parts, '/admin/knowledge/solved', lines(solved('1'), '{', solved('2'))));
    expect(answer['rejected']).toEqual([
      { line: 2, reason: 'It is not JSON.' },
      { line: 3, reason: 'It has no answer.' },
    ]);
  });

  test('lists a thousand bad lines and counts those beyond', async () => {
    const answer = await json(await send(testApp(), ARTICLES, '{\n'.repeat(1_500)));
    expect(answer).toMatchObject({ imported: 0, updated: 0, moreRejected: 500 });
    expect(answer['rejected']).toHaveLength(1_000);
  });

  test('hands over 200 at a time, or 2 MiB, and reads no further until they are taken', async () => {
    const parts = testApp();
    const handfuls: number[] = [];
    let pulled = 0;
    const put = parts.knowledge.putArticles.bind(parts.knowledge);
    parts.knowledge.putArticles = async (source, items) => {
      handfuls.push(items.length);
      // what streams hold ahead of their reader
      expect(pulled - handfuls.reduce((sum, n) => sum + n, 0)).toBeLessThan(5);
      return put(source, items);
    };
    const small = Array.from({ length: 450 }, (_, n) => article(`a${n}`));
    const large = Array.from({ length: 5 }, (_, n) => article(`b${n}`, { pad: 'x'.repeat(900_000) }));
    const body = chunked(
      (function* () {
        for (const item of [...small, ...large]) {
          pulled += 1;
          yield lines(item);
        }
      })(),
    );
    expect(await json(await send(parts, ARTICLES, body))).toMatchObject({ imported: 455 });
    expect(handfuls).toEqual([200, 200, 53, 2]);
  });

  test('a client that goes away in the middle: what came is kept', async () => {
    const parts = testApp();
    const body = chunked([lines(article('a'), article('b')), JSON.stringify(article('c')), new Error('gone')]);
    const response = await send(parts, ARTICLES, body);
    expect(response.status).toBe(400);
    expect((await json(response))['detail']).toMatch(/ended before its end\. .* 2 imported/);
    expect(parts.knowledge.keys('import', 'articles')).toEqual(['a', 'b']);
  });

  test('when the disk refuses in the middle it says what is in, and when to come again', async () => {
    const parts = testApp();
    let writes = 0;
    parts.knowledge.beforeWrite = () => {
      writes += 1;
      if (writes > 1) throw new OutboxUnavailable('no room');
    };
    const body = lines(...Array.from({ length: 300 }, (_, n) => article(`a${n}`)));
    const response = await send(parts, ARTICLES, body);
    expect([response.status, response.headers.has('retry-after')]).toEqual([503, true]);
    expect((await json(response))['detail']).toMatch(/200 imported, 0 updated/);
  });

  test('ends when the service does', async () => {
    const parts = testApp();
    parts.control.stopping = () => parts.knowledge.keys('import', 'articles').length > 0;
    const body = lines(...Array.from({ length: 300 }, (_, n) => article(`a${n}`)));
    expect((await send(parts, ARTICLES, body)).status).toBe(503);
  });

  test('is a row of the audit log with counts, and nothing of the texts stands there or in the events', async () => {
    const parts = testApp();
    await send(parts, `${ARTICLES}?source=docs`, lines(article('a'), '{'));
    await send(parts, ARTICLES, chunked([lines(article(CANARY)), new Error('gone')]));
    await parts.app.request(ARTICLES, {
      method: 'POST',
      body: lines(article('x')),
      headers: { authorization: `Bearer ${VIEWER_TOKEN}` },
    });
    expect(parts.audit.written.map(({ who, action, subject, outcome }) => [who, action, subject, outcome])).toEqual([
      ['admin-1', `POST ${ARTICLES}`, 'import/docs: 1 imported, 0 updated, 1 rejected', 'ok'],
      ['admin-1', `POST ${ARTICLES}`, null, 'malformed'],
      ['vera', `POST ${ARTICLES}`, null, 'forbidden'],
    ]);
    expect(JSON.stringify([parts.audit.written, parts.observer.events])).not.toContain('canary');
    expect(parts.knowledge.keys('import', 'articles')).toEqual([CANARY]);
  });

  test.each([
    ['compressed', { 'content-encoding': 'gzip' }, 415],
    ['a form', { 'content-type': 'multipart/form-data; boundary=x' }, 415],
    ['declared too large', { 'content-length': String(256 * 1024 * 1024 + 1) }, 413],
    ['JSON', { 'content-type': 'application/json' }, 200],
    ['what curl sends unasked', { 'content-type': 'application/x-www-form-urlencoded' }, 200],
  ])('%s', async (_what, headers, status) => {
    expect((await send(testApp(), ARTICLES, lines(article('a')), headers)).status).toBe(status);
  });

  test('past the limit it is 413, and what came before is kept', async () => {
    const parts = testApp({ uploadLimits: { maxBytes: 1024 * 1024, idleMs: 8_000, bytesPerMs: 8 } });
    const many = Array.from({ length: 3 }, (_, n) => lines(article(`a${n}`, { pad: 'x'.repeat(500_000) })));
    expect((await send(parts, ARTICLES, chunked(many))).status).toBe(413);
    expect(parts.knowledge.keys('import', 'articles')).toEqual(['a0', 'a1']);
  });
});

describe('a complete import', () => {
  const COMPLETE = `${ARTICLES}?source=docs&complete=true`;
  const began = async (): Promise<TestApp> => {
    const parts = testApp();
    await send(parts, `${ARTICLES}?source=docs`, lines(article('a'), article('b'), article('b', { locale: 'de' })));
    await send(parts, ARTICLES, lines(article('other')));
    return parts;
  };

  test('takes out what its source had and it does not name, by language', async () => {
    const parts = await began();
    const answer = await json(await send(parts, COMPLETE, lines(article('a'), article('b', { locale: 'de' }))));
    expect(answer).toEqual({ imported: 0, updated: 0, rejected: [], removed: 1 });
    expect(parts.knowledge.keys('import/docs', 'articles')).toEqual(['a', 'b de']);
    expect(parts.knowledge.keys('import', 'articles')).toEqual(['other']);
  });

  test.each<[string, NonNullable<RequestInit['body']>, number, string[]]>([
    ['is cut', chunked([lines(article('a')), new Error('gone')]), 400, ['a', 'b', 'b de']],
    ['is empty', '\n\n', 200, ['a', 'b', 'b de']],
    ['has a line that names nothing', lines(article('a'), '{'), 200, ['a', 'b', 'b de']],
    ['has a bad line that tells whose it is', lines(article('a'), { id: 'b', locale: 'de' }), 200, ['a', 'b de']],
  ])('that %s takes out nothing it cannot be sure of', async (_what, body, status, left) => {
    const parts = await began();
    expect((await send(parts, COMPLETE, body)).status).toBe(status);
    expect(parts.knowledge.keys('import/docs', 'articles')).toEqual(left);
  });

  test.each(['source=a/b', 'source=', 'source=A', 'complete=1', 'x=1'])('?%s is 400', async (query) => {
    expect((await send(testApp(), `${ARTICLES}?${query}`, '')).status).toBe(400);
  });
});

describe('GET /admin/knowledge/search', () => {
  const SEARCH = '/admin/knowledge/search';
  const asked = (): { readonly parts: TestApp; readonly queries: KnowledgeQuery[] } => {
    const parts = testApp();
    const queries: KnowledgeQuery[] = [];
    parts.knowledge.search = async (query) => {
      queries.push(query);
      return {
        articles: [
          {
            id: 'a',
            locale: null,
            title: 'T',
            url: null,
            restricted: true,
            heading: 'H',
            passage: 'P',
            share: 0.5,
            votes: 2,
          },
        ],
        solved: [{ id: 's', subject: 'S', reply: 'R', score: 2 }],
        canned: [{ id: 'c', title: 'C', body: 'B', score: 1 }],
        version: '7',
      };
    };
    return { parts, queries };
  };

  test('asks for what was asked and answers best first', async () => {
    const { parts, queries } = asked();
    const response = await get(parts, `${SEARCH}?subject=Sub&q=Text&customer=zendesk/7&limit=3`);
    expect(await json(response)).toEqual({
      articles: [
        {
          id: 'a',
          title: 'T',
          url: null,
          heading: 'H',
          excerpt: 'P',
          share: 0.5,
          votes: 2,
          locale: null,
          restricted: true,
        },
      ],
      solved: [{ id: 's', subject: 'S', reply: 'R', score: 2 }],
      canned: [{ id: 'c', title: 'C', body: 'B', score: 1 }],
      version: '7',
    });
    await get(parts, `${SEARCH}?subject=&q=&customer=&limit=5`);
    expect(queries).toEqual([
      { subject: 'Sub', text: 'Text', customer: 'zendesk/7', locale: null, limit: 3 },
      { subject: '', text: '', customer: null, locale: null, limit: 5 },
    ]);
  });

  test.each([
    ['100 kB', 'x'.repeat(100_000), 400],
    ['10,000 characters', 'x'.repeat(10_000), 200],
    ['operators', `" AND NOT * NEAR( ^ : '; DROP TABLE x --`, 200],
    ['a NUL', 'a\0b', 200],
    ['emoji', '🛠️ '.repeat(100), 200],
    ['half of a pair', '%ED%A0%80', 200],
  ])('%s', async (_what, q, status) => {
    const { parts } = asked();
    const given = q.startsWith('%') ? q : encodeURIComponent(q);
    expect((await get(parts, `${SEARCH}?q=${given}`)).status).toBe(status);
  });

  test.each(['limit=0', 'limit=51', 'limit=x', 'q=1&q=2', 'nothing=1'])('?%s is 400', async (query) => {
    expect((await get(testApp(), `${SEARCH}?${query}`)).status).toBe(400);
  });
});

describe('what is there', () => {
  test('counts, sources with their last sync, the version', async () => {
    const parts = testApp({ knowledgeSync: syncer([reading('articles')]) });
    parts.knowledge.summary = () => ({
      counts: { articles: 2, solved: 1, canned: 0 },
      linked: 1,
      sources: [
        { source: 'zendesk', kind: 'articles', count: 2, cursor: 'c', syncedAt: 0, error: null },
        { source: 'import', kind: 'solved', count: 1, cursor: null, syncedAt: null, error: 'It broke.' },
      ],
      version: '9',
    });
    expect(await json(await get(parts, '/admin/knowledge'))).toEqual({
      counts: { articles: 2, solved: 1, canned: 0 },
      linked: 1,
      sources: [
        { source: 'zendesk', kind: 'articles', count: 2, syncedAt: '1970-01-01T00:00:00.000Z', error: null },
        { source: 'import', kind: 'solved', count: 1, syncedAt: null, error: 'It broke.' },
      ],
      sync: [reading('articles')],
      version: '9',
    });
  });

  test('how far the vectors are, where there is a model for them', async () => {
    const vectors = { model: 'm', state: 'filling', wanted: 10, made: 3, refused: 0, error: null } as const;
    const parts = testApp({ embeddings: { progress: () => vectors } });
    expect(await json(await get(parts, '/admin/knowledge'))).toMatchObject({ vectors });
  });

  test('a sync is begun, and answers 409 where there is nothing to read', async () => {
    expect((await post(testApp(), '/admin/knowledge/sync')).status).toBe(409);
    expect((await post(testApp({ knowledgeSync: syncer([]) }), '/admin/knowledge/sync')).status).toBe(409);
    const source = syncer([reading('solved')]);
    const response = await post(testApp({ knowledgeSync: source }), '/admin/knowledge/sync');
    expect([response.status, await json(response), source.begun()]).toEqual([202, { sync: [reading('solved')] }, 1]);
  });

  test('an item is taken out by its id, slash and all', async () => {
    const parts = testApp();
    await parts.knowledge.putArticles('zendesk', [{ ...article('zendesk/1'), locale: 'de' } as never]);
    const remove = (path: string) => parts.app.request(path, { method: 'DELETE', headers: AUTHORIZED });
    expect(await json(await remove('/admin/knowledge/articles/zendesk%2F1'))).toEqual({ removed: 1 });
    expect((await remove('/admin/knowledge/articles/zendesk%2F1')).status).toBe(404);
    expect((await remove('/admin/knowledge/nothing/1')).status).toBe(404);
  });
});

function reading(kind: SourceProgress['kind']): SourceProgress {
  const none = { listed: 0, imported: 0, updated: 0, removed: 0, rejected: 0, error: null };
  return { source: 'zendesk', kind, state: 'reading', ...none };
}

function syncer(progress: readonly SourceProgress[]): KnowledgeSyncer & { readonly begun: () => number } {
  let begun = 0;
  const sync = async (): Promise<readonly SourceProgress[]> => {
    begun += 1;
    return progress;
  };
  return { sync, progress: () => progress, begun: () => begun };
}
