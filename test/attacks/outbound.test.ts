import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { readConfig } from '../../src/config.ts';
import type { TicketDetail } from '../../src/core/ticket.ts';
import type { LlmFault } from '../../src/sandbox/openai.ts';
import { PATIENT, type RunningService, startTestService, startVendors, type Vendors } from '../support/harness.ts';
import { finished } from '../support/finished.ts';

/* Group E of the attack list of reliability.md: what comes from the LLM and the helpdesks. E1-E3, E7: injections.test.ts. */

const isChat = ({ path }: { readonly path: string }): boolean => path.endsWith('/chat/completions');
const NAMES = ['zendesk', 'freshdesk'] as const;
type Name = (typeof NAMES)[number];

/** A server that answers as it likes and counts who comes. */
async function listenTo(handler: RequestListener): Promise<AsyncDisposable & { url: string; hits: () => number }> {
  let hits = 0;
  const server = createServer((request, response) => {
    hits += 1;
    request.resume();
    handler(request, response);
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    hits: () => hits,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => {
        server.close(resolve);
      });
    },
  };
}

let vendors: Vendors;
let running: RunningService;
afterEach(async () => {
  await running[Symbol.asyncDispose]();
  await vendors[Symbol.asyncDispose]();
});

async function start(env: Readonly<Record<string, string>> = {}): Promise<void> {
  vendors = await startVendors();
  running = await startTestService({ ...vendors.env, ...PATIENT, MAX_ATTEMPTS: '2', ...env });
}

/** Adds a ticket and sends its events. */
async function write(name: Name = 'zendesk', from = 'ann'): Promise<string> {
  const requester = { name: from, email: `${from}@shop.example` };
  const id = vendors[name].addTicket({ subject: 'Order', html: '<p>Where is my order?</p>', requester });
  for (const call of vendors[name].creationWebhooks(id)) await running.admin.webhook(name, call);
  return id;
}
const ticketOf = (id: string, name: Name = 'zendesk') =>
  running.admin.get<TicketDetail>(`/admin/tickets/${name}/${id}`);
const done = (count = 1) => running.admin.until((counts) => finished(counts) === count);

describe('E4: what a model answers', () => {
  it.each<[LlmFault, string, string]>([
    ['malformed_json', 'dead', 'invalid_output'],
    ['wrong_schema', 'dead', 'invalid_output'],
    ['length', 'dead', 'output_truncated'],
    ['refusal', 'posted', ''],
    ['content_filter', 'posted', ''],
    ['huge', 'posted', ''],
  ])('%s ends as %s %s', async (fault, status, errorClass) => {
    await start();
    vendors.llm.faults.failNext(fault, isChat);
    vendors.llm.faults.failNext(fault, isChat);
    const id = await write();
    await done();
    expect(await ticketOf(id)).toMatchObject({ status, ...(errorClass === '' ? {} : { errorClass }) });
    expect(Buffer.byteLength(vendors.zendesk.notes(id)[0]?.html ?? '')).toBeLessThanOrEqual(65_536);
  });

  it.each([
    ['nothing', { status: 200, body: '' }, 'invalid_response'],
    ['HTML', { status: 200, body: '<html>sorry</html>', headers: { 'content-type': 'text/html' } }, 'invalid_response'],
    [
      'half JSON',
      { status: 200, body: '{"choices":[', headers: { 'content-type': 'application/json' } },
      'response_truncated',
    ],
    ['no choices', { status: 200, body: '{}', headers: { 'content-type': 'application/json' } }, 'invalid_response'],
  ])('%s is no answer', async (_what, answer, errorClass) => {
    await start();
    vendors.llm.faults.failNext(answer, isChat);
    vendors.llm.faults.failNext(answer, isChat);
    const id = await write();
    await done();
    expect(await ticketOf(id)).toMatchObject({ status: 'dead', errorClass });
    expect(vendors.zendesk.notes(id)).toEqual([]);
  });

  it('a stream without end is cut at 4 MB, one that trickles at the time limit', async () => {
    let sent = 0;
    await using flood = await listenTo((request, response) => {
      if (request.url?.endsWith('/models') === true) return void response.end('{"object":"list","data":[]}');
      response.writeHead(200, { 'content-type': 'application/json' });
      const more = (): void => {
        while (!response.destroyed && response.write('x'.repeat(65_536))) sent += 65_536;
      };
      response.on('drain', more);
      more();
    });
    await start({ OPENAI_BASE_URL: flood.url, LLM_TIMEOUT_MS: '10000' });
    const id = await write();
    await done();
    expect(await ticketOf(id)).toMatchObject({ status: 'dead', errorClass: 'response_too_large' });
    expect(sent).toBeLessThan(40 * 1024 * 1024);
    await running[Symbol.asyncDispose]();

    await using trickle = await listenTo((request, response) => {
      if (request.url?.endsWith('/models') === true) return void response.end('{"object":"list","data":[]}');
      response.writeHead(200, { 'content-type': 'application/json' });
      response.write('{"id":"');
    });
    const env = { ...vendors.env, MAX_ATTEMPTS: '1', OPENAI_BASE_URL: trickle.url, LLM_TIMEOUT_MS: '300' };
    running = await startTestService({ ...env, DATABASE_URL: `file:${vendors.folder}/other.db` });
    const second = await write();
    await done();
    expect(await ticketOf(second)).toMatchObject({ status: 'dead', errorClass: 'timeout' });
  });
});

