import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../src/core/clock.ts';
import { createFreshdeskSimulator, type FreshdeskSimulatorOptions } from '../../src/sandbox/freshdesk.ts';
import { fakeClock } from '../support/fake-clock.ts';
import { client } from './client.ts';

function setUp(options: Partial<FreshdeskSimulatorOptions> = {}) {
  const clock = fakeClock();
  const freshdesk = createFreshdeskSimulator({ clock, random: seededRandom(1), ...options });
  const authorization = `Basic ${Buffer.from(`${freshdesk.apiKey}:X`).toString('base64')}`;
  const call = client(freshdesk.fetch, { authorization });
  const id = freshdesk.addTicket({ subject: 'Refund', html: '<p>Hi there,</p><p>a refund please</p>' });
  const note = (fields: unknown, ticketId = id) => call('POST', `/api/v2/tickets/${ticketId}/notes`, fields);
  return { clock, freshdesk, call, id, note };
}

describe('credentials and manners', () => {
  it('knows its agent by key and refuses another', async () => {
    const { call, note } = setUp();
    const me = await call('GET', '/api/v2/agents/me');
    expect(me.json).toMatchObject({ id: expect.any(Number), contact: { email: 'draftdesk@acme.example' } });
    expect((await note({ body: 'x' })).json.user_id).toBe(me.json.id);
    const headers = { authorization: `Basic ${Buffer.from('wrong:X').toString('base64')}` };
    const refused = await call('GET', '/api/v2/agents/me', undefined, { headers });
    expect([refused.status, refused.json.code]).toEqual([401, 'invalid_credentials']);
  });

  it('answers 405, 406, 415, 404 and the doubled slash', async () => {
    const { call, id } = setUp();
    expect((await call('DELETE', `/api/v2/tickets/${id}/notes`)).status).toBe(405);
    expect((await call('GET', '/api/v2/agents/me', undefined, { headers: { accept: 'text/html' } })).status).toBe(406);
    const form = { headers: { 'content-type': 'text/plain' } };
    expect((await call('POST', `/api/v2/tickets/${id}/notes`, 'body=x', form)).status).toBe(415);
    const missing = await call('GET', '/api/v2/tickets/999999');
    expect([missing.status, missing.text]).toEqual([404, '']);
    const doubled = await call('GET', '//api/v2/tickets/1');
    expect([doubled.status, doubled.json.errors[0].code]).toEqual([400, 'invalid_field']);
  });
});

describe('reading', () => {
  it('views a ticket with blanks as null, and its includes', async () => {
    const { call, id } = setUp();
    const plain = await call('GET', `/api/v2/tickets/${id}`);
    expect(plain.json).toMatchObject({
      id: Number(id),
      status: 2,
      cc_emails: null,
      description_text: 'Hi there,\na refund please',
    });
    expect(plain.json).not.toHaveProperty('requester');
    expect(plain.json).not.toHaveProperty('deleted');
    const { json } = await call('GET', `/api/v2/tickets/${id}?include=requester,stats,conversations`);
    expect(json.requester).toMatchObject({ id: json.requester_id, email: 'kim.doe@customer.example' });
    expect(json).toMatchObject({ conversations: [], stats: { resolved_at: null } });
    expect((await call('GET', `/api/v2/tickets/${id}?include=nothing`)).status).toBe(400);
  });

  it('includes the first ten conversations and lists all, oldest first, with a link', async () => {
    const { freshdesk, call, id, clock } = setUp();
    for (let n = 1; n <= 12; n++) {
      await clock.advance(1000);
      freshdesk.customerReply(id, `<p>one ${n}</p><p>two</p>`);
    }
    const view = await call('GET', `/api/v2/tickets/${id}?include=conversations`);
    expect(view.json.conversations.map((one: { body_text: string }) => one.body_text).slice(0, 2)).toEqual([
      'one 1 two',
      'one 2 two',
    ]);
    expect(view.json.conversations).toHaveLength(10);
    const path = `/api/v2/tickets/${id}/conversations?per_page=5`;
    const first = await call('GET', path);
    expect(first.headers.get('link')).toBe(`<http://sim.test${path}&page=2>;rel="next"`);
    const last = await call('GET', `${path}&page=3`);
    expect(last.headers.get('link')).toBeNull();
    expect(last.json.map((one: { body_text: string }) => one.body_text)).toEqual(['one 11 two', 'one 12 two']);
    expect(last.json[0]).toMatchObject({ incoming: true, private: false, source: 0, ticket_id: Number(id) });
    expect((await call('GET', `/api/v2/tickets/${id}/conversations?per_page=101`)).status).toBe(400);
  });

  it('lists tickets by updated_since without description, spam and trash', async () => {
    const { freshdesk, call, id, clock } = setUp();
    await clock.advance(60_000);
    const other = freshdesk.addTicket({ subject: 'b', html: 'b' });
    freshdesk.markSpam(freshdesk.addTicket({ subject: 'spam', html: 'c' }));
    const trashed = freshdesk.addTicket({ subject: 'trash', html: 'd' });
    freshdesk.delete(trashed);
    const ids = async (query: string) =>
      (await call('GET', `/api/v2/tickets?${query}`)).json.map((row: { id: number }) => String(row.id));
    expect(await ids('updated_since=2026-11-23T10:00:30Z')).toEqual([other]);
    expect(await ids('updated_since=2026-11-23T00:00:00Z&order_by=updated_at&order_type=asc')).toEqual([id, other]);
    expect(await ids('filter=deleted')).toEqual([trashed]);
    await clock.advance(31 * 86_400_000);
    expect(await ids('per_page=100')).toEqual([]);
    const rows = await call('GET', '/api/v2/tickets?updated_since=2026-11-23T00:00:00Z');
    expect(rows.json[0]).not.toHaveProperty('description');
    expect((await call('GET', '/api/v2/tickets?updated_since=soon')).status).toBe(400);
    expect((await call('GET', '/api/v2/tickets?page=301')).status).toBe(400);
  });
});

