import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../src/core/clock.ts';
import { createZendeskSimulator, type ZendeskSimulatorOptions } from '../../src/sandbox/zendesk.ts';
import { fakeClock } from '../support/fake-clock.ts';
import { client } from './client.ts';

function setUp(options: Partial<ZendeskSimulatorOptions> = {}) {
  const clock = fakeClock();
  const zendesk = createZendeskSimulator({ clock, random: seededRandom(1), ...options });
  const call = client(zendesk.fetch, { authorization: `Bearer ${zendesk.credentials.oauthToken}` });
  const anonymous = client(zendesk.fetch, {});
  const id = zendesk.addTicket({ subject: 'Broken tent', html: '<p>The pole is <b>broken</b>.</p>' });
  const put = (ticket: object, ticketId = id) => call('PUT', `/api/v2/tickets/${ticketId}.json`, { ticket });
  return { clock, zendesk, call, anonymous, id, put };
}

describe('credentials', () => {
  it('answers 200 "Anonymous user" without an id where nobody is logged in', async () => {
    const { anonymous } = setUp();
    const me = await anonymous('GET', '/api/v2/users/me.json');
    expect(me.status).toBe(200);
    expect(me.json).toEqual({ user: { name: 'Anonymous user' } });
    const ticket = await anonymous('GET', '/api/v2/tickets/5158.json');
    expect([ticket.status, ticket.json]).toEqual([401, { error: "Couldn't authenticate you" }]);
  });

  it('knows our user by bearer token and by API token', async () => {
    const { call, anonymous, zendesk } = setUp();
    const { email, apiToken } = zendesk.credentials;
    const authorization = `Basic ${Buffer.from(`${email}/token:${apiToken}`).toString('base64')}`;
    const byBearer = await call('GET', '/api/v2/users/me');
    const byApiToken = await anonymous('GET', '/api/v2/users/me', undefined, { headers: { authorization } });
    expect(byBearer.json.user).toMatchObject({ role: 'agent', email: 'draftdesk@acme.example' });
    expect(byApiToken.json.user.id).toBe(byBearer.json.user.id);
  });

  const request = {
    grant_type: 'client_credentials',
    client_id: 'draftdesk',
    client_secret: 'zendesk-simulator-client-secret',
  };

  it('issues tokens by client credentials that expire', async () => {
    const { anonymous, clock, zendesk } = setUp();
    const issued = await anonymous('POST', '/oauth/tokens', {
      ...request,
      scope: 'read tickets:write',
      expires_in: 172_800,
    });
    expect(issued.json).toMatchObject({ token_type: 'bearer', scope: 'read tickets:write', expires_in: 172_800 });
    const headers = { authorization: `Bearer ${issued.json.access_token}` };
    expect((await anonymous('GET', '/api/v2/users/me', undefined, { headers })).json.user.id).toBeTypeOf('number');
    await clock.advance(172_800_000);
    const expired = await anonymous('GET', '/api/v2/users/me', undefined, { headers });
    expect([expired.status, expired.json.error]).toEqual([401, 'invalid_token']);
    expect(zendesk.tokensIssued()).toBe(1);
  });

  it.each([
    ['a wrong secret', { client_secret: 'x' }, 401, 'invalid_client'],
    ['another grant', { grant_type: 'password' }, 400, 'unsupported_grant_type'],
    ['a scope outside the client', { scope: 'users:write' }, 400, 'invalid_scope'],
    ['a lifetime over two days', { expires_in: 172_801 }, 400, 'invalid_request'],
    ['a lifetime under five minutes', { expires_in: 299 }, 400, 'invalid_request'],
  ])('refuses a token for %s', async (_name, change, status, error) => {
    const { anonymous } = setUp();
    const answer = await anonymous('POST', '/oauth/tokens', { ...request, ...change });
    expect([answer.status, answer.json.error]).toEqual([status, error]);
  });

  it('gives a token for an unknown scope that opens nothing, and one for reading that does not write', async () => {
    const { anonymous, id } = setUp();
    const tokenFor = async (scope: string) =>
      (await anonymous('POST', '/oauth/tokens', { ...request, scope })).json.access_token;
    const unknown = { authorization: `Bearer ${await tokenFor('read tickets.write')}` };
    expect((await anonymous('GET', `/api/v2/tickets/${id}`, undefined, { headers: unknown })).status).toBe(403);
    const reader = { authorization: `Bearer ${await tokenFor('read')}` };
    expect((await anonymous('GET', `/api/v2/tickets/${id}`, undefined, { headers: reader })).status).toBe(200);
    expect((await anonymous('PUT', `/api/v2/tickets/${id}`, { ticket: {} }, { headers: reader })).status).toBe(403);
  });
});

