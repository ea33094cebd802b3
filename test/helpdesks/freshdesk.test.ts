import { describe, expect, it } from 'vitest';
import type { Helpdesk, Note } from '../../src/core/helpdesk.ts';
import { freshdesk } from '../../src/helpdesks/freshdesk.ts';
import {
  failure,
  json,
  never,
  type SeenCall,
  type StubAnswer,
  stubFetch,
  type TestDeps,
  testDeps,
  webhook,
} from './deps.ts';

const ENV = {
  FRESHDESK_BASE_URL: 'https://acme.freshdesk.com',
  FRESHDESK_API_KEY: 'key-of-an-agent',
  FRESHDESK_WEBHOOK_TOKEN: 'webhook-token-one,webhook-token-two',
};

const CUSTOMER = 80014400481;
const AGENT = 80014400475;
const BOT = 80014400999;

/** Shapes of helpdesks.md F2. */
const TICKET = {
  cc_emails: null,
  spam: false,
  priority: 1,
  requester_id: CUSTOMER,
  responder_id: null,
  source: 1,
  status: 2,
  subject: 'How can I get a refund for my order?',
  to_emails: null,
  id: 7,
  type: null,
  description: '<p>Hi there,</p><br /><p>I need a refund …</p>',
  description_text: 'Hi there,\n\n\nI need a refund …',
  custom_fields: { cf_custom_date: null },
  created_at: '2026-11-09T13:23:56Z',
  updated_at: '2026-11-14T16:59:46Z',
  tags: [],
  attachments: [],
};

const entry = (id: number, userId: number | null, change: object = {}): object => ({
  body: `<div>html ${id}</div>`,
  body_text: `text ${id}`,
  id,
  incoming: false,
  private: false,
  user_id: userId,
  source: 0,
  category: 1,
  to_emails: ['info@x.test'],
  created_at: new Date(Date.UTC(2026, 10, 10) + id * 1000).toISOString(),
  updated_at: '2026-11-10T11:55:12Z',
  last_edited_user_id: null,
  auto_response: false,
  automation_id: null,
  ...change,
});
const reply = (id: number): object => entry(id, CUSTOMER, { incoming: true });
const ownNote = (id: number, marker: string, change: object = {}): object =>
  entry(id, BOT, {
    private: true,
    source: 2,
    body: `<div><p>draft</p><p>Draftdesk ref ${marker}</p></div>`,
    ...change,
  });

const ticketAnswer = (conversations: readonly object[] = [], change: object = {}): Response =>
  json({ ...TICKET, ...change, conversations: conversations.slice(0, 10) });
const created = (change: object = {}): Response =>
  json({ body: '<div>x</div>', id: 500, incoming: false, private: true, user_id: BOT, ticket_id: 7, ...change }, 201);

interface Setup {
  readonly helpdesk: Helpdesk;
  readonly deps: TestDeps;
  readonly calls: SeenCall[];
}

/** Without limits unless told: the clock of these tests stands still. */
function setup(answers: Record<string, StubAnswer | readonly StubAnswer[]>, perMinute = '100000'): Setup {
  const stub = stubFetch({ 'GET /api/v2/agents/me': json({ id: BOT, contact: { name: 'Draftdesk' } }), ...answers });
  const deps = testDeps(stub.fetch);
  return {
    helpdesk: freshdesk.create(freshdesk.settings.parse({ ...ENV, FRESHDESK_REQUESTS_PER_MINUTE: perMinute }), deps),
    deps,
    calls: stub.calls,
  };
}

const VIEW = 'GET /api/v2/tickets/7?';
const LIST = 'GET /api/v2/tickets/7/conversations';
const NOTES = 'POST /api/v2/tickets/7/notes';
const NOTE: Note = { marker: 'dd-abcdefghijkl', blocks: [{ kind: 'paragraph', text: 'Hello <you>' }] };
const POST = { ticketId: '7', note: NOTE, fence: '' };
const lookFor = (change: object = {}) => ({
  ticketId: '7',
  marker: 'dd-abcdefghijkl',
  version: '0',
  seenMessageId: 'description',
  ambiguous: false,
  ...change,
});

