import { describe, expect, test } from 'vitest';
import { OutboxUnavailable } from '../../src/core/outbox.ts';
import { get, json, post, type TestApp, testApp, VIEWER_TOKEN } from './test-app.ts';

const CANARY = 'text-canary-of-a-customer';

const written = ({ audit }: TestApp) =>
  audit.written.map(({ who, action, subject, outcome }) => [who, action, subject, outcome]);

describe('the audit log', () => {
  test('has a row for every change, with ids and how it ended, and no content', async () => {
    const parts = testApp();
    await post(parts, '/admin/pause');
    await post(parts, '/admin/tickets/zendesk/5158/retry');
    await post(parts, '/admin/tickets/zendesk/404/retry');
    await post(parts, '/admin/dead-letters/retry', { ticketIds: ['1'] });
    await post(parts, '/admin/batches', { helpdesk: 'zendesk', ticketIds: [1], name: CANARY });
    await post(parts, '/admin/batches', { helpdesk: CANARY, ticketIds: [1] });
    await post(parts, '/admin/batches/b1/cancel');
    await post(parts, '/admin/batches/b1/retry', '{');
    await post(parts, `/admin/${CANARY}`);
    await post(parts, `/admin/batches/%1b[2J%0a${'x'.repeat(200)}/pause`, {});
    expect(written(parts)).toEqual([
      ['admin-1', 'POST /admin/pause', null, 'ok'],
      ['admin-1', 'POST /admin/tickets/:helpdesk/:ticketId/retry', 'zendesk/5158', 'ok'],
      ['admin-1', 'POST /admin/tickets/:helpdesk/:ticketId/retry', 'zendesk/404', 'not_found'],
      ['admin-1', 'POST /admin/dead-letters/retry', null, 'ok'],
      ['admin-1', 'POST /admin/batches', 'b1', 'ok'],
      ['admin-1', 'POST /admin/batches', null, 'not_found'],
      ['admin-1', 'POST /admin/batches/:id/cancel', 'b1', 'ok'],
      ['admin-1', 'POST /admin/batches/:id/retry', 'b1', 'malformed'],
      ['admin-1', 'POST /admin/*', null, 'not_found'],
      ['admin-1', 'POST /admin/batches/:id/pause', `??2J?${'x'.repeat(95)}`, 'not_found'],
    ]);
    expect(JSON.stringify(parts.audit.written)).not.toContain('canary');
  });

  test('looking leaves no row', async () => {
    const parts = testApp();
    await get(parts, '/admin/progress');
    await get(parts, '/admin/audit');
    await get(parts, '/admin/nothing');
    expect(parts.audit.written).toEqual([]);
  });

  test('the row is there before anything changes, and without it nothing does', async () => {
    const parts = testApp();
    parts.control.pause = async () => {
      expect(parts.audit.written).toMatchObject([{ action: 'POST /admin/pause', outcome: null }]);
    };
    expect((await post(parts, '/admin/pause')).status).toBe(200);
    parts.audit.broken = new OutboxUnavailable('SQLITE_FULL');
    const refused = await post(parts, '/admin/batches/b1/cancel');
    expect(refused.status).toBe(503);
    expect(parts.control.calls).toEqual([]);
  });

  test('what has happened is answered as it was, also when its end cannot be written', async () => {
    const parts = testApp();
    parts.audit.end = async () => {
      throw new OutboxUnavailable('SQLITE_FULL');
    };
    expect((await post(parts, '/admin/pause')).status).toBe(200);
    expect(parts.audit.written).toMatchObject([{ outcome: null }]);
    expect(parts.observer.events).toEqual([{ name: 'fault', where: 'audit log', error: 'OutboxUnavailable' }]);
  });

  test('a handler that throws leaves its row as internal', async () => {
    const parts = testApp();
    parts.control.pause = async () => {
      throw new TypeError('secret');
    };
    expect((await post(parts, '/admin/pause')).status).toBe(500);
    expect(written(parts)).toEqual([['admin-1', 'POST /admin/pause', null, 'internal']]);
  });

  test('GET /admin/audit shows it, to viewers too', async () => {
    const parts = testApp();
    await post(parts, '/admin/pause');
    const response = await parts.app.request('/admin/audit?limit=10', {
      headers: { authorization: `Bearer ${VIEWER_TOKEN}` },
    });
    expect(await json(response)).toEqual({
      items: [
        {
          id: '1',
          at: '1970-01-01T00:00:00.000Z',
          who: 'admin-1',
          role: 'operator',
          address: null,
          action: 'POST /admin/pause',
          subject: null,
          outcome: 'ok',
          count: 1,
        },
      ],
      nextCursor: null,
    });
    for (const query of ['limit=0', 'limit=501', 'cursor=1', 'since=1']) {
      expect((await get(parts, `/admin/audit?${query}`)).status).toBe(400);
    }
  });
});
