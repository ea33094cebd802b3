import type { Clock, Random } from './clock.ts';
import { createConcurrencyBrake } from './concurrency-brake.ts';
import { UpstreamError } from './errors.ts';
import { createGrantQueue, type Waiter } from './grant-queue.ts';
import type { ProviderLimits, TokenUsage } from './language-model.ts';
import { createMinuteCount } from './minute-count.ts';
import { createPromptRatio } from './prompt-ratio.ts';
import type { Charge, Mark } from './provider-feedback.ts';
import type { BudgetRequest, CallResult, RateBudget, Refusal } from './rate-budget.ts';
import { createRefundFactor } from './refund-factor.ts';
import { createSharedLimit } from './shared-limit.ts';
import { createSpeed } from './speed.ts';

export interface RateBudgetOptions {
  readonly requestsPerMinute: number;
  readonly tokensPerMinute: number;
  /**
   * Which of the two the operator has set: those are never exceeded, a server can only lower them. The others are our
   * defaults and give way to what the server tells.
   */
  readonly configured: { readonly requests: boolean; readonly tokens: boolean };
  readonly clock: Clock;
  readonly random: Random;
  /** How much may start at once after a quiet time, in ms of the rate. */
  readonly burstMs?: number;
}

const PAUSE_JITTER_MS = 250;
const ONE: Charge = { estimated: 0, fixed: 1 };

/** What a call was granted with. */
interface Granted {
  readonly request: BudgetRequest;
  readonly requests: Mark;
  readonly tokens: Mark;
  /** Tokens taken for the prompt. */
  readonly prompt: number;
}

/**
 * Requests and tokens of one model, in this process. See `RateBudget`. What it is made of:
 * `gcra` paces one limit. `shared-limit` (one for requests, one for tokens) keeps that pace no faster than what the server
 * has left, which `provider-feedback` reads from its headers, by `header-readings` and `linear-fit`. `prompt-ratio` and
 * `refund-factor` learn what a call really costs. After refusals `speed` brakes the pace and `concurrency-brake` what is in
 * flight. `grant-queue` says whose turn it is.
 */
