import type { Clock } from '../core/clock.ts';

/** What came along is kept so long, ms, and so many at most: a minute's worth at any account's limit. */
const KEEP_MS = 60_000;
const KEEP_MAX = 200;

export interface Prefetch<T> {
  /** Ids that fill a call for `asked` up to its room: those that come next and are not here yet. */
  company(asked: readonly string[], upcoming: (limit: number) => readonly string[]): readonly string[];
  keep(id: string, item: T): void;
  /** Each is handed out once. */
  take(id: string): T | undefined;
  /** An answer for so many ids was too large: fewer at a time from now on. */
  tooMany(ids: number): void;
}

/** Takes along in a call what will be asked for soon, and keeps it for a short while. `maxIds`: in one call at most. */
export function createPrefetch<T>(clock: Clock, maxIds: number): Prefetch<T> {
  // in the order they came: the first is the oldest
  const kept = new Map<string, { readonly item: T; readonly until: number }>();
  let room = maxIds;

  function dropOld(): void {
    for (const [oldest, { until }] of kept) {
      if (kept.size <= KEEP_MAX && until > clock.steady()) return;
      kept.delete(oldest);
    }
  }

  return {
    company: (asked, upcoming) => {
      const wanted = room - asked.length;
      // one more each time: what was too large once may have been a single heap of long mails
      room = Math.min(maxIds, room + 1);
      if (wanted <= 0) return [];
      dropOld();
      const fresh = upcoming(maxIds + kept.size).filter((id) => !kept.has(id) && !asked.includes(id));
      return fresh.slice(0, wanted);
    },
    keep: (id, item) => {
      kept.delete(id);
      kept.set(id, { item, until: clock.steady() + KEEP_MS });
      dropOld();
    },
    take: (id) => {
      const found = kept.get(id);
      kept.delete(id);
      return found === undefined || found.until <= clock.steady() ? undefined : found.item;
    },
    tooMany: (ids) => {
      room = Math.floor(ids / 2);
    },
  };
}