describe('row 3: buckets and credits', () => {
  it('fetches a short conversation with one call of two credits, and posts with one', async () => {
    const { helpdesk, calls } = setup({ [VIEW]: ticketAnswer([reply(1)]), [NOTES]: created() }, '');
    await helpdesk.conversation('7', never);
    expect(calls.map(({ path }) => path)).toEqual(['/api/v2/tickets/7?include=conversations']);
    expect(helpdesk.limits()).toMatchObject({ requestsPerMinute: 100, usedRequests: 2, usedUpdates: 0 });
    await helpdesk.postPrivateNote(POST, never);
    expect(helpdesk.limits()).toMatchObject({ usedRequests: 3, usedUpdates: 1 });
  });

  it('learns a route’s total from that route’s own headers only', async () => {
    const view = json({ ...TICKET, conversations: [] }, 200, {
      'x-ratelimit-total': '40',
      'x-ratelimit-remaining': '31',
    });
    const note = json({ id: 1, private: true }, 201, { 'x-ratelimit-total': '20' });
    const { helpdesk } = setup({ [VIEW]: view, [NOTES]: note }, '100');
    await helpdesk.conversation('7', never);
    expect(helpdesk.limits()).toMatchObject({ requestsPerMinute: 100, updatesPerMinute: 100 });
    await helpdesk.postPrivateNote(POST, never);
    expect(helpdesk.limits()).toMatchObject({ requestsPerMinute: 100, updatesPerMinute: 18 });
    expect(helpdesk.demand()).toEqual([
      { limit: 'freshdesk.requests', perMinute: 100, perTicket: 5, perNote: 3 },
      { limit: 'freshdesk.views', perMinute: 36, perTicket: 4, perNote: 2 },
    ]);
  });

  it('takes the account’s total from a route that has none of its own, and leaves a tenth of it', async () => {
    const told = (total: number) => ({
      'x-ratelimit-total': String(total),
      'x-ratelimit-remaining': String(total - 1),
    });
    const { helpdesk } = setup(
      {
        'GET /api/v2/agents/me': json({ id: BOT }, 200, told(100)),
        [VIEW]: json({ ...TICKET, conversations: [] }, 200, told(40)),
      },
      '700',
    );
    await helpdesk.probe(never);
    await helpdesk.conversation('7', never);
    expect(helpdesk.limits()).toMatchObject({ requestsPerMinute: 90, learnedPerMinute: 100, reserved: 10 });
  });

  it('a 429 pauses the route it came from', async () => {
    const limited = json({}, 429, { 'retry-after': '34' });
    const { helpdesk, deps } = setup({ [NOTES]: limited, [VIEW]: ticketAnswer() });
    expect(await failure(helpdesk.postPrivateNote(POST, never))).toMatchObject({
      errorClass: 'rate_limited',
      retryAfterMs: 34_000,
    });
    expect(helpdesk.room()).toBe(0);
    expect(Date.parse(helpdesk.limits().pausedUntil ?? '') - deps.clock.now()).toBeGreaterThanOrEqual(34_000);
    await helpdesk.conversation('7', never);
  });

  it('signs in with the key and asks for JSON without a doubled slash', async () => {
    const { helpdesk, calls } = setup({});
    await helpdesk.probe(never);
    expect(calls[0]?.path).toBe('/api/v2/agents/me');
    expect(calls[0]?.headers.get('authorization')).toBe(`Basic ${btoa('key-of-an-agent:X')}`);
    expect(calls[0]?.headers.get('accept')).toBe('application/json');
  });
});

describe('webhooks', () => {
  it.each([
    [{ 'x-draftdesk-token': 'webhook-token-one' }, true],
    [{ 'x-draftdesk-token': 'webhook-token-two' }, true],
    [{ authorization: `Basic ${btoa('draftdesk:webhook-token-one')}` }, true],
    [{ 'x-draftdesk-token': 'webhook-token-on' }, false],
    [{ 'x-draftdesk-token': 'webhook-token-one, webhook-token-one' }, false],
    [{ 'x-draftdesk-token': 'webhook-token-one,webhook-token-two' }, false],
    [{ 'x-draftdesk-token': '' }, false],
    [{}, false],
  ])('authenticates %j: %s (B12)', (headers, expected) => {
    const request = webhook('{}', Object.fromEntries(Object.entries(headers)));
    expect(setup({}).helpdesk.authenticate(request)).toBe(expected);
  });
});

