import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Progress } from '../../src/core/service-control.ts';
import type { TicketDetail, TicketStatus } from '../../src/core/ticket.ts';
import { finished } from '../support/finished.ts';
import { type RunningService, startTestService, startVendors, type Vendors } from '../support/harness.ts';

const allFinal = (total: number) => (counts: Record<TicketStatus, number>) => finished(counts) >= total;

describe('the service, over sockets', () => {
  let vendors: Vendors;
  let running: RunningService;

  beforeEach(async () => {
    vendors = await startVendors();
    running = await startTestService(vendors.env);
    for (const simulator of [vendors.zendesk, vendors.freshdesk]) {
      simulator.connect({ url: `${running.service.url}/webhooks/${simulator.name}`, fetch });
    }
  });
  afterEach(async () => {
    await running[Symbol.asyncDispose]();
    await vendors[Symbol.asyncDispose]();
  });

  const ticketOf = (helpdesk: string, id: string) =>
    running.admin.get<TicketDetail>(`/admin/tickets/${helpdesk}/${id}`);

  it.each(['zendesk', 'freshdesk'] as const)(
    'brings a ticket of %s from the webhook to one private note',
    async (name) => {
      const id = vendors[name].addTicket({
        subject: 'Where is my order?',
        html: '<p>It has not arrived. Where is it?</p>',
      });
      await running.admin.until(allFinal(1));
      const [note, ...others] = vendors[name].notes(id);
      expect(others).toEqual([]);
      expect(note?.text.split('\n')[0]).toMatch(/AI draft/i);
      expect(note?.text.trimEnd().split('\n').at(-1)).toMatch(/^Draftdesk ref dd-[0-9a-f]{12}$/);
      expect(vendors[name].publicCommentsByBot(id)).toEqual([]);
      const ticket = await ticketOf(name, id);
      expect(ticket).toMatchObject({ status: 'posted', subject: 'Where is my order?', noteId: note?.id });
      expect(ticket.draft?.body).toBeTruthy();
      expect(note?.text).toContain(ticket.draft?.body?.split('\n')[0]);
      expect(ticket.attempts.map((attempt) => [attempt.stage, attempt.outcome])).toEqual([
        ['draft', 'ok'],
        ['post', 'ok'],
      ]);
    },
  );

  it.each(['zendesk', 'freshdesk'] as const)(
    'makes a second draft for a new reply on a ticket of %s, and names the first',
    async (name) => {
      const id = vendors[name].addTicket({
        subject: 'Tent',
        html: '<p>A pole of the tent is broken. Can I get a new one?</p>',
      });
      await running.admin.until(allFinal(1));
      vendors[name].customerReply(id, '<p>It is the long pole, by the way. Do you have it in stock?</p>');
      await running.admin.until(
        (counts) => counts.queued + counts.drafting + counts.posting > 0 || vendors[name].notes(id).length > 1,
      );
      await running.admin.until(allFinal(1));
      const [first, second] = vendors[name].notes(id);
      const firstMarker = /dd-[0-9a-f]{12}/.exec(first?.text ?? '')?.[0] ?? 'none';
      if (name === 'zendesk') expect(second?.text).toContain(firstMarker);
      expect((await ticketOf(name, id)).status).toBe('posted');
    },
  );

  it('does not draft twice because a new ticket comes as two events', async () => {
    const id = vendors.zendesk.addTicket({ subject: 'Hello', html: '<p>Do you ship to Norway?</p>' });
    await running.admin.until(allFinal(1));
    for (const call of vendors.zendesk.creationWebhooks(id)) {
      const answer = await running.admin.webhook('zendesk', call);
      expect(answer).toMatchObject({ status: 202, body: { status: 'accepted', duplicate: true } });
    }
    expect(vendors.llm.stats().requests).toBe(1);
    expect(vendors.zendesk.notes(id)).toHaveLength(1);
  });

  it('answers 401 to a stranger and keeps nothing', async () => {
    const id = vendors.zendesk.addTicket({ subject: 'x', html: '<p>Do you ship to Norway?</p>' });
    await running.admin.until(allFinal(1));
    const call = vendors.zendesk.webhookFor(id, 'ticket.created');
    const forged = { ...call, body: call.body.replace(id, '999') };
    expect((await running.admin.webhook('zendesk', forged)).status).toBe(401);
    const { total } = await running.admin.get<Progress>('/admin/progress');
    expect(total).toBe(1);
  });

  it('skips a ticket that an agent answers while its draft is made', async () => {
    await running.admin.post('/admin/pause');
    const id = vendors.zendesk.addTicket({ subject: 'Socks', html: '<p>Are the socks made of wool?</p>' });
    await running.admin.until((counts) => counts.queued === 1);
    vendors.zendesk.agentReply(id, '<p>Yes, all of them.</p>', { public: true });
    await running.admin.post('/admin/resume');
    await running.admin.until(allFinal(1));
    expect(await ticketOf('zendesk', id)).toMatchObject({ status: 'skipped', reason: 'answered' });
    expect(vendors.zendesk.notes(id)).toEqual([]);
  });

  it('stops a helpdesk for good when a note comes back public', async () => {
    vendors.zendesk.publishNextNote();
    const id = vendors.zendesk.addTicket({ subject: 'a', html: '<p>Is the shop open on Sunday?</p>' });
    await running.admin.until((counts) => counts.dead === 1);
    expect(await ticketOf('zendesk', id)).toMatchObject({ status: 'dead', errorClass: 'posted_public' });
    expect(running.observer.events.some((event) => event.name === 'alarm' && event.kind === 'posted_public')).toBe(
      true,
    );
    vendors.zendesk.addTicket({ subject: 'b', html: '<p>And on Monday?</p>' });
    await running.admin.until((counts) => counts.queued === 1);
    const { pauses } = await running.admin.get<Progress>('/admin/progress');
    expect(pauses).toMatchObject([{ scope: 'zendesk' }]);
  });

  it('drafts a batch of known ids, holds it, and releases one', async () => {
    await running.admin.post('/admin/pause');
    const ids = ['one', 'two', 'three'].map((subject) =>
      vendors.zendesk.addTicket({ subject, html: `<p>Question about ${subject}, please?</p>` }),
    );
    vendors.zendesk.disconnect();
    await running.admin.until((counts) => counts.queued === 3);
    await running[Symbol.asyncDispose]();
    running = await startTestService({ ...vendors.env, DATABASE_URL: `file:${vendors.folder}/other.db` });
    const created = await running.admin.post<{ id: string; duplicates: string[] }>('/admin/batches', {
      helpdesk: 'zendesk',
      ticketIds: [...ids, ids[0]],
      post: 'hold',
    });
    expect(created).toMatchObject({ status: 202, body: { total: 3, duplicates: [ids[0]] } });
    await running.admin.until((counts) => counts.drafted === 3);
    expect(ids.flatMap((id) => vendors.zendesk.notes(id))).toEqual([]);
    expect(await running.admin.get(`/admin/batches/${created.body.id}`)).toMatchObject({
      state: 'completed',
      succeeded: 3,
    });
    expect((await running.admin.post(`/admin/tickets/zendesk/${ids[0]}/post`)).status).toBe(202);
    await running.admin.until((counts) => counts.posted === 1);
    expect(vendors.zendesk.notes(ids[0] ?? '')).toHaveLength(1);
  });

  it('is ready while it works, and says which credential is bad', async () => {
    expect(await running.admin.get('/readyz')).toMatchObject({
      checks: { database: 'ok', zendesk: 'ok', freshdesk: 'ok', llm: 'ok' },
    });
    await running[Symbol.asyncDispose]();
    running = await startTestService({ ...vendors.env, FRESHDESK_API_KEY: 'wrong', OPENAI_API_KEY: 'wrong' });
    const { checks } = await running.admin.get<{ checks: Record<string, string> }>('/readyz');
    expect(checks).toMatchObject({ database: 'ok', zendesk: 'ok' });
    expect(checks['freshdesk']).toMatch(/401/);
    expect(checks['llm']).toMatch(/401/);
  });

  it('A16: refuses webhooks while it stops, ends its streams, and goes on afterwards', async () => {
    await running[Symbol.asyncDispose]();
    running = await startTestService({ ...vendors.env, LLM_TIMEOUT_MS: '10000' });
    vendors.zendesk.connect({ url: `${running.service.url}/webhooks/zendesk`, fetch });
    vendors.llm.faults.failNext('hang', ({ path }) => path.endsWith('/chat/completions'));
    const id = vendors.zendesk.addTicket({ subject: 'slow', html: '<p>Will this take long?</p>' });
    await running.admin.until((counts) => counts.drafting === 1);
    const stopped = running.service.stop();
    const refused = await running.admin.webhook('zendesk', vendors.zendesk.webhookFor(id, 'ticket.created'));
    expect(refused.status).toBe(503);
    await stopped;
    running = await startTestService(vendors.env);
    await running.admin.until(allFinal(1));
    const ticket = await ticketOf('zendesk', id);
    expect(ticket.status).toBe('posted');
    expect(ticket.attempts[0]).toMatchObject({ stage: 'draft', outcome: 'cancelled' });
  });
});

