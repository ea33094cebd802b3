import Bottleneck from 'bottleneck';
import PQueue from 'p-queue';
import { systemClock, systemRandom } from '../../src/core/clock.ts';
import { createRateBudget } from '../../src/core/gcra-budget.ts';
import type { CallResult } from '../../src/core/rate-budget.ts';

export interface LimiterCall {
  readonly promptTokens: number;
  readonly maxOutputTokens: number;
}

export interface Limits {
  readonly requestsPerMinute: number;
  readonly tokensPerMinute: number;
  /** What a call reserves on average, for a limiter that knows no weights. */
  readonly meanTokens: number;
}

export interface Outcome extends CallResult {
  readonly retryAfterMs: number;
}

/** Starts calls as its limits allow; resolves when the call has ended. */
export interface Limiter {
  run(call: LimiterCall, start: () => Promise<Outcome>): Promise<Outcome>;
  close(): void;
}

export const LIMITERS: Readonly<Record<string, (limits: Limits) => Limiter>> = {
  draftdesk: ours,
  bottleneck,
  'p-queue': pQueue,
};

function ours({ requestsPerMinute, tokensPerMinute }: Limits): Limiter {
  const budget = createRateBudget({
    requestsPerMinute,
    tokensPerMinute,
    configured: { requests: true, tokens: true },
    clock: systemClock(),
    random: systemRandom,
  });
  const { signal } = new AbortController();
  return {
    run: async (call, start) => {
      const grant = await budget.acquire({ ...call, lane: 'batch' }, signal);
      const outcome = await start();
      grant.settle(outcome);
      if (outcome.refused !== undefined) budget.pause(outcome.retryAfterMs, outcome.refused);
      return outcome;
    },
    close: () => undefined,
  };
}

/** Reservoirs of a second, nested because chained ones share a weight (queues.md D1). */
function bottleneck({ requestsPerMinute, tokensPerMinute }: Limits): Limiter {
  const bySecond = (perMinute: number): Bottleneck =>
    new Bottleneck({
      reservoir: perMinute / 60,
      reservoirIncreaseAmount: perMinute / 60 / 4,
      reservoirIncreaseMaximum: perMinute / 60,
      reservoirIncreaseInterval: 250,
    });
  const requests = bySecond(requestsPerMinute);
  const tokens = bySecond(tokensPerMinute);
  return {
    run: (call, start) =>
      requests.schedule(() => tokens.schedule({ weight: call.promptTokens + call.maxOutputTokens }, start)),
    close: () => {
      for (const each of [requests, tokens]) void each.disconnect();
    },
  };
}

/** Knows no weights: tokens are calls of the mean size. */
function pQueue({ requestsPerMinute, tokensPerMinute, meanTokens }: Limits): Limiter {
  const perSecond = Math.min(requestsPerMinute, tokensPerMinute / meanTokens) / 60;
  const queue = new PQueue({ intervalCap: Math.floor(perSecond), interval: 1000, strict: true });
  return {
    run: (_, start) => queue.add(start),
    close: () => queue.clear(),
  };
}
