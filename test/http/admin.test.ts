import { describe, expect, test } from 'vitest';
import { RequestError } from '../../src/core/errors.ts';
import { OutboxUnavailable } from '../../src/core/outbox.ts';
import { makeDetail, makeProgress } from '../support/fakes.ts';
import { AUTHORIZED, get, json, post, testApp } from './test-app.ts';

describe('people', () => {
  const erase = ({ app }: ReturnType<typeof testApp>, path: string) =>
    app.request(`/admin/requesters/${path}`, { method: 'DELETE', headers: AUTHORIZED });

  test('one is erased, and what is out of our hands is said', async () => {
    const parts = testApp();
    parts.control.erasure = {
      ...parts.control.erasure,
      tickets: 3,
      drafts: 2,
      errors: 1,
      spendingDays: 4,
      solved: 6,
      cancelled: 1,
      notes: 2,
      posting: 1,
      atProvider: 5,
      filesCleaned: false,
    };
    const response = await erase(parts, 'zendesk/361%2F1');
    expect(response.status).toBe(200);
    const { notRemoved, ...answer } = await json(response);
    expect(answer).toEqual({
      helpdesk: 'zendesk',
      requesterId: '361/1',
      removed: { tickets: 3, drafts: 2, solved: 6, errors: 1, spendingDays: 4 },
      cancelled: 1,
    });
    expect(notRemoved).toHaveLength(5);
    expect(parts.control.calls).toEqual(['erase zendesk 361/1']);
  });

  test('an unknown one has nothing to remove, an unknown helpdesk is not found, other methods are refused', async () => {
    const parts = testApp();
    expect(await json(await erase(parts, 'zendesk/9'))).toMatchObject({ removed: { tickets: 0 }, cancelled: 0 });
    expect((await erase(parts, 'other/9')).status).toBe(404);
    const posted = await post(parts, '/admin/requesters/zendesk/9');
    expect([posted.status, posted.headers.get('allow')]).toEqual([405, 'DELETE']);
  });

  test('a ticket whose texts are gone is still there', async () => {
    const parts = testApp();
    const textRemovedAt = Date.UTC(2026, 10, 24);
    parts.reader.known.set('zendesk 5158', makeDetail({ subject: null, draft: null, textRemovedAt }));
    const answer = await json(await get(parts, '/admin/tickets/zendesk/5158'));
    expect(answer).toMatchObject({ subject: null, draft: null, textRemovedAt: '2026-11-24T00:00:00.000Z' });
  });
});

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
      textRemovedAt: null,
      traceId: '0123456789abcdef0123456789abcdef',
      rule: null,
      attempts: [
        {
          stage: 'draft',
          number: 1,
          startedAt: '2026-11-23T10:00:01.000Z',
          durationMs: 900,
          outcome: 'ok',
          errorClass: null,
          error: null,
          waitedMs: 240,
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
        unproven: [],
        missing: [],
        closest: [],
        versions: null,
        cut: null,
        review: null,
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
    await get(parts, '/admin/tickets?q=%20refund%20%23515');
    expect(parts.reader.queries).toEqual([
      { status: 'dead', helpdesk: 'zendesk', batchId: 'b1', limit: 500 },
      { limit: 50 },
      { search: 'refund #515', limit: 50 },
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
    'q=',
    'q=%20',
    `q=${'x'.repeat(101)}`,
    'q=a&q=b',
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

  test.each(['/nothing', '/admin/nothing', '/admin/batches/b1/nothing'])('%s is 404', async (path) => {
    const response = await testApp().app.request(path, { headers: AUTHORIZED });
    expect(response.status).toBe(404);
    expect(response.headers.get('content-type')).toBe('application/problem+json');
  });
});

test('D6 secure headers are on every kind of answer', async () => {
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
    // nothing here is a page: not even our own scripts run
    expect(headers.get('content-security-policy')).toBe("default-src 'none'; frame-ancestors 'none'");
    expect(headers.has('x-powered-by')).toBe(false);
  }
});
