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