describe('reading', () => {
  it('shows a ticket with numbers, lower-case status, whole seconds, users and comment count', async () => {
    const { call, id, clock } = setUp();
    await clock.advance(1500);
    const { json } = await call('GET', `/api/v2/tickets/${id}.json?include=users,comment_count`);
    expect(json.ticket).toMatchObject({
      id: Number(id),
      status: 'new',
      comment_count: 1,
      updated_at: '2026-11-23T10:00:00Z',
    });
    expect(json.users).toEqual([expect.objectContaining({ id: json.ticket.requester_id, role: 'end-user' })]);
    expect(json.ticket).not.toHaveProperty('comments');
  });

  it('pages comments by cursor, newest first with sort, and ignores sort_order there', async () => {
    const { zendesk, call, id, clock } = setUp();
    for (let n = 1; n <= 4; n++) {
      await clock.advance(1000);
      zendesk.customerReply(id, `<p>reply ${n}</p>`);
    }
    const texts = (answer: { json: { comments: { plain_body: string }[] } }) =>
      answer.json.comments.map((one) => one.plain_body);
    const path = `/api/v2/tickets/${id}/comments.json?page[size]=2`;
    const first = await call('GET', `${path}&sort=-created_at&include=users`);
    expect(texts(first)).toEqual(['reply 4', 'reply 3']);
    expect(first.json.meta.has_more).toBe(true);
    expect(first.json.users).toHaveLength(1);
    const next = new URL(first.json.links.next);
    const second = await call('GET', next.pathname + next.search);
    expect(texts(second)).toEqual(['reply 2', 'reply 1']);
    const last = await call('GET', `${path}&sort=-created_at&page[after]=${second.json.meta.after_cursor}`);
    expect(texts(last)).toEqual(['The pole is broken.']);
    expect([last.json.meta.has_more, last.json.links.next]).toEqual([false, null]);
    expect(texts(await call('GET', `${path}&sort_order=desc`))).toEqual(['The pole is broken.', 'reply 1']);
    const offset = await call('GET', `/api/v2/tickets/${id}/comments.json?sort_order=desc&per_page=1`);
    expect(texts(offset)).toEqual(['reply 4']);
    expect(offset.json.count).toBe(5);
  });

  it.each(['page[size]=101', 'page[size]=0', 'page[size]=2&sort=id', 'page[size]=2&page[after]=%21%21'])(
    'refuses %s with InvalidPaginationParameter',
    async (query) => {
      const { call, id } = setUp();
      const answer = await call('GET', `/api/v2/tickets/${id}/comments.json?${query}`);
      expect([answer.status, answer.json.errors[0].code]).toEqual([400, 'InvalidPaginationParameter']);
    },
  );

  it('keeps hidden text in plain_body and marks untrusted comments', async () => {
    const { zendesk, call, id } = setUp();
    zendesk.customerComment(id, '<p>a</p><div style="display:none">secret</div>', { flags: [2], public: false });
    const { json } = await call('GET', `/api/v2/tickets/${id}/comments?page[size]=1&sort=-created_at`);
    const [comment] = json.comments;
    expect(comment.plain_body).toContain('secret');
    expect(comment.metadata).toMatchObject({ flags: [2], flags_options: { 2: { trusted: false } }, trusted: false });
    expect(comment.metadata.system.ip_address).toBeTypeOf('string');
    expect(comment.public).toBe(false);
  });

  it('lists tickets newest change first, without deleted ones', async () => {
    const { zendesk, call, id, clock } = setUp();
    await clock.advance(1000);
    const other = zendesk.addTicket({ subject: 'b', html: 'b' });
    const gone = zendesk.addTicket({ subject: 'c', html: 'c' });
    zendesk.delete(gone);
    await clock.advance(1000);
    zendesk.customerReply(id, 'again');
    const { json } = await call('GET', '/api/v2/tickets.json?page[size]=1&sort=-updated_at');
    const rest = await call(
      'GET',
      `/api/v2/tickets.json?page[size]=5&sort=-updated_at&page[after]=${json.meta.after_cursor}`,
    );
    expect([...json.tickets, ...rest.json.tickets].map((ticket) => String(ticket.id))).toEqual([id, other]);
    expect((await call('GET', '/api/v2/tickets.json?page[size]=5&sort=created_at')).status).toBe(400);
  });

  it('exports to admins only, never the last minute, deleted ones too', async () => {
    expect((await setUp().call('GET', '/api/v2/incremental/tickets/cursor.json?start_time=0')).status).toBe(403);
    const { zendesk, call, clock, id } = setUp({ role: 'admin' });
    const path = '/api/v2/incremental/tickets/cursor.json';
    expect((await call('GET', `${path}?start_time=0`)).json).toMatchObject({ tickets: [], end_of_stream: true });
    zendesk.delete(id);
    await clock.advance(61_000);
    const { json } = await call('GET', `${path}?start_time=0`);
    expect(json.tickets).toEqual([expect.objectContaining({ id: Number(id), status: 'deleted' })]);
    expect((await call('GET', `${path}?cursor=${json.after_cursor}`)).json.tickets).toEqual([]);
    expect((await call('GET', `${path}?start_time=${clock.now() / 1000}`)).status).toBe(400);
  });

  it.each([['delete'], ['markSpam']] as const)('answers RecordNotFound after %s', async (act) => {
    const { zendesk, call, id, put } = setUp();
    zendesk[act](id);
    const expected = { error: 'RecordNotFound', description: 'Not found' };
    for (const answer of [await call('GET', `/api/v2/tickets/${id}`), await put({ comment: { body: 'x' } })]) {
      expect([answer.status, answer.json]).toEqual([404, expected]);
    }
    expect((await call('GET', '/api/v2/nothing')).json.error).toBe('InvalidEndpoint');
  });
});

