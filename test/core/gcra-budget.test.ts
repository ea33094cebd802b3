import { describe, expect, it } from 'vitest';
import { type Random, seededRandom } from '../../src/core/clock.ts';
import { createRateBudget } from '../../src/core/gcra-budget.ts';
import type { ProviderLimits, TokenUsage } from '../../src/core/language-model.ts';

interface Server {
  readonly requestsPerMinute: number;
  readonly tokensPerMinute: number;
  /** Depth of both buckets, seconds of their rate. */
  readonly depthSeconds: number;
  readonly refunds: boolean;
}

interface Load {
  readonly calls: number;
  readonly reserved: number;
  /** Used at the least and at the most, of the reserved tokens. */
  readonly used: readonly [number, number];
  readonly latencyMs: readonly [number, number];
}

/**
 * A queue of timed events, as a budget's clock: no promises to settle between events but those of the budget itself,
 * so that tens of thousands of calls take well under a second.
 */
function eventLoop() {
  const queue: { at: number; order: number; run: () => void }[] = [];
  let time = 0;
  let order = 0;
  const push = (at: number, run: () => void) => {
    const entry = { at, order: order++, run };
    let low = 0;
    let high = queue.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const other = queue[middle];
      if (other !== undefined && (other.at < at || (other.at === at && other.order < entry.order))) low = middle + 1;
      else high = middle;
    }
    queue.splice(low, 0, entry);
    return entry;
  };
  return {
    clock: {
      now: () => time,
      steady: () => time,
      sleep: () => Promise.resolve(),
      // real timers fire late
      after: (ms: number, run: () => void) => {
        const entry = push(time + ms + 2, run);
        return () => {
          const index = queue.indexOf(entry);
          if (index >= 0) queue.splice(index, 1);
        };
      },
    },
    at: (ms: number, run: () => void) => void push(time + ms, run),
    async run(): Promise<number> {
      for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
        time = next.at;
        next.run();
        await Promise.resolve();
        await Promise.resolve();
      }
      return time;
    },
  };
}

/** A server that refuses whatever its buckets cannot pay, charges on arrival, and tells what is left. */
function strictServer({ requestsPerMinute, tokensPerMinute, depthSeconds, refunds }: Server, now: () => number) {
  const bucket = (perMinute: number) => {
    const depth = (perMinute * depthSeconds) / 60;
    let level = depth;
    let at = 0;
    return {
      level: () => {
        level = Math.min(depth, level + ((now() - at) * perMinute) / 60_000);
        at = now();
        return level;
      },
      take: (amount: number) => (level -= amount),
    };
  };
  const requests = bucket(requestsPerMinute);
  const tokens = bucket(tokensPerMinute);
  const limits = (): ProviderLimits => ({
    limitRequests: requestsPerMinute,
    limitTokens: tokensPerMinute,
    remainingRequests: Math.floor(requests.level()),
    remainingTokens: Math.floor(tokens.level()),
    resetRequestsMs: null,
    resetTokensMs: null,
  });
  return {
    arrive: (reserved: number): ProviderLimits | null => {
      const fits = requests.level() >= 1 && tokens.level() >= reserved;
      if (!fits) return null;
      requests.take(1);
      tokens.take(reserved);
      return limits();
    },
    refund: (amount: number) => {
      if (refunds) tokens.take(-amount);
    },
    /** Somebody else uses the key. */
    steal: (count: number) => requests.take(count),
  };
}

async function simulate(server: Server, load: Load, seed: number) {
  const random: Random = seededRandom(seed);
  const loop = eventLoop();
  const strict = strictServer(server, loop.clock.now);
  const budget = createRateBudget({ ...server, clock: loop.clock, random });
  const never = new AbortController().signal;
  const between = ([low, high]: readonly [number, number]) => low + random() * (high - low);
  let refused = 0;
  let grants = 0;
  for (let index = 0; index < load.calls; index += 1) {
    void budget.acquire({ tokens: load.reserved, lane: 'batch' }, never).then((grant) => {
      grants += 1;
      // on the way: 5 to 40 ms
      loop.at(5 + random() * 35, () => {
        const limits = strict.arrive(load.reserved);
        if (limits === null) {
          refused += 1;
          grant.settle();
          return;
        }
        loop.at(between(load.latencyMs), () => {
          const total = Math.round(between(load.used));
          const usage: TokenUsage = { promptTokens: total, cachedTokens: 0, completionTokens: 0 };
          strict.refund(load.reserved - total);
          grant.settle({ usage, limits });
        });
      });
    });
  }
  const elapsedMs = await loop.run();
  return { elapsedMs, refused, grants };
}

describe('the budget against a strict server', () => {
  const seeds = [1, 2, 3];
  it.each([500, 6_000, 10_000])('is as fast as %i requests a minute allow, and never refused', async (perMinute) => {
    for (const seed of seeds) {
      for (const depthSeconds of [1, 60]) {
        const server = { requestsPerMinute: perMinute, tokensPerMinute: 1e9, depthSeconds, refunds: false };
        const load: Load = { calls: perMinute, reserved: 1000, used: [300, 900], latencyMs: [200, 400] };
        const { elapsedMs, refused } = await simulate(server, load, seed);
        expect(refused, `seed ${seed}, depth ${depthSeconds}`).toBe(0);
        expect(elapsedMs / 60_000, `seed ${seed}, depth ${depthSeconds}`).toBeLessThanOrEqual(1.02);
      }
    }
  });

  it('is as fast as the token limit allows where nothing is given back', async () => {
    for (const seed of seeds) {
      for (const depthSeconds of [1, 60]) {
        const server = { requestsPerMinute: 6000, tokensPerMinute: 600_000, depthSeconds, refunds: false };
        const load: Load = { calls: 2000, reserved: 600, used: [150, 550], latencyMs: [500, 3000] };
        const { elapsedMs, refused } = await simulate(server, load, seed);
        expect(refused, `seed ${seed}, depth ${depthSeconds}`).toBe(0);
        // a minute's depth gives the first minute away; the answers of the last calls come on top
        expect(elapsedMs / 120_000, `seed ${seed}, depth ${depthSeconds}`).toBeLessThanOrEqual(1.03);
      }
    }
  });

  it('learns to use what a server gives back, without being refused', async () => {
    for (const seed of seeds) {
      const server = { requestsPerMinute: 60_000, tokensPerMinute: 600_000, depthSeconds: 60, refunds: true };
      const load: Load = { calls: 4000, reserved: 600, used: [200, 400], latencyMs: [500, 2000] };
      const { elapsedMs, refused } = await simulate(server, load, seed);
      expect(refused, `seed ${seed}`).toBe(0);
      // without giving back it would take 4 minutes; what is really used needs 2
      expect(elapsedMs / 60_000, `seed ${seed}`).toBeLessThanOrEqual(2.9);
    }
  });

  it('grants ten thousand in little time', async () => {
    const server = { requestsPerMinute: 600_000, tokensPerMinute: 1e12, depthSeconds: 60, refunds: false };
    const load: Load = { calls: 10_000, reserved: 100, used: [10, 90], latencyMs: [1, 2] };
    const { grants, refused } = await simulate(server, load, 1);
    expect(grants).toBe(10_000);
    expect(refused).toBe(0);
  });
});
