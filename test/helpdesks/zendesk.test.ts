import { describe, expect, it } from 'vitest';
import type { Helpdesk, Note } from '../../src/core/helpdesk.ts';
import { zendesk } from '../../src/helpdesks/zendesk.ts';
import { failure, json, never, type SeenCall, type StubAnswer, stubFetch, type TestDeps, testDeps } from './deps.ts';

const BASE = {
  ZENDESK_BASE_URL: 'https://acme.zendesk.com',
  ZENDESK_WEBHOOK_SECRET: 'webhook-secret-one',
};
const TOKEN = { ...BASE, ZENDESK_OAUTH_TOKEN: 'ready-token' };
const CLIENT = { ...BASE, ZENDESK_OAUTH_CLIENT_ID: 'draftdesk', ZENDESK_OAUTH_CLIENT_SECRET: 'client-secret' };

/** Shapes of helpdesks.md 2.3 and 2.4. */
const TICKET = {
  id: 8867,
  url: 'https://acme.zendesk.com/api/v2/tickets/8867.json',
  created_at: '2026-11-20T01:45:29Z',
  updated_at: '2026-11-20T01:45:29Z',
  type: null,
  subject: 'This is a question?',
  raw_subject: 'This is a question?',
  description: 'Indeed it is!',
  priority: null,
  status: 'new',
  requester_id: 20014192,
  submitter_id: 20014192,
  is_public: true,
  tags: ['awesome'],
  custom_fields: [{ id: 20015156, value: null }],
  comment_count: 1,
};
const KIM = {
  id: 20014192,
  name: 'Kim',
  email: 'kim@customer.test',
  role: 'end-user',
  locale: 'de-DE',
  suspended: false,
};
const AGENT = { id: 900, name: 'Agent Ada', email: 'ada@acme.test', role: 'agent' };
const BOT = { id: 901, name: 'Draftdesk', role: 'agent' };

const ticketAnswer = (change: object = {}, users: readonly object[] = [KIM]): Response =>
  json({ ticket: { ...TICKET, ...change }, users }, 200, { date: 'Mon, 23 Nov 2026 10:00:00 GMT' });

let nextSecond = 0;
const comment = (id: number, authorId: number, change: object = {}): object => ({
  id,
  type: 'Comment',
  author_id: authorId,
  body: `text ${id}`,
  html_body: `<div class="zd-comment"><p>html ${id}</p></div>`,
  plain_body: `text ${id}`,
  public: true,
  attachments: [],
  audit_id: id + 10,
  via: { channel: 'email', source: { from: {}, to: {}, rel: null } },
  created_at: new Date(Date.UTC(2026, 10, 20, 1, 45, 29) + nextSecond++ * 1000).toISOString(),
  metadata: {
    system: { client: 'Mail', ip_address: '203.0.113.7', location: 'Springfield', latitude: -37 },
    custom: {},
    flags: [],
  },
  ...change,
});
const commentsAnswer = (comments: readonly object[], hasMore = false): Response =>
  json({ comments: comments.toReversed(), users: [KIM, AGENT, BOT], meta: { has_more: hasMore }, links: {} });

const ME = json({ user: { id: 901, name: 'Draftdesk', role: 'agent' } });
const audit = (events: readonly object[]): Response =>
  json({ ticket: TICKET, audit: { id: 1, ticket_id: 8867, metadata: { system: {}, custom: {} }, events } });
const PRIVATE_COMMENT = { id: 98974412, type: 'Comment', author_id: 901, body: 'x', public: false, attachments: [] };

interface Setup {
  readonly helpdesk: Helpdesk;
  readonly deps: TestDeps;
  readonly calls: SeenCall[];
}

function setup(
  answers: Record<string, StubAnswer | readonly StubAnswer[]>,
  env: Record<string, string> = TOKEN,
): Setup {
  const stub = stubFetch({ 'GET /api/v2/users/me.json': ME, ...answers });
  const deps = testDeps(stub.fetch);
  return { helpdesk: zendesk.create(zendesk.settings.parse(env), deps), deps, calls: stub.calls };
}

