import type { Clock } from './clock.ts';
import { UpstreamError } from './errors.ts';
import { createFlexRoom, type FlexRoom } from './flex-room.ts';
import { type LanguageModel, LanguageModelError } from './language-model.ts';
import type { RateBudget } from './rate-budget.ts';

/** A model and the rate budget of its calls. */
export interface ModelRoute {
  readonly model: LanguageModel;
  readonly budget: RateBudget;
}

/** One use of one route. */
export interface RouteUse extends ModelRoute {
  /** Aborts with the caller's signal, and when the model begins to rest: waiting for its budget is no use then. */
  readonly waitSignal: AbortSignal;
  /** The preferred model, when this route only stands in for it; else null. */
  readonly standsInFor: string | null;
  readonly flex: FlexRoom;
}

export interface RouteState {
  readonly model: string;
  /** Why the model rests; null when it is well. */
  readonly errorClass: UpstreamError['errorClass'] | null;
  /** Clock.steady ms: from then on one call on trial; null when it is well. */
  readonly restsUntil: number | null;
}

/**
 * The models in order of preference, and which of them is used now: the first that is well. One that is out of quota,
 * unknown to the server or overloaded rests, and the same attempt goes on with the next. After its rest one call on
 * trial shows whether it is well again.
 */
export interface ModelRoutes {
  readonly routes: readonly ModelRoute[];
  /** The first of them. */
  readonly preferred: ModelRoute;
  /**
   * Runs `use` with the route to be used now, and with the next one when that model fails so that it must rest. Where no
   * model is left to try, the error of the preferred one goes out.
   */
  call<T>(signal: AbortSignal, use: (use: RouteUse) => Promise<T>): Promise<T>;
  /** Somebody knows that a model is well again, e.g. an operator who has paid the bill. */
  recovered(model: string): void;
  /** How many calls could start now without waiting for a pause: none, one on trial, or any number. */
  canTake(): number;
  state(): readonly RouteState[];
}

/** The first rest after an overload that comes with no Retry-After, and the longest, ms. */
const REST_FIRST_MS = 10_000;
const REST_MAX_MS = 300_000;
/** Until a model that is out of quota or unknown is tried again by itself, ms. */
const TRIAL_EVERY_MS = 60_000;

/** Every model once: those that write drafts, and those that have other parts. */
export function everyRoute(
  { routes }: Pick<ModelRoutes, 'routes'>,
  ...others: readonly (ModelRoutes | null | undefined)[]
): readonly ModelRoute[] {
  return [...new Set([...routes, ...others.flatMap((other) => other?.routes ?? [])])];
}

interface Health {
  readonly route: ModelRoute;
  readonly flex: FlexRoom;
  /** Null: the model is well. */
  rest: { readonly error: UpstreamError; until: number; onTrial: boolean } | null;
  /** Of the next overload. */
  restMs: number;
  /** Aborts when a rest begins; a new one for each time the model is well. */
  well: AbortController;
}

interface Begun {
  readonly use: RouteUse;
  /** This call decides whether the rest is over. */
  readonly trial: boolean;
  /** The model rested when the call began. */
  readonly rested: boolean;
}