describe('rows of the list', () => {
  it('tell status, tags, group and priority, and keep the order that was asked for', async () => {
    const { freshdesk, call, id, clock } = setUp();
    await clock.advance(1000);
    const other = freshdesk.addTicket({ subject: 'B', html: 'h', tags: ['vip'], group: '77', priority: 'high' });
    await clock.advance(1000);
    freshdesk.setStatus(id, 7);
    const path = '/api/v2/tickets?updated_since=2026-11-23T00:00:00Z&order_by=updated_at&order_type=';
    const asc = (await call('GET', `${path}asc`)).json;
    expect(asc.map((row: { id: number }) => String(row.id))).toEqual([other, id]);
    expect(asc[0]).toMatchObject({ tags: ['vip'], group_id: 77, priority: 3, status: 2 });
    expect(asc[1]).toMatchObject({ status: 7, group_id: null, priority: 1 });
    const desc = (await call('GET', `${path}desc`)).json;
    expect(desc.map((row: { id: number }) => String(row.id))).toEqual([id, other]);
  });
});

describe('writing a note', () => {
  it('is private by default, rewritten, and answered with 201 and a place', async () => {
    const { note, freshdesk, id } = setUp();
    const { status, json, headers } = await note({ body: '<p onclick="x()">Hi</p><script>1</script><!-- dd -->' });
    expect(status).toBe(201);
    expect(headers.get('location')).toBe(`http://sim.test/api/v2/conversations/${json.id}`);
    expect(json).toMatchObject({ private: true, incoming: false, body: '<div><p>Hi</p></div>' });
    expect(json).not.toHaveProperty('source');
    expect(freshdesk.notes(id)).toEqual([expect.objectContaining({ id: String(json.id), text: 'Hi' })]);
  });

  it.each([
    ['an unknown field', { body: 'x', public: false }, 'public', 'invalid_field'],
    ['no body', { private: true }, 'body', 'missing_field'],
    ['an empty body', { body: '' }, 'body', 'invalid_value'],
    ['a wrong type', { body: 'x', private: 'yes' }, 'private', 'datatype_mismatch'],
  ])('refuses %s', async (_name, fields, field, code) => {
    const { note, freshdesk, id } = setUp();
    const answer = await note(fields);
    expect(answer.status).toBe(400);
    expect(answer.json).toMatchObject({ description: 'Validation failed', errors: [{ field, code }] });
    expect(freshdesk.notes(id)).toEqual([]);
  });

  it('refuses broken JSON', async () => {
    const answer = await setUp().note('{"body":');
    expect([answer.status, answer.json.code]).toEqual([400, 'invalid_json']);
  });

  it('posts twice when asked twice: there is no idempotency', async () => {
    const { note, freshdesk, id } = setUp();
    await note({ body: 'x', private: true });
    await note({ body: 'x', private: true });
    expect(freshdesk.notes(id)).toHaveLength(2);
  });

  it('edits and deletes notes, not replies', async () => {
    const { note, call, freshdesk, id, clock } = setUp();
    const first = await note({ body: 'old' });
    const second = await note({ body: 'other' });
    await clock.advance(2000);
    const edited = await call('PUT', `/api/v2/conversations/${first.json.id}`, { body: 'new' });
    expect(edited.json).toMatchObject({ body: '<div>new</div>', updated_at: '2026-11-23T10:00:02Z' });
    expect((await call('DELETE', `/api/v2/conversations/${second.json.id}`)).status).toBe(204);
    expect((await call('DELETE', `/api/v2/conversations/${second.json.id}`)).status).toBe(404);
    expect(freshdesk.notes(id).map((one) => one.text)).toEqual(['new']);
    const reply = freshdesk.customerReply(id, 'hello');
    expect((await call('PUT', `/api/v2/conversations/${reply}`, { body: 'forged' })).status).toBe(405);
  });

  it('counts replies and notes that were published', async () => {
    const { call, note, freshdesk, id } = setUp();
    expect((await call('POST', `/api/v2/tickets/${id}/reply`, { body: 'oops' })).status).toBe(201);
    expect(freshdesk.repliesSent()).toBe(1);
    freshdesk.publishNextNote();
    expect((await note({ body: 'x', private: true })).json.private).toBe(false);
    expect((await note({ body: 'y', private: false })).json.private).toBe(false);
    expect(freshdesk.publicCommentsByBot(id)).toHaveLength(3);
    expect(freshdesk.stats()).toMatchObject({ publicComments: 3, notes: 0 });
  });

  it.each([
    ['markSpam', 200, 405],
    ['delete', 200, 405],
    ['archive', 404, 404],
    ['purge', 404, 404],
    ['restrict', 403, 403],
    ['close', 200, 201],
  ] as const)('after %s answers %i to reading and %i to a note', async (act, read, write) => {
    const { call, note, freshdesk, id } = setUp();
    freshdesk[act](id);
    expect((await call('GET', `/api/v2/tickets/${id}`)).status).toBe(read);
    expect((await note({ body: 'x' })).status).toBe(write);
  });

  it('says so on spam, trash and custom statuses', async () => {
    const { call, freshdesk, id } = setUp();
    freshdesk.setStatus(id, 7);
    freshdesk.delete(id);
    freshdesk.markSpam(id);
    expect((await call('GET', `/api/v2/tickets/${id}`)).json).toMatchObject({ status: 7, deleted: true, spam: true });
  });
});

