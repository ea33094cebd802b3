import type { ProviderLimits, TokenUsage } from './language-model.ts';

export interface BudgetRequest {
  /** Tokens the server will count before it answers: prompt plus the largest output we allow. */
  readonly tokens: number;
  /** `live` goes before `batch`. */
  readonly lane: 'live' | 'batch';
}

export interface Grant {
  /** How long the caller waited, ms. */
  readonly waitedMs: number;
  /** Reports what the call used and what the headers said. Call exactly once; without arguments when nothing is known. */
  settle(result?: { readonly usage?: TokenUsage; readonly limits?: ProviderLimits | null }): void;
}

export interface BudgetSnapshot {
  readonly requestsPerMinute: number;
  readonly tokensPerMinute: number;
  /** Granted in the last 60 s. */
  readonly usedRequests: number;
  readonly usedTokens: number;
  /** Epoch ms (wall clock); null when not paused. */
  readonly pausedUntil: number | null;
  readonly waiting: number;
}

/**
 * Requests and tokens per minute of one LLM key, reserved together before a call and settled after it
 * (queues.md A3, D3).
 */
export interface RateBudget {
  /**
   * Waits until one request and its tokens fit both limits. Rejects with `UpstreamError('request_too_large')` when it
   * can never fit, with `UpstreamError('cancelled')` when the signal aborts.
   */
  acquire(request: BudgetRequest, signal: AbortSignal): Promise<Grant>;
  /** The server said to wait: nobody is granted anything for `ms`; afterwards the rate grows back from half. */
  pause(ms: number, reason: 'rate_limited' | 'slow_down' | 'overloaded'): void;
  snapshot(): BudgetSnapshot;
}
