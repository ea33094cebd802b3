import { describe, expect, test } from 'vitest';
import { RequestError } from '../../src/core/errors.ts';
import { OutboxUnavailable } from '../../src/core/outbox.ts';
import { makeBatchProgress, makeDetail, makeProgress } from '../support/fakes.ts';
import { AUTHORIZED, json, testApp } from './test-app.ts';

type Parts = ReturnType<typeof testApp>;

async function get({ app }: Parts, path: string): Promise<Response> {
  return app.request(path, { headers: AUTHORIZED });
}

async function post({ app }: Parts, path: string, body?: unknown): Promise<Response> {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  return app.request(path, { method: 'POST', headers: AUTHORIZED, ...(body === undefined ? {} : { body: text }) });
}

describe('tickets', () => {
  test('one ticket in the shape of INTERFACE.md, times as ISO 8601', async () => {
    const response = await get(testApp(), '/admin/tickets/zendesk/5158');
    expect(response.status).toBe(200);
    expect(await json(response)).toEqual({
      helpdesk: 'zendesk',
      ticketId: '5158',
      status: 'posted',
      reason: null,
      batchId: null,
      subject: 'It does not start',
      createdAt: '2026-11-23T10:00:00.000Z',
      updatedAt: '2026-11-23T10:01:00.000Z',
      errorClass: null,
      error: null,
      noteId: '77',
      traceId: '0123456789abcdef0123456789abcdef',
      attempts: [
        {
          stage: 'draft',
          number: 1,
          startedAt: '2026-11-23T10:00:01.000Z',
          durationMs: 900,
          outcome: 'ok',
          errorClass: null,
          error: null,
        },
      ],
      draft: {
        version: 1,
        body: 'Please restart the app.',
        finding: null,
        language: 'en',
        confidence: 0.8,
        sources: [],
        questions: ['Which version is it?'],
        cut: null,
        model: 'gpt-6-luna',
        promptTokens: 500,
        cachedTokens: 0,
        completionTokens: 120,
        costUsd: 0.0001,
        createdAt: '2026-11-23T10:00:02.000Z',
      },
    });
  });

  test('a ticket without a draft', async () => {
    const parts = testApp();
    parts.reader.known.set('zendesk 5158', makeDetail({ draft: null, attempts: [] }));
    expect(await json(await get(parts, '/admin/tickets/zendesk/5158'))).toMatchObject({ draft: null, attempts: [] });
  });

  test('an unknown one is 404', async () => {
    expect((await get(testApp(), '/admin/tickets/zendesk/1')).status).toBe(404);
    expect((await get(testApp(), '/admin/tickets/freshdesk/5158')).status).toBe(404);
  });

  test('the list passes its filters on and defaults to 50', async () => {
    const parts = testApp();
    const response = await get(parts, '/admin/tickets?status=dead&helpdesk=zendesk&batch=b1&limit=500');
    expect(await json(response)).toMatchObject({ items: [{ ticketId: '5158', status: 'posted' }], nextCursor: null });
    await get(parts, '/admin/tickets');
    expect(parts.reader.queries).toEqual([
      { status: 'dead', helpdesk: 'zendesk', batchId: 'b1', limit: 500 },
      { limit: 50 },
    ]);
  });

  test('a cursor continues the same list, with any limit, and no other', async () => {
    const parts = testApp();
    parts.reader.nextCursor = 'inner';
    const { nextCursor } = await json(await get(parts, '/admin/tickets?status=dead'));
    const cursor = encodeURIComponent(String(nextCursor));
    expect((await get(parts, `/admin/tickets?status=dead&limit=7&cursor=${cursor}`)).status).toBe(200);
    expect(parts.reader.queries.at(-1)).toEqual({ status: 'dead', limit: 7, cursor: 'inner' });
    for (const path of [
      '/admin/tickets?',
      '/admin/tickets?status=posted&',
      '/admin/dead-letters?',
      '/admin/batches?',
    ]) {
      expect([path, (await get(parts, `${path}cursor=${cursor}`)).status]).toEqual([path, 400]);
    }
  });

  test.each([
    'limit=',
    'limit=0',
    'limit=501',
    'limit=1e9',
    'limit=1e2',
    'limit=-1',
    'limit=NaN',
    'limit=%2010',
    'limit=010',
    'limit=10.5',
    'limit=9007199254740993',
    'limit=1&limit=1',
    'cursor=',
    'cursor=forged',
    'cursor=a.b',
    'cursor=x&cursor=x',
    'status=',
    'status=unknown',
    'status=dead&status=posted',
    'helpdesk=',
    'state=dead',
    '__proto__=x',
  ])('D7 ?%s is 400 and says where', async (query) => {
    const parts = testApp();
    const response = await get(parts, `/admin/tickets?${query}`);
    expect(response.status).toBe(400);
    const { errors } = await json(response);
    const [name] = query.split('=');
    expect(errors).toEqual([{ path: name, message: expect.any(String) }]);
    expect(parts.reader.queries).toEqual([]);
  });

  test.each([
    ['retry', { kind: 'ok' } as const, 202],
    ['post', { kind: 'ok' } as const, 202],
    ['retry', { kind: 'unknown' } as const, 404],
    ['post', { kind: 'unknown' } as const, 404],
    ['retry', { kind: 'conflict', status: 'posting' } as const, 409],
    ['post', { kind: 'conflict', status: 'skipped' } as const, 409],
  ])('D8 %s when the outbox says %o', async (action, result, status) => {
    const parts = testApp();
    parts.outbox.action = result;
    const id = result.kind === 'unknown' ? '1' : '5158';
    const response = await post(parts, `/admin/tickets/zendesk/${id}/${action}`);
    expect(response.status).toBe(status);
    const body = await json(response);
    if (status === 202) expect(body).toMatchObject({ ticketId: '5158', attempts: [{ stage: 'draft' }] });
    if (result.kind === 'conflict') expect(body).toMatchObject({ status: 409, state: result.status });
  });
});