describe('row 7, 14 and 15: the conversation', () => {
  it('row 14: customers are the requester and who wrote in; everybody else is an agent', async () => {
    const { helpdesk } = setup({
      [VIEW]: ticketAnswer([
        entry(1, AGENT),
        entry(2, 555, { incoming: true }),
        entry(3, CUSTOMER, { source: 2 }),
        entry(4, AGENT, { private: true, source: 2 }),
        entry(5, AGENT, { auto_response: true }),
        entry(6, null, { automation_id: 12 }),
        entry(7, AGENT, { source: 8 }),
        entry(8, AGENT, { source: 2 }),
      ]),
    });
    const seen = await helpdesk.conversation('7', never);
    expect(seen.messages.map(({ id, author }) => [id, author])).toEqual([
      ['description', 'customer'],
      ['1', 'agent'],
      ['2', 'customer'],
      ['3', 'customer'],
      ['8', 'agent'],
    ]);
    expect(seen).toMatchObject({ requesterId: String(CUSTOMER), subject: TICKET.subject, unavailable: null });
  });

  it('row 15: hands on body, never body_text', async () => {
    const { helpdesk } = setup({ [VIEW]: ticketAnswer([reply(1)]) });
    const { messages } = await helpdesk.conversation('7', never);
    expect(messages.map(({ html }) => html)).toEqual([TICKET.description, '<div>html 1</div>']);
  });

  it('row 15: reads all pages of a long thread and keeps the newest hundred', async () => {
    const all = Array.from({ length: 130 }, (_, index) => reply(index + 1));
    const next = { link: '<https://acme.freshdesk.com/api/v2/tickets/7/conversations?per_page=100&page=2>;rel="next"' };
    const { helpdesk, calls } = setup({
      [VIEW]: ticketAnswer(all),
      [LIST]: [json(all.slice(0, 100), 200, next), json(all.slice(100))],
    });
    const seen = await helpdesk.conversation('7', never);
    expect(calls.map(({ path }) => path)).toEqual([
      '/api/v2/tickets/7?include=conversations',
      '/api/v2/tickets/7/conversations?per_page=100&page=1',
      '/api/v2/tickets/7/conversations?per_page=100&page=2',
    ]);
    expect(seen.messages).toHaveLength(100);
    expect(seen.messages.at(-1)?.id).toBe('130');
    expect(seen).toMatchObject({ omitted: 31, version: '130' });
  });

  it('row 7: custom statuses, unknown sources, nulls and chat texts fail nothing', async () => {
    const structured_description = {
      description_contents: [{ type: 'text', data: { content: 'Hi <there>' } }, { type: 'image' }],
    };
    const { helpdesk } = setup({
      [VIEW]: ticketAnswer([entry(1, null, { incoming: null, source: 'new', body: null })], {
        status: 17,
        source: 99,
        description: null,
        subject: null,
        structured_description,
      }),
    });
    const seen = await helpdesk.conversation('7', never);
    expect(seen).toMatchObject({ unavailable: null, subject: '' });
    expect(seen.messages[0]?.html).toContain('Hi &lt;there&gt;');
  });

  it('the description of an e-mail that an agent started is the agent’s', async () => {
    const { helpdesk } = setup({ [VIEW]: ticketAnswer([], { source: 10 }) });
    expect((await helpdesk.conversation('7', never)).messages[0]?.author).toBe('agent');
  });
});

describe('row 8: visibility', () => {
  it('posts to notes with private: true and escaped HTML, never to reply', async () => {
    const { helpdesk, calls } = setup({ [NOTES]: created() });
    expect(await helpdesk.postPrivateNote(POST, never)).toEqual({ noteId: '500' });
    expect(calls).toHaveLength(1);
    expect(calls[0]).toMatchObject({
      method: 'POST',
      path: '/api/v2/tickets/7/notes',
      body: { body: '<p>Hello &lt;you&gt;</p><p>Draftdesk ref dd-abcdefghijkl</p>', private: true },
    });
  });

  it('a public answer stops all posting; one that does not tell is ambiguous', async () => {
    const open = setup({ [NOTES]: created({ private: false }) });
    expect((await failure(open.helpdesk.postPrivateNote(POST, never))).errorClass).toBe('posted_public');
    expect((await failure(open.helpdesk.postPrivateNote(POST, never))).errorClass).toBe('posting_stopped');
    expect(open.calls).toHaveLength(1);
    expect(open.deps.alarms).toEqual(['posted_public']);
    for (const answer of [created({ private: null }), json({}, 201), new Response('<html>', { status: 201 })]) {
      const { helpdesk } = setup({ [NOTES]: answer });
      expect((await failure(helpdesk.postPrivateNote(POST, never))).errorClass).toBe('ambiguous_post');
    }
  });
});

