/** Seen to come back up to here counts as nothing, from there on as everything: servers do the one or the other. */
const NOTHING = 0.2;
const EVERYTHING = 0.85;
const CLEARLY = 0.1;
/** Where it cannot be seen because the server's bucket is full: feel for it, so much of the rate a second. */
const PROBE_PER_SECOND = 0.01;
const FLOW_MS = 5_000;

/** What the headers say about it. */
export interface RefundWord {
  /** Between which shares it is; null = not seen long enough. */
  readonly seen: { readonly low: number; readonly high: number } | null;
  /** The server's bucket is full although we wait for tokens. */
  readonly full: boolean;
  /** The rate of the limit, tokens per ms. */
  readonly perMs: number;
}

/**
 * The share of unused output that we count on to come back, learned from `remaining-tokens` (queues.md A3): nothing
 * until it was seen, nothing again after a refusal for tokens.
 */
export interface RefundFactor {
  readonly factor: number;
  /** Unused tokens that may come back and are not counted on, tokens per ms. */
  spare(now: number): number;
  /** A call has ended and left so many tokens unused. */
  ended(unused: number, now: number): void;
  learn(word: RefundWord, now: number): void;
  forget(): void;
}

export function createRefundFactor(): RefundFactor {
  let factor = 0;
  let learnedAt: number | null = null;
  /** Unused tokens per ms, of late. */
  let flow = 0;
  let flowAt = 0;
  return {
    get factor() {
      return factor;
    },
    spare: (now) => (1 - factor) * flow * Math.exp(-Math.max(0, now - flowAt) / FLOW_MS),
    ended: (unused, now) => {
      flow = flow * Math.exp(-Math.max(0, now - flowAt) / FLOW_MS) + unused / FLOW_MS;
      flowAt = now;
    },
    learn: ({ seen, full, perMs }, now) => {
      const elapsedMs = Math.min(1000, now - (learnedAt ?? now));
      learnedAt = now;
      const low = seen === null || seen.low < NOTHING ? 0 : seen.low >= EVERYTHING ? 1 : seen.low;
      if (low > factor) factor = low;
      else if (seen !== null && seen.high < factor - CLEARLY) factor = low;
      else if (full && flow > 0) factor = Math.min(1, factor + (PROBE_PER_SECOND * elapsedMs * perMs) / 1000 / flow);
    },
    forget: () => void (factor = 0),
  };
}
