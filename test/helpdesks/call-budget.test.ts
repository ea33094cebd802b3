import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../src/core/clock.ts';
import { createCallBudget } from '../../src/helpdesks/call-budget.ts';
import type { Helpdesk } from '../../src/core/helpdesk.ts';
import { freshdesk } from '../../src/helpdesks/freshdesk.ts';
import type { HelpdeskDeps } from '../../src/helpdesks/helpdesk-module.ts';
import { zendesk } from '../../src/helpdesks/zendesk.ts';
import { createFreshdeskSimulator } from '../../src/sandbox/freshdesk.ts';
import { inProcessFetch } from '../../src/sandbox/server.ts';
import { createZendeskSimulator, type ZendeskSimulator } from '../../src/sandbox/zendesk.ts';
import { type FakeClock, fakeClock, tickingClock } from '../support/fake-clock.ts';
import { never, testDeps } from './deps.ts';

/** Starts what has room, every 100 ms, against a vendor's minute of `total` that others use too. Answers our calls. */
async function run(options: { total: number; configured: number; others?: number; resets?: boolean; minutes: number }) {
  const { total, configured, others = 0, resets = true, minutes } = options;
  const clock = fakeClock();
  const budget = createCallBudget(configured, clock);
  let ours = 0;
  let lowest = total;
  let startedAt = clock.steady();
  let usedByOthers = 0;
  let used = 0;
  for (let step = 0; step < minutes * 600; step++) {
    if (clock.steady() >= startedAt + 60_000) {
      startedAt = clock.steady();
      used = 0;
      usedByOthers = 0;
    }
    const due = Math.floor((others * (clock.steady() - startedAt)) / 60_000);
    used += due - usedByOthers;
    usedByOthers = due;
    while (budget.has(1)) {
      budget.take(1);
      ours += 1;
      used += 1;
      const resetsInMs = Math.ceil((startedAt + 60_000 - clock.steady()) / 1000) * 1000;
      budget.answered(1, { total, remaining: Math.max(0, total - used), ...(resets ? { resetsInMs } : {}) });
    }
    lowest = Math.min(lowest, total - used);
    await clock.advance(100);
  }
  return { perMinute: ours / minutes, lowest, budget };
}

describe('a budget', () => {
  it('uses 98 % of what it may, and leaves the account a tenth', async () => {
    const { perMinute, lowest, budget } = await run({ total: 100, configured: 1000, minutes: 5 });
    expect(perMinute).toBeGreaterThanOrEqual(0.98 * 90);
    expect(lowest).toBeGreaterThanOrEqual(5);
    expect(budget.snapshot()).toMatchObject({ perMinute: 90, inForce: 90, learned: 100, reserved: 10 });
  });

  it('never goes over what is configured', async () => {
    const { perMinute, lowest } = await run({ total: 100, configured: 80, minutes: 5 });
    expect(perMinute).toBeGreaterThanOrEqual(0.98 * 80);
    expect(perMinute).toBeLessThanOrEqual(81);
    expect(lowest).toBeGreaterThanOrEqual(17);
  });

  it.each([
    [100, 30, true],
    [100, 60, true],
    [700, 400, true],
    [40, 15, false],
    [400, 200, false],
  ])(
    'of %i, %i of which others take (resets told: %s), it takes nearly all that is left',
    async (total, others, resets) => {
      const { perMinute, lowest, budget } = await run({ total, configured: 1000, others, resets, minutes: 6 });
      const left = total * 0.9 - others;
      expect(perMinute).toBeGreaterThanOrEqual(0.85 * left);
      expect(perMinute).toBeLessThanOrEqual(left + 4);
      expect(lowest).toBeGreaterThan(0);
      expect(Math.abs(budget.snapshot().inForce - left)).toBeLessThanOrEqual(Math.max(4, 0.1 * left));
    },
  );

  it('goes on slowly where others take all but the reserve', async () => {
    const { perMinute, lowest } = await run({ total: 100, configured: 1000, others: 88, minutes: 6 });
    expect(perMinute).toBeGreaterThanOrEqual(2);
    expect(perMinute).toBeLessThanOrEqual(9);
    expect(lowest).toBeGreaterThanOrEqual(0);
  });

  it('takes no late answer of the last minute for one of this', async () => {
    const clock = fakeClock();
    const budget = createCallBudget(1000, clock);
    budget.take(1);
    budget.take(1);
    await clock.advance(60_000);
    budget.answered(1, { total: 100, remaining: 99, resetsInMs: 60_000 });
    budget.answered(1, { total: 100, remaining: 3, resetsInMs: 1000 });
    expect(budget.msUntil(1)).toBe(0);
    expect(budget.snapshot().inForce).toBeGreaterThanOrEqual(88);
  });

  it('has room for certain, though time goes on while it is asked', () => {
    const budget = createCallBudget(1000, tickingClock());
    expect(budget.has(1)).toBe(true);
  });

  it('stops at the reserve when it finds the minute used up by others', async () => {
    const clock = fakeClock();
    const budget = createCallBudget(1000, clock);
    budget.take(1);
    budget.answered(1, { total: 100, remaining: 4, resetsInMs: 20_000 });
    expect(budget.has(1)).toBe(false);
    await clock.advance(19_000);
    expect(budget.has(1)).toBe(false);
    await clock.advance(2000);
    expect(budget.has(1)).toBe(true);
  });
});

