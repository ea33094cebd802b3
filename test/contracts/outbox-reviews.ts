import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ClaimedJob, ClaimOffer, JobOutcome, Spent } from '../../src/core/outbox.ts';
import { utcDay } from '../../src/core/spend-guard.ts';
import type { DraftReview } from '../../src/core/ticket.ts';
import { makeBatch, makeDraft, makeDrafted, makeEvent, TRACEPARENT } from '../support/factories.ts';
import { DRAFT, type OutboxSetup, type OutboxUnderTest, POST, TIMING } from './outbox.ts';

const REVIEW: ClaimOffer = { ...DRAFT, stage: 'review' };
const REVISE: ClaimOffer = { ...DRAFT, stage: 'revise' };
const ALL = [DRAFT, REVIEW, REVISE, POST];
const PASSED: DraftReview = { verdict: 'passed', model: 'a-judge', problems: [] };
const OBJECTED: DraftReview = { verdict: 'objected', model: 'a-judge', problems: ['It promises a refund.'] };
const SPENT: Spent = {
  usage: { promptTokens: 500, cachedTokens: 0, completionTokens: 20 },
  costUsd: 0.25,
  waitedMs: 0,
};

type Reviewed = Extract<JobOutcome, { kind: 'reviewed' }>;

function makeReviewed(overrides: Partial<Reviewed> = {}): Reviewed {
  return { kind: 'reviewed', review: PASSED, failure: null, next: 'post', ...overrides };
}

