import type { Clock } from '../core/clock.ts';

/** So long nobody is called slow, ms. */
const GRACE_MS = 1_000;
/** Bytes per second; who sends less makes room when somebody else needs it. Senders of webhooks are servers. */
const SLOW_BYTES_PER_SECOND = 64 * 1024;

/** The place of one body in the budget. */
export interface Place {
  /** More bytes than were asked for at first. False when they do not fit now. */
  grow(bytes: number): boolean;
  /** So many have arrived. */
  arrived(bytes: number): void;
  /** The body is whole: it keeps its place until `leave`. */
  settle(): void;
  leave(): void;
}

/** Bytes of request bodies held at one moment, over all requests. */
export interface ByteBudget {
  /** Null when they do not fit now. `evict` is called when the body is slow and its room is needed. */
  enter(bytes: number, evict: () => void): Place | null;
}

interface Holder {
  bytes: number;
  received: number;
  settled: boolean;
  readonly since: number;
  readonly evict: () => void;
}

/**
 * Room is taken for what a body says it will hold before its first byte is read, so that what finds none costs nothing.
 * Else a few clients could take all of it by saying much and sending little: these lose their places to the next.
 */
export function createByteBudget(maxBytes: number, clock: Clock): ByteBudget {
  const holders = new Set<Holder>();
  let held = 0;

  const leave = (holder: Holder): void => {
    if (holders.delete(holder)) held -= holder.bytes;
  };

  const isSlow = ({ settled, since, received }: Holder, now: number): boolean =>
    !settled && now - since > GRACE_MS && received < ((now - since) / 1000) * SLOW_BYTES_PER_SECOND;

  const makeRoom = (bytes: number, but: Holder | null): boolean => {
    if (held + bytes <= maxBytes) return true;
    const now = clock.steady();
    for (const holder of holders) {
      if (holder === but || !isSlow(holder, now)) continue;
      leave(holder);
      holder.evict();
      if (held + bytes <= maxBytes) return true;
    }
    return false;
  };

  return {
    enter(bytes, evict) {
      if (!makeRoom(bytes, null)) return null;
      const holder: Holder = { bytes, received: 0, settled: false, since: clock.steady(), evict };
      holders.add(holder);
      held += bytes;
      return {
        grow: (more) => {
          if (!holders.has(holder) || !makeRoom(more, holder)) return false;
          holder.bytes += more;
          held += more;
          return true;
        },
        arrived: (received) => {
          holder.received += received;
        },
        settle: () => {
          holder.settled = true;
        },
        leave: () => leave(holder),
      };
    },
  };
}
