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
const SEEDS = [1, 2];
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

describe('the budget in the first seconds', () => {
  it.each([500, 6_000, 10_000])(
    'loses next to nothing until it knows what comes back, %i calls a minute',
    async (rpm) => {
      for (const seed of SEEDS) {
        const calls = rpm / 5;
        const server = { requestsPerMinute: rpm * 4, tokensPerMinute: rpm * 1125, depthSeconds: 1, refunds: true };
        const own = { calls, workers: calls, maxOutput: 400, output: [40, 120], latencyMs: [280, 320] } as const;
        const { refusals, use } = await simulate({ server, load: { ...LOAD, ...own }, seed });
        expect(refusals, `seed ${seed}`).toEqual([]);
        expect(use, `seed ${seed}`).toBeGreaterThan(1 / 1.02);
      }
    },
  );

  it('does not take a full bucket for one that gets back, while the first answers are long in coming', async () => {
    for (const seed of SEEDS) {
      const server = { requestsPerMinute: 4000, tokensPerMinute: 1000 * RESERVED, depthSeconds: 1 };
      const load = { ...LOAD, calls: 1500, latencyMs: [5000, 20_000] } as const;
      const { refusals, use } = await simulate({ server, load, seed });
      expect(refusals, `seed ${seed}`).toEqual([]);
      expect(use, `seed ${seed}`).toBeGreaterThan(0.98);
    }
  });
});

describe('the budget against other servers and loads', () => {
  it.each([false, true])(
    'keeps up with a server that counts by the minute, where unused tokens come back: %s',
    async (refunds) => {
      for (const seed of [...SEEDS, 3]) {
        const server: SimulatedServer = { ...SERVER, depthSeconds: 'window', refunds };
        const { refusals, use } = await simulate({ server, load: { ...LOAD, calls: 6000 }, seed });
        expect(refusals, `seed ${seed}`).toEqual([]);
        expect(use, `seed ${seed}`).toBeGreaterThan(0.94);
      }
    },
  );

  it.each([true, false])(
    'is not refused with calls as large as a second of the limit, told what remains: %s',
    async (tells) => {
      for (const seed of SEEDS) {
        const server = { requestsPerMinute: 600, tokensPerMinute: 60 * RESERVED, depthSeconds: 1, tells };
        const { refusals, use } = await simulate({ server, load: { ...LOAD, calls: 300 }, seed });
        expect(refusals, `seed ${seed}`).toEqual([]);
        expect(use, `seed ${seed}`).toBeGreaterThan(0.9);
      }
    },
  );

  it.each([
    [500, 1500, 0.85],
    [6000, 18_000, 0.97],
  ])(
    'finds out soon that most of a large reservation comes back, %i calls a minute',
    async (perMinute, calls, least) => {
      const server = {
        requestsPerMinute: perMinute * 4,
        tokensPerMinute: perMinute * 975,
        depthSeconds: 1,
        refunds: true,
      };
      const load = {
        ...LOAD,
        calls,
        maxOutput: 1500,
        output: [150, 350],
        latencyMs: [1000, 4000],
        workers: 1000,
      } as const;
      for (const seed of perMinute === 500 ? SEEDS : SEEDS.slice(0, 1)) {
        const { refusals, use } = await simulate({ server, load, seed });
        expect(refusals, `seed ${seed}`).toEqual([]);
        expect(use, `seed ${seed}`).toBeGreaterThan(least);
      }
    },
  );

  it('leaves room for another user of the key, who takes between nothing and 60 % for ten minutes', async () => {
    const perSecond = 500 / 60;
    const rival = (second: number) => 0.3 * (1 - Math.cos((second * 2 * Math.PI) / 120)) * perSecond;
    for (const seed of SEEDS) {
      const server = { requestsPerMinute: 500, tokensPerMinute: 200_000, depthSeconds: 1 };
      // 10 minutes of the 70 % that are left
      const small = { prompt: [60, 140], maxOutput: 150, output: [40, 120] } as const;
      const load = { ...LOAD, ...small, calls: 3500, latencyMs: [500, 2000] } as const;
      const { refusals, taken } = await simulate({ server, load, seed, rival });
      expect(refusals.slice(1), `seed ${seed}`).toEqual([]);
      // all that the rival has left, to the hundredth
      const left = taken.reduce((sum, _, second) => sum + perSecond - rival(second + 0.5), 0);
      expect(load.calls / left, `seed ${seed}`).toBeGreaterThan(0.97);
    }
  });
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
    for (const seed of SEEDS) {
      const { used, later, storm: refusals } = await run(share, latencyMs, tells, seed);
      expect(used, `seed ${seed}`).toBeGreaterThan(0.95);
      expect(later, `seed ${seed}`).toEqual([]);
      // a wave a second or so, and no hammering
      expect(refusals.length, `seed ${seed}`).toBeLessThan(40);
    }
  });
});
