import { describe, expect, it } from 'vitest';
import { simulate, type SimulatedLoad, type SimulatedServer } from '../support/limit-simulation.ts';

/** As in queues.md A3; our estimate of a prompt is some 15 % too high. */
const LOAD: SimulatedLoad = {
  calls: 4000,
  prompt: [250, 1200],
  estimate: [1.05, 1.25],
  maxOutput: 600,
  output: [80, 400],
  latencyMs: [2000, 8000],
  workers: 400,
};
const SERVER: SimulatedServer = { requestsPerMinute: 3000, tokensPerMinute: 600_000, depthSeconds: 1 };
/** Mean tokens of a call that the server charges up front. */
const RESERVED = 1325;
const DEPTHS = [1, 60];
const SEEDS = [1, 2, 3];
const cases = DEPTHS.flatMap((depthSeconds) => SEEDS.map((seed) => ({ depthSeconds, seed })));

describe('the budget against a strict server', () => {
  it.each([500, 6_000, 10_000])('uses %i requests a minute up, never refused', async (perMinute) => {
    for (const { depthSeconds, seed } of cases) {
      const server = { requestsPerMinute: perMinute, tokensPerMinute: 1e9, depthSeconds };
      const load = { ...LOAD, calls: Math.min(perMinute * 2, 6000), latencyMs: [500, 2000] } as const;
      const { refusals, use } = await simulate({ server, load, seed });
      expect(refusals, `depth ${depthSeconds}, seed ${seed}`).toEqual([]);
      expect(use, `depth ${depthSeconds}, seed ${seed}`).toBeGreaterThan(0.98);
    }
  });

  it.each([500, 6_000, 10_000])('uses the tokens of %i calls a minute just so', async (perMinute) => {
    for (const { depthSeconds, seed } of cases) {
      const server = { requestsPerMinute: perMinute * 4, tokensPerMinute: perMinute * RESERVED, depthSeconds };
      const load = { ...LOAD, calls: Math.min(perMinute * 4, 6000), latencyMs: [500, 2000] } as const;
      const { refusals, use } = await simulate({ server, load, seed });
      expect(refusals, `depth ${depthSeconds}, seed ${seed}`).toEqual([]);
      expect(use, `depth ${depthSeconds}, seed ${seed}`).toBeGreaterThan(0.98);
    }
  });

  it.each([false, true])('keeps up with slow answers, where unused tokens come back: %s', async (refunds) => {
    for (const { depthSeconds, seed } of cases) {
      const result = await simulate({ server: { ...SERVER, depthSeconds, refunds }, load: LOAD, seed });
      expect(result.refusals, `depth ${depthSeconds}, seed ${seed}`).toEqual([]);
      expect(result.use, `depth ${depthSeconds}, seed ${seed}`).toBeGreaterThan(0.98);
      if (refunds) expect(result.refundFactor).toBe(1);
      else expect(result.refundFactor).toBeLessThan(0.1);
    }
  });

  it.each([false, true])(
    'is safe with a server that tells nothing, where unused tokens come back: %s',
    async (refunds) => {
      for (const { depthSeconds, seed } of cases) {
        const server = { ...SERVER, depthSeconds, refunds, tells: false };
        const { refusals, use, refundFactor } = await simulate({ server, load: LOAD, seed });
        expect(refusals, `depth ${depthSeconds}, seed ${seed}`).toEqual([]);
        expect(refundFactor).toBe(0);
        // what comes back cannot be known
        expect(use, `depth ${depthSeconds}, seed ${seed}`).toBeGreaterThan(refunds ? 0.7 : 0.98);
      }
    },
  );
});

/** Somebody else floods the key from second 20 to 30, and then goes on with a share of its limit. */
describe('after a storm of refusals that another user of the key has caused', () => {
  const PER_SECOND = 100;
  const storm = (second: number, share: number) =>
    second < 20 ? 0 : second < 30 ? PER_SECOND * 3 : PER_SECOND * share;
  const run = async (share: number, latencyMs: SimulatedLoad['latencyMs'], tells: boolean, seed: number) => {
    const server = { requestsPerMinute: PER_SECOND * 60, tokensPerMinute: 1e9, depthSeconds: 1, tells };
    const load = { ...LOAD, calls: 2500 + 40 * PER_SECOND * (1 - share), latencyMs, workers: 1500 };
    const result = await simulate({ server, load, seed, rival: (second) => storm(second, share) });
    const { taken } = result;
    // ten seconds after the storm
    const used = taken.slice(40, 50).reduce((sum, each) => sum + each, 0) / 10 / PER_SECOND / (1 - share);
    return { used, later: result.refusals.filter((at) => at > 40_000), storm: result.refusals };
  };

  it.each<[string, number, SimulatedLoad['latencyMs'], boolean]>([
    ['it is gone', 0, [200, 800], true],
    ['it is gone, answers are slow', 0, [2000, 8000], true],
    ['it is gone, headers tell nothing', 0, [200, 800], false],
    ['it is gone, answers are slow, headers tell nothing', 0, [2000, 8000], false],
    ['it keeps 30 %', 0.3, [200, 800], true],
    ['it keeps 30 %, answers are slow', 0.3, [2000, 8000], true],
    ['it keeps 60 %', 0.6, [200, 800], true],
  ])('most of what is left are used within ten seconds, unrefused: %s', async (_, share, latencyMs, tells) => {
    for (const seed of SEEDS.slice(0, 2)) {
      const { used, later, storm: refusals } = await run(share, latencyMs, tells, seed);
      expect(used, `seed ${seed}`).toBeGreaterThan(0.95);
      expect(later, `seed ${seed}`).toEqual([]);
      // a wave a second or so, and no hammering
      expect(refusals.length, `seed ${seed}`).toBeLessThan(40);
    }
  });
});
