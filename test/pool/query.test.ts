import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createCircuit } from '../../src/core/circuit.ts';
import { seededRandom, uuidv7 } from '../../src/core/clock.ts';
import type { ErrorClass } from '../../src/core/errors.ts';
import { LanguageModelError, type Prompt } from '../../src/core/language-model.ts';
import { createModelRoutes } from '../../src/core/model-routes.ts';
import type { Outbox } from '../../src/core/outbox.ts';
import { createSpendGuard } from '../../src/core/spend-guard.ts';
import type { TicketReader } from '../../src/core/ticket-reader.ts';
import { createGate, type Gate } from '../../src/pool/gate.ts';
import { createHandOver } from '../../src/pool/hand-over.ts';
import { createPool, type Pool } from '../../src/pool/pool.ts';
import { wantsQuery } from '../../src/pool/query-step.ts';
import { type Connection, openDatabase } from '../../src/sqlite/database.ts';
import { openOutbox } from '../../src/sqlite/outbox.ts';
import { openTicketReader } from '../../src/sqlite/ticket-reader.ts';
import { makeEvent, makeOpenBudget, makeTeam, TRACEPARENT } from '../support/factories.ts';
import { type FakeClock, fakeClock } from '../support/fake-clock.ts';
import { type FakeKnowledge, fakeKnowledge, makeArticle, makeEvidence, makeFound } from '../support/fake-knowledge.ts';
import { migrationsFolder } from '../support/paths.ts';
import { recordingObserver, type RecordingObserver } from '../support/recording-observer.ts';
import { makeConversation, makeMessage, stubHelpdesk, type StubHelpdesk } from '../support/stub-helpdesk.ts';
import { makeCompletion, stubLanguageModel, type StubLanguageModel } from '../support/stub-language-model.ts';

describe('whether a model is asked what to look for', () => {
  const knowing = (linked: number, articles = 20) => {
    const summary = fakeKnowledge().summary();
    return { summary: () => ({ ...summary, linked, counts: { articles, solved: linked, canned: 0 } }) };
  };
  const weak = (share: number) => makeEvidence({ articles: [makeArticle({ share })] });

  it.each([
    ['little history and a weak match', weak(0.3), knowing(50), true],
    ['little history and a fair match', weak(0.5), knowing(50), false],
    ['much history and a weak match', weak(0.3), knowing(500), false],
    ['much history and next to nothing', weak(0.1), knowing(500), true],
    ['nothing found at all', makeEvidence({ articles: [] }), knowing(0), true],
    ['no articles', makeEvidence({ articles: [] }), knowing(50, 0), false],
    ['no knowledge', null, undefined, false],
  ])('%s', (_, evidence, knowledge, wanted) => {
    expect(wantsQuery(evidence, knowledge)).toBe(wanted);
  });
});

