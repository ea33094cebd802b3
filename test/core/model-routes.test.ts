import { describe, expect, it } from 'vitest';
import { type ErrorClass, UpstreamError } from '../../src/core/errors.ts';
import { LanguageModelError } from '../../src/core/language-model.ts';
import { createModelRoutes, type RouteUse } from '../../src/core/model-routes.ts';
import type { RateBudget } from '../../src/core/rate-budget.ts';
import { makeBudgetSnapshot } from '../support/factories.ts';
import { fakeClock } from '../support/fake-clock.ts';
import { stubLanguageModel } from '../support/stub-language-model.ts';

type Answer = LanguageModelError | Promise<unknown> | null;

/** Models named `first`, `second`, … that fail as told, and a list of who was called. */
function setUp(names: readonly string[] = ['first', 'second']) {
  const clock = fakeClock();
  const pausedUntil = new Map<string, number>();
  const budgetOf = (name: string): RateBudget => ({
    acquire: async () => ({ waitedMs: 0, settle: () => undefined }),
    pause: () => undefined,
    snapshot: () => ({ ...makeBudgetSnapshot(), pausedUntil: pausedUntil.get(name) ?? null }),
  });
  const routes = createModelRoutes(
    names.map((name) => ({ model: { ...stubLanguageModel(), model: name }, budget: budgetOf(name) })),
    clock,
  );
  const asked: string[] = [];
  const answers: Record<string, Answer> = {};
  const never = new AbortController().signal;
  const ask = (signal = never) =>
    routes.call(signal, async ({ model }: RouteUse) => {
      asked.push(model.model);
      const answer = await answers[model.model];
      if (answer instanceof Error) throw answer;
      return model.model;
    });
  /** Who is asked by the next call. */
  const next = async (): Promise<string> => {
    asked.length = 0;
    await ask().catch(() => undefined);
    return asked.join(' ');
  };
  return { clock, routes, asked, answers, ask, next, pausedUntil };
}

function fault(errorClass: ErrorClass, retryAfterMs?: number): LanguageModelError {
  return new LanguageModelError(errorClass, errorClass, retryAfterMs === undefined ? {} : { retryAfterMs });
}

