import type { Clock, Random } from './clock.ts';
import { UpstreamError } from './errors.ts';
import { createMinuteCount, type MinuteCount } from './minute-count.ts';
import type { BudgetRequest, Grant, RateBudget } from './rate-budget.ts';

export interface RateBudgetOptions {
  /** Never exceeded; a lower limit that the server tells is obeyed, a higher one is not used. */
  readonly requestsPerMinute: number;
  readonly tokensPerMinute: number;
  readonly clock: Clock;
  readonly random: Random;
  /** How much may start at once after a quiet time, in ms of the rate. */
  readonly burstMs?: number;
}

/**
 * A hair under the limit: clocks differ, the server's may be the slower one. Everything else that could break a limit
 * (late timers, jitter on the way) only moves calls within the burst.
 */
const TARGET = 0.998;
const MINUTE_MS = 60_000;
const JITTER_MS = 50;
/** When a large request waits for tokens, so many smaller ones may pass it, for so long (queues.md D3). */
const LOOK_AHEAD = 8;
const LOOK_AHEAD_MS = 1_000;
/** After a pause: half the rate, doubled after each clean period (queues.md D3). */
const SLOWEST = 1 / 16;
const CLEAN_MS = 5_000;
/** Pauses of one wave of refusals cut the rate once. */
const WAVE_MS = 1_000;
const PAUSE_JITTER_MS = 250;
/** How fast unused reservations are given back while the server shows room, and where that ends (queues.md A3). */
const REFUND_STEP = 0.02;
const ROOM_HIGH = 0.5;
const ROOM_LOW = 0.25;

/**
 * One limit as GCRA (https://en.wikipedia.org/wiki/Generic_cell_rate_algorithm): `tat` is when the bucket would be
 * full again if nothing more were taken.
 */
interface Dimension {
  limit: number;
  readonly configured: number;
  tat: number;
  /** All that was ever granted, to know what was granted since some moment. */
  granted: number;
  /** The largest remaining the server has told: how deep its bucket is. */
  deepest: number;
  readonly minute: MinuteCount;
}

interface Waiter {
  readonly request: BudgetRequest;
  /** When it first stood at the head without enough tokens; starts the look-ahead. */
  headSince: number | null;
  grant(): void;
}

