import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createGcra } from '../../src/core/gcra.ts';
import { createRateBudget } from '../../src/core/gcra-budget.ts';
import { seededRandom } from '../../src/core/clock.ts';
import { fakeClock } from '../support/fake-clock.ts';

const MINUTE_MS = 60_000;

interface Taken {
  readonly at: number;
  readonly cost: number;
}

/** The most that was taken over what its window allows: every window that begins and ends with a call. */
function worstExcess(taken: readonly Taken[], perMs: number, slackMs: (largest: number) => number): number {
  let worst = Number.NEGATIVE_INFINITY;
  for (const [index, { at: from }] of taken.entries()) {
    let sum = 0;
    let largest = 0;
    for (const { at, cost } of taken.slice(index)) {
      sum += cost;
      largest = Math.max(largest, cost);
      worst = Math.max(worst, sum - perMs * (at - from + slackMs(largest)));
    }
  }
  return worst;
}

describe('a limit, whatever is asked of it', () => {
  const askings = fc.array(fc.record({ gapMs: fc.nat(5_000), cost: fc.integer({ min: 1, max: 400 }) }), {
    maxLength: 80,
  });

  it('never gives more in any window than its rate and its burst, or one call larger than the burst', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 60, max: 60_000 }),
        fc.integer({ min: 50, max: 5_000 }),
        askings,
        (perMinute, burstMs, asked) => {
          const gcra = createGcra({ perMinute, burstMs });
          const taken: Taken[] = [];
          let now = 0;
          for (const { gapMs, cost } of asked) {
            now += gapMs;
            now += gcra.waitFor(cost, now);
            gcra.take(cost, now);
            taken.push({ at: now, cost });
          }
          const perMs = perMinute / MINUTE_MS;
          expect(worstExcess(taken, perMs, (largest) => Math.max(burstMs, largest / perMs))).toBeLessThanOrEqual(1e-6);
        },
      ),
    );
  });

  it('is ready when it says so', () => {
    fc.assert(
      fc.property(askings, (asked) => {
        const gcra = createGcra({ perMinute: 3_000, burstMs: 500 });
        let now = 0;
        for (const { gapMs, cost } of asked) {
          now += gapMs;
          const wait = gcra.waitFor(cost, now);
          expect(wait).toBeGreaterThanOrEqual(0);
          expect(gcra.waitFor(cost, now + wait)).toBeLessThan(1e-6);
          gcra.take(cost, now + wait);
        }
      }),
    );
  });
});

describe('a budget of requests and tokens, whatever is asked of it', () => {
  const calls = fc.array(
    fc.record({
      gapMs: fc.nat(4_000),
      promptTokens: fc.integer({ min: 1, max: 2_000 }),
      maxOutputTokens: fc.integer({ min: 1, max: 1_000 }),
      lane: fc.constantFrom('live', 'batch'),
      latencyMs: fc.nat(8_000),
    }),
    { minLength: 1, maxLength: 60 },
  );

  it('stays inside both limits in any window and grants everything', async () => {
    await fc.assert(
      fc.asyncProperty(calls, async (asked) => {
        const clock = fakeClock(0);
        const [requestsPerMinute, tokensPerMinute, burstMs] = [120, 60_000, 500];
        const configured = { requests: true, tokens: true };
        const random = seededRandom(1);
        const budget = createRateBudget({ requestsPerMinute, tokensPerMinute, configured, clock, random, burstMs });
        const requests: Taken[] = [];
        const tokens: Taken[] = [];
        const { signal } = new AbortController();
        for (const { gapMs, latencyMs, ...request } of asked) {
          await clock.advance(gapMs);
          void budget.acquire(request, signal).then(async (grant) => {
            requests.push({ at: clock.steady(), cost: 1 });
            tokens.push({ at: clock.steady(), cost: request.promptTokens + request.maxOutputTokens });
            await clock.sleep(latencyMs);
            grant.settle({});
          });
        }
        await clock.advance(15 * MINUTE_MS);
        expect(requests).toHaveLength(asked.length);
        expect(budget.snapshot()).toMatchObject({ waiting: 0, inFlight: 0 });
        const slack = (perMs: number) => (largest: number) => Math.max(burstMs, largest / perMs);
        for (const [taken, perMinute] of [
          [requests, requestsPerMinute],
          [tokens, tokensPerMinute],
        ] as const) {
          const perMs = perMinute / MINUTE_MS;
          expect(worstExcess(taken, perMs, slack(perMs))).toBeLessThanOrEqual(1e-6);
        }
      }),
      { numRuns: 30 },
    );
  });
});
