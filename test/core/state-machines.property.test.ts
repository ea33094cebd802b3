import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isHopeless, judgeCanary, type BatchState } from '../../src/core/batch.ts';
import { seededRandom } from '../../src/core/clock.ts';
import { ERROR_CLASSES, UpstreamError } from '../../src/core/errors.ts';
import { decide } from '../../src/core/retry-policy.ts';
import { isFinal, TICKET_STATUSES, type TicketStatus, TRANSITIONS } from '../../src/core/ticket.ts';
import { openDatabase } from '../../src/sqlite/database.ts';
import { openOutbox } from '../../src/sqlite/outbox.ts';
import { makeBatch, makeDrafted } from '../support/factories.ts';
import { fakeClock } from '../support/fake-clock.ts';
import { migrationsFolder } from '../support/paths.ts';

/** Every status that may come some time after this one. */
function reachable(from: TicketStatus): ReadonlySet<TicketStatus> {
  const found = new Set<TicketStatus>();
  const wanted = [from];
  for (let at = wanted.pop(); at !== undefined; at = wanted.pop())
    for (const next of TRANSITIONS[at]) {
      if (!found.has(next)) wanted.push(next);
      found.add(next);
    }
  return found;
}

describe('the statuses of a ticket', () => {
  it.each(TICKET_STATUSES)('%s can come to a note, and to an end', (status) => {
    const later = reachable(status);
    expect(later).toContain('posted');
    expect([...later].some(isFinal)).toBe(true);
    expect(TRANSITIONS[status]).not.toContain(status);
  });

  it.each(TICKET_STATUSES.filter(isFinal))(
    '%s goes on only as new work or as what an agent did with the note',
    (status) => {
      const allowed = ['queued', 'drafted', 'accepted', 'edited', 'discarded'];
      expect(allowed).toEqual(expect.arrayContaining([...TRANSITIONS[status]]));
    },
  );
});

describe('a failed try', () => {
  it('is dead in the end where it counts, and waits a bounded time', () => {
    const cases = fc.record({
      errorClass: fc.constantFrom(...ERROR_CLASSES),
      upstream: fc.constantFrom('llm', 'zendesk'),
      retryAfterMs: fc.option(fc.nat(900_000), { nil: undefined }),
      seed: fc.nat(),
    });
    const settings = { maxAttempts: 5, baseMs: 1_000, maxMs: 300_000 };
    fc.assert(
      fc.property(cases, ({ errorClass, upstream, retryAfterMs, seed }) => {
        const random = seededRandom(seed);
        const error = new UpstreamError(errorClass, 'It failed.', {
          upstream,
          ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
        });
        let failures = 0;
        for (let tries = 0; tries < settings.maxAttempts; tries++) {
          const decision = decide(error, { failures, ambiguousWaitMs: 60_000 }, settings, random);
          if (decision.kind !== 'retry') return;
          expect(decision.delayMs).toBeGreaterThanOrEqual(0);
          expect(decision.delayMs).toBeLessThanOrEqual(Math.max(300_000, 901_000));
          if (!decision.countsAsAttempt) return;
          failures += 1;
        }
        expect.fail(`${errorClass} is tried for ever`);
      }),
      { numRuns: 500 },
    );
  });
});

describe('a canary', () => {
  const phases = fc
    .record({
      size: fc.integer({ min: 1, max: 50 }),
      maxErrorRate: fc.double({ min: 0, max: 1, noNaN: true }),
      total: fc.nat(5_000),
    })
    .chain((given) =>
      fc.record({
        given: fc.constant(given),
        processed: fc.nat(given.size),
        share: fc.double({ min: 0, max: 1, noNaN: true }),
      }),
    );

  it('opens when all of its phase are through and few have died, and never stops for fewer', () => {
    fc.assert(
      fc.property(phases, ({ given: { size, maxErrorRate, total }, processed: seen, share }) => {
        const processed = Math.min(seen, total);
        const failed = Math.floor(processed * share);
        const forgiven = { processed: 0, failed: 0 };
        const canary = { size, maxErrorRate };
        const decision = judgeCanary({ canary, target: size, total, growing: false, processed, failed, forgiven });
        const phase = Math.max(1, Math.min(size, total));
        if (failed > maxErrorRate * phase) expect(decision.kind).toBe('stop');
        else expect(decision.kind).toBe(processed < Math.min(size, total) ? 'wait' : 'open');
      }),
    );
  });

  it('grows in few steps to all, also while nobody knows how many there are', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 100 }), fc.nat(100_000), fc.boolean(), (size, total, growing) => {
        const canary = { size, maxErrorRate: 0.1 };
        const forgiven = { processed: 0, failed: 0 };
        let target = size;
        for (let phase = 0; ; phase++) {
          expect(phase).toBeLessThan(9);
          const processed = growing ? target : Math.min(target, total);
          const decision = judgeCanary({ canary, target, total, growing, processed, failed: 0, forgiven });
          if (decision.kind !== 'open') return expect.fail('a phase without a failure opens');
          if (decision.target === null) return undefined;
          expect(decision.target).toBeGreaterThan(target);
          target = decision.target;
        }
      }),
    );
  });

  it('is hopeless only where nothing has come through', () => {
    fc.assert(
      fc.property(fc.nat(100), fc.nat(100), (processed, failed) => {
        if (isHopeless({ processed, failed, forgiven: { processed: 0, failed: 0 } }))
          expect(processed - failed).toBe(0);
      }),
    );
  });
});