describe('writing a note', () => {
  it('answers ticket and audit, with the comment’s own id and our metadata', async () => {
    const { zendesk, call, put, id, clock } = setUp();
    await clock.advance(5000);
    const { status, json } = await put({
      comment: { html_body: '<p>Draft</p>', public: false },
      metadata: { draftdesk: 'dd-1' },
    });
    const event = json.audit.events.find((one: { type: string }) => one.type === 'Comment');
    expect(status).toBe(200);
    expect(event).toMatchObject({ public: false, audit_id: json.audit.id, plain_body: 'Draft' });
    expect(event.id).not.toBe(json.audit.id);
    expect(json.audit.metadata.custom).toEqual({ draftdesk: 'dd-1' });
    expect(json.ticket).toMatchObject({ status: 'new', updated_at: '2026-11-23T10:00:05Z' });
    expect(zendesk.notes(id)).toEqual([
      expect.objectContaining({ id: String(event.id), text: 'Draft', public: false }),
    ]);
    const listed = await call('GET', `/api/v2/tickets/${id}/comments?page[size]=1&sort=-created_at`);
    expect(listed.json.comments[0]).toMatchObject({ id: event.id, metadata: { custom: { draftdesk: 'dd-1' } } });
  });

  it.each([
    ['public', true, 1, 0],
    ['private', false, 0, 1],
  ])(
    'inherits the visibility of a %s first comment when `public` is left out',
    async (_name, isPublic, publicCount, notes) => {
      const { zendesk, put } = setUp();
      const id = zendesk.addTicket({ subject: 's', html: 'h', public: isPublic });
      await put({ comment: { html_body: 'x' } }, id);
      expect(zendesk.publicCommentsByBot(id)).toHaveLength(publicCount);
      expect(zendesk.notes(id)).toHaveLength(notes);
      expect(zendesk.stats()).toMatchObject({ publicComments: publicCount, notes });
    },
  );

  it('ignores unknown keys with 200 and writes nothing', async () => {
    const { put, zendesk, id, call, clock } = setUp();
    await clock.advance(5000);
    const { status, json } = await put({ ticket: { comment: { body: 'x', public: false } }, additional_tags: ['a'] });
    expect([status, json.audit.events]).toEqual([200, []]);
    expect(zendesk.notes(id)).toEqual([]);
    expect((await call('GET', `/api/v2/tickets/${id}`)).json.ticket.updated_at).toBe('2026-11-23T10:00:00Z');
  });

  it.each([true, false, 'true'])('compares the stamp whenever safe_update is there (%s)', async (safe) => {
    const { put, zendesk, id, clock } = setUp();
    await clock.advance(3000);
    zendesk.customerReply(id, 'more');
    const comment = { html_body: 'x', public: false };
    const stale = await put({ comment, safe_update: safe, updated_stamp: '2026-11-23T10:00:00Z' });
    expect([stale.status, stale.json.error]).toEqual([409, 'UpdateConflict']);
    const fresh = await put({ comment, safe_update: safe, updated_stamp: '2026-11-23T10:00:03Z' });
    expect(fresh.status).toBe(200);
    expect(zendesk.notes(id)).toHaveLength(1);
  });

  it('lets a second write of the same second through: a fence, not a lock', async () => {
    const { put } = setUp();
    const update = {
      comment: { html_body: 'x', public: false },
      safe_update: true,
      updated_stamp: '2026-11-23T10:00:00Z',
    };
    expect([(await put(update)).status, (await put(update)).status]).toEqual([200, 200]);
  });

  it('refuses closed tickets, also merged ones', async () => {
    const { put, zendesk, id } = setUp();
    const target = zendesk.addTicket({ subject: 't', html: 't' });
    zendesk.merge(id, target);
    const answer = await put({ comment: { html_body: 'x', public: false } });
    expect(answer.status).toBe(422);
    expect(answer.json).toMatchObject({
      error: 'RecordInvalid',
      details: { status: [{ description: 'Status: closed prevents ticket update' }] },
    });
  });

  it('answers 422 to broken JSON and 400 without a ticket', async () => {
    const { call, id } = setUp();
    expect((await call('PUT', `/api/v2/tickets/${id}`, '{"ticket":')).json.message).toBe('Server could not parse JSON');
    expect((await call('PUT', `/api/v2/tickets/${id}`, [])).status).toBe(400);
  });

  it.each([
    [
      'html_body',
      { html_body: '<p>{{ticket.requester.email}} {{nope}}|<code>{{ticket.id}}</code></p>' },
      'kim.doe@customer.example |{{ticket.id}}',
    ],
    ['body', { body: '{{ticket.title}} \\\\{{ticket.id}}' }, 'Broken tent {{ticket.id}}'],
    ['white space in body', { body: 'a   b\n\n\nc' }, 'a b\nc'],
    ['white space in html_body', { html_body: '<p>a</p><p>b</p>' }, 'a\nb'],
  ])('expands placeholders and collapses white space as the vendor does: %s', async (_name, comment, expected) => {
    const { put, zendesk, id } = setUp();
    await put({ comment: { ...comment, public: false } });
    expect(zendesk.notes(id)[0]?.text).toBe(expected);
  });

  it('cuts over 64 kB in silence', async () => {
    const { put, zendesk, id } = setUp();
    const { status } = await put({ comment: { html_body: `${'ä'.repeat(40_000)}END`, public: false } });
    const text = zendesk.notes(id)[0]?.text ?? '';
    expect(status).toBe(200);
    expect(Buffer.byteLength(text)).toBe(65_536);
    expect(text).not.toContain('END');
  });

  it('can publish a private note by itself, once, for the alarm to find', async () => {
    const { put, zendesk, id } = setUp();
    zendesk.publishNextNote();
    const comment = { html_body: 'x', public: false };
    expect((await put({ comment })).json.audit.events[0].public).toBe(true);
    expect((await put({ comment })).json.audit.events[0].public).toBe(false);
    expect(zendesk.publicCommentsByBot(id)).toHaveLength(1);
  });
});

