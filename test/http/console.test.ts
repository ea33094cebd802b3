import { describe, expect, test } from 'vitest';
import { makeProgress } from '../support/fakes.ts';
import { ADMIN_TOKEN, AUTHORIZED, post, testApp, type TestApp, VIEWER_TOKEN } from './test-app.ts';

const HOST = 'drafts.acme.example';
const SAME = { host: HOST, 'sec-fetch-site': 'same-origin' };
const FORM = 'application/x-www-form-urlencoded';

const send = ({ app }: TestApp, path: string, init: RequestInit = {}) =>
  app.request(path, { redirect: 'manual', ...init });

const signIn = (parts: TestApp, token: string, headers: Record<string, string> = SAME, next = '/') =>
  send(parts, '/login', {
    method: 'POST',
    headers: { ...headers, 'content-type': FORM },
    body: new URLSearchParams({ token, next }).toString(),
  });

/** The cookie that a browser would send back. */
async function cookieOf(parts: TestApp, token = ADMIN_TOKEN): Promise<string> {
  const response = await signIn(parts, token);
  expect(response.status).toBe(303);
  return response.headers.get('set-cookie')?.split(';')[0] ?? '';
}

const act = (parts: TestApp, path: string, headers: Record<string, string>, body = '', type = FORM) =>
  send(parts, path, { method: 'POST', headers: { ...headers, 'content-type': type }, body });

