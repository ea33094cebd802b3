import type { Clock } from '../core/clock.ts';
import { createMinuteCount } from '../core/minute-count.ts';

/** Calls that may start at once after a quiet time, in seconds of the rate: low latency, no burst of a whole minute. */
const BURST_SECONDS = 2;
/** Never below the dearest single call (Freshdesk: a ticket with two includes). */
const BURST_MIN = 3;

/** Share of the account's own limit that stays free for its agents and their other apps. */
const RESERVE_SHARE = 0.1;
/** Others are at work when they take more than this share of the limit; what is below is our own calls, miscounted. */
const OTHERS_SHARE = 0.02;

/** Both vendors count by the minute. */
const WINDOW_MS = 60_000;
/** Resets are told in whole seconds: a window's end that moves by less is the same window, ms. */
const SAME_WINDOW_MS = 2_500;
/** What was seen of others in earlier windows counts as much as so much of this one, ms. */
const MEMORY_MS = 20_000;
/** In the first window, where nothing has been seen. */
const FIRST_MEMORY_MS = 5_000;
/** Share of the limit that we go on with however much others are expected to take, while more than the reserve is left. */
const LEAST_SHARE = 0.05;

const EPSILON = 1e-6;

/** What an answer's headers say about one of the account's limits. */
export interface Reading {
  /** Calls (or credits) a minute. */
  readonly total?: number;
  /** Left in the vendor's running minute. */
  readonly remaining?: number;
  /** Until that minute is over, ms. */
  readonly resetsInMs?: number;
}

export interface BudgetSnapshot {
  /** The configured rate, or what the account's own leaves when its reserve is taken off. */
  readonly perMinute: number;
  /** The same less what others have taken lately. */
  readonly inForce: number;
  /** Spent in the last 60 s. */
  readonly used: number;
  /** Calls of cost 1 that could start now. */
  readonly free: number;
  /** Clock.steady ms; null when not paused. */
  readonly pausedUntil: number | null;
  /** The account's own limit; null until an answer has told it. */
  readonly learned: number | null;
  /** What of it is left to others. */
  readonly reserved: number;
}

export interface CallBudget {
  /** Would a call of this cost have room now? */
  has(cost: number): boolean;
  /** How long until it would, if nobody else took any, ms. */
  msUntil(cost: number): number;
  /** A call starts. */
  take(cost: number): void;
  /** A call that was never sent gives back what it took. */
  giveBack(cost: number): void;
  /** A call is over, or (cost 0) another one has told something about this limit. */
  answered(cost: number, reading?: Reading): void;
  /** Nobody starts for `ms`. */
  pause(ms: number): void;
  snapshot(): BudgetSnapshot;
}

/** The vendor's running minute, as far as answers have shown it. */
interface Window {
  /** Clock.steady ms. */
  readonly endsAt: number;
  readonly since: number;
  /** Spent when we first saw it: nobody knows by whom. */
  readonly base: number;
  /** Our calls answered in it. */
  own: number;
  remaining: number;
}

/**
 * One rate, kept evenly: a bucket that fills all the time. The account's headers correct it downwards: to what its own
 * limit leaves beside the reserve, and for the rest of a minute in which others take their share, to what is left then.
 * `configured` is the upper bound, calls (or credits) a minute.
 */
