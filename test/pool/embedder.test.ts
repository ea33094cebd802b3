import { expect, it } from 'vitest';
import { seededRandom } from '../../src/core/clock.ts';
import { UpstreamError } from '../../src/core/errors.ts';
import { createRateBudget } from '../../src/core/gcra-budget.ts';
import { LanguageModelError } from '../../src/core/language-model.ts';
import { createSpendGuard } from '../../src/core/spend-guard.ts';
import { createEmbedder } from '../../src/pool/embedder.ts';
import { fakeClock } from '../support/fake-clock.ts';
import { recordingObserver } from '../support/recording-observer.ts';
import { stubEmbeddingModel, stubVector } from '../support/stub-embedding-model.ts';

const never = new AbortController().signal;

function setUp({ perMinute = 1e6, dailyBudgetUsd = null as number | null, maskPersonalData = false } = {}) {
  const clock = fakeClock();
  const random = seededRandom(1);
  const model = stubEmbeddingModel();
  const observer = recordingObserver();
  let spent = 0;
  const accounts = { spentOn: () => spent, batchAccount: () => null, consignedUsd: () => 0 };
  const configured = { requests: true, tokens: true };
  const embedder = createEmbedder({
    model,
    budget: createRateBudget({ requestsPerMinute: perMinute, tokensPerMinute: 1e6, configured, clock, random }),
    spending: createSpendGuard({ dailyBudgetUsd, accounts, clock }),
    spend: async (costUsd) => {
      spent += costUsd;
    },
    maskPersonalData,
    clock,
    random,
    observer,
  });
  const told = () => observer.events.filter(({ name }) => name === 'embedding');
  return { clock, model, embedder, told, spent: () => spent };
}

const fails =
  (errorClass: 'connection' | 'auth' | 'invalid_request' | 'rate_limited', more = {}) =>
  () =>
    Promise.reject(new LanguageModelError(errorClass, 'No.', more));

it('asks for a question once, also when two want it at the same moment, and counts what it costs', async () => {
  const { embedder, model, told, spent } = setUp();
  const both = await Promise.all([embedder.question('The zip'), embedder.question('The zip')]);
  expect(both).toEqual([stubVector('The zip'), stubVector('The zip')]);
  expect(await embedder.question('The zip')).toEqual(stubVector('The zip'));
  expect(model.calls).toEqual([['The zip']]);
  expect(spent()).toBe(1e-6);
  expect(told()).toEqual([
    expect.objectContaining({ purpose: 'question', texts: 1, errorClass: null, promptTokens: 1, costUsd: 1e-6 }),
  ]);
});

it('gives up a question after two seconds, says so, and lets the next ones go without for a while', async () => {
  const { embedder, model, clock, told } = setUp();
  model.script.embed = (_, signal) =>
    new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(new Error('aborted'))));
  const asked = embedder.question('The zip');
  await clock.advance(2_000);
  expect(await asked).toBeNull();
  expect(told()).toEqual([expect.objectContaining({ errorClass: 'timeout', durationMs: 2_000, costUsd: null })]);
  delete model.script.embed;
  // no time goes by: it does not even ask
  expect(await embedder.question('The tent')).toBeNull();
  expect(told()[1]).toMatchObject({ texts: 0, errorClass: 'timeout' });
  await clock.advance(5_000);
  expect(await embedder.question('The tent')).toEqual(stubVector('The tent'));
  expect(model.calls).toHaveLength(2);
});

it.each(['connection', 'auth', 'rate_limited'] as const)(
  'rests after %s, and not after what is wrong with one text',
  async (errorClass) => {
    const { embedder, model, clock } = setUp();
    model.script.embed = fails('invalid_request');
    expect(await embedder.question('a')).toBeNull();
    expect(await embedder.question('b')).toBeNull();
    expect(model.calls).toHaveLength(2);
    model.script.embed = fails(errorClass);
    expect(await embedder.question('c')).toBeNull();
    expect(await embedder.question('d')).toBeNull();
    expect(model.calls).toHaveLength(3);
    delete model.script.embed;
    await clock.advance(60_000);
    expect(await embedder.question('d')).not.toBeNull();
  },
);

it('waits no more than two seconds for the rate budget, where questions go before the filling', async () => {
  const { embedder, model, clock } = setUp({ perMinute: 6 });
  const pass = async (ms: number): Promise<void> => {
    // what has just been asked comes to the budget first
    await clock.advance(0);
    await clock.advance(ms);
  };
  const first = embedder.texts(['first'], never);
  await pass(0);
  await first;
  const filling = embedder.texts(['filling'], never);
  const late = embedder.question('late');
  await pass(2_000);
  expect(await late).toBeNull();
  // as long as it may rest
  await pass(6_500);
  const early = embedder.question('early');
  await pass(1_999);
  expect(await early).toEqual(stubVector('early'));
  expect(model.calls).toEqual([['first'], ['early']]);
  await pass(10_000);
  await filling;
  expect(model.calls).toHaveLength(3);
});

it('makes no call when the day has no money left, and pays for answers of no use', async () => {
  const { embedder, model, spent } = setUp({ dailyBudgetUsd: 0.00005 });
  model.script.embed = fails('connection', { costUsd: 0.00004 });
  await expect(embedder.texts(['a'], never)).rejects.toMatchObject({ errorClass: 'connection' });
  expect(spent()).toBe(0.00004);
  delete model.script.embed;
  await embedder.texts(['a'], never).catch(() => undefined);
  await expect(
    embedder.texts(
      Array.from({ length: 32 }, () => 'word '.repeat(9)),
      never,
    ),
  ).rejects.toMatchObject({
    errorClass: 'request_too_large',
  });
  expect(model.calls.length).toBeLessThan(3);
});

it('ends at once when it is stopped', async () => {
  const { embedder } = setUp();
  const stop = new AbortController();
  stop.abort();
  await expect(embedder.texts(['a'], stop.signal)).rejects.toBeInstanceOf(UpstreamError);
});

it('sends no personal data where that is not wanted, and compares such vectors with their like only', async () => {
  const { embedder, model } = setUp({ maskPersonalData: true });
  await embedder.question('Write to jane@people.example');
  await embedder.texts(['Card 4111 1111 1111 1111'], never);
  expect(model.calls).toEqual([['Write to [email 1]'], ['Card [card number]']]);
  expect([embedder.space, setUp().embedder.space]).toEqual(['stub masked', 'stub']);
});
