import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { BatchStop } from '../../src/core/batch.ts';
import { seededRandom } from '../../src/core/clock.ts';
import { UpstreamError } from '../../src/core/errors.ts';
import type { TicketPage } from '../../src/core/helpdesk.ts';
import type { BatchWalk } from '../../src/core/ticket-reader.ts';
import { createBatchFeeder } from '../../src/pool/batch-feeder.ts';
import type { Gate } from '../../src/pool/gate.ts';
import { zeroCounts } from '../support/fakes.ts';
import { fakeClock } from '../support/fake-clock.ts';
import { recordingObserver } from '../support/recording-observer.ts';
import { stubHelpdesk } from '../support/stub-helpdesk.ts';

describe('the batch feeder', () => {
  let world: ReturnType<typeof setUp>;
  beforeEach(() => {
    world = setUp();
    world.feeder.start();
  });
  afterEach(() => world.feeder.stop());

  function setUp() {
    const clock = fakeClock();
    const walk = { batchId: 'b1', helpdesk: 'zendesk', filter: { status: ['new'] }, cursor: 'c1', waiting: 0 };
    const state = {
      walks: [walk] as BatchWalk[],
      added: [] as { readonly ids: readonly string[]; readonly next: string | null }[],
      stops: [] as (BatchStop | null)[],
      closed: [] as string[],
      allowance: Number.POSITIVE_INFINITY,
      cursors: [] as (string | null)[],
      queued: 0,
      answer: async (cursor: string | null): Promise<TicketPage> => ({
        tickets: [{ ticketId: `of ${cursor}`, updatedAt: 0, open: true }],
        nextCursor: cursor === 'c3' ? null : `c${Number(cursor?.slice(1)) + 1}`,
      }),
    };
    const helpdesk = {
      ...stubHelpdesk(),
      listTickets: async (_filter: object, cursor: string | null) => {
        state.cursors.push(cursor);
        return state.answer(cursor);
      },
    };
    const feeder = createBatchFeeder({
      outbox: {
        addToBatch: async (_id, ids, next) => {
          state.added.push({ ids, next });
          state.walks = next === null ? [] : [{ ...walk, cursor: next }];
        },
        pauseBatch: async (_id, stop) => {
          state.stops.push(stop);
          state.walks = [];
          return { kind: 'ok' };
        },
      },
      reader: { walks: () => state.walks, counts: () => ({ ...zeroCounts(), queued: state.queued }) },
      maxPending: 5_000,
      helpdesks: new Map([['zendesk', helpdesk]]),
      gate: {
        allowance: () => state.allowance,
        close: async (scope: string) => void state.closed.push(scope),
      } as unknown as Gate,
      retry: { maxAttempts: 3, baseMs: 1000, maxMs: 60_000 },
      clock,
      random: seededRandom(1),
      observer: recordingObserver(),
    });
    return { clock, state, walk, feeder };
  }

  const failing = (errorClass: UpstreamError['errorClass'], retryAfterMs?: number) => async () => {
    throw new UpstreamError(errorClass, 'zendesk says no.', {
      upstream: 'zendesk',
      ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    });
  };

  it('walks from the stored cursor to the end, a page behind the other', async () => {
    await world.clock.advance(300);
    expect(world.state.cursors).toEqual(['c1', 'c2', 'c3']);
    expect(world.state.added.map(({ next }) => next)).toEqual(['c2', 'c3', null]);
  });

  it('waits while enough tickets are ahead', async () => {
    world.state.walks = [{ ...world.walk, waiting: 1000 }];
    await world.clock.advance(5000);
    expect(world.state.cursors).toEqual([]);
    world.state.walks = [{ ...world.walk, waiting: 999 }];
    await world.clock.advance(300);
    expect(world.state.cursors.length).toBeGreaterThan(0);
  });

  it('leaves room in the outbox for live tickets', async () => {
    world.state.queued = 4_500;
    await world.clock.advance(5000);
    expect(world.state.cursors).toEqual([]);
    world.state.queued = 4_000;
    await world.clock.advance(300);
    expect(world.state.cursors.length).toBeGreaterThan(0);
  });

  it('asks nothing of a helpdesk that is paused', async () => {
    world.state.allowance = 0;
    await world.clock.advance(5000);
    expect(world.state.cursors).toEqual([]);
  });

  it('asks again for a page that failed, not before it may', async () => {
    const { answer } = world.state;
    world.state.answer = failing('rate_limited', 30_000);
    await world.clock.advance(300);
    expect(world.state.cursors).toEqual(['c1']);
    world.state.answer = answer;
    await world.clock.advance(29_000);
    expect(world.state.cursors).toEqual(['c1']);
    await world.clock.advance(3000);
    expect(world.state.cursors).toEqual(['c1', 'c1', 'c2', 'c3']);
    expect(world.state.stops).toEqual([]);
  });

  it('pauses the batch and says why when the vendor refuses, or fails too often', async () => {
    world.state.answer = failing('invalid_request');
    await world.clock.advance(300);
    expect(world.state.stops).toMatchObject([
      { errorClass: 'invalid_request', reason: expect.stringContaining('zendesk says no.') },
    ]);
    world.state.walks = [world.walk];
    world.state.answer = failing('timeout');
    await world.clock.advance(200_000);
    expect(world.state.stops).toHaveLength(2);
  });

  it('pauses the helpdesk, not the batch, when the credential is refused', async () => {
    world.state.answer = failing('auth');
    await world.clock.advance(300);
    expect(world.state.closed).toEqual(['zendesk']);
    expect(world.state.stops).toEqual([]);
  });
});
