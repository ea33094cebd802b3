import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ClaimedJob, ClaimOffer, JobOutcome, Outbox } from '../../src/core/outbox.ts';
import { TICKET_STATUSES, TRANSITIONS, type TicketStatus } from '../../src/core/ticket.ts';
import type { TicketReader } from '../../src/core/ticket-reader.ts';
import { makeBatch, makeDrafted, makeEvent, TRACEPARENT } from '../support/factories.ts';
import type { FakeClock } from '../support/fake-clock.ts';

export interface OutboxUnderTest {
  readonly outbox: Outbox;
  readonly reader: TicketReader;
  readonly clock: FakeClock;
  /** Another process takes over the same store; the first is gone without a word. */
  reopen(owner: string, options?: { readonly idsSetBackMs: number }): Promise<OutboxUnderTest>;
  /** True: the store takes no write from now on, as on a disk that is full. */
  refuseWrites(refused: boolean): void;
  dispose(): Promise<void>;
}

export interface OutboxSetup {
  readonly maxPending: number;
}

const LEASE_MS = 10_000;
export const DRAFT: ClaimOffer = { stage: 'draft', helpdesk: 'zendesk', limit: 100, batches: true };
export const POST: ClaimOffer = { stage: 'post', helpdesk: 'zendesk', limit: 100, batches: true };
export const TIMING = { startedAt: 0, durationMs: 5, spent: null };