const TICKET_ROUTE = 'GET /api/v2/tickets/8867.json';
const COMMENTS_ROUTE = 'GET /api/v2/tickets/8867/comments.json';
const PUT_ROUTE = 'PUT /api/v2/tickets/8867.json';
const NOTE: Note = {
  marker: 'dd-abcdefghijkl',
  blocks: [{ kind: 'paragraph', text: 'Hello {{ticket.requester.email}}' }],
};
const POST = { ticketId: '8867', note: NOTE, fence: '2026-11-20T01:45:29Z' };
const lookFor = (change: object = {}) => ({
  ticketId: '8867',
  marker: 'dd-abcdefghijkl',
  version: '2026-11-20T01:45:29Z/1',
  seenMessageId: '1',
  ambiguous: false,
  ...change,
});

describe('row 1: credentials', () => {
  const tokenAnswer = (token: string, expires = 172_800): Response =>
    json({ access_token: token, token_type: 'bearer', scope: 'read tickets:write', expires_in: expires });

  it('asks for an OAuth token with both scopes and 48 hours, and uses it', async () => {
    const { helpdesk, calls } = setup({ 'POST /oauth/tokens': tokenAnswer('one') }, CLIENT);
    await helpdesk.probe(never);
    expect(calls[0]?.body).toEqual({
      grant_type: 'client_credentials',
      client_id: 'draftdesk',
      client_secret: 'client-secret',
      scope: 'read tickets:write',
      expires_in: 172_800,
    });
    expect(calls[1]?.headers.get('authorization')).toBe('Bearer one');
  });

  it('renews before the token expires, one renewal for all who wait', async () => {
    const tokens = [tokenAnswer('one', 1800), tokenAnswer('two', 1800)];
    const { helpdesk, deps, calls } = setup({ 'POST /oauth/tokens': tokens }, CLIENT);
    await Promise.all([helpdesk.probe(never), helpdesk.probe(never), helpdesk.probe(never)]);
    expect(calls.filter(({ path }) => path === '/oauth/tokens')).toHaveLength(1);
    await deps.clock.advance(1_500_000);
    await helpdesk.probe(never);
    expect(calls.filter(({ path }) => path === '/oauth/tokens')).toHaveLength(1);
    await deps.clock.advance(250_000);
    await Promise.all([helpdesk.probe(never), helpdesk.probe(never)]);
    expect(calls.filter(({ path }) => path === '/oauth/tokens')).toHaveLength(2);
    expect(calls.at(-1)?.headers.get('authorization')).toBe('Bearer two');
  });

  it('renews once on a 401, and gives up on the second', async () => {
    const refused = json({ error: 'invalid_token', error_description: 'expired' }, 401);
    const { helpdesk, calls } = setup(
      {
        'POST /oauth/tokens': [tokenAnswer('one'), tokenAnswer('two'), tokenAnswer('three')],
        'GET /api/v2/users/me.json': [refused, ME, refused],
      },
      CLIENT,
    );
    await helpdesk.probe(never);
    expect(calls.map(({ headers }) => headers.get('authorization'))).toEqual([null, 'Bearer one', null, 'Bearer two']);
    expect(await failure(helpdesk.probe(never))).toMatchObject({ errorClass: 'auth', status: 401 });
    expect(calls).toHaveLength(7);
  });

  it('a 401 on the note renews too: nothing was written', async () => {
    const { helpdesk, calls } = setup(
      {
        'POST /oauth/tokens': [tokenAnswer('one'), tokenAnswer('two')],
        [PUT_ROUTE]: [json({ error: 'invalid_token' }, 401), audit([PRIVATE_COMMENT])],
      },
      CLIENT,
    );
    expect(await helpdesk.postPrivateNote(POST, never)).toEqual({ noteId: '98974412' });
    expect(calls.filter(({ method }) => method === 'PUT')).toHaveLength(2);
  });

  it.each([
    [400, { error: 'invalid_scope' }],
    [401, { error: 'invalid_client' }],
  ])('a refused client (%i) is auth, and names the variables but no secret', async (status, body) => {
    const { helpdesk } = setup({ 'POST /oauth/tokens': json(body, status) }, CLIENT);
    const error = await failure(helpdesk.probe(never));
    expect(error.errorClass).toBe('auth');
    expect(error.message).toContain('ZENDESK_OAUTH_CLIENT_SECRET');
    expect(error.message).not.toContain('client-secret');
  });

  it('a stopped caller does not wait for the token', async () => {
    const { helpdesk } = setup({ 'POST /oauth/tokens': () => new Promise<Response>(() => undefined) }, CLIENT);
    const controller = new AbortController();
    const work = failure(helpdesk.probe(controller.signal));
    controller.abort();
    expect((await work).errorClass).toBe('cancelled');
  });

  it('takes a ready token, and an API token with a warning that names the date', async () => {
    const ready = setup({});
    await ready.helpdesk.probe(never);
    expect(ready.calls[0]?.headers.get('authorization')).toBe('Bearer ready-token');
    expect(ready.deps.warnings).toEqual([]);

    const legacy = setup({}, { ...BASE, ZENDESK_EMAIL: 'bot@acme.test', ZENDESK_API_TOKEN: 'abc123' });
    await legacy.helpdesk.probe(never);
    expect(legacy.calls[0]?.headers.get('authorization')).toBe(`Basic ${btoa('bot@acme.test/token:abc123')}`);
    expect(legacy.deps.warnings).toEqual([expect.stringContaining('2027-04-30')]);
  });
});