describe('many tickets at once', () => {
  it('shows up to a hundred by id in one request, and leaves out what it cannot see', async () => {
    const { zendesk, call, id } = setUp();
    const other = zendesk.addTicket({
      subject: 'Two',
      html: 'h',
      group: '77',
      priority: 'urgent',
      requester: { name: 'Lee', email: 'lee@customer.example' },
    });
    const gone = zendesk.addTicket({ subject: 'Gone', html: 'h' });
    zendesk.delete(gone);
    zendesk.customerReply(id, 'more');
    const before = zendesk.stats().total;
    const path = `/api/v2/tickets/show_many.json?ids=${id},${gone},999999,${other}&include=users,comment_count`;
    const { status, json } = await call('GET', path);
    expect(status).toBe(200);
    expect(json.tickets.map((one: { id: number }) => String(one.id))).toEqual([id, other]);
    expect(json.tickets.map((one: { comment_count: number }) => one.comment_count)).toEqual([2, 1]);
    expect(json.tickets[1]).toMatchObject({ group_id: 77, priority: 'urgent' });
    expect(json.users.map(({ name }: { name: string }) => name)).toEqual(['Kim Doe', 'Lee']);
    expect(zendesk.stats().total - before).toBe(1);
    expect((await call('GET', `/api/v2/tickets/show_many.json?ids=${id}`)).json.tickets[0]).not.toHaveProperty(
      'comment_count',
    );
  });

  it('refuses more than a hundred', async () => {
    const { call } = setUp();
    const ids = (count: number) => Array.from({ length: count }, (_, index) => index + 1).join(',');
    expect((await call('GET', `/api/v2/tickets/show_many?ids=${ids(100)}`)).status).toBe(200);
    expect((await call('GET', `/api/v2/tickets/show_many?ids=${ids(101)}`)).status).toBe(400);
  });
});

