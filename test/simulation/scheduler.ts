import type { Clock, Random } from '../../src/core/clock.ts';

/** The real one: the simulation puts its own in the global's place. */
const realSetImmediate = globalThis.setImmediate;

/** Whose callbacks they are: a process of the service, a vendor, the network. What is dead never runs again. */
export interface Actor {
  readonly name: string;
  state: 'running' | 'frozen' | 'dead';
}

interface Entry {
  readonly actor: Actor;
  readonly at: number;
  readonly label: string;
  readonly run: () => unknown;
}

export interface Scheduler {
  readonly random: Random;
  /** True time, ms since the simulation began: no clock of a service, whatever is done to that one. */
  readonly now: () => number;
  /** To run at `at` or some time after, in an order that only the seed knows. Answers the cancellation. */
  readonly add: (actor: Actor, at: number, label: string, run: () => unknown) => () => void;
  /** Runs what belongs to an actor now; what it calls back later is the actor's too. */
  as<T>(actor: Actor, run: () => T): T;
  note(line: string): void;
  /** Whose step it was that came last. */
  last(): Actor;
  /** Makes the next thing happen and lets it come to rest. False when nothing is left. */
  step(): Promise<boolean>;
  /** What an actor waits for by the clock will not come: only answers and what it has begun. */
  dropTimers(actor: Actor): void;
  /** Everything that has happened, a line each. */
  readonly trace: readonly string[];
  /** Puts timers and immediates of the whole process under this order, until disposed. */
  install(): Disposable;
}

/**
 * One queue for everything that can happen: what is ready is taken in random order, and only when nothing is does the
 * time move on. After each step all promises have settled, so that a step belongs to one actor as a whole.
 */
export function createScheduler(random: Random): Scheduler {
  const entries = new Set<Entry>();
  const trace: string[] = [];
  const nobody: Actor = { name: 'nobody', state: 'running' };
  let current = nobody;
  let last = nobody;
  let time = 0;

  const add: Scheduler['add'] = (actor, at, label, run) => {
    const entry = { actor, at, label, run };
    entries.add(entry);
    return () => entries.delete(entry);
  };

  const note = (line: string): void => void trace.push(`${time} ${line}`);

  const take = (): Entry | undefined => {
    const ready: Entry[] = [];
    let next = Number.POSITIVE_INFINITY;
    for (const entry of entries) {
      if (entry.actor.state === 'dead') entries.delete(entry);
      if (entry.actor.state !== 'running') continue;
      if (entry.at <= time) ready.push(entry);
      else next = Math.min(next, entry.at);
    }
    if (ready.length > 0) return ready[Math.floor(random() * ready.length)];
    if (next === Number.POSITIVE_INFINITY) return undefined;
    time = next;
    return take();
  };

  return {
    random,
    trace,
    now: () => time,
    add,
    as: (actor, run) => {
      const before = current;
      current = actor;
      try {
        return run();
      } finally {
        current = before;
      }
    },
    note,
    last: () => last,
    dropTimers: (actor) => {
      for (const entry of entries) if (entry.actor === actor && entry.label === 'timer') entries.delete(entry);
    },
    step: async () => {
      const entry = take();
      if (entry === undefined) return false;
      entries.delete(entry);
      current = entry.actor;
      last = entry.actor;
      note(`${entry.actor.name}: ${entry.label}`);
      // what it waits for are later steps
      void entry.run();
      // all microtasks are over before the next turn of the event loop
      await new Promise((resolve) => {
        realSetImmediate(resolve);
      });
      current = nobody;
      return true;
    },
    install: () => {
      const { setImmediate, setTimeout, clearTimeout } = globalThis;
      const cancels = new Map<object, () => void>();
      const later = (label: string, ms: number, run: () => unknown): object => {
        const handle = { unref: () => handle, ref: () => handle };
        cancels.set(handle, add(current, time + ms, label, run));
        return handle;
      };
      Object.assign(globalThis, {
        setImmediate: (run: () => void) => later('immediate', 0, run),
        setTimeout: (run: () => void, ms = 0) => later('timeout', ms, run),
        clearTimeout: (handle: object) => cancels.get(handle)?.(),
      });
      return {
        [Symbol.dispose]: () => void Object.assign(globalThis, { setImmediate, setTimeout, clearTimeout }),
      };
    },
  };
}

/** The clock of one process: `wall` may jump, `steady` began as the wall clock stood when the process started. */
export function clockOf(scheduler: Scheduler, actor: Actor, wall: () => number): Clock {
  const origin = wall() - scheduler.now();
  const after = (ms: number, run: () => void): (() => void) =>
    scheduler.add(actor, scheduler.now() + Math.max(0, ms), 'timer', run);
  return {
    now: wall,
    steady: () => origin + scheduler.now(),
    after,
    sleep: (ms, signal) =>
      new Promise((resolve) => {
        if (signal?.aborted) return resolve();
        const done = (): void => {
          cancel();
          signal?.removeEventListener('abort', done);
          resolve();
        };
        const cancel = after(ms, done);
        signal?.addEventListener('abort', done, { once: true });
      }),
  };
}
