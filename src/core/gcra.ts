/**
 * A hair under the limit: clocks differ, the server's may be the slower one. Everything else that could break a limit
 * (late timers, jitter on the way) only moves calls within the burst.
 */
const TARGET = 0.998;
const MINUTE_MS = 60_000;
/** How much two calls may come closer together on the way than they were sent. */
const JITTER_MS = 50;

export interface GcraOptions {
  readonly perMinute: number;
  /** How much may start at once after a quiet time, in ms of the rate. */
  readonly burstMs: number;
}

/**
 * One limit as GCRA (https://en.wikipedia.org/wiki/Generic_cell_rate_algorithm): `tat` is when the bucket would be full
 * again if nothing more were taken. Units are requests or tokens; times are Clock.steady ms.
 */
export interface Gcra {
  /** Units per minute. */
  limit: number;
  /** The part of the limit that is for us now, above 0; more than 1 while something comes back to it. */
  share: number;
  /** ms until `cost` fits; 0 = now. `room` tells that the server's bucket holds more than the cost and needs no care. */
  waitFor(cost: number, now: number, room?: boolean): number;
  take(cost: number, now: number): void;
  /** A negative amount is owed. */
  giveBack(amount: number, now: number): void;
  /** What could be taken now; negative when in debt. */
  balance(now: number): number;
  /** Units that a full bucket holds. */
  depth(): number;
  /** Leaves no more than so much. */
  drain(balance: number, now: number): void;
}

export function createGcra({ perMinute, burstMs }: GcraOptions): Gcra {
  let tat = Number.NEGATIVE_INFINITY;

  const msPer = (): number => MINUTE_MS / (gcra.limit * TARGET * gcra.share);

  const gcra: Gcra = {
    limit: perMinute,
    share: 1,
    waitFor(cost, now, room = false) {
      const costMs = cost * msPer();
      // what is larger than the burst needs an empty queue, and a server's bucket that may be no deeper than itself
      const early = costMs > burstMs ? (costMs > burstMs * 1.8 && !room ? -JITTER_MS : 0) : burstMs - costMs;
      return Math.max(0, tat - early - now);
    },
    take(cost, now) {
      tat = Math.max(tat, now) + cost * msPer();
    },
    giveBack(amount, now) {
      tat = (amount < 0 ? Math.max(tat, now) : tat) - amount * msPer();
    },
    balance: (now) => (burstMs - Math.max(0, tat - now)) / msPer(),
    depth: () => burstMs / msPer(),
    drain(balance, now) {
      tat = Math.max(tat, now + burstMs - balance * msPer());
    },
  };
  return gcra;
}
