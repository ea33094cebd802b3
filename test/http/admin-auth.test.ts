import { Hono } from 'hono';
import { describe, expect, test } from 'vitest';
import type { AdminEnv } from '../../src/http/admin-auth.ts';
import { addAuditRoutes } from '../../src/http/audit.ts';
import { addBackupRoute } from '../../src/http/backup.ts';
import { addBatchRoutes } from '../../src/http/batches.ts';
import { createSeats } from '../../src/http/event-stream.ts';
import { addKnowledgeRoutes } from '../../src/http/knowledge.ts';
import { addProgressRoutes } from '../../src/http/progress.ts';
import { addRequesterRoutes } from '../../src/http/requesters.ts';
import { addTicketRoutes } from '../../src/http/tickets.ts';
import { signedHelpdesk } from '../support/fakes.ts';
import { ADMIN_TOKEN, AUTHORIZED, json, OTHER_TOKEN, testApp, VIEWER_TOKEN } from './test-app.ts';

/** Every path of the admin API with a method it takes. */
function adminRequests(app: Hono): { method: string; path: string }[] {
  return app.routes
    .filter(({ path, method }) => path.startsWith('/admin/') && method !== 'ALL')
    .map(({ path, method }) => ({ method, path: path.replace(':helpdesk', 'zendesk').replace(/:\w+/, '5158') }));
}

function unchanged({ outbox, control }: ReturnType<typeof testApp>): void {
  expect(control.started).toEqual([]);
  expect(outbox.retried).toEqual([]);
  expect(control.calls).toEqual([]);
}

const BAD_HEADERS: [string, string | undefined][] = [
  ['none', undefined],
  ['empty', ''],
  ['scheme only', 'Bearer'],
  ['empty token', 'Bearer '],
  ['wrong', 'Bearer something-else-of-some-length-0001'],
  ['prefix', `Bearer ${ADMIN_TOKEN.slice(0, -1)}`],
  ['longer', `Bearer ${ADMIN_TOKEN}x`],
  ['other case', `Bearer ${ADMIN_TOKEN.toUpperCase()}`],
  ['doubled', `Bearer ${ADMIN_TOKEN} ${ADMIN_TOKEN}`],
  ['a list', `Bearer ${ADMIN_TOKEN}, Bearer ${ADMIN_TOKEN}`],
  ['a list of tokens', `Bearer ${ADMIN_TOKEN},${OTHER_TOKEN}`],
  ['two spaces', `Bearer  ${ADMIN_TOKEN}`],
  ['no scheme', ADMIN_TOKEN],
  ['Basic', `Basic ${Buffer.from(`admin:${ADMIN_TOKEN}`).toString('base64')}`],
  ['quoted', `Bearer "${ADMIN_TOKEN}"`],
];

describe('D1 every admin route without a good token', () => {
  test('the list of routes is not empty', () => {
    expect(adminRequests(testApp().app).length).toBeGreaterThanOrEqual(14);
  });

  test.each(BAD_HEADERS)('%s', async (_what, authorization) => {
    const parts = testApp();
    for (const { method, path } of adminRequests(parts.app)) {
      const headers: Record<string, string> = authorization === undefined ? {} : { authorization };
      // ten a minute are told so
      await parts.clock.advance(60_000);
      const response = await parts.app.request(path, { method, headers });
      expect([method, path, response.status]).toEqual([method, path, 401]);
      expect(response.headers.get('www-authenticate')).toBe('Bearer realm="draftdesk"');
      expect(await json(response)).toMatchObject({ status: 401, title: 'Unauthorized' });
    }
    unchanged(parts);
  });

  test('two tokens are good at once, the scheme in any case', async () => {
    const { app } = testApp();
    for (const authorization of [`Bearer ${ADMIN_TOKEN}`, `Bearer ${OTHER_TOKEN}`, `bearer ${ADMIN_TOKEN}`]) {
      expect((await app.request('/admin/progress', { headers: { authorization } })).status).toBe(200);
    }
  });

  test('each handler asks again, should a router ever skip the middleware', async () => {
    const parts = testApp();
    const bare = new Hono<AdminEnv>();
    const deps = { ...parts, seats: createSeats(), helpdesks: new Map([['zendesk', signedHelpdesk()]]) };
    addProgressRoutes(bare, deps);
    addTicketRoutes(bare, deps);
    addBatchRoutes(bare, deps);
    addKnowledgeRoutes(bare, deps);
    addAuditRoutes(bare, deps);
    addRequesterRoutes(bare, deps);
    addBackupRoute(bare, deps);
    for (const { method, path } of adminRequests(parts.app)) {
      const response = await bare.request(path.replace('/admin', ''), { method, headers: AUTHORIZED });
      expect([method, path, response.status]).toEqual([method, path, 401]);
    }
    unchanged(parts);
  });
});