describe('row 2: two budgets', () => {
  it('has 200 requests and 80 updates a minute unless told, and shows both', () => {
    const { helpdesk } = setup({});
    expect(helpdesk.limits()).toEqual({
      requestsPerMinute: 200,
      usedRequests: 0,
      updatesPerMinute: 80,
      waitedMs: 0,
      usedUpdates: 0,
      pausedUntil: null,
    });
    expect(helpdesk.room()).toBe(3);
  });

  it('learns the account’s own limits and waits for an empty update bucket without a 429', async () => {
    const headers = {
      'x-rate-limit': '700',
      'x-rate-limit-remaining': '650',
      'zendesk-ratelimit-tickets-update': 'total=20; remaining=0; resets=41',
    };
    const put = json({ ticket: TICKET, audit: { events: [PRIVATE_COMMENT] } }, 200, headers);
    const { helpdesk, deps, calls } = setup({ [PUT_ROUTE]: put, [TICKET_ROUTE]: ticketAnswer() });
    await helpdesk.postPrivateNote(POST, never);
    expect(helpdesk.limits()).toMatchObject({
      requestsPerMinute: 200,
      learnedPerMinute: 700,
      reserved: 70,
      updatesPerMinute: 18,
      learnedUpdatesPerMinute: 20,
      reservedUpdates: 2,
      usedUpdates: 1,
      usedRequests: 1,
    });
    expect(helpdesk.demand()).toEqual([
      { limit: 'zendesk.updates', perMinute: 18, perTicket: 1, perNote: 1 },
      { limit: 'zendesk.requests', perMinute: 200, perTicket: 2.1, perNote: 1.05 },
    ]);
    expect(helpdesk.limits().pausedUntil).toBe(new Date(deps.clock.now() + 41_000).toISOString());
    expect(helpdesk.room()).toBe(0);
    // reads go on
    expect(await helpdesk.look(lookFor(), never)).toMatchObject({ kind: 'clear' });
    expect(calls).toHaveLength(2);
  });

  it.each(['ratelimit-', 'rate-limit-', 'x-rate-limit-'])('heeds an empty account bucket (%s)', async (prefix) => {
    const reset = prefix === 'x-rate-limit-' ? 'rate-limit-reset' : `${prefix}reset`;
    const me = json({ user: { id: 901 } }, 200, { [`${prefix}remaining`]: '0', [reset]: '24' });
    const { helpdesk, deps } = setup({ 'GET /api/v2/users/me.json': me });
    await helpdesk.probe(never);
    expect(helpdesk.limits().pausedUntil).toBe(new Date(deps.clock.now() + 24_000).toISOString());
    expect(helpdesk.room()).toBe(0);
  });

  it('thirty updates in ten minutes are one ticket’s own limit: no other ticket waits', async () => {
    const headers = {
      'retry-after': '420',
      'ratelimit-limit': '400',
      'ratelimit-remaining': '350',
      'zendesk-ratelimit-tickets-update': 'total=100; remaining=55; resets=41',
    };
    const { helpdesk } = setup({ [PUT_ROUTE]: json({ error: 'TooManyRequests' }, 429, headers) });
    expect(await failure(helpdesk.postPrivateNote(POST, never))).toMatchObject({
      errorClass: 'rate_limited',
      retryAfterMs: 420_000,
    });
    expect(helpdesk.limits().pausedUntil).toBeNull();
    expect(helpdesk.room()).toBeGreaterThan(0);
  });

  it('a 429 of the account pauses reads too, whatever was called', async () => {
    const headers = {
      'retry-after': '20',
      'ratelimit-limit': '400',
      'ratelimit-remaining': '0',
      'ratelimit-reset': '20',
    };
    const { helpdesk, deps } = setup({ [PUT_ROUTE]: json({}, 429, headers), [TICKET_ROUTE]: ticketAnswer() });
    await failure(helpdesk.postPrivateNote(POST, never));
    let looked = false;
    const looking = helpdesk.look(lookFor(), never).then(() => (looked = true));
    await deps.clock.advance(19_000);
    expect(looked).toBe(false);
    await deps.clock.advance(2000);
    await looking;
  });

  it('looks under way take their place in the room', async () => {
    const { helpdesk } = setup({ [TICKET_ROUTE]: ticketAnswer() });
    const before = helpdesk.room();
    const looking = helpdesk.look(lookFor(), never);
    expect(helpdesk.room()).toBe(before - 1);
    await looking;
    expect(helpdesk.room()).toBe(before);
  });
});