/** Where a batch may go from each state; the same state again is no change. */
const BATCH_TRANSITIONS: Readonly<Record<BatchState, readonly BatchState[]>> = {
  canary: ['running', 'paused', 'cancelling', 'completed'],
  running: ['paused', 'cancelling', 'completed'],
  paused: ['canary', 'running', 'cancelling', 'completed'],
  cancelling: ['cancelled'],
  cancelled: ['canary', 'running', 'completed'],
  completed: ['running'],
};

describe('a batch', () => {
  const steps = fc.constantFrom('pause', 'resume', 'cancel', 'retry', 'release', 'draft', 'post', 'die', 'wait');
  const runs = fc.record({
    tickets: fc.integer({ min: 0, max: 6 }),
    canary: fc.option(fc.constant({ size: 2, maxErrorRate: 0.5 })),
    post: fc.constantFrom('auto' as const, 'hold' as const),
    steps: fc.array(steps, { maxLength: 25 }),
  });

  it('and its tickets change state by known ways only, and it ends', { timeout: 60_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(runs, async ({ tickets, canary, post, steps: wanted }) => {
        const clock = fakeClock();
        const connection = openDatabase({ path: ':memory:', migrationsFolder });
        connection.exec(`
          CREATE TEMP TABLE moved (before TEXT, after TEXT);
          CREATE TEMP TRIGGER watch AFTER UPDATE ON main.job WHEN old.status <> new.status
          BEGIN INSERT INTO moved VALUES (old.status, new.status); END;`);
        let ids = 0;
        const newId = (): string => `id-${String(++ids).padStart(6, '0')}`;
        const outbox = openOutbox(connection, { clock, newId, owner: 'me', maxPending: 1000 });
        const states: BatchState[] = [];
        outbox.onBatch(({ state }) => void states.push(state));
        const ticketIds = Array.from({ length: tickets }, (_, index) => String(index + 1));
        const { id } = await outbox.createBatch(makeBatch(ticketIds, { canary, post }));
        const work = async (stage: 'draft' | 'post', dies = false): Promise<number> => {
          const jobs = await outbox.claim([{ stage, helpdesk: 'zendesk', limit: 2, batches: true }], 2);
          for (const job of jobs) {
            const timing = { startedAt: clock.now(), durationMs: 1, spent: null };
            const done =
              stage === 'post'
                ? ({ kind: 'posted', noteId: '1' } as const)
                : makeDrafted({ next: job.post === 'hold' ? 'hold' : 'post' });
            const dead = { kind: 'dead', errorClass: 'refusal', error: 'It refused.' } as const;
            await outbox.report(job, dies ? dead : done, timing);
          }
          return jobs.length;
        };
        const act: Record<(typeof wanted)[number], () => Promise<unknown>> = {
          pause: () => outbox.pauseBatch(id, null),
          resume: () => outbox.resumeBatch(id),
          cancel: async () => {
            await outbox.cancelBatch(id);
            await outbox.tendBatches();
          },
          retry: () => outbox.retryBatch(id, null),
          release: () => outbox.releaseBatch(id, null),
          draft: () => work('draft'),
          post: () => work('post'),
          die: () => work('draft', true),
          wait: () => clock.advance(1_000),
        };
        for (const step of wanted) await act[step]();
        for (let idle = 0; idle < 3;) {
          await outbox.resumeBatch(id);
          await outbox.releaseBatch(id, null);
          await outbox.tendBatches();
          idle = (await work('draft')) + (await work('post')) > 0 ? 0 : idle + 1;
        }
        for (const [index, state] of states.slice(1).entries())
          expect(BATCH_TRANSITIONS[states[index] ?? 'running'], states.join(' ')).toContain(state);
        expect(states.at(-1), states.join(' ')).toBe('completed');
        const moves = connection.prepare<[], { before: TicketStatus; after: TicketStatus }>('SELECT * FROM temp.moved');
        for (const { before, after } of moves.all()) expect(TRANSITIONS[before], `from ${before}`).toContain(after);
        connection.close();
      }),
      { numRuns: 150 },
    );
  });
});