export function createRateBudget(options: RateBudgetOptions): RateBudget {
  const { clock, random, burstMs = 500, configured } = options;
  const startedAt = clock.steady();
  const ratio = createPromptRatio();
  const refund = createRefundFactor();
  const shared = { burstMs, startedAt };
  const requests = createSharedLimit({
    ...shared,
    perMinute: options.requestsPerMinute,
    configured: configured.requests,
    ratio: () => 1,
    refund: () => 0,
    spare: () => 0,
  });
  const tokens = createSharedLimit({
    ...shared,
    perMinute: options.tokensPerMinute,
    configured: configured.tokens,
    ratio: () => ratio.mean(),
    refund: () => refund.factor,
    spare: () => refund.spare(clock.steady()),
  });
  const used = { requests: createMinuteCount(clock), tokens: createMinuteCount(clock) };
  const queue = createGrantQueue();
  const concurrency = createConcurrencyBrake();
  /** One for all: ten thousand of them at once are most of what a cancelled batch costs. */
  const stopped = cancelled();
  const speed = createSpeed();
  let pausedUntil = Number.NEGATIVE_INFINITY;
  let timer: { readonly at: number; readonly cancel: () => void } | null = null;

  const costOf = ({ promptTokens, maxOutputTokens }: BudgetRequest): number => {
    const cost = Math.ceil(promptTokens * ratio.reserved()) + maxOutputTokens;
    return tokens.tight(cost) ? Math.ceil(promptTokens * ratio.highest()) + maxOutputTokens : cost;
  };

  const waitOf = ({ request }: Waiter, now: number): number =>
    Math.max(requests.waitFor(1, now), tokens.waitFor(costOf(request), now));

  const release = (waiter: Waiter, now: number): void => {
    queue.remove(waiter);
    waiter.grant(now);
  };

  const take = (request: BudgetRequest, now: number): Granted => {
    const { promptTokens, maxOutputTokens } = request;
    const prompt = costOf(request) - maxOutputTokens;
    concurrency.start();
    used.requests.add(1);
    used.tokens.add(prompt + maxOutputTokens);
    return {
      request,
      prompt,
      requests: requests.take(ONE, 1, now),
      tokens: tokens.take({ estimated: promptTokens, fixed: maxOutputTokens }, prompt + maxOutputTokens, now),
    };
  };

  /** Grants all that is due, then sets the one timer for what is next. */
  const pump = (): void => {
    const now = clock.steady();
    for (const limit of [requests, tokens]) limit.brake(speed.now(now, requests.told || tokens.told));
    for (let next = queue.head(); next !== undefined && concurrency.free(); next = queue.head()) {
      const wait = Math.max(pausedUntil - now, waitOf(next, now));
      if (wait <= 0) {
        release(next, now);
        continue;
      }
      // only a lack of tokens may be passed
      const open = pausedUntil <= now && requests.waitFor(1, now) <= 0;
      const passing = open ? queue.passing(next, now, (waiter) => waitOf(waiter, now) <= 0) : undefined;
      if (passing === undefined) {
        schedule(now + wait);
        return;
      }
      release(passing, now);
    }
  };

  const schedule = (at: number): void => {
    if (timer !== null && timer.at <= at) return;
    timer?.cancel();
    const cancel = clock.after(Math.max(1, Math.ceil(at - clock.steady())), () => {
      timer = null;
      pump();
    });
    timer = { at, cancel };
  };

  const learn = (limits: ProviderLimits, granted: Granted, now: number): void => {
    requests.tell(
      { limit: limits.limitRequests, remaining: limits.remainingRequests, resetMs: limits.resetRequestsMs },
      granted.requests,
      now,
    );
    tokens.tell(
      { limit: limits.limitTokens, remaining: limits.remainingTokens, resetMs: limits.resetTokensMs },
      granted.tokens,
      now,
    );
    if (requests.seen() && tokens.seen()) speed.headersKnow();
    if (limits.remainingTokens !== null && !tokens.shallow) refund.learn(tokens.feedback.refundSeen());
  };

  /** The true prompt is known now, and what the answer left of its reservation; the server may keep the latter. */
  const correct = ({ request, prompt }: Granted, usage: TokenUsage, now: number): void => {
    const unused = request.maxOutputTokens - usage.completionTokens;
    const overestimate = prompt - usage.promptTokens;
    // a bucket that just holds the call was full before we knew, and what flowed in since is lost
    const known = tokens.tight(prompt + request.maxOutputTokens) ? Math.min(0, overestimate) : overestimate;
    const back = known + (unused < 0 ? unused : unused * refund.factor);
    ratio.learn(request.promptTokens, usage.promptTokens);
    refund.ended(Math.max(0, unused), now);
    tokens.feedback.leave(Math.max(0, unused), now);
    tokens.giveBack(back, now);
    used.tokens.add(known - overestimate - back);
  };

  const refused = (reason: Refusal, { request, requests: mark }: Granted, limits: ProviderLimits | null): void => {
    const now = clock.steady();
    concurrency.refused(reason, mark.at, now);
    if (reason === 'overloaded' || !speed.cut(reason, mark.at, now)) return;
    for (const limit of [requests, tokens]) limit.cut(now);
    const ofRequests = limits?.remainingRequests === 0 && (limits.remainingTokens ?? 0) >= costOf(request);
    if (!ofRequests) refund.forget();
  };

  const settle = (granted: Granted, result: CallResult | undefined): void => {
    const now = clock.steady();
    const { usage, limits = null, refused: reason } = result ?? {};
    if (reason !== undefined) refused(reason, granted, limits);
    else if (result === undefined) concurrency.ended();
    else concurrency.succeeded();
    if (usage !== undefined) correct(granted, usage, now);
    if (limits !== null) learn(limits, granted, now);
    pump();
  };

  const acquire: RateBudget['acquire'] = (request, signal) => {
    const cost = costOf(request);
    if (cost > tokens.largest) return Promise.reject(tooLarge(cost, tokens.largest));
    if (signal.aborted) return Promise.reject(stopped);
    return new Promise((resolve, reject) => {
      const since = clock.steady();
      const leave = (): void => {
        const wasHead = queue.head() === waiter;
        if (queue.remove(waiter)) reject(stopped);
        if (wasHead) pump();
      };
      const waiter: Waiter = {
        request,
        grant: (now) => {
          signal.removeEventListener('abort', leave);
          const granted = take(request, now);
          let settled = false;
          resolve({
            waitedMs: now - since,
            settle: (result) => {
              if (settled) return;
              settled = true;
              settle(granted, result);
            },
          });
        },
      };
      signal.addEventListener('abort', leave, { once: true });
      queue.add(waiter);
      // who is not first waits for the timer that the first has set
      if (queue.size === 1 || request.lane === 'live') pump();
    });
  };

  return {
    acquire,
    pause: (ms, reason) => {
      pausedUntil = Math.max(pausedUntil, clock.steady() + ms + random() * PAUSE_JITTER_MS);
      // a server in trouble is left alone for a while; only one that counts us makes us slower
      if (reason !== 'overloaded') speed.halve(reason, clock.steady());
      speed.holdUntil(pausedUntil);
      // nothing was earned meanwhile: the end of the pause is no burst
      for (const limit of [requests, tokens]) limit.stopUntil(pausedUntil);
      pump();
    },
    snapshot: () => ({
      requestsPerMinute: requests.limit,
      tokensPerMinute: tokens.limit,
      usedRequests: used.requests.total(),
      usedTokens: Math.max(0, used.tokens.total()),
      pausedUntil: pausedUntil > clock.steady() ? clock.now() + pausedUntil - clock.steady() : null,
      waiting: queue.size,
      inFlight: concurrency.inFlight,
      concurrencyLimit: concurrency.limit,
      refundFactor: refund.factor,
      promptRatio: ratio.learned(),
    }),
  };
}

function cancelled(): UpstreamError {
  return new UpstreamError('cancelled', 'Stopped while waiting for the rate limit of the LLM.', { upstream: 'llm' });
}

function tooLarge(tokens: number, limit: number): UpstreamError {
  return new UpstreamError(
    'request_too_large',
    `This ticket needs up to ${tokens} tokens, more than the LLM's limit of ${limit} a minute (LLM_TOKENS_PER_MINUTE).`,
    { upstream: 'llm' },
  );
}
