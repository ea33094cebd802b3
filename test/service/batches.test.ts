import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { BatchProgress } from '../../src/core/service-control.ts';
import { adminClient, type AdminClient, startTestService, startVendors, type Vendors } from '../support/harness.ts';

/* Batches over sockets, against the simulated vendors. */

const program = fileURLToPath(new URL('../../dist/draftdesk.js', import.meta.url));
type Wanted = (batch: BatchProgress) => boolean;
const over: Wanted = ({ state }) => state === 'completed' || state === 'cancelled';

/** Follows the batch's own events until it is as wanted. */
async function follow(admin: AdminClient, id: string, wanted: Wanted): Promise<BatchProgress> {
  for await (const batch of admin.events<BatchProgress>(`/admin/batches/${id}/events`)) if (wanted(batch)) return batch;
  throw new Error('the event stream ended');
}

describe('batches, over sockets', () => {
  let vendors: Vendors;

  beforeEach(async () => {
    vendors = await startVendors();
  });
  afterEach(() => vendors[Symbol.asyncDispose]());

  const tickets = (count: number): string[] =>
    Array.from({ length: count }, (_, index) =>
      vendors.zendesk.addTicket({ subject: `Question ${index}`, html: `<p>Where is my order ${index}?</p>` }),
    );
  const start = async (admin: AdminClient, body: object): Promise<string> => {
    const answer = await admin.post<BatchProgress>('/admin/batches', { helpdesk: 'zendesk', ...body });
    expect(answer.status).toBe(202);
    return answer.body.id;
  };
  const noteCounts = (ids: readonly string[]): number[] => ids.map((id) => vendors.zendesk.notes(id).length);

  it('writes one note on each ticket, and counts what it spent', async () => {
    await using running = await startTestService(vendors.env);
    const ids = tickets(30);
    const id = await start(running.admin, { ticketIds: [...ids, ids[0]], name: 'backlog' });
    const done = await follow(running.admin, id, over);
    expect(done).toMatchObject({ state: 'completed', total: 30, processed: 30, failed: 0, etaSeconds: 0 });
    expect(done.spent.promptTokens).toBeGreaterThan(0);
    expect(done.spent.forecastUsd).toBeCloseTo(done.spent.costUsd, 10);
    expect(new Set(noteCounts(ids))).toEqual(new Set([1]));
    const again = await running.admin.post<{ total: number; skippedDrafted: number }>('/admin/batches', {
      helpdesk: 'zendesk',
      ticketIds: ids,
    });
    expect(again.body).toMatchObject({ state: 'completed', total: 0, skippedDrafted: 30 });
  });

  it('takes no budget that a fallback model without a price could overrun', async () => {
    await using running = await startTestService({ ...vendors.env, LLM_FALLBACK_MODEL: 'a-model-of-our-own' });
    const body = { helpdesk: 'zendesk', ticketIds: tickets(1), budgetUsd: 5 };
    const answer = await running.admin.post('/admin/batches', body);
    expect(answer).toMatchObject({ status: 400, body: { errors: [{ path: 'budgetUsd' }] } });
  });

  it('estimates without the LLM and without storing anything', async () => {
    await using running = await startTestService(vendors.env);
    const ids = tickets(30);
    const { status, body } = await running.admin.post('/admin/batches', {
      helpdesk: 'zendesk',
      ticketIds: ids,
      dryRun: true,
    });
    expect(status).toBe(200);
    expect(body).toMatchObject({ tickets: 30, bound: expect.any(String), complete: true });
    expect(vendors.llm.stats().requests).toBe(0);
    expect(await running.admin.get('/admin/batches')).toMatchObject({ items: [] });
  });

  it('holds every draft, and posts those above a confidence, then all', async () => {
    await using running = await startTestService(vendors.env);
    const ids = tickets(12);
    const id = await start(running.admin, { ticketIds: ids, post: 'hold' });
    const held = await follow(running.admin, id, over);
    expect(held).toMatchObject({ state: 'completed', counts: { drafted: 12 } });
    expect(noteCounts(ids).every((count) => count === 0)).toBe(true);
    await running.admin.post(`/admin/batches/${id}/release`, { minConfidence: 1 });
    await running.admin.post(`/admin/batches/${id}/release`);
    const posted = await follow(running.admin, id, ({ counts }) => counts.posted === 12);
    expect(posted.counts.drafted).toBe(0);
    expect(new Set(noteCounts(ids))).toEqual(new Set([1]));
  });

  it('pauses after the first errors of a canary, and goes on when told to', async () => {
    await using running = await startTestService({ ...vendors.env, MAX_ATTEMPTS: '1' });
    for (let count = 0; count < 3; count += 1) vendors.llm.faults.failNext('malformed_json');
    const id = await start(running.admin, { ticketIds: tickets(60), canary: { size: 5, maxErrorRate: 0.2 } });
    const paused = await follow(running.admin, id, ({ state }) => state === 'paused');
    expect(paused).toMatchObject({ reason: expect.stringContaining('Canary'), waitingFor: [expect.any(String)] });
    expect(paused.errors).toMatchObject([{ errorClass: 'invalid_output', example: { ticketId: expect.any(String) } }]);
    expect(paused.processed).toBeLessThanOrEqual(5);
    expect((await running.admin.post(`/admin/batches/${id}/resume`)).status).toBe(202);
    expect(await follow(running.admin, id, over)).toMatchObject({ state: 'completed', processed: 60 });
    expect((await running.admin.post(`/admin/batches/${id}/resume`)).status).toBe(409);
  });

  it('spends no more than its budget, and says what stopped it', async () => {
    await using running = await startTestService(vendors.env);
    const probe = await start(running.admin, { ticketIds: tickets(3) });
    const each = (await follow(running.admin, probe, over)).spent.costUsd / 3;
    const budgetUsd = each * 25;
    const id = await start(running.admin, { ticketIds: tickets(60), budgetUsd });
    const stopped = await follow(running.admin, id, ({ state }) => state === 'paused');
    expect(stopped).toMatchObject({ reason: expect.stringContaining('budget') });
    const settled = await follow(running.admin, id, ({ counts }) => counts.drafting + counts.posting === 0);
    expect(settled.spent.costUsd).toBeLessThanOrEqual(budgetUsd);
    expect(settled.spent.costUsd).toBeGreaterThan(0);
  });

  it('follows a filter page by page, and answers what the helpdesk refuses', async () => {
    await using running = await startTestService(vendors.env);
    const ids = tickets(25);
    const id = await start(running.admin, { filter: { status: 'new' } });
    expect(await follow(running.admin, id, over)).toMatchObject({ state: 'completed', total: 25, listing: false });
    expect(new Set(noteCounts(ids))).toEqual(new Set([1]));
    const refused = await running.admin.post('/admin/batches', { helpdesk: 'zendesk', filter: { status: 'nwe' } });
    expect(refused).toMatchObject({ status: 400, body: { errors: [{ path: 'filter' }] } });
  });

  it('kills one ticket that can never fit, and nothing behind it waits', async () => {
    // just above what a usual ticket reserves
    await using running = await startTestService({ ...vendors.env, LLM_TOKENS_PER_MINUTE: '4000' });
    const large = vendors.zendesk.addTicket({ subject: 'Log', html: `<p>${'error at line 5 '.repeat(3000)}</p>` });
    const small = tickets(1);
    const id = await start(running.admin, { ticketIds: [large, ...small] });
    const done = await follow(running.admin, id, over);
    expect(done.errors).toMatchObject([{ errorClass: 'request_too_large', example: { ticketId: large } }]);
    expect(noteCounts(small)).toEqual([1]);
  });
});

