import type { Clock } from '../core/clock.ts';

/** What a limiter says about one call. */
export interface LimitVerdict {
  readonly allowed: boolean;
  readonly limit: number;
  readonly remaining: number;
  /** Until the window starts anew, or until the bucket is full again. */
  readonly resetMs: number;
  /** Until this call would be allowed; 0 when it was. */
  readonly waitMs: number;
}

/** So many calls per window; the window starts with its first call (Zendesk, Freshdesk). */
export interface WindowLimit {
  take(cost?: number): LimitVerdict;
  /** From now on others take so many a minute out of it, evenly; 0 ends that. */
  rival(perMinute: number): void;
  /** How many of those others were refused. */
  rivalsRefused(): number;
}

export function windowLimit(clock: Clock, limit: number, windowMs = 60_000): WindowLimit {
  let startedAt = Number.NEGATIVE_INFINITY;
  let used = 0;
  let rivalPerMinute = 0;
  let rivalFrom = 0;
  let refused = 0;

  /** The calls of others until `until`, of which there is room for some. */
  const rivals = (until: number): void => {
    const calls = Math.floor(((until - rivalFrom) * rivalPerMinute) / 60_000);
    if (calls < 1) return;
    rivalFrom += (calls * 60_000) / rivalPerMinute;
    const served = Math.min(calls, limit - used);
    used += served;
    refused += calls - served;
  };
  const settle = (): void => {
    const now = clock.steady();
    // others call all the time: one window follows the other
    while (rivalPerMinute > 0 && now >= startedAt + windowMs) {
      rivals(startedAt + windowMs);
      startedAt = Math.max(startedAt + windowMs, rivalFrom);
      used = 0;
    }
    if (now >= startedAt + windowMs) {
      startedAt = now;
      used = 0;
    }
    if (rivalPerMinute > 0) rivals(now);
  };

  return {
    rival(perMinute) {
      settle();
      rivalPerMinute = perMinute;
      rivalFrom = clock.steady();
    },
    rivalsRefused() {
      settle();
      return refused;
    },
    take(cost = 1) {
      settle();
      const now = clock.steady();
      const allowed = used + cost <= limit;
      if (allowed) used += cost;
      const resetMs = startedAt + windowMs - now;
      return { allowed, limit, remaining: limit - used, resetMs, waitMs: allowed ? 0 : resetMs };
    },
  };
}

/** A bucket that refills all the time (OpenAI). */
export interface TokenBucket {
  /** Looks without taking. */
  check(cost: number): LimitVerdict;
  /** Takes, whether there is enough or not: refused calls count too. Never below one empty bucket in debt. */
  charge(cost: number): void;
  refund(cost: number): void;
  reading(): Omit<LimitVerdict, 'allowed' | 'waitMs'>;
}

/** `burst` is the depth in units: how much can be taken at once after a pause. */
export function tokenBucket(clock: Clock, options: { perMinute: number; burst: number }): TokenBucket {
  const perMs = options.perMinute / 60_000;
  const depth = Math.max(1, Math.min(options.burst, options.perMinute));
  let level = depth;
  let updatedAt = clock.steady();

  const refill = (): void => {
    const now = clock.steady();
    level = Math.min(depth, level + (now - updatedAt) * perMs);
    updatedAt = now;
  };
  const reading = (): Omit<LimitVerdict, 'allowed' | 'waitMs'> => {
    refill();
    return {
      limit: options.perMinute,
      remaining: Math.max(0, Math.floor(level)),
      resetMs: Math.ceil((depth - level) / perMs),
    };
  };

  return {
    reading,
    check(cost) {
      const state = reading();
      // a call larger than the depth is let through by a full bucket: only the limit per minute refuses for good
      const needed = Math.min(cost, depth);
      // refills of many small steps end a hair below the whole number
      const allowed = level + 1e-6 >= needed;
      return { ...state, allowed, waitMs: allowed ? 0 : Math.ceil((needed - level) / perMs) };
    },
    charge(cost) {
      refill();
      level = Math.max(-depth, level - cost);
    },
    refund(cost) {
      refill();
      level = Math.min(depth, level + cost);
    },
  };
}