describe('row 11: no fence, so look', () => {
  const long = (count: number): object[] => Array.from({ length: count }, (_, index) => reply(index + 1));

  it('waits as long as the settings say after an ambiguous write', () => {
    expect(setup({}).helpdesk.ambiguousWaitMs).toBe(60_000);
  });

  it('reads only the last page of a long thread, and all pages after an ambiguous write', async () => {
    const all = [...long(204), ownNote(205, 'dd-abcdefghijkl')];
    const link = (page: number) => ({ link: `<https://acme.freshdesk.com/x?page=${page}>; rel="next"` });
    const answers = {
      [VIEW]: ticketAnswer(all),
      [`${LIST}?per_page=100&page=1`]: json(all.slice(0, 100), 200, link(2)),
      [`${LIST}?per_page=100&page=2`]: json(all.slice(100, 200), 200, link(3)),
      [`${LIST}?per_page=100&page=3`]: json(all.slice(200)),
    };
    const pages = (calls: readonly SeenCall[]) =>
      calls.filter(({ path }) => path.includes('/conversations?')).map(({ path }) => path.at(-1));
    const known = setup(answers);
    const request = lookFor({ version: '204', seenMessageId: '204' });
    expect(await known.helpdesk.look(request, never)).toEqual({ kind: 'posted', noteId: '205' });
    expect(pages(known.calls)).toEqual(['3']);
    const doubtful = setup(answers);
    expect(await doubtful.helpdesk.look({ ...request, ambiguous: true }, never)).toEqual({
      kind: 'posted',
      noteId: '205',
    });
    expect(pages(doubtful.calls)).toEqual(['1', '2', '3']);
  });

  it('finds its note by marker, own user and privacy', async () => {
    const found = async (note: object): Promise<string> => {
      const { helpdesk } = setup({ [VIEW]: ticketAnswer([note]) });
      return (await helpdesk.look(lookFor({ ambiguous: true }), never)).kind;
    };
    expect(await found(ownNote(1, 'dd-abcdefghijkl'))).toBe('posted');
    expect(await found(ownNote(1, 'dd-abcdefghijkl', { user_id: AGENT }))).toBe('clear');
    expect(await found(ownNote(1, 'dd-zzzzzzzzzzzz'))).toBe('clear');
  });

  it('a note of ours that customers can read stops all posting, also when only the look finds it', async () => {
    const { helpdesk, deps } = setup({ [VIEW]: ticketAnswer([ownNote(1, 'dd-abcdefghijkl', { private: false })]) });
    const error = await failure(helpdesk.look(lookFor({ ambiguous: true }), never));
    expect(error).toMatchObject({ errorClass: 'posted_public', noteId: '1' });
    expect(deps.alarms).toEqual(['posted_public']);
    expect((await failure(helpdesk.postPrivateNote(POST, never))).errorClass).toBe('posting_stopped');
  });

  it('of two notes with one marker the newer is deleted and reported', async () => {
    const { helpdesk, calls, deps } = setup({
      [VIEW]: ticketAnswer([ownNote(1, 'dd-abcdefghijkl'), ownNote(2, 'dd-abcdefghijkl')]),
      'DELETE /api/v2/conversations/2': new Response(null, { status: 204 }),
    });
    expect(await helpdesk.look(lookFor({ ambiguous: true }), never)).toEqual({ kind: 'posted', noteId: '1' });
    expect(calls.at(-1)).toMatchObject({ method: 'DELETE', path: '/api/v2/conversations/2' });
    expect(deps.alarms).toEqual(['double_note']);
  });

  it('a double that cannot be deleted is told, and the ticket is served all the same', async () => {
    const { helpdesk, deps } = setup({
      [VIEW]: ticketAnswer([ownNote(1, 'dd-abcdefghijkl'), ownNote(2, 'dd-abcdefghijkl')]),
      'DELETE /api/v2/conversations/2': json({ code: 'access_denied' }, 403),
    });
    expect(await helpdesk.look(lookFor({ ambiguous: true }), never)).toEqual({ kind: 'posted', noteId: '1' });
    expect(deps.alarms).toEqual(['double_note']);
  });

  describe('a stale draft is replaced in place', () => {
    const stale = ownNote(1, 'dd-olderolderol');
    const PUT = 'PUT /api/v2/conversations/1';
    const lookAfter = lookFor({ version: '2', seenMessageId: '2' });
    const run = async (answers: Record<string, StubAnswer>, entries: readonly object[] = [stale, reply(2)]) => {
      const { helpdesk, calls } = setup({ [VIEW]: ticketAnswer(entries), [NOTES]: created(), ...answers });
      const found = await helpdesk.look(lookAfter, never);
      if (found.kind !== 'clear') throw new Error(found.kind);
      const writes = (): string[] =>
        calls.filter(({ method }) => method !== 'GET').map(({ method, path }) => `${method} ${path}`);
      return { writes, post: () => helpdesk.postPrivateNote({ ...POST, fence: found.fence }, never) };
    };

    it('by a PUT of its body, read back private', async () => {
      const { post, writes } = await run({ [PUT]: json({ id: 1, private: true, user_id: BOT }) });
      expect(await post()).toEqual({ noteId: '1' });
      expect(writes()).toEqual([PUT]);
    });

    it('an answer that is lost is ambiguous', async () => {
      const { post } = await run({ [PUT]: new Response('<html>', { status: 502 }) });
      expect((await failure(post())).errorClass).toBe('ambiguous_post');
    });

    it.each([404, 405, 403, 400])('by a new note when it cannot be changed (%i)', async (status) => {
      const { post, writes } = await run({ [PUT]: json({}, status) });
      expect(await post()).toEqual({ noteId: '500' });
      expect(writes()).toEqual([PUT, 'POST /api/v2/tickets/7/notes']);
    });

    it.each([
      ['an agent has answered since', [stale, entry(2, AGENT), reply(3)]],
      ['an agent has edited it', [ownNote(1, 'dd-olderolderol', { last_edited_user_id: AGENT }), reply(2)]],
      ['it is not ours', [ownNote(1, 'dd-olderolderol', { user_id: AGENT }), reply(2)]],
    ])('but not when %s', async (_name, entries) => {
      const { helpdesk, calls } = setup({ [VIEW]: ticketAnswer(entries), [NOTES]: created() });
      const found = await helpdesk.look(lookFor({ version: '3', seenMessageId: '3' }), never);
      expect(found).toEqual({ kind: 'clear', fence: '' });
      await helpdesk.postPrivateNote(POST, never);
      expect(calls.at(-1)?.method).toBe('POST');
    });
  });
});

