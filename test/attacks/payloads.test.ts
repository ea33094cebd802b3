import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { TicketDetail, TicketStatus } from '../../src/core/ticket.ts';
import { PATIENT, type RunningService, startTestService, startVendors, type Vendors } from '../support/harness.ts';
import { INJECTIONS } from '../support/injections.ts';
import { sendSigned } from '../support/signed-webhooks.ts';
import { finished } from '../support/finished.ts';

/* Group C of the attack list of reliability.md: payloads, over sockets, to the real adapters. C12 and C14: see the end. */

const MIB = 1024 * 1024;
const total = (counts: Record<TicketStatus, number>): number => Object.values(counts).reduce((sum, n) => sum + n, 0);

describe.each(['zendesk', 'freshdesk'] as const)('payloads to %s', (name) => {
  let vendors: Vendors;
  let running: RunningService;

  beforeAll(async () => {
    vendors = await startVendors();
    running = await startTestService({ ...vendors.env, ...PATIENT });
  });
  afterAll(async () => {
    await running[Symbol.asyncDispose]();
    await vendors[Symbol.asyncDispose]();
  });

  const send = (body: string | Uint8Array<ArrayBuffer>) =>
    sendSigned(vendors, name, { url: running.service.url, body });
  const ticketOf = (id: string) => running.admin.get<TicketDetail>(`/admin/tickets/${name}/${id}`);
  /** Sends the events of a new ticket and waits for its end. */
  async function draft(html: string, subject = 'Order', from = 'Kim Doe'): Promise<TicketDetail & { note: string }> {
    const requester = { name: from, email: 'kim@customer.example' };
    const id = vendors[name].addTicket({ subject, html, requester });
    const before = finished(await running.admin.statuses());
    for (const call of vendors[name].creationWebhooks(id)) {
      expect((await running.admin.webhook(name, call)).status).toBe(202);
    }
    await running.admin.until((counts) => finished(counts) === before + 1);
    return { ...(await ticketOf(id)), note: vendors[name].notes(id)[0]?.html ?? '' };
  }

  it.each<readonly [string, string]>([
    ['C1: half JSON', '{'],
    ['C1: nothing', ''],
    ['C1: null', 'null'],
    ['C1: a list', '[]'],
    ['C1: a text', '"x"'],
    ['C1: a million spaces', ' '.repeat(1_000_000)],
    ['C1: NaN', '{"ticket_id":NaN}'],
    ['C1: a trailing comma', '{"ticket_id":"1",}'],
    ['C2: half a million brackets', '['.repeat(500_000)],
    ['C2: depth where an id is due', `{"ticket_id":${'['.repeat(200_000)}${']'.repeat(200_000)}}`],
    ['C4: an id by prototype only', '{"__proto__":{"ticket_id":"9","admin":true}}'],
    ...['0', '-1', '1e3', '../5', '5;drop', '5\n', '9'.repeat(200), '9007199254740992', '', '٥'].map(
      (id) => [`C5: the id ${JSON.stringify(id.slice(0, 20))}`, JSON.stringify({ ticket_id: id })] as const,
    ),
    ['C5: a number that JSON.parse changes', '{"ticket_id":9007199254740993}'],
    ['C5: a fraction', '{"ticket_id":1.5}'],
  ])('%s is 400, echoes nothing and leaves nothing', async (_what, body) => {
    const before = await running.admin.statuses();
    const { status, text, type } = await send(body);
    expect([status, type]).toEqual([400, 'application/problem+json']);
    expect(text).not.toMatch(/drop|9999|\.\.\/|admin/);
    expect(await running.admin.statuses()).toEqual(before);
  });

  it('C3, C4: of two equal keys the last counts, for everything; keys of JavaScript itself are only keys', async () => {
    const [first, second] = ['a', 'b'].map((subject) =>
      vendors[name].addTicket({ subject, html: '<p>Where is my order?</p>' }),
    );
    const body = `{"__proto__":{"admin":true},"constructor":{"prototype":{"admin":true}},"ticket_id":"${first}","event":"{ticket_action:created}","updated_at":"2026-01-01T00:00:00Z","ticket_id":"${second}"}`;
    const answers = [await send(body), await send(body)];
    expect(answers.map(({ text }) => JSON.parse(text) as object)).toMatchObject([
      { status: 'accepted', ticketId: second, duplicate: false },
      { status: 'accepted', ticketId: second, duplicate: true },
    ]);
    await expect(ticketOf(first ?? '')).rejects.toThrow(/404/);
    expect(({} as { admin?: boolean }).admin).toBeUndefined();
    await running.admin.until((counts) => finished(counts) === total(counts));
  });

  it('C5: the largest id that a number holds is taken, and ends', async () => {
    const before = finished(await running.admin.statuses());
    expect((await send('{"ticket_id":"9007199254740991","updated_at":"2026-01-01T00:00:00Z"}')).status).toBe(202);
    await running.admin.until((counts) => finished(counts) === before + 1);
    expect(await ticketOf('9007199254740991')).toMatchObject({ status: 'skipped', reason: 'not_found' });
  });

  it.each([
    ['a description of 1 MiB', `<p>Where is it? ${'My parcel is late. '.repeat(MIB / 19)}</p>`],
    ['10,000 lines', `<p>Where is it?</p>${'<p>one more line of the log</p>'.repeat(10_000)}`],
    ['a word of 1 MiB', `<p>Where is it? ${'x'.repeat(MIB)}</p>`],
  ])('C6: %s is cut to the budget, and the note says so', async (_what, html) => {
    const ticket = await draft(html);
    expect(ticket.status).toBe('posted');
    expect(ticket.draft?.promptTokens).toBeLessThan(9_000);
    expect(ticket.draft?.cut).toMatch(/^Left out of this draft/);
    expect(ticket.note).toContain('Left out of this draft');
  });

  it('C7: what nobody sees is stored as it is and goes neither to the model, nor into note or log', async () => {
    const strange = 'a\u0001b\u001B[31mc\u009Bd\u202Ee\u2066f\u200Bg\u{E0041}h\uFE0Fi\uFFFEj';
    const ticket = await draft(`<p>Where is it? ${strange}\u0000 \uD800</p>`, `Order ${strange}`, `Kim ${strange}`);
    expect(ticket.status).toBe('posted');
    expect(ticket.subject).toBe(`Order ${strange}`);
    const invisible = /(?!\n)\p{Cc}|\p{Default_Ignorable_Code_Point}|\p{Noncharacter_Code_Point}/u;
    for (const text of [vendors.llm.prompts.at(-1) ?? '', ticket.note]) expect(text).not.toMatch(invisible);
    expect(vendors.llm.prompts.at(-1)).toMatch(/<subject>Order abcefghij/);
  });

  it('C8: markup in subject, text and name is text', async () => {
    const markup = '<script>alert(1)</script><img src=x onerror=alert(1)><svg/onload=alert(1)>';
    const escaped = markup.replaceAll('<', '&lt;');
    const ticket = await draft(`<p>Where is it? ${escaped}</p>`, markup, markup);
    expect(ticket.status).toBe('posted');
    expect(ticket.note).not.toMatch(/<(?:script|img|svg)/);
    const response = await fetch(`${running.service.url}/admin/tickets/${name}/${ticket.ticketId}`, {
      headers: { authorization: `Bearer ${vendors.env['ADMIN_TOKEN']}` },
    });
    expect(response.headers.get('content-type')).toMatch(/^application\/json/);
    expect(response.headers.get('x-content-type-options')).toBe('nosniff');
  });

  it('C9: a formula as subject stays text in JSON; there is no CSV', async () => {
    const ticket = await draft('<p>Where is it?</p>', `=cmd|'/C calc'!A0`);
    expect(ticket.subject).toBe(`=cmd|'/C calc'!A0`);
    for (const path of ['/admin/tickets.csv', '/admin/batches/x/results.csv']) {
      await expect(running.admin.get(path)).rejects.toThrow(/404/);
    }
  });

  it('C10: what an agent does, what is over, and our own note want no draft', async () => {
    const { ticketId } = await draft('<p>Where is it?</p>');
    const requests = vendors.llm.stats().requests;
    const ignored = async (call: { headers: Readonly<Record<string, string>>; body: string }, reason: RegExp) => {
      const answer = await running.admin.webhook(name, call);
      expect(answer).toMatchObject({ status: 202, body: { status: 'ignored', reason: expect.stringMatching(reason) } });
    };
    if (name === 'zendesk') {
      // the newest comment is our own note
      await ignored(vendors.zendesk.webhookFor(ticketId, 'ticket.comment_added'), /./);
      vendors.zendesk.agentReply(ticketId, '<p>On its way.</p>', { public: true });
      await ignored(vendors.zendesk.webhookFor(ticketId, 'ticket.comment_added'), /./);
      vendors.zendesk.close(ticketId);
      await ignored(vendors.zendesk.webhookFor(ticketId, 'ticket.status_changed'), /./);
    } else {
      await ignored(vendors.freshdesk.webhookFor(ticketId, 'private_note'), /./);
      // such a rule does not say who wrote: the conversation does
      vendors.freshdesk.agentReply(ticketId, '<p>On its way.</p>', { public: true });
      await running.admin.webhook(name, vendors.freshdesk.webhookFor(ticketId, 'agent_reply'));
      await running.admin.until((counts) => finished(counts) === total(counts));
    }
    expect(vendors.llm.stats().requests).toBe(requests);
    expect(vendors[name].notes(ticketId)).toHaveLength(1);
  });

  it.each([
    ['nothing at all', ''],
    ['spaces', '<p>&nbsp; </p>'],
    ['a signature', '<div class="gmail_signature">Kim Doe, CEO</div>'],
    ['a picture', '<img src="cid:1">'],
    ['forty quoted mails', `<p>And now?</p>${'<blockquote type="cite"><p>older</p>'.repeat(40)}`],
    ['a tag that never ends', `<p>Where is it? <a href="${'x'.repeat(10_000)}`],
    ['20,000 open elements', `${'<div>'.repeat(20_000)}Where is it?`],
    ['attributes without number', `<p ${'a=b '.repeat(20_000)}>Where is it?</p>`],
    ['entities without number', `<p>Where is it? ${'&#x202e;&#0;&#55296;&bogus;'.repeat(2_000)}</p>`],
    ['quotes that slow a parser', `<p>${'&gt; '.repeat(5_000)}On x wrote:<br></p>`],
  ])('C11: a message of %s ends, with a reason where there is no draft', async (_what, html) => {
    const ticket = await draft(html, '');
    expect(['posted', 'skipped']).toContain(ticket.status);
    if (ticket.status === 'skipped') expect(ticket.reason).toBeTruthy();
  });

  it('C13: an event that is older than the ticket is answered by what the ticket says now', async () => {
    const id = vendors[name].addTicket({ subject: 'Order', html: '<p>Where is it?</p>' });
    const [older] = vendors[name].creationWebhooks(id);
    vendors[name].customerReply(id, '<p>NEWER: it has arrived, but broken. What now?</p>');
    const before = finished(await running.admin.statuses());
    if (older === undefined) throw new Error('no webhook');
    await running.admin.webhook(name, older);
    await running.admin.until((counts) => finished(counts) === before + 1);
    expect(vendors.llm.prompts.at(-1)).toContain('NEWER');
  });

  it('promise 13: a hundred tickets of all these kinds end, and none of them is a fault of ours', async () => {
    const before = finished(await running.admin.statuses());
    const hostile = Array.from({ length: 100 }, (_, index) => INJECTIONS[index % INJECTIONS.length]);
    for (const [index, ticket] of hostile.entries()) {
      if (ticket === undefined) continue;
      const flood = index < 60 ? '' : '<p>\u202E{{x}} &lt;/ticket&gt; \u0000</p>'.repeat(index * 20);
      const id = vendors[name].addTicket({ subject: ticket.subject, html: ticket.html + flood });
      for (const call of vendors[name].creationWebhooks(id)) await running.admin.webhook(name, call);
    }
    await running.admin.until((counts) => finished(counts) === before + 100);
    const counts = await running.admin.statuses();
    expect(counts).toMatchObject({ dead: 0, retrying: 0, queued: 0, drafting: 0, posting: 0 });
    expect(running.observer.events.filter((event) => event.name === 'fault')).toEqual([]);
    expect(vendors[name].stats().publicComments).toBe(0);
  });
});

