import type { Clock } from '../../src/core/clock.ts';

/** A clock that stands still until told to move. */
export interface FakeClock extends Clock {
  /** Moves time on by `ms`, running due timers in order and letting promises settle after each. */
  advance(ms: number): Promise<void>;
  /** Timers not yet due: 0 at the end of a test shows that nothing was left behind. */
  pending(): number;
}

interface Timer {
  dueAt: number;
  order: number;
  run: () => void;
}

/**
 * Time by hand for tests: `sleep` and `after` fire only inside `advance`, never by themselves.
 * Wall clock and steady clock are the same reading.
 */
export function fakeClock(startMs: number = Date.UTC(2026, 10, 23, 10, 0, 0)): FakeClock {
  const timers = new Set<Timer>();
  let time = startMs;
  let order = 0;

  const schedule = (ms: number, run: () => void): (() => void) => {
    const timer = { dueAt: time + Math.max(0, ms), order: order++, run };
    timers.add(timer);
    return () => timers.delete(timer);
  };

  const nextDue = (until: number): Timer | undefined => {
    let next: Timer | undefined;
    for (const timer of timers) {
      if (timer.dueAt > until) continue;
      const earlier = next === undefined || timer.dueAt < next.dueAt;
      const first = next !== undefined && timer.dueAt === next.dueAt && timer.order < next.order;
      if (earlier || first) next = timer;
    }
    return next;
  };

  return {
    now: () => time,
    steady: () => time,
    sleep: (ms, signal) =>
      new Promise((resolve) => {
        if (signal?.aborted) {
          resolve();
          return;
        }
        const done = (): void => {
          cancel();
          signal?.removeEventListener('abort', done);
          resolve();
        };
        const cancel = schedule(ms, done);
        signal?.addEventListener('abort', done, { once: true });
      }),
    after: schedule,
    async advance(ms) {
      const until = time + ms;
      await settle();
      for (let timer = nextDue(until); timer !== undefined; timer = nextDue(until)) {
        timers.delete(timer);
        time = timer.dueAt;
        timer.run();
        await settle();
      }
      time = until;
      await settle();
    },
    pending: () => timers.size,
  };
}

/** Readings in a row that differ after a wait. */
const COLD_READINGS = 4;

/** The same, but time goes on by a hair while a process that has just woken reads it, as with a real clock. */
export function tickingClock(): FakeClock {
  const clock = fakeClock();
  let seen = 0;
  let cold = 0;
  let ticked = 0;
  const steady = (): number => {
    if (clock.steady() !== seen) cold = COLD_READINGS;
    seen = clock.steady();
    if (cold > 0) ticked += 0.0002;
    cold -= 1;
    return seen + ticked;
  };
  return { ...clock, steady };
}

/** Turns of the event loop, not only microtasks: streams and `Response` bodies need them. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 3; turn++) {
    await new Promise<void>((resolve) => {
      setImmediate(resolve);
    });
  }
}
