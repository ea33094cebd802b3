import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { NewBatch } from '../../src/core/batch.ts';
import { type ClaimedJob, type ClaimOffer, type JobOutcome, OutboxUnavailable } from '../../src/core/outbox.ts';
import { makeBatch, makeDrafted, makeEvent, TRACEPARENT } from '../support/factories.ts';
import { DRAFT, type OutboxSetup, type OutboxUnderTest, POST, TIMING } from './outbox.ts';

const range = (count: number, from = 1): string[] => Array.from({ length: count }, (_, index) => String(from + index));
const DEAD: JobOutcome = { kind: 'dead', errorClass: 'refusal', error: 'no' };
const POSTED: JobOutcome = { kind: 'posted', noteId: 'n' };
const HELD = makeDrafted({ next: 'hold' });
const IN_DOUBT: JobOutcome = {
  kind: 'retry',
  delayMs: 0,
  countsAsAttempt: true,
  postInDoubt: true,
  errorClass: 'ambiguous_post',
  error: 'late',
};
const FILTER = { filter: { status: ['new'] }, cursor: 'c1' };

/** Batches where two things meet: a cancel and a reply, a walk, a ramp-up, a note whose end is not known. */
export function outboxBatchEdges(name: string, open: (setup: OutboxSetup) => Promise<OutboxUnderTest>): void {
  describe(`outbox contract, edges of batches: ${name}`, () => {
    let store: OutboxUnderTest;

    beforeEach(async () => {
      store = await open({ maxPending: 100_000 });
    });
    afterEach(() => store.dispose());

    const start = (ticketIds: readonly string[], overrides: Partial<NewBatch> = {}) =>
      store.outbox.createBatch(makeBatch(ticketIds, overrides));
    const reply = (ticketId: string, messageId = '101') =>
      store.outbox.ingest({
        helpdesk: 'zendesk',
        event: makeEvent(ticketId, { key: `reply ${ticketId} ${messageId}`, messageId }),
        traceparent: TRACEPARENT,
      });
    const claimOne = async (offer: ClaimOffer): Promise<ClaimedJob> => {
      const [job] = await store.outbox.claim([offer], 1);
      if (job === undefined) throw new Error(`nothing to claim for ${offer.stage}`);
      return job;
    };
    const report = (job: ClaimedJob, outcome: JobOutcome) => store.outbox.report(job, outcome, TIMING);
    const work = async (count: number, outcome: JobOutcome, offer = DRAFT): Promise<string[]> => {
      const jobs = await store.outbox.claim([{ ...offer, limit: count }], count);
      for (const job of jobs) await report(job, outcome);
      await store.outbox.tendBatches();
      return jobs.map(({ ticketId }) => ticketId);
    };
    const cancel = async (id: string) => {
      await store.outbox.cancelBatch(id);
      await store.outbox.tendBatches();
    };
    const batch = (id: string) => {
      const found = store.reader.batch(id);
      if (found === null) throw new Error(`no batch ${id}`);
      return found;
    };
    /** One ticket whose note is being written. */
    const writeNote = async (): Promise<ClaimedJob> => {
      await work(1, makeDrafted());
      const posting = await claimOne(POST);
      await store.outbox.intendPost(posting, store.clock.steady());
      return posting;
    };

    describe('cancel', () => {
      it('keeps the reply that came while a note was let arrive that then failed', async () => {
        const { id } = await start(['1']);
        const posting = await writeNote();
        await cancel(id);
        expect(await reply('1')).toBe('joined');
        await report(posting, IN_DOUBT);
        expect(batch(id)).toMatchObject({ state: 'cancelled', counts: { cancelled: 1 } });
        expect(await claimOne(DRAFT)).toMatchObject({ ticketId: '1', lane: 'live', batchId: null });
      });

      it('ends although the look before a note that was in doubt found newer messages', async () => {
        const { id } = await start(['1']);
        await report(await writeNote(), IN_DOUBT);
        const posting = await claimOne(POST);
        await cancel(id);
        await report(posting, { kind: 'outdated' });
        expect(batch(id)).toMatchObject({ state: 'cancelled', counts: { cancelled: 1, queued: 0 } });
      });

      it('stops a draft at once although an earlier note of its ticket is in doubt', async () => {
        const { id } = await start(['1']);
        await report(await writeNote(), IN_DOUBT);
        await report(await claimOne(POST), { kind: 'outdated' });
        const drafting = await claimOne(DRAFT);
        const cancelled = await store.outbox.cancelBatch(id);
        expect(cancelled).toMatchObject({ running: [{ jobId: drafting.jobId }], posting: [] });
        await store.outbox.tendBatches();
        expect(batch(id).state).toBe('cancelled');
      });

      it('ends although a customer wrote and a worker took that ticket right after', async () => {
        const { id } = await start(['1', '2']);
        await reply('1');
        const deciding = store.outbox.cancelBatch(id);
        const claiming = store.outbox.claim([DRAFT], 1);
        await deciding;
        const [job] = await claiming;
        await store.outbox.tendBatches();
        expect(batch(id)).toMatchObject({ state: 'cancelled', counts: { cancelled: 2 } });
        // the reply is work of its own
        expect(job ?? (await claimOne(DRAFT))).toMatchObject({ ticketId: '1', lane: 'live', batchId: null });
      });

      it('ends although its dead tickets were to be retried while a note was let arrive', async () => {
        const { id } = await start(['1', '2', '3']);
        await work(2, DEAD);
        const posting = await writeNote();
        await cancel(id);
        await store.outbox.retryDead({ ticketIds: ['1'] });
        await store.outbox.retryTicket('zendesk', '2');
        await report(posting, POSTED);
        await store.outbox.tendBatches();
        expect(batch(id)).toMatchObject({ state: 'cancelled', counts: { posted: 1, queued: 0 } });
        // who asked for one ticket gets it
        expect(await claimOne(DRAFT)).toMatchObject({ ticketId: '2', lane: 'live' });
      });

      it('takes no tickets of a page that was fetched before, and asks for it again when resumed', async () => {
        const { id } = await start(['1'], { source: FILTER });
        await cancel(id);
        await store.outbox.addToBatch(id, ['2', '3'], 'c2');
        expect(batch(id)).toMatchObject({ state: 'cancelled', total: 1, counts: { queued: 0 } });
        await store.outbox.resumeBatch(id);
        expect(store.reader.walks()).toMatchObject([{ batchId: id, cursor: 'c1' }]);
      });

      it('keeps the draft of a held ticket that was released by itself, and posts it when the batch is resumed', async () => {
        const { id } = await start(['1', '2'], { post: 'hold' });
        await work(2, HELD);
        await store.outbox.releaseTicket('zendesk', '1');
        await store.outbox.retryBatch(id, null);
        await cancel(id);
        expect(batch(id).counts.cancelled).toBe(2);
        expect(await store.outbox.claim([DRAFT, POST], 10)).toEqual([]);
        await store.outbox.resumeBatch(id);
        expect(batch(id).counts).toMatchObject({ queued: 1, drafted: 1 });
        expect(await store.outbox.claim([DRAFT, POST], 10)).toMatchObject([
          { ticketId: '1', stage: 'post', batchId: id },
        ]);
      });

      it('keeps what a rule holds until it is released, also when the batch that posts is cancelled and resumed', async () => {
        const { id } = await start(['1', '2']);
        expect(await work(1, HELD)).toEqual(['1']);
        await cancel(id);
        expect(batch(id).counts.cancelled).toBe(2);
        await store.outbox.resumeBatch(id);
        await store.outbox.tendBatches();
        expect(batch(id).counts).toMatchObject({ drafted: 1, queued: 1 });
        expect(await work(2, makeDrafted())).toEqual(['2']);
        expect(await store.outbox.claim([POST], 10)).toMatchObject([{ ticketId: '2' }]);
        await store.outbox.releaseBatch(id, null);
        await store.outbox.tendBatches();
        expect(await store.outbox.claim([POST], 10)).toMatchObject([{ ticketId: '1' }]);
      });

      it('remembers what a whole batch was released, over cancel, crash and resume', async () => {
        const { id } = await start(['1', '2'], { post: 'hold' });
        await work(2, HELD);
        await store.outbox.releaseBatch(id, null);
        await cancel(id);
        await store.outbox.resumeBatch(id);
        await cancel(id);
        store = await store.reopen('second');
        await store.outbox.resumeBatch(id);
        expect(batch(id).counts).toMatchObject({ queued: 2, drafted: 0 });
        expect(await store.outbox.claim([POST], 10)).toHaveLength(2);
      });

      it('holds a newer draft although the one before it was released', async () => {
        await start(['1'], { post: 'hold' });
        await work(1, HELD);
        await store.outbox.releaseTicket('zendesk', '1');
        await reply('1');
        expect(await claimOne(DRAFT)).toMatchObject({ ticketId: '1', post: 'hold' });
      });

      it('buys no draft twice of a ticket that was retried by itself, and loses no doubt about its note', async () => {
        const { id } = await start(['1', '2']);
        await report(await writeNote(), { kind: 'dead', errorClass: 'ambiguous_post', error: 'unsure' });
        await store.outbox.retryTicket('zendesk', '1');
        await cancel(id);
        expect(batch(id)).toMatchObject({ state: 'cancelled', counts: { cancelled: 2 } });
        const [job, ...others] = await store.outbox.claim([DRAFT, POST], 10);
        expect(job).toMatchObject({ ticketId: '1', stage: 'post', batchId: null, draft: expect.anything() });
        expect(job?.postIntendedAt).not.toBeNull();
        expect(others).toEqual([]);
      });

      it('does not wait for another batch to be stored', async () => {
        const { id } = await start(['1']);
        const storing = start(range(5_000, 10));
        const other = store.reader.batches(1).items[0];
        await store.outbox.cancelBatch(id);
        while (batch(id).state !== 'cancelled') await store.clock.advance(0);
        expect(other?.id).toBe(id);
        expect(store.reader.counts().queued).toBeLessThan(5_000);
        await storing;
      });
    });

    describe('ramp-up', () => {
      const canary = { size: 2, maxErrorRate: 0.5 };

      it('is kept when the batch is cancelled in it and resumed', async () => {
        const { id } = await start(range(40), { canary, post: 'hold' });
        await work(1, HELD);
        await cancel(id);
        await store.outbox.resumeBatch(id);
        expect(batch(id)).toMatchObject({ state: 'canary', canary: { target: 2 } });
        expect(await work(100, HELD)).toEqual(['2']);
        expect(await work(100, HELD)).toEqual(['3', '4']);
        expect(await work(100, HELD)).toHaveLength(36);
        expect(batch(id).state).toBe('completed');
      });

      it('forgives what had died when a cancelled batch is resumed', async () => {
        const { id } = await start(range(40), { canary });
        await work(2, DEAD);
        expect(batch(id).state).toBe('paused');
        await cancel(id);
        await store.outbox.resumeBatch(id);
        expect(batch(id).state).toBe('canary');
      });
    });

    it('goes on after the first twenty died when it is cancelled and resumed', async () => {
      const { id } = await start(range(40));
      await work(20, DEAD);
      await cancel(id);
      await store.outbox.resumeBatch(id);
      expect(batch(id)).toMatchObject({ state: 'running', counts: { queued: 20 } });
    });

    describe('twenty that all died', () => {
      const reason = expect.stringContaining('20 tickets all died');

      it('stop a batch again that was resumed after it was cancelled', async () => {
        const { id } = await start(range(60));
        await work(5, DEAD);
        await cancel(id);
        await store.outbox.resumeBatch(id);
        await work(19, DEAD);
        expect(batch(id).state).toBe('running');
        await work(1, DEAD);
        expect(batch(id)).toMatchObject({ state: 'paused', reason });
      });

      it('stop it each time it is told to go on, by the hand that paused it too', async () => {
        const { id } = await start(range(60));
        await work(20, DEAD);
        await store.outbox.resumeBatch(id);
        await work(10, DEAD);
        await store.outbox.pauseBatch(id, null);
        await store.outbox.resumeBatch(id);
        await work(19, DEAD);
        expect(batch(id).state).toBe('running');
        await work(1, DEAD);
        expect(batch(id)).toMatchObject({ state: 'paused', reason });
      });

      it('stop it also when they are those that were forgiven and then retried', async () => {
        const { id } = await start(range(60));
        await work(20, DEAD);
        await store.outbox.resumeBatch(id);
        await store.outbox.retryBatch(id, null);
        await work(20, DEAD);
        expect(batch(id)).toMatchObject({ state: 'paused', reason });
      });

      it('stop a batch whose ramp-up was over when it was cancelled', async () => {
        const { id } = await start(range(60), { canary: { size: 2, maxErrorRate: 0.1 }, post: 'hold' });
        await work(2, HELD);
        await work(4, HELD);
        await cancel(id);
        await store.outbox.resumeBatch(id);
        await work(20, DEAD);
        expect(batch(id)).toMatchObject({ state: 'paused', reason });
      });

      it('do not stop a batch that was to bear any number', async () => {
        const { id } = await start(range(60), { canary: { size: 20, maxErrorRate: 1 } });
        await work(20, DEAD);
        await work(20, DEAD);
        expect(batch(id).state).toBe('running');
      });
    });

    it('ramps up step by step while its list goes on, and to a tenth of what that came to', async () => {
      const { id } = await start(range(100), { source: FILTER, canary: { size: 20, maxErrorRate: 0.1 }, post: 'hold' });
      expect(await work(100, HELD)).toHaveLength(20);
      expect(await work(100, HELD)).toHaveLength(20);
      expect(batch(id)).toMatchObject({ state: 'canary', canary: { target: 80 } });
      await store.outbox.addToBatch(id, range(900, 101), null);
      expect(await work(1_000, HELD)).toHaveLength(40);
      expect(batch(id).canary?.target).toBe(100);
      expect(await work(1_000, HELD)).toHaveLength(20);
      expect(batch(id)).toMatchObject({ state: 'running', canary: { target: null } });
    });

    describe('a store that refuses to write', () => {
      it('while the tickets are stored, leaves the rest to later: the batch is there, and is not started again', async () => {
        const storing = start(range(3_000));
        while (store.reader.counts().queued < 200) await store.clock.advance(0);
        store.refuseWrites(true);
        const { id, total } = await storing;
        expect(total).toBe(batch(id).total);
        expect(total).toBeLessThan(3_000);
        await expect(store.outbox.tendBatches()).rejects.toThrow(OutboxUnavailable);
        store.refuseWrites(false);
        await store.outbox.tendBatches();
        expect(batch(id)).toMatchObject({ total: 3_000, counts: { queued: 3_000 } });
      });

      it('before the batch is stored, leaves nothing of it', async () => {
        store.refuseWrites(true);
        await expect(start(range(10_000))).rejects.toThrow(OutboxUnavailable);
        store.refuseWrites(false);
        expect(store.reader.batches(1).items).toEqual([]);
      });

      it('while dead tickets are revived, does not take back that they will be', async () => {
        const { id } = await start(range(600));
        await work(600, DEAD);
        const retrying = store.outbox.retryBatch(id, null);
        while (store.reader.counts().queued < 200) await store.clock.advance(0);
        store.refuseWrites(true);
        expect(await retrying).toEqual({ kind: 'ok' });
        store.refuseWrites(false);
        await store.outbox.tendBatches();
        expect(batch(id).counts.queued).toBe(600);
      });
    });

    it('counts an id once although its first ticket is through before the second is stored', async () => {
      const storing = start([...range(1_000), '1']);
      while (store.reader.counts().queued < 200) await store.clock.advance(0);
      await report(await claimOne(DRAFT), { kind: 'skipped', reason: 'closed' });
      expect(await storing).toMatchObject({ total: 1_000, duplicates: ['1'] });
    });

    it('revives every class that was asked for while another was still revived', async () => {
      const { id } = await start(range(500));
      await work(250, DEAD);
      await work(250, { kind: 'dead', errorClass: 'context_length', error: 'too long' });
      await Promise.all([store.outbox.retryBatch(id, 'refusal'), store.outbox.retryBatch(id, 'context_length')]);
      expect(batch(id).counts).toMatchObject({ dead: 0, queued: 500 });
    });

    it('releases all although less was asked for right after', async () => {
      const { id } = await start(range(500), { post: 'hold' });
      await store.outbox.claim([{ ...DRAFT, limit: 500 }], 500).then(async (jobs) => {
        for (const job of jobs) await report(job, HELD);
      });
      await Promise.all([store.outbox.releaseBatch(id, null), store.outbox.releaseBatch(id, 0.99)]);
      expect(batch(id).counts).toMatchObject({ drafted: 0, posting: 500 });
    });
  });
}
