/** Seen to come back up to here counts as nothing, from there on as everything: servers do the one or the other. */
const NOTHING = 0.2;
const EVERYTHING = 0.85;
const CLEARLY = 0.1;
const FLOW_MS = 5_000;
/** How much comes back is not told from less. */
const FLOW_LEAST_MS = 1_000;

/**
 * The share of unused output that we count on to come back, learned from `remaining-tokens` (queues.md A3): nothing
 * until it was seen, nothing again after a refusal for tokens. Where a full bucket hides it, `spare` says how much faster
 * we may go for a look: that spends the server's lead, which its headers bound, while a factor that is only guessed
 * overdraws by all that is in flight.
 */
export interface RefundFactor {
  readonly factor: number;
  /** Unused tokens that may come back and are not counted on, tokens per ms. */
  spare(now: number): number;
  /** A call has ended and left so many tokens unused. */
  ended(unused: number, now: number): void;
  /** Between which shares the headers show it to be; null = not seen long enough. */
  learn(seen: { readonly low: number; readonly high: number } | null): void;
  forget(): void;
}

export function createRefundFactor(): RefundFactor {
  let factor = 0;
  /** Unused tokens per ms of late, each fading with its age. */
  let faded = 0;
  let fadedAt = 0;
  let firstAt: number | null = null;

  /** What has faded of a time that has just begun is only a part of the flow. */
  const flow = (now: number): number => {
    const seenMs = Math.max(FLOW_LEAST_MS, now - (firstAt ?? now));
    return (faded * fade(now - fadedAt)) / (1 - fade(seenMs));
  };

  return {
    get factor() {
      return factor;
    },
    spare: (now) => (1 - factor) * flow(now),
    ended: (unused, now) => {
      firstAt ??= now;
      faded = faded * fade(now - fadedAt) + unused / FLOW_MS;
      fadedAt = now;
    },
    learn: (seen) => {
      if (seen === null) return;
      const low = seen.low < NOTHING ? 0 : seen.low >= EVERYTHING ? 1 : seen.low;
      if (low > factor || seen.high < factor - CLEARLY) factor = low;
    },
    forget: () => void (factor = 0),
  };
}

function fade(ms: number): number {
  return Math.exp(-Math.max(0, ms) / FLOW_MS);
}