describe('row 8: visibility', () => {
  it('always sends public: false', async () => {
    const { helpdesk, calls } = setup({ [PUT_ROUTE]: audit([PRIVATE_COMMENT]) });
    await helpdesk.postPrivateNote(POST, never);
    expect(calls[0]?.body).toMatchObject({ ticket: { comment: { public: false } } });
  });

  it('believes only the audit: the note’s id is the comment event’s, not the audit’s', async () => {
    const events = [{ id: 5, type: 'Change', field_name: 'status', value: 'open' }, PRIVATE_COMMENT];
    const { helpdesk } = setup({ [PUT_ROUTE]: audit(events) });
    expect(await helpdesk.postPrivateNote(POST, never)).toEqual({ noteId: '98974412' });
  });

  it.each([
    ['no audit', json({ ticket: TICKET })],
    ['no comment event', audit([{ id: 1, type: 'Change' }])],
    ['a comment without visibility', audit([{ ...PRIVATE_COMMENT, public: undefined }])],
    ['HTML with status 200', new Response('<html>')],
    ['an empty body', new Response(null, { status: 200 })],
  ])('%s is ambiguous', async (_name, answer) => {
    const { helpdesk, deps } = setup({ [PUT_ROUTE]: answer });
    expect((await failure(helpdesk.postPrivateNote(POST, never))).errorClass).toBe('ambiguous_post');
    expect(deps.alarms).toEqual([]);
  });

  it('a public comment event stops all posting', async () => {
    const { helpdesk, deps, calls } = setup({ [PUT_ROUTE]: audit([{ ...PRIVATE_COMMENT, public: true }]) });
    expect((await failure(helpdesk.postPrivateNote(POST, never))).errorClass).toBe('posted_public');
    expect((await failure(helpdesk.postPrivateNote({ ...POST, ticketId: '1' }, never))).errorClass).toBe(
      'posting_stopped',
    );
    expect(calls).toHaveLength(1);
    expect(deps.alarms).toEqual(['posted_public']);
  });
});

