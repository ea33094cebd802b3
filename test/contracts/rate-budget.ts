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

    it('needs one timer however many wait', async () => {
      const { budget, clock } = setUp(60);
      ask(budget, 500);
      await clock.advance(0);
      expect(clock.pending()).toBe(1);
    });
  });
}