describe('dead letters', () => {
  test('are the dead tickets', async () => {
    const parts = testApp();
    expect((await get(parts, '/admin/dead-letters?helpdesk=zendesk')).status).toBe(200);
    expect(parts.reader.queries).toEqual([{ status: 'dead', helpdesk: 'zendesk', limit: 50 }]);
  });

  test.each<[unknown, object]>([
    [undefined, {}],
    [{}, {}],
    [{ ticketIds: ['7', 8] }, { ticketIds: ['7', '8'] }],
    [{ errorClass: 'timeout' }, { errorClass: 'timeout' }],
  ])('retry %j', async (body, filter) => {
    const parts = testApp();
    const response = await post(parts, '/admin/dead-letters/retry', body);
    expect(response.status).toBe(202);
    expect(await json(response)).toEqual({ retried: 1 });
    expect(parts.outbox.retried).toEqual([filter]);
  });

  test.each(['[]', 'null', '{', '{"ticketIds":[]}', '{"ticketIds":"7"}', '{"errorClass":"x"}', '{"ticketids":[7]}'])(
    'retry %s is 400: a typing error must not retry everything',
    async (body) => {
      const parts = testApp();
      expect((await post(parts, '/admin/dead-letters/retry', body)).status).toBe(400);
      expect(parts.outbox.retried).toEqual([]);
    },
  );
});

