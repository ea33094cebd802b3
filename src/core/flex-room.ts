import type { Clock } from './clock.ts';

/** A refusal for want of room holds for so long at least, ms: to ask for each ticket would take two requests of each. */
const NO_ROOM_MS = 60_000;

/** Whether a model has room for calls at the flex price. */
export interface FlexRoom {
  /** False for a while after a refusal. */
  isLikely(): boolean;
  /** A call was refused for want of room; `retryAfterMs` where the server named a time. */
  refused(retryAfterMs: number | null): void;
}

export function createFlexRoom(clock: Clock): FlexRoom {
  let fullUntil = 0;
  return {
    isLikely: () => clock.steady() >= fullUntil,
    refused: (retryAfterMs) => {
      fullUntil = Math.max(fullUntil, clock.steady() + Math.max(NO_ROOM_MS, retryAfterMs ?? 0));
    },
  };
}