const NOTE = (marker: string) => ({ marker, blocks: [{ kind: 'paragraph' as const, text: 'Hello.' }] });

type Look = Parameters<Helpdesk['look']>[0];

/** Tickets of a batch by stage, as the outbox knows them. */
interface Waiting {
  readonly draft: string[];
  readonly post: Look[];
}

/** What the outbox tells an adapter. */
function upcomingOf(waiting: Waiting): NonNullable<HelpdeskDeps['upcoming']> {
  return (stage, limit) =>
    (stage === 'draft' ? waiting.draft : waiting.post.map(({ ticketId }) => ticketId)).slice(0, limit);
}

/** Works through tickets as the pool does, `width` at a time: a note when there is room for one, else a draft. */
async function work(helpdesk: Helpdesk, waiting: Waiting, { width, clock }: { width: number; clock: FakeClock }) {
  let left = waiting.draft.length;
  const read = async (ticketId: string): Promise<void> => {
    const { version, messages } = await helpdesk.conversation(ticketId, never, 'batch');
    const seenMessageId = messages.at(-1)?.id ?? null;
    const marker = `dd-${ticketId.padStart(12, '0')}`;
    waiting.post.push({ ticketId, marker, version, seenMessageId, ambiguous: false, lane: 'batch' });
  };
  const write = async (request: Look): Promise<void> => {
    const { ticketId, marker } = request;
    const found = await helpdesk.look(request, never);
    if (found.kind !== 'clear') throw new Error(found.kind);
    await helpdesk.postPrivateNote({ ticketId, note: NOTE(marker), fence: found.fence, lane: 'batch' }, never);
    left -= 1;
  };
  const worker = async (): Promise<void> => {
    while (left > 0) {
      const due = helpdesk.room() > 0 ? waiting.post.shift() : undefined;
      const next = due === undefined ? waiting.draft.shift() : undefined;
      if (due !== undefined) await write(due);
      else if (next !== undefined) await read(next);
      else await clock.sleep(100);
    }
  };
  await Promise.all(Array.from({ length: width }, worker));
}

function zendeskOn({ credentials }: ZendeskSimulator, deps: HelpdeskDeps, waiting: Waiting): Helpdesk {
  const settings = zendesk.settings.parse({
    ZENDESK_BASE_URL: 'http://127.0.0.1:1',
    ZENDESK_OAUTH_TOKEN: credentials.oauthToken,
    ZENDESK_WEBHOOK_SECRET: 'webhook-secret-one',
    // above bottleneck, whose own timers know nothing of a clock by hand
    ZENDESK_REQUESTS_PER_MINUTE: '100000',
    ZENDESK_UPDATES_PER_MINUTE: '100000',
  });
  return zendesk.create(settings, { ...deps, upcoming: upcomingOf(waiting) });
}

