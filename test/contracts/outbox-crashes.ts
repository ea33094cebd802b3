import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ClaimedJob, JobOutcome } from '../../src/core/outbox.ts';
import { makeBatch, makeDrafted, makeEvent, TRACEPARENT } from '../support/factories.ts';
import { DRAFT, type OutboxSetup, type OutboxUnderTest, POST, TIMING } from './outbox.ts';

/** How long a suspect waits for his trial after a start. */
const TRIAL_AFTER_MS = 5000;

/** How an outbox finds the ticket that kills the process, and spares its neighbours. */
export function outboxCrashContract(name: string, open: (setup: OutboxSetup) => Promise<OutboxUnderTest>): void {
  describe(`outbox contract, crashes: ${name}`, () => {
    let store: OutboxUnderTest;
    let lives = 1;

    beforeEach(async () => {
      store = await open({ maxPending: 1000 });
    });
    afterEach(() => store.dispose());

    const ingest = (...ids: string[]) =>
      Promise.all(
        ids.map((id) => store.outbox.ingest({ helpdesk: 'zendesk', event: makeEvent(id), traceparent: TRACEPARENT })),
      );
    const claim = (limit = 100, offer = DRAFT): Promise<ClaimedJob[]> => store.outbox.claim([offer], limit);
    const report = (job: ClaimedJob, outcome: JobOutcome) => store.outbox.report(job, outcome, TIMING);
    const die = async () => {
      store = await store.reopen(`life ${(lives += 1)}`);
      await store.clock.advance(TRIAL_AFTER_MS);
    };
    const idsOf = (jobs: readonly ClaimedJob[]) => jobs.map(({ ticketId }) => ticketId);
    const ticket = (id: string) => store.reader.ticket('zendesk', id);

    it('gives up a ticket that was in hand at three deaths, and says why', async () => {
      await ingest('1');
      for (let death = 0; death < 3; death += 1) {
        expect(idsOf(await claim())).toEqual(['1']);
        await die();
      }
      expect(await claim()).toEqual([]);
      expect(ticket('1')).toMatchObject({ status: 'dead', reason: 'crash_loop', errorClass: 'crash_loop' });
      expect(ticket('1')?.attempts.at(-1)).toMatchObject({ outcome: 'dead', errorClass: 'crash_loop' });
    });

    it('tries those in hand at two deaths one at a time, and clears whom it survives', async () => {
      await ingest('1', '2', '3');
      for (let death = 0; death < 2; death += 1) {
        expect(await claim()).toHaveLength(3);
        await die();
      }
      await ingest('4');
      const alone = await claim();
      expect(alone).toHaveLength(1);
      expect(await claim()).toEqual([]);
      for (const job of alone) await report(job, makeDrafted());
      const poison = await claim();
      expect(poison).toHaveLength(1);
      await die();
      expect(store.reader.counts()).toMatchObject({ dead: 1 });
      expect(ticket(poison[0]?.ticketId ?? '')?.status).toBe('dead');
      for (const job of await claim()) await report(job, makeDrafted());
      expect(await claim()).toHaveLength(1);
    });

    it('lets others go first while nobody may try the suspect', async () => {
      await ingest('1');
      for (let death = 0; death < 2; death += 1) {
        await claim();
        await die();
      }
      await store.outbox.ingest({ helpdesk: 'freshdesk', event: makeEvent('9'), traceparent: TRACEPARENT });
      const freshdesk = { ...DRAFT, helpdesk: 'freshdesk' };
      const others = await claim(100, freshdesk);
      expect(idsOf(others)).toEqual(['9']);
      // now it may be, as soon as nobody else is in hand
      expect(await store.outbox.claim([DRAFT, freshdesk], 100)).toEqual([]);
      for (const job of others) await report(job, makeDrafted());
      expect(idsOf(await store.outbox.claim([DRAFT, freshdesk], 100))).toEqual(['1']);
    });

    it('counts deaths in a row only: whatever ends a try clears the ticket', async () => {
      await ingest('1');
      for (let death = 0; death < 5; death += 1) {
        await claim();
        await die();
        const [job] = await claim();
        if (job === undefined) throw new Error('nothing to claim');
        await report(job, {
          kind: 'retry',
          delayMs: 0,
          countsAsAttempt: false,
          postInDoubt: false,
          errorClass: 'server_error',
          error: 'The model answered 500.',
        });
      }
      expect(ticket('1')?.status).toBe('retrying');
    });

    it('does not condemn whom a loop of kills catches, each soon after the start', async () => {
      await ingest('1', '2');
      for (let death = 0; death < 6; death += 1) {
        await claim();
        store = await store.reopen(`life ${(lives += 1)}`);
        await store.clock.advance(TRIAL_AFTER_MS - 1);
      }
      expect(store.reader.counts()).toMatchObject({ retrying: 2, dead: 0 });
    });

    it('does not count an end that was wanted', async () => {
      await ingest('1');
      for (let end = 0; end < 4; end += 1) {
        expect(await claim()).toHaveLength(1);
        await store.outbox.leave();
        await die();
      }
      expect(ticket('1')?.status).toBe('retrying');
    });

    it('asks for one more death for each at which the ticket was not in hand', async () => {
      await die();
      await die();
      await ingest('1');
      for (let death = 0; death < 4; death += 1) {
        expect(await claim()).toHaveLength(1);
        await die();
      }
      expect(ticket('1')?.status).toBe('retrying');
      await claim();
      await die();
      expect(ticket('1')?.status).toBe('dead');
    });

    it('gives an operator three more deaths, and the batch of a dead ticket its end', async () => {
      const { id } = await store.outbox.createBatch(makeBatch(['1']));
      for (let death = 0; death < 3; death += 1) {
        expect(await claim()).toHaveLength(1);
        await die();
      }
      expect(store.reader.batch(id)).toMatchObject({ state: 'completed' });
      await store.outbox.retryTicket('zendesk', '1');
      const [job] = await claim();
      if (job === undefined) throw new Error('nothing to claim');
      await report(job, makeDrafted());
      expect(await claim(1, POST)).toHaveLength(1);
    });

    it('lets a process that slept through its leases write nothing, taken again or not', async () => {
      await ingest('1');
      const [late] = await claim();
      if (late === undefined) throw new Error('nothing to claim');
      await store.clock.advance(10_001);
      expect(await store.outbox.intendPost(late, 0)).toBe(false);
      expect(store.outbox.holds(late)).toBe(false);
      expect(await report(late, makeDrafted())).toBe('lost');
      expect(await store.outbox.heartbeat([late])).toEqual([late]);
      await store.outbox.reclaimExpired();
      expect(await claim()).toHaveLength(1);
    });
  });
}
