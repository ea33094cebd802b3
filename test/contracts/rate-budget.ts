import { describe, expect, it } from 'vitest';
import { UpstreamError } from '../../src/core/errors.ts';
import type { ProviderLimits } from '../../src/core/language-model.ts';
import type { BudgetRequest, Grant, RateBudget } from '../../src/core/rate-budget.ts';
import { type FakeClock, fakeClock } from '../support/fake-clock.ts';

export interface BudgetSetup {
  readonly requestsPerMinute: number;
  readonly tokensPerMinute: number;
  readonly configured: { readonly requests: boolean; readonly tokens: boolean };
  readonly clock: FakeClock;
}

const NO_LIMITS: ProviderLimits = {
  limitRequests: null,
  limitTokens: null,
  remainingRequests: null,
  remainingTokens: null,
  resetRequestsMs: null,
  resetTokensMs: null,
};

/** `tokens` in all, most of them for the answer. */
function request(tokens: number, lane: BudgetRequest['lane'] = 'batch'): BudgetRequest {
  const promptTokens = Math.floor(tokens / 4);
  return { promptTokens, maxOutputTokens: tokens - promptTokens, lane };
}

/** What every rate budget must do, whatever it keeps its numbers in. */
export function rateBudgetContract(name: string, create: (setup: BudgetSetup) => RateBudget): void {
  describe(`rate budget contract: ${name}`, () => {
    const never = new AbortController().signal;
    const setUp = (requestsPerMinute = 600, tokensPerMinute = 1_000_000, configured = true) => {
      const clock = fakeClock();
      const limits = { requestsPerMinute, tokensPerMinute, configured: { requests: configured, tokens: configured } };
      return { clock, budget: create({ ...limits, clock }) };
    };
    /** Asks for many at once; counts the grants as time goes on. */
    const ask = (budget: RateBudget, count: number, tokens = 1, lane: 'live' | 'batch' = 'batch') => {
      const granted: Grant[] = [];
      for (let index = 0; index < count; index += 1) {
        void budget.acquire(request(tokens, lane), never).then((grant) => granted.push(grant));
      }
      return granted;
    };

    it('grants at once what fits', async () => {
      const { budget } = setUp();
      expect((await budget.acquire(request(10, 'live'), never)).waitedMs).toBe(0);
    });

    it('never grants more requests in any minute than allowed, and hardly fewer', async () => {
      const { budget, clock } = setUp(600);
      const granted = ask(budget, 2000);
      await clock.advance(60_000);
      expect(granted.length).toBeLessThanOrEqual(600 + 3);
      expect(granted.length).toBeGreaterThanOrEqual(594);
    });

    it('keeps the token limit too, both at once', async () => {
      const { budget, clock } = setUp(600, 60_000);
      const granted = ask(budget, 500, 600);
      await clock.advance(60_000);
      expect(granted.length).toBeLessThanOrEqual(101);
      expect(granted.length).toBeGreaterThanOrEqual(99);
    });

    it('spreads a minute evenly instead of spending it at once', async () => {
      const { budget, clock } = setUp(600);
      const granted = ask(budget, 600);
      await clock.advance(1000);
      // ten a second, and half a second's worth at the start
      expect(granted.length).toBeLessThanOrEqual(16);
    });

    it('refuses at once what can never fit, and lets nothing behind it wait', async () => {
      const { budget } = setUp(600, 1000);
      const refusal = await budget.acquire(request(1001, 'live'), never).catch((error: unknown) => error);
      expect(refusal).toBeInstanceOf(UpstreamError);
      expect(refusal).toMatchObject({ errorClass: 'request_too_large' });
      expect((await budget.acquire(request(100, 'live'), never)).waitedMs).toBe(0);
    });

    it('grants a request that is larger than the burst, in its time', async () => {
      const { budget, clock } = setUp(600, 60_000);
      const granted = ask(budget, 2, 50_000);
      await clock.advance(10);
      expect(granted).toHaveLength(1);
      await clock.advance(49_000);
      expect(granted).toHaveLength(1);
      await clock.advance(2000);
      expect(granted).toHaveLength(2);
    });

    it('serves live before batch, whoever came first', async () => {
      const { budget, clock } = setUp(60);
      const order: string[] = [];
      for (const lane of ['batch', 'batch', 'batch', 'live', 'live'] as const) {
        void budget.acquire(request(1, lane), never).then(() => order.push(lane));
      }
      await clock.advance(10_000);
      expect(order).toEqual(['batch', 'live', 'live', 'batch', 'batch']);
    });

    it('lets a few small requests pass a large one, but not for long', async () => {
      const { budget, clock } = setUp(60_000, 60_000);
      ask(budget, 1, 30_000);
      const large = ask(budget, 1, 40_000);
      const small = ask(budget, 2000, 30);
      await clock.advance(900);
      expect(large).toHaveLength(0);
      await clock.advance(75_000);
      expect(large).toHaveLength(1);
      expect(small.length).toBeGreaterThan(0);
    });

    it('lets waiters go when they are cancelled, ten thousand of them quickly', async () => {
      const { budget, clock } = setUp(60);
      const stop = new AbortController();
      const waiting = Array.from({ length: 10_000 }, () => budget.acquire(request(1, 'batch'), stop.signal));
      const settled = Promise.allSettled(waiting);
      await clock.advance(0);
      stop.abort();
      const results = await settled;
      expect(results.filter((result) => result.status === 'rejected')).toHaveLength(9999);
      expect(budget.snapshot().waiting).toBe(0);
      await clock.advance(2000);
      expect((await budget.acquire(request(1, 'batch'), never)).waitedMs).toBe(0);
    });

    it('refuses a caller whose signal has fired already', async () => {
      const { budget } = setUp();
      await expect(budget.acquire(request(1, 'live'), AbortSignal.abort())).rejects.toMatchObject({
        errorClass: 'cancelled',
      });
    });

    it('grants nobody anything while paused, and begins slowly afterwards', async () => {
      const { budget, clock } = setUp(6000);
      budget.pause(10_000, 'rate_limited');
      const granted = ask(budget, 2000);
      await clock.advance(9_999);
      expect(granted).toHaveLength(0);
      expect(budget.snapshot().pausedUntil).toBeGreaterThan(clock.now());
      await clock.advance(1_251);
      // half rate for the first clean seconds: 100/s would be 100 by now
      expect(granted.length).toBeLessThanOrEqual(65);
      expect(granted.length).toBeGreaterThan(30);
      const before = granted.length;
      await clock.advance(10_000);
      expect(granted.length - before).toBeGreaterThan(700);
      expect(budget.snapshot().pausedUntil).toBeNull();
    });

    it('obeys a lower limit that the server tells, and never exceeds its own', async () => {
      const { budget, clock } = setUp(6000);
      const grant = await budget.acquire(request(1, 'live'), never);
      grant.settle({ limits: { ...NO_LIMITS, limitRequests: 600 } });
      const granted = ask(budget, 2000);
      await clock.advance(10_000);
      expect(granted.length).toBeLessThanOrEqual(104);
      granted[0]?.settle({ limits: { ...NO_LIMITS, limitRequests: 60_000 } });
      const before = granted.length;
      await clock.advance(10_000);
      expect(granted.length - before).toBeLessThanOrEqual(1000 + 26);
      expect(granted.length - before).toBeGreaterThan(900);
    });

    it('waits when the server has less left than we thought', async () => {
      const { budget, clock } = setUp(600);
      const [first] = ask(budget, 1);
      await clock.advance(0);
      const grant = first ?? (await budget.acquire(request(1, 'live'), never));
      grant.settle({ limits: { ...NO_LIMITS, remainingRequests: -20 } });
      const granted = ask(budget, 100);
      await clock.advance(1900);
      expect(granted.length).toBeLessThanOrEqual(1);
      await clock.advance(1500);
      expect(granted.length).toBeGreaterThan(5);
    });

    it('owes what a call used beyond its reservation', async () => {
      const { budget, clock } = setUp(60_000, 60_000);
      const grant = await budget.acquire(request(100, 'live'), never);
      grant.settle({ usage: { promptTokens: 5000, cachedTokens: 0, completionTokens: 0 } });
      const granted = ask(budget, 1, 100);
      await clock.advance(4000);
      expect(granted).toHaveLength(0);
      await clock.advance(1000);
      expect(granted).toHaveLength(1);
    });

    it('tells what was granted in the last minute, and forgets it after', async () => {
      const { budget, clock } = setUp(600, 100_000);
      await budget.acquire(request(70, 'live'), never);
      expect(budget.snapshot()).toMatchObject({ requestsPerMinute: 600, usedRequests: 1, usedTokens: 70, waiting: 0 });
      await clock.advance(61_000);
      expect(budget.snapshot()).toMatchObject({ usedRequests: 0, usedTokens: 0 });
    });

    it('takes what the server tells in place of a default, upwards too, also for what can never fit', async () => {
      const { budget, clock } = setUp(600, 1000, false);
      await expect(budget.acquire(request(5000), never)).rejects.toMatchObject({ errorClass: 'request_too_large' });
      const grant = await budget.acquire(request(1), never);
      grant.settle({ limits: { ...NO_LIMITS, limitRequests: 6000, limitTokens: 100_000 } });
      expect(budget.snapshot()).toMatchObject({ requestsPerMinute: 6000, tokensPerMinute: 100_000 });
      const large = ask(budget, 1, 5000);
      await clock.advance(10_000);
      expect(large).toHaveLength(1);
      const small = ask(budget, 3000);
      await clock.advance(10_000);
      expect(small.length).toBeGreaterThan(950);
      expect(small.length).toBeLessThanOrEqual(1055);
    });

    it('judges what can never fit by the limit that the operator has set, whatever the server tells', async () => {
      const { budget } = setUp(600, 1000);
      const grant = await budget.acquire(request(1), never);
      grant.settle({ limits: { ...NO_LIMITS, limitTokens: 100_000 } });
      expect(budget.snapshot().tokensPerMinute).toBe(1000);
      await expect(budget.acquire(request(1001), never)).rejects.toMatchObject({ errorClass: 'request_too_large' });
    });

    it('does not take a limit a day for one a minute', async () => {
      const { budget } = setUp(600, 1_000_000, false);
      const grant = await budget.acquire(request(1), never);
      // half a day's requests are back in half a day
      const daily = { limitRequests: 14_400, remainingRequests: 7200, resetRequestsMs: 43_200_000 };
      grant.settle({ limits: { ...NO_LIMITS, ...daily } });
      expect(budget.snapshot().requestsPerMinute).toBe(600);
    });

    it('bounds what is in flight only while the server has trouble with us, one cut a wave', async () => {
      const { budget, clock } = setUp(60_000);
      const granted = ask(budget, 40);
      await clock.advance(1000);
      expect(budget.snapshot()).toMatchObject({ inFlight: 40, concurrencyLimit: null });
      for (const grant of granted.slice(0, 10)) grant.settle({ refused: 'overloaded' });
      expect(budget.snapshot()).toMatchObject({ inFlight: 30, concurrencyLimit: 20 });
      // what was granted before the cut knew nothing of it, and nobody starts above the bound
      const later = ask(budget, 40);
      await clock.advance(1000);
      expect(later).toHaveLength(0);
      for (const grant of granted.slice(10)) grant.settle({});
      await clock.advance(1000);
      expect(later.length).toBeGreaterThanOrEqual(20);
      expect(budget.snapshot().concurrencyLimit).toBeNull();
    });

    it('never stops for good, however often the server is overloaded', async () => {
      const { budget, clock } = setUp(60_000);
      for (let wave = 0; wave < 10; wave += 1) {
        const grant = await budget.acquire(request(1), never);
        await clock.advance(10);
        grant.settle({ refused: 'overloaded' });
        expect(budget.snapshot().concurrencyLimit).toBe(1);
      }
      expect((await budget.acquire(request(1), never)).waitedMs).toBe(0);
    });

    it('counts a call that brought no answer as ended, and each only once', async () => {
      const { budget } = setUp();
      const grant = await budget.acquire(request(10), never);
      const other = await budget.acquire(request(10), never);
      expect(budget.snapshot().inFlight).toBe(2);
      grant.settle();
      grant.settle();
      expect(budget.snapshot()).toMatchObject({ inFlight: 1, concurrencyLimit: null });
      other.settle();
      expect(budget.snapshot().inFlight).toBe(0);
    });

    it('counts on nothing coming back, and learns how far its estimate is from the count', async () => {
      const { budget, clock } = setUp(60_000, 60_000);
      expect(budget.snapshot()).toMatchObject({ refundFactor: 0, promptRatio: null });
      for (let call = 0; call < 20; call += 1) {
        const grant = await budget.acquire({ promptTokens: 100, maxOutputTokens: 100, lane: 'batch' }, never);
        grant.settle({ usage: { promptTokens: 80, cachedTokens: 0, completionTokens: 0 } });
        await clock.advance(1000);
      }
      expect(budget.snapshot().refundFactor).toBe(0);
      expect(budget.snapshot().promptRatio).toBeCloseTo(0.8);
      // 180 a call, and no more than the margin on top
      const granted = ask(budget, 1000, 200);
      await clock.advance(30_000);
      expect(granted.length * 190).toBeLessThan(31_000);
    });

    it('slows down after a pause for a limit, not after one for trouble of the server', async () => {
      const after = async (reason: 'rate_limited' | 'slow_down' | 'overloaded'): Promise<number> => {
        const { budget, clock } = setUp(6000);
        budget.pause(1000, reason);
        const untilFree = (budget.snapshot().pausedUntil ?? 0) - clock.now();
        const granted = ask(budget, 2000);
        await clock.advance(untilFree + 3000);
        return granted.length;
      };
      const [limited, growing, overloaded] = [
        await after('rate_limited'),
        await after('slow_down'),
        await after('overloaded'),
      ];
      expect(overloaded).toBeGreaterThan(295);
      expect(limited).toBeLessThan(250);
      expect(growing).toBeLessThan(limited);
    });

    it('is slowed down once by a wave of refusals', async () => {
      const { budget, clock } = setUp(6000);
      const wave = ask(budget, 40);
      await clock.advance(10);
      for (const grant of wave) {
        grant.settle({ refused: 'rate_limited' });
        await clock.advance(10);
      }
      let granted = 0;
      for (let index = 0; index < 400; index += 1) {
        void budget.acquire(request(1), never).then((grant) => {
          granted += 1;
          grant.settle({});
        });
      }
      await clock.advance(1000);
      // half of 100 a second and the burst; a cut for each refusal would leave a quarter
      expect(granted).toBeGreaterThan(60);
    });

    it('shares nothing with another budget', async () => {
      const { budget } = setUp(60);
      const { budget: other } = setUp(60);
      budget.pause(60_000, 'rate_limited');
      expect((await other.acquire(request(1), never)).waitedMs).toBe(0);
      expect(other.snapshot().pausedUntil).toBeNull();
    });

    it('needs one timer however many wait', async () => {
      const { budget, clock } = setUp(60);
      ask(budget, 500);
      await clock.advance(0);
      expect(clock.pending()).toBe(1);
    });
  });
}
