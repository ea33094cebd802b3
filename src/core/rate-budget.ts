import type { ProviderLimits, TokenUsage } from './language-model.ts';

export interface BudgetRequest {
  /** Our estimate; the budget learns how far it is from what the server counts. */
  readonly promptTokens: number;
  /** The largest answer we allow: servers charge it before they answer (llm-and-otel.md A4). */
  readonly maxOutputTokens: number;
  /** `live` goes before `batch`. */
  readonly lane: 'live' | 'batch';
}

/** How a server says that it gets too much: too many for a limit, growing too fast, or in trouble itself. */
export type Refusal = 'rate_limited' | 'slow_down' | 'overloaded';

/** What is known of a call that has ended; without `refused` the server has answered it. */
export interface CallResult {
  readonly usage?: TokenUsage;
  readonly limits?: ProviderLimits | null;
  readonly refused?: Refusal;
}

export interface Grant {
  /** How long the caller waited, ms. */
  readonly waitedMs: number;
  /**
   * Reports what came of the call; nothing when the server gave no answer. Call exactly once, however it ended: until
   * then it counts as in flight.
   */
  settle(result?: CallResult): void;
}

export interface BudgetSnapshot {
  /** The limits in force: set by the operator or told by the server. */
  readonly requestsPerMinute: number;
  readonly tokensPerMinute: number;
  /** Granted in the last 60 s, tokens less what was given back. */
  readonly usedRequests: number;
  readonly usedTokens: number;
  /** Epoch ms (wall clock); null when not paused. */
  readonly pausedUntil: number | null;
  readonly waiting: number;
  /** Granted and not settled. */
  readonly inFlight: number;
  /** The most that may be in flight; null while the server has no trouble with us. */
  readonly concurrencyLimit: number | null;
  /** Share of the unused output that this server is seen to give back, 0 to 1. */
  readonly refundFactor: number;
  /** What the server counts for a prompt over our estimate of it; null until some have been seen. */
  readonly promptRatio: number | null;
}

/**
 * Requests and tokens per minute of one model, reserved together before a call and settled after it
 * (queues.md A2, A3, D3).
 */
export interface RateBudget {
  /**
   * Waits until one request and its tokens fit both limits. Rejects with `UpstreamError('request_too_large')` when it
   * can never fit, with `UpstreamError('cancelled')` when the signal aborts.
   */
  acquire(request: BudgetRequest, signal: AbortSignal): Promise<Grant>;
  /** The server said to wait: nobody is granted anything for `ms`; afterwards the rate grows back from half. */
  pause(ms: number, reason: Refusal): void;
  snapshot(): BudgetSnapshot;
}
