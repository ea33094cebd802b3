import { createCircuit } from '../../src/core/circuit.ts';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { NewBatch } from '../../src/core/batch.ts';
import { seededRandom, uuidv7 } from '../../src/core/clock.ts';
import { LanguageModelError } from '../../src/core/language-model.ts';
import { createModelRoutes } from '../../src/core/model-routes.ts';
import type { RateBudget } from '../../src/core/rate-budget.ts';
import { NO_RULES, type RuleSet } from '../../src/core/rules.ts';
import { createSpendGuard } from '../../src/core/spend-guard.ts';
import type { BatchSummary, TicketReader } from '../../src/core/ticket-reader.ts';
import { createEconomy, type Economy } from '../../src/pool/economy.ts';
import { createGate, type Gate } from '../../src/pool/gate.ts';
import { createPool, type Pool } from '../../src/pool/pool.ts';
import { type Connection, openDatabase } from '../../src/sqlite/database.ts';
import { openOutbox } from '../../src/sqlite/outbox.ts';
import { openTicketReader } from '../../src/sqlite/ticket-reader.ts';
import { makeBatch, makeEvent, TRACEPARENT, makeBudgetSnapshot, makeRules, makeTeam } from '../support/factories.ts';
import { type FakeClock, fakeClock } from '../support/fake-clock.ts';
import { migrationsFolder } from '../support/paths.ts';
import { type FakeKnowledge, fakeKnowledge, makeArticle, makeFound } from '../support/fake-knowledge.ts';
import { recordingObserver, type RecordingObserver } from '../support/recording-observer.ts';
import { type StubBatchModel, stubBatchModel } from '../support/stub-batch-model.ts';
import { stubHelpdesk, type StubHelpdesk } from '../support/stub-helpdesk.ts';
import { makeCompletion, stubLanguageModel, type StubLanguageModel } from '../support/stub-language-model.ts';

const MAX_ATTEMPTS = 2;

/** The economy lane asks for room only where it tries whether the model is well again. */
const budget: RateBudget = {
  acquire: () => Promise.resolve({ waitedMs: 0, settle: () => undefined }),
  pause: () => undefined,
  snapshot: makeBudgetSnapshot,
};