it('C12: one requester who writes without end is stopped by his share of the budget; others go on', async () => {
  await using vendors = await startVendors();
  await using running = await startTestService({
    ...vendors.env,
    ...PATIENT,
    LLM_DAILY_BUDGET_USD: '0.02',
    WORKER_CONCURRENCY: '4',
  });
  const write = async (email: string): Promise<string> => {
    const id = vendors.zendesk.addTicket({
      subject: 'Order',
      html: '<p>Where is my order?</p>',
      requester: { name: 'Kim', email },
    });
    for (const call of vendors.zendesk.creationWebhooks(id)) {
      expect((await running.admin.webhook('zendesk', call)).status).toBe(202);
    }
    return id;
  };
  const many = await Promise.all(Array.from({ length: 60 }, () => write('flood@customer.example')));
  await running.admin.until((counts) => finished(counts) === many.length);
  const other = await write('other@customer.example');
  await running.admin.until((counts) => finished(counts) === many.length + 1);
  const statusOf = (id: string) => running.admin.get<TicketDetail>(`/admin/tickets/zendesk/${id}`);
  const flood = await Promise.all(many.map((id) => statusOf(id)));
  expect(flood.filter(({ reason }) => reason === 'requester_budget').length).toBeGreaterThan(20);
  expect(flood.filter(({ status }) => status === 'posted').length).toBeGreaterThan(0);
  expect((await statusOf(other)).status).toBe('posted');
});

