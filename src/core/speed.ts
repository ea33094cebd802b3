import type { Refusal } from './rate-budget.ts';

const SLOWEST = 1 / 4;

/** How long the rate stays down after a cut, and in which time it then doubles, ms. */
const GROWTH: Readonly<Record<Refusal, { readonly holdMs: number; readonly doubleMs: number }>> = {
  rate_limited: { holdMs: 1_500, doubleMs: 2_000 },
  // the server counts how fast we grow (llm-and-otel.md A3)
  slow_down: { holdMs: 5_000, doubleMs: 5_000 },
  overloaded: { holdMs: 0, doubleMs: 1_000 },
};

/** Where headers tell what is left, we wait for their word so long instead of feeling for it. */
const WORD_MS = 5_000;

/** The share of the rate that is used after refusals: one cut a wave, then it grows back by time. */
export interface Speed {
  /** Above 0, at most 1. `told`: this server's headers tell what is left. */
  now(at: number, told: boolean): number;
  /** A refusal of a call granted then. False when it belongs to a wave that was counted already. */
  cut(reason: Refusal, grantedAt: number, now: number): boolean;
  /** At most half from now on. */
  halve(reason: Refusal, now: number): void;
  /** Growing begins no sooner. */
  holdUntil(at: number): void;
  /** The headers show what is left: no need to feel for it any longer. */
  headersKnow(): void;
}

export function createSpeed(): Speed {
  let base = 1;
  /** As it was last asked for. */
  let current = 1;
  let since = Number.NEGATIVE_INFINITY;
  let cutAt = Number.NEGATIVE_INFINITY;
  let cause: Refusal = 'rate_limited';

  const speed: Speed = {
    now: (at, told) => {
      if (base === 1) return (current = 1);
      const { holdMs, doubleMs } = GROWTH[cause];
      const hold = told ? Math.max(holdMs, WORD_MS) : holdMs;
      const grown = base * 2 ** (Math.max(0, at - since - hold) / doubleMs);
      if (grown >= 1) base = 1;
      current = Math.min(1, grown);
      return current;
    },
    cut: (reason, grantedAt, now) => {
      if (grantedAt < cutAt) return false;
      base = Math.max(SLOWEST, current / 2);
      current = base;
      since = now;
      cutAt = now;
      cause = reason;
      return true;
    },
    halve: (reason, now) => {
      if (current <= 1 / 2) return;
      base = 1 / 2;
      current = base;
      since = now;
      cause = reason;
    },
    holdUntil: (at) => {
      if (base < 1) since = Math.max(since, at);
    },
    headersKnow: () => {
      if (cause === 'rate_limited') base = 1;
      if (base === 1) current = 1;
    },
  };
  return speed;
}