describe('search export', () => {
  const PATH = '/api/v2/search/export.json?filter[type]=ticket&page[size]=';
  const search = async (call: ReturnType<typeof setUp>['call'], query: string, more = '100') =>
    call('GET', `${PATH}${more}&query=${encodeURIComponent(query)}`);
  const subjects = (answer: { json: { results: { subject: string }[] } }) =>
    answer.json.results.map(({ subject }) => subject);

  it('knows status by order, tags, groups and times; one of several values is enough', async () => {
    const { zendesk, call, clock, id } = setUp();
    zendesk.solve(id);
    await clock.advance(60_000);
    zendesk.addTicket({ subject: 'A', html: 'h', tags: ['vip', 'eu:west'], group: '7' });
    await clock.advance(60_000);
    const b = zendesk.addTicket({ subject: 'B', html: 'h', tags: ['vip'] });
    zendesk.setStatus(b, 'pending');
    const found = async (query: string) =>
      subjects(await search(call, query))
        .toSorted()
        .join(',');
    expect(await found('')).toBe('A,B,Broken tent');
    expect(await found('status<solved')).toBe('A,B');
    expect(await found('status:pending')).toBe('B');
    expect(await found('status:solved status:new')).toBe('A,Broken tent');
    expect(await found('tags:vip')).toBe('A,B');
    expect(await found('tags:"eu:west"')).toBe('A');
    expect(await found('group:7')).toBe('A');
    expect(await found('created>=2026-11-23T10:01:00Z created<2026-11-23T10:02:00Z')).toBe('A');
    expect(await found('updated>=2026-11-23T10:02:00Z')).toBe('B');
  });

  it('goes by creation, in the order it is set to, with a cursor that dies after an hour', async () => {
    for (const searchOrder of ['asc', 'desc'] as const) {
      const { zendesk, call, clock } = setUp({ searchOrder });
      for (const subject of ['A', 'B', 'C']) {
        await clock.advance(1000);
        zendesk.addTicket({ subject, html: 'h' });
      }
      const first = await search(call, '', '3');
      expect(subjects(first)).toEqual(searchOrder === 'asc' ? ['Broken tent', 'A', 'B'] : ['C', 'B', 'A']);
      expect(first.json).toMatchObject({ facets: null, meta: { has_more: true, before_cursor: null } });
      const next = `3&page[after]=${first.json.meta.after_cursor}`;
      await clock.advance(3_600_000);
      const last = await search(call, '', next);
      expect([subjects(last), last.json.meta.has_more]).toEqual([[searchOrder === 'asc' ? 'C' : 'Broken tent'], false]);
      await clock.advance(1000);
      expect((await search(call, '', next)).status).toBe(400);
    }
  });

  it('wants one type outside the query, at most 1,000 a page, and has a bucket of its own', async () => {
    const { call, clock } = setUp({ limits: { searchExportPerMinute: 2 } });
    const first = await search(call, '', '1000');
    expect([first.status, first.headers.get('zendesk-ratelimit-search-export')]).toEqual([
      200,
      'total=2; remaining=1; resets=60',
    ]);
    expect((await search(call, '', '1001')).status).toBe(400);
    const refused = await search(call, '');
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, '60']);
    await clock.advance(60_000);
    expect((await search(call, 'type:ticket')).status).toBe(400);
    expect((await call('GET', '/api/v2/search/export?page[size]=5&query=')).status).toBe(400);
  });

  it('is behind by the index’s lag', async () => {
    const { call, clock } = setUp({ searchLagMs: 120_000 });
    expect(subjects(await search(call, ''))).toEqual([]);
    await clock.advance(120_000);
    expect(subjects(await search(call, ''))).toEqual(['Broken tent']);
  });
});

