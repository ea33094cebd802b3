import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { NewBatch } from '../../src/core/batch.ts';
import type { ClaimedJob, ClaimOffer, JobOutcome, Spent } from '../../src/core/outbox.ts';
import type { TicketStatus } from '../../src/core/ticket.ts';
import { makeBatch, makeDraft, makeDrafted, makeEvent, TRACEPARENT } from '../support/factories.ts';
import { DRAFT, type OutboxSetup, type OutboxUnderTest, POST, TIMING } from './outbox.ts';

const range = (count: number, from = 1): string[] => Array.from({ length: count }, (_, index) => String(from + index));
const DEAD: JobOutcome = { kind: 'dead', errorClass: 'refusal', error: 'no' };
const POSTED: JobOutcome = { kind: 'posted', noteId: 'n' };

/** What every store behind the port `Outbox` must do for batches. */
export function outboxBatchContract(name: string, open: (setup: OutboxSetup) => Promise<OutboxUnderTest>): void {
  describe(`outbox contract, batches: ${name}`, () => {
    let store: OutboxUnderTest;

    beforeEach(async () => {
      store = await open({ maxPending: 100_000 });
    });
    afterEach(() => store.dispose());

    const start = (ticketIds: readonly string[], overrides: Partial<NewBatch> = {}) =>
      store.outbox.createBatch(makeBatch(ticketIds, overrides));
    const ingest = (ticketId: string, overrides: Parameters<typeof makeEvent>[1] = {}) =>
      store.outbox.ingest({ helpdesk: 'zendesk', event: makeEvent(ticketId, overrides), traceparent: TRACEPARENT });
    const claimOne = async (offer: ClaimOffer): Promise<ClaimedJob> => {
      const [job] = await store.outbox.claim([offer], 1);
      if (job === undefined) throw new Error(`nothing to claim for ${offer.stage}`);
      return job;
    };
    const report = (job: ClaimedJob, outcome: JobOutcome, spent: Spent | null = null) =>
      store.outbox.report(job, outcome, { ...TIMING, spent });
    const retry = (overrides: Partial<Extract<JobOutcome, { kind: 'retry' }>> = {}): JobOutcome => ({
      kind: 'retry',
      delayMs: 0,
      countsAsAttempt: true,
      postInDoubt: false,
      errorClass: 'timeout',
      error: 'late',
      ...overrides,
    });
    const cancel = async (id: string) => {
      const result = await store.outbox.cancelBatch(id);
      await store.outbox.tendBatches();
      return result;
    };
    const batch = (id: string) => {
      const found = store.reader.batch(id);
      if (found === null) throw new Error(`no batch ${id}`);
      return found;
    };
    const statusOf = (ticketId: string): TicketStatus | undefined => store.reader.ticket('zendesk', ticketId)?.status;
    /** Claims up to so many drafts and ends them all alike. */
    const work = async (count: number, outcome: JobOutcome): Promise<string[]> => {
      const jobs = await store.outbox.claim([{ ...DRAFT, limit: count }], count);
      for (const job of jobs) await report(job, outcome);
      return jobs.map(({ ticketId }) => ticketId);
    };

    it('tells who of running batches comes next in a stage, in the order of claims', async () => {
      const first = await start(range(3));
      await start(range(3, 4));
      await start(range(2, 7), { helpdesk: 'freshdesk' });
      await ingest('99');
      const next = (stage: 'draft' | 'post', limit = 10) => store.reader.upcoming('zendesk', stage, limit);
      expect(next('draft')).toEqual(range(6));
      expect(next('draft', 4)).toEqual(range(4));
      expect(next('post')).toEqual([]);
      const [one] = await store.outbox.claim([{ ...DRAFT, helpdesk: 'zendesk', limit: 2 }], 2);
      const claimed = await store.outbox.claim([{ ...DRAFT, helpdesk: 'zendesk', limit: 1 }], 1);
      // the live ticket went before them; who is at work does not come next
      expect([one?.ticketId, claimed[0]?.ticketId]).toEqual(['99', '2']);
      expect(next('draft')).toEqual(range(4, 3));
      if (claimed[0] !== undefined) await report(claimed[0], makeDrafted());
      expect(next('post')).toEqual(['2']);
      await store.outbox.pauseBatch(first.id, null);
      expect([next('post'), next('draft')]).toEqual([[], range(3, 4)]);
    });

    it('counts an id once, and leaves out what is already queued', async () => {
      await ingest('2');
      const batch = await start(['1', '2', '3', '1']);
      expect(batch).toMatchObject({ total: 2, duplicates: ['2', '1'] });
      expect(store.reader.batch(batch.id)).toMatchObject({ state: 'running', total: 2, counts: { queued: 2 } });
    });

    it('is completed when its last ticket is', async () => {
      const { id } = await start(['1', '2']);
      await report(await claimOne(DRAFT), { kind: 'skipped', reason: 'closed' });
      expect(store.reader.batch(id)?.state).toBe('running');
      await report(await claimOne(DRAFT), { kind: 'dead', errorClass: 'refusal', error: 'no' });
      expect(store.reader.batch(id)).toMatchObject({ state: 'completed', counts: { skipped: 1, dead: 1 } });
    });

    it('stops everything of a cancelled batch, running work included', async () => {
      const { id } = await start(['1', '2', '3']);
      const running = await claimOne(DRAFT);
      await ingest('9', { key: 'live' });
      const result = await cancel(id);
      expect(result?.running).toEqual([{ jobId: running.jobId, attempt: running.attempt, owner: running.owner }]);
      expect(await report(running, makeDrafted())).toBe('lost');
      expect(await store.outbox.claim([DRAFT], 10)).toMatchObject([{ ticketId: '9' }]);
      expect(store.reader.batch(id)).toMatchObject({ state: 'cancelled', counts: { cancelled: 3 } });
      expect((await cancel(id))?.state).toBe('cancelled');
      expect(await cancel('nothing')).toBeNull();
    });

    it('keeps what a customer asked for meanwhile when the batch is cancelled', async () => {
      const { id } = await start(['1', '2']);
      await ingest('2', { key: 'reply', messageId: '101' });
      await cancel(id);
      expect(store.reader.batch(id)?.counts.cancelled).toBe(2);
      expect(await store.outbox.claim([DRAFT], 10)).toMatchObject([{ ticketId: '2', lane: 'live', batchId: null }]);
    });

    it('lets a note that is being written arrive before the batch is cancelled', async () => {
      const { id } = await start(['1', '2']);
      await report(await claimOne(DRAFT), makeDrafted());
      const posting = await claimOne(POST);
      await store.outbox.intendPost(posting, store.clock.steady());
      const result = await cancel(id);
      expect(result).toMatchObject({ state: 'cancelling', running: [], posting: [{ jobId: posting.jobId }] });
      expect(await report(posting, { kind: 'posted', noteId: 'n' })).toBe('ok');
      expect(store.reader.batch(id)).toMatchObject({ state: 'cancelled', counts: { posted: 1, cancelled: 1 } });
    });

    it('cancels a note whose end is not known, and remembers that it may be there', async () => {
      const { id } = await start(['1']);
      await report(await claimOne(DRAFT), makeDrafted());
      const posting = await claimOne(POST);
      await store.outbox.intendPost(posting, store.clock.steady());
      await cancel(id);
      await report(posting, retry({ postInDoubt: true, errorClass: 'ambiguous_post' }));
      expect(store.reader.batch(id)).toMatchObject({ state: 'cancelled', counts: { cancelled: 1 } });
      await store.outbox.retryTicket('zendesk', '1');
      expect((await claimOne(POST)).postIntendedAt).not.toBeNull();
    });

    it('lists its results page by page, in order', async () => {
      const { id } = await start(['5', '6', '7']);
      await report(await claimOne(DRAFT), makeDrafted());
      const first = store.reader.batchResults(id, null, 2);
      const rest = store.reader.batchResults(id, first.at(-1)?.id ?? null, 2);
      expect([...first, ...rest].map((result) => result.id)).toEqual(['5', '6', '7']);
      expect(first[0]).toMatchObject({ status: 'posting', draft: 'Please restart the app.', attempts: 1 });
    });

    describe('large ones', () => {
      it('stores all its tickets, in order, and reports what it left out', async () => {
        const { id, total, duplicates } = await start([...range(1_000), '7', '1000']);
        expect({ total, duplicates }).toEqual({ total: 1_000, duplicates: ['7', '1000'] });
        expect(batch(id).counts.queued).toBe(1_000);
        expect(store.reader.batchResults(id, null, 3).map((result) => result.id)).toEqual(['1', '2', '3']);
      });

      it('goes on storing them after a crash in the middle', async () => {
        const creating = start(range(5_000)).catch(() => null);
        // the first slices are in, the others are not
        while (store.reader.counts().queued < 200) await store.clock.advance(0);
        store = await store.reopen('second');
        await creating;
        expect(store.reader.counts().queued).toBeLessThan(5_000);
        await store.outbox.tendBatches();
        expect(store.reader.counts().queued).toBe(5_000);
      });

      it('counts an id once although its first ticket is through when the second is stored after a crash', async () => {
        const storing = start([...range(1_000), '1']).catch(() => null);
        while (store.reader.counts().queued < 200) await store.clock.advance(0);
        store = await store.reopen('second');
        await storing;
        const [first] = await store.outbox.claim([DRAFT], 1);
        if (first !== undefined) await report(first, { kind: 'skipped', reason: 'closed' });
        await store.outbox.tendBatches();
        const [stored] = store.reader.batches(1).items;
        expect(first?.ticketId).toBe('1');
        expect(stored).toMatchObject({ total: 1_000, counts: { skipped: 1, queued: 999 } });
      });

      it('is cancelled as a whole, also when the process dies right after it was decided', async () => {
        const { id } = await start(range(1_500));
        await store.outbox.cancelBatch(id);
        store = await store.reopen('second');
        expect(await store.outbox.claim([DRAFT], 10)).toEqual([]);
        await store.outbox.tendBatches();
        expect(batch(id)).toMatchObject({ state: 'cancelled', counts: { cancelled: 1_500, queued: 0 } });
      });
    });

    it('tells every change of its state once, after it is on the disk, and why it paused by itself', async () => {
      const told: string[] = [];
      store.outbox.onBatch(({ state, total, reason }) => told.push(`${state} ${total} ${reason?.slice(0, 6) ?? '-'}`));
      const { id } = await start(range(4), { canary: { size: 2, maxErrorRate: 0 } });
      await work(1, DEAD);
      await store.outbox.resumeBatch(id);
      await work(10, makeDrafted({ next: 'hold' }));
      await store.outbox.tendBatches();
      await work(10, makeDrafted({ next: 'hold' }));
      await cancel(id);
      expect(told).toEqual(['canary 0 -', 'paused 4 Canary', 'canary 4 -', 'running 4 -', 'completed 4 -']);
    });

    it('is cancelled although the process died while a note of it was let arrive', async () => {
      const { id } = await start(['1', '2']);
      await work(1, makeDrafted());
      await store.outbox.intendPost(await claimOne(POST), store.clock.steady());
      await cancel(id);
      expect(batch(id).state).toBe('cancelling');
      store = await store.reopen('second');
      await store.outbox.tendBatches();
      expect(batch(id)).toMatchObject({ state: 'cancelled', counts: { cancelled: 2 } });
      await store.outbox.resumeBatch(id);
      // it may be there: the next try looks first
      expect((await claimOne(POST)).postIntendedAt).not.toBeNull();
    });

    describe('pause and resume', () => {
      it('hands out nothing of a paused batch, at either stage, and goes on where it was', async () => {
        const { id } = await start(['1', '2']);
        await work(1, makeDrafted());
        expect(await store.outbox.pauseBatch(id, null)).toEqual({ kind: 'ok' });
        expect(batch(id)).toMatchObject({ state: 'paused', reason: null });
        expect(await store.outbox.claim([DRAFT, POST], 10)).toEqual([]);
        store = await store.reopen('second');
        expect(await store.outbox.claim([DRAFT, POST], 10)).toEqual([]);
        expect(await store.outbox.resumeBatch(id)).toEqual({ kind: 'ok' });
        expect(batch(id).state).toBe('running');
        expect(await store.outbox.claim([DRAFT, POST], 10)).toHaveLength(2);
      });

      it('lets work in flight finish', async () => {
        const { id } = await start(['1']);
        const job = await claimOne(DRAFT);
        await store.outbox.pauseBatch(id, null);
        expect(await report(job, makeDrafted())).toBe('ok');
        expect(batch(id)).toMatchObject({ state: 'paused', counts: { posting: 1 } });
      });

      it('serves a customer who writes although the batch of his ticket is paused', async () => {
        const { id } = await start(['1', '2']);
        await store.outbox.pauseBatch(id, null);
        await ingest('2', { messageId: '101' });
        expect(await store.outbox.claim([DRAFT], 10)).toMatchObject([{ ticketId: '2', lane: 'live' }]);
      });

      it('revives what a cancelled batch still had to do when that is resumed, and posts the draft that was paid for', async () => {
        const { id } = await start(['1', '2', '3']);
        await work(1, makeDrafted());
        await work(1, DEAD);
        await cancel(id);
        expect(await store.outbox.resumeBatch(id)).toEqual({ kind: 'ok' });
        expect(batch(id)).toMatchObject({ state: 'running', finishedAt: null, counts: { dead: 1, queued: 2 } });
        const jobs = await store.outbox.claim([DRAFT, POST], 10);
        expect(jobs.map(({ ticketId, stage }) => `${ticketId} ${stage}`).toSorted()).toEqual(['1 post', '3 draft']);
      });

      it('answers the state where it cannot be', async () => {
        const { id } = await start(['1']);
        await work(1, DEAD);
        expect(await store.outbox.resumeBatch(id)).toEqual({ kind: 'conflict', state: 'completed' });
        expect(await store.outbox.pauseBatch(id, null)).toEqual({ kind: 'conflict', state: 'completed' });
        expect(await store.outbox.resumeBatch('nothing')).toEqual({ kind: 'unknown' });
      });

      it('stops by itself when the first twenty tickets all died, and goes on when told to', async () => {
        const { id } = await start(range(40));
        await work(20, DEAD);
        expect(batch(id)).toMatchObject({ state: 'paused', reason: expect.stringContaining('20 tickets all died') });
        await store.outbox.resumeBatch(id);
        await work(1, DEAD);
        expect(batch(id).state).toBe('running');
      });
    });

    describe('retry', () => {
      it('revives dead and cancelled tickets, or the dead ones of a class', async () => {
        const { id } = await start(['1', '2', '3']);
        await work(1, DEAD);
        await work(1, { kind: 'dead', errorClass: 'context_length', error: 'too long' });
        await work(1, POSTED);
        expect(batch(id).state).toBe('completed');
        expect(await store.outbox.retryBatch(id, 'context_length')).toEqual({ kind: 'ok' });
        expect(batch(id)).toMatchObject({ state: 'running', counts: { dead: 1, queued: 1, posted: 1 } });
        expect(await work(10, DEAD)).toEqual(['2']);
        await store.outbox.retryBatch(id, null);
        expect(batch(id)).toMatchObject({ state: 'running', counts: { dead: 0, queued: 2 } });
      });

      it('leaves alone a ticket that a newer job has taken over', async () => {
        const { id } = await start(['1', '2']);
        await cancel(id);
        await ingest('1');
        await store.outbox.retryBatch(id, null);
        expect(batch(id).counts).toMatchObject({ cancelled: 1, queued: 1 });
        expect(store.reader.ticket('zendesk', '1')?.batchId).toBeNull();
      });

      it('revives a single ticket of a batch that is over, at once', async () => {
        const { id } = await start(['1']);
        await work(1, DEAD);
        await store.outbox.retryTicket('zendesk', '1');
        expect(await claimOne(DRAFT)).toMatchObject({ ticketId: '1', lane: 'live', batchId: id });
      });
    });

    describe('hold and release', () => {
      const hold = async (confidences: readonly number[]): Promise<string> => {
        const { id } = await start(range(confidences.length), { post: 'hold' });
        for (const confidence of confidences) {
          await work(1, makeDrafted({ next: 'hold', draft: makeDraft({ confidence }) }));
        }
        return id;
      };

      it('posts nothing until released, then all', async () => {
        const id = await hold([0.9, 0.2]);
        expect(batch(id)).toMatchObject({ state: 'completed', counts: { drafted: 2 } });
        expect(await store.outbox.claim([POST], 10)).toEqual([]);
        expect(await store.outbox.releaseBatch(id, null)).toEqual({ kind: 'ok' });
        expect(batch(id)).toMatchObject({ state: 'running', counts: { posting: 2 } });
        for (const job of await store.outbox.claim([POST], 10)) await report(job, POSTED);
        expect(batch(id)).toMatchObject({ state: 'completed', counts: { posted: 2 } });
      });

      it('posts those above a confidence only', async () => {
        const id = await hold([0.9, 0.2, 0.7]);
        await store.outbox.releaseBatch(id, 0.7);
        expect([statusOf('1'), statusOf('2'), statusOf('3')]).toEqual(['posting', 'drafted', 'posting']);
      });

      it('posts a single one of a batch that is over', async () => {
        const id = await hold([0.9, 0.2]);
        await store.outbox.releaseTicket('zendesk', '2');
        expect(await claimOne(POST)).toMatchObject({ ticketId: '2', batchId: id });
      });

      it('does not release a cancelled batch', async () => {
        const { id } = await start(['1'], { post: 'hold' });
        await cancel(id);
        expect(await store.outbox.releaseBatch(id, null)).toEqual({ kind: 'conflict', state: 'cancelled' });
      });
    });

    describe('ramp-up', () => {
      const canary = { size: 2, maxErrorRate: 0.5 };

      it('lets the first tickets go, then a tenth, then all', async () => {
        const { id } = await start(range(40), { canary });
        expect(batch(id)).toMatchObject({ state: 'canary', canary: { target: 2 } });
        expect(await work(100, makeDrafted({ next: 'hold' }))).toEqual(['1', '2']);
        await store.outbox.tendBatches();
        expect(batch(id)).toMatchObject({ state: 'canary', canary: { target: 4 } });
        expect(await work(100, makeDrafted({ next: 'hold' }))).toEqual(['3', '4']);
        await store.outbox.tendBatches();
        expect(batch(id)).toMatchObject({ state: 'running', canary: { target: null } });
        expect(await work(100, makeDrafted({ next: 'hold' }))).toHaveLength(36);
        expect(batch(id).state).toBe('completed');
      });

      it('pauses above its error rate, says why, and goes on when told to', async () => {
        const { id } = await start(range(40), { canary: { size: 4, maxErrorRate: 0.25 } });
        await work(2, DEAD);
        expect(batch(id)).toMatchObject({ state: 'paused', reason: expect.stringContaining('Canary: 2') });
        expect(await work(10, DEAD)).toEqual([]);
        await store.outbox.resumeBatch(id);
        expect(batch(id)).toMatchObject({ state: 'canary', reason: null });
        expect(await work(10, makeDrafted({ next: 'hold' }))).toEqual(['3', '4']);
        await store.outbox.tendBatches();
        // what an operator has seen and forgiven does not stop it again
        expect(batch(id).state).toBe('running');
      });

      it('keeps a retry inside the phase, and waits for it', async () => {
        const { id } = await start(range(40), { canary });
        await work(2, retry());
        expect(batch(id).state).toBe('canary');
        expect(await work(100, makeDrafted({ next: 'hold' }))).toEqual(['1', '2']);
      });

      it('is remembered over a restart', async () => {
        await start(range(40), { canary });
        store = await store.reopen('second');
        expect(await work(100, makeDrafted({ next: 'hold' }))).toHaveLength(2);
      });

      it('lets a ticket go whose customer writes', async () => {
        await start(range(40), { canary });
        await ingest('30', { messageId: '101' });
        expect(await claimOne(DRAFT)).toMatchObject({ ticketId: '30', lane: 'live' });
      });

      it('is over with a batch that is smaller than itself', async () => {
        const { id } = await start(['1'], { canary });
        await work(10, makeDrafted({ next: 'hold' }));
        expect(batch(id).state).toBe('completed');
      });
    });

    describe('tickets with a current draft', () => {
      it('are left out when asked for, and drafted anew when not', async () => {
        await ingest('1');
        await work(1, makeDrafted());
        await report(await claimOne(POST), POSTED);
        expect(await start(['1', '2'], { skipDrafted: true })).toMatchObject({ total: 1, skippedDrafted: 1 });
        expect(store.reader.takeable('zendesk', ['1', '2', '3'], true)).toEqual(['3']);
        expect(store.reader.takeable('zendesk', ['1', '2', '3'], false)).toEqual(['1', '3']);
        expect(await start(['1'])).toMatchObject({ total: 1, skippedDrafted: 0 });
      });
    });

    describe('a filter', () => {
      const filter = { status: ['new'] };

      it('grows page by page, is not over before its list is, and goes on at its cursor after a restart', async () => {
        const { id } = await start(['1', '2'], { source: { filter, cursor: 'c1' } });
        await work(10, DEAD);
        expect(batch(id)).toMatchObject({ state: 'running', total: 2, listing: true });
        expect(store.reader.walks()).toEqual([{ batchId: id, helpdesk: 'zendesk', filter, cursor: 'c1', waiting: 0 }]);
        await store.outbox.addToBatch(id, range(500, 3), 'c2');
        store = await store.reopen('second');
        expect(store.reader.walks()).toMatchObject([{ cursor: 'c2', waiting: 500 }]);
        await store.outbox.addToBatch(id, [], null);
        expect(batch(id)).toMatchObject({ total: 502, listing: false });
        expect(store.reader.walks()).toEqual([]);
      });

      it('takes a ticket once that is listed twice, also when it is finished meanwhile', async () => {
        const { id } = await start(['1'], { source: { filter, cursor: 'c1' } });
        await work(1, DEAD);
        await store.outbox.addToBatch(id, ['1', '2'], 'c2');
        expect(await work(10, DEAD)).toEqual(['2']);
      });

      it('is not walked while the batch is paused or cancelled', async () => {
        const { id } = await start(['1'], { source: { filter, cursor: 'c1' } });
        await store.outbox.pauseBatch(id, null);
        expect(store.reader.walks()).toEqual([]);
        await cancel(id);
        await store.outbox.resumeBatch(id);
        expect(store.reader.walks()).toHaveLength(1);
      });

      it('keeps to its canary while pages arrive', async () => {
        const canary = { size: 2, maxErrorRate: 0.5 };
        const { id } = await start(['1'], { source: { filter, cursor: 'c1' }, canary });
        expect(await work(10, makeDrafted({ next: 'hold' }))).toEqual(['1']);
        expect(batch(id).state).toBe('canary');
        await store.outbox.addToBatch(id, range(5, 2), null);
        expect(await work(10, makeDrafted({ next: 'hold' }))).toEqual(['2']);
      });
    });

    describe('order of work', () => {
      it('serves live tickets by priority, then by age, and the oldest batch first', async () => {
        await start(['1', '2']);
        await start(['3']);
        await ingest('11', { priority: 'low' });
        await ingest('12');
        await store.clock.advance(5);
        await ingest('13', { priority: 'urgent' });
        await ingest('14', { priority: 'normal' });
        const jobs = [];
        for (let left = 7; left > 0; left -= 1) jobs.push(await claimOne(DRAFT));
        expect(jobs.map(({ ticketId }) => ticketId)).toEqual(['13', '12', '14', '11', '1', '2', '3']);
      });

      it('finishes what was begun before it begins more of a batch', async () => {
        await start(range(5));
        const first = await claimOne(DRAFT);
        await report(first, retry({ delayMs: 1000 }));
        expect((await claimOne(DRAFT)).ticketId).toBe('2');
        await store.clock.advance(1000);
        expect((await claimOne(DRAFT)).ticketId).toBe('1');
      });

      it('tells what of running batches will be asked for next, per stage', async () => {
        const { id } = await start(range(5));
        await start(['9'], { lane: 'economy' });
        await work(2, makeDrafted());
        await claimOne(DRAFT);
        expect(store.reader.upcoming('zendesk', 'draft', 10)).toEqual(['4', '5']);
        expect(store.reader.upcoming('zendesk', 'draft', 1)).toEqual(['4']);
        expect(store.reader.upcoming('zendesk', 'post', 10)).toEqual(['1', '2']);
        await store.outbox.pauseBatch(id, null);
        expect(store.reader.upcoming('zendesk', 'draft', 10)).toEqual([]);
      });

      it('gives no work of batches where only live work is wanted', async () => {
        await start(['1']);
        await ingest('2');
        expect(await store.outbox.claim([{ ...DRAFT, batches: false }], 10)).toMatchObject([{ ticketId: '2' }]);
      });

      it('gives drafts of the economy lane to nobody who has no consignment to put them in, and their notes like all others', async () => {
        await start(['1'], { lane: 'economy' });
        await start(['2'], { lane: 'flex' });
        expect(await store.outbox.claim([DRAFT], 10)).toMatchObject([{ ticketId: '2', tier: 'flex' }]);
      });
    });

    describe('accounts', () => {
      const spent: Spent = {
        usage: { promptTokens: 500, cachedTokens: 0, completionTokens: 100 },
        costUsd: 0.25,
        waitedMs: 0,
      };

      it('adds up what a batch, a day and a requester have spent, also for calls that brought nothing', async () => {
        const { id } = await start(['1'], { budgetUsd: 5 });
        await report(await claimOne(DRAFT), retry({ facts: { subject: 's', requesterId: '7' } }), spent);
        await report(await claimOne(DRAFT), makeDrafted(), spent);
        expect(batch(id).spent).toEqual({ promptTokens: 1000, completionTokens: 200, costUsd: 0.5 });
        expect(store.reader.batchAccount(id)).toEqual({ budgetUsd: 5, costUsd: 0.5, consignedUsd: 0 });
        const day = new Date(store.clock.now()).toISOString().slice(0, 10);
        expect(store.reader.spentOn(day, '')).toBe(0.5);
        expect(store.reader.spentOn(day, 'zendesk 7')).toBe(0.5);
        expect(store.reader.spentOn('2020-01-01', '')).toBe(0);
      });

      it('counts what a call has cost whose ticket was cancelled under it', async () => {
        const { id } = await start(['1']);
        const job = await claimOne(DRAFT);
        await cancel(id);
        expect(await report(job, makeDrafted(), spent)).toBe('lost');
        expect(batch(id).spent.costUsd).toBe(0.25);
      });

      it('names what goes wrong, by class, with an example', async () => {
        const { id } = await start(range(4));
        await work(2, DEAD);
        await work(1, retry({ delayMs: 60_000 }));
        await work(1, POSTED);
        expect(store.reader.batchErrors(id)).toEqual([
          { errorClass: 'refusal', count: 2, example: { ticketId: expect.any(String), error: 'no' } },
          { errorClass: 'timeout', count: 1, example: { ticketId: expect.any(String), error: 'late' } },
        ]);
      });
    });

    describe('missed webhooks', () => {
      const listed = (ticketId: string, updatedAt: number, open = true) => ({ ticketId, updatedAt, open });

      it('gives work to tickets nobody told us of, once, as live work', async () => {
        const now = store.clock.now();
        expect(await store.outbox.ingestMissed('zendesk', [listed('1', now), listed('2', now, false)])).toEqual({
          found: 1,
          refused: 0,
        });
        expect(await store.outbox.ingestMissed('zendesk', [listed('1', now)])).toEqual({ found: 0, refused: 0 });
        expect(await claimOne(DRAFT)).toMatchObject({ ticketId: '1', lane: 'live' });
      });

      it('leaves alone what is at work, and what only our own note has changed', async () => {
        await ingest('1');
        const now = store.clock.now();
        expect(await store.outbox.ingestMissed('zendesk', [listed('1', now + 60_000)])).toEqual({
          found: 0,
          refused: 0,
        });
        await work(1, makeDrafted());
        await report(await claimOne(POST), POSTED);
        expect(await store.outbox.ingestMissed('zendesk', [listed('1', now + 1_000)])).toEqual({
          found: 0,
          refused: 0,
        });
        expect(await store.outbox.ingestMissed('zendesk', [listed('1', now + 60_000)])).toEqual({
          found: 1,
          refused: 0,
        });
        // nothing new in it is found out before anything is paid
        expect(await claimOne(DRAFT)).toMatchObject({ verify: { against: 'posted' } });
      });

      it('says how many found the outbox full', async () => {
        await store.dispose();
        store = await open({ maxPending: 1 });
        const now = store.clock.now();
        const missed = [listed('1', now), listed('2', now), listed('3', now)];
        expect(await store.outbox.ingestMissed('zendesk', missed)).toEqual({ found: 1, refused: 2 });
      });

      it('knows when the last event came', async () => {
        expect(store.reader.lastEventAt('zendesk')).toBeNull();
        await ingest('1');
        expect(store.reader.lastEventAt('zendesk')).toBe(store.clock.now());
        expect(store.reader.lastEventAt('freshdesk')).toBeNull();
      });
    });
  });
}
