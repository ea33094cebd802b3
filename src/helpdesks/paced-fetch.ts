import Bottleneck from 'bottleneck';
import type { Clock, Random } from '../core/clock.ts';
import { UpstreamError } from '../core/errors.ts';
import { createMinuteCount } from '../core/minute-count.ts';
import { parseRetryAfter } from '../core/retry-after.ts';
import { type Answer, type HttpCall, type HttpOptions, sendCall } from './http-call.ts';
import { leavable } from './leavable.ts';

/**
 * From this rate on a budget only counts and pauses: bottleneck itself manages some 400 jobs a second (queues.md D1),
 * and no account of either vendor comes near.
 */
const UNPACED_PER_MINUTE = 12_000;

/** Calls that may start at once after a quiet time, in seconds of the rate: low latency, no burst of a whole minute. */
const BURST_SECONDS = 2;
/** Never below the dearest single call (Freshdesk: a ticket with two includes). */
const BURST_MIN = 3;

/** Calls in flight at most, in cost units. */
const MAX_CONCURRENT = 64;

/** Pause after a 429 that does not say how long, ms. */
const DEFAULT_PAUSE_MS = 10_000;

/** Several processes share an account: they should not all come back in the same instant, ms. */
const PAUSE_JITTER_MS = 250;

/** The wall clock was set back when it lost this much against the steady one, ms. */
const CLOCK_STEP_MS = 100;

export interface BudgetSnapshot {
  /** The configured rate, or the account's own where that is lower. */
  readonly perMinute: number;
  /** Spent in the last 60 s. */
  readonly used: number;
  /** Time that calls have waited for it, all together, ms. */
  readonly waitedMs: number;
  /** Calls of cost 1 that could start now without waiting. */
  readonly free: number;
  /** Clock.steady ms; null when not paused. */
  readonly pausedUntil: number | null;
}

interface Turn {
  readonly cost: number;
  /** 0 first … 9 last. */
  readonly priority: number;
  readonly signal: AbortSignal;
}

interface Budget {
  /** Runs the job when the budget has room. */
  run<T>(turn: Turn, job: () => Promise<T>): Promise<T>;
  /** Nobody starts for `ms`. */
  pause(ms: number): void;
  /** The account allows this many a minute: a lower rate than ours is kept to. */
  learn(perMinute: number): void;
  snapshot(): BudgetSnapshot;
}

/**
 * One rate: bottleneck queues, orders by priority and bounds what is in flight; its reservoir is filled here, from the
 * steady clock. Bottleneck's own refill stops when settings change (its issue 185) and when the wall clock is set back.
 */
function createBudget(upstream: string, configured: number, clock: Clock): Budget {
  const count = createMinuteCount(clock);
  let waitedMs = 0;
  let perMinute = configured;
  let available = burst();
  let credit = 0;
  let filledAt = clock.steady();
  let pausedUntil = 0;
  let waiting = 0;
  let ticking: AbortController | null = null;
  let limiter = newLimiter();
  let wallOffset = clock.now() - clock.steady();

  function burst(): number {
    return Math.max(BURST_MIN, Math.ceil((perMinute * BURST_SECONDS) / 60));
  }

  function newLimiter(): Bottleneck {
    return new Bottleneck({ maxConcurrent: MAX_CONCURRENT, reservoir: available, minTime: 0 });
  }

  /** Puts what time has earned into the reservoir; nothing is earned during a pause. */
  function fill(): void {
    const now = clock.steady();
    const from = Math.max(filledAt, pausedUntil);
    if (now <= from) return;
    filledAt = now;
    credit = Math.min(credit + ((now - from) * perMinute) / 60_000, Math.max(0, burst() - available));
    const whole = Math.floor(credit);
    if (whole === 0) return;
    credit -= whole;
    give(whole);
  }

  function give(amount: number): void {
    available += amount;
    void limiter.incrementReservoir(amount);
  }

  /** Fills while somebody waits; a quiet budget needs no timer and keeps no process alive. */
  function tick(): void {
    if (ticking !== null || waiting === 0) return;
    const stop = new AbortController();
    ticking = stop;
    const untilNext = Math.max(((1 - credit) * 60_000) / perMinute, pausedUntil - clock.steady(), 20);
    void clock.sleep(untilNext, stop.signal).then(() => {
      ticking = null;
      renewAfterClockStep();
      fill();
      tick();
    });
  }

  /** Bottleneck times by the wall clock: set back an hour, it would hold everybody for an hour. */
  function renewAfterClockStep(): void {
    const offset = clock.now() - clock.steady();
    const step = wallOffset - offset;
    wallOffset = offset;
    if (step < CLOCK_STEP_MS) return;
    const old = limiter;
    limiter = newLimiter();
    void old.stop({ dropWaitingJobs: true });
  }

  /** Waits for its turn at bottleneck, which then holds the job until it is over. */
  async function queue<T>(turn: Turn, place: Place, job: () => Promise<T>): Promise<T> {
    const start = async (): Promise<T> => {
      available -= turn.cost;
      if (place.state === 'left') {
        give(turn.cost);
        throw cancelled(upstream);
      }
      place.state = 'started';
      waiting -= 1;
      waitedMs += clock.steady() - place.since;
      return begin(turn, job);
    };
    for (;;) {
      const at = limiter;
      try {
        return await at.schedule({ priority: turn.priority, weight: turn.cost }, start);
      } catch (error) {
        // dropped by a limiter that was replaced meanwhile: queue again at the new one
        if (place.state !== 'waiting' || at === limiter) throw error;
      }
    }
  }

  async function begin<T>(turn: Turn, job: () => Promise<T>): Promise<T> {
    // all but the last part of a pause, which is waited out here, was waited in the queue
    const from = clock.steady();
    for (let ms = pausedUntil - clock.steady(); ms > 0; ms = pausedUntil - clock.steady()) {
      await clock.sleep(ms, turn.signal);
      if (turn.signal.aborted) throw cancelled(upstream);
    }
    waitedMs += clock.steady() - from;
    count.add(turn.cost);
    return job();
  }

  return {
    run: async (turn, job) => {
      if (perMinute >= UNPACED_PER_MINUTE) return begin(turn, job);
      if (turn.signal.aborted) throw cancelled(upstream);
      renewAfterClockStep();
      fill();
      waiting += 1;
      tick();
      const place: Place = { state: 'waiting', since: clock.steady() };
      return leavable(queue(turn, place, job), turn.signal, () => {
        if (place.state !== 'waiting') return null;
        place.state = 'left';
        waiting -= 1;
        if (waiting === 0) ticking?.abort();
        return cancelled(upstream);
      });
    },
    pause: (ms) => {
      pausedUntil = Math.max(pausedUntil, clock.steady() + ms);
      credit = 0;
      // what was saved up would all start at the end of the pause
      if (available > 0) give(-available);
    },
    learn: (told) => {
      fill();
      perMinute = Math.max(1, Math.min(configured, told));
      if (available > burst()) give(burst() - available);
    },
    snapshot: () => {
      fill();
      const paused = pausedUntil > clock.steady();
      const open = perMinute >= UNPACED_PER_MINUTE ? UNPACED_PER_MINUTE : Math.max(0, available - waiting);
      return {
        perMinute,
        used: count.total(),
        waitedMs,
        free: paused ? 0 : open,
        pausedUntil: paused ? pausedUntil : null,
      };
    },
  };
}