describe('row 9: the body', () => {
  it('sends html_body only, with placeholders inside code', async () => {
    const { helpdesk, calls } = setup({ [PUT_ROUTE]: audit([PRIVATE_COMMENT]) });
    await helpdesk.postPrivateNote(POST, never);
    expect(calls[0]?.body).toEqual({
      ticket: {
        comment: {
          html_body: '<p>Hello <code>{{ticket.requester.email}}</code></p><p>Draftdesk ref dd-abcdefghijkl</p>',
          public: false,
        },
        safe_update: true,
        updated_stamp: '2026-11-20T01:45:29Z',
        metadata: { draftdesk: 'dd-abcdefghijkl' },
      },
    });
  });

  it.each([
    ['<p>Hello <code>{{ticket.requester.email}}</code></p>', []],
    ['<p>Hello <code>&#123;&#123;ticket.requester.email}}</code></p>', []],
    ['<p>Hello kim@customer.test</p>', ['placeholders_expanded']],
  ])('reads back whether they are still literal: %s', async (stored, alarms) => {
    const { helpdesk, deps } = setup({ [PUT_ROUTE]: audit([{ ...PRIVATE_COMMENT, html_body: stored }]) });
    await helpdesk.postPrivateNote(POST, never);
    expect(deps.alarms).toEqual(alarms);
  });
});