export function createCallBudget(configured: number, clock: Clock): CallBudget {
  const count = createMinuteCount(clock);
  let perMinute = configured;
  let learned: number | null = null;
  let level = burst();
  let filledAt = clock.steady();
  let pausedUntil = 0;
  let inFlight = 0;
  let window: Window | null = null;
  /** How many of them we have seen. */
  let windows = 0;
  /** Calls of others per ms. */
  let others = 0;
  let brake: { readonly perMinute: number; readonly until: number } | null = null;

  function burst(): number {
    return Math.max(BURST_MIN, Math.ceil((perMinute * BURST_SECONDS) / 60));
  }

  function reserve(): number {
    return Math.ceil((learned ?? 0) * RESERVE_SHARE);
  }

  /**
   * Puts in what time has earned by now; nothing is earned during a pause, and only the rest of a minute that is
   * braked.
   */
  function fill(now = clock.steady()): void {
    let from = Math.max(filledAt, pausedUntil);
    if (now <= from) return;
    filledAt = now;
    if (brake !== null) {
      const until = Math.max(from, Math.min(now, brake.until));
      level += ((until - from) * brake.perMinute) / 60_000;
      from = until;
      if (now >= brake.until) brake = null;
    }
    level = Math.min(burst(), level + ((now - from) * perMinute) / 60_000);
  }

  function msUntil(cost: number): number {
    // one reading: two differ by a hair, and what has room would seem to have none, while those behind get theirs
    const now = clock.steady();
    fill(now);
    const start = Math.max(now, pausedUntil);
    const pause = start - now;
    const missing = Math.min(cost, burst()) - level;
    if (missing <= EPSILON) return pause;
    if (brake === null || brake.until <= start) return pause + (missing * 60_000) / perMinute;
    const braked = brake.until - start;
    const earned = (braked * brake.perMinute) / 60_000;
    if (earned >= missing) return pause + (missing * 60_000) / brake.perMinute;
    return pause + braked + ((missing - earned) * 60_000) / perMinute;
  }

  /** The vendor's minute that an answer belongs to; null for a late answer from the one before. */
  function windowOf(cost: number, total: number, { remaining = 0, resetsInMs }: Reading): Window | null {
    const now = clock.steady();
    const endsAt = now + (resetsInMs ?? WINDOW_MS);
    const unknown = { endsAt, since: now, base: total - remaining - cost, own: cost, remaining };
    if (window === null) return unknown;
    if (resetsInMs === undefined) {
      // nothing tells when a minute ends, but what is left then grows; answers that overtake each other differ by a few
      const grown = remaining > window.remaining + inFlight + total * RESERVE_SHARE;
      if (grown) return { ...unknown, base: 0 };
      return now < window.endsAt ? Object.assign(window, { remaining }) : unknown;
    }
    if (endsAt < window.endsAt - SAME_WINDOW_MS) return null;
    if (now < window.endsAt && endsAt <= window.endsAt + SAME_WINDOW_MS) return Object.assign(window, { remaining });
    return { ...unknown, since: endsAt - WINDOW_MS, base: 0 };
  }

  /** Slows down for the rest of the minute where it would not do, instead of running into a 429. */
  function observe(total: number, found: Window): void {
    const now = clock.steady();
    const { endsAt, since, base, own, remaining } = found;
    const byOthers = Math.max(0, total - remaining - base - own - inFlight);
    const memory = windows > 1 ? MEMORY_MS : FIRST_MEMORY_MS;
    others = (byOthers + others * memory) / (Math.max(0, now - since) + memory);
    const alone = others * WINDOW_MS <= total * OTHERS_SHARE;
    // alone, our own even rate leaves the reserve: only a burst dips into it
    const untouched = alone ? reserve() / 2 : reserve();
    const left = Math.max(1000, endsAt - now);
    const open = Math.max(0, remaining - untouched - inFlight);
    const least = Math.min(open, (total * LEAST_SHARE * left) / WINDOW_MS);
    const spare = Math.max(least, open - others * left);
    const rate = (spare * 60_000) / left;
    brake = rate < perMinute ? { perMinute: rate, until: endsAt } : null;
    if (brake !== null) level = Math.min(level, spare);
  }

  function learn(cost: number, reading: Reading): void {
    const { total, remaining, resetsInMs } = reading;
    if (total !== undefined && total > 0) {
      learned = total;
      perMinute = Math.max(1, Math.min(configured, total - reserve()));
      level = Math.min(level, burst());
      const found = remaining === undefined ? null : windowOf(cost, total, reading);
      if (found !== null) {
        if (found !== window) windows += 1;
        window = found;
        observe(total, found);
      }
    }
    if (remaining === 0 && resetsInMs !== undefined) pausedUntil = Math.max(pausedUntil, clock.steady() + resetsInMs);
  }

  function inForce(): number {
    const shared = learned === null ? perMinute : learned - reserve() - others * WINDOW_MS;
    return Math.max(1, Math.floor(Math.min(perMinute, shared)));
  }

  return {
    msUntil,
    has: (cost) => msUntil(cost) === 0,
    take: (cost) => {
      level -= cost;
      inFlight += cost;
      count.add(cost);
    },
    giveBack: (cost) => {
      level += cost;
      inFlight -= cost;
      count.add(-cost);
    },
    answered: (cost, reading) => {
      fill();
      inFlight -= cost;
      if (window !== null) window.own += cost;
      if (reading !== undefined) learn(cost, reading);
    },
    pause: (ms) => {
      fill();
      pausedUntil = Math.max(pausedUntil, clock.steady() + ms);
      // what was saved up would all start at the end of the pause
      level = Math.min(level, 0);
    },
    snapshot: () => {
      fill();
      const paused = pausedUntil > clock.steady();
      return {
        perMinute,
        inForce: inForce(),
        used: count.total(),
        free: paused ? 0 : Math.max(0, Math.floor(level + EPSILON)),
        pausedUntil: paused ? pausedUntil : null,
        learned,
        reserved: learned === null ? 0 : reserve(),
      };
    },
  };
}