describe('batches', () => {
  const ids = (count: number): number[] => Array.from({ length: count }, (_, index) => index + 1);

  test('a new one is 202 with its id, its state and the duplicates', async () => {
    const parts = testApp();
    const body = { helpdesk: 'zendesk', ticketIds: [1, '2', 1], name: 'backlog', post: 'hold' };
    const response = await post(parts, '/admin/batches', body);
    expect(response.status).toBe(202);
    expect(await json(response)).toMatchObject({ id: 'b1', state: 'running', total: 3, duplicates: ['1'] });
    expect(parts.outbox.batches).toEqual([
      { helpdesk: 'zendesk', ticketIds: ['1', '2', '1'], name: 'backlog', post: 'hold' },
    ]);
    expect(parts.observer.events).toEqual([{ name: 'batch', batchId: 'b1', state: 'running', total: 2 }]);
  });

  test('the shape of a batch', async () => {
    const parts = testApp();
    parts.control.batch = makeBatchProgress({ finishedAt: Date.UTC(2026, 10, 23, 11), state: 'completed' });
    expect(await json(await get(parts, '/admin/batches/b1'))).toEqual({
      id: 'b1',
      name: null,
      helpdesk: 'zendesk',
      state: 'completed',
      total: 3,
      counts: expect.objectContaining({ queued: 0, cancelled: 0 }),
      processed: 0,
      succeeded: 0,
      failed: 0,
      errorRate: 0,
      ratePerMinute: 0,
      etaSeconds: null,
      createdAt: '2026-11-23T10:00:00.000Z',
      finishedAt: '2026-11-23T11:00:00.000Z',
    });
    expect(await json(await get(parts, '/admin/batches'))).toMatchObject({ items: [{ id: 'b1' }], nextCursor: null });
    expect((await get(parts, '/admin/batches/b2')).status).toBe(404);
  });

  test('C14 10,000 ids of 20 digits; what INTERFACE.md names as defaults', async () => {
    const parts = testApp();
    const ticketIds = ids(10_000).map((id) => String(10n ** 19n + BigInt(id)));
    expect((await post(parts, '/admin/batches', { helpdesk: 'zendesk', ticketIds })).status).toBe(202);
    const defaults = { lane: 'standard', skipDrafted: false, dryRun: false, post: 'auto' };
    expect((await post(parts, '/admin/batches', { helpdesk: 'zendesk', ticketIds: [1], ...defaults })).status).toBe(
      202,
    );
  });

  test.each<[string, unknown, number, string?]>([
    ['no ids', { ticketIds: [] }, 400, 'ticketIds'],
    ['10,001 ids', { ticketIds: ids(10_001) }, 400, 'ticketIds'],
    ['no list', { ticketIds: '1,2' }, 400, 'ticketIds'],
    ['ids missing', {}, 400, 'ticketIds'],
    ['an id with junk', { ticketIds: [1, '2;drop'] }, 400, 'ticketIds[1]'],
    ['an unsafe integer', '{"helpdesk":"zendesk","ticketIds":[9007199254740993]}', 400, 'ticketIds[0]'],
    ['zero', { ticketIds: [0] }, 400, 'ticketIds[0]'],
    ['negative', { ticketIds: [-1] }, 400, 'ticketIds[0]'],
    ['a fraction', { ticketIds: [1.5] }, 400, 'ticketIds[0]'],
    ['a list in the list', { ticketIds: [[1]] }, 400, 'ticketIds[0]'],
    ['another post', { ticketIds: [1], post: 'public' }, 400, 'post'],
    ['a long name', { ticketIds: [1], name: 'x'.repeat(201) }, 400, 'name'],
    ['canary', { ticketIds: [1], canary: { size: 20 } }, 400, 'canary'],
    ['budget', { ticketIds: [1], budgetUsd: 5 }, 400, 'budgetUsd'],
    ['lane', { ticketIds: [1], lane: 'flex' }, 400, 'lane'],
    ['skipDrafted', { ticketIds: [1], skipDrafted: true }, 400, 'skipDrafted'],
    ['dryRun', { ticketIds: [1], dryRun: true }, 400, 'dryRun'],
    ['filter', { ticketIds: [1], filter: { status: 'new' } }, 400, 'filter'],
    ['an unknown field', { ticketIds: [1], ticketsIds: [1] }, 400, 'ticketsIds'],
    ['an unknown helpdesk', { ticketIds: [1], helpdesk: 'jira' }, 404],
    ['no JSON', '{', 400],
    ['too much', ' '.repeat(2 * 1024 * 1024 + 1), 413],
  ])('C14 %s', async (_what, body, status, path) => {
    const parts = testApp();
    const sent = typeof body === 'string' ? body : { helpdesk: 'zendesk', ...(body as object) };
    const response = await post(parts, '/admin/batches', sent);
    expect(response.status).toBe(status);
    const { errors } = await json(response);
    if (path !== undefined) expect(errors).toEqual([{ path, message: expect.any(String) }]);
    expect(parts.outbox.batches).toEqual([]);
  });

  test('a thousand wrong ids are answered with 50 problems', async () => {
    const response = await post(testApp(), '/admin/batches', { helpdesk: 'zendesk', ticketIds: Array(1000).fill('x') });
    expect((await json(response))['errors']).toHaveLength(50);
  });

  test.each([
    ['cancelled', 202],
    ['cancelling', 202],
    ['completed', 409],
  ] as const)('D8 cancel of a batch that is %s afterwards is %i', async (state, status) => {
    const parts = testApp();
    parts.control.batch = makeBatchProgress({ state });
    const response = await post(parts, '/admin/batches/b1/cancel');
    expect(response.status).toBe(status);
    expect(await json(response)).toMatchObject({ state });
    expect((await post(parts, '/admin/batches/b2/cancel')).status).toBe(404);
  });

  test.each([0, 1, 199, 200, 201, 450])('results of %i tickets, a line each, in order', async (count) => {
    const parts = testApp();
    const result = { status: 'posted', draft: 'Hello\nyou', error: null, attempts: 2, durationMs: 5 } as const;
    parts.reader.results = ids(count).map((id) => ({ id: String(id), ...result }));
    const response = await get(parts, '/admin/batches/b1/results.ndjson');
    expect(response.headers.get('content-type')).toBe('application/x-ndjson');
    const text = response.text();
    for (let page = 0; page <= count / 200; page++) await parts.clock.advance(0);
    const lines = (await text).split('\n');
    expect(lines.pop()).toBe('');
    expect(lines.map((line) => JSON.parse(line))).toEqual(parts.reader.results);
  });

  test('results of an unknown batch, and from a database that fails at once or later', async () => {
    const parts = testApp();
    expect((await get(parts, '/admin/batches/b2/results.ndjson')).status).toBe(404);
    parts.reader.results = ids(300).map((id) => ({
      id: String(id),
      status: 'dead',
      draft: null,
      error: null,
      attempts: 1,
      durationMs: 1,
    }));
    const response = await get(parts, '/admin/batches/b1/results.ndjson');
    parts.reader.broken = new Error('disk secret');
    const rejected = expect(response.text()).rejects.toThrow('results cut off');
    await parts.clock.advance(0);
    await rejected;
    expect(parts.observer.events).toEqual([{ name: 'fault', where: 'batch results', error: 'Error' }]);
    expect((await get(parts, '/admin/batches/b1/results.ndjson')).status).toBe(500);
  });
});

