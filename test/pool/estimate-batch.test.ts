import { expect, it } from 'vitest';
import { UpstreamError } from '../../src/core/errors.ts';
import { createModelRoutes } from '../../src/core/model-routes.ts';
import type { RateBudget } from '../../src/core/rate-budget.ts';
import { NO_RULES } from '../../src/core/rules.ts';
import type { AverageDraft } from '../../src/core/ticket-reader.ts';
import { estimateBatch, type EstimateRequest } from '../../src/pool/estimate-batch.ts';
import { makeRules } from '../support/factories.ts';
import { fakeClock } from '../support/fake-clock.ts';
import { type FakeKnowledge, fakeKnowledge } from '../support/fake-knowledge.ts';
import { makeConversation, stubHelpdesk } from '../support/stub-helpdesk.ts';
import { stubLanguageModel } from '../support/stub-language-model.ts';

const never = new AbortController().signal;
const ids = (count: number): string[] => Array.from({ length: count }, (_, index) => String(index + 1));

function setUp({
  average = null as AverageDraft | null,
  knowledge = undefined as FakeKnowledge | undefined,
  rules = NO_RULES,
  reviews = false,
} = {}) {
  const helpdesk = stubHelpdesk();
  const llm = stubLanguageModel();
  const clock = fakeClock();
  const budget = {
    snapshot: () => ({ requestsPerMinute: 500, tokensPerMinute: 200_000, promptRatio: null, refundFactor: 0 }),
  } as RateBudget;
  const deps = {
    reader: {
      takeable: (_helpdesk: string, given: readonly string[]) => given.filter((id) => id !== '13'),
      averageDraft: () => average,
    },
    routes: createModelRoutes([{ model: llm, budget }], clock),
    guidelines: '',
    knowledge,
    rules: () => rules,
    clock,
    ...(reviews ? { reviewRoutes: createModelRoutes([{ model: { ...llm, model: 'a-judge' }, budget }], clock) } : {}),
  };
  const run = async (request: Partial<EstimateRequest>) => {
    const estimating = estimateBatch(
      { helpdesk, ticketIds: null, filter: null, skipDrafted: true, post: 'auto', workers: 10, ...request },
      deps,
      never,
    );
    // looked at from the start: it may fail before the slices are through
    const settled = Promise.allSettled([estimating]);
    for (let slice = 0; slice < 50; slice += 1) await clock.advance(0);
    await settled;
    return estimating;
  };
  return { helpdesk, llm, run };
}

it('counts tokens of a sample, never asks the LLM, and leaves out what a batch would leave out', async () => {
  const { helpdesk, llm, run } = setUp();
  const result = await run({ ticketIds: ids(1000) });
  expect(result).toMatchObject({ tickets: 999, bound: 'llm.tokens', complete: true });
  expect(result.promptTokens).toBeGreaterThan(999 * 500);
  expect(result.completionTokens).toBe(999 * 250);
  expect(result.costUsd).toBeCloseTo((result.promptTokens + 5 * result.completionTokens) / 1e6, 6);
  expect(helpdesk.calls.conversation).toBe(20);
  expect(llm.calls.complete).toBe(0);
});

it('counts what the team has written, too', async () => {
  const without = await setUp().run({ ticketIds: ids(10) });
  const knowledge = fakeKnowledge();
  const { promptTokens } = await setUp({ knowledge }).run({ ticketIds: ids(10) });
  expect(promptTokens).toBeGreaterThan(without.promptTokens + 10 * 50);
  expect(knowledge.asked).toHaveLength(10);
});

