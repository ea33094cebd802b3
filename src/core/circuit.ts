import type { Clock } from './clock.ts';

/** So many tries of one kind that failed one after the other mean that the upstream is out of order, not the tickets. */
const STREAK = 10;
/** Within less, ms, it is a bad moment: where a hundred tries a second are made, ten in a row fail by chance. */
const STREAK_LASTS_MS = 5_000;
/** Fewer will do when a ticket would die of it, but never fewer than this: two are bad luck. */
const STREAK_MIN = 3;
/**
 * An outage that lasts longer counts again, ms: a ticket that is alone, and of which the upstream itself falls ill, has
 * an end too.
 */
const PATIENCE_MS = 4 * 3_600_000;

/** What a try says about the upstream it went to. */
export type Health = 'well' | 'ill' | 'unclear';

export interface Circuit {
  /** Takes note of a try of one kind, e.g. `zendesk post`. */
  tell(kind: string, health: Health): void;
  /**
   * Is it the upstream that fails, and not the ticket? To be asked after `tell`. `mortal`: one more counted failure is
   * this ticket's end. `waiting`: work for this upstream is held up already.
   */
  isOut(kind: string, ticket: { readonly mortal: boolean; readonly waiting: boolean }): boolean;
  /** How many tries in a row have failed. */
  streak(kind: string): number;
}

/**
 * Tells an outage from a ticket that fails: nobody else has got through since. In an outage failures are not counted, so
 * that tickets wait for its end instead of dying of it; a ticket that fails while others succeed has its failures
 * counted as ever.
 */
export function createCircuit(
  clock: Pick<Clock, 'steady'>,
  { maxAttempts }: { readonly maxAttempts: number },
): Circuit {
  const streaks = new Map<string, { count: number; since: number }>();
  const lastChance = Math.min(STREAK, Math.max(STREAK_MIN, maxAttempts));

  return {
    tell: (kind, health) => {
      if (health === 'well') streaks.delete(kind);
      if (health !== 'ill') return;
      const { count = 0, since = clock.steady() } = streaks.get(kind) ?? {};
      streaks.set(kind, { count: count + 1, since });
    },
    isOut: (kind, { mortal, waiting }) => {
      const streak = streaks.get(kind);
      if (streak === undefined) return false;
      const lastedMs = clock.steady() - streak.since;
      if (lastedMs >= PATIENCE_MS) return false;
      if (waiting || (mortal && streak.count >= lastChance)) return true;
      return streak.count >= STREAK && lastedMs >= STREAK_LASTS_MS;
    },
    streak: (kind) => streaks.get(kind)?.count ?? 0,
  };
}

/** Where a person watches and starts again what has died: every failure counts, a dead upstream soon ends the run. */
export const noCircuit: Circuit = { tell: () => undefined, isOut: () => false, streak: () => 0 };