describe('model routes', () => {
  it('uses the first while it is well', async () => {
    const { next, routes } = setUp();
    expect([await next(), await next()]).toEqual(['first', 'first']);
    expect(routes.canTake()).toBe(Number.POSITIVE_INFINITY);
    expect(routes.state()[0]).toEqual({ model: 'first', errorClass: null, restsUntil: null });
  });

  it.each<[ErrorClass, number | undefined]>([
    ['quota_exhausted', undefined],
    ['model_not_found', undefined],
    ['overloaded', undefined],
    ['overloaded', 3000],
    ['slow_down', undefined],
    ['slow_down', 10_000],
  ])('goes on with the next in the same attempt after %s (told %s ms), and the first rests', async (...error) => {
    const { next, ask, answers, routes } = setUp();
    answers['first'] = fault(...error);
    expect(await next()).toBe('first second');
    expect(await ask()).toBe('second');
    expect(await next()).toBe('second');
    expect(routes.state()[0]).toMatchObject({ model: 'first', errorClass: error[0] });
  });

  it.each<[ErrorClass, number | undefined]>([
    ['rate_limited', 60_000],
    ['slow_down', 9_999],
    ['timeout', undefined],
    ['auth', undefined],
    ['invalid_output', undefined],
    ['request_too_large', undefined],
    ['flex_unavailable', undefined],
  ])('does not switch for %s (told %s ms)', async (...error) => {
    const { next, ask, answers } = setUp();
    answers['first'] = fault(...error);
    await expect(ask()).rejects.toBe(answers['first']);
    expect(await next()).toBe('first');
  });

  it('says who stands in for whom', async () => {
    const { routes } = setUp();
    const seen: (string | null)[] = [];
    await routes.call(new AbortController().signal, async ({ standsInFor }) => {
      seen.push(standsInFor);
      if (standsInFor === null) throw fault('overloaded');
    });
    expect(seen).toEqual([null, 'first']);
  });

  it('rests for the Retry-After of an overload, then makes one call on trial', async () => {
    const { next, ask, answers, clock, routes, asked } = setUp();
    answers['first'] = fault('overloaded', 3000);
    await next();
    await clock.advance(2999);
    expect(await next()).toBe('second');
    await clock.advance(1);
    let answer = (): void => undefined;
    answers['first'] = new Promise<void>((resolve) => (answer = resolve));
    asked.length = 0;
    const trial = ask();
    expect(await ask()).toBe('second');
    expect(asked).toEqual(['first', 'second']);
    answer();
    expect(await trial).toBe('first');
    expect(await next()).toBe('first');
    expect(routes.state()[0]?.restsUntil).toBeNull();
  });

  it('rests twice as long after each trial that fails, 5 minutes at most, and starts anew when well', async () => {
    const { next, answers, clock } = setUp();
    answers['first'] = fault('overloaded');
    await next();
    for (const restMs of [10_000, 20_000, 40_000, 80_000, 160_000, 300_000, 300_000]) {
      await clock.advance(restMs - 1);
      expect(await next()).toBe('second');
      await clock.advance(1);
      expect(await next()).toBe('first second');
    }
    await clock.advance(300_000);
    answers['first'] = null;
    await next();
    answers['first'] = fault('overloaded');
    await next();
    answers['first'] = null;
    await clock.advance(10_000);
    expect(await next()).toBe('first');
  });

  it('takes many failures at once for one', async () => {
    const { ask, next, answers, clock } = setUp();
    answers['first'] = clock.sleep(100).then(() => fault('overloaded'));
    const wave = [ask(), ask(), ask()];
    await clock.advance(100);
    expect(await Promise.all(wave)).toEqual(['second', 'second', 'second']);
    await clock.advance(10_000);
    answers['first'] = null;
    expect(await next()).toBe('first');
  });

  it('is not taken in by a success that began before the rest', async () => {
    const { ask, next, answers, clock } = setUp();
    answers['first'] = clock.sleep(100);
    const early = ask();
    answers['first'] = fault('overloaded');
    await next();
    await clock.advance(100);
    expect(await early).toBe('first');
    expect(await next()).toBe('second');
  });

  it('makes another trial when one proves nothing', async () => {
    const { next, answers, clock } = setUp();
    answers['first'] = fault('overloaded');
    await next();
    await clock.advance(10_000);
    answers['first'] = fault('timeout');
    expect(await next()).toBe('first');
    answers['first'] = null;
    expect([await next(), await next()]).toEqual(['first', 'first']);
  });

  it('takes an answer that is of no use for a sign of health', async () => {
    const { next, answers, clock, routes } = setUp();
    answers['first'] = fault('overloaded');
    await next();
    await clock.advance(10_000);
    const usage = { promptTokens: 1, cachedTokens: 0, completionTokens: 1 };
    answers['first'] = new LanguageModelError('output_truncated', 'cut', { usage });
    await next();
    expect(routes.state()[0]?.errorClass).toBeNull();
  });

  it('tries a model that is out of quota every 60 s, or when told that it is well', async () => {
    const { next, answers, clock, routes } = setUp();
    answers['first'] = fault('quota_exhausted');
    await next();
    for (let round = 0; round < 2; round += 1) {
      await clock.advance(59_999);
      expect(await next()).toBe('second');
      await clock.advance(1);
      expect(await next()).toBe('first second');
    }
    answers['first'] = null;
    routes.recovered('second');
    expect(await next()).toBe('second');
    routes.recovered('first');
    expect(await next()).toBe('first');
  });

  it('lets the error of the first out when all rest', async () => {
    const { ask, answers, routes, next } = setUp();
    answers['first'] = fault('quota_exhausted');
    answers['second'] = fault('overloaded');
    await expect(ask()).rejects.toBe(answers['first']);
    expect(routes.canTake()).toBe(0);
    // a ticket that was taken before gets one try all the same, with the model that rests the shortest
    await expect(ask()).rejects.toBe(answers['first']);
    expect(await next()).toBe('second');
    answers['second'] = null;
    expect(await ask()).toBe('second');
    expect(routes.canTake()).toBe(Number.POSITIVE_INFINITY);
  });

  it('wakes those who wait for the budget of a model that begins to rest', async () => {
    const { routes, clock } = setUp();
    const signal = new AbortController().signal;
    const asked: string[] = [];
    const waiting = routes.call(signal, async ({ model, waitSignal }) => {
      asked.push(model.model);
      await clock.sleep(60_000, waitSignal);
      if (waitSignal.aborted) throw new UpstreamError('cancelled', 'waited', { upstream: 'llm' });
      return model.model;
    });
    const failing = routes.call(signal, async ({ model }) => {
      if (model.model === 'first') throw fault('quota_exhausted');
      return model.model;
    });
    expect(await failing).toBe('second');
    await clock.advance(60_000);
    expect(await waiting).toBe('second');
    expect(asked).toEqual(['first', 'second']);
  });

  it('asks nobody else for a ticket that was cancelled', async () => {
    const { ask, answers, next } = setUp();
    const stop = new AbortController();
    stop.abort();
    answers['first'] = fault('cancelled');
    await expect(ask(stop.signal)).rejects.toBe(answers['first']);
    answers['first'] = fault('overloaded');
    await expect(ask(stop.signal)).rejects.toBe(answers['first']);
    expect(await next()).toBe('second');
  });

  it('never lets a single model rest', async () => {
    const { ask, answers, next, routes, pausedUntil, clock } = setUp(['only']);
    answers['only'] = fault('overloaded', 60_000);
    await expect(ask()).rejects.toBe(answers['only']);
    expect(await next()).toBe('only');
    expect(routes.canTake()).toBe(Number.POSITIVE_INFINITY);
    pausedUntil.set('only', clock.now() + 1);
    expect(routes.canTake()).toBe(0);
  });

  it('can take what the model used now can take', async () => {
    const { next, answers, clock, routes, pausedUntil } = setUp();
    pausedUntil.set('first', clock.now() + 5000);
    // waiting out a rate limit is no reason to switch
    expect(routes.canTake()).toBe(0);
    pausedUntil.clear();
    answers['first'] = fault('overloaded');
    await next();
    pausedUntil.set('second', clock.now() + 60_000);
    expect(routes.canTake()).toBe(0);
    await clock.advance(10_000);
    expect(routes.canTake()).toBe(1);
    // a trial that would only wait is none
    pausedUntil.set('first', clock.now() + 5000);
    expect(routes.canTake()).toBe(0);
    expect(await next()).toBe('second');
  });
});
