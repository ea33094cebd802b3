import Bottleneck from 'bottleneck';
import type { Clock, Random } from '../core/clock.ts';
import { UpstreamError } from '../core/errors.ts';
import { parseRetryAfter } from '../core/retry-after.ts';
import type { Lane } from '../core/ticket.ts';
import { type BudgetSnapshot, type CallBudget, createCallBudget, type Reading } from './call-budget.ts';
import { type Answer, type HttpCall, type HttpOptions, sendCall } from './http-call.ts';
import { leavable } from './leavable.ts';
import { createTurnLine, priorityOf, type Step } from './turn-line.ts';

/**
 * From this rate on nothing bounds what is in flight: bottleneck manages some 400 jobs a second and takes 0.3 ms of CPU
 * for each (queues.md D1), and no account of either vendor comes near.
 */
const UNBOUND_PER_MINUTE = 12_000;

/** Calls in flight at most, in cost units. */
const MAX_CONCURRENT = 64;

/** Pause after a 429 that does not say how long, ms. */
const DEFAULT_PAUSE_MS = 10_000;

/** Several processes share an account: they should not all come back in the same instant, ms. */
const PAUSE_JITTER_MS = 250;

/** The wall clock was set back when it lost this much against the steady one, ms. */
const CLOCK_STEP_MS = 100;

/** What an answer's headers say about one budget. */
export interface Lesson<Name extends string> extends Reading {
  readonly budget: Name;
}

export interface PacedCall<Name extends string> extends Omit<HttpCall, 'url'> {
  /** A function is asked when the call starts. */
  readonly url: string | (() => string);
  /** Whose room it needs, the scarcest first: that one also pauses on a 429. */
  readonly budgets: readonly [Name, ...Name[]];
  readonly step: Step;
  /** `live` unless told. */
  readonly lane?: Lane | undefined;
  /** What the vendor charges for it; 1 unless told. */
  readonly cost?: number;
  /** Asked when it is about to be sent, which may be minutes later; false: it is not, and `cancelled` is thrown. */
  readonly mayStart?: (() => boolean) | undefined;
}

export interface PacedFetchOptions<Name extends string> extends HttpOptions {
  readonly random: Random;
  /** Calls (or credits) a minute of each budget, at most. */
  readonly budgets: Readonly<Record<Name, number>>;
  /** Reads a vendor's rate-limit headers. */
  readonly learn: (headers: Headers, call: PacedCall<Name>) => readonly Lesson<Name>[];
  /** A call has waited for its turn, ms. `limit`: the upstream and the call's first budget, e.g. `zendesk.update`. */
  readonly waited?: ((limit: string, waitedMs: number) => void) | undefined;
  /** Whose limit a 429 is about; null when it is about one ticket. The call's first budget unless told. */
  readonly refusedBy?: (headers: Headers, call: PacedCall<Name>) => Name | null;
}

export interface PacedFetch<Name extends string> {
  /** Waits for room in all its budgets, then sends. Throws what `sendCall` throws, and `cancelled` while waiting. */
  call(call: PacedCall<Name>, signal: AbortSignal): Promise<Answer>;
  snapshot(budget: Name): BudgetSnapshot;
  /** Calls of cost 1 that could start now, after those that wait for this budget already. */
  room(budget: Name): number;
  /** Time that calls have waited for their turn, all together, ms. */
  waitedMs(): number;
  /** Steady time until which the server wants no calls of some kind; null when it takes all. */
  pausedUntil(): number | null;
}

