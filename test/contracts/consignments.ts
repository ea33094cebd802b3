import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { NewBatch } from '../../src/core/batch.ts';
import type { Consignments } from '../../src/core/consignment.ts';
import type { ClaimedJob, ConsignedContext, JobOutcome, Spent } from '../../src/core/outbox.ts';
import { makeBatch, makeDrafted, makeEvent, TRACEPARENT } from '../support/factories.ts';
import { DRAFT, type OutboxSetup, type OutboxUnderTest, POST, TIMING } from './outbox.ts';

const ECONOMY = { ...DRAFT, economy: 1_000 };
const SPENT: Spent = {
  usage: { promptTokens: 500, cachedTokens: 0, completionTokens: 100 },
  costUsd: 0.25,
  waitedMs: 0,
};
const KEY = 'consignment-1';

type Store = OutboxUnderTest & { readonly outbox: { readonly consignments: Consignments } };

/** What every store must do for drafts that are on their way for hours. */
export function consignmentContract(name: string, open: (setup: OutboxSetup) => Promise<Store>): void {
  describe(`consignments contract: ${name}`, () => {
    let store: Store;
    beforeEach(async () => {
      store = await open({ maxPending: 10_000 });
    });
    afterEach(() => store.dispose());

    const reopen = async (): Promise<void> => {
      store = (await store.reopen('second')) as Store;
    };
    const context = (overrides: Partial<ConsignedContext> = {}): ConsignedContext => ({
      conversationVersion: 'v1',
      seenMessageId: '100',
      fetchedAt: store.clock.steady(),
      startedAt: store.clock.now(),
      knownText: 'https://example.org',
      cut: null,
      model: 'm',
      usd: 1,
      ...overrides,
    });
    const consigned = (overrides: Partial<ConsignedContext> = {}): JobOutcome => ({
      kind: 'consigned',
      consignment: KEY,
      context: context(overrides),
      facts: { subject: 's', requesterId: '7' },
    });
    const start = async (ids: readonly string[], overrides: Partial<NewBatch> = {}): Promise<string> =>
      (await store.outbox.createBatch(makeBatch(ids, { lane: 'economy', ...overrides }))).id;
    const claim = (limit = 100): Promise<ClaimedJob[]> => store.outbox.claim([{ ...ECONOMY, limit }], limit);
    const consign = async (limit = 100): Promise<ClaimedJob[]> => {
      const jobs = await claim(limit);
      for (const job of jobs) await store.outbox.report(job, consigned(), TIMING);
      return jobs;
    };
    const waiting = () => store.outbox.consignments.waitingAfter(KEY, '', 1_000);
    const result = (outcome: JobOutcome = makeDrafted()) =>
      Promise.all(waiting().map(({ job }) => store.outbox.report(job, outcome, { ...TIMING, spent: SPENT })));
    const ticket = (id: string) => store.reader.ticket('zendesk', id);
    const reply = (ticketId: string, messageId: string | null) =>
      store.outbox.ingest({
        helpdesk: 'zendesk',
        event: makeEvent(ticketId, { key: `reply ${messageId}`, messageId }),
        traceparent: TRACEPARENT,
      });
    const cancel = async (id: string) => {
      const cancelled = await store.outbox.cancelBatch(id);
      await store.outbox.tendBatches();
      return cancelled;
    };

    it('hands out drafts of the economy lane as far as there is room for them', async () => {
      await start(['1', '2', '3']);
      expect(await store.outbox.claim([DRAFT], 10)).toEqual([]);
      expect(await store.outbox.claim([{ ...DRAFT, economy: 2 }], 10)).toMatchObject([
        { ticketId: '1', tier: 'economy' },
        { ticketId: '2', tier: 'economy' },
      ]);
    });

    it('keeps a job through leases and restarts until its result comes, and records one attempt', async () => {
      const id = await start(['1']);
      await consign();
      await store.clock.advance(86_400_000);
      expect(await store.outbox.reclaimExpired()).toBe(0);
      await reopen();
      expect(await claim()).toEqual([]);
      expect(ticket('1')).toMatchObject({ status: 'drafting', subject: 's', attempts: [] });
      expect(waiting()).toMatchObject([
        { job: { ticketId: '1', stageAttempt: 1 }, context: { knownText: 'https://example.org' } },
      ]);
      expect(await result()).toEqual(['ok']);
      expect(waiting()).toEqual([]);
      expect(ticket('1')).toMatchObject({ status: 'posting', attempts: [{ stage: 'draft', outcome: 'ok' }] });
      expect(store.reader.batch(id)?.spent.costUsd).toBe(0.25);
    });

    it('takes a result once', async () => {
      const id = await start(['1']);
      await consign();
      const [one] = waiting();
      if (one === undefined) throw new Error('nobody waits');
      const report = () => store.outbox.report(one.job, makeDrafted(), { ...TIMING, spent: SPENT });
      expect([await report(), await report()]).toEqual(['ok', 'lost']);
      expect(store.reader.batch(id)?.spent.costUsd).toBe(0.25);
    });

    it('knows what may be sent, what was sent, and what is over', async () => {
      const id = await start(['1', '2']);
      await consign();
      const { consignments } = store.outbox;
      expect(consignments.open()).toMatchObject([{ key: KEY, batchId: id, providerId: null, sendingAt: null }]);
      expect(await consignments.begin(KEY)).toHaveLength(2);
      expect(consignments.open()).toMatchObject([{ providerId: null, sendingAt: store.clock.now() }]);
      await consignments.sent(KEY, 'batch_1');
      expect(store.reader.batch(id)?.economy).toEqual({ sent: 1, done: 0, lines: 2 });
      expect(await consignments.close(KEY)).toBe(false);
      await result();
      expect(await consignments.close(KEY)).toBe(true);
      expect(consignments.open()).toEqual([]);
      expect(store.reader.batch(id)?.economy).toEqual({ sent: 1, done: 1, lines: 2 });
    });

    it('lets nothing be sent of a batch that is paused or cancelled', async () => {
      const id = await start(['1']);
      await consign();
      await store.outbox.pauseBatch(id, null);
      expect(await store.outbox.consignments.begin(KEY)).toBeNull();
      await store.outbox.resumeBatch(id);
      expect(await store.outbox.consignments.begin(KEY)).toHaveLength(1);
      await cancel(id);
      expect(await store.outbox.consignments.begin(KEY)).toBeNull();
    });

    it('counts what is reserved against the budget, also after a restart, and hands out no more than fits', async () => {
      const id = await start(['1', '2', '3'], { budgetUsd: 2.5 });
      await consign(2);
      await reopen();
      expect(store.reader.batchAccount(id)).toEqual({ budgetUsd: 2.5, costUsd: 0, consignedUsd: 2 });
      expect(store.reader.consignedUsd()).toBe(2);
      expect(await claim()).toEqual([]);
      await result();
      expect(store.reader.batchAccount(id)).toEqual({ budgetUsd: 2.5, costUsd: 0.5, consignedUsd: 0 });
      expect(await claim()).toMatchObject([{ ticketId: '3' }]);
    });

    it('lets a customer who writes wait no longer, and counts what the late answer has cost', async () => {
      const id = await start(['1']);
      await consign();
      expect(await reply('1', '100')).toBe('duplicate');
      expect(ticket('1')?.status).toBe('drafting');
      expect(await reply('1', '101')).toBe('joined');
      expect(await store.outbox.consignments.begin(KEY)).toEqual([]);
      const [live] = await store.outbox.claim([DRAFT], 10);
      expect(live).toMatchObject({ ticketId: '1', lane: 'live', tier: 'standard' });
      expect(await result()).toEqual(['lost']);
      expect(ticket('1')).toMatchObject({ status: 'drafting', draft: null });
      expect(store.reader.batch(id)?.spent.costUsd).toBe(0.25);
    });

    it('does not consign a ticket whose customer wrote while it was fetched', async () => {
      await start(['1']);
      const [job] = await claim();
      await store.clock.advance(5);
      await reply('1', '101');
      if (job === undefined) throw new Error('nothing to claim');
      expect(await store.outbox.report(job, consigned(), TIMING)).toBe('superseded');
      expect(await store.outbox.claim([DRAFT], 10)).toMatchObject([{ ticketId: '1', tier: 'standard' }]);
    });

    it('cancels what is on its way, keeps a draft that comes back paid, and posts it once resumed', async () => {
      const id = await start(Array.from({ length: 700 }, (_, index) => String(index + 1)));
      await store.outbox.claim([{ ...ECONOMY, limit: 700 }], 700).then(async (jobs) => {
        await Promise.all(jobs.map((job) => store.outbox.report(job, consigned(), TIMING)));
      });
      expect(await cancel(id)).toMatchObject({ running: [] });
      expect(store.reader.batch(id)).toMatchObject({ state: 'cancelled', counts: { cancelled: 700, drafting: 0 } });
      const [one] = waiting();
      if (one === undefined) throw new Error('nobody waits');
      expect(await store.outbox.report(one.job, makeDrafted(), { ...TIMING, spent: SPENT })).toBe('lost');
      expect(ticket(one.job.ticketId)).toMatchObject({ status: 'cancelled', draft: { version: 1 } });
      await store.outbox.resumeBatch(id);
      expect(store.reader.batch(id)?.counts).toMatchObject({ queued: 1, drafting: 699 });
      expect(await store.outbox.claim([ECONOMY, POST], 1_000)).toMatchObject([{ stage: 'post', jobId: one.job.jobId }]);
      expect(new Set(await result())).toEqual(new Set(['ok']));
    });

    it('does not take back for a day what an operator wants now', async () => {
      const id = await start(['1']);
      await consign();
      await cancel(id);
      await store.outbox.retryTicket('zendesk', '1');
      expect(await store.outbox.claim([DRAFT], 10)).toMatchObject([{ ticketId: '1', tier: 'standard' }]);
    });

    it('gives back what brought nothing, and counts the try', async () => {
      const id = await start(['1']);
      await consign();
      const retry = { kind: 'retry', delayMs: 0, countsAsAttempt: true, postInDoubt: false } as const;
      await result({ ...retry, errorClass: 'timeout', error: 'expired' });
      expect(ticket('1')).toMatchObject({
        status: 'retrying',
        errorClass: 'timeout',
        attempts: [{ outcome: 'retry' }],
      });
      expect(store.reader.batchAccount(id)?.consignedUsd).toBe(0);
      expect(await claim()).toMatchObject([{ ticketId: '1', tier: 'economy', failures: 1 }]);
    });
  });
}
