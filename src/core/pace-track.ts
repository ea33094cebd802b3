import type { Clock } from './clock.ts';

/** Half an hour, by the second: enough for a ticket a minute. */
const SLOTS = 1_800;
const MINUTE_SECONDS = 60;

/** So many events tell a rate; a window that holds fewer is made longer. */
const TELLING = 30;

/** The rate of events over time, of which any may be left out; constant memory. */
export interface PaceTrack {
  /** Not while stopped. */
  count(): void;
  /** Stops its clock, or lets it go on. */
  stop(stopped: boolean): void;
  /** The rate of a window that ends now and is long enough to tell. */
  perMinute(): number;
  /** Events of the last minute; less of it right after the first one. */
  lastMinute(): number;
}

/**
 * Windows are whole minutes, because helpdesks count by the minute and may let a minute's notes through at once; as few
 * as tell something, to follow what changes. In the first minute it is the newer half: the older one had to find its
 * limits. The first second is left out: limits let a burst through, and all workers begin at once.
 */
export function createPaceTrack(clock: Clock): PaceTrack {
  const slots = new Float64Array(SLOTS);
  let newest = 0;
  let activeMs = 0;
  let readAt: number | null = null;
  let stopped = false;

  /** Seconds that it has been going, from the first event on. */
  const elapsed = (): number => {
    const now = clock.steady();
    if (readAt !== null && !stopped) activeMs += now - readAt;
    if (readAt !== null) readAt = now;
    const second = Math.floor(activeMs / 1000);
    if (second - newest >= SLOTS) slots.fill(0);
    else for (let at = newest + 1; at <= second; at += 1) slots[at % SLOTS] = 0;
    newest = second;
    return activeMs / 1000;
  };

  /** Events of the last `seconds`; of the second in which they begin, the share that is in them. */
  const countOf = (seconds: number): number => {
    const from = activeMs / 1000 - seconds;
    const first = Math.floor(from);
    let count = (slots[first % SLOTS] ?? 0) * (1 - (from - first));
    for (let at = first + 1; at <= newest; at += 1) count += slots[at % SLOTS] ?? 0;
    return count;
  };

  const windowOf = (all: number): number => {
    if (all < MINUTE_SECONDS) return countOf(all / 2) >= TELLING ? all / 2 : all;
    for (let seconds = MINUTE_SECONDS; seconds <= all; seconds += MINUTE_SECONDS) {
      if (countOf(seconds) >= TELLING) return seconds;
    }
    return all;
  };

  return {
    count: () => {
      if (stopped) return;
      readAt ??= clock.steady();
      const second = Math.floor(elapsed());
      slots[second % SLOTS] = (slots[second % SLOTS] ?? 0) + 1;
    },
    stop: (now) => {
      elapsed();
      stopped = now;
    },
    perMinute: () => {
      const going = Math.min(SLOTS - 1, elapsed());
      const window = windowOf(Math.max(0, going - 1));
      const count = window < 1 ? 0 : countOf(window);
      if (count > 0) return (count * MINUTE_SECONDS) / window;
      // begun just now, or all of it in its first second
      return (countOf(going) * MINUTE_SECONDS) / Math.max(1, going);
    },
    lastMinute: () => countOf(Math.min(MINUTE_SECONDS, elapsed())),
  };
}
