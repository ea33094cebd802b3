import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Consignments } from '../../src/core/consignment.ts';
import type { ClaimedJob, ClaimOffer, JobOutcome } from '../../src/core/outbox.ts';
import { utcDay } from '../../src/core/spend-guard.ts';
import { makeBatch, makeDraft, makeDrafted, makeEvent, TRACEPARENT } from '../support/factories.ts';
import { DRAFT, type OutboxSetup, type OutboxUnderTest, POST, TIMING } from './outbox.ts';

type Store = OutboxUnderTest & { readonly outbox: { readonly consignments: Consignments } };

const DAY_MS = 86_400_000;
const NEVER = new AbortController().signal;
const SPENT = { usage: { promptTokens: 500, cachedTokens: 0, completionTokens: 100 }, costUsd: 0.25, waitedMs: 0 };
const CANARY_REF = {
  kind: 'article',
  id: 'canary',
  title: 'canary',
  url: null,
  restricted: false,
  share: 1,
  votes: 1,
} as const;
const DRAFTED = makeDrafted({
  draft: makeDraft({
    body: 'Dear canary',
    cut: 'canary',
    questions: ['canary?'],
    unproven: ['canary'],
    missing: ['canary'],
    sources: [{ ...CANARY_REF, quote: 'canary' }],
    closest: [CANARY_REF],
  }),
  facts: { subject: 'canary', requesterId: '7' },
});

