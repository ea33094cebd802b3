import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createCircuit } from '../../src/core/circuit.ts';
import { seededRandom, uuidv7 } from '../../src/core/clock.ts';
import { UpstreamError } from '../../src/core/errors.ts';
import { LanguageModelError } from '../../src/core/language-model.ts';
import { type Outbox, OutboxUnavailable, type Stage } from '../../src/core/outbox.ts';
import { createModelRoutes } from '../../src/core/model-routes.ts';
import type { RuleSet } from '../../src/core/rules.ts';
import type { TicketDetail } from '../../src/core/ticket.ts';
import type { TicketReader } from '../../src/core/ticket-reader.ts';
import { createGate, type Gate } from '../../src/pool/gate.ts';
import { createPool, type Pool } from '../../src/pool/pool.ts';
import { createSpendGuard } from '../../src/core/spend-guard.ts';
import { type Connection, openDatabase } from '../../src/sqlite/database.ts';
import { openOutbox } from '../../src/sqlite/outbox.ts';
import { openTicketReader } from '../../src/sqlite/ticket-reader.ts';
import {
  makeBatch,
  makeDrafted,
  makeEvent,
  TRACEPARENT,
  makeOpenBudget,
  makeRules,
  makeTeam,
} from '../support/factories.ts';
import { type FakeClock, fakeClock } from '../support/fake-clock.ts';
import { migrationsFolder } from '../support/paths.ts';
import { type FakeKnowledge, fakeKnowledge, makeArticle, makeFound } from '../support/fake-knowledge.ts';
import { recordingObserver, type RecordingObserver } from '../support/recording-observer.ts';
import { makeConversation, makeMessage, stubHelpdesk, type StubHelpdesk } from '../support/stub-helpdesk.ts';
import { makeCompletion, stubLanguageModel, type StubLanguageModel } from '../support/stub-language-model.ts';

// virtual hours and real processes take their time on a busy machine
vi.setConfig({ testTimeout: 60_000 });

const CONCURRENCY = 4;
const MAX_ATTEMPTS = 3;

const openBudget = makeOpenBudget(12);

