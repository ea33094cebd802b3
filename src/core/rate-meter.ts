import type { Clock } from './clock.ts';

/** How far back a rate looks, in seconds. */
const WINDOW_SECONDS = 60;

/** Counts events per second over the last minute, per name; a name nobody counts any more costs nothing. */
export interface RateMeter {
  count(name: string): void;
  /** Events in the last 60 s; over a shorter time right after the start, as if for a minute. */
  perMinute(name: string): number;
}

interface Window {
  readonly perSecond: Uint32Array;
  readonly since: number;
  second: number;
}

export function createRateMeter(clock: Clock): RateMeter {
  const windows = new Map<string, Window>();
  const nowSecond = (): number => Math.floor(clock.steady() / 1000);

  /** Empties the seconds that have passed since the window was last touched. */
  const roll = (window: Window): void => {
    const now = nowSecond();
    const from = Math.max(window.second + 1, now - WINDOW_SECONDS + 1);
    for (let second = from; second <= now; second += 1) window.perSecond[second % WINDOW_SECONDS] = 0;
    window.second = Math.max(window.second, now);
  };

  return {
    count: (name) => {
      let window = windows.get(name);
      if (window === undefined) {
        window = { perSecond: new Uint32Array(WINDOW_SECONDS), since: clock.steady(), second: nowSecond() };
        windows.set(name, window);
      }
      roll(window);
      const slot = window.second % WINDOW_SECONDS;
      window.perSecond[slot] = (window.perSecond[slot] ?? 0) + 1;
    },
    perMinute: (name) => {
      const window = windows.get(name);
      if (window === undefined) return 0;
      roll(window);
      const total = window.perSecond.reduce((sum, n) => sum + n, 0);
      if (total === 0) windows.delete(name);
      const seconds = Math.min(WINDOW_SECONDS, Math.max(1, (clock.steady() - window.since) / 1000));
      return Math.round((total * WINDOW_SECONDS) / seconds);
    },
  };
}
