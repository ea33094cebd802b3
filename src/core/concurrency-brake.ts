import type { Refusal } from './rate-budget.ts';

/**
 * Where only the rate was too high, the pace is the brake: the bound goes down to a quarter at most, and eight successes
 * win back all that was in flight.
 */
const RATE_FLOOR = 1 / 4;
const REGAIN_CALLS = 8;
/** Trouble that comes back within this time is the same trouble: what was in flight before it began still counts. */
const EPISODE_MS = 60_000;

/**
 * The second brake beside the pace (queues.md A2): how many calls may be in flight. Halved by a wave of refusals, won
 * back by successes, no bound while all is well.
 */
export interface ConcurrencyBrake {
  readonly inFlight: number;
  /** Null = no bound. */
  readonly limit: number | null;
  /** May one more start? */
  free(): boolean;
  start(): void;
  succeeded(): void;
  /** Only the first refusal of a wave counts: those granted before the last cut knew nothing of it. */
  refused(reason: Refusal, grantedAt: number, now: number): void;
  /** Neither success nor refusal. */
  ended(): void;
}

export function createConcurrencyBrake(): ConcurrencyBrake {
  let inFlight = 0;
  let limit: number | null = null;
  let cutAt = Number.NEGATIVE_INFINITY;
  /** In flight when the trouble began: with so many allowed again, the bound is lifted. */
  let peak = 0;
  let step = 1;
  return {
    get inFlight() {
      return inFlight;
    },
    get limit() {
      return limit;
    },
    free: () => limit === null || inFlight < limit,
    start: () => void (inFlight += 1),
    ended: () => void (inFlight -= 1),
    succeeded: () => {
      inFlight -= 1;
      if (limit === null) return;
      limit += step;
      if (limit >= peak) limit = null;
    },
    refused: (reason, grantedAt, now) => {
      if (grantedAt >= cutAt) {
        if (limit === null) peak = Math.max(inFlight, now - cutAt < EPISODE_MS ? peak : 0);
        const ofRate = reason === 'rate_limited';
        const floor = ofRate ? Math.ceil(peak * RATE_FLOOR) : 1;
        limit = Math.max(1, floor, Math.floor((limit ?? inFlight) / 2));
        step = ofRate ? Math.max(1, Math.ceil(peak / REGAIN_CALLS)) : 1;
        cutAt = now;
      }
      inFlight -= 1;
    },
  };
}