/** Requests and tokens of one key, in this process. See `RateBudget`. */
export function createRateBudget(options: RateBudgetOptions): RateBudget {
  const { clock, random, burstMs = 500 } = options;
  const requests = dimension(options.requestsPerMinute, clock);
  const tokens = dimension(options.tokensPerMinute, clock);
  const lanes = { live: new Set<Waiter>(), batch: new Set<Waiter>() };
  let refund = 0;
  let speed = 1;
  let speedSince = clock.steady();
  let pausedUntil = Number.NEGATIVE_INFINITY;
  let lastPauseAt = Number.NEGATIVE_INFINITY;
  let timer: { readonly at: number; readonly cancel: () => void } | null = null;

  /** ms that one unit of a dimension costs now. Rates too slow for a burst get a margin for jitter on the way instead. */
  const msPer = ({ limit }: Dimension): number => {
    const even = MINUTE_MS / (limit * TARGET * speed);
    return even > burstMs ? even + JITTER_MS : even;
  };

  /** ms until `cost` fits; 0 = now. A cost larger than the burst needs an empty queue of its own length. */
  const waitFor = (each: Dimension, cost: number, now: number): number => {
    const costMs = cost * msPer(each);
    return Math.max(0, Math.max(each.tat, now) + costMs - Math.max(burstMs, costMs) - now);
  };

  const take = (each: Dimension, cost: number, now: number): void => {
    each.tat = Math.max(each.tat, now) + cost * msPer(each);
    each.granted += cost;
    each.minute.add(cost);
  };

  /** The rate grows back from a pause. */
  const recover = (now: number): void => {
    while (speed < 1 && now - Math.max(speedSince, pausedUntil) >= CLEAN_MS) {
      speed = Math.min(1, speed * 2);
      speedSince = Math.max(speedSince, pausedUntil) + CLEAN_MS;
    }
  };

  const waitOf = ({ request }: Waiter, now: number): number =>
    Math.max(waitFor(requests, 1, now), waitFor(tokens, request.tokens, now));

  const release = (waiter: Waiter, now: number): void => {
    lanes[waiter.request.lane].delete(waiter);
    take(requests, 1, now);
    take(tokens, waiter.request.tokens, now);
    waiter.grant();
  };

  /** A few smaller requests of the same lane may pass a head that waits for tokens only. */
  const passHead = (head: Waiter, now: number): boolean => {
    head.headSince ??= now;
    if (now - head.headSince > LOOK_AHEAD_MS || waitFor(requests, 1, now) > 0) return false;
    let looked = 0;
    for (const waiter of lanes[head.request.lane]) {
      if (looked++ > LOOK_AHEAD) return false;
      if (waiter !== head && waitOf(waiter, now) === 0) {
        release(waiter, now);
        return true;
      }
    }
    return false;
  };

  const head = (): Waiter | undefined => first(lanes.live) ?? first(lanes.batch);

  /** Grants all that is due, then sets the one timer for what is next. */
  const pump = (): void => {
    const now = clock.steady();
    recover(now);
    for (let next = head(); next !== undefined; next = head()) {
      const wait = Math.max(pausedUntil - now, waitOf(next, now));
      if (wait <= 0) release(next, now);
      else if (pausedUntil > now || !passHead(next, now)) {
        schedule(now + wait);
        return;
      }
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

  /** What the server has left now, judged by what it told about an older moment. */
  const roomNow = (each: Dimension, remaining: number, mark: Mark, granted: number): number => {
    const refilled = ((clock.steady() - mark.at) * each.limit) / MINUTE_MS;
    return remaining - (each.granted - granted) + refilled;
  };

  /** The server has less than we thought (somebody else uses the key): wait until it has some again. */
  const correct = (each: Dimension, room: number): void => {
    if (room >= 0) return;
    each.tat = Math.max(each.tat, clock.steady() + burstMs - room * msPer(each));
  };

  const learn = (limits: NonNullable<SettleResult['limits']>, mark: Mark): void => {
    lower(requests, limits.limitRequests);
    lower(tokens, limits.limitTokens);
    if (limits.remainingRequests !== null) {
      correct(requests, roomNow(requests, limits.remainingRequests, mark, mark.requests));
    }
    if (limits.remainingTokens === null) return;
    const room = roomNow(tokens, limits.remainingTokens, mark, mark.tokens);
    correct(tokens, room);
    tokens.deepest = Math.max(tokens.deepest, limits.remainingTokens);
    const next = head();
    const blocked = next !== undefined && waitFor(tokens, next.request.tokens, clock.steady()) > 0;
    if (room < tokens.deepest * ROOM_LOW) refund /= 2;
    else if (blocked && room > tokens.deepest * ROOM_HIGH) refund = Math.min(1, refund + REFUND_STEP);
  };

  const settle = (request: BudgetRequest, mark: Mark, { usage, limits }: SettleResult): void => {
    if (limits !== undefined && limits !== null) learn(limits, mark);
    if (usage !== undefined) {
      const unused = request.tokens - usage.promptTokens - usage.completionTokens;
      // more used than reserved is owed in full
      const back = unused < 0 ? unused : unused * refund;
      tokens.tat -= back * msPer(tokens);
    }
    pump();
  };

  const acquire = (request: BudgetRequest, signal: AbortSignal): Promise<Grant> => {
    // by what was configured: what a server tells may change, and it will refuse by itself
    if (request.tokens > tokens.configured) return Promise.reject(tooLarge(request.tokens, tokens.configured));
    if (signal.aborted) return Promise.reject(cancelled());
    return new Promise<Grant>((resolve, reject) => {
      const since = clock.steady();
      const leave = (): void => {
        const wasHead = head() === waiter;
        if (lanes[request.lane].delete(waiter)) reject(cancelled());
        if (wasHead) pump();
      };
      const waiter: Waiter = {
        request,
        headSince: null,
        grant: () => {
          signal.removeEventListener('abort', leave);
          const mark: Mark = { at: clock.steady(), requests: requests.granted, tokens: tokens.granted };
          let settled = false;
          resolve({
            waitedMs: mark.at - since,
            settle: (result = {}) => {
              if (settled) return;
              settled = true;
              settle(request, mark, result);
            },
          });
        },
      };
      signal.addEventListener('abort', leave, { once: true });
      lanes[request.lane].add(waiter);
      // who is not first waits for the timer that the first has set
      if (lanes.live.size + lanes.batch.size === 1 || request.lane === 'live') pump();
    });
  };

  return {
    acquire,
    pause: (ms, reason) => {
      const now = clock.steady();
      // a server in trouble is left alone for a while; only one that counts us makes us slower
      const counted = reason !== 'overloaded';
      if (counted && now - lastPauseAt > WAVE_MS && pausedUntil <= now) speed = Math.max(SLOWEST, speed / 2);
      if (counted) lastPauseAt = now;
      pausedUntil = Math.max(pausedUntil, now + ms + random() * PAUSE_JITTER_MS);
      speedSince = pausedUntil;
      if (reason === 'rate_limited') refund = 0;
      // nothing was earned meanwhile: the end of the pause is no burst
      for (const each of [requests, tokens]) each.tat = Math.max(each.tat, pausedUntil + burstMs);
      pump();
    },
    snapshot: () => ({
      requestsPerMinute: requests.limit,
      tokensPerMinute: tokens.limit,
      usedRequests: requests.minute.total(),
      usedTokens: tokens.minute.total(),
      pausedUntil: pausedUntil > clock.steady() ? clock.now() + pausedUntil - clock.steady() : null,
      waiting: lanes.live.size + lanes.batch.size,
    }),
  };
}

/** What had been granted when a call was granted. */
interface Mark {
  readonly at: number;
  readonly requests: number;
  readonly tokens: number;
}

type SettleResult = NonNullable<Parameters<Grant['settle']>[0]>;

function dimension(limit: number, clock: Clock): Dimension {
  return {
    limit,
    configured: limit,
    tat: Number.NEGATIVE_INFINITY,
    granted: 0,
    deepest: 0,
    minute: createMinuteCount(clock),
  };
}

/** The server's limit holds where it is the lower one; it may also be raised again, up to the configured one. */
function lower(each: Dimension, told: number | null): void {
  if (told !== null && told > 0) each.limit = Math.min(each.configured, told);
}

function first(waiters: ReadonlySet<Waiter>): Waiter | undefined {
  return waiters.values().next().value;
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
