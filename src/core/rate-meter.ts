import type { Clock } from './clock.ts';
import { createMinuteCount, type MinuteCount } from './minute-count.ts';

const MINUTE_SECONDS = 60;

/** Counts events over the last minute, per name; a name nobody counts any more costs nothing. */
export interface RateMeter {
  count(name: string): void;
  /** Events in the last 60 s; over a shorter time right after the first one, as if for a minute. */
  perMinute(name: string): number;
}

export function createRateMeter(clock: Clock): RateMeter {
  const counts = new Map<string, { readonly since: number; readonly count: MinuteCount }>();
  return {
    count: (name) => {
      let entry = counts.get(name);
      if (entry === undefined) {
        for (const [other, { count }] of counts) if (count.total() === 0) counts.delete(other);
        entry = { since: clock.steady(), count: createMinuteCount(clock) };
        counts.set(name, entry);
      }
      entry.count.add(1);
    },
    perMinute: (name) => {
      const entry = counts.get(name);
      if (entry === undefined) return 0;
      const total = entry.count.total();
      if (total === 0) counts.delete(name);
      const seconds = Math.min(MINUTE_SECONDS, Math.max(1, (clock.steady() - entry.since) / 1000));
      return Math.round((total * MINUTE_SECONDS) / seconds);
    },
  };
}