describe('the pool', () => {
  let folder: string;
  let connection: Connection;
  let clock: FakeClock;
  let outbox: Outbox;
  let reader: TicketReader;
  let helpdesk: StubHelpdesk;
  let other: StubHelpdesk;
  let llm: StubLanguageModel;
  let observer: RecordingObserver;
  let gate: Gate;
  let pool: Pool;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'draftdesk-'));
    clock = fakeClock();
    connection = openDatabase({ path: join(folder, 'test.db'), migrationsFolder });
    outbox = openOutbox(connection, { clock, newId: uuidv7(clock), owner: 'me', maxPending: 1000 });
    reader = openTicketReader(connection, clock);
    helpdesk = stubHelpdesk('zendesk');
    other = stubHelpdesk('freshdesk');
    llm = stubLanguageModel();
    observer = recordingObserver();
    makePool({});
  });
  afterEach(async () => {
    const stopped = pool.stop(0);
    await clock.advance(10);
    await stopped;
    gate.dispose();
    connection.close();
    rmSync(folder, { recursive: true, force: true });
  });

  function makePool(options: {
    outbox?: Outbox;
    postFindings?: boolean;
    pollMs?: number;
    knowledge?: FakeKnowledge;
    rules?: () => RuleSet;
  }): void {
    const helpdesks = new Map([helpdesk, other].map((each) => [each.name, each]));
    const probe = (scope: string) =>
      scope === 'llm' ? llm.probe(new AbortController().signal) : helpdesk.probe(new AbortController().signal);
    const used = options.outbox ?? outbox;
    gate = createGate({ outbox: used, clock, observer, probe, onOpen: () => pool.wake() });
    pool = createPool({
      outbox: used,
      gate,
      helpdesks,
      routes: createModelRoutes([{ model: llm, budget: openBudget }], clock),
      spending: createSpendGuard({ dailyBudgetUsd: null, accounts: reader, clock }),
      clock,
      observer,
      random: seededRandom(1),
      team: makeTeam(),
      knowledge: options.knowledge,
      ...(options.rules === undefined ? {} : { rules: options.rules }),
      postFindings: options.postFindings ?? true,
      retry: { maxAttempts: MAX_ATTEMPTS, baseMs: 1000, maxMs: 60_000 },
      circuit: createCircuit(clock, { maxAttempts: MAX_ATTEMPTS }),
      concurrency: CONCURRENCY,
      ...(options.pollMs === undefined ? {} : { pollMs: options.pollMs, beatMs: options.pollMs }),
    });
  }

  const ingest = (ticketId: string, name = 'zendesk', key = `event of ${ticketId}`) =>
    outbox.ingest({ helpdesk: name, event: makeEvent(ticketId, { key }), traceparent: TRACEPARENT });
  const run = async (ms = 100): Promise<void> => {
    pool.start();
    await pass(ms);
  };
  /** In small steps: between them the real event loop commits what was written. */
  const pass = async (ms: number): Promise<void> => {
    for (let step = 0; step < 10; step += 1) await clock.advance(ms / 10);
  };
  const ticket = (id: string, name = 'zendesk'): TicketDetail => {
    const found = reader.ticket(name, id);
    if (found === null) throw new Error(`no ticket ${id}`);
    return found;
  };
  /** Others get through meanwhile: what fails now is the ticket, not the upstream. */
  const amongOthers = async (ms: number, others: readonly string[]): Promise<void> => {
    for (const id of others) {
      await ingest(id);
      await pass(ms / others.length);
    }
  };
  const of1 = (prompt: unknown): boolean => /Subject of 1\b/.test(JSON.stringify(prompt));
  const manyIds = Array.from({ length: 20 }, (_, index) => `2${index}`);
  const fail = (errorClass: ConstructorParameters<typeof LanguageModelError>[0]) =>
    new LanguageModelError(errorClass, `It was ${errorClass}.`);

  it('drafts with what the team has written, and hands the agent a finding where that comes to nothing', async () => {
    const knowledge = fakeKnowledge();
    makePool({ knowledge });
    llm.script.complete = async ({ user }) => {
      expect(user).toContain('<passage id="A1"');
      const claims = [{ claim: 'Hold it', source: 'A1', quote: 'Hold the button for five seconds' }];
      const answer = { reply: 'Hold it.', language: 'en', confidence: 0.9, questions: [], missing: ['The model'] };
      return makeCompletion({ text: JSON.stringify({ ...answer, claims, no_draft_reason: null }) });
    };
    await ingest('1');
    await run();
    expect(ticket('1').draft).toMatchObject({ body: 'Hold it.', sources: [{ id: 'zendesk/360001' }] });
    expect(JSON.stringify(helpdesk.notes[0]?.note)).toContain('Hold the button for five seconds');
    knowledge.found = makeFound({ articles: [makeArticle({ share: 0.1, passage: 'About something else.' })] });
    await ingest('2');
    await pass(200);
    expect(ticket('2').draft).toMatchObject({
      body: null,
      missing: ['The model'],
      closest: [{ id: 'zendesk/360001' }],
    });
    expect(ticket('2').status).toBe('posted');
  });

  describe('with rules', () => {
    const named = (category: string) =>
      makeCompletion({
        text: JSON.stringify({
          category,
          reply: 'We have corrected it.',
          language: 'en',
          confidence: 0.9,
          questions: [],
          no_draft_reason: null,
        }),
      });
    const ruled = () => observer.events.filter(({ name }) => name === 'ruled');

    it('asks nobody about what is off, and says which rule has it', async () => {
      makePool({ rules: () => makeRules([{ name: 'chat-off', when: { channel: ['chat'] }, action: 'off' }]) });
      const traits = { brand: null, group: null, channel: 'chat', tags: [], priority: null };
      helpdesk.script.conversation = async (id) => makeConversation(id, id === '1' ? { traits } : {});
      await ingest('1');
      await ingest('2');
      await run();
      expect(ticket('1')).toMatchObject({ status: 'skipped', reason: 'rule', rule: 'chat-off', draft: null });
      expect(ticket('1').subject).toBe('Subject of 1');
      expect(ticket('2').status).toBe('posted');
      expect(ticket('2').draft?.versions).toMatchObject({ rules: '0123456789ab', rule: null });
      expect(llm.calls.complete).toBe(1);
      expect(ruled()).toEqual([
        expect.objectContaining({ rule: 'chat-off', action: 'off', skip: 'rule', category: null }),
        expect.objectContaining({ rule: null, action: 'draft', skip: null }),
      ]);
    });

    it('posts a finding without the reply that the model wrote all the same, whatever POST_FINDINGS says', async () => {
      makePool({ rules: () => makeRules([{ name: 'look', action: 'finding' }]), postFindings: false });
      llm.script.complete = async ({ system }) => {
        expect(system).toContain('No reply is wanted');
        return makeCompletion();
      };
      await ingest('1');
      await run();
      expect(ticket('1')).toMatchObject({ status: 'posted', draft: { body: null, versions: { rule: 'look' } } });
      expect(JSON.stringify(helpdesk.notes)).not.toContain('We have corrected it');
    });

    it('holds a draft until it is released', async () => {
      makePool({ rules: () => makeRules([{ name: 'look first', action: 'hold' }]) });
      await ingest('1');
      await run();
      expect(ticket('1').status).toBe('drafted');
      expect(helpdesk.notes).toHaveLength(0);
      await outbox.releaseTicket('zendesk', '1');
      await pass(200);
      expect(ticket('1').status).toBe('posted');
    });

    it('counts the control group and the others, and gives them nothing', async () => {
      const rules = [{ name: 'trial', when: { language: ['en'] }, control: 100 }, { percent: 0 }];
      makePool({ rules: () => makeRules(rules) });
      helpdesk.script.conversation = async (id) => makeConversation(id, { locale: id === '1' ? 'en' : 'fr' });
      await ingest('1');
      await ingest('2');
      await run();
      expect(ticket('1')).toMatchObject({ status: 'skipped', reason: 'control_group' });
      expect(ticket('2')).toMatchObject({ status: 'skipped', reason: 'not_in_share' });
      expect(llm.calls.complete).toBe(0);
    });

    it('goes by the category that the model names: a draft for one that is off is kept and never posted', async () => {
      const rules = makeRules(
        [
          { name: 'spam-off', when: { category: ['spam'] }, action: 'off' },
          { name: 'refunds', when: { category: ['refund'] }, action: 'hold' },
        ],
        ['spam', 'refund'],
      );
      makePool({ rules: () => rules });
      const categories: Readonly<Record<string, string>> = { '1': 'spam', '2': 'refund', '3': 'none', '4': 'made up' };
      llm.script.complete = async ({ user, schema }) => {
        expect(JSON.stringify(schema)).toContain('["spam","refund","none"]');
        return named(categories[/Subject of (\d)/.exec(user)?.[1] ?? ''] ?? '');
      };
      for (const id of Object.keys(categories)) await ingest(id);
      await run(2_000);
      expect(ticket('1')).toMatchObject({ status: 'skipped', reason: 'rule' });
      expect(ticket('1').draft).toMatchObject({
        body: 'We have corrected it.',
        versions: { rule: 'spam-off', category: 'spam' },
      });
      expect(ticket('2')).toMatchObject({ status: 'drafted', draft: { versions: { rule: 'refunds' } } });
      for (const id of ['3', '4'])
        expect(ticket(id)).toMatchObject({ status: 'posted', draft: { versions: { rule: null, category: null } } });
      await outbox.retryTicket('zendesk', '1');
      await pass(2_000);
      expect(ticket('1')).toMatchObject({ status: 'skipped', reason: 'rule' });
      expect(helpdesk.notes).toHaveLength(2);
    });

    it('ends a try with the rules that it began with', async () => {
      let rules = makeRules([{ name: 'old', action: 'draft' }]);
      makePool({ rules: () => rules });
      llm.script.complete = async () => {
        rules = { ...makeRules([{ name: 'new', action: 'off' }]), version: 'newer' };
        return makeCompletion();
      };
      await ingest('1');
      await run();
      expect(ticket('1')).toMatchObject({
        status: 'posted',
        draft: { versions: { rule: 'old', rules: '0123456789ab' } },
      });
      await ingest('2');
      await pass(200);
      expect(ticket('2')).toMatchObject({ status: 'skipped', reason: 'rule' });
    });
  });

  it('turns a queued ticket into one private note with its marker', async () => {
    await ingest('1');
    await run();
    expect(ticket('1').status).toBe('posted');
    expect(helpdesk.notes).toHaveLength(1);
    expect(helpdesk.notes[0]?.note.marker).toMatch(/^dd-[0-9a-f]{12}$/);
    expect(ticket('1').noteId).toBe(helpdesk.notes[0]?.noteId);
    expect(ticket('1').draft?.body).toBe('We have corrected it.');
    const waits = ticket('1').attempts.map(({ stage, waitedMs }) => [stage, waitedMs]);
    expect(waits).toEqual([
      ['draft', 12],
      ['post', null],
    ]);
  });

  it('looks for a note whose text was erased while it was written, and writes no empty one', async () => {
    const landed = { '1': true, '2': false };
    for (const id of Object.keys(landed)) {
      await ingest(id);
      const facts = { subject: 'canary', requesterId: '7' };
      const timing = { startedAt: 0, durationMs: 1, spent: null };
      const claim = async (stage: Stage) => {
        const [job] = await outbox.claim([{ stage, helpdesk: 'zendesk', limit: 1, batches: true }], 1);
        if (job === undefined) throw new Error(`nothing to claim for ${stage}`);
        return job;
      };
      await outbox.report(await claim('draft'), makeDrafted({ facts }), timing);
      const posting = await claim('post');
      await outbox.intendPost(posting, clock.steady());
      const doubt = {
        postInDoubt: true,
        delayMs: 1000,
        countsAsAttempt: false,
        errorClass: 'timeout',
        error: 'x',
      } as const;
      await outbox.report(posting, { kind: 'retry', ...doubt }, timing);
    }
    await outbox.eraseRequester('zendesk', '7');
    helpdesk.script.look = async ({ ticketId }) =>
      ticketId === '1' ? { kind: 'posted', noteId: 'landed' } : { kind: 'clear', fence: 'f' };
    await run(120_000);
    expect(helpdesk.notes).toEqual([]);
    expect(ticket('1')).toMatchObject({ status: 'posted', noteId: 'landed' });
    expect(ticket('2')).toMatchObject({ status: 'skipped', reason: 'erased' });
  });

  it('never has more tickets in flight than its concurrency', async () => {
    llm.script.complete = async () => {
      await clock.sleep(50);
      return makeCompletion();
    };
    await Promise.all(Array.from({ length: 20 }, (_, index) => ingest(String(index + 1))));
    await run(2000);
    expect(reader.counts().posted).toBe(20);
    expect(llm.calls.mostInFlight).toBe(CONCURRENCY);
  });

  it('tries again after a server error, and is dead after the last attempt, with class and sentence', async () => {
    llm.script.complete = (prompt) => (of1(prompt) ? Promise.reject(fail('server_error')) : undefined);
    await ingest('1');
    pool.start();
    await amongOthers(60_000, manyIds);
    expect(reader.counts()).toMatchObject({ posted: manyIds.length, dead: 1 });
    expect(llm.calls.complete).toBe(MAX_ATTEMPTS + manyIds.length);
    expect(ticket('1')).toMatchObject({ status: 'dead', errorClass: 'server_error', error: 'It was server_error.' });
    expect(ticket('1').attempts.map((attempt) => attempt.outcome)).toEqual(['retry', 'retry', 'dead']);
  });

  it('does not retry what no retry can mend', async () => {
    llm.script.complete = () => Promise.reject(fail('context_length'));
    await ingest('1');
    await run(60_000);
    expect(llm.calls.complete).toBe(1);
    expect(ticket('1')).toMatchObject({ status: 'dead', subject: 'Subject of 1' });
  });

  it('uses up no attempt while it is told to wait', async () => {
    let refusals = MAX_ATTEMPTS * 3;
    llm.script.complete = () => (refusals-- > 0 ? Promise.reject(fail('rate_limited')) : undefined);
    await ingest('1');
    await run(90_000);
    expect(ticket('1').status).toBe('posted');
  });

  it('waits as long as the server asks', async () => {
    let first = true;
    llm.script.complete = () => {
      if (!first) return undefined;
      first = false;
      return Promise.reject(new LanguageModelError('rate_limited', 'slow', { retryAfterMs: 30_000 }));
    };
    await ingest('1');
    await run(29_000);
    expect(llm.calls.complete).toBe(1);
    await pass(3000);
    expect(llm.calls.complete).toBe(2);
  });

  it('never buys a draft again because posting failed', async () => {
    let failures = 2;
    helpdesk.script.post = () =>
      failures-- > 0
        ? Promise.reject(new UpstreamError('server_error', 'The helpdesk answered 503.', { upstream: 'zendesk' }))
        : undefined;
    await ingest('1');
    await run(60_000);
    expect(ticket('1').status).toBe('posted');
    expect(llm.calls.complete).toBe(1);
  });

  it('finds its note after a lost answer instead of writing it twice', async () => {
    helpdesk.script.post = (request) => {
      if (helpdesk.notes.length > 0) return undefined;
      helpdesk.land(request);
      return Promise.reject(new UpstreamError('ambiguous_post', 'The answer was lost.', { upstream: 'zendesk' }));
    };
    await ingest('1');
    await run(60_000);
    expect(helpdesk.notes).toHaveLength(1);
    expect(ticket('1')).toMatchObject({ status: 'posted', noteId: 'note-1' });
  });

  it('says that the note may be there when looking for it fails to the end', async () => {
    helpdesk.script.post = (request) => {
      if (request.ticketId !== '1') return undefined;
      helpdesk.land(request);
      return Promise.reject(new UpstreamError('ambiguous_post', 'The answer was lost.', { upstream: 'zendesk' }));
    };
    helpdesk.script.look = ({ ticketId }) =>
      ticketId !== '1' || !helpdesk.notes.some((note) => note.ticketId === '1')
        ? undefined
        : Promise.reject(new UpstreamError('connection', 'No connection.', { upstream: 'zendesk' }));
    await ingest('1');
    pool.start();
    await amongOthers(60_000, manyIds);
    expect(ticket('1')).toMatchObject({ status: 'dead', errorClass: 'ambiguous_post' });
    delete helpdesk.script.look;
    await outbox.retryTicket('zendesk', '1');
    await pass(5000);
    expect(ticket('1')).toMatchObject({ status: 'posted' });
    expect(helpdesk.notes.filter((note) => note.ticketId === '1')).toMatchObject([{ noteId: ticket('1').noteId }]);
  });

  it('looks again only when an earlier write must have landed', async () => {
    let first = true;
    helpdesk.script.post = () => {
      if (!first) return undefined;
      first = false;
      return Promise.reject(new UpstreamError('ambiguous_post', 'No answer.', { upstream: 'zendesk' }));
    };
    await ingest('1');
    await run(900);
    expect(helpdesk.calls.look).toBe(1);
    await pass(2000);
    // and once after the second write
    expect(helpdesk.calls.look).toBe(3);
  });

  it.each([
    ['answered', 'answered'],
    ['closed', 'closed'],
  ] as const)('skips a ticket that is %s before the note is posted', async (_, reason) => {
    helpdesk.script.look = async () => (reason === 'answered' ? { kind: 'answered' } : { kind: 'unavailable', reason });
    await ingest('1');
    await run();
    expect(ticket('1')).toMatchObject({ status: 'skipped', reason });
    expect(helpdesk.notes).toHaveLength(0);
  });

  it('asks no model for a ticket that wants no draft', async () => {
    const cases: [string, Parameters<typeof makeConversation>[1], string][] = [
      ['1', { unavailable: 'merged' }, 'merged'],
      ['2', { messages: [] }, 'no_customer_message'],
      ['3', { messages: [makeMessage(), makeMessage({ id: '101', author: 'agent' })] }, 'answered'],
    ];
    helpdesk.script.conversation = async (id) => makeConversation(id, cases.find(([each]) => each === id)?.[1]);
    await Promise.all(cases.map(([id]) => ingest(id)));
    await run();
    expect(cases.map(([id]) => ticket(id).reason)).toEqual(cases.map(([, , reason]) => reason));
    expect(llm.calls.complete).toBe(0);
  });

  it('drafts again when the customer wrote before the note was posted', async () => {
    let looks = 0;
    helpdesk.script.look = () => (++looks === 1 ? Promise.resolve({ kind: 'outdated' }) : undefined) as never;
    await ingest('1');
    await run();
    expect(llm.calls.complete).toBe(2);
    expect(helpdesk.notes).toHaveLength(1);
    expect(ticket('1').draft?.version).toBe(2);
  });

  it('does nothing for an event that repeats an answered one', async () => {
    await ingest('1');
    await run();
    await ingest('1', 'zendesk', 'another event of the same action');
    await pass(1000);
    expect(ticket('1').status).toBe('posted');
    expect(llm.calls.complete).toBe(1);
    expect(helpdesk.notes).toHaveLength(1);
  });

  it('buys no held draft again for an event that names no message, unless the customer has written', async () => {
    await outbox.createBatch(makeBatch(['1', '2', '3'], { post: 'hold' }));
    helpdesk.script.conversation = async (id) => {
      const reply = makeMessage({ id: '101', author: id === '2' ? 'customer' : 'agent' });
      const looks = (looked[id] ?? 0) + 1;
      looked[id] = looks;
      return makeConversation(id, { messages: id !== '1' && looks > 1 ? [makeMessage(), reply] : [makeMessage()] });
    };
    const looked: Record<string, number> = {};
    llm.script.complete = async (prompt) => {
      const [, id = ''] = /Subject of (\d+)/.exec(JSON.stringify(prompt)) ?? [];
      const event = makeEvent(id, { key: `rule of ${id}`, messageId: null });
      await outbox.ingest({ helpdesk: 'zendesk', event, traceparent: TRACEPARENT });
      return makeCompletion();
    };
    await run(5_000);
    expect(['1', '2', '3'].map((id) => ticket(id).status)).toEqual(['drafted', 'drafted', 'skipped']);
    expect(['1', '2', '3'].map((id) => ticket(id).draft?.version)).toEqual([1, 2, 1]);
    expect(llm.calls.complete).toBe(4);
    expect(helpdesk.notes).toEqual([]);
  });

  it('says in a later note which earlier one it replaces', async () => {
    await ingest('1');
    await run();
    helpdesk.script.conversation = async (id) =>
      makeConversation(id, { messages: [makeMessage(), makeMessage({ id: '150' })] });
    await ingest('1', 'zendesk', 'reply');
    await pass(1000);
    expect(helpdesk.notes).toHaveLength(2);
    expect(JSON.stringify(helpdesk.notes[1]?.note.blocks)).toContain(helpdesk.notes[0]?.note.marker);
  });

  it('posts a short finding where there is no draft, or skips if told so', async () => {
    llm.script.complete = async () =>
      makeCompletion({
        text: JSON.stringify({
          reply: null,
          language: 'en',
          confidence: 0,
          questions: [],
          no_draft_reason: 'The message is empty.',
        }),
      });
    await ingest('1');
    await run();
    expect(ticket('1').status).toBe('posted');
    expect(JSON.stringify(helpdesk.notes[0]?.note.blocks)).toContain('The message is empty.');
    await pool.stop(0);
    makePool({ postFindings: false });
    await ingest('2');
    await run();
    expect(ticket('2')).toMatchObject({ status: 'skipped', reason: 'no_draft' });
  });

  it('stops at a bad key instead of killing tickets one by one, and goes on by itself', async () => {
    llm.script.complete = () => Promise.reject(fail('auth'));
    llm.script.probe = () => Promise.reject(fail('auth'));
    await Promise.all(Array.from({ length: 50 }, (_, index) => ingest(String(index + 1))));
    await run(60_000);
    expect(llm.calls.complete).toBeLessThanOrEqual(CONCURRENCY);
    expect(reader.counts()).toMatchObject({ dead: 0 });
    expect(outbox.pauses()).toMatchObject([{ scope: 'llm', errorClass: 'auth', reason: 'It was auth.' }]);
    delete llm.script.complete;
    delete llm.script.probe;
    await pass(70_000);
    expect(reader.counts().posted).toBe(50);
    expect(outbox.pauses()).toEqual([]);
  });

  it('risks one ticket at a time while the quota is still exhausted', async () => {
    llm.script.complete = () => Promise.reject(fail('quota_exhausted'));
    await Promise.all(Array.from({ length: 50 }, (_, index) => ingest(String(index + 1))));
    await run(1000);
    const atFirst = llm.calls.complete;
    await pass(10_000);
    expect(llm.calls.complete - atFirst).toBe(1);
    expect(reader.counts().dead).toBe(0);
  });

  it('takes a ticket that asked no model for no proof that the quota is back', async () => {
    llm.script.complete = () => Promise.reject(fail('quota_exhausted'));
    await Promise.all(Array.from({ length: 20 }, (_, index) => ingest(String(index + 1))));
    await run(1000);
    const atFirst = llm.calls.complete;
    helpdesk.script.conversation = async (id) => makeConversation(id, { unavailable: 'closed' });
    await pass(8000);
    expect(reader.counts().skipped).toBeGreaterThan(0);
    delete helpdesk.script.conversation;
    await pass(1000);
    expect(llm.calls.complete - atFirst).toBeLessThanOrEqual(1);
    expect(outbox.pauses()).toHaveLength(1);
  });

  it('goes on with the other helpdesk while one refuses its credentials', async () => {
    helpdesk.script.conversation = () =>
      Promise.reject(new UpstreamError('auth', 'Zendesk refused the token.', { upstream: 'zendesk' }));
    helpdesk.script.probe = () => Promise.reject(new UpstreamError('auth', 'no', { upstream: 'zendesk' }));
    await Promise.all(['1', '2', '3', '4', '5'].flatMap((id) => [ingest(id), ingest(id, 'freshdesk')]));
    await run(5000);
    expect(other.notes).toHaveLength(5);
    expect(helpdesk.calls.conversation).toBeLessThanOrEqual(CONCURRENCY);
    expect(reader.counts().dead).toBe(0);
  });

  it('an outage of two hours kills no ticket, burns few tries, leaves the other helpdesk alone, and is said', async () => {
    makePool({ pollMs: 5_000 });
    const down = () => Promise.reject(new UpstreamError('timeout', 'It is down.', { upstream: 'zendesk' }));
    helpdesk.script.conversation = down;
    helpdesk.script.look = down;
    helpdesk.script.probe = down;
    await Promise.all(manyIds.flatMap((id) => [ingest(id), ingest(id, 'freshdesk')]));
    pool.start();
    for (let minute = 0; minute < 120; minute += 1) await pass(60_000);
    expect(other.notes).toHaveLength(manyIds.length);
    expect(reader.counts()).toMatchObject({ dead: 0, posted: manyIds.length });
    expect(helpdesk.calls.conversation).toBeLessThan(2 * manyIds.length);
    const [pause, ...more] = outbox.pauses();
    expect(more).toEqual([]);
    expect(pause).toMatchObject({ scope: 'zendesk', errorClass: 'timeout' });
    expect(pause?.reason).toMatch(/^It is down\. \d+ tries in a row have failed/);
    for (const method of ['conversation', 'look', 'probe'] as const) delete helpdesk.script[method];
    for (let minute = 0; minute < 5; minute += 1) await pass(60_000);
    expect(reader.counts()).toMatchObject({ dead: 0, posted: 2 * manyIds.length });
    expect(outbox.pauses()).toEqual([]);
  });

  it('an outage that starts when a ticket has one try left does not kill it either', async () => {
    makePool({ pollMs: 5_000 });
    llm.script.complete = () => Promise.reject(fail('overloaded'));
    for (const id of ['1', '2', '3']) await ingest(id);
    pool.start();
    for (let minute = 0; minute < 120; minute += 1) await pass(60_000);
    // the probe is fine all the time: one ticket at a time is risked, and not counted
    expect(ticket('1').status).toBe('retrying');
    expect(outbox.pauses()).toMatchObject([{ scope: 'llm' }]);
    delete llm.script.complete;
    for (let minute = 0; minute < 5; minute += 1) await pass(60_000);
    expect(ticket('1').status).toBe('posted');
  });

  it('where reading works and writing does not, nothing dies, and drafts are made meanwhile', async () => {
    makePool({ pollMs: 5_000 });
    helpdesk.script.post = () =>
      Promise.reject(new UpstreamError('ambiguous_post', 'No answer.', { upstream: 'zendesk' }));
    pool.start();
    for (const id of manyIds) await ingest(id);
    for (let minute = 0; minute < 60; minute += 1) await pass(60_000);
    expect(reader.counts().dead).toBe(0);
    expect(llm.calls.complete).toBe(manyIds.length);
    delete helpdesk.script.post;
    for (let minute = 0; minute < 10; minute += 1) await pass(60_000);
    expect(reader.counts()).toMatchObject({ dead: 0, posted: manyIds.length });
  });

  const refuse = (): Promise<never> =>
    Promise.reject(new UpstreamError('forbidden', 'Not for you.', { upstream: 'zendesk', status: 403 }));

  it.each(['conversation', 'look', 'post'] as const)(
    'a helpdesk that forbids every ticket kills none, is said, and loses nothing (%s)',
    async (method) => {
      makePool({ pollMs: 5_000 });
      Object.assign(helpdesk.script, { [method]: refuse });
      pool.start();
      for (const id of manyIds) await ingest(id);
      for (let minute = 0; minute < 120; minute += 1) await pass(60_000);
      expect(reader.counts()).toMatchObject({ dead: 0, posted: 0, skipped: 0 });
      const [pause] = outbox.pauses();
      expect(pause).toMatchObject({ scope: 'zendesk', errorClass: 'forbidden' });
      expect(pause?.reason).toMatch(/^Not for you\. No ticket gets through/);
      // the first few, and one a minute to see whether it is over
      expect(helpdesk.calls[method]).toBeLessThan(150);
      delete helpdesk.script[method];
      for (let minute = 0; minute < 10; minute += 1) await pass(60_000);
      expect(reader.counts()).toMatchObject({ dead: 0, posted: manyIds.length });
      expect(outbox.pauses()).toEqual([]);
    },
  );

  it('two tickets alone are refused: what the credential may do at all decides', async () => {
    makePool({ pollMs: 5_000 });
    helpdesk.script.conversation = refuse;
    helpdesk.script.probe = refuse;
    await Promise.all([ingest('1'), ingest('2')]);
    pool.start();
    for (let minute = 0; minute < 10; minute += 1) await pass(60_000);
    expect(reader.counts().dead).toBe(0);
    expect(outbox.pauses()).toMatchObject([{ scope: 'zendesk', errorClass: 'forbidden' }]);
    delete helpdesk.script.conversation;
    delete helpdesk.script.probe;
    for (let minute = 0; minute < 3; minute += 1) await pass(60_000);
    expect(reader.counts()).toMatchObject({ posted: 2, dead: 0 });
  });

  it('tickets that alone are forbidden die of it, and hold up nobody for long', async () => {
    makePool({ pollMs: 5_000 });
    const closed = ['1', '2', '3', '4'];
    helpdesk.script.conversation = (id) => (closed.includes(id) ? refuse() : undefined);
    await ingest('1');
    pool.start();
    for (let minute = 0; minute < 3; minute += 1) await pass(60_000);
    // alone, with a credential that is good
    expect(ticket('1')).toMatchObject({ status: 'dead', errorClass: 'forbidden', error: 'Not for you.' });
    expect(outbox.pauses()).toEqual([]);
    for (const id of closed.slice(1)) await ingest(id);
    for (const id of manyIds) await ingest(id);
    for (let minute = 0; minute < 5; minute += 1) await pass(60_000);
    expect(reader.counts()).toMatchObject({ posted: manyIds.length, dead: closed.length });
    expect(outbox.pauses()).toEqual([]);
  });

  it('one ticket that alone fails, urgent as it is, dies of it and keeps nobody waiting', async () => {
    makePool({ pollMs: 5_000 });
    llm.script.complete = (prompt) => (of1(prompt) ? Promise.reject(fail('server_error')) : undefined);
    await outbox.ingest({
      helpdesk: 'zendesk',
      event: makeEvent('1', { key: 'of 1', priority: 'urgent' }),
      traceparent: TRACEPARENT,
    });
    pool.start();
    for (let minute = 0; minute < 10; minute += 1) await pass(60_000);
    expect(outbox.pauses()).toEqual([]);
    await Promise.all(manyIds.map((id) => ingest(id)));
    await pass(60_000);
    expect(reader.counts()).toMatchObject({ posted: manyIds.length, dead: 1 });
  });

  it('stops for good at a note that came back public, until an operator resumes', async () => {
    helpdesk.script.post = () =>
      Promise.reject(new UpstreamError('posted_public', 'A note came back public.', { upstream: 'zendesk' }));
    await Promise.all(Array.from({ length: 20 }, (_, index) => ingest(String(index + 1))));
    await run(90_000);
    expect(helpdesk.calls.post).toBeLessThanOrEqual(CONCURRENCY);
    expect(reader.counts().posted).toBe(0);
    delete helpdesk.script.post;
    await gate.resumeAll();
    await pass(1000);
    expect(reader.counts().posted + reader.counts().dead).toBe(20);
  });

  it('claims no note while the helpdesk has no room for one, and drafts meanwhile', async () => {
    helpdesk.script.room = () => 0;
    await Promise.all(Array.from({ length: 10 }, (_, index) => ingest(String(index + 1))));
    await run(1000);
    expect(llm.calls.complete).toBe(10);
    expect(helpdesk.calls.look).toBe(0);
    expect(pool.busy()).toBe(0);
    delete helpdesk.script.room;
    await pass(1000);
    expect(reader.counts().posted).toBe(10);
  });

  it('takes no work while paused, and lets running work finish', async () => {
    llm.script.complete = async () => {
      await clock.sleep(1000);
      return makeCompletion();
    };
    await ingest('1');
    await run(100);
    await gate.pauseAll();
    await ingest('2');
    await pass(5000);
    expect(ticket('1').draft).not.toBeNull();
    expect(ticket('2').status).toBe('queued');
    await gate.resumeAll();
    await pass(5000);
    expect(reader.counts().posted).toBe(2);
  });

  it('aborts the calls of a cancelled batch at once', async () => {
    let aborted = 0;
    llm.script.complete = (_, signal) =>
      new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => {
          aborted += 1;
          reject(fail('cancelled'));
        });
      });
    const { id } = await outbox.createBatch(makeBatch(['1', '2']));
    await run();
    const cancelled = await outbox.cancelBatch(id);
    pool.abort(cancelled?.running ?? []);
    await outbox.tendBatches();
    await pass(1);
    expect(aborted).toBe(2);
    expect(pool.busy()).toBe(0);
    expect(reader.batch(id)).toMatchObject({ state: 'cancelled', counts: { cancelled: 2 } });
  });

  it('begins no more tickets than it has workers while calls in flight hold the rest of a budget', async () => {
    const calls: (() => void)[] = [];
    llm.script.complete = (_, signal) =>
      new Promise((resolve, reject) => {
        calls.push(() => resolve(makeCompletion()));
        signal.addEventListener('abort', () => reject(fail('cancelled')));
      });
    const ids = Array.from({ length: 30 }, (_, index) => String(index + 1));
    // room for one call at its worst
    const { id } = await outbox.createBatch(makeBatch(ids, { budgetUsd: 0.015 }));
    await run(20_000);
    expect(llm.calls.complete).toBe(1);
    expect(helpdesk.calls.conversation).toBe(CONCURRENCY);
    expect(reader.batch(id)).toMatchObject({ state: 'running', counts: { drafting: CONCURRENCY, retrying: 0 } });
    calls[0]?.();
    await pass(100);
    expect(llm.calls.complete).toBe(2);
  });

  it('gives work back unharmed when it is stopped', async () => {
    llm.script.complete = (_, signal) =>
      new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => reject(fail('cancelled')));
      });
    await ingest('1');
    await run();
    const stopped = pool.stop(500);
    await pass(501);
    await stopped;
    expect(ticket('1').status).toBe('retrying');
    const [again] = await outbox.claim([{ stage: 'draft', helpdesk: 'zendesk', limit: 1, batches: true }], 1);
    expect(again).toMatchObject({ failures: 0 });
  });

  it('keeps a paid draft in memory while the disk refuses it', async () => {
    await pool.stop(0);
    let refusals = 3;
    const flaky: Outbox = {
      ...outbox,
      report: (...args) =>
        refusals-- > 0 ? Promise.reject(new OutboxUnavailable('disk full')) : outbox.report(...args),
    };
    makePool({ outbox: flaky });
    await ingest('1');
    await run(5000);
    expect(ticket('1').status).toBe('posted');
    expect(llm.calls.complete).toBe(1);
  });

  it('looks for work a few times a second when there is none, not all the time', async () => {
    await pool.stop(0);
    let claims = 0;
    makePool({
      outbox: {
        ...outbox,
        claim: (offers, limit) => {
          claims += 1;
          return outbox.claim(offers, limit);
        },
      },
    });
    await run(2000);
    expect(claims).toBeGreaterThan(4);
    expect(claims).toBeLessThan(16);
  });

  it('tells each event once', async () => {
    await ingest('1');
    await run();
    const names = observer.events.map((event) => event.name);
    expect(names).toEqual(['llmCall', 'attempt', 'attempt', 'ticketFinished']);
    expect(observer.events.at(-1)).toMatchObject({ status: 'posted', reason: null });
  });
});