/** Where a caller stands; `left` places are given back when their turn comes, bottleneck cannot remove them. */
interface Place {
  state: 'waiting' | 'started' | 'left';
  readonly since: number;
}

function cancelled(upstream: string): UpstreamError {
  return new UpstreamError('cancelled', `Stopped while waiting for the rate limit of ${upstream}.`, { upstream });
}

/** What an answer's headers say about one budget. */
export interface Lesson<Name extends string> {
  readonly budget: Name;
  /** The account's limit for this kind of call. */
  readonly perMinute?: number;
  /** Nothing is left: wait this long, ms. */
  readonly exhaustedForMs?: number;
}

export interface PacedCall<Name extends string> extends HttpCall {
  /** Whose room it needs, the scarcest first: that one also pauses on a 429. */
  readonly budgets: readonly [Name, ...Name[]];
  /** What the vendor charges for it; 1 unless told. */
  readonly cost?: number;
  /** 0 goes first, 9 last, 5 unless told. */
  readonly priority?: number;
}

export interface PacedFetchOptions<Name extends string> extends HttpOptions {
  readonly random: Random;
  /** Calls (or credits) a minute of each budget. */
  readonly budgets: Readonly<Record<Name, number>>;
  /** Reads a vendor's rate-limit headers. */
  readonly learn: (headers: Headers, call: PacedCall<Name>) => readonly Lesson<Name>[];
}

export interface PacedFetch<Name extends string> {
  /** Waits for room in all its budgets, then sends. Throws what `sendCall` throws, and `cancelled` while waiting. */
  call(call: PacedCall<Name>, signal: AbortSignal): Promise<Answer>;
  snapshot(budget: Name): BudgetSnapshot;
}

/** Sends calls inside an account's limits: rate, concurrency, and the pauses the server asks for. Never retries. */
export function createPacedFetch<Name extends string>(options: PacedFetchOptions<Name>): PacedFetch<Name> {
  const { clock, upstream, random } = options;
  const budgets = new Map<Name, Budget>();
  for (const name in options.budgets) budgets.set(name, createBudget(upstream, options.budgets[name], clock));
  const budget = (name: Name): Budget => {
    const found = budgets.get(name);
    if (found === undefined) throw new Error(`no budget ${name}`);
    return found;
  };

  const obey = (response: Response, call: PacedCall<Name>): void => {
    for (const { budget: name, perMinute, exhaustedForMs } of options.learn(response.headers, call)) {
      if (perMinute !== undefined) budget(name).learn(perMinute);
      if (exhaustedForMs !== undefined) budget(name).pause(exhaustedForMs);
    }
    if (response.status !== 429) return;
    const asked = parseRetryAfter(response.headers.get('retry-after'), clock.now()) ?? DEFAULT_PAUSE_MS;
    budget(call.budgets[0]).pause(asked + random() * PAUSE_JITTER_MS);
  };

  const send = (call: PacedCall<Name>, signal: AbortSignal): Promise<Answer> =>
    sendCall(
      call,
      {
        ...options,
        fetch: async (input, init) => {
          const response = await options.fetch(input, init);
          obey(response, call);
          return response;
        },
      },
      signal,
    );

  return {
    call: (call, signal) => {
      const turn: Turn = { cost: call.cost ?? 1, priority: call.priority ?? 5, signal };
      const nested = call.budgets.reduceRight<() => Promise<Answer>>(
        (job, name) => () => budget(name).run(turn, job),
        () => send(call, signal),
      );
      return nested();
    },
    snapshot: (name) => budget(name).snapshot(),
  };
}