describe('E6: a redirect', () => {
  it.each([301, 302, 303, 307, 308])(
    '%i of model or helpdesk is not followed, and no one gets the ticket',
    async (status) => {
      await using elsewhere = await listenTo((_request, response) => void response.end('{}'));
      await start();
      const answer = { status, headers: { location: `${elsewhere.url}/v1/chat/completions` } };
      vendors.llm.faults.failNext(answer, isChat);
      const drafted = await write();
      await done();
      expect(await ticketOf(drafted)).toMatchObject({ status: 'dead', errorClass: 'redirect' });
      for (const [index, name] of NAMES.entries()) {
        vendors[name].faults.failNext(answer, ({ method, path }) => method !== 'GET' && !path.startsWith('/oauth'));
        const id = await write(name);
        await done(index + 2);
        expect(await ticketOf(id, name)).toMatchObject({ status: 'dead', errorClass: 'redirect' });
        expect(vendors[name].notes(id)).toEqual([]);
      }
      expect(elsewhere.hits()).toBe(0);
    },
  );
});

describe('E8: how long a 429 makes us wait', () => {
  const inTwoMinutes = (): string => new Date(Date.now() + 120_000).toUTCString();
  it.each<[string, () => string | null, [number, number]]>([
    ['nothing said', () => null, [5, 15]],
    ['a day', () => '86400', [890, 901]],
    ['less than nothing', () => '-1', [5, 15]],
    ['a date', inTwoMinutes, [100, 121]],
    ['no time at all', () => 'soon', [5, 15]],
    ['more than a lifetime', () => '1000000000', [890, 901]],
  ])('%s', async (_what, told, [least, most]) => {
    await start();
    const retryAfter = told();
    const headers: Record<string, string> = retryAfter === null ? {} : { 'retry-after': retryAfter };
    vendors.freshdesk.faults.failNext({ status: 429, headers }, ({ path }) => path.includes('/tickets/'));
    await write('freshdesk');
    let until: string | null = null;
    for await (const { limits } of running.admin.events<{ limits: Record<string, { pausedUntil: string | null }> }>(
      '/admin/events',
    )) {
      until = limits['freshdesk']?.pausedUntil ?? null;
      if (until !== null) break;
    }
    const seconds = (Date.parse(until ?? '') - Date.now()) / 1000;
    expect(seconds).toBeGreaterThan(least);
    expect(seconds).toBeLessThanOrEqual(most);
  });
});

