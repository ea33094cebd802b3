import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../src/core/clock.ts';
import type { TicketFilter } from '../../src/core/helpdesk.ts';
import { zendesk } from '../../src/helpdesks/zendesk.ts';
import { searchQuery } from '../../src/helpdesks/zendesk-query.ts';
import { inProcessFetch } from '../../src/sandbox/server.ts';
import { createZendeskSimulator, type ZendeskSimulatorOptions } from '../../src/sandbox/zendesk.ts';
import { fakeClock } from '../support/fake-clock.ts';
import { failure, json, never, stubFetch, testDeps } from './deps.ts';

const ENV = {
  ZENDESK_BASE_URL: 'https://acme.zendesk.com',
  ZENDESK_WEBHOOK_SECRET: 'webhook-secret-one',
  ZENDESK_OAUTH_TOKEN: 'zendesk-simulator-oauth-token',
  ZENDESK_REQUESTS_PER_MINUTE: '100000',
};

function setup(options: Partial<ZendeskSimulatorOptions> = {}) {
  const clock = fakeClock();
  const simulator = createZendeskSimulator({ clock, random: seededRandom(1), ...options });
  const helpdesk = zendesk.create(zendesk.settings.parse(ENV), testDeps(inProcessFetch(simulator.fetch), clock));
  const used = (path: string): number => simulator.stats().requests[`GET /api/v2${path}`] ?? 0;
  const walk = async (filter: TicketFilter, between: () => Promise<void> = async () => undefined) => {
    const listed: string[] = [];
    let cursor: string | null = null;
    do {
      const page = await helpdesk.listTickets(filter, cursor, never);
      listed.push(...page.tickets.map(({ ticketId }) => ticketId));
      cursor = page.nextCursor;
      await between();
    } while (cursor !== null);
    return listed;
  };
  const add = async (count: number) => {
    const ids: string[] = [];
    for (let index = 0; index < count; index++) {
      if (index % 10 === 0) await clock.advance(1000);
      ids.push(simulator.addTicket({ subject: 'Q', html: 'q' }));
    }
    return ids;
  };
  return { clock, simulator, helpdesk, used, walk, add };
}

describe('row 16: a sweep', () => {
  it('goes over the export with an admin’s credentials, and not into its last minutes', async () => {
    const { clock, used, walk, add } = setup({ role: 'admin' });
    const ids = await add(1100);
    await clock.advance(600_000);
    expect(new Set(await walk({}, () => clock.advance(60_000)))).toEqual(new Set(ids));
    expect([used('/incremental/tickets/cursor'), used('/tickets'), used('/search/export')]).toEqual([3, 0, 0]);
    expect(await walk({ updatedSince: clock.now() })).toEqual([]);
  });

  it('falls back to the list by update on a 403, and remembers', async () => {
    const { clock, used, walk, add } = setup();
    await add(50);
    await clock.advance(60_000);
    const since = clock.now();
    const ids = await add(150);
    expect(new Set(await walk({ updatedSince: since }))).toEqual(new Set(ids));
    expect(new Set(await walk({ updatedSince: since }))).toEqual(new Set(ids));
    expect([used('/incremental/tickets/cursor'), used('/tickets'), used('/search/export')]).toEqual([1, 4, 0]);
  });
});