describe('the economy lane', () => {
  let folder: string;
  let clock: FakeClock;
  let helpdesk: StubHelpdesk;
  let llm: StubLanguageModel;
  let knowledge: FakeKnowledge | undefined;
  let rules: RuleSet | undefined;
  let model: StubBatchModel;
  let observer: RecordingObserver;
  let connection: Connection;
  let outbox: ReturnType<typeof openOutbox>;
  let reader: TicketReader;
  let gate: Gate;
  let economy: Economy;
  let pool: Pool;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'draftdesk-'));
    clock = fakeClock();
    helpdesk = stubHelpdesk('zendesk');
    llm = stubLanguageModel();
    knowledge = undefined;
    rules = undefined;
    model = stubBatchModel();
    observer = recordingObserver();
    open('first');
  });
  afterEach(async () => {
    await close();
    rmSync(folder, { recursive: true, force: true });
  });

  function open(owner: string): void {
    connection = openDatabase({ path: join(folder, 'test.db'), migrationsFolder });
    const newId = uuidv7(clock);
    outbox = openOutbox(connection, { clock, newId, owner, maxPending: 10_000 });
    reader = openTicketReader(connection, clock);
    gate = createGate({ outbox, clock, observer, probe: async () => undefined, onOpen: () => pool.wake() });
    const attempts = {
      outbox,
      gate,
      helpdesks: new Map([[helpdesk.name, helpdesk]]),
      routes: createModelRoutes([{ model: llm, budget }], clock),
      spending: createSpendGuard({ dailyBudgetUsd: null, accounts: reader, clock }),
      clock,
      observer,
      random: seededRandom(1),
      team: makeTeam(),
      knowledge,
      ...(rules === undefined ? {} : { rules: () => rules ?? NO_RULES }),
      postFindings: true,
      retry: { maxAttempts: MAX_ATTEMPTS, baseMs: 1000, maxMs: 60_000 },
      circuit: createCircuit(clock, { maxAttempts: MAX_ATTEMPTS }),
    };
    economy = createEconomy({ ...attempts, consignments: outbox.consignments, model, newId });
    pool = createPool({ ...attempts, packer: economy.packer, concurrency: 4 });
    economy.start();
    pool.start();
  }
  const close = async (): Promise<void> => {
    const stopped = pool.stop(0).then(() => economy.stop());
    await clock.advance(10);
    await stopped;
    gate.dispose();
    connection.close();
  };
  const restart = async (): Promise<void> => {
    await close();
    open('second');
    await pass(1_000);
  };
  /** In small steps: between them the real event loop commits what was written. */
  const pass = async (ms: number): Promise<void> => {
    for (let step = 0; step < 20; step += 1) await clock.advance(ms / 20);
  };
  const start = async (count: number, overrides: Partial<NewBatch> = {}): Promise<string> => {
    const ids = Array.from({ length: count }, (_, index) => String(index + 1));
    return (await outbox.createBatch(makeBatch(ids, { lane: 'economy', ...overrides }))).id;
  };
  const batch = (id: string): BatchSummary => {
    const found = reader.batch(id);
    if (found === null) throw new Error(`no batch ${id}`);
    return found;
  };
  const linesSent = (): number => model.batches.reduce((sum, { lines }) => sum + lines.length, 0);

  it('sends the drafts of a batch together, and posts each once when the results are there', async () => {
    const id = await start(10);
    await pass(5_000);
    expect(model.batches).toHaveLength(1);
    expect(batch(id)).toMatchObject({ counts: { drafting: 10 }, economy: { sent: 1, done: 0, lines: 10 } });
    model.finish();
    await pass(60_000);
    expect(batch(id)).toMatchObject({ state: 'completed', counts: { posted: 10 }, economy: { done: 1 } });
    expect(batch(id).spent.costUsd).toBeCloseTo(10 * 0.0001, 9);
    expect(helpdesk.notes).toHaveLength(10);
    expect(model.batches[0]?.forgotten).toBe(true);
    expect(llm.calls.complete).toBe(0);
    expect(outbox.consignments.open()).toEqual([]);
  });

  it('goes by the rules of the hour when it was sent, also after a restart', async () => {
    rules = makeRules([{ name: 'refunds', when: { category: ['refund'] }, action: 'hold' }], ['refund']);
    await restart();
    const answer = { reply: 'Hold it.', language: 'en', confidence: 0.9, questions: [], no_draft_reason: null };
    const text = JSON.stringify({ ...answer, category: 'refund' });
    await start(2);
    await pass(5_000);
    rules = makeRules([{ name: 'all off', action: 'off' }]);
    await restart();
    const [sent] = model.batches;
    if (sent !== undefined)
      sent.answer = (line) => makeCompletion(JSON.stringify(line).includes('Subject of 1') ? { text } : {});
    model.finish();
    await pass(60_000);
    expect(reader.ticket('zendesk', '1')).toMatchObject({
      status: 'drafted',
      draft: { versions: { rule: 'refunds' } },
    });
    expect(reader.ticket('zendesk', '2')).toMatchObject({ status: 'posted', draft: { versions: { rule: null } } });
  });

  it('proves an answer by what the model was shown hours ago, whatever is known by then, also after a restart', async () => {
    knowledge = fakeKnowledge();
    await restart();
    const quote = 'Hold the button for five seconds';
    const answer = {
      reply: 'Hold it.',
      language: 'en',
      confidence: 0.9,
      questions: [],
      missing: [],
      no_draft_reason: null,
    };
    const text = JSON.stringify({ ...answer, claims: [{ claim: 'Hold it', source: 'A1', quote }] });
    const id = await start(1);
    await pass(5_000);
    expect(JSON.stringify(model.batches[0]?.lines)).toContain(quote);
    knowledge.found = makeFound({ articles: [makeArticle({ passage: 'All is new.', share: 0 })], version: 'k2' });
    await restart();
    const [sent] = model.batches;
    if (sent !== undefined) sent.answer = () => makeCompletion({ text });
    model.finish();
    await pass(60_000);
    expect(batch(id).counts.posted).toBe(1);
    expect(reader.ticket('zendesk', '1')?.draft).toMatchObject({
      body: 'Hold it.',
      sources: [{ kind: 'article', id: 'zendesk/360001', quote, share: 0.42 }],
      unproven: [],
      versions: { knowledge: 'k1', model: 'gpt-6-luna' },
    });
  });

  it('packs at most a thousand into one', async () => {
    const id = await start(2_300);
    for (let step = 0; step < 10_000 && linesSent() < 2_300; step += 1) await clock.advance(20);
    expect(linesSent()).toBe(2_300);
    expect(model.batches.map(({ lines }) => lines.length)).toEqual([1_000, 1_000, 300]);
    expect(batch(id).counts.drafting).toBe(2_300);
  }, 30_000);

  it('pays nothing twice when it is restarted before it has sent', async () => {
    const id = await start(3);
    await pass(1_000);
    expect(batch(id).counts.drafting).toBe(3);
    await restart();
    await pass(10_000);
    expect(linesSent()).toBe(3);
    expect(batch(id).counts.drafting).toBe(3);
  });

  it('pays nothing twice when it is restarted before it knows that it has sent', async () => {
    const id = await start(3);
    model.script.afterSubmit = () => new Promise(() => undefined);
    await pass(5_000);
    expect(batch(id).economy).toBeNull();
    // the process dies: nothing of it goes on
    connection.close();
    delete model.script.afterSubmit;
    open('second');
    model.finish();
    await pass(90_000);
    expect(linesSent()).toBe(3);
    expect(batch(id).counts.posted).toBe(3);
  });

  it('pays nothing twice when it is restarted while it reads the results', async () => {
    const id = await start(40);
    await pass(5_000);
    model.finish();
    model.script.breakAfter = 30;
    await pass(60_000);
    expect(batch(id).counts).toMatchObject({ posted: 30, drafting: 10 });
    delete model.script.breakAfter;
    await restart();
    await pass(60_000);
    expect(batch(id)).toMatchObject({ state: 'completed', counts: { posted: 40 } });
    expect(batch(id).spent.costUsd).toBeCloseTo(40 * 0.0001, 9);
    expect([linesSent(), helpdesk.notes.length]).toEqual([40, 40]);
  });

  it('gives back the tickets of results that the provider has lost, and stores those that are there', async () => {
    const id = await start(3);
    await pass(5_000);
    const [sent] = model.batches;
    const first = sent?.lines[0]?.customId;
    if (sent !== undefined) sent.answer = ({ customId }) => (customId === first ? makeCompletion() : null);
    model.script.results = new LanguageModelError('invalid_request', 'The results are gone.', { status: 404 });
    model.finish();
    await pass(60_000);
    // it may only be late
    expect(batch(id).counts).toMatchObject({ posted: 1, drafting: 2 });
    await pass(120_000);
    expect(model.batches[1]?.lines).toHaveLength(2);
    for (let round = 0; round < 6; round += 1) {
      for (const one of model.batches) one.answer = () => null;
      model.finish();
      await pass(60_000);
    }
    expect(batch(id)).toMatchObject({ state: 'completed', counts: { posted: 1, dead: 2 } });
    expect(reader.batchErrors(id)).toMatchObject([{ errorClass: 'invalid_response', count: 2 }]);
    expect(linesSent()).toBe(3 + 2 * (MAX_ATTEMPTS - 1));
    expect(outbox.consignments.open()).toEqual([]);
  });

  it('reads results again that are there after all', async () => {
    const id = await start(2);
    await pass(5_000);
    for (const one of model.batches) one.answer = () => null;
    model.script.results = new LanguageModelError('invalid_request', 'The results are gone.', { status: 404 });
    model.finish();
    await pass(60_000);
    delete model.script.results;
    for (const one of model.batches) one.answer = () => makeCompletion();
    await pass(60_000);
    expect(batch(id).counts).toMatchObject({ posted: 2 });
    expect(linesSent()).toBe(2);
  });

  it('deletes at the provider what a crash has left between upload and batch', async () => {
    const id = await start(3);
    model.script.beforeSubmit = () => new Promise(() => undefined);
    await pass(5_000);
    const key = outbox.consignments.open()[0]?.key;
    expect(key).toBeDefined();
    connection.close();
    delete model.script.beforeSubmit;
    open('second');
    await pass(200_000);
    expect(model.discarded).toEqual([key]);
    expect(linesSent()).toBe(3);
    expect(batch(id).counts.dead).toBe(0);
  });

  it('deletes what a failed try has uploaded before it uploads again, and nothing of a batch that is there', async () => {
    await start(3);
    let failures = 1;
    model.script.beforeSubmit = async () => {
      if (failures-- > 0) throw new LanguageModelError('server_error', 'no', { status: 500 });
    };
    await pass(300_000);
    expect(model.discarded).toEqual([model.batches[0]?.key]);
  });

  it('stops the model when its look is refused, and takes that for no answer', async () => {
    const id = await start(3);
    model.script.afterSubmit = () => Promise.reject(new LanguageModelError('timeout', 'late'));
    const refusal = new LanguageModelError('auth', 'The key is refused.', { status: 401 });
    model.script.find = () => Promise.reject(refusal);
    await pass(5_000);
    delete model.script.afterSubmit;
    await pass(40_000);
    expect(observer.events).toContainEqual(expect.objectContaining({ name: 'paused', scope: 'llm' }));
    await pass(600_000);
    expect(model.batches).toHaveLength(1);
    delete model.script.find;
    await pass(120_000);
    expect(model.batches).toHaveLength(1);
    expect(batch(id).economy).toMatchObject({ sent: 1 });
  });

  it.each([400, 403, 429, 499])('does not take %i of the look for a batch that does not exist', async (status) => {
    await start(3);
    model.script.afterSubmit = () => Promise.reject(new LanguageModelError('timeout', 'late'));
    model.script.find = () => Promise.reject(new LanguageModelError('invalid_request', 'no', { status }));
    await pass(5_000);
    delete model.script.afterSubmit;
    await pass(600_000);
    expect(model.batches).toHaveLength(1);
  });

  it.each([404, 405])('takes %i of the look for a server that has no batches', async (status) => {
    const id = await start(3);
    model.script.beforeSubmit = () => Promise.reject(new LanguageModelError('timeout', 'late'));
    model.script.find = () => Promise.reject(new LanguageModelError('invalid_request', 'no', { status }));
    await pass(5_000);
    delete model.script.beforeSubmit;
    await restart();
    await pass(200_000);
    expect(linesSent()).toBe(3);
    expect(batch(id).counts.drafting).toBe(3);
  });

  it('looks before it sends again after an answer that may come from a proxy', async () => {
    const id = await start(3);
    const cut = new LanguageModelError('invalid_request', 'closed', { status: 499 });
    model.script.afterSubmit = () => Promise.reject(cut);
    await pass(5_000);
    delete model.script.afterSubmit;
    await pass(300_000);
    expect(model.batches).toHaveLength(1);
    expect(batch(id)).toMatchObject({ state: 'running', economy: { sent: 1 } });
  });

  it('looks before it sends again what may have arrived', async () => {
    const id = await start(3);
    model.script.afterSubmit = () => Promise.reject(new LanguageModelError('timeout', 'late'));
    await pass(5_000);
    delete model.script.afterSubmit;
    await pass(300_000);
    expect(model.batches).toHaveLength(1);
    expect(batch(id).economy).toMatchObject({ sent: 1 });
  });

  it('sends again what did not arrive', async () => {
    await start(3);
    let failures = 1;
    model.script.beforeSubmit = async () => {
      if (failures-- > 0) throw new LanguageModelError('connection', 'gone');
    };
    await pass(300_000);
    expect(linesSent()).toBe(3);
  });

  it('waits while the queue of the provider is full, which is no failure of a ticket', async () => {
    const id = await start(3);
    await pass(5_000);
    model.finish({ state: 'failed', errorClass: 'rate_limited', errors: ['The queue is full.'] });
    await pass(60_000);
    expect(batch(id).counts.retrying).toBe(3);
    for (let round = 0; round < 10; round += 1) await pass(60_000);
    expect(model.batches.length).toBeGreaterThan(1);
    model.finish();
    await pass(60_000);
    expect(batch(id).counts).toMatchObject({ posted: 3, dead: 0 });
  });

  it('pauses the batch where the server has no Batch API, and keeps its tickets', async () => {
    const id = await start(3);
    const refusal = new LanguageModelError('invalid_request', 'The server has no Batch API.', { status: 404 });
    model.script.beforeSubmit = () => Promise.reject(refusal);
    await pass(10_000);
    expect(batch(id)).toMatchObject({
      state: 'paused',
      reason: 'The server has no Batch API.',
      counts: { retrying: 3, dead: 0 },
    });
  });

  it('stops the model where the key is refused, and goes on when it is good again', async () => {
    const id = await start(3);
    let failures = 1;
    model.script.beforeSubmit = async () => {
      if (failures-- > 0) throw new LanguageModelError('auth', 'The key is refused.', { status: 401 });
    };
    await pass(3_000);
    expect(outbox.pauses()).toMatchObject([{ scope: 'llm', reason: 'The key is refused.' }]);
    await pass(120_000);
    expect(outbox.pauses()).toEqual([]);
    expect(linesSent()).toBe(3);
    expect(batch(id).counts.dead).toBe(0);
  });

  it('finds out by one ticket of its own that there is quota again', async () => {
    const id = await start(6);
    await pass(3_000);
    const usedUp = new LanguageModelError('quota_exhausted', 'The quota is used up.', { status: 429 });
    for (const one of model.batches) one.answer = () => usedUp;
    llm.script.complete = () => Promise.reject(usedUp);
    model.finish();
    await pass(30_000);
    expect(outbox.pauses()).toMatchObject([{ scope: 'llm', errorClass: 'quota_exhausted' }]);
    await pass(300_000);
    // the probe lets through one at a time, at growing intervals
    expect(llm.calls.complete).toBeGreaterThan(1);
    expect(llm.calls.complete).toBeLessThan(10);
    expect([llm.calls.mostInFlight, linesSent()]).toEqual([1, 6]);
    expect(outbox.pauses()).toHaveLength(1);
    const refused = llm.calls.complete;
    delete llm.script.complete;
    await pass(70_000);
    expect(outbox.pauses()).toEqual([]);
    expect(llm.calls.complete).toBe(refused + 1);
    expect(linesSent()).toBe(6 + 5);
    model.finish();
    await pass(60_000);
    expect(batch(id)).toMatchObject({ state: 'completed', counts: { posted: 6, dead: 0 } });
  });

  it('tries what expired again, and is dead after the last attempt', async () => {
    const id = await start(2);
    await pass(5_000);
    for (let round = 0; round < 6; round += 1) {
      for (const one of model.batches) one.answer = () => null;
      model.finish({ state: 'expired', outputReady: true });
      await pass(60_000);
    }
    expect(batch(id)).toMatchObject({ state: 'completed', counts: { dead: 2 } });
    expect(reader.batchErrors(id)).toMatchObject([{ errorClass: 'timeout', count: 2 }]);
    expect(linesSent()).toBe(2 * MAX_ATTEMPTS);
  });

  it('judges a line that failed like a call that failed, and tries one that is missing again', async () => {
    const id = await start(3);
    await pass(5_000);
    const [sent] = model.batches;
    if (sent === undefined) throw new Error('nothing was sent');
    const outcomes = [new LanguageModelError('context_length', 'too long'), null, makeCompletion()];
    const order = sent.lines.map(({ customId }) => customId);
    sent.answer = ({ customId }) => outcomes[order.indexOf(customId)] ?? null;
    model.finish();
    await pass(60_000);
    expect(batch(id).counts).toMatchObject({ dead: 1, posted: 1, drafting: 1 });
    expect(model.batches[1]?.lines).toHaveLength(1);
  });

  it('cancels at the provider too, and posts what came back paid once it is resumed', async () => {
    const id = await start(4);
    await pass(5_000);
    await outbox.cancelBatch(id);
    await outbox.tendBatches();
    economy.wake();
    await pass(1_000);
    const [sent] = model.batches;
    expect(sent?.cancelled).toBe(true);
    expect(batch(id)).toMatchObject({ state: 'cancelled', counts: { cancelled: 4 } });
    const done = new Set(sent?.lines.slice(0, 2).map(({ customId }) => customId));
    const never = new LanguageModelError('cancelled', 'not got to');
    if (sent !== undefined) sent.answer = ({ customId }) => (done.has(customId) ? makeCompletion() : never);
    model.finish({ state: 'cancelled', outputReady: true });
    await pass(60_000);
    expect(batch(id).counts.cancelled).toBe(4);
    expect(batch(id).spent.costUsd).toBeCloseTo(2 * 0.0001, 9);
    await outbox.resumeBatch(id);
    await pass(10_000);
    expect(batch(id).counts).toMatchObject({ posted: 2, drafting: 2 });
    expect(model.batches[1]?.lines).toHaveLength(2);
  });

  it('sends nothing of a paused batch, stores what comes, and posts when it is resumed', async () => {
    const id = await start(2);
    await pass(5_000);
    await outbox.pauseBatch(id, null);
    model.finish();
    await pass(60_000);
    expect(batch(id)).toMatchObject({ state: 'paused', counts: { posting: 2 } });
    expect(helpdesk.notes).toEqual([]);
    await outbox.resumeBatch(id);
    await pass(5_000);
    expect(helpdesk.notes).toHaveLength(2);
  });

  it('does not send what is packed when the batch is paused', async () => {
    const id = await start(2);
    await pass(1_000);
    await outbox.pauseBatch(id, null);
    await pass(10_000);
    expect(model.batches).toEqual([]);
    await outbox.resumeBatch(id);
    await pass(10_000);
    expect(linesSent()).toBe(2);
  });

  it('does not send the line of a ticket whose customer has written meanwhile', async () => {
    await start(2);
    await pass(1_000);
    await gate.pauseAll();
    await outbox.ingest({
      helpdesk: 'zendesk',
      event: makeEvent('2', { messageId: '101' }),
      traceparent: TRACEPARENT,
    });
    await pass(5_000);
    expect(linesSent()).toBe(1);
    expect(reader.ticket('zendesk', '2')?.status).toBe('queued');
  });

  it('keeps to the budget of the batch', async () => {
    const id = await start(20, { budgetUsd: 0.05 });
    await pass(10_000);
    const { budgetUsd = null, consignedUsd = 0 } = reader.batchAccount(id) ?? {};
    expect(consignedUsd).toBeLessThanOrEqual(budgetUsd ?? 0);
    const first = linesSent();
    expect(first).toBeGreaterThan(0);
    expect(first).toBeLessThan(20);
    const fetched = helpdesk.calls.conversation;
    await pass(600_000);
    // those that do not fit wait, they are not fetched again and again
    expect(helpdesk.calls.conversation - fetched).toBeLessThan(5);
    model.finish();
    await pass(120_000);
    expect(batch(id).counts.posted).toBe(first);
    expect(linesSent()).toBeGreaterThan(first);
  });
});