describe('D2 path tricks without a token', () => {
  test.each([
    '//admin/progress',
    '/admin//progress',
    '/%61dmin/progress',
    '/x/../admin/progress',
    '/admin/./progress',
    '/admin;x/progress',
    '/ADMIN/progress',
    '/admin/%0aprogress',
    '/admin/progress/',
    '/admin/progress%2f',
    '/admin/progress?x=/healthz',
    '/admin',
    '/admin/',
    '/healthz/../admin/progress',
    '/healthz%2f..%2fadmin%2fprogress',
    '/webhooks/../admin/progress',
  ])('%s', async (path) => {
    const { app } = testApp();
    for (const method of ['GET', 'HEAD', 'POST']) {
      const response = await app.fetch(new Request(`http://localhost${path}`, { method }));
      expect([400, 401, 404, 405]).toContain(response.status);
      expect(await response.text()).not.toContain('ratePerMinute');
    }
  });
});

describe('D3 HEAD', () => {
  test('asks for the same token as GET and answers no body', async () => {
    const { app } = testApp();
    for (const path of ['/admin/progress', '/admin/events', '/admin/tickets', '/admin/batches/b1/results.ndjson']) {
      expect((await app.request(path, { method: 'HEAD' })).status).toBe(401);
      const response = await app.request(path, { method: 'HEAD', headers: AUTHORIZED });
      expect(response.status).toBe(200);
      expect(await response.text()).toBe('');
    }
  });

  test('leaves no event stream behind', async () => {
    const { app, clock } = testApp();
    for (let i = 0; i < 200; i++) await app.request('/admin/events', { method: 'HEAD', headers: AUTHORIZED });
    expect(clock.pending()).toBe(0);
    expect((await app.request('/admin/events', { headers: AUTHORIZED })).status).toBe(200);
  });
});

test.each(['token', 'access_token'])('D4 ?%s= is refused, alone and beside a good header', async (name) => {
  const { app } = testApp();
  for (const headers of [{}, AUTHORIZED]) {
    const response = await app.request(`/admin/progress?${name}=${ADMIN_TOKEN}`, { headers });
    expect(response.status).toBe(401);
    expect(await response.text()).not.toContain(ADMIN_TOKEN);
  }
});

test('D10 Host and X-Forwarded-For change nothing', async () => {
  const { app } = testApp();
  const headers = { host: 'evil.test', 'x-forwarded-for': '127.0.0.1', 'x-forwarded-host': 'evil.test' };
  expect((await app.request('/admin/progress', { headers })).status).toBe(401);
  const created = await app.request('/admin/batches', {
    method: 'POST',
    headers: { ...headers, ...AUTHORIZED },
    body: '{"helpdesk":"zendesk","ticketIds":[1]}',
  });
  expect(created.headers.get('location')).toBe('/admin/batches/b1');
});

test('no CORS headers, whatever the origin', async () => {
  const { app } = testApp();
  const headers = { ...AUTHORIZED, origin: 'https://evil.test', 'access-control-request-method': 'POST' };
  for (const method of ['GET', 'OPTIONS']) {
    const response = await app.request('/admin/progress', { method, headers });
    expect([...response.headers.keys()].filter((name) => name.startsWith('access-control'))).toEqual([]);
  }
});