/** What every store behind the port `Outbox` must do. */
export function outboxContract(name: string, open: (setup: OutboxSetup) => Promise<OutboxUnderTest>): void {
  describe(`outbox contract: ${name}`, () => {
    let store: OutboxUnderTest;

    beforeEach(async () => {
      store = await open({ maxPending: 1000 });
    });
    afterEach(() => store.dispose());

    const ingest = (ticketId: string, overrides: Parameters<typeof makeEvent>[1] = {}) =>
      store.outbox.ingest({ helpdesk: 'zendesk', event: makeEvent(ticketId, overrides), traceparent: TRACEPARENT });
    const claimOne = async (offer: ClaimOffer): Promise<ClaimedJob> => {
      const [job] = await store.outbox.claim([offer], 1);
      if (job === undefined) throw new Error(`nothing to claim for ${offer.stage}`);
      return job;
    };
    const report = (job: ClaimedJob, outcome: JobOutcome) => store.outbox.report(job, outcome, TIMING);
    const statusOf = (ticketId: string): TicketStatus | undefined => store.reader.ticket('zendesk', ticketId)?.status;
    const draftIt = async (ticketId: string, outcome = makeDrafted()) => {
      await ingest(ticketId);
      await report(await claimOne(DRAFT), outcome);
    };
    const postIt = async (ticketId: string, outcome = makeDrafted()) => {
      await draftIt(ticketId, outcome);
      await report(await claimOne(POST), { kind: 'posted', noteId: `note-${ticketId}` });
    };
    const retry = (overrides: Partial<Extract<JobOutcome, { kind: 'retry' }>> = {}): JobOutcome => ({
      kind: 'retry',
      delayMs: 1000,
      countsAsAttempt: true,
      postInDoubt: false,
      errorClass: 'server_error',
      error: 'The model answered 500.',
      ...overrides,
    });

    describe('ingest', () => {
      it('takes an event once', async () => {
        expect(await ingest('1')).toBe('accepted');
        expect(await ingest('1')).toBe('duplicate');
        expect(await store.outbox.claim([DRAFT], 10)).toHaveLength(1);
      });

      it('takes the same event once when it comes many times in one instant', async () => {
        const results = await Promise.all(Array.from({ length: 20 }, () => ingest('1')));
        expect(results.filter((result) => result === 'accepted')).toHaveLength(1);
        expect(results.filter((result) => result === 'duplicate')).toHaveLength(19);
      });

      it('keeps the keys of two helpdesks apart', async () => {
        await ingest('1');
        const other = await store.outbox.ingest({
          helpdesk: 'freshdesk',
          event: makeEvent('1'),
          traceparent: TRACEPARENT,
        });
        expect(other).toBe('accepted');
      });

      it('joins a newer reply to waiting work instead of making a second draft', async () => {
        await ingest('1');
        expect(await ingest('1', { key: 'reply', messageId: '101' })).toBe('joined');
        expect(await store.outbox.claim([DRAFT], 10)).toHaveLength(1);
        expect(store.reader.counts().queued + store.reader.counts().drafting).toBe(1);
      });

      it('answers duplicate when an event without a key meets waiting work', async () => {
        await ingest('1', { key: null });
        expect(await ingest('1', { key: null })).toBe('duplicate');
      });

      it('drafts again when a reply came while the draft was made from an older conversation', async () => {
        await ingest('1');
        const job = await claimOne(DRAFT);
        const fetchedAt = store.clock.steady();
        await store.clock.advance(10);
        await ingest('1', { key: 'reply', messageId: '101' });
        expect(await report(job, makeDrafted({ seenMessageId: '100', fetchedAt }))).toBe('superseded');
        expect(statusOf('1')).toBe('queued');
        expect(store.reader.ticket('zendesk', '1')?.draft?.version).toBe(1);
        await report(await claimOne(DRAFT), makeDrafted({ seenMessageId: '101' }));
        expect(store.reader.ticket('zendesk', '1')?.draft?.version).toBe(2);
      });

      it('does not draft again for an event that names no message: the look before the note will tell', async () => {
        await ingest('1', { key: 'comment', messageId: '100' });
        const job = await claimOne(DRAFT);
        const fetchedAt = store.clock.steady();
        await store.clock.advance(10);
        await ingest('1', { key: 'created', messageId: null });
        expect(await report(job, makeDrafted({ seenMessageId: '100', fetchedAt }))).toBe('ok');
        expect(statusOf('1')).toBe('posting');
      });

      it('looks first when an event that names no message came while a held draft was made, and keeps that draft', async () => {
        await ingest('1', { key: 'comment', messageId: '100' });
        const job = await claimOne(DRAFT);
        const fetchedAt = store.clock.steady();
        await store.clock.advance(10);
        await ingest('1', { key: 'created', messageId: null });
        const held = makeDrafted({ seenMessageId: '100', fetchedAt, next: 'skip' });
        expect(await report(job, held)).toBe('superseded');
        const again = await claimOne(DRAFT);
        expect(again.verify).toEqual({ against: 'own', seenMessageId: '100' });
        expect(await report(again, { kind: 'duplicate' })).toBe('ok');
        expect(store.reader.ticket('zendesk', '1')).toMatchObject({
          status: 'skipped',
          reason: 'no_draft',
          draft: { version: 1 },
        });
        expect(await store.outbox.claim([DRAFT], 10)).toEqual([]);
        // asked for again, it is made again
        await store.outbox.retryTicket('zendesk', '1');
        expect((await claimOne(DRAFT)).verify).toBeNull();
      });

      it.each<[string, JobOutcome]>([
        ['skipped', { kind: 'skipped', reason: 'answered' }],
        ['found to repeat an answered event', { kind: 'duplicate' }],
      ])('does not lose a reply that came while the ticket was %s', async (_, outcome) => {
        await postIt('1');
        await ingest('1', { key: null });
        const job = await claimOne(DRAFT);
        await store.clock.advance(10);
        await ingest('1', { key: 'reply', messageId: '101' });
        await store.clock.advance(1);
        const timing = { startedAt: 0, durationMs: 5, spent: null };
        expect(await store.outbox.report(job, outcome, timing)).toBe('superseded');
        expect(await store.outbox.claim([DRAFT], 1)).toHaveLength(1);
      });

      it('knows a message again that a stored but unposted draft has seen', async () => {
        await draftIt('1', makeDrafted({ seenMessageId: '100' }));
        await report(await claimOne(POST), { kind: 'dead', errorClass: 'invalid_request', error: 'no' });
        expect(await ingest('1', { key: 'again', messageId: '100' })).toBe('duplicate');
        expect(statusOf('1')).toBe('dead');
      });

      it('does not draft again for a reply that the fetched conversation already held', async () => {
        await ingest('1');
        const job = await claimOne(DRAFT);
        const fetchedAt = store.clock.steady();
        await store.clock.advance(10);
        await ingest('1', { key: 'reply', messageId: '101' });
        expect(await report(job, makeDrafted({ seenMessageId: '101', fetchedAt }))).toBe('ok');
        expect(statusOf('1')).toBe('posting');
      });

      it('drops an unposted draft when a newer reply is known', async () => {
        await draftIt('1');
        expect(await ingest('1', { key: 'reply', messageId: '200' })).toBe('joined');
        expect(statusOf('1')).toBe('queued');
        expect(await store.outbox.claim([POST], 10)).toHaveLength(0);
      });

      it('keeps an unposted draft that has seen the message', async () => {
        await draftIt('1', makeDrafted({ seenMessageId: '200' }));
        expect(await ingest('1', { key: 'reply', messageId: '150' })).toBe('duplicate');
        expect(await store.outbox.claim([POST], 10)).toHaveLength(1);
      });

      it('makes new work of a newer reply on a posted ticket', async () => {
        await postIt('1');
        expect(await ingest('1', { key: 'reply', messageId: '101' })).toBe('accepted');
        const job = await claimOne(DRAFT);
        expect(job.verify).toMatchObject({ against: 'posted' });
        expect(job.earlier?.seenMessageId).toBe('100');
        expect(store.reader.counts().posted).toBe(0);
      });

      it('makes no work of a message that the posted draft has seen', async () => {
        await postIt('1');
        expect(await ingest('1', { key: 'second event of the same action', messageId: '100' })).toBe('duplicate');
        expect(statusOf('1')).toBe('posted');
      });

      it('shows the earlier status again when an event turns out to repeat one', async () => {
        await postIt('1');
        await ingest('1', { key: null });
        expect(statusOf('1')).toBe('queued');
        await report(await claimOne(DRAFT), { kind: 'duplicate' });
        const ticket = store.reader.ticket('zendesk', '1');
        expect(ticket).toMatchObject({ status: 'posted', noteId: 'note-1' });
        expect(store.reader.counts()).toMatchObject({ posted: 1, queued: 0, drafting: 0 });
      });

      it('shows the earlier status again also when the clock was set back over a restart', async () => {
        await postIt('1');
        store = await store.reopen('second', { idsSetBackMs: 3_600_000 });
        await ingest('1', { key: null });
        expect(await report(await claimOne(DRAFT), { kind: 'duplicate' })).toBe('ok');
        expect(statusOf('1')).toBe('posted');
      });

      it('queues new work for a reply that came while the note was written', async () => {
        await draftIt('1');
        const job = await claimOne(POST);
        await store.outbox.intendPost(job, store.clock.steady());
        await ingest('1', { key: 'reply', messageId: '101' });
        await report(job, { kind: 'posted', noteId: 'n' });
        const next = await claimOne(DRAFT);
        expect(next.marker).not.toBe(job.marker);
        expect(next.earlier?.marker).toBe(job.marker);
      });

      it('refuses new work when full, but still knows its duplicates', async () => {
        await store.dispose();
        store = await open({ maxPending: 2 });
        expect(await Promise.all([ingest('1'), ingest('2'), ingest('3')])).toEqual(['accepted', 'accepted', 'full']);
        expect(await ingest('1')).toBe('duplicate');
        expect(statusOf('3')).toBeUndefined();
        await report(await claimOne(DRAFT), { kind: 'skipped', reason: 'spam' });
        expect(await ingest('3')).toBe('accepted');
      });
    });

    describe('claims', () => {
      it('hands a job to one worker only', async () => {
        await ingest('1');
        const claims = await Promise.all([store.outbox.claim([DRAFT], 5), store.outbox.claim([DRAFT], 5)]);
        expect(claims.flat()).toHaveLength(1);
      });

      it('gives at most what was asked for, per offer and in all', async () => {
        await Promise.all(['1', '2', '3', '4'].map((id) => ingest(id)));
        expect(await store.outbox.claim([{ ...DRAFT, limit: 3 }], 2)).toHaveLength(2);
        expect(await store.outbox.claim([{ ...DRAFT, limit: 1 }], 5)).toHaveLength(1);
      });

      it('serves live before batch and notes before drafts', async () => {
        await store.outbox.createBatch(makeBatch(['1', '2']));
        await report(await claimOne(DRAFT), makeDrafted());
        await ingest('3');
        const order = await store.outbox.claim([DRAFT, POST], 10);
        expect(order.map(({ stage, lane }) => `${lane} ${stage}`)).toEqual(['live draft', 'batch post', 'batch draft']);
      });

      it('raises a batch ticket to the live lane when a webhook asks for it', async () => {
        await store.outbox.createBatch(makeBatch(['1', '2']));
        await ingest('2');
        expect(await claimOne(DRAFT)).toMatchObject({ ticketId: '2', lane: 'live' });
      });

      it('keeps a delayed job back until it is due', async () => {
        await ingest('1');
        await report(await claimOne(DRAFT), retry({ delayMs: 1000 }));
        expect(statusOf('1')).toBe('retrying');
        await store.clock.advance(999);
        expect(await store.outbox.claim([DRAFT], 1)).toHaveLength(0);
        await store.clock.advance(1);
        expect(await claimOne(DRAFT)).toMatchObject({ stageAttempt: 2, failures: 1 });
      });

      it('counts failures only where they count', async () => {
        await ingest('1');
        await report(await claimOne(DRAFT), retry({ delayMs: 0, countsAsAttempt: false, errorClass: 'rate_limited' }));
        expect(await claimOne(DRAFT)).toMatchObject({ stageAttempt: 2, failures: 0 });
      });

      it('refuses every write of a worker that lost its claim', async () => {
        await draftIt('1');
        const late = await claimOne(POST);
        await store.clock.advance(LEASE_MS + 1);
        expect(await store.outbox.reclaimExpired()).toBe(1);
        const now = await claimOne(POST);
        expect(now.attempt).toBe(late.attempt + 1);
        expect(await report(late, { kind: 'posted', noteId: 'late' })).toBe('lost');
        expect(await store.outbox.intendPost(late, 0)).toBe(false);
        expect(await store.outbox.heartbeat([late, now])).toEqual([late]);
        expect(await report(now, { kind: 'posted', noteId: 'n' })).toBe('ok');
        expect(store.reader.ticket('zendesk', '1')?.noteId).toBe('n');
      });

      it('keeps a lease alive by heartbeats', async () => {
        await ingest('1');
        const job = await claimOne(DRAFT);
        for (let beat = 0; beat < 3; beat += 1) {
          await store.clock.advance(LEASE_MS - 1);
          expect(await store.outbox.heartbeat([job])).toEqual([]);
        }
        expect(await store.outbox.reclaimExpired()).toBe(0);
      });

      it('gives the jobs of a killed process to the next one, the failure not counted', async () => {
        await ingest('1');
        const job = await claimOne(DRAFT);
        store = await store.reopen('second');
        const again = await claimOne(DRAFT);
        expect(again).toMatchObject({ ticketId: '1', failures: 0, owner: 'second' });
        expect(again.attempt).toBeGreaterThan(job.attempt);
        expect(again.marker).toBe(job.marker);
      });
    });

    describe('results', () => {
      it('never buys a draft again because posting failed', async () => {
        await draftIt('1', makeDrafted({ draft: makeDrafted().draft }));
        await report(await claimOne(POST), retry({ delayMs: 0 }));
        const job = await claimOne(POST);
        expect(job.draft).toMatchObject({
          body: 'Please restart the app.',
          version: 1,
          questions: ['Which version is it?'],
        });
      });

      it('remembers that a note may be on its way until that is settled', async () => {
        await draftIt('1');
        const first = await claimOne(POST);
        await store.outbox.intendPost(first, store.clock.steady());
        await report(first, retry({ delayMs: 0, postInDoubt: true, errorClass: 'ambiguous_post' }));
        const second = await claimOne(POST);
        expect(second.postIntendedAt).toBe(store.clock.steady());
        await report(second, retry({ delayMs: 0, postInDoubt: false }));
        expect((await claimOne(POST)).postIntendedAt).toBeNull();
      });

      it('remembers the intent over a crash', async () => {
        await draftIt('1');
        await store.outbox.intendPost(await claimOne(POST), store.clock.steady());
        await store.clock.advance(30_000);
        store = await store.reopen('second');
        // how long ago the write began cannot be told over a restart: it may land from now on
        expect((await claimOne(POST)).postIntendedAt).toBe(store.clock.steady());
      });

      it('keeps a held draft until it is released', async () => {
        await draftIt('1', makeDrafted({ next: 'hold' }));
        expect(statusOf('1')).toBe('drafted');
        expect(await store.outbox.claim([POST], 1)).toHaveLength(0);
        expect(await store.outbox.releaseTicket('zendesk', '1')).toEqual({ kind: 'ok' });
        expect(await store.outbox.claim([POST], 1)).toHaveLength(1);
        expect(await store.outbox.releaseTicket('zendesk', '1')).toEqual({ kind: 'conflict', status: 'posting' });
      });

      it('keeps a finding that is not posted', async () => {
        await draftIt('1', makeDrafted({ next: 'skip' }));
        expect(store.reader.ticket('zendesk', '1')).toMatchObject({ status: 'skipped', reason: 'no_draft' });
      });

      it('goes back to drafting when the look finds a newer reply', async () => {
        await draftIt('1');
        await report(await claimOne(POST), { kind: 'outdated' });
        expect(await claimOne(DRAFT)).toMatchObject({ stage: 'draft', stageAttempt: 1, failures: 0 });
      });

      it('tells the whole story of a ticket', async () => {
        await ingest('1');
        await report(await claimOne(DRAFT), retry({ delayMs: 0 }));
        await report(await claimOne(DRAFT), makeDrafted());
        await report(await claimOne(POST), { kind: 'posted', noteId: '55' });
        const ticket = store.reader.ticket('zendesk', '1');
        expect(ticket).toMatchObject({
          status: 'posted',
          subject: 'It does not start',
          noteId: '55',
          traceId: '0123456789abcdef0123456789abcdef',
        });
        expect(
          ticket?.attempts.map(({ stage, number, outcome, errorClass }) => [stage, number, outcome, errorClass]),
        ).toEqual([
          ['draft', 1, 'retry', 'server_error'],
          ['draft', 2, 'ok', null],
          ['post', 1, 'ok', null],
        ]);
      });
    });

    describe('operators', () => {
      const kill = async (ticketId: string, stage: 'draft' | 'post') => {
        if (stage === 'post') await draftIt(ticketId);
        else await ingest(ticketId);
        await report(await claimOne(stage === 'post' ? POST : DRAFT), {
          kind: 'dead',
          errorClass: 'invalid_request',
          error: 'The helpdesk refused the note.',
        });
      };

      it('revives a dead ticket where it died, with the draft it has', async () => {
        await kill('1', 'post');
        expect(store.reader.ticket('zendesk', '1')).toMatchObject({ status: 'dead', errorClass: 'invalid_request' });
        expect(await store.outbox.retryTicket('zendesk', '1')).toEqual({ kind: 'ok' });
        expect(statusOf('1')).toBe('queued');
        expect((await claimOne(POST)).draft?.body).toBe('Please restart the app.');
      });

      it('holds a held draft again when its cancelled batch is retried, and posts no finding that was not to be posted', async () => {
        const { id } = await store.outbox.createBatch(makeBatch(['1', '2'], { post: 'hold' }));
        await report(await claimOne(DRAFT), makeDrafted({ next: 'hold' }));
        await store.outbox.cancelBatch(id);
        await store.outbox.tendBatches();
        expect(await store.outbox.retryTicket('zendesk', '1')).toEqual({ kind: 'ok' });
        expect(statusOf('1')).toBe('drafted');
        await draftIt('3', makeDrafted({ next: 'skip' }));
        await store.outbox.retryTicket('zendesk', '3');
        expect((await claimOne(DRAFT)).ticketId).toBe('3');
      });

      it('refuses to retry what is not over, and what it does not know', async () => {
        await ingest('1');
        expect(await store.outbox.retryTicket('zendesk', '1')).toEqual({ kind: 'conflict', status: 'queued' });
        expect(await store.outbox.retryTicket('zendesk', '2')).toEqual({ kind: 'unknown' });
      });

      it('revives dead letters by id, by class, or all', async () => {
        await kill('1', 'draft');
        await kill('2', 'draft');
        await kill('3', 'post');
        expect(await store.outbox.retryDead({ ticketIds: ['1', '99'] })).toBe(1);
        expect(await store.outbox.retryDead({ errorClass: 'timeout' })).toBe(0);
        expect(await store.outbox.retryDead({})).toBe(2);
        expect(store.reader.counts().dead).toBe(0);
      });

      it('remembers pauses over a restart', async () => {
        await store.outbox.setPause({ scope: 'all', reason: 'operator', errorClass: null, since: store.clock.now() });
        store = await store.reopen('second');
        expect(store.outbox.pauses()).toMatchObject([{ scope: 'all', reason: 'operator' }]);
        expect(await store.outbox.clearPause('all')).toBe(true);
        expect(await store.outbox.clearPause('all')).toBe(false);
      });
    });

    describe('reading', () => {
      it('pages through tickets by status without gaps or repetition', async () => {
        const ids = Array.from({ length: 7 }, (_, index) => String(index + 1));
        for (const id of ids) await ingest(id);
        const seen: string[] = [];
        let cursor: string | undefined;
        do {
          const page = store.reader.tickets({
            status: 'queued',
            limit: 3,
            ...(cursor === undefined ? {} : { cursor }),
          });
          seen.push(...page.items.map((ticket) => ticket.ticketId));
          cursor = page.nextCursor ?? undefined;
        } while (cursor !== undefined);
        expect(seen.toSorted()).toEqual(ids);
      });

      it('refuses a cursor that is not its own', () => {
        expect(() => store.reader.tickets({ limit: 1, cursor: 'x' })).toThrow(/cursor/);
      });

      it('tells how long the oldest ticket has waited', async () => {
        expect(store.reader.oldestQueuedSeconds()).toBe(0);
        await ingest('1');
        await store.clock.advance(5000);
        await ingest('2');
        expect(store.reader.oldestQueuedSeconds()).toBe(5);
      });
    });

    it('keeps its counts and its state machine right through any order of events', async () => {
      const random = seeded(7);
      const held: ClaimedJob[] = [];
      const last = new Map<string, TicketStatus>();
      for (let step = 0; step < 600; step += 1) {
        await randomStep(random, held, { ingest, outbox: store.outbox, report, retry });
        if (step % 20 === 0) await store.clock.advance(500);
        const tickets = store.reader.tickets({ limit: 500 }).items;
        expect(store.reader.counts()).toEqual(tally(tickets.map((ticket) => ticket.status)));
        for (const ticket of tickets) {
          const before = last.get(ticket.ticketId);
          if (before !== undefined && before !== ticket.status) {
            expect(reachable(before, ticket.status), `${before} → ${ticket.status}`).toBe(true);
          }
          last.set(ticket.ticketId, ticket.status);
        }
      }
      expect(last.size).toBeGreaterThan(5);
    });
  });
}