describe('limits', () => {
  it('takes 100 updates a minute, agents included, and names the bucket', async () => {
    const { zendesk, put, id, clock } = setUp({ limits: { updatesPerTicketPer10Minutes: 1000 } });
    zendesk.agentReply(id, 'hello', { public: true });
    const first = await put({ comment: { html_body: 'x', public: false } });
    expect(first.headers.get('zendesk-ratelimit-tickets-update')).toBe('total=100; remaining=98; resets=60');
    for (let n = 0; n < 98; n++) await put({});
    await clock.advance(20_500);
    const refused = await put({});
    expect(refused.status).toBe(429);
    expect(refused.headers.get('retry-after')).toBe('40');
    expect(refused.json.error).toBe('APIRateLimitExceeded');
    // the account as a whole still has room
    expect(Number(refused.headers.get('ratelimit-remaining'))).toBeGreaterThan(200);
    await clock.advance(39_500);
    expect((await put({})).status).toBe(200);
    expect(zendesk.stats().rateLimited).toBe(1);
  });

  it('lets other users of the account spend the same buckets', async () => {
    const { zendesk, put, clock } = setUp({ limits: 'vendor' });
    zendesk.rival(60);
    await clock.advance(30_000);
    const { headers } = await put({ comment: { html_body: 'x', public: false } });
    expect(headers.get('zendesk-ratelimit-tickets-update')).toBe('total=100; remaining=69; resets=30');
    expect(headers.get('ratelimit-remaining')).toBe('369');
    expect(zendesk.rivalsRefused()).toBe(0);
  });

  it('takes 30 updates per ticket in ten minutes', async () => {
    const { zendesk, put, clock } = setUp({ limits: 'vendor' });
    for (let n = 0; n < 30; n++) expect((await put({})).status).toBe(200);
    const refused = await put({});
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, '600']);
    expect((await put({}, zendesk.addTicket({ subject: 's', html: 'h' }))).status).toBe(200);
    await clock.advance(600_000);
    expect((await put({})).status).toBe(200);
  });

  it('limits all requests of the account and says so on every answer', async () => {
    const { call, clock, id } = setUp({ limits: { requestsPerMinute: 3 } });
    await call('GET', `/api/v2/tickets/${id}`);
    await clock.advance(19_000);
    const { headers } = await call('GET', `/api/v2/tickets/999`);
    expect(Object.fromEntries(headers)).toMatchObject({
      'x-rate-limit': '3',
      'x-rate-limit-remaining': '1',
      'ratelimit-limit': '3',
      'ratelimit-remaining': '1',
      'ratelimit-reset': '41',
    });
    await call('GET', `/api/v2/tickets/${id}`);
    const refused = await call('GET', `/api/v2/tickets/${id}`);
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, '41']);
  });

  it('lifts them when told', async () => {
    const { put } = setUp({ limits: 'lifted' });
    for (let n = 0; n < 120; n++) expect((await put({})).status).toBe(200);
  });

  it('answers a 429 that is a fault in its own shape', async () => {
    const { zendesk, call, id } = setUp();
    zendesk.faults.failNext('rate_limited');
    const refused = await call('GET', `/api/v2/tickets/${id}`);
    expect([refused.status, refused.headers.get('retry-after'), refused.json.error]).toEqual([
      429,
      '1',
      'APIRateLimitExceeded',
    ]);
  });
});