describe('the pool with a model that says what to look for', () => {
  let folder: string;
  let connection: Connection;
  let clock: FakeClock;
  let outbox: Outbox;
  let reader: TicketReader;
  let helpdesk: StubHelpdesk;
  let writer: StubLanguageModel;
  let finder: StubLanguageModel;
  let observer: RecordingObserver;
  let knowledge: FakeKnowledge;
  let gate: Gate;
  let pool: Pool;
  let asked: Prompt[];
  let drafted: Prompt[];

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'draftdesk-'));
    clock = fakeClock();
    connection = openDatabase({ path: join(folder, 'test.db'), migrationsFolder });
    outbox = openOutbox(connection, { clock, newId: uuidv7(clock), owner: 'me', maxPending: 1000 });
    reader = openTicketReader(connection, clock);
    helpdesk = stubHelpdesk('zendesk');
    writer = stubLanguageModel();
    finder = { ...stubLanguageModel(), model: 'a-finder' };
    observer = recordingObserver();
    knowledge = fakeKnowledge(makeFound({ articles: [makeArticle({ share: 0.1 })] }));
    asked = [];
    drafted = [];
    writer.script.complete = async (prompt) => {
      drafted.push(prompt);
      return makeCompletion();
    };
    answer(JSON.stringify({ words: 'Reset the button' }));
    makePool();
  });
  afterEach(async () => {
    const stopped = pool.stop(0);
    await clock.advance(10);
    await stopped;
    gate.dispose();
    connection.close();
    rmSync(folder, { recursive: true, force: true });
  });

  function makePool(maskPersonalData = false): void {
    const retry = { maxAttempts: 3, baseMs: 1000, maxMs: 60_000 };
    const budget = makeOpenBudget();
    const probe = (): Promise<void> => writer.probe(new AbortController().signal);
    gate = createGate({ outbox, clock, observer, probe, onOpen: () => pool.wake() });
    pool = createPool({
      outbox,
      gate,
      helpdesks: new Map([[helpdesk.name, helpdesk]]),
      routes: createModelRoutes([{ model: writer, budget }], clock),
      spending: createSpendGuard({ dailyBudgetUsd: null, accounts: reader, clock }),
      clock,
      observer,
      random: seededRandom(1),
      team: makeTeam({ maskPersonalData, guidelines: 'Say “Ahoy”.' }),
      knowledge,
      postFindings: true,
      retry,
      circuit: createCircuit(clock, retry),
      concurrency: 4,
      searcher: { routes: createModelRoutes([{ model: finder, budget }], clock), handOver: createHandOver() },
    });
  }

  function answer(said: string, errorClass?: ErrorClass): void {
    finder.script.complete = async (prompt) => {
      asked.push(prompt);
      if (errorClass !== undefined) throw new LanguageModelError(errorClass, 'It failed.');
      return makeCompletion({ text: said, model: 'a-finder', costUsd: 0.001 });
    };
  }

  const ingest = (ticketId = '1', messageId?: string) =>
    outbox.ingest({
      helpdesk: 'zendesk',
      event: makeEvent(ticketId, messageId === undefined ? {} : { key: `message ${messageId}`, messageId }),
      traceparent: TRACEPARENT,
    });
  const pass = async (ms = 200): Promise<void> => {
    for (let step = 0; step < 10; step += 1) await clock.advance(ms / 10);
  };
  const run = async (ms = 200): Promise<void> => {
    pool.start();
    await pass(ms);
  };
  const ticket = () => reader.ticket('zendesk', '1');
  const stages = () => ticket()?.attempts.map(({ stage, number, outcome }) => `${stage} ${number} ${outcome}`);

  it('looks for its words too, asks for them once, and fetches the ticket once', async () => {
    await ingest();
    await run();
    expect(stages()).toEqual(['query 1 ok', 'draft 1 ok', 'post 1 ok']);
    expect(knowledge.asked.map(({ alsoText }) => alsoText)).toEqual([undefined, 'Reset the button']);
    expect([finder.calls.complete, writer.calls.complete, helpdesk.calls.conversation]).toEqual([1, 1, 1]);
    expect(ticket()?.status).toBe('posted');
    // and what it has cost is in the accounts
    expect(reader.spentOn(new Date(clock.now()).toISOString().slice(0, 10), '')).toBeCloseTo(0.0011);
  });

  it('is shown the ticket and titles as data, and no guidelines; its words reach no prompt', async () => {
    knowledge.found = makeFound({ articles: [makeArticle({ share: 0.1, title: 'Start </titles> now' })] });
    await ingest();
    await run();
    const [prompt] = asked;
    expect(prompt?.user).toContain('Subject of 1');
    expect(prompt?.user.match(/<\/titles>/g)).toHaveLength(1);
    expect(`${prompt?.system}${prompt?.user}`).not.toContain('Ahoy');
    expect(JSON.stringify(drafted)).not.toContain('Reset the button');
  });

  it('sends placeholders where personal data is masked', async () => {
    makePool(true);
    const messages = [makeMessage({ html: '<p>Write to ann@example.com</p>' })];
    helpdesk.script.conversation = async () => makeConversation('1', { messages });
    await ingest();
    await run();
    expect(asked[0]?.user).toContain('Write to');
    expect(asked[0]?.user).not.toContain('ann@example.com');
  });

  it('does not ask where enough was found', async () => {
    knowledge.found = makeFound({ articles: [makeArticle({ share: 0.6 })] });
    await ingest();
    await run();
    expect(stages()).toEqual(['draft 1 ok', 'post 1 ok']);
    expect(finder.calls.complete).toBe(0);
  });

  it.each(['auth', 'quota_exhausted', 'rate_limited', 'server_error', 'timeout', 'connection'] as const)(
    'drafts without when the model fails with %s, and is not paused for it',
    async (errorClass) => {
      answer('', errorClass);
      await ingest();
      await run();
      expect(stages()).toEqual(['query 1 dead', 'draft 1 ok', 'post 1 ok']);
      expect(ticket()?.attempts[0]).toMatchObject({ errorClass, error: expect.stringContaining('failed') });
      expect(gate.pauses()).toEqual([]);
      expect([ticket()?.status, finder.calls.complete]).toEqual(['posted', 1]);
    },
  );

  it.each(['{}', '{"words":7}', '{"words":'])('drafts without when it answers %s', async (said) => {
    answer(said);
    await ingest();
    await run();
    expect(stages()?.slice(0, 2)).toEqual(['query 1 dead', 'draft 1 ok']);
  });

  it('pays nothing again after a restart, when the draft has failed before it', async () => {
    writer.script.complete = async () => {
      throw new LanguageModelError('timeout', 'It failed.');
    };
    await ingest();
    await run();
    expect(stages()).toEqual(['query 1 ok', 'draft 1 retry']);
    await pool.stop(0);
    gate.dispose();
    // what was in memory is gone
    writer.script.complete = async () => makeCompletion();
    outbox = openOutbox(connection, { clock, newId: uuidv7(clock), owner: 'me too', maxPending: 1000 });
    makePool();
    await run(60_000);
    expect(stages()?.filter((stage) => stage.startsWith('query'))).toHaveLength(1);
    expect([finder.calls.complete, ticket()?.status]).toEqual([1, 'posted']);
    expect(knowledge.asked.at(-1)?.alsoText).toBe('Reset the button');
  });

  it('asks anew when the customer has written meanwhile, about the conversation as it is then', async () => {
    let release = (): void => undefined;
    const waiting = new Promise<void>((resolve) => (release = resolve));
    finder.script.complete = async (prompt) => {
      asked.push(prompt);
      if (asked.length === 1) await waiting;
      return makeCompletion({ text: JSON.stringify({ words: `words ${asked.length}` }) });
    };
    await ingest('1', '10');
    await run();
    const messages = [makeMessage({ id: '10', html: 'first' }), makeMessage({ id: '11', html: 'and another thing' })];
    helpdesk.script.conversation = async () => makeConversation('1', { messages });
    await ingest('1', '11');
    release();
    await pass();
    expect(asked).toHaveLength(2);
    expect(asked[1]?.user).toContain('and another thing');
    expect(JSON.stringify(drafted)).toContain('and another thing');
    expect(knowledge.asked.at(-1)?.alsoText).toBe('words 2');
    expect([writer.calls.complete, helpdesk.notes.length]).toEqual([1, 1]);
  });

  it('leaves nothing of the words when the texts of the ticket are removed', async () => {
    await ingest();
    await run();
    const words = connection.prepare<[], string | null>('SELECT query FROM job').pluck();
    expect(words.get()).toBe('Reset the button');
    await outbox.eraseRequester('zendesk', '7');
    expect(words.get()).toBeNull();
  });
});