describe('a filter', () => {
  it.each(['asc', 'desc'] as const)(
    'goes on where the vendor’s cursor died, whichever way it sorts (%s)',
    async (searchOrder) => {
      const { clock, walk, add, used } = setup({ searchOrder });
      const ids = await add(700);
      const listed = await walk({ status: ['new'] }, () => clock.advance(2 * 3_600_000));
      expect(new Set(listed)).toEqual(new Set(ids));
      // overlap is one second's tickets, not the walk from its beginning
      expect(listed.length - ids.length).toBeLessThanOrEqual(40);
      expect(used('/search/export')).toBe(4);
    },
  );

  it('misses nothing that stands still while others change', async () => {
    const { clock, simulator, walk, add } = setup({ role: 'admin' });
    const ids = await add(1200);
    await clock.advance(600_000);
    const changed = [...ids];
    const listed = await walk({}, async () => {
      for (let index = 0; index < 30; index++) simulator.agentReply(changed.pop() ?? '', '<p>x</p>', { public: false });
      await clock.advance(600_000);
    });
    expect(ids.filter((id) => !listed.includes(id))).toEqual([]);
  });

  it('takes a cursor that is refused early for a dead one', async () => {
    const { helpdesk, simulator, add } = setup();
    const ids = await add(300);
    const first = await helpdesk.listTickets({ status: ['new'] }, null, never);
    simulator.faults.failNext({ status: 400, body: '{}' });
    const second = await helpdesk.listTickets({ status: ['new'] }, first.nextCursor, never);
    const listed = [...first.tickets, ...second.tickets].map(({ ticketId }) => ticketId);
    expect(new Set(listed)).toEqual(new Set(ids));
  });

  it('that the vendor refuses names what was asked for', async () => {
    const { fetch } = stubFetch({ 'GET /api/v2/search/export.json': json({ error: 'invalid' }, 422) });
    const helpdesk = zendesk.create(zendesk.settings.parse(ENV), testDeps(fetch));
    const error = await failure(helpdesk.listTickets({ tags: ['vip'], createdSince: 1 }, null, never));
    expect(error).toMatchObject({ errorClass: 'invalid_request', status: 422 });
    expect(error.message).toContain('tags, createdSince');
  });

  it('asks for smaller pages where one is too large', async () => {
    const big = { length: 9 * 1024 * 1024 };
    const sizes: string[] = [];
    const fetch: typeof globalThis.fetch = async (input) => {
      const size = new URL(input instanceof Request ? input.url : input).searchParams.get('page[size]') ?? '';
      sizes.push(size);
      return Number(size) > 50
        ? new Response(' '.repeat(big.length))
        : json({ results: [], meta: { has_more: false } });
    };
    const helpdesk = zendesk.create(zendesk.settings.parse(ENV), testDeps(fetch));
    expect(await helpdesk.listTickets({ status: ['new'] }, null, never)).toEqual({ tickets: [], nextCursor: null });
    expect(sizes).toEqual(['200', '100', '50']);
  });

  it.each([
    [{ status: ['open'] }, 'status:open'],
    [{ status: ['new', 'hold'] }, 'status<solved'],
    [{ status: ['open', 'solved'] }, ''],
    [{ tags: ['vip', 'eu:west'], group: '7' }, 'tags:vip tags:"eu:west" group:7'],
    [{ createdSince: 1500, updatedUntil: 2500 }, 'created>=1970-01-01T00:00:01Z updated<1970-01-01T00:00:03Z'],
  ])('%j is asked for as %s', (filter, query) => {
    expect(searchQuery(filter, {})).toBe(query);
  });

  it.each(['a b', 'a"b', 'a\\b', 'a\nb'])('the tag %j cannot be, and reaches no query', async (tag) => {
    const { helpdesk, simulator } = setup();
    expect((await failure(helpdesk.listTickets({ tags: [tag] }, null, never))).message).toContain('"tags"');
    expect(simulator.stats().total).toBe(0);
  });
});

describe('joint reading', () => {
  it('fetches a hundred tickets in one request, live ones alone and at once', async () => {
    const { clock, helpdesk, used, add } = setup();
    const ids = await add(250);
    const [live = '', ...batch] = ids;
    await helpdesk.probe(never);
    const all = Promise.all(batch.map((id) => helpdesk.conversation(id, never, 'batch')));
    await helpdesk.conversation(live, never);
    expect([used('/tickets/:id'), used('/tickets/show_many')]).toEqual([1, 2]);
    await clock.advance(5);
    await all;
    expect([used('/tickets/:id'), used('/tickets/show_many')]).toEqual([1, 3]);
  });

  it('an ambiguous look is always alone', async () => {
    const { clock, helpdesk, used, add } = setup();
    const [ticketId = ''] = await add(1);
    await clock.advance(5000);
    const request = { ticketId, marker: 'dd-000000000001', version: '', seenMessageId: null, lane: 'batch' } as const;
    await helpdesk.look({ ...request, ambiguous: true }, never);
    expect([used('/tickets/:id'), used('/tickets/show_many')]).toEqual([1, 0]);
  });

  it('ends with its last caller, unsent', async () => {
    const { clock, helpdesk, used, add } = setup();
    const ids = await add(2);
    const controller = new AbortController();
    const all = ids.map((id) => failure(helpdesk.conversation(id, controller.signal, 'batch')));
    controller.abort();
    await Promise.all(all);
    await clock.advance(1000);
    expect([used('/tickets/show_many'), clock.pending()]).toEqual([0, 0]);
  });
});