/** `routes` holds at least one; a single model never rests, since nobody stands in for it. */
export function createModelRoutes(routes: readonly ModelRoute[], clock: Clock): ModelRoutes {
  const healths = routes.map((route): Health => ({
    route,
    flex: createFlexRoom(clock),
    rest: null,
    restMs: REST_FIRST_MS,
    well: new AbortController(),
  }));
  const [first] = healths;
  if (first === undefined) throw new Error('no model to route to');

  const paused = ({ route }: Health): boolean => (route.budget.snapshot().pausedUntil ?? 0) > clock.now();
  const isDue = (health: Health): boolean =>
    health.rest !== null && !health.rest.onTrial && clock.steady() >= health.rest.until && !paused(health);

  const recover = (health: Health): void => {
    if (health.rest === null) return;
    health.rest = null;
    health.restMs = REST_FIRST_MS;
    health.well = new AbortController();
  };

  const layToRest = (
    health: Health,
    error: UpstreamError,
    { restMs, trial }: { restMs: number; trial: boolean },
  ): void => {
    // one wave of failures is one failure: only a failed trial makes the next rest longer
    if (health.rest !== null && !trial) {
      health.rest.until = Math.max(health.rest.until, clock.steady() + (error.retryAfterMs ?? 0));
      return;
    }
    health.rest = { error, until: clock.steady() + restMs, onTrial: false };
    health.restMs = Math.min(health.restMs * 2, REST_MAX_MS);
    health.well.abort();
  };

  /** Null: every model rests. */
  const choose = (tried: ReadonlySet<Health>): Health | null =>
    healths.find((health) => !tried.has(health) && (health.rest === null || isDue(health))) ?? null;

  const begin = (health: Health, signal: AbortSignal): Begun => {
    const { rest, well, route, flex } = health;
    const trial = isDue(health);
    if (rest !== null && trial) rest.onTrial = true;
    const waitSignal = rest === null ? AbortSignal.any([signal, well.signal]) : signal;
    const standsInFor = health === first ? null : first.route.model.model;
    return { use: { ...route, waitSignal, standsInFor, flex }, trial, rested: rest !== null };
  };

  /** Takes note of a failure; answers whether another model may do better. */
  const blame = (health: Health, error: unknown, { trial, rested }: Begun): boolean => {
    const restMs = restAfter(error, health.restMs);
    if (restMs !== null) {
      layToRest(health, error as UpstreamError, { restMs, trial });
      return true;
    }
    // an answer that is of no use to the ticket was an answer all the same
    if (rested && error instanceof LanguageModelError && error.usage !== null) recover(health);
    else if (trial && health.rest !== null) health.rest.onTrial = false;
    return false;
  };

  const call = async <T>(signal: AbortSignal, use: (use: RouteUse) => Promise<T>): Promise<T> => {
    const tried = new Set<Health>();
    let failure: unknown = null;
    for (;;) {
      // a ticket that is here already gets one honest try, even when all models rest
      const health = choose(tried) ?? (tried.size === 0 ? soonest(healths) : null);
      if (health === null) throw first.rest?.error ?? failure;
      const begun = begin(health, signal);
      try {
        const result = await use(begun.use);
        // what began before the rest says nothing about it
        if (begun.rested) recover(health);
        return result;
      } catch (error) {
        // it only waited for the budget of a model that rests by now: that was no try
        if (isCancelled(error) && begun.use.waitSignal.aborted && !signal.aborted) continue;
        failure = error;
        tried.add(health);
        if (!blame(health, error, begun) || signal.aborted) throw error;
      }
    }
  };

  return {
    routes,
    preferred: first.route,
    call: async (signal, use) =>
      healths.length === 1
        ? await use({ ...first.route, waitSignal: signal, standsInFor: null, flex: first.flex })
        : await call(signal, use),
    recovered: (model) => {
      for (const health of healths) if (health.route.model.model === model) recover(health);
    },
    canTake: () => {
      if (healths.length === 1) return paused(first) ? 0 : Number.POSITIVE_INFINITY;
      let trials = 0;
      for (const health of healths) {
        if (health.rest === null) return trials + (paused(health) ? 0 : Number.POSITIVE_INFINITY);
        if (isDue(health)) trials += 1;
      }
      return trials;
    },
    state: () =>
      healths.map(({ route, rest }) => ({
        model: route.model.model,
        errorClass: rest?.error.errorClass ?? null,
        restsUntil: rest?.until ?? null,
      })),
  };
}

/** How long a model rests after an error, ms; null when the error is no reason to. */
function restAfter(error: unknown, restMs: number): number | null {
  if (!(error instanceof UpstreamError) || error.upstream !== 'llm') return null;
  const { errorClass, retryAfterMs } = error;
  if (errorClass === 'quota_exhausted' || errorClass === 'model_not_found') return TRIAL_EVERY_MS;
  if (errorClass === 'overloaded') return retryAfterMs ?? restMs;
  // Told to slow down for a moment, the budget waits; told for long, or not told for how long, another model is quicker.
  if (errorClass === 'slow_down')
    return (retryAfterMs ?? REST_FIRST_MS) < REST_FIRST_MS ? null : (retryAfterMs ?? restMs);
  return null;
}

function isCancelled(error: unknown): boolean {
  return error instanceof UpstreamError && error.errorClass === 'cancelled';
}

function soonest(healths: readonly Health[]): Health {
  return healths.reduce((best, other) => ((other.rest?.until ?? 0) < (best.rest?.until ?? 0) ? other : best));
}
