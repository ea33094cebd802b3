import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../src/core/clock.ts';
import type { TicketFilter } from '../../src/core/helpdesk.ts';
import { freshdesk } from '../../src/helpdesks/freshdesk.ts';
import { createFreshdeskSimulator } from '../../src/sandbox/freshdesk.ts';
import { inProcessFetch } from '../../src/sandbox/server.ts';
import { fakeClock } from '../support/fake-clock.ts';
import { failure, json, never, stubFetch, testDeps } from './deps.ts';

const ENV = {
  FRESHDESK_BASE_URL: 'https://acme.freshdesk.com',
  FRESHDESK_API_KEY: 'freshdesk-simulator-api-key',
  FRESHDESK_WEBHOOK_TOKEN: 'webhook-token-one',
  FRESHDESK_REQUESTS_PER_MINUTE: '100000',
};

function setup() {
  const clock = fakeClock();
  const simulator = createFreshdeskSimulator({ clock, random: seededRandom(1) });
  const helpdesk = freshdesk.create(freshdesk.settings.parse(ENV), testDeps(inProcessFetch(simulator.fetch), clock));
  const walk = async (filter: TicketFilter, between: () => void = () => undefined) => {
    const listed: string[] = [];
    let cursor: string | null = null;
    do {
      const page = await helpdesk.listTickets(filter, cursor, never);
      listed.push(...page.tickets.map(({ ticketId }) => ticketId));
      cursor = page.nextCursor;
      between();
    } while (cursor !== null);
    return listed;
  };
  const add = (count: number) => Array.from({ length: count }, () => simulator.addTicket({ subject: 'Q', html: 'q' }));
  return { clock, simulator, helpdesk, walk, add };
}

describe('a walk over the list by update', () => {
  it('asks for one page at one credit, from the start of the filter on', async () => {
    const { fetch, calls } = stubFetch({
      'GET /api/v2/tickets?': json([
        { id: 7, created_at: '2026-11-14T16:00:00Z', updated_at: '2026-11-14T16:59:46Z', status: 2 },
      ]),
    });
    const helpdesk = freshdesk.create(freshdesk.settings.parse(ENV), testDeps(fetch));
    expect(await helpdesk.listTickets({ updatedSince: Date.UTC(2026, 10, 1) }, null, never)).toEqual({
      tickets: [{ ticketId: '7', updatedAt: Date.UTC(2026, 10, 14, 16, 59, 46), open: true }],
      nextCursor: null,
    });
    expect(calls[0]?.path).toBe(
      '/api/v2/tickets?updated_since=2026-11-01T00%3A00%3A00Z&order_by=updated_at&order_type=asc&per_page=100&page=1',
    );
    expect(helpdesk.limits().usedRequests).toBe(1);
  });

  it('misses nothing that stands still while others change or go', async () => {
    const { clock, simulator, walk, add } = setup();
    const ids: string[] = [];
    for (let index = 0; index < 40; index++) {
      ids.push(...add(10));
      await clock.advance(1000);
    }
    const moving = ids.filter((_, index) => index % 7 === 0);
    const listed = await walk({}, () => {
      for (let index = 0; index < 10; index++)
        simulator.agentReply(moving.shift() ?? '', '<p>x</p>', { public: false });
      simulator.markSpam(moving.shift() ?? '');
    });
    expect(ids.filter((id) => !listed.includes(id) && simulator.ticketIds().includes(id))).toEqual([]);
  });

  it('misses nothing of one second that fills pages either', async () => {
    const { clock, simulator, walk, add } = setup();
    const ids = add(350);
    await clock.advance(1000);
    const later = add(20);
    await clock.advance(60_000);
    const moving = ids.slice(0, 60);
    let steps = 0;
    const listed = await walk({}, () => {
      steps += 1;
      for (let index = 0; index < 15; index++) {
        const id = moving.shift();
        if (id !== undefined) simulator.agentReply(id, '<p>x</p>', { public: false });
      }
    });
    expect([...ids, ...later].filter((id) => !listed.includes(id))).toEqual([]);
    expect(steps).toBeLessThan(12);
  });

  it('ends although all is of one second', async () => {
    const { walk, add } = setup();
    const ids = add(250);
    expect(new Set(await walk({}))).toEqual(new Set(ids));
  });

  it('knows statuses by name and by number', async () => {
    const { simulator, helpdesk, walk, add } = setup();
    const [open = '', pending = '', custom = '', resolved = ''] = add(4);
    simulator.setStatus(pending, 3);
    simulator.setStatus(custom, 7);
    simulator.solve(resolved);
    expect(await walk({ status: ['open', 'pending'] })).toEqual([open, pending]);
    expect(await walk({ status: ['7'] })).toEqual([custom]);
    expect(await walk({ status: ['resolved'] })).toEqual([resolved]);
    expect((await failure(helpdesk.listTickets({ status: ['solved'] }, null, never))).message).toContain(
      'open, pending, resolved, closed',
    );
  });
});
