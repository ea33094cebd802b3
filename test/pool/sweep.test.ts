import { expect, it } from 'vitest';
import { UpstreamError } from '../../src/core/errors.ts';
import type { ListedTicket, TicketFilter, TicketPage } from '../../src/core/helpdesk.ts';
import type { Gate } from '../../src/pool/gate.ts';
import { createSweep } from '../../src/pool/sweep.ts';
import { fakeClock } from '../support/fake-clock.ts';
import { recordingObserver } from '../support/recording-observer.ts';
import { stubHelpdesk } from '../support/stub-helpdesk.ts';

const MINUTE = 60_000;

function setUp({ lastEventAt = null as number | null, everyMinutes = 10 } = {}) {
  const clock = fakeClock();
  const observer = recordingObserver();
  const state = {
    filters: [] as TicketFilter[],
    found: [] as ListedTicket[],
    allowance: 1,
    full: false,
    list: async (_cursor: string | null): Promise<TicketPage> => ({ tickets: [], nextCursor: null }),
  };
  const sweep = createSweep({
    outbox: {
      ingestMissed: async (_helpdesk, listed) => {
        if (state.full) return { found: 0, refused: listed.length };
        return { found: state.found.push(...listed), refused: 0 };
      },
    },
    reader: { lastEventAt: () => lastEventAt },
    helpdesks: new Map([
      [
        'zendesk',
        {
          ...stubHelpdesk(),
          listTickets: async (filter: TicketFilter, cursor: string | null) => {
            state.filters.push(filter);
            return state.list(cursor);
          },
        },
      ],
    ]),
    gate: { allowance: () => state.allowance } as unknown as Gate,
    clock,
    observer,
    everyMinutes,
  });
  sweep.start();
  return { clock, observer, state, sweep };
}

it('looks back to the last event before the service went down, and from then on to its own last look', async () => {
  const began = fakeClock().now();
  const { clock, state, sweep } = setUp({ lastEventAt: began - 90 * MINUTE });
  await clock.advance(10 * MINUTE);
  expect(state.filters).toEqual([{ updatedSince: began - 95 * MINUTE }]);
  await clock.advance(10 * MINUTE);
  // two minutes are left to webhooks that are on their way, five are looked at twice
  expect(state.filters[1]).toEqual({ updatedSince: began + (10 - 2 - 5) * MINUTE });
  sweep.stop();
});

it('follows the list to its end, and leaves young changes to their webhooks', async () => {
  const { clock, state, observer, sweep } = setUp();
  state.list = async (cursor) => ({
    tickets: [{ ticketId: cursor ?? 'first', updatedAt: clock.now() - (cursor === null ? 0 : 3 * MINUTE), open: true }],
    nextCursor: cursor === null ? 'second' : null,
  });
  await clock.advance(10 * MINUTE);
  expect(state.found.map(({ ticketId }) => ticketId)).toEqual(['second']);
  expect(observer.events).toMatchObject([{ name: 'sweep', helpdesk: 'zendesk', listed: 1, found: 1 }]);
  sweep.stop();
});

it('brings again what found the outbox full', async () => {
  const { clock, state, observer, sweep } = setUp();
  const changedAt = clock.now();
  state.full = true;
  state.list = async () => ({ tickets: [{ ticketId: '1', updatedAt: changedAt, open: true }], nextCursor: null });
  await clock.advance(30 * MINUTE);
  state.full = false;
  await clock.advance(10 * MINUTE);
  expect(state.filters.at(-1)?.updatedSince).toBeLessThanOrEqual(changedAt);
  expect(state.found.map(({ ticketId }) => ticketId)).toEqual(['1']);
  expect(observer.events.find(({ name }) => name === 'alarm')).toMatchObject({ kind: 'sweep_failed' });
  sweep.stop();
});

it('reaches back over a sweep that failed, and says that it did', async () => {
  const { clock, state, observer, sweep } = setUp();
  state.list = async () => {
    throw new UpstreamError('server_error', 'zendesk failed (500).', { upstream: 'zendesk' });
  };
  await clock.advance(10 * MINUTE);
  await clock.advance(10 * MINUTE);
  const [first, second] = state.filters;
  expect(second?.updatedSince).toBeLessThanOrEqual((first?.updatedSince ?? 0) + 10 * MINUTE);
  expect(observer.events).toMatchObject([{ name: 'alarm', kind: 'sweep_failed' }, { name: 'alarm' }]);
  sweep.stop();
});

it('does nothing while the helpdesk is paused, or when it is off', async () => {
  const paused = setUp();
  paused.state.allowance = 0;
  await paused.clock.advance(30 * MINUTE);
  expect(paused.state.filters).toEqual([]);
  paused.sweep.stop();
  const off = setUp({ everyMinutes: 0 });
  await off.clock.advance(30 * MINUTE);
  expect(off.state.filters).toEqual([]);
});
