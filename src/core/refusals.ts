import type { Clock } from './clock.ts';

/** So many tickets that were refused, and none served in between: it is not the tickets. */
const TICKETS_MIN = 3;

/** Whose fault a refusal is: `unclear` until somebody else has been served, or refused as well. */
export type Culprit = 'ticket' | 'upstream' | 'unclear';

/**
 * Tells a ticket that our user may not see (a private group) from a user that may do nothing any more (a suspended
 * account, an address that is not on the list, a role taken away): both are a 403.
 */
export interface Refusals {
  /** Somebody got through with what was asked at this steady ms. */
  served(kind: string, askedAt: number): void;
  /** A ticket was refused just now. `waiting`: work for this upstream is held up already. */
  judge(kind: string, ticketId: string, waiting: boolean): Culprit;
}

interface Known {
  /** Refused, and nobody has been served since: steady ms of the first time. */
  readonly open: Map<string, number>;
  /** Others were served after it was refused. */
  readonly alone: Set<string>;
}

export function createRefusals(clock: Pick<Clock, 'steady'>): Refusals {
  const kinds = new Map<string, Known>();
  return {
    served: (kind, askedAt) => {
      const known = kinds.get(kind);
      if (known === undefined) return;
      for (const [ticketId, at] of known.open) {
        // what was asked before says nothing about now
        if (at > askedAt) continue;
        known.open.delete(ticketId);
        known.alone.add(ticketId);
      }
    },
    judge: (kind, ticketId, waiting) => {
      const known = kinds.get(kind) ?? { open: new Map<string, number>(), alone: new Set<string>() };
      kinds.set(kind, known);
      if (known.alone.delete(ticketId)) return 'ticket';
      if (!known.open.has(ticketId)) known.open.set(ticketId, clock.steady());
      return waiting || known.open.size >= TICKETS_MIN ? 'upstream' : 'unclear';
    },
  };
}