describe('row 10: the fence', () => {
  it('hands the stamp of the look to the write', async () => {
    const stamp = '2026-11-21T10:00:00Z';
    const { helpdesk, calls } = setup({
      [TICKET_ROUTE]: ticketAnswer({ updated_at: stamp }),
      [COMMENTS_ROUTE]: commentsAnswer([comment(1, KIM.id)]),
      [PUT_ROUTE]: audit([PRIVATE_COMMENT]),
    });
    const found = await helpdesk.look(lookFor(), never);
    expect(found).toEqual({ kind: 'clear', fence: stamp });
    await helpdesk.postPrivateNote({ ...POST, fence: stamp }, never);
    expect(calls.at(-1)?.body).toMatchObject({ ticket: { safe_update: true, updated_stamp: stamp } });
  });

  it('a 409 is a conflict, not ambiguous', async () => {
    const { helpdesk } = setup({
      [PUT_ROUTE]: json({ error: 'UpdateConflict', description: 'Safe Update prevented …' }, 409),
    });
    expect(await failure(helpdesk.postPrivateNote(POST, never))).toMatchObject({ errorClass: 'conflict', status: 409 });
  });

  it('asks for no comments while nothing has changed', async () => {
    const { helpdesk, calls } = setup({ [TICKET_ROUTE]: ticketAnswer() });
    expect(await helpdesk.look(lookFor(), never)).toEqual({ kind: 'clear', fence: TICKET.updated_at });
    expect(calls).toHaveLength(1);
  });

  it('trusts no stamp after an ambiguous write, and none of the running second', async () => {
    const fresh = (updated: string) =>
      setup({
        [TICKET_ROUTE]: ticketAnswer({ updated_at: updated }),
        [COMMENTS_ROUTE]: commentsAnswer([comment(1, KIM.id)]),
      });
    const request = lookFor({ ambiguous: true });
    const young = await failure(fresh('2026-11-23T09:59:59Z').helpdesk.look(request, never));
    expect(young).toMatchObject({ errorClass: 'conflict', retryAfterMs: 2000 });
    const settled = fresh('2026-11-23T09:59:58Z');
    expect(await settled.helpdesk.look(request, never)).toMatchObject({ kind: 'clear' });
    expect(settled.calls.some(({ path }) => path.includes('/comments.json'))).toBe(true);
  });

  it('waits by its own steady clock where the server tells no time and our wall clock is behind', async () => {
    const dateless = (updated: string): Response => json({ ticket: { ...TICKET, updated_at: updated }, users: [KIM] });
    const look = async (...stamps: readonly string[]) => {
      const { helpdesk, deps, calls } = setup({
        [TICKET_ROUTE]: stamps.map(dateless),
        [COMMENTS_ROUTE]: commentsAnswer([comment(1, KIM.id)]),
      });
      const since = deps.clock.steady();
      const looking = helpdesk.look(lookFor({ ambiguous: true }), never).catch((error: unknown) => error);
      let waitedMs: number | null = null;
      void looking.then(() => (waitedMs = deps.clock.steady() - since));
      while (waitedMs === null) {
        await deps.clock.advance(10);
        await new Promise((resolve) => void setImmediate(resolve));
      }
      const looks = calls.filter(({ path }) => path.includes('8867.json')).length;
      return { looks, found: await looking, waited: waitedMs >= 2_000 };
    };
    const stamp = '2030-11-24T10:00:00Z';
    expect(await look(stamp, stamp)).toEqual({ looks: 2, found: { kind: 'clear', fence: stamp }, waited: true });
    const moving = await look(stamp, '2030-11-24T10:00:01Z');
    expect(moving.found).toMatchObject({ errorClass: 'conflict' });
  });

  it('finds its note by own user, privacy and marker', async () => {
    const html_body = '<p>…</p><p>Draftdesk ref dd-abcdefghijkl</p>';
    const found = async (own: object): Promise<unknown> => {
      const { helpdesk } = setup({
        [TICKET_ROUTE]: ticketAnswer({ comment_count: 2, status: 'closed' }),
        [COMMENTS_ROUTE]: commentsAnswer([
          comment(1, KIM.id),
          comment(2, BOT.id, { public: false, html_body, ...own }),
        ]),
      });
      return helpdesk.look(lookFor({ ambiguous: true }), never);
    };
    expect(await found({})).toEqual({ kind: 'posted', noteId: '2' });
    const closed = { kind: 'unavailable', reason: 'closed' };
    expect(await found({ author_id: AGENT.id })).toEqual(closed);
    expect(await found({ html_body: html_body.replace('jkl', 'xyz') })).toEqual(closed);
  });

  it('a note of ours that customers can read stops all posting, also when only the look finds it', async () => {
    const html_body = '<p>…</p><p>Draftdesk ref dd-abcdefghijkl</p>';
    const { helpdesk, deps } = setup({
      [TICKET_ROUTE]: ticketAnswer({ comment_count: 2 }),
      [COMMENTS_ROUTE]: commentsAnswer([comment(1, KIM.id), comment(2, BOT.id, { public: true, html_body })]),
    });
    const error = await failure(helpdesk.look(lookFor({ ambiguous: true }), never));
    expect(error).toMatchObject({ errorClass: 'posted_public', noteId: '2' });
    expect(deps.alarms).toEqual(['posted_public']);
    expect((await failure(helpdesk.postPrivateNote(POST, never))).errorClass).toBe('posting_stopped');
  });

  it('of two notes with one marker the older is kept and the other reported', async () => {
    const ours = { public: false, html_body: '<p>…</p><p>Draftdesk ref dd-abcdefghijkl</p>' };
    const { helpdesk, deps } = setup({
      [TICKET_ROUTE]: ticketAnswer({ comment_count: 3 }),
      [COMMENTS_ROUTE]: commentsAnswer(
        [comment(1, KIM.id), comment(2, BOT.id, ours), comment(3, BOT.id, ours)].toReversed(),
      ),
    });
    expect(await helpdesk.look(lookFor({ ambiguous: true }), never)).toEqual({ kind: 'posted', noteId: '2' });
    expect(deps.alarms).toEqual(['double_note']);
  });
});

it('row 12: an anonymous answer of /users/me is no proof of credentials', async () => {
  for (const user of [{ name: 'Anonymous user' }, { id: null, name: 'Anonymous user' }]) {
    const { helpdesk } = setup({ 'GET /api/v2/users/me.json': json({ user }) });
    expect((await failure(helpdesk.probe(never))).errorClass).toBe('auth');
  }
});