describe.each(NAMES)('E9: an answer of %s that cannot be', (name) => {
  const toWrite = ({ method, path }: { method: string; path: string }): boolean =>
    method !== 'GET' && !path.startsWith('/oauth');
  it.each([
    ['HTML', '<html></html>'],
    ['half JSON', '{"ticket":{"id":'],
    ['an empty object', '{}'],
  ])('to a write, %s: the note is looked for, and written once', async (_what, body) => {
    await start({ AMBIGUOUS_POST_WAIT_MS: '50', MAX_ATTEMPTS: '5' });
    vendors[name].faults.failNext({ status: 200, body, headers: { 'content-type': 'application/json' } }, toWrite);
    const id = await write(name);
    await done();
    const ticket = await ticketOf(id, name);
    expect(ticket.status).toBe('posted');
    expect(ticket.attempts.some(({ errorClass }) => errorClass === 'ambiguous_post')).toBe(true);
    expect(vendors[name].notes(id)).toHaveLength(1);
  });

  it('another ticket than the one asked for is not answered', async () => {
    await start();
    const other = vendors[name].addTicket({ subject: 'Not yours', html: '<p>SECRET of another customer</p>' });
    const json =
      name === 'zendesk' ? { ticket: { id: Number(other), status: 'open' }, users: [] } : { id: Number(other) };
    for (let times = 0; times < 4; times += 1) {
      vendors[name].faults.failNext(
        { status: 200, body: JSON.stringify(json), headers: { 'content-type': 'application/json' } },
        ({ method, path }) => method === 'GET' && /\/tickets\/\d+/.test(path),
      );
    }
    const id = await write(name);
    await done();
    expect(await ticketOf(id, name)).toMatchObject({ status: 'dead', errorClass: 'invalid_response' });
    expect(vendors.llm.stats().requests).toBe(0);
  });

  it('public: true stops all posting there, with an alarm', async () => {
    await start();
    vendors[name].publishNextNote();
    await write(name);
    await running.admin.until((counts) => counts.dead === 1);
    expect(running.observer.events).toContainEqual(expect.objectContaining({ name: 'alarm', kind: 'posted_public' }));
    const next = await write(name);
    await running.admin.until((counts) => counts.queued === 1);
    expect(vendors[name].notes(next)).toEqual([]);
  });
});

it('E10: a key that is refused in mid-drain stops that helpdesk, loses no ticket and no attempt', async () => {
  await start();
  for (let times = 0; times < 20; times += 1) {
    vendors.freshdesk.faults.failNext({ status: 401, body: '{"code":"invalid_credentials"}' });
  }
  const id = await write('freshdesk');
  await running.admin.until((counts) => counts.retrying + counts.queued === 1 && counts.drafting === 0);
  const { checks } = await fetch(`${running.service.url}/readyz`).then(
    async (response) => (await response.json()) as { checks: Record<string, string> },
  );
  expect(checks['freshdesk']).toMatch(/401/);
  const { pauses } = await running.admin.get<{ pauses: object[] }>('/admin/progress');
  expect(pauses).toMatchObject([{ scope: 'freshdesk' }]);
  vendors.freshdesk.faults.stop();
  const other = await write('zendesk');
  await done(1);
  expect((await ticketOf(other)).status).toBe('posted');
  await running.admin.post('/admin/resume');
  await done(2);
  expect((await ticketOf(id, 'freshdesk')).status).toBe('posted');
});

describe.each(NAMES)('E12: a ticket of %s between draft and note', (name) => {
  it.each([
    ['close', 'closed'],
    ['delete', name === 'zendesk' ? 'deleted|not_found' : 'deleted'],
    ['markSpam', name === 'zendesk' ? 'deleted|not_found' : 'spam'],
    ['merge', name === 'zendesk' ? 'merged' : 'closed|merged'],
  ] as const)('%s is skipped as %s, and not tried again', async (what, reason) => {
    await start();
    const id = vendors[name].addTicket({ subject: 'Order', html: '<p>Where is my order?</p>' });
    const target = vendors[name].addTicket({ subject: 'Order 2', html: '<p>Where is it?</p>' });
    await running.admin.post('/admin/batches', { helpdesk: name, ticketIds: [id], post: 'hold' });
    await running.admin.until((counts) => counts.drafted === 1);
    if (what === 'merge') vendors[name].merge(id, target);
    else vendors[name][what](id);
    await running.admin.post(`/admin/tickets/${name}/${id}/post`);
    await done();
    const ticket = await ticketOf(id, name);
    expect(ticket.status).toBe('skipped');
    expect(ticket.reason).toMatch(new RegExp(`^(${reason})$`));
    expect(ticket.attempts.filter(({ stage }) => stage === 'post')).toHaveLength(1);
    expect(vendors[name].notes(id)).toEqual([]);
  });
});