/** Every path that takes a form, of whatever page it is. */
const unsafePaths = ({ app }: TestApp): string[] =>
  app.routes
    .filter(({ method, path }) => method === 'POST' && !/^\/(admin|webhooks)\//.test(path))
    .map(({ path }) => path.replace(':helpdesk', 'zendesk').replaceAll(/:\w+/g, '5158'));

const BODIES: readonly (readonly [string, string])[] = [
  [FORM, 'class='],
  ['multipart/form-data; boundary=x', '--x--'],
  ['text/plain', 'class='],
  ['application/json', '{}'],
];
const FOREIGN_HEADERS: readonly (readonly [string, Record<string, string>])[] = [
  ['cross-site', { 'sec-fetch-site': 'cross-site' }],
  ['same-site', { 'sec-fetch-site': 'same-site' }],
  ['cross-site that lies about its origin', { 'sec-fetch-site': 'cross-site', origin: `https://${HOST}` }],
  ['an old browser, another origin', { origin: 'https://evil.test' }],
  ['another port', { origin: `https://${HOST}:8443` }],
  ['a sandboxed frame', { origin: 'null' }],
  ['no word about where it comes from', {}],
];

describe('D5 a request from elsewhere that comes with the cookie of the console', () => {
  const cases = FOREIGN_HEADERS.flatMap(([what, headers]) =>
    BODIES.map(([type, body]) => ({ what, headers, type, body })),
  );

  test.each(cases)('$what, $type: 403, and nothing happens', async ({ headers, type, body }) => {
    const parts = testApp();
    const cookie = await cookieOf(parts);
    const before = parts.audit.written.length;
    for (const path of unsafePaths(parts)) {
      const response = await act(parts, path, { host: HOST, cookie, ...headers }, body, type);
      expect([path, response.status]).toEqual([path, 403]);
      expect(response.headers.get('access-control-allow-origin')).toBeNull();
      expect(response.headers.get('set-cookie')).toBeNull();
    }
    expect(parts.control.calls).toEqual([]);
    expect(parts.outbox.retried).toEqual([]);
    expect(parts.outbox.batchActions).toEqual([]);
    expect([...parts.control.started, ...parts.control.estimated]).toEqual([]);
    expect(parts.audit.written).toHaveLength(before);
    const still = await send(parts, '/', { headers: { cookie } });
    expect(await still.text()).toContain('data-live-source');
  });

  test('every action of the console is among those', () => {
    const paths = unsafePaths(testApp());
    const known = [
      '/dead-letters/retry',
      '/dead-letters/zendesk/5158/retry',
      '/knowledge/sync',
      '/login',
      '/logout',
      '/pause',
      '/resume',
    ];
    expect(paths).toEqual(expect.arrayContaining(known));
  });

  test('the cookie opens nothing of the admin API, whatever the origin', async () => {
    const parts = testApp();
    const cookie = await cookieOf(parts);
    for (const headers of [SAME, { host: HOST, 'sec-fetch-site': 'cross-site' }]) {
      const response = await act(parts, '/admin/pause', { ...headers, cookie }, '{}', 'application/json');
      expect(response.status).toBe(401);
    }
    expect(parts.control.calls).toEqual([]);
  });

  test('our own pages may: told by the browser, or by the origin where it does not tell', async () => {
    const parts = testApp();
    const cookie = await cookieOf(parts);
    for (const headers of [SAME, { host: HOST, origin: `http://${HOST}` }, { host: HOST, origin: `https://${HOST}` }]) {
      const response = await act(parts, '/pause', { ...headers, cookie });
      expect([response.status, response.headers.get('location')]).toEqual([303, '/']);
    }
    expect(parts.control.calls).toEqual(['pause', 'pause', 'pause']);
  });
});

describe('D6 pages of the console', () => {
  const POLICY =
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'";

  test.each(['/', '/login', '/dead-letters', '/knowledge', '/settings', '/nothing'])(
    '%s has the policy and keeps to it',
    async (path) => {
      const parts = testApp();
      const cookie = await cookieOf(parts);
      for (const headers of [{ accept: 'text/html' }, { accept: 'text/html', cookie }]) {
        const response = await send(parts, path, { headers });
        expect(response.headers.get('content-type')).toBe('text/html; charset=utf-8');
        expect(response.headers.get('content-security-policy')).toBe(POLICY);
        expect(response.headers.get('x-content-type-options')).toBe('nosniff');
        expect(response.headers.get('cache-control')).toBe('no-store');
        const html = await response.text();
        expect(html).not.toMatch(
          /<script(?![^>]* src="\/assets\/)|<style|\sstyle=|\son\w+=|https?:\/\/(?!www\.w3\.org)/,
        );
      }
    },
  );

  test('a subject that is a script is text', async () => {
    const parts = testApp();
    parts.reader.failing = () => [{ errorClass: 'timeout', dead: 1, retrying: 0 }];
    const known = parts.reader.known.get('zendesk 5158');
    if (known === undefined) throw new Error('no ticket');
    parts.reader.known.set('zendesk 5158', {
      ...known,
      subject: '</td><script>alert(1)</script>',
      error: '"><img src=x>',
    });
    const response = await send(parts, '/dead-letters', { headers: { cookie: await cookieOf(parts) } });
    const html = await response.text();
    expect(html).toContain('&lt;script&gt;alert(1)');
    expect(html).not.toContain('<script>alert');
    expect(html).not.toContain('<img src=x');
  });

  test('what was found is text, and a link only where it leads to a page', async () => {
    const parts = testApp();
    const found = { locale: null, restricted: false, heading: '', share: 1, votes: 1 };
    const evil = '</p><script>alert(1)</script>\u202e';
    parts.knowledge.search = async () => ({
      articles: [
        { ...found, id: evil, title: evil, url: 'javascript:alert(1)', passage: evil },
        { ...found, id: 'b', title: 'B', url: 'https://help.test/?a="b', passage: '' },
      ],
      solved: [{ id: 's', subject: evil, reply: evil.repeat(50), score: 1 }],
      canned: [{ id: 'c', title: evil, body: evil, score: 1 }],
      version: '1',
    });
    const response = await send(parts, '/knowledge?subject=x&q=y', { headers: { cookie: await cookieOf(parts) } });
    const html = await response.text();
    expect(html).toContain('&lt;script&gt;alert(1)');
    expect(html).not.toMatch(/<script>|href="javascript|\u202e/);
    expect(html).toContain('href="https://help.test/?a=&quot;b"');
  });

  test('style and script have a name of their own contents and are kept for good', async () => {
    const { app } = testApp();
    const html = await (await app.request('/')).text();
    const paths = html.match(/\/assets\/[\w.-]+/g) ?? [];
    expect(new Set(paths.map((path) => path.split('.').at(-1)))).toEqual(new Set(['css', 'js', 'svg']));
    for (const path of new Set(paths)) {
      const response = await app.request(path);
      expect(response.status).toBe(200);
      expect(path).toMatch(/-[0-9a-f]{16}\./);
      expect(response.headers.get('cache-control')).toContain('immutable');
    }
  });
});

describe('sessions of the console', () => {
  test('end after 12 hours, to the minute', async () => {
    const parts = testApp();
    const cookie = await cookieOf(parts);
    const isIn = async () =>
      (await (await send(parts, '/', { headers: { cookie } })).text()).includes('data-live-source');
    await parts.clock.advance(12 * 3_600_000 - 60_000);
    expect(await isIn()).toBe(true);
    await parts.clock.advance(60_000);
    expect(await isIn()).toBe(false);
    const response = await act(parts, '/pause', { ...SAME, cookie });
    expect([response.status, response.headers.get('location')]).toEqual([303, '/']);
    expect(parts.control.calls).toEqual([]);
  });

  test('end with the sign-out, for a copy of the cookie too', async () => {
    const parts = testApp();
    const cookie = await cookieOf(parts);
    const out = await act(parts, '/logout', { ...SAME, cookie });
    expect(out.headers.get('set-cookie')).toContain('Max-Age=0');
    await act(parts, '/pause', { ...SAME, cookie });
    expect(parts.control.calls).toEqual([]);
  });

  test('a viewer is refused by the server, and the audit log has it', async () => {
    const parts = testApp();
    const cookie = await cookieOf(parts, VIEWER_TOKEN);
    const response = await act(parts, '/pause', { ...SAME, cookie });
    expect(response.status).toBe(403);
    expect(parts.control.calls).toEqual([]);
    expect(parts.audit.written.at(-1)).toMatchObject({
      who: 'vera',
      role: 'viewer',
      action: 'POST /pause',
      outcome: 'forbidden',
    });
  });

  test.each([
    [VIEWER_TOKEN, ['/logout']],
    [ADMIN_TOKEN, ['/dead-letters/retry', '/dead-letters/zendesk/5158/retry', '/logout', '/pause', '/resume']],
  ])('who signs in with %s finds the forms for %j', async (token, expected) => {
    const parts = testApp();
    parts.reader.failing = () => [{ errorClass: 'timeout', dead: 1, retrying: 0 }];
    parts.control.current = makeProgress({ pauses: [{ scope: 'llm', reason: 'auth', since: '' }] });
    const cookie = await cookieOf(parts, token);
    const pages = await Promise.all(
      ['/', '/dead-letters', '/settings'].map(async (path) =>
        (await send(parts, path, { headers: { cookie } })).text(),
      ),
    );
    const actions = [...pages.join('').matchAll(/<form[^>]* action="([^"]+)"/g)].map(([, action = '']) => action);
    expect([...new Set(actions)].toSorted()).toEqual(expected);
    expect(pages.every((html) => html.includes('degraded'))).toBe(true);
  });

  test('what is done stands in the audit log before and after', async () => {
    const parts = testApp();
    const cookie = await cookieOf(parts);
    expect(parts.audit.written.at(-1)).toMatchObject({ who: 'admin-1', action: 'login', outcome: 'ok' });
    await act(parts, '/dead-letters/zendesk/5158/retry', { ...SAME, cookie });
    expect(parts.audit.written.at(-1)).toMatchObject({ subject: 'zendesk/5158', outcome: 'ok' });
    parts.audit.broken = new Error('disk');
    const response = await act(parts, '/pause', { ...SAME, cookie });
    expect(response.status).toBe(500);
    expect(parts.control.calls).toEqual([]);
  });

  test('an action that is refused or fails is an error page, and the audit log says how it ended', async () => {
    const parts = testApp();
    const cookie = await cookieOf(parts);
    const wrong = await act(parts, '/dead-letters/retry', { ...SAME, cookie }, 'class=nonsense');
    expect(wrong.status).toBe(400);
    expect(await wrong.text()).toContain('There is no such class of errors.');
    expect(parts.audit.written.at(-1)).toMatchObject({ action: 'POST /dead-letters/retry', outcome: 'malformed' });
    expect(parts.outbox.retried).toEqual([]);
    parts.control.pause = async () => {
      throw new Error('db password is x');
    };
    const failed = await act(parts, '/pause', { ...SAME, cookie });
    expect(failed.status).toBe(500);
    expect(await failed.text()).not.toContain('password');
    expect(parts.audit.written.at(-1)).toMatchObject({ action: 'POST /pause', outcome: 'internal' });
  });

  test('wrong tokens are counted together with those of the admin API, and a right one is still let in', async () => {
    const parts = testApp();
    for (let n = 0; n < 5; n += 1) {
      expect((await signIn(parts, 'wrong')).status).toBe(401);
      expect((await send(parts, '/admin/progress', { headers: { authorization: 'Bearer wrong' } })).status).toBe(401);
    }
    const tooMany = await signIn(parts, 'wrong');
    expect(tooMany.status).toBe(429);
    expect(Number(tooMany.headers.get('retry-after'))).toBeGreaterThan(0);
    expect((await signIn(parts, ADMIN_TOKEN)).status).toBe(303);
  });

  test.each([
    ['/settings?cursor=x', '/settings?cursor=x&signed-in'],
    ['//evil.test', '/?signed-in'],
    ['/\\evil.test', '/?signed-in'],
    ['https://evil.test/', '/?signed-in'],
    ['/a\r\nSet-Cookie: x=y', '/?signed-in'],
    ['', '/?signed-in'],
  ])('after signing in for %j it goes on to %j', async (next, location) => {
    const response = await signIn(testApp(), ADMIN_TOKEN, SAME, next);
    expect(response.headers.get('location')).toBe(location);
  });

  test('D10 neither the host nor who forwards it lets anybody in or out', async () => {
    const parts = testApp();
    for (const headers of [
      { host: 'evil.test' },
      { 'x-forwarded-for': '127.0.0.1' },
      { cookie: '__Host-draftdesk=' },
    ]) {
      expect(await (await send(parts, '/', { headers })).text()).toContain('data-signed-out');
      expect((await send(parts, '/live', { headers })).status).toBe(401);
    }
  });

  test('a bearer token opens no page, and a page no bearer path', async () => {
    const parts = testApp();
    expect(await (await send(parts, '/', { headers: AUTHORIZED })).text()).toContain('data-signed-out');
    expect((await post(parts, '/pause')).status).toBe(403);
  });

  test('a cursor of another list is refused', async () => {
    const parts = testApp();
    const cookie = await cookieOf(parts);
    for (const path of [
      '/settings?cursor=1.0123456789ab',
      '/dead-letters?cursor=x.y',
      '/dead-letters?class=nonsense',
    ]) {
      parts.reader.failing = () => [{ errorClass: 'timeout', dead: 1, retrying: 0 }];
      expect([path, (await send(parts, path, { headers: { cookie } })).status]).toEqual([path, 400]);
    }
  });
});