/** What every store must do with drafts that are reviewed and revised before they go on. */
export function outboxReviewContract(name: string, open: (setup: OutboxSetup) => Promise<OutboxUnderTest>): void {
  describe(`outbox contract, reviews: ${name}`, () => {
    let store: OutboxUnderTest;
    beforeEach(async () => {
      store = await open({ maxPending: 1000 });
    });
    afterEach(() => store.dispose());

    const ingest = (ticketId: string, overrides: Parameters<typeof makeEvent>[1] = {}) =>
      store.outbox.ingest({ helpdesk: 'zendesk', event: makeEvent(ticketId, overrides), traceparent: TRACEPARENT });
    const claim = (offer: ClaimOffer): Promise<ClaimedJob[]> => store.outbox.claim([offer], 100);
    const claimOne = async (offer: ClaimOffer): Promise<ClaimedJob> => {
      const [job] = await claim(offer);
      if (job === undefined) throw new Error(`nothing to claim for ${offer.stage}`);
      return job;
    };
    const report = (job: ClaimedJob, outcome: JobOutcome, spent: Spent | null = null) =>
      store.outbox.report(job, outcome, { ...TIMING, spent });
    const ticket = (id = '1') => store.reader.ticket('zendesk', id);
    const draftIt = async (overrides: Parameters<typeof makeDrafted>[0] = {}) =>
      report(await claimOne(DRAFT), makeDrafted({ next: 'review', ...overrides }));
    const reply = (messageId: string | null) => ingest('1', { key: `reply ${messageId}`, messageId });
    const stagesOf = (jobs: readonly ClaimedJob[]) => jobs.map(({ stage }) => stage);

    it('takes a draft through review and revision to its note, each a stage with tries of its own', async () => {
      await ingest('1');
      await draftIt();
      expect(ticket()).toMatchObject({ status: 'drafting', draft: { version: 1, review: null } });
      const review = await claimOne(REVIEW);
      expect(review).toMatchObject({ stage: 'review', stageAttempt: 1, failures: 0, draft: { version: 1 } });
      await report(review, makeReviewed({ review: OBJECTED, next: 'revise' }));
      expect(ticket()).toMatchObject({ status: 'drafting', draft: { version: 1, review: OBJECTED } });
      const revise = await claimOne(REVISE);
      expect(revise.draft?.review).toEqual(OBJECTED);
      const revised: DraftReview = { ...OBJECTED, verdict: 'revised' };
      await report(revise, makeDrafted({ draft: makeDraft({ body: 'Better.', review: revised }) }));
      expect(ticket()).toMatchObject({ status: 'posting', draft: { version: 2, body: 'Better.', review: revised } });
      await report(await claimOne(POST), { kind: 'posted', noteId: 'n1' });
      expect(ticket()?.attempts.map(({ stage, number, outcome }) => `${stage} ${number} ${outcome}`)).toEqual([
        'draft 1 ok',
        'review 1 ok',
        'revise 1 ok',
        'post 1 ok',
      ]);
    });

    it('hands out what is nearest to its end first', async () => {
      for (const id of ['1', '2', '3']) await ingest(id);
      const [first, second] = await claim(DRAFT);
      if (first === undefined || second === undefined) throw new Error('nothing to claim');
      await report(first, makeDrafted({ next: 'review' }));
      await report(second, makeDrafted());
      await ingest('4');
      expect(stagesOf(await store.outbox.claim(ALL, 10))).toEqual(['post', 'review', 'draft']);
    });

    it('holds a reviewed draft', async () => {
      await store.outbox.createBatch(makeBatch(['1'], { post: 'hold' }));
      await draftIt();
      await report(await claimOne(REVIEW), makeReviewed({ next: 'hold' }));
      expect(ticket()?.status).toBe('drafted');
      expect(await store.outbox.claim(ALL, 10)).toEqual([]);
    });

    it('goes on with a review after the process has died, and buys no draft again', async () => {
      await ingest('1');
      await draftIt();
      store = await store.reopen('second');
      expect(await claim(DRAFT)).toEqual([]);
      await claimOne(REVIEW);
      store = await store.reopen('third');
      expect(ticket()?.status).toBe('retrying');
      expect(store.outbox.hasReviews).toBe(true);
      await report(await claimOne(REVIEW), makeReviewed({ review: OBJECTED, next: 'revise' }));
      store = await store.reopen('fourth');
      expect(stagesOf(await store.outbox.claim(ALL, 10))).toEqual(['revise']);
    });

    it('has no reviews where nobody reviews', async () => {
      await ingest('1');
      await report(await claimOne(DRAFT), makeDrafted());
      store = await store.reopen('second');
      expect(store.outbox.hasReviews).toBe(false);
    });

    it('takes no verdict from a claim that is not the one that holds', async () => {
      await ingest('1');
      await draftIt();
      const stale = await claimOne(REVIEW);
      store = await store.reopen('second');
      const now = await claimOne(REVIEW);
      expect(await report(stale, makeReviewed({ review: OBJECTED, next: 'revise' }))).toBe('lost');
      expect(ticket()?.draft?.review).toBeNull();
      expect(await report(now, makeReviewed())).toBe('ok');
    });

    it('waits and counts failures of its own, and shows why a draft goes on unreviewed', async () => {
      await ingest('1');
      await draftIt();
      const failure = { errorClass: 'server_error', error: 'The model answered 500.' } as const;
      const again: JobOutcome = {
        kind: 'retry',
        delayMs: 1000,
        countsAsAttempt: true,
        postInDoubt: false,
        ...failure,
      };
      await report(await claimOne(REVIEW), again);
      expect(ticket()?.status).toBe('retrying');
      expect(await claim(REVIEW)).toEqual([]);
      await store.clock.advance(1000);
      const second = await claimOne(REVIEW);
      expect(second).toMatchObject({ stageAttempt: 2, failures: 1 });
      const failed: DraftReview = { verdict: 'failed', model: 'a-judge', problems: ['The review did not work.'] };
      await report(second, makeReviewed({ review: failed, failure }));
      expect(ticket()).toMatchObject({ status: 'posting', errorClass: null, draft: { review: failed } });
      expect(ticket()?.attempts.at(-1)).toMatchObject({ stage: 'review', outcome: 'dead', ...failure });
      expect(await claimOne(POST)).toMatchObject({ stageAttempt: 1, failures: 0 });
    });

    it('counts what a review has cost, for the day and for its batch', async () => {
      const { id } = await store.outbox.createBatch(makeBatch(['1'], { budgetUsd: 5 }));
      await draftIt();
      await report(await claimOne(REVIEW), makeReviewed(), SPENT);
      expect(store.reader.batchAccount(id)?.costUsd).toBe(0.25);
      expect(store.reader.spentOn(utcDay(store.clock.now()), '')).toBe(0.25);
    });

    describe('a customer who writes again', () => {
      it('while the review waits: the draft is made anew', async () => {
        await ingest('1', { messageId: '100' });
        await draftIt();
        expect(await reply('101')).toBe('joined');
        expect(stagesOf(await store.outbox.claim(ALL, 10))).toEqual(['draft']);
      });

      it('while it goes on: the verdict is kept, and the draft is made anew', async () => {
        await ingest('1', { messageId: '100' });
        await draftIt();
        const review = await claimOne(REVIEW);
        await reply('101');
        expect(await report(review, makeReviewed())).toBe('superseded');
        expect(ticket()).toMatchObject({ status: 'queued', draft: { review: PASSED } });
        expect(stagesOf(await store.outbox.claim(ALL, 10))).toEqual(['draft']);
      });

      it('while the revision goes on', async () => {
        await ingest('1', { messageId: '100' });
        await draftIt();
        await report(await claimOne(REVIEW), makeReviewed({ review: OBJECTED, next: 'revise' }));
        const revise = await claimOne(REVISE);
        const fetchedAt = store.clock.steady();
        await reply('101');
        expect(await report(revise, makeDrafted({ fetchedAt }))).toBe('superseded');
        expect(stagesOf(await store.outbox.claim(ALL, 10))).toEqual(['draft']);
      });

      it('with an event that names no message: the look before the note will tell', async () => {
        await ingest('1', { messageId: '100' });
        await draftIt();
        const review = await claimOne(REVIEW);
        await reply(null);
        expect(await report(review, makeReviewed())).toBe('ok');
        expect(stagesOf(await store.outbox.claim(ALL, 10))).toEqual(['post']);
      });

      it('with such an event, where the draft is to be held: it is looked at, and kept as it was judged', async () => {
        await store.outbox.createBatch(makeBatch(['1'], { post: 'hold' }));
        const draft = await claimOne(DRAFT);
        await reply(null);
        const fetchedAt = store.clock.steady() - 1;
        expect(await report(draft, makeDrafted({ fetchedAt, next: 'review' }))).toBe('ok');
        expect(await report(await claimOne(REVIEW), makeReviewed({ next: 'hold' }))).toBe('superseded');
        const look = await claimOne(DRAFT);
        expect(look.verify).toMatchObject({ against: 'own' });
        await report(look, { kind: 'duplicate' });
        expect(ticket()).toMatchObject({ status: 'drafted', draft: { version: 1, review: PASSED } });
      });

      it('and a message that the draft has seen is a duplicate', async () => {
        await ingest('1', { messageId: '100' });
        await draftIt();
        expect(await reply('100')).toBe('duplicate');
        expect(stagesOf(await store.outbox.claim(ALL, 10))).toEqual(['review']);
      });
    });

    describe('a cancelled batch', () => {
      it('keeps a draft whose review waits, and goes on there when it is resumed', async () => {
        const { id } = await store.outbox.createBatch(makeBatch(['1']));
        await draftIt();
        await store.outbox.cancelBatch(id);
        await store.outbox.tendBatches();
        expect(ticket()?.status).toBe('cancelled');
        await store.outbox.resumeBatch(id);
        expect(stagesOf(await store.outbox.claim(ALL, 10))).toEqual(['review']);
      });

      it('voids a review that goes on, and counts its cost', async () => {
        const { id } = await store.outbox.createBatch(makeBatch(['1']));
        await draftIt();
        const review = await claimOne(REVIEW);
        const cancelled = await store.outbox.cancelBatch(id);
        expect(cancelled?.running).toMatchObject([{ jobId: review.jobId }]);
        expect(await report(review, makeReviewed(), SPENT)).toBe('lost');
        expect(store.reader.spentOn(utcDay(store.clock.now()), '')).toBe(0.25);
        expect(ticket()).toMatchObject({ status: 'cancelled', draft: { review: null } });
      });

      it('goes on for the customer who wrote meanwhile', async () => {
        const { id } = await store.outbox.createBatch(makeBatch(['1']));
        await draftIt();
        await reply(null);
        await store.outbox.cancelBatch(id);
        await store.outbox.tendBatches();
        expect(stagesOf(await store.outbox.claim(ALL, 10))).toEqual(['draft']);
      });
    });

    it('gives up a ticket of which the process dies in review, and posts its draft when it is retried', async () => {
      await ingest('1');
      await draftIt();
      for (let death = 1; death <= 3; death += 1) {
        await claimOne(REVIEW);
        store = await store.reopen(`life ${death}`);
        await store.clock.advance(5000);
      }
      expect(ticket()).toMatchObject({ status: 'dead', errorClass: 'crash_loop' });
      await store.outbox.retryTicket('zendesk', '1');
      expect(stagesOf(await store.outbox.claim(ALL, 10))).toEqual(['post']);
    });

    it('removes what a review has said with the other texts', async () => {
      await ingest('1');
      await draftIt();
      await report(await claimOne(REVIEW), makeReviewed({ review: OBJECTED }));
      await report(await claimOne(POST), { kind: 'posted', noteId: 'n1' });
      await store.clock.advance(10);
      await store.outbox.removeTexts(store.clock.now(), new AbortController().signal);
      expect(ticket()).toMatchObject({ draft: null });
      expect(JSON.stringify(store.reader.story('zendesk', '1'))).not.toContain('refund');
    });
  });
}