it('E12: a ticket that takes no more comments is dead at once', async () => {
  await start();
  const id = vendors.zendesk.addTicket({ subject: 'Order', html: '<p>Where is my order?</p>' });
  for (let count = 1; count < 5000; count += 1) vendors.zendesk.customerReply(id, '<p>And now?</p>');
  for (const call of vendors.zendesk.creationWebhooks(id)) await running.admin.webhook('zendesk', call);
  await done();
  const ticket = await ticketOf(id);
  expect(ticket.status).toBe('dead');
  expect(ticket.attempts.filter(({ stage }) => stage === 'post')).toHaveLength(1);
});

it('E13: at the end of the budget drafting stands still, webhooks are still taken, somebody is told', async () => {
  // room for a call or two, of different people
  await start({ LLM_DAILY_BUDGET_USD: '0.001' });
  const ids = await Promise.all(['ann', 'bob', 'cleo', 'dan', 'eve'].map((from) => write('zendesk', from)));
  await running.admin.until((counts) => counts.drafting + counts.posting === 0 && counts.queued + counts.retrying > 0);
  const { pauses } = await running.admin.get<{ pauses: object[] }>('/admin/progress');
  expect(pauses).toMatchObject([{ scope: 'llm' }]);
  expect(running.observer.events).toContainEqual(expect.objectContaining({ name: 'paused', scope: 'llm' }));
  expect((await ticketOf(await write())).status).toBe('queued');
  expect((await Promise.all(ids.map((id) => ticketOf(id)))).map(({ status }) => status)).not.toContain('dead');
});

describe('E5: where keys and tickets may be sent', () => {
  it.each([
    'file:///etc/passwd',
    'ftp://help.example',
    'http://169.254.169.254/latest',
    'http://2852039166',
    'http://0xa9fea9fe',
    'http://10.0.0.5',
    'http://192.168.1.1',
    'http://[fd00::1]',
    'http://localhost.example',
    'http://127.0.0.1.example',
    'https://user:CANARY@llm.example',
    'https://CANARY@llm.example',
    'https://llm.example/?key=CANARY',
    'not an address CANARY',
    'javascript:alert(1)',
  ])('refuses %s for each upstream', async (url) => {
    vendors = await startVendors();
    running = await startTestService(vendors.env);
    for (const variable of ['OPENAI_BASE_URL', 'ZENDESK_BASE_URL', 'FRESHDESK_BASE_URL']) {
      const read = (): unknown => readConfig({ ...vendors.env, [variable]: url });
      expect(read).toThrow(new RegExp(`${variable} must|${variable} is not`));
      expect(read).not.toThrow(/CANARY/);
    }
  });

  it.each(['http://169.254.169.254', 'https://169.254.169.254', 'http://[fe80::1]', 'http://[::ffff:169.254.169.254]'])(
    'refuses %s, where clouds keep their keys, even with ALLOW_INSECURE_UPSTREAMS',
    async (url) => {
      vendors = await startVendors();
      running = await startTestService(vendors.env);
      for (const variable of ['OPENAI_BASE_URL', 'ZENDESK_BASE_URL', 'FRESHDESK_BASE_URL']) {
        const env = { ...vendors.env, ALLOW_INSECURE_UPSTREAMS: 'true', [variable]: url };
        expect(() => readConfig(env)).toThrow(`${variable} must not be a link-local address`);
      }
    },
  );
});
