import type { Clock } from '../core/clock.ts';
import { type ErrorClass, UpstreamError } from '../core/errors.ts';
import {
  type Completion,
  type LanguageModel,
  LanguageModelError,
  type Prompt,
  type ServiceTier,
  type TokenUsage,
} from '../core/language-model.ts';
import type { ModelRoutes, RouteUse } from '../core/model-routes.ts';
import type { Observer } from '../core/observer.ts';
import type { BudgetRequest, Grant, RateBudget, Refusal } from '../core/rate-budget.ts';
import { NOTHING_USED } from './finish-draft.ts';

/** One call to the model; `errorClass` is null when it brought a usable answer. */
export type CallReport = Omit<Parameters<Observer['llmCall']>[0], 'ticket' | 'model'>;

/** How calls to a model are made, whatever is asked. */
export interface Asker {
  readonly routes: ModelRoutes;
  readonly lane: BudgetRequest['lane'];
  /** `flex`: at half the price where the provider has room, else at the standard one. Default `standard`. */
  readonly tier?: ServiceTier;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Told before each call what it may use at most; what it throws stops the call. */
  readonly beforeCall: (most: TokenUsage, model: LanguageModel) => Promise<void>;
  /** Asked when the budget has let a call go, which may be minutes later; what it throws stops the call. */
  readonly atCall?: () => void;
  /** Told once about each call that was made, also when it failed, and which model was asked. */
  readonly onCall: (call: CallReport, model: string) => void;
}

export interface Question<T> {
  readonly prompt: Prompt;
  /** What the server will count for the prompt; the largest answer comes on top. */
  readonly promptTokens: number;
  /** What is made of an answer, or of an error. Throws what is of no use. */
  readonly read: (result: Completion | LanguageModelError, use: RouteUse) => T;
}

/** How long everybody waits when the server does not say; one 503 that asks for nothing stops its own ticket only. */
const PAUSE_MS = { rate_limited: 2_000, slow_down: 10_000, overloaded: 0 } as const;

/**
 * Asks a model inside its rate budget: one call, unless the model has to rest and another stands in, or has no room at
 * the flex price. Throws what the budget, the model and `read` throw.
 */
export async function askModel<T>(question: Question<T>, asker: Asker): Promise<T> {
  const { routes, signal, tier = 'standard' } = asker;
  return await routes.call(signal, async (use) => {
    if (tier === 'standard') return await ask(use, question, { ...asker, tier });
    try {
      return await ask(use, question, { ...asker, tier });
    } catch (error) {
      if (!(error instanceof LanguageModelError) || error.errorClass !== 'flex_unavailable') throw error;
      use.flex.refused(error.retryAfterMs);
      return await ask(use, question, { ...asker, tier: 'standard' });
    }
  });
}

type Asking = Omit<Asker, 'routes' | 'tier'> & { readonly tier: ServiceTier };

/** One call to one model. */
async function ask<T>(
  use: RouteUse,
  { prompt, promptTokens, read }: Question<T>,
  { lane, clock, signal, beforeCall, atCall, onCall, tier: wanted }: Asking,
): Promise<T> {
  const { model, budget, waitSignal } = use;
  const { maxOutputTokens } = prompt;
  await beforeCall({ promptTokens, cachedTokens: 0, completionTokens: maxOutputTokens }, model);
  const grant = await budget.acquire({ promptTokens, maxOutputTokens, lane }, waitSignal);
  try {
    atCall?.();
  } catch (error) {
    grant.settle();
    throw error;
  }
  const tier = use.flex.isLikely() ? wanted : 'standard';
  const startedAt = clock.steady();
  const report = (errorClass: ErrorClass | null, spent: Spent): void =>
    onCall(
      {
        tier,
        errorClass,
        durationMs: clock.steady() - startedAt,
        waitedMs: grant.waitedMs,
        estimatedTokens: promptTokens + maxOutputTokens,
        ...(spent.usage ?? NOTHING_USED),
        costUsd: spent.costUsd,
      },
      model.model,
    );
  try {
    const completion = await settled(grant, budget, () => model.complete({ ...prompt, tier }, signal));
    const answer = read(completion, use);
    report(null, completion);
    return answer;
  } catch (error) {
    if (!(error instanceof LanguageModelError)) {
      report(error instanceof UpstreamError ? error.errorClass : 'internal', { usage: null, costUsd: null });
      throw error;
    }
    report(error.errorClass, error);
    return read(error, use);
  }
}

interface Spent {
  readonly usage: TokenUsage | null;
  readonly costUsd: number | null;
}

/** Tells the budget what came of a call, however it ends; a server that asks to wait makes everybody wait. */
export async function settled<T extends Spending>(
  grant: Grant,
  budget: Pick<RateBudget, 'pause'>,
  call: () => Promise<T>,
): Promise<T> {
  try {
    const answer = await call();
    settle(grant, answer, null);
    return answer;
  } catch (error) {
    if (!(error instanceof LanguageModelError)) {
      grant.settle();
      throw error;
    }
    const refused = refusalOf(error);
    // neither a number nor a refusal: there may have been no answer at all
    if (refused === null && error.limits === null && error.usage === null) grant.settle();
    else settle(grant, error, refused);
    if (refused !== null) {
      const pauseMs = error.retryAfterMs ?? PAUSE_MS[refused];
      if (pauseMs > 0) budget.pause(pauseMs, refused);
    }
    throw error;
  }
}

function refusalOf({ errorClass }: LanguageModelError): Refusal | null {
  return errorClass === 'rate_limited' || errorClass === 'slow_down' || errorClass === 'overloaded' ? errorClass : null;
}

type Spending = Pick<LanguageModelError, 'usage' | 'limits'>;

function settle(grant: Grant, { usage, limits }: Spending, refused: Refusal | null): void {
  // a server that tells no usage has not used nothing
  const known = usage !== null && usage.promptTokens > 0;
  grant.settle({ limits, ...(known ? { usage } : {}), ...(refused === null ? {} : { refused }) });
}
