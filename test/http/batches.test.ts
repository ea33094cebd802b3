import { describe, expect, test } from 'vitest';
import { UpstreamError } from '../../src/core/errors.ts';
import { makeBatch } from '../support/factories.ts';
import { makeBatchProgress } from '../support/fakes.ts';
import { get, json, post, testApp } from './test-app.ts';

describe('batches', () => {
  const ids = (count: number): number[] => Array.from({ length: count }, (_, index) => index + 1);

  test('a new one is 202 with its id, its state and the duplicates', async () => {
    const parts = testApp();
    parts.control.duplicates = ['1'];
    const body = { helpdesk: 'zendesk', ticketIds: [1, '2', 1], name: 'backlog', post: 'hold' };
    const response = await post(parts, '/admin/batches', body);
    expect(response.status).toBe(202);
    expect(await json(response)).toMatchObject({ id: 'b1', state: 'running', total: 3, duplicates: ['1'] });
    expect(parts.control.started).toEqual([
      makeBatch(['1', '2', '1'], { name: 'backlog', post: 'hold', skipDrafted: true }),
    ]);
  });

  test('the shape of a batch', async () => {
    const parts = testApp();
    parts.control.batch = makeBatchProgress({ finishedAt: Date.UTC(2026, 10, 23, 11), state: 'completed' });
    expect(await json(await get(parts, '/admin/batches/b1'))).toEqual({
      id: 'b1',
      name: null,
      helpdesk: 'zendesk',
      state: 'completed',
      reason: null,
      errors: [],
      spent: { promptTokens: 0, completionTokens: 0, costUsd: 0, forecastUsd: null },
      budgetUsd: null,
      waitingFor: [],
      limits: {},
      canary: null,
      post: 'auto',
      lane: 'standard',
      filter: null,
      listing: false,
      total: 3,
      counts: expect.objectContaining({ queued: 0, cancelled: 0 }),
      processed: 0,
      succeeded: 0,
      failed: 0,
      economy: null,
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
    ['a canary of none', { ticketIds: [1], canary: { size: 0 } }, 400, 'canary.size'],
    ['an error rate above 1', { ticketIds: [1], canary: { maxErrorRate: 10 } }, 400, 'canary.maxErrorRate'],
    ['no budget at all', { ticketIds: [1], budgetUsd: 0 }, 400, 'budgetUsd'],
    ['another lane', { ticketIds: [1], lane: 'fast' }, 400, 'lane'],
    ['skipDrafted as text', { ticketIds: [1], skipDrafted: 'yes' }, 400, 'skipDrafted'],
    ['ids and a filter', { ticketIds: [1], filter: { status: 'new' } }, 400, 'ticketIds'],
    ['a filter without a condition', { filter: {} }, 400, 'filter'],
    ['a filter with an unknown field', { filter: { state: 'new' } }, 400, 'filter.state'],
    ['a canary with an unknown field', { ticketIds: [1], canary: { foo: 1 } }, 400, 'canary.foo'],
    ['a filter with a local time', { filter: { createdSince: '2026-11-24 10:00' } }, 400, 'filter.createdSince'],
    [
      'a filter of no time',
      { filter: { createdSince: '2026-11-24T10:00:00Z', createdUntil: '2026-11-24T09:00:00Z' } },
      400,
      'filter',
    ],
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
    expect(parts.control.started).toEqual([]);
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
    const result = {
      status: 'posted',
      draft: 'Hello\nyou',
      error: null,
      attempts: 2,
      durationMs: 5,
      sources: [],
      unproven: [],
      versions: null,
      textRemovedAt: null,
    } as const;
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
      sources: [],
      unproven: [],
      versions: null,
      textRemovedAt: null,
    }));
    const response = await get(parts, '/admin/batches/b1/results.ndjson');
    parts.reader.broken = new Error('disk secret');
    const rejected = expect(response.text()).rejects.toThrow('results cut off');
    await parts.clock.advance(0);
    await rejected;
    expect(parts.observer.events).toEqual([{ name: 'fault', where: 'batch results', error: 'Error' }]);
    expect((await get(parts, '/admin/batches/b1/results.ndjson')).status).toBe(500);
  });

  test('a filter, with its times as epoch ms inside and ISO 8601 outside', async () => {
    const parts = testApp();
    const filter = { status: 'new', tags: ['vip'], group: 42, createdSince: '2026-11-24T10:00:00+01:00' };
    const response = await post(parts, '/admin/batches', { helpdesk: 'zendesk', filter });
    expect(response.status).toBe(202);
    const known = { status: ['new'], tags: ['vip'], group: '42', createdSince: Date.UTC(2026, 10, 24, 9) };
    expect(parts.control.started[0]?.source).toEqual({ filter: known, cursor: null });
    parts.control.batch = makeBatchProgress({ filter: known, listing: true });
    expect(await json(await get(parts, '/admin/batches/b1'))).toMatchObject({
      filter: { ...known, createdSince: '2026-11-24T09:00:00.000Z' },
      listing: true,
    });
  });

  test.each([
    ['invalid_request', 400, 'filter'],
    ['auth', 503, undefined],
    ['timeout', 503, undefined],
  ] as const)(
    'a helpdesk that answers a filter with %s is %i, and nothing is stored',
    async (errorClass, status, path) => {
      const parts = testApp();
      parts.control.upstreamError = new UpstreamError(errorClass, 'zendesk says no.', { upstream: 'zendesk' });
      for (const dryRun of [false, true]) {
        const response = await post(parts, '/admin/batches', { helpdesk: 'zendesk', filter: { status: 'x' }, dryRun });
        expect(response.status).toBe(status);
        const { errors } = await json(response);
        if (path !== undefined) expect(errors).toEqual([{ path, message: 'zendesk says no.' }]);
        else expect(Number(response.headers.get('retry-after'))).toBeGreaterThan(0);
      }
      expect(parts.control.started).toEqual([]);
    },
  );

  test('a dry run answers what it would take, and starts nothing', async () => {
    const parts = testApp();
    const response = await post(parts, '/admin/batches', { helpdesk: 'zendesk', ticketIds: [1, 2], dryRun: true });
    expect(response.status).toBe(200);
    expect(await json(response)).toMatchObject({ tickets: 2, bound: 'llm.requests' });
    expect(parts.control.started).toEqual([]);
    expect(parts.control.estimated).toHaveLength(1);
  });

  test('a budget for a model without a price is refused', async () => {
    const parts = testApp();
    parts.control.priced = false;
    const response = await post(parts, '/admin/batches', { helpdesk: 'zendesk', ticketIds: [1], budgetUsd: 5 });
    expect(response.status).toBe(400);
    expect((await json(response))['errors']).toEqual([{ path: 'budgetUsd', message: expect.any(String) }]);
  });

  test.each([
    ['pause', undefined, 'pause b1'],
    ['resume', undefined, 'resume b1'],
    ['retry', undefined, 'retry b1 null'],
    ['retry', { errorClass: 'timeout' }, 'retry b1 timeout'],
    ['release', {}, 'release b1 null'],
    ['release', { minConfidence: 0.7 }, 'release b1 0.7'],
  ])('%s %o', async (action, body, expected) => {
    const parts = testApp();
    const response = await post(parts, `/admin/batches/b1/${action}`, body);
    expect(response.status).toBe(202);
    expect(await json(response)).toMatchObject({ id: 'b1' });
    expect(parts.outbox.batchActions).toEqual([expected]);
    parts.outbox.batchAction = { kind: 'conflict', state: 'completed' };
    const refused = await post(parts, `/admin/batches/b1/${action}`, body);
    expect(refused.status).toBe(409);
    expect(await json(refused)).toMatchObject({ state: 'completed' });
    parts.outbox.batchAction = { kind: 'unknown' };
    expect((await post(parts, `/admin/batches/b2/${action}`, body)).status).toBe(404);
  });

  test.each([
    ['retry', { errorClass: 'bad luck' }],
    ['release', { minConfidence: 2 }],
    ['pause', { now: true }],
  ])('%s with %o is 400', async (action, body) => {
    const parts = testApp();
    expect((await post(parts, `/admin/batches/b1/${action}`, body)).status).toBe(400);
    expect(parts.outbox.batchActions).toEqual([]);
  });

  test('events of a batch: what it is now, then each change', async () => {
    const parts = testApp();
    expect((await get(parts, '/admin/batches/b2/events')).status).toBe(404);
    const response = await get(parts, '/admin/batches/b1/events');
    expect(response.headers.get('content-type')).toBe('text/event-stream');
    const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
    expect((await reader?.read())?.value).toMatch(/^event: batch\ndata: \{"id":"b1",.*"state":"running"/);
    parts.control.batch = makeBatchProgress({ state: 'cancelled' });
    const next = reader?.read();
    await parts.clock.advance(1000);
    expect((await next)?.value).toContain('"state":"cancelled"');
    await reader?.cancel();
  });
});