describe('a batch against the vendor’s own limits', () => {
  it.each([0, 40])(
    'Zendesk: no 429, the budget used, as many requests as demand tells (others take %i a minute)',
    async (others) => {
      const clock = fakeClock();
      const simulator = createZendeskSimulator({ clock, random: seededRandom(3), limits: 'vendor' });
      const deps = testDeps(inProcessFetch(simulator.fetch), clock);
      const waiting: Waiting = { draft: [], post: [] };
      const helpdesk = zendeskOn(simulator, deps, waiting);
      if (others > 0) simulator.rival(others);
      await helpdesk.probe(never);
      const before = simulator.stats().total;
      const minutes = 4;
      const usable = 90 - others;
      const ids = Array.from({ length: usable * (minutes + 1) }, () =>
        simulator.addTicket({ subject: 'Q', html: 'q' }),
      );
      waiting.draft.push(...ids);
      const working = work(helpdesk, waiting, { width: 32, clock });
      await clock.advance(60_000);
      const from = simulator.stats().notes;
      await clock.advance(minutes * 60_000 - 60_000);
      const notes = simulator.stats().notes - from;
      expect(notes).toBeGreaterThanOrEqual((others === 0 ? 0.98 : 0.85) * usable * (minutes - 1));
      await clock.advance(300_000);
      await working;
      expect(simulator.stats()).toMatchObject({ rateLimited: 0, notes: ids.length, publicComments: 0 });
      expect(simulator.rivalsRefused()).toBe(0);
      const perTicket = helpdesk.demand()[1]?.perTicket ?? 0;
      const counted = (simulator.stats().total - before) / ids.length;
      expect(counted).toBeLessThanOrEqual(2.2);
      expect(Math.abs(counted - perTicket)).toBeLessThanOrEqual(0.1);
    },
  );

  it('Zendesk: notes go out at the rate of updates while drafts are still made, on a clock that ticks', async () => {
    const clock = tickingClock();
    // less the reserve: the rates that are set by default
    const limits = { requestsPerMinute: 223, updatesPerMinute: 89 };
    const simulator = createZendeskSimulator({ clock, random: seededRandom(3), limits });
    const send = inProcessFetch(simulator.fetch);
    const slowly: typeof fetch = async (input, init) => {
      await clock.sleep(7);
      return send(input, init);
    };
    const waiting: Waiting = { draft: [], post: [] };
    const helpdesk = zendeskOn(simulator, testDeps(slowly, clock), waiting);
    waiting.draft.push(...Array.from({ length: 300 }, () => simulator.addTicket({ subject: 'Q', html: 'q' })));
    const working = work(helpdesk, waiting, { width: 24, clock });
    await clock.advance(5000);
    for (let minute = 0; minute < 3; minute++) {
      const before = simulator.stats().notes;
      await clock.advance(60_000);
      expect(simulator.stats().notes - before).toBeGreaterThanOrEqual(76);
    }
    await clock.advance(120_000);
    await working;
    expect(simulator.stats()).toMatchObject({ rateLimited: 0, notes: 300 });
  });

  it('Freshdesk: no 429 in any bucket, the tightest used', async () => {
    const clock = fakeClock();
    const simulator = createFreshdeskSimulator({ clock, random: seededRandom(3), limits: 'vendor' });
    const deps = testDeps(inProcessFetch(simulator.fetch), clock);
    const env = {
      FRESHDESK_BASE_URL: 'http://127.0.0.1:1',
      FRESHDESK_API_KEY: simulator.apiKey,
      FRESHDESK_WEBHOOK_TOKEN: 'webhook-token-one',
      FRESHDESK_REQUESTS_PER_MINUTE: '100000',
    };
    const helpdesk = freshdesk.create(freshdesk.settings.parse(env), deps);
    await helpdesk.probe(never);
    const ids = Array.from({ length: 60 }, () => simulator.addTicket({ subject: 'Q', html: 'q' }));
    const working = work(helpdesk, { draft: [...ids], post: [] }, { width: 20, clock });
    await clock.advance(60_000);
    const from = simulator.stats().requests['GET /api/v2/tickets/:id'] ?? 0;
    await clock.advance(300_000);
    const views = (simulator.stats().requests['GET /api/v2/tickets/:id'] ?? 0) - from;
    expect(2 * views).toBeGreaterThanOrEqual(0.95 * 36 * 5);
    await clock.advance(300_000);
    await working;
    expect(simulator.stats()).toMatchObject({ rateLimited: 0, notes: 60 });
  });
});