describe('row 13 and 14: who said what', () => {
  const read = async (comments: readonly object[], change: object = {}, users: readonly object[] = [KIM]) => {
    const { helpdesk, calls } = setup({
      [TICKET_ROUTE]: ticketAnswer({ comment_count: comments.length, ...change }, users),
      [COMMENTS_ROUTE]: commentsAnswer(comments),
    });
    return { seen: await helpdesk.conversation('8867', never), calls };
  };

  it('row 13: hands on html_body, marks spoofable senders, and keeps metadata to itself', async () => {
    const first = comment(1, KIM.id, { html_body: '<p style="display:none">x</p>' });
    const flagged = [2, 3, 14, 21].map((flag, index) =>
      comment(10 + index, KIM.id, {
        metadata: { system: { ip_address: '203.0.113.7' }, flags: [0, flag], trusted: false },
      }),
    );
    const { seen } = await read([first, ...flagged]);
    expect(seen.messages.map(({ verified }) => verified)).toEqual([true, false, false, false, false]);
    expect(seen.messages[0]?.html).toBe('<p style="display:none">x</p>');
    for (const secret of ['203.0.113.7', 'Springfield', 'kim@customer.test', 'text 10'])
      expect(JSON.stringify(seen)).not.toContain(secret);
  });

  it('row 14: decides by role: private words of end users count, agents never are customers', async () => {
    const { seen } = await read([
      comment(1, KIM.id),
      comment(2, KIM.id, { public: false }),
      comment(3, AGENT.id, { public: false }),
      comment(4, AGENT.id),
      comment(5, 777, { via: { channel: 'web' } }),
      comment(6, AGENT.id, { via: { channel: 'rule' } }),
    ]);
    expect(seen.messages.map(({ id, author }) => [id, author])).toEqual([
      ['1', 'customer'],
      ['2', 'customer'],
      ['4', 'agent'],
      ['5', 'agent'],
    ]);
    expect(seen).toMatchObject({ requesterId: '20014192', requesterName: 'Kim', locale: 'de-DE' });
  });

  it('row 14: an agent who is the requester is an agent', async () => {
    const { seen } = await read([comment(1, AGENT.id)], { requester_id: AGENT.id }, [AGENT]);
    expect(seen.messages[0]?.author).toBe('agent');
  });

  it('asks for the newest hundred by cursor and says how many are missing', async () => {
    const comments = Array.from({ length: 100 }, (_, index) => comment(1000 + index, KIM.id));
    const { helpdesk, calls } = setup({
      [TICKET_ROUTE]: ticketAnswer({ comment_count: 130 }),
      [COMMENTS_ROUTE]: commentsAnswer(comments, true),
    });
    const seen = await helpdesk.conversation('8867', never);
    expect(seen).toMatchObject({ omitted: 30, version: `${TICKET.updated_at}/130` });
    expect(seen.messages.at(-1)?.id).toBe('1099');
    expect(decodeURIComponent(calls.find(({ path }) => path.includes('comments'))?.path ?? '')).toContain(
      'page[size]=100&sort=-created_at&include=users',
    );
  });

  it('row 7: odd and missing fields fail nothing', async () => {
    const { seen } = await read(
      [
        comment(1, KIM.id, {
          via: null,
          metadata: null,
          type: 'VoiceComment',
          html_body: null,
          plain_body: 'a <b>\nc',
        }),
      ],
      { status: 'waiting_for_parts', tags: null, subject: null, comment_count: '1' },
    );
    expect(seen).toMatchObject({ unavailable: null, subject: '' });
    expect(seen.messages[0]?.html).toBe('<p>a &lt;b&gt;<br>c</p>');
  });

  it.each([
    ['another ticket', ticketAnswer({ id: 9 })],
    ['no ticket', json({ users: [] })],
    ['half JSON', new Response('{"ticket":{')],
  ])('an answer with %s is invalid_response (E9)', async (_name, answer) => {
    const { helpdesk } = setup({ [TICKET_ROUTE]: answer });
    expect((await failure(helpdesk.conversation('8867', never))).errorClass).toBe('invalid_response');
  });
});