describe('progress, pause and resume', () => {
  test('progress is what the service says', async () => {
    const parts = testApp();
    parts.control.current = makeProgress({ total: 7, ratePerMinute: 3 });
    expect(await json(await get(parts, '/admin/progress'))).toEqual(parts.control.current);
  });

  test('pause and resume answer the progress after', async () => {
    const parts = testApp();
    expect(await json(await post(parts, '/admin/pause'))).toMatchObject({ paused: true });
    expect(await json(await post(parts, '/admin/resume'))).toMatchObject({ paused: false });
    expect(parts.control.calls).toEqual(['pause', 'resume']);
  });
});

describe('errors', () => {
  test('D12 a fault is 500 with a request id; what it says stays inside', async () => {
    const parts = testApp();
    parts.reader.broken = new TypeError('db password is x');
    const response = await get(parts, '/admin/tickets/zendesk/5158');
    expect(response.status).toBe(500);
    const { requestId, ...problem } = await json(response);
    expect(requestId).toMatch(/^[0-9a-f]{12}$/);
    expect(JSON.stringify(problem)).not.toContain('password');
    expect(parts.observer.events).toEqual([
      {
        name: 'fault',
        where: `GET /admin/tickets/:helpdesk/:ticketId, request ${String(requestId)}`,
        error: 'TypeError',
      },
    ]);
  });

  test('a store that refuses is 503 with Retry-After', async () => {
    const parts = testApp();
    parts.outbox.retryDead = async () => {
      throw new OutboxUnavailable('SQLITE_FULL at /secret/path');
    };
    const response = await post(parts, '/admin/dead-letters/retry');
    expect(response.status).toBe(503);
    expect(Number(response.headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
    expect(await response.text()).not.toContain('secret');
  });

  test.each([
    [600, '59'],
    [0, '1'],
    [2.5, '3'],
  ])('Retry-After stays within 1 and 59: %d', async (retryAfterSeconds, header) => {
    const parts = testApp();
    parts.outbox.retryDead = async () => {
      throw new RequestError('unavailable', 'Later.', { retryAfterSeconds });
    };
    const response = await post(parts, '/admin/dead-letters/retry');
    expect([response.status, response.headers.get('retry-after')]).toEqual([503, header]);
  });

  test('no problem echoes the input', async () => {
    const parts = testApp();
    const canary = 'CANARY<script>';
    const responses = await Promise.all([
      get(parts, `/admin/tickets?${encodeURIComponent(canary)}=1`),
      get(parts, `/admin/tickets?status=${encodeURIComponent(canary)}`),
      get(parts, `/admin/tickets?cursor=${encodeURIComponent(canary)}`),
      get(parts, `/admin/tickets/${encodeURIComponent(canary)}/1`),
      post(parts, '/admin/batches', {
        [canary]: canary,
        helpdesk: canary,
        ticketIds: [canary],
        post: canary,
        name: {},
      }),
      post(parts, '/admin/batches', { helpdesk: canary, ticketIds: [1] }),
      post(parts, '/admin/batches', canary),
      post(parts, '/admin/dead-letters/retry', { errorClass: canary }),
      get(parts, `/admin/batches/${encodeURIComponent(canary)}`),
    ]);
    expect(responses.map(({ status }) => status)).toEqual([400, 400, 400, 404, 400, 404, 400, 400, 404]);
    for (const response of responses) expect(await response.text()).not.toContain('CANARY');
  });

  test.each([
    ['POST', '/admin/progress', 'GET, HEAD'],
    ['GET', '/admin/pause', 'POST'],
    ['HEAD', '/admin/pause', 'POST'],
    ['DELETE', '/admin/batches', 'GET, HEAD, POST'],
    ['PUT', '/admin/tickets/zendesk/5158', 'GET, HEAD'],
    ['POST', '/healthz', 'GET, HEAD'],
    ['DELETE', '/readyz', 'GET, HEAD'],
  ])('%s %s is 405', async (method, path, allow) => {
    const response = await testApp().app.request(path, { method, headers: AUTHORIZED });
    expect(response.status).toBe(405);
    expect(response.headers.get('allow')).toBe(allow);
  });

  test.each(['/', '/nothing', '/admin/nothing', '/admin/batches/b1/pause', '/metrics'])('%s is 404', async (path) => {
    const response = await testApp().app.request(path, { headers: AUTHORIZED });
    expect(response.status).toBe(404);
    expect(response.headers.get('content-type')).toBe('application/problem+json');
  });
});

test('secure headers are on every kind of answer', async () => {
  const parts = testApp();
  const responses = await Promise.all([
    parts.app.request('/webhooks/zendesk', { method: 'POST' }),
    parts.app.request('/healthz'),
    parts.app.request('/nothing'),
    parts.app.request('/admin/progress'),
    get(parts, '/admin/progress'),
    get(parts, '/admin/events'),
    get(parts, '/admin/batches/b1/results.ndjson'),
    get(parts, '/admin/tickets?limit=0'),
  ]);
  for (const { headers } of responses) {
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    expect(headers.get('referrer-policy')).toBe('no-referrer');
    expect(headers.get('cache-control')).toBe('no-store');
    expect(headers.get('content-security-policy')).toBe(
      "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; " +
        "frame-ancestors 'none'; base-uri 'none'; form-action 'self'",
    );
  }
});