interface Steps {
  readonly ingest: (id: string, overrides: { key: string; messageId: string }) => Promise<unknown>;
  readonly outbox: Outbox;
  readonly report: (job: ClaimedJob, outcome: JobOutcome) => Promise<unknown>;
  readonly retry: (overrides: Partial<Extract<JobOutcome, { kind: 'retry' }>>) => JobOutcome;
}

async function randomStep(random: () => number, held: ClaimedJob[], steps: Steps): Promise<void> {
  const pick = <T>(items: readonly T[]): T => items[Math.floor(random() * items.length)] as T;
  const id = String(1 + Math.floor(random() * 8));
  const dice = random();
  if (dice < 0.3) {
    await steps.ingest(id, { key: `k${random()}`, messageId: String(Math.floor(random() * 1e6)) });
  } else if (dice < 0.6) {
    held.push(...(await steps.outbox.claim([DRAFT, POST], 2)));
  } else if (dice < 0.65) {
    await steps.outbox.retryTicket('zendesk', id);
  } else if (dice < 0.7) {
    await steps.outbox.releaseTicket('zendesk', id);
  } else if (held.length > 0) {
    const [job] = held.splice(Math.floor(random() * held.length), 1);
    if (job === undefined) return;
    const outcomes: JobOutcome[] = [
      steps.retry({ delayMs: 10 }),
      { kind: 'dead', errorClass: 'timeout', error: 'late' },
      { kind: 'skipped', reason: 'closed' },
      job.stage === 'draft'
        ? makeDrafted({
            next: pick(['post', 'hold', 'skip'] as const),
            seenMessageId: String(Math.floor(random() * 1e6)),
          })
        : { kind: 'posted', noteId: 'n' },
      job.stage === 'draft' ? makeDrafted({ fetchedAt: 0, seenMessageId: '1' }) : { kind: 'outdated' },
    ];
    await steps.report(job, pick(outcomes));
  }
}

/** One visible step may be two transitions: a note posted and the next round queued in the same write. */
function reachable(from: TicketStatus, to: TicketStatus): boolean {
  return TRANSITIONS[from].includes(to) || TRANSITIONS[from].some((between) => TRANSITIONS[between].includes(to));
}

function tally(statuses: readonly TicketStatus[]): Record<TicketStatus, number> {
  const counts = Object.fromEntries(TICKET_STATUSES.map((status) => [status, 0])) as Record<TicketStatus, number>;
  for (const status of statuses) counts[status] += 1;
  return counts;
}

function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 48271) % 2147483647;
    return state / 2147483647;
  };
}
