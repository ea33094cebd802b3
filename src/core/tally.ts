import { type Observer, silentObserver } from './observer.ts';

/** What this process has done and spent since it started. */
export interface Totals {
  readonly llmCalls: number;
  /** Tries that will be made again, of either stage. */
  readonly retries: number;
  /** Tickets that a sweep found because their webhook never came. */
  readonly missedWebhooks: number;
  /** Summed over all calls: time spent waiting for the LLM's rate limit. */
  readonly limiterWaitMs: number;
  readonly promptTokens: number;
  readonly completionTokens: number;
  /** Only calls whose model's price is known. */
  readonly costUsd: number;
}

/** Adds up what the observer hears. */
export function createTally(): { readonly observer: Observer; read(): Totals } {
  const totals = {
    llmCalls: 0,
    retries: 0,
    missedWebhooks: 0,
    limiterWaitMs: 0,
    promptTokens: 0,
    completionTokens: 0,
    costUsd: 0,
  };
  const observer: Observer = {
    ...silentObserver,
    attempt: ({ outcome }) => {
      if (outcome === 'retry') totals.retries += 1;
    },
    sweep: ({ found }) => {
      totals.missedWebhooks += found;
    },
    embedding: (call) => {
      totals.promptTokens += call.promptTokens;
      totals.costUsd += call.costUsd ?? 0;
    },
    llmCall: (call) => {
      totals.llmCalls += 1;
      totals.limiterWaitMs += call.waitedMs;
      totals.promptTokens += call.promptTokens;
      totals.completionTokens += call.completionTokens;
      totals.costUsd += call.costUsd ?? 0;
    },
  };
  return { observer, read: () => ({ ...totals, limiterWaitMs: Math.round(totals.limiterWaitMs) }) };
}