describe('the service, with faults on both sides', () => {
  it.each([
    ['zendesk', 1],
    ['freshdesk', 2],
  ] as const)(
    'posts every ticket of %s once, in private',
    async (name, seed) => {
      await using vendors = await startVendors({ faults: 'heavy', seed });
      await using running = await startTestService({ ...vendors.env, MAX_ATTEMPTS: '12', WORKER_CONCURRENCY: '20' });
      vendors[name].connect({ url: `${running.service.url}/webhooks/${name}`, fetch });
      const ids = Array.from({ length: 40 }, (_, index) =>
        vendors[name].addTicket({
          subject: `Question ${index}`,
          html: `<p>My order ${index} has not arrived. Where is it?</p>`,
        }),
      );
      await running.admin.until(allFinal(40));
      expect(ids.map((id) => vendors[name].notes(id).length)).toEqual(ids.map(() => 1));
      expect(vendors[name].stats().publicComments).toBe(0);
      expect(await running.admin.statuses()).toMatchObject({ posted: 40, dead: 0 });
    },
    60_000,
  );
});

it('does not start with a budget that it cannot keep', async () => {
  await using vendors = await startVendors();
  const env = { ...vendors.env, LLM_MODEL: 'our-own-model', LLM_DAILY_BUDGET_USD: '5' };
  await expect(startTestService(env)).rejects.toThrow(/LLM_DAILY_BUDGET_USD .* our-own-model is not known/);
});

it('refuses a batch that would leave no room for live tickets', async () => {
  await using vendors = await startVendors();
  await using running = await startTestService({ ...vendors.env, OUTBOX_MAX_PENDING: '10' });
  const ids = (count: number) => Array.from({ length: count }, (_, index) => index + 1);
  const start = (body: object) => running.admin.post('/admin/batches', { helpdesk: 'zendesk', ...body });
  // no waiting makes room for this one
  expect(await start({ ticketIds: ids(11) })).toMatchObject({ status: 400, body: { errors: [{ path: 'ticketIds' }] } });
  await running.admin.post('/admin/pause');
  expect((await start({ ticketIds: ids(10) })).status).toBe(202);
  vendors.zendesk.addTicket({ subject: 'One more', html: '<p>Where is it?</p>' });
  for (const body of [{ ticketIds: [77] }, { filter: { status: 'new' } }]) {
    expect(await start(body)).toMatchObject({
      status: 503,
      body: { detail: expect.stringContaining('OUTBOX_MAX_PENDING=10') },
    });
  }
});