describe('row 17: tickets that take no note', () => {
  it.each([
    [{ status: 'closed' }, [KIM], 'closed'],
    [{ status: 'closed', tags: ['closed_by_merge'] }, [KIM], 'merged'],
    [{ status: 'deleted' }, [KIM], 'deleted'],
    [{ status: 'archived' }, [KIM], 'archived'],
    [{}, [{ ...KIM, suspended: true }], 'suspended'],
    [{ is_public: false }, [KIM], 'private'],
  ])('%j is %s', async (change, users, reason) => {
    const { helpdesk, calls } = setup({ [TICKET_ROUTE]: ticketAnswer(change, users) });
    expect((await helpdesk.conversation('8867', never)).unavailable).toBe(reason);
    expect(await helpdesk.look(lookFor(), never)).toEqual({ kind: 'unavailable', reason });
    expect(calls).toHaveLength(2);
  });

  it.each([
    [
      422,
      { error: 'RecordInvalid', details: { status: [{ description: 'Status: closed prevents ticket update' }] } },
      'gone',
      'closed',
    ],
    [
      422,
      { error: 'RecordInvalid', details: { base: [{ description: 'Status: closed prevents ticket update' }] } },
      'gone',
      'closed',
    ],
    [422, { details: { requester: [{ description: 'Requester: user is suspended.' }] } }, 'gone', 'suspended'],
    [
      422,
      { error: 'RecordInvalid', details: { base: [{ description: 'Too many comments' }] } },
      'invalid_request',
      null,
    ],
    [422, '[['.repeat(10_000), 'invalid_request', null],
    [404, { error: 'RecordNotFound', description: 'Not found' }, 'gone', 'not_found'],
    [404, { error: 'InvalidEndpoint', description: 'Not found' }, 'invalid_request', null],
    [404, '<html>no such help desk</html>', 'invalid_request', null],
    [403, { error: { title: 'Forbidden', message: 'x' } }, 'forbidden', null],
  ])('status %i with %j on the write is %s', async (status, body, errorClass, reason) => {
    const answer = typeof body === 'string' ? new Response(body, { status }) : json(body, status);
    const { helpdesk } = setup({ [PUT_ROUTE]: answer });
    expect(await failure(helpdesk.postPrivateNote(POST, never))).toMatchObject({ errorClass, reason, status });
  });

  it('looking at a ticket that is gone is an answer', async () => {
    const { helpdesk } = setup({ [TICKET_ROUTE]: json({ error: 'RecordNotFound', description: 'Not found' }, 404) });
    expect(await helpdesk.look(lookFor(), never)).toEqual({ kind: 'unavailable', reason: 'not_found' });
  });
});

describe('what happened since the draft', () => {
  it.each([
    ['an agent’s answer', [comment(1, KIM.id), comment(2, AGENT.id)], { kind: 'answered' }],
    ['a customer’s reply', [comment(1, KIM.id), comment(2, KIM.id)], { kind: 'outdated' }],
    ['both, the agent last', [comment(1, KIM.id), comment(2, KIM.id), comment(3, AGENT.id)], { kind: 'answered' }],
    ['an internal note', [comment(1, KIM.id), comment(2, AGENT.id, { public: false })], { kind: 'clear' }],
    [
      'a rule’s acknowledgement',
      [comment(1, KIM.id), comment(2, AGENT.id, { via: { channel: 'rule' } })],
      { kind: 'clear' },
    ],
  ])('%s', async (_name, comments, expected) => {
    const { helpdesk } = setup({
      [TICKET_ROUTE]: ticketAnswer({ comment_count: comments.length }),
      [COMMENTS_ROUTE]: commentsAnswer(comments),
    });
    expect(await helpdesk.look(lookFor(), never)).toMatchObject(expected);
  });

  it('judges by the order of ids when the seen message has scrolled off', async () => {
    const { helpdesk } = setup({
      [TICKET_ROUTE]: ticketAnswer({ comment_count: 300 }),
      [COMMENTS_ROUTE]: commentsAnswer([comment(50, AGENT.id), comment(70, AGENT.id)], true),
    });
    expect(await helpdesk.look(lookFor({ seenMessageId: '60' }), never)).toEqual({ kind: 'answered' });
    expect(await helpdesk.look(lookFor({ seenMessageId: '80' }), never)).toMatchObject({ kind: 'clear' });
  });
});

it('refuses to be built for an address that is not allowed', () => {
  const settings = zendesk.settings.parse(TOKEN);
  const deps = testDeps(stubFetch({}).fetch);
  expect(() => zendesk.create(Object.assign({}, settings, { baseUrl: 'http://10.0.0.1' }), deps)).toThrow('https');
});