/** Sends calls inside an account's limits: rates, order, concurrency, the pauses the server asks for. Never retries. */
export function createPacedFetch<Name extends string>(options: PacedFetchOptions<Name>): PacedFetch<Name> {
  const { clock, upstream, random } = options;
  const budgets = new Map<Name, CallBudget>();
  for (const name in options.budgets) budgets.set(name, createCallBudget(options.budgets[name], clock));
  const line = createTurnLine(clock);
  const inFlight = createConcurrency(clock);
  let waitedMs = 0;

  const budget = (name: Name): CallBudget => {
    const found = budgets.get(name);
    if (found === undefined) throw new Error(`no budget ${name}`);
    return found;
  };
  // one for all: ten thousand stack traces would be half the cost of ten thousand callers leaving
  const cancelled = new UpstreamError('cancelled', `Stopped while waiting for the rate limit of ${upstream}.`, {
    upstream,
  });

  /** Resolves when the budgets have been charged for the call. */
  function turn(call: PacedCall<Name>, cost: number, signal: AbortSignal): Promise<void> {
    return new Promise<void>((resolve, reject) => {
      let started = false;
      const onAbort = (): void => {
        leave();
        reject(cancelled);
      };
      const start = (): void => {
        started = true;
        signal.removeEventListener('abort', onAbort);
        resolve();
      };
      const priority = priorityOf(call.step, call.lane);
      const leave = line.enter({ budgets: call.budgets.map(budget), cost, priority, start });
      if (!started) signal.addEventListener('abort', onAbort, { once: true });
    });
  }

  function obey(response: Response, call: PacedCall<Name>, cost: number): void {
    const lessons = options.learn(response.headers, call);
    for (const name of call.budgets) {
      if (lessons.every((lesson) => lesson.budget !== name)) budget(name).answered(cost);
    }
    for (const lesson of lessons)
      budget(lesson.budget).answered(call.budgets.includes(lesson.budget) ? cost : 0, lesson);
    if (response.status === 429) {
      const name = options.refusedBy === undefined ? call.budgets[0] : options.refusedBy(response.headers, call);
      const asked = parseRetryAfter(response.headers.get('retry-after'), clock.now()) ?? DEFAULT_PAUSE_MS;
      if (name !== null) budget(name).pause(asked + random() * PAUSE_JITTER_MS);
    }
    line.review();
  }

  async function send(call: PacedCall<Name>, cost: number, signal: AbortSignal): Promise<Answer> {
    if (call.mayStart?.() === false) throw giveBack(call, cost);
    let over = false;
    const observed: typeof fetch = async (input, init) => {
      const response = await options.fetch(input, init);
      over = true;
      obey(response, call, cost);
      return response;
    };
    try {
      const url = typeof call.url === 'string' ? call.url : call.url();
      return await sendCall({ ...call, url }, { ...options, fetch: observed }, signal);
    } finally {
      if (!over) for (const name of call.budgets) budget(name).answered(cost);
    }
  }

  function giveBack(call: PacedCall<Name>, cost: number): UpstreamError {
    for (const name of call.budgets) budget(name).giveBack(cost);
    line.review();
    return cancelled;
  }

  /** Through bottleneck, which bounds how many calls are in flight. */
  function bounded(call: PacedCall<Name>, cost: number, signal: AbortSignal): Promise<Answer> {
    let state: 'waiting' | 'begun' | 'left' = 'waiting';
    const work = inFlight.run(priorityOf(call.step, call.lane), cost, () => {
      if (state === 'left' || signal.aborted) throw giveBack(call, cost);
      state = 'begun';
      return send(call, cost, signal);
    });
    return leavable(work, signal, () => {
      if (state === 'begun') return null;
      state = 'left';
      return cancelled;
    });
  }

  return {
    call: async (call, signal) => {
      const cost = call.cost ?? 1;
      const since = clock.steady();
      if (signal.aborted) throw cancelled;
      await turn(call, cost, signal);
      const waited = clock.steady() - since;
      waitedMs += waited;
      options.waited?.(`${upstream}.${call.budgets[0]}`, waited);
      if (signal.aborted) throw giveBack(call, cost);
      const unbound = call.budgets.every((name) => options.budgets[name] >= UNBOUND_PER_MINUTE);
      return unbound ? send(call, cost, signal) : bounded(call, cost, signal);
    },
    snapshot: (name) => budget(name).snapshot(),
    room: (name) => Math.max(0, budget(name).snapshot().free - line.waitingFor(budget(name))),
    waitedMs: () => waitedMs,
    pausedUntil: () => {
      const until = Math.max(0, ...Array.from(budgets.values(), (one) => one.snapshot().pausedUntil ?? 0));
      return until === 0 ? null : until;
    },
  };
}

interface Concurrency {
  run<T>(priority: number, weight: number, job: () => Promise<T>): Promise<T>;
}

/** What bottleneck is good at: so much in flight, the rest by priority. Rates are not left to it (queues.md D1). */
function createConcurrency(clock: Clock): Concurrency {
  const newLimiter = (): Bottleneck => new Bottleneck({ maxConcurrent: MAX_CONCURRENT, minTime: 0 });
  let limiter = newLimiter();
  let wallOffset = clock.now() - clock.steady();

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

  return {
    run: async (priority, weight, job) => {
      for (;;) {
        renewAfterClockStep();
        const at = limiter;
        let begun = false;
        try {
          return await at.schedule({ priority, weight }, () => {
            begun = true;
            return job();
          });
        } catch (error) {
          // dropped by a limiter that was replaced meanwhile: queue again at the new one
          if (begun || at === limiter) throw error;
        }
      }
    },
  };
}