describe('limits', () => {
  it('counts per endpoint bucket, with credits for includes', async () => {
    const { call, id } = setUp({ limits: 'vendor' });
    const read = async (path: string) => {
      const { headers } = await call('GET', path);
      return ['total', 'remaining', 'used-currentrequest'].map((name) => Number(headers.get(`x-ratelimit-${name}`)));
    };
    expect(await read(`/api/v2/tickets/${id}?include=requester,stats`)).toEqual([40, 37, 3]);
    expect(await read(`/api/v2/tickets/${id}/conversations`)).toEqual([40, 36, 1]);
    expect(await read('/api/v2/tickets?include=stats')).toEqual([20, 17, 3]);
    // the account's own total has paid for all of them
    expect(await read('/api/v2/agents/me')).toEqual([100, 92, 1]);
  });

  it('answers 429 with Retry-After and without X-Ratelimit, one bucket at a time', async () => {
    const { call, note, freshdesk, id, clock } = setUp({ limits: { ticket: 2 } });
    await call('GET', `/api/v2/tickets/${id}?include=requester`);
    await clock.advance(26_000);
    const refused = await call('GET', `/api/v2/tickets/${id}`);
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, '34']);
    expect(refused.headers.has('x-ratelimit-remaining')).toBe(false);
    expect((await note({ body: 'x' })).status).toBe(201);
    await clock.advance(34_000);
    expect((await call('GET', `/api/v2/tickets/${id}`)).status).toBe(200);
    expect(freshdesk.stats().rateLimited).toBe(1);
  });

  it('lets other users of the account spend the same buckets', async () => {
    const { freshdesk, call, id, clock } = setUp({ limits: 'vendor' });
    freshdesk.rival(20);
    await clock.advance(30_000);
    const { headers } = await call('GET', `/api/v2/tickets/${id}`);
    expect([headers.get('x-ratelimit-total'), headers.get('x-ratelimit-remaining')]).toEqual(['40', '29']);
    expect((await call('GET', '/api/v2/agents/me')).headers.get('x-ratelimit-remaining')).toBe('88');
    expect(freshdesk.rivalsRefused()).toBe(0);
  });

  it('charges calls with a wrong key too', async () => {
    const { call } = setUp({ limits: { account: 2 } });
    const wrong = { headers: { authorization: 'Basic eDpY' } };
    await call('GET', '/api/v2/agents/me', undefined, wrong);
    await call('GET', '/api/v2/agents/me', undefined, wrong);
    expect((await call('GET', '/api/v2/agents/me')).status).toBe(429);
  });
});