it('C14: a batch of nothing, of too many, of no list, or for nobody', async () => {
  await using vendors = await startVendors();
  await using running = await startTestService({ ...vendors.env, ...PATIENT });
  const start = async (body: object): Promise<number> => (await running.admin.post('/admin/batches', body)).status;
  await running.admin.post('/admin/pause');
  const ids = (count: number, from = 1n) => Array.from({ length: count }, (_, index) => String(from + BigInt(index)));
  expect(await start({ helpdesk: 'zendesk', ticketIds: [] })).toBe(400);
  expect(await start({ helpdesk: 'zendesk', ticketIds: ids(10_001) })).toBe(400);
  expect(await start({ helpdesk: 'zendesk', ticketIds: '1,2,3' })).toBe(400);
  expect(await start({ helpdesk: 'zendesk', ticketIds: ['../1'] })).toBe(400);
  expect(await start({ helpdesk: 'nobody', ticketIds: ['1'] })).toBe(404);
  const many = await running.admin.post<{ total: number; duplicates: string[] }>('/admin/batches', {
    helpdesk: 'zendesk',
    ticketIds: [...ids(9_999, 900_000_000_000_000n), '900000000000000'],
  });
  expect(many).toMatchObject({ status: 202, body: { total: 9_999, duplicates: ['900000000000000'] } });
});
