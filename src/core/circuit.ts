import type { Clock } from './clock.ts';
import { createRefusals, type Refusals } from './refusals.ts';

/** So many tries of one kind that failed one after the other mean that the upstream is out of order, not the tickets. */
const STREAK = 10;
/** Within less, ms, it is a bad moment: where a hundred tries a second are made, ten in a row fail by chance. */
const STREAK_LASTS_MS = 5_000;
/** Fewer will do when a ticket would die of it, and a shorter time, ms, but never fewer than this: two are bad luck. */
const STREAK_MIN = 3;
const LAST_CHANCE_LASTS_MS = 500;
/** A ticket that fails by itself says nothing about the upstream, however often it is tried. */
const TICKETS_MIN = 3;
/** An outage that lasts longer counts again, ms: tickets of which the upstream itself falls ill have an end too. */
const PATIENCE_MS = 24 * 3_600_000;

interface Streak {
  count: number;
  /** Steady ms of the first. */
  readonly since: number;
  /** The first few that failed. */
  readonly tickets: Set<string>;
}

/** What a try says about the upstream it went to. */
export type Health = 'well' | 'ill' | 'refused' | 'unclear';

export interface Circuit {
  /** Takes note of a ticket's try of one kind, e.g. `zendesk post`. */
  tell(kind: string, health: Health, ticketId: string): void;
  /**
   * Is it the upstream that fails, and not the ticket? To be asked after `tell`. `mortal`: one more counted failure is
   * this ticket's end. `waiting`: work for this upstream is held up already.
   */
  isOut(kind: string, ticket: { readonly mortal: boolean; readonly waiting: boolean }): boolean;
  /** How many tries in a row have failed. */
  streak(kind: string): number;
  /** Refusals are judged apart: the upstream answers, and may be right. */
  readonly refusals: Refusals;
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
  const streaks = new Map<string, Streak>();
  const lastChance = Math.min(STREAK, Math.max(STREAK_MIN, maxAttempts));

  return {
    tell: (kind, health, ticketId) => {
      if (health === 'well') streaks.delete(kind);
      if (health !== 'ill') return;
      const streak = streaks.get(kind) ?? { count: 0, since: clock.steady(), tickets: new Set() };
      streak.count += 1;
      if (streak.tickets.size < TICKETS_MIN) streak.tickets.add(ticketId);
      streaks.set(kind, streak);
    },
    isOut: (kind, { mortal, waiting }) => {
      const streak = streaks.get(kind);
      if (streak === undefined) return false;
      const lastedMs = clock.steady() - streak.since;
      if (lastedMs >= PATIENCE_MS) return false;
      if (waiting) return true;
      if (streak.tickets.size < TICKETS_MIN) return false;
      if (mortal && streak.count >= lastChance && lastedMs >= LAST_CHANCE_LASTS_MS) return true;
      return streak.count >= STREAK && lastedMs >= STREAK_LASTS_MS;
    },
    streak: (kind) => streaks.get(kind)?.count ?? 0,
    refusals: createRefusals(clock),
  };
}

/** Where a person watches and starts again what has died: every failure counts, a dead upstream soon ends the run. */
export const noCircuit: Circuit = {
  tell: () => undefined,
  isOut: () => false,
  streak: () => 0,
  refusals: { served: () => undefined, judge: () => 'ticket' },
};