describe('batches of a process that is killed', () => {
  let vendors: Vendors;
  const children: ReturnType<typeof spawn>[] = [];

  beforeEach(async () => {
    vendors = await startVendors({ latencyMs: 200 });
  });
  afterEach(async () => {
    for (const child of children.splice(0)) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      child.kill('SIGKILL');
      await once(child, 'exit');
    }
    await vendors[Symbol.asyncDispose]();
  });

  const serve = async () => {
    const child = spawn(process.execPath, [program, 'serve'], {
      cwd: vendors.folder,
      env: { PATH: process.env['PATH'], ...vendors.env, LOG_LEVEL: 'info' },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    children.push(child);
    const url = await new Promise<string>((resolve) => {
      createInterface({ input: child.stdout }).on('line', (line) => {
        const entry = JSON.parse(line) as { msg?: string; url?: string };
        if (entry.msg === 'listening' && entry.url !== undefined) resolve(entry.url);
      });
    });
    return { admin: adminClient(url), kill: async () => (child.kill('SIGKILL'), once(child, 'exit')) };
  };

  it.each(['cancel', 'pause'] as const)('keep their %s when the process dies right after its 202', async (action) => {
    const ids = Array.from({ length: 120 }, (_, index) =>
      vendors.zendesk.addTicket({ subject: `Question ${index}`, html: `<p>Where is my order ${index}?</p>` }),
    );
    const first = await serve();
    const { body } = await first.admin.post<BatchProgress>('/admin/batches', { helpdesk: 'zendesk', ticketIds: ids });
    await follow(first.admin, body.id, ({ processed }) => processed >= 10);
    expect((await first.admin.post(`/admin/batches/${body.id}/${action}`)).status).toBe(202);
    await first.kill();

    const second = await serve();
    const state = action === 'cancel' ? 'cancelled' : 'paused';
    const stopped = await follow(second.admin, body.id, (batch) => batch.state === state);
    const asked = vendors.llm.stats().requests;
    expect(stopped.counts.posted).toBeGreaterThan(0);
    await second.admin.post(`/admin/batches/${body.id}/resume`);
    const done = await follow(second.admin, body.id, over);
    expect(done).toMatchObject({ state: 'completed', counts: { posted: 120 } });
    expect(vendors.llm.stats().requests).toBeGreaterThan(asked);
    expect(new Set(ids.map((id) => vendors.zendesk.notes(id).length))).toEqual(new Set([1]));
  });
});