describe('D13 a viewer', () => {
  const viewer = { authorization: `Bearer ${VIEWER_TOKEN}` };

  test('looks at everything', async () => {
    const parts = testApp();
    for (const { method, path } of adminRequests(parts.app).filter((request) => request.method === 'GET')) {
      const response = await parts.app.request(path.replace('batches/5158', 'batches/b1'), { method, headers: viewer });
      expect([path, response.status]).toEqual([path, 200]);
      await response.body?.cancel();
    }
    expect(parts.audit.written).toEqual([]);
  });

  test('changes nothing: 403 and a row in the audit log, whatever the method and the path', async () => {
    const parts = testApp();
    const writing = adminRequests(parts.app).filter(({ method }) => method !== 'GET');
    expect(writing.length).toBeGreaterThanOrEqual(11);
    const tried = [
      ...writing,
      ...['PUT', 'PATCH', 'DELETE'].map((method) => ({ method, path: '/admin/progress' })),
      { method: 'POST', path: '/admin/nothing' },
    ];
    for (const { method, path } of tried) {
      const response = await parts.app.request(path, { method, headers: viewer });
      expect([method, path, response.status]).toEqual([method, path, 403]);
      expect(await json(response)).toMatchObject({ code: 'forbidden', title: 'Forbidden' });
    }
    expect(parts.audit.written).toHaveLength(tried.length);
    for (const row of parts.audit.written) {
      expect(row).toMatchObject({ who: 'vera', role: 'viewer', outcome: 'forbidden' });
    }
    unchanged(parts);
  });
});

describe('failed logins', () => {
  const wrong = { authorization: 'Bearer something-else-of-some-length-0001' };
  const from = (remoteAddress: string) => ({ incoming: { socket: { remoteAddress } } });
  const login = async ({ app }: ReturnType<typeof testApp>, address: string, headers: Record<string, string> = wrong) =>
    app.request('/admin/progress', { headers }, from(address));

  test('ten a minute and address are 401, more of them 429 with Retry-After', async () => {
    const parts = testApp();
    for (let i = 0; i < 10; i++) expect((await login(parts, '10.0.0.1')).status).toBe(401);
    await parts.clock.advance(20_000);
    const refused = await login(parts, '10.0.0.1');
    expect(refused.status).toBe(429);
    expect(refused.headers.get('retry-after')).toBe('40');
    expect(await json(refused)).toMatchObject({ title: 'Too Many Requests', code: 'too_many_requests' });
    expect((await login(parts, '10.0.0.2')).status).toBe(401);
    await parts.clock.advance(40_000);
    expect((await login(parts, '10.0.0.1')).status).toBe(401);
  });

  test('a right token passes all the same: nobody locks out who comes by the same proxy', async () => {
    const parts = testApp();
    for (let i = 0; i < 20; i++) await login(parts, '10.0.0.1');
    expect((await login(parts, '10.0.0.1', AUTHORIZED)).status).toBe(200);
    expect((await login(parts, '10.0.0.1')).status).toBe(429);
  });

  test('D10 X-Forwarded-For gets nobody another address', async () => {
    const parts = testApp();
    const statuses = [];
    for (let i = 0; i < 11; i++) {
      const headers = { ...wrong, 'x-forwarded-for': `10.1.1.${i}`, forwarded: `for=10.1.1.${i}` };
      statuses.push((await login(parts, '10.0.0.1', headers)).status);
    }
    expect(statuses).toEqual([...Array<number>(10).fill(401), 429]);
  });

  test('who sends no token at all has not tried', async () => {
    const parts = testApp();
    for (let i = 0; i < 20; i++) expect((await login(parts, '10.0.0.1', {})).status).toBe(401);
    expect(parts.audit.written).toEqual([]);
  });

  test('the audit log gets the first at once and the rest once a minute, by address', async () => {
    const parts = testApp();
    for (let i = 0; i < 5; i++) await login(parts, '10.0.0.1');
    for (let i = 0; i < 3; i++) await login(parts, '10.0.0.2');
    const rows = () => parts.audit.written.map(({ address, outcome, count }) => [address, outcome, count]);
    expect(rows()).toEqual([['10.0.0.1', 'unauthorized', 1]]);
    await parts.clock.advance(60_000);
    expect(rows().slice(1)).toEqual([
      ['10.0.0.1', 'unauthorized', 4],
      ['10.0.0.2', 'unauthorized', 3],
    ]);
    await parts.clock.advance(600_000);
    expect(rows()).toHaveLength(3);
    expect(parts.clock.pending()).toBe(0);
    expect(JSON.stringify(parts.audit.written)).not.toContain('something-else');
  });
});