/** What every store must do to forget texts, and what it must keep. */
export function forgettingContract(name: string, open: (setup: OutboxSetup) => Promise<Store>): void {
  describe(`forgetting contract: ${name}`, () => {
    let store: Store;
    beforeEach(async () => {
      store = await open({ maxPending: 10_000 });
    });
    afterEach(() => store.dispose());

    const ingest = (ticketId: string, key = `event of ${ticketId}`, messageId: string | null = null) =>
      store.outbox.ingest({
        helpdesk: 'zendesk',
        event: makeEvent(ticketId, { key, messageId }),
        traceparent: TRACEPARENT,
      });
    const claim = async (offer: ClaimOffer): Promise<ClaimedJob> => {
      const [job] = await store.outbox.claim([offer], 1);
      if (job === undefined) throw new Error(`nothing to claim for ${offer.stage}`);
      return job;
    };
    const report = (job: ClaimedJob, outcome: JobOutcome, durationMs = 5) =>
      store.outbox.report(job, outcome, { ...TIMING, durationMs, spent: SPENT });
    const ticket = (id: string) => store.reader.ticket('zendesk', id);
    const draftIt = async (id: string, outcome: JobOutcome = DRAFTED): Promise<void> => {
      await ingest(id);
      await report(await claim(DRAFT), outcome);
    };
    const postIt = async (id: string, outcome: JobOutcome = DRAFTED): Promise<void> => {
      await draftIt(id, outcome);
      await report(await claim(POST), { kind: 'posted', noteId: `note of ${id}` });
    };
    const dead = (error = 'canary'): JobOutcome => ({
      kind: 'dead',
      errorClass: 'internal',
      error,
      facts: { subject: 'canary', requesterId: '7' },
    });
    const retry = (postInDoubt: boolean): JobOutcome => ({
      kind: 'retry',
      delayMs: 0,
      countsAsAttempt: true,
      postInDoubt,
      errorClass: 'timeout',
      error: 'canary',
    });
    const forgetOld = (days: number) => store.outbox.removeTexts(store.clock.now() - days * DAY_MS, NEVER);
    const erase = () => store.outbox.eraseRequester('zendesk', '7');
    const spentBySeven = () => store.reader.spentOn(utcDay(store.clock.now()), 'zendesk 7');

    describe('old texts', () => {
      it('removes those of finished tickets, and keeps what dedupe and counters need', async () => {
        await postIt('1');
        await draftIt('2', dead());
        await store.clock.advance(2 * DAY_MS);
        const before = store.reader.counts();
        expect(await forgetOld(3)).toBe(0);
        expect(ticket('1')?.draft?.body).toBe('Dear canary');
        expect(await forgetOld(1)).toBeGreaterThan(0);
        const removedAt = store.clock.now();
        expect(ticket('1')).toMatchObject({
          status: 'posted',
          subject: null,
          draft: null,
          noteId: 'note of 1',
          textRemovedAt: removedAt,
        });
        expect(ticket('2')).toMatchObject({
          status: 'dead',
          errorClass: 'internal',
          error: null,
          textRemovedAt: removedAt,
          attempts: [{ outcome: 'dead', errorClass: 'internal', error: null }],
        });
        expect(store.reader.counts()).toEqual(before);
        expect(await ingest('1')).toBe('duplicate');
        expect(await ingest('1', 'again', '100')).toBe('duplicate');
        expect(await forgetOld(1)).toBe(0);
      });

      it('leaves tickets alone that are not finished', async () => {
        await draftIt('1');
        await ingest('2');
        await report(await claim(DRAFT), { ...DRAFTED, next: 'hold' });
        await store.clock.advance(40 * DAY_MS);
        await forgetOld(30);
        expect(ticket('1')?.draft?.body).toBe('Dear canary');
        expect(ticket('2')).toMatchObject({ status: 'drafted', subject: 'canary', textRemovedAt: null });
      });

      it('goes through more than one slice, and stops between two of them', async () => {
        const ids = Array.from({ length: 230 }, (_, index) => String(index));
        for (const id of ids) await draftIt(id, dead());
        await store.clock.advance(2 * DAY_MS);
        const stop = new AbortController();
        stop.abort();
        expect(await store.outbox.removeTexts(store.clock.now(), stop.signal)).toBe(0);
        expect(await forgetOld(1)).toBeGreaterThanOrEqual(230);
        expect(ids.every((id) => ticket(id)?.textRemovedAt !== null)).toBe(true);
      });

      it('drafts a retried ticket anew: there is no draft left to post', async () => {
        await draftIt('1');
        await report(await claim(POST), { kind: 'dead', errorClass: 'forbidden', error: 'no' });
        await store.clock.advance(2 * DAY_MS);
        await forgetOld(1);
        await store.outbox.retryTicket('zendesk', '1');
        await report(await claim(DRAFT), DRAFTED);
        expect(ticket('1')).toMatchObject({ status: 'posting', draft: { body: 'Dear canary' }, textRemovedAt: null });
      });

      it('removes the texts of a newer round too, when that has grown old', async () => {
        await postIt('1');
        await store.clock.advance(2 * DAY_MS);
        await forgetOld(1);
        await ingest('1', 'reply', '200');
        await report(await claim(DRAFT), DRAFTED);
        await report(await claim(POST), { kind: 'posted', noteId: 'second' });
        expect(ticket('1')).toMatchObject({ subject: 'canary', draft: { version: 2 }, textRemovedAt: null });
        await store.clock.advance(2 * DAY_MS);
        await forgetOld(1);
        expect(ticket('1')).toMatchObject({ subject: null, draft: null });
      });

      it('forgets what single people have cost, not what all did', async () => {
        await postIt('1');
        const day = utcDay(store.clock.now());
        await store.clock.advance(2 * DAY_MS);
        await forgetOld(1);
        expect(store.reader.spentOn(day, 'zendesk 7')).toBe(0);
        expect(store.reader.spentOn(day, '')).toBeGreaterThan(0);
      });

      it('tells in the results of a batch that texts are gone', async () => {
        const { id } = await store.outbox.createBatch(makeBatch(['1']));
        await report(await claim(DRAFT), DRAFTED);
        await report(await claim(POST), { kind: 'posted', noteId: 'n' });
        await store.clock.advance(2 * DAY_MS);
        await forgetOld(1);
        expect(store.reader.batchResults(id, null, 10)).toMatchObject([
          { id: '1', status: 'posted', draft: null, attempts: 2, textRemovedAt: store.clock.now() },
        ]);
      });
    });

    describe('a person', () => {
      it('is removed everywhere; ids, statuses and the day of all stay; nobody else is touched', async () => {
        await postIt('1');
        await draftIt('2', dead());
        await postIt('3', { ...DRAFTED, facts: { subject: 'other', requesterId: '8' } });
        expect(spentBySeven()).toBeGreaterThan(0);
        const spentByAll = store.reader.spentOn(utcDay(store.clock.now()), '');
        expect(await erase()).toEqual({
          tickets: 2,
          drafts: 1,
          errors: 1,
          spendingDays: 1,
          solved: 0,
          cancelled: 0,
          notes: 1,
          posting: 0,
          atProvider: 0,
          filesCleaned: true,
          running: [],
        });
        expect(ticket('1')).toMatchObject({ status: 'posted', subject: null, draft: null, noteId: 'note of 1' });
        expect(ticket('2')).toMatchObject({ status: 'dead', subject: null, error: null });
        expect(ticket('3')).toMatchObject({ subject: 'other', draft: { body: 'Dear canary' }, textRemovedAt: null });
        expect(spentBySeven()).toBe(0);
        expect(store.reader.spentOn(utcDay(store.clock.now()), '')).toBe(spentByAll);
        expect(await erase()).toMatchObject({ tickets: 0, spendingDays: 0 });
      });

      it('has live work ended, whatever it was doing', async () => {
        await draftIt('waits');
        await draftIt('held', { ...DRAFTED, next: 'hold' });
        await draftIt('again', { ...retry(false), facts: { subject: 'canary', requesterId: '7' } } as JobOutcome);
        await store.clock.advance(1);
        const running = await claim(DRAFT);
        expect(running.ticketId).toBe('again');
        const erased = await erase();
        expect(erased).toMatchObject({ tickets: 3, cancelled: 3, drafts: 2 });
        expect(erased.running).toEqual([{ jobId: running.jobId, attempt: running.attempt, owner: running.owner }]);
        for (const id of ['waits', 'held', 'again']) {
          expect(ticket(id)).toMatchObject({ status: 'cancelled', reason: 'erased', subject: null, draft: null });
        }
        expect(await report(running, DRAFTED)).toBe('lost');
        expect(ticket('again')).toMatchObject({ subject: null, draft: null });
        expect(spentBySeven()).toBe(0);
      });

      it('is not brought back by a draft that was begun before, of a ticket whose requester was not known yet', async () => {
        await ingest('1');
        const begun = await claim(DRAFT);
        await store.clock.advance(100);
        await erase();
        await store.clock.advance(100);
        expect(await report(begun, DRAFTED, 200)).toBe('lost');
        expect(ticket('1')).toMatchObject({ status: 'cancelled', reason: 'erased', subject: null, draft: null });
        expect(spentBySeven()).toBe(0);
        expect(store.reader.spentOn(utcDay(store.clock.now()), '')).toBe(0.25);
      });

      it('is served again when a later webhook comes', async () => {
        await postIt('1');
        await erase();
        await store.clock.advance(1000);
        expect(await ingest('1')).toBe('duplicate');
        expect(await ingest('1', 'later', '200')).toBe('accepted');
        await report(await claim(DRAFT), DRAFTED);
        expect(ticket('1')).toMatchObject({ status: 'posting', subject: 'canary', draft: { body: 'Dear canary' } });
      });

      it('gets no second note: one that is being written arrives, and its text is gone', async () => {
        await draftIt('1');
        const posting = await claim(POST);
        expect(await store.outbox.intendPost(posting, store.clock.steady())).toBe(true);
        expect(await erase()).toMatchObject({ cancelled: 0, posting: 1, drafts: 1, running: [] });
        await report(posting, retry(true));
        expect(ticket('1')).toMatchObject({ status: 'retrying', error: null, draft: null });
        const again = await claim(POST);
        expect(again.draft).toMatchObject({ body: null, finding: null });
        await report(again, { kind: 'posted', noteId: 'n' });
        expect(ticket('1')).toMatchObject({ status: 'posted', noteId: 'n', draft: null, subject: null });
        expect(ticket('1')?.attempts.every(({ error }) => error === null)).toBe(true);
      });

      it('may write again while a note is being written: the answer to that is kept', async () => {
        await draftIt('1');
        const posting = await claim(POST);
        await store.outbox.intendPost(posting, store.clock.steady());
        await erase();
        await store.clock.advance(10);
        await ingest('1', 'later', '200');
        await report(posting, { kind: 'outdated' });
        await report(await claim(DRAFT), { ...DRAFTED, seenMessageId: '200' });
        expect(ticket('1')).toMatchObject({ status: 'posting', draft: { body: 'Dear canary' }, textRemovedAt: null });
      });

      it('is not drafted again by a batch that goes on', async () => {
        const { id } = await store.outbox.createBatch(makeBatch(['1', '2']));
        await report(await claim(DRAFT), { ...DRAFTED, next: 'hold' });
        await report(await claim(DRAFT), { ...DRAFTED, facts: { subject: 's', requesterId: '8' }, next: 'hold' });
        await erase();
        expect(store.reader.batch(id)?.state).toBe('completed');
        await store.outbox.retryBatch(id, null);
        expect(ticket('1')).toMatchObject({ status: 'cancelled', reason: 'erased' });
        await store.outbox.retryTicket('zendesk', '1');
        expect(ticket('1')?.status).toBe('queued');
      });

      it.each([false, true])(
        'is not brought back by a draft from the Batch API that comes hours later (batch cancelled before: %s)',
        async (cancelledBefore) => {
          const { id } = await store.outbox.createBatch(makeBatch(['1'], { lane: 'economy' }));
          const job = await claim({ ...DRAFT, economy: 10 });
          const context = {
            conversationVersion: 'v1',
            seenMessageId: '100',
            fetchedAt: store.clock.steady(),
            startedAt: store.clock.now(),
            knownText: 'https://canary.example',
            placeholders: { '[email 1]': 'canary@example.com' },
            grounding: { passages: [{ ...CANARY_REF, ref: 'A1', text: 'canary' }], bestShare: 1 },
            cut: 'canary',
            model: 'm',
            usd: 1,
          };
          const facts = { subject: 'canary', requesterId: '7' };
          await report(job, { kind: 'consigned', consignment: 'key', context, facts });
          await store.outbox.consignments.begin('key');
          if (cancelledBefore) {
            await store.outbox.cancelBatch(id);
            await store.outbox.tendBatches();
          }
          expect(await erase()).toMatchObject({ tickets: 1, atProvider: 1, cancelled: cancelledBefore ? 0 : 1 });
          const [waiting] = store.outbox.consignments.waitingAfter('key', '', 10);
          if (waiting === undefined) throw new Error('nobody waits');
          expect(JSON.stringify(waiting.context)).not.toContain('canary');
          const { facts: _, ...result } = DRAFTED;
          expect(await report(waiting.job, result)).toBe('lost');
          expect(ticket('1')).toMatchObject({ status: 'cancelled', subject: null, draft: null });
          expect(store.reader.batchAccount(id)).toMatchObject({ costUsd: 0.5, consignedUsd: 0 });
          expect(spentBySeven()).toBe(0);
        },
      );

      it('may have many tickets: they are gone through in slices', async () => {
        for (let index = 0; index < 120; index += 1) await draftIt(String(index), dead());
        expect(await erase()).toMatchObject({ tickets: 120, errors: 120 });
      });
    });
  });
}