describe('row 17: tickets that take no note', () => {
  it.each([
    [{ spam: true }, 'spam'],
    [{ deleted: true }, 'deleted'],
    [{ status: 5 }, 'closed'],
  ])('%j is %s', async (change, reason) => {
    const { helpdesk } = setup({ [VIEW]: ticketAnswer([reply(1)], change) });
    expect((await helpdesk.conversation('7', never)).unavailable).toBe(reason);
    expect(await helpdesk.look(lookFor(), never)).toEqual({ kind: 'unavailable', reason });
  });

  it('archived and missing tickets answer 404', async () => {
    const { helpdesk } = setup({ [VIEW]: new Response('', { status: 404 }) });
    expect(await failure(helpdesk.conversation('7', never))).toMatchObject({ errorClass: 'gone', reason: 'not_found' });
    expect(await helpdesk.look(lookFor(), never)).toEqual({ kind: 'unavailable', reason: 'not_found' });
  });

  it.each([
    [
      400,
      { description: 'Validation failed', errors: [{ field: 'x', code: 'invalid_field' }] },
      'invalid_request',
      null,
    ],
    [401, { code: 'invalid_credentials' }, 'auth', null],
    [403, { code: 'access_denied' }, 'forbidden', null],
    [403, { code: 'account_suspended' }, 'auth', null],
    [404, {}, 'gone', 'not_found'],
    [405, {}, 'gone', 'deleted'],
    [500, {}, 'ambiguous_post', null],
  ])('status %i on the note is its own class', async (status, body, errorClass, reason) => {
    const { helpdesk } = setup({ [NOTES]: json(body, status) });
    expect(await failure(helpdesk.postPrivateNote(POST, never))).toMatchObject({ errorClass, reason, status });
  });
});

describe('what happened since the draft', () => {
  it.each([
    ['an agent’s reply', [entry(1, AGENT)], 'answered'],
    ['an agent’s public note', [entry(1, AGENT, { source: 2 })], 'answered'],
    ['a customer’s reply', [reply(1)], 'outdated'],
    ['an automatic reply', [entry(1, AGENT, { auto_response: true })], 'clear'],
    ['an internal note', [entry(1, AGENT, { private: true, source: 2 })], 'clear'],
  ])('%s: %s', async (_name, entries, kind) => {
    const { helpdesk } = setup({ [VIEW]: ticketAnswer(entries) });
    expect((await helpdesk.look(lookFor(), never)).kind).toBe(kind);
  });
});