it('leaves out what rules keep from the model, and counts their guidelines', async () => {
  const plain = await setUp().run({ ticketIds: ids(10) });
  const off = makeRules([{ when: { language: ['de'] }, action: 'off' }, { guidelines: 'Be kind. '.repeat(200) }]);
  const { helpdesk, run } = setUp({ rules: off });
  helpdesk.script.conversation = async (id) => makeConversation(id, { locale: Number(id) % 2 === 0 ? 'de' : 'en' });
  const ruled = await run({ ticketIds: ids(10) });
  expect(ruled.completionTokens).toBe(plain.completionTokens / 2);
  expect(ruled.promptTokens).toBeGreaterThan(plain.promptTokens / 2 + 5 * 300);
});

it('counts the reviews of drafts, their price, and their place in the limit that they share', async () => {
  const request = { ticketIds: ids(100) };
  const plain = await setUp().run(request);
  const reviewed = await setUp({ reviews: true }).run(request);
  // a review reads the ticket and the reply
  expect(reviewed.promptTokens).toBeGreaterThan(1.5 * plain.promptTokens);
  // one in five is written anew
  expect(reviewed.completionTokens).toBe(1.2 * plain.completionTokens + 99 * 60);
  expect(reviewed.costUsd).toBeCloseTo((reviewed.promptTokens + 5 * reviewed.completionTokens) / 1e6, 4);
  expect(reviewed.minutes).toBeGreaterThan(plain.minutes);
});

it('counts what the team has written in drafts and in reviews', async () => {
  const plain = await setUp({ knowledge: fakeKnowledge() }).run({ ticketIds: ids(10) });
  const without = await setUp({ reviews: true }).run({ ticketIds: ids(10) });
  const { promptTokens } = await setUp({ knowledge: fakeKnowledge(), reviews: true }).run({ ticketIds: ids(10) });
  const found = plain.promptTokens - (await setUp().run({ ticketIds: ids(10) })).promptTokens;
  expect(promptTokens - without.promptTokens).toBeGreaterThan(1.9 * found);
});

it('takes the length of answers from those that were written', async () => {
  const { run } = setUp({ average: { promptTokens: 900, completionTokens: 100, workerMs: 6000 } });
  // ten workers, six seconds a ticket: a hundred a minute, and 200,000 tokens a minute are fewer
  expect(await run({ ticketIds: ids(10) })).toMatchObject({ completionTokens: 1000, bound: 'llm.tokens' });
  expect((await run({ ticketIds: ids(10), workers: 1 })).bound).toBe('workers');
});

it('walks a filter, counts a ticket once, and says when it stopped counting', async () => {
  const { helpdesk, run } = setUp();
  helpdesk.listTickets = async (_filter, cursor) => ({
    tickets: ids(100).map((id) => ({ ticketId: id, updatedAt: 0, open: true })),
    nextCursor: cursor === null ? 'again' : null,
  });
  expect(await run({ filter: { status: ['new'] } })).toMatchObject({ tickets: 99, complete: true });
});

it('knows that tickets which take no draft cost no tokens, and that held notes take no update', async () => {
  const { helpdesk, run } = setUp();
  helpdesk.script.conversation = async (id) =>
    makeConversation(id, { unavailable: Number(id) % 2 === 0 ? 'closed' : null });
  const half = await run({ ticketIds: ids(10), post: 'hold' });
  expect(half.completionTokens).toBe(1250);
  expect(half.bound).not.toBe('zendesk.updates');
});

it('fails as the helpdesk does when that answers nobody, and not because one ticket is gone', async () => {
  const { helpdesk, run } = setUp();
  const gone = new UpstreamError('gone', 'no such ticket', { upstream: 'zendesk', reason: 'not_found' });
  helpdesk.script.conversation = () => Promise.reject(gone);
  expect(await run({ ticketIds: ids(5) })).toMatchObject({ tickets: 5, promptTokens: 0 });
  helpdesk.script.conversation = () => Promise.reject(new UpstreamError('auth', 'refused', { upstream: 'zendesk' }));
  const refused = await run({ ticketIds: ids(5) }).catch((error: unknown) => error);
  expect(refused).toMatchObject({ errorClass: 'auth' });
});
