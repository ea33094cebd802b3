import { describe, expect, it } from 'vitest';
import type { CostedAttempt } from '../../src/core/ticket-story.ts';
import { fingerprint, readBatchForm } from '../../src/http/console/batch-form.ts';
import { canaryVerdict, etaWords } from '../../src/http/console/batch-words.ts';
import { changesOf } from '../../src/http/console/draft-changes.tsx';
import { filterWords } from '../../src/http/console/filter-words.ts';
import { idsIn } from '../../src/http/console/ticket-ids.ts';
import { timelineOf } from '../../src/http/console/timeline.ts';
import { makeDraft } from '../support/factories.ts';
import { makeBatchProgress, makeRound } from '../support/fakes.ts';

/* What pages say, before it is HTML. */

describe('ids that were pasted', () => {
  it.each([
    ['5158 5159\n5160', ['5158', '5159', '5160']],
    ['#5158, #5159;5160|5161', ['5158', '5159', '5160', '5161']],
    ['"5158","5159"', ['5158', '5159']],
    ['["5158", 5159]', ['5158', '5159']],
    ['https://acme.zendesk.com/agent/tickets/5158', ['5158']],
    ['', []],
  ])('%j', (text, ids) => {
    expect(idsIn(text)).toEqual({ ids, strange: [] });
  });

  it('names the first few words that are none, cut', () => {
    const { ids, strange } = idsIn(`id,5158,007,-1,1.5,${'x'.repeat(99)}`);
    expect(ids).toEqual(['5158']);
    expect(strange).toEqual(['id', '007', '-1']);
    expect(idsIn('x'.repeat(99)).strange).toEqual(['x'.repeat(30)]);
  });
});

describe('the form that starts a batch', () => {
  const read = (fields: Readonly<Record<string, string | File>>) => {
    const form = new FormData();
    const all = { helpdesk: 'zendesk', from: 'ids', post: 'auto', lane: 'standard', ...fields };
    for (const [name, value] of Object.entries(all)) form.set(name, value);
    return readBatchForm(form);
  };

  it('means the ids of the field and of the file', async () => {
    const { batch, values } = await read({ ids: '1 2', file: new File(['3\n4'], 'ids.txt') });
    expect(batch).toMatchObject({ ticketIds: ['1', '2', '3', '4'], source: null, skipDrafted: false, canary: null });
    // sent again, it means the same without the file
    expect(values.ids).toBe('1 2\n3\n4');
  });

  it('means a filter, with dates as midnight UTC', async () => {
    const { batch } = await read({
      from: 'filter',
      ids: 'left over',
      tags: 'billing, vip',
      createdSince: '2026-11-01',
    });
    expect(batch?.source?.filter).toEqual({ tags: ['billing', 'vip'], createdSince: Date.UTC(2026, 10, 1) });
    expect(batch?.ticketIds).toEqual([]);
  });

  it('has percent where the API has shares', async () => {
    const { batch } = await read({ ids: '1', canary: 'on', canarySize: '5', canaryPercent: '20', budgetUsd: '2.5' });
    expect(batch).toMatchObject({ canary: { size: 5, maxErrorRate: 0.2 }, budgetUsd: 2.5 });
  });

  it.each([
    [{ ids: '' }, 'ids'],
    [{ ids: '1 two' }, 'ids'],
    [{ from: 'filter' }, 'status'],
    [{ from: 'filter', createdSince: 'soon' }, 'createdSince'],
    [{ ids: '1', canary: 'on', canarySize: 'x', canaryPercent: '10' }, 'canarySize'],
    [{ ids: '1', canary: 'on', canarySize: '5', canaryPercent: '120' }, 'canaryPercent'],
    [{ ids: '1', budgetUsd: 'much' }, 'budgetUsd'],
    [{ ids: '1', lane: 'fast' }, 'lane'],
  ])('%j is wrong at %s', async (fields, field) => {
    const { batch, problems } = await read(fields);
    expect(batch).toBeNull();
    expect(problems.map((problem) => problem.field)).toEqual([field]);
  });

  it('is another batch for every change but that of its name', async () => {
    const of = async (fields: Readonly<Record<string, string>>): Promise<string> => {
      const { batch } = await read({ ids: '1 2', ...fields });
      return batch === null ? '' : fingerprint(batch);
    };
    const first = await of({});
    expect(await of({ name: 'The back-log' })).toBe(first);
    for (const other of [{ ids: '1' }, { post: 'hold' }, { skipDrafted: 'on' }, { budgetUsd: '1' }])
      expect(await of(other)).not.toBe(first);
  });
});

describe('the story of a round', () => {
  const attempt = (overrides: Partial<CostedAttempt>): CostedAttempt => ({
    stage: 'draft',
    number: 1,
    startedAt: 1_000,
    durationMs: 500,
    outcome: 'ok',
    errorClass: null,
    error: null,
    promptTokens: null,
    completionTokens: null,
    costUsd: null,
    waitedMs: null,
    ...overrides,
  });

  it('tells waits, tries, the stored draft and the end, in their order', () => {
    const failed = { outcome: 'retry', errorClass: 'timeout', error: 'No answer came in 60 s.' } as const;
    const round = makeRound({
      createdAt: 0,
      updatedAt: 9_000,
      noteId: '77',
      attempts: [
        attempt({ ...failed, promptTokens: 0, waitedMs: 20 }),
        attempt({
          number: 2,
          startedAt: 3_500,
          promptTokens: 1_500,
          completionTokens: 100,
          costUsd: 0.002,
          waitedMs: 240,
        }),
        attempt({ stage: 'post', startedAt: 4_010 }),
      ],
    });
    const draft = { ...makeDraft(), version: 1, conversationVersion: 'v1', seenMessageId: null };
    const told = timelineOf(round, [{ ...draft, roundId: round.id, createdAt: 4_000 }]);
    expect(told.map(({ at, title, waited }) => [at, title, waited])).toEqual([
      [0, 'Webhook received', null],
      [1_000, 'Draft, try 1: failed, to be tried again', { ms: 1_000, where: 'in the queue' }],
      [3_500, 'Draft, try 2: ok', { ms: 2_000, where: 'before the next try' }],
      [4_000, 'Draft stored, version 1', null],
      [4_010, 'Note, try 1: ok', null],
      [9_000, 'Ended: posted, note 77', null],
    ]);
    expect(told[1]).toMatchObject({
      errorClass: 'timeout',
      details: ['No answer came in 60 s.', 'LLM call: no tokens were counted'],
    });
    expect(told[2]?.details).toEqual([
      "Of that, 240 ms waiting for the LLM's rate limit",
      'LLM call: 1,500 tokens in, 100 out, $0.00200',
    ]);
  });

  it('begins with the batch that took it, and says where it is now and why', () => {
    const told = timelineOf(makeRound({ batchId: 'b1', status: 'skipped', reason: 'closed', noteId: null }), []);
    expect(told[0]).toMatchObject({ title: 'Taken into a batch', batchId: 'b1' });
    expect(told.at(-1)).toMatchObject({ title: 'Ended: skipped', details: ['Reason: closed'] });
    expect(timelineOf(makeRound({ status: 'retrying', noteId: null }), []).at(-1)?.title).toBe('Now: retrying');
  });
});

describe('what changed in a draft', () => {
  it('is told word by word', () => {
    expect(changesOf('Please restart the app.', 'Please restart the phone.')).toEqual([
      { kind: 'same', text: 'Please restart the ' },
      { kind: 'removed', text: 'app' },
      { kind: 'added', text: 'phone' },
      { kind: 'same', text: '.' },
    ]);
  });

  it('is all of it where hardly a word is the same, and nothing hidden comes out', () => {
    const many = (word: string): string => Array.from({ length: 2_000 }, (_, n) => `${word}${n}`).join(' ');
    expect(changesOf(many('a'), many('b')).map(({ kind }) => kind)).toEqual(['removed', 'added']);
    expect(changesOf('a\u202Eb', 'a\u200Bb')).toEqual([{ kind: 'same', text: 'ab' }]);
  });
});

describe('words about a batch', () => {
  it('say how its canary stands', () => {
    const canary = { size: 5, maxErrorRate: 0.2, target: 5 };
    const of = (overrides: object) => canaryVerdict(makeBatchProgress({ processed: 3, failed: 1, ...overrides }));
    expect(of({})).toBeNull();
    expect(of({ canary })).toBe('Judging: 3 of the first 5 through, 1 failed; at most 20 % may fail');
    expect(of({ canary, state: 'paused' })).toBe('Stopped: 3 of the first 5 through, 1 failed; at most 20 % may fail');
    expect(of({ canary, state: 'cancelled' })).toBe('Was at the first 5 when the batch ended');
    expect(of({ canary: { ...canary, target: null } })).toBe('Passed: all tickets may go (at most 20 % may fail)');
  });

  it('say how long it will take', () => {
    expect(etaWords({ state: 'completed', etaSeconds: 0 })).toBe('over');
    expect(etaWords({ state: 'paused', etaSeconds: null })).toBe('paused');
    expect(etaWords({ state: 'running', etaSeconds: null })).toBe('not known yet');
    expect(etaWords({ state: 'running', etaSeconds: 99 })).toBe('99 s');
    expect(etaWords({ state: 'running', etaSeconds: 4_000 })).toBe('1 h 6 min');
  });

  it('say which tickets a filter means', () => {
    const createdSince = Date.UTC(2026, 10, 1);
    const filter = {
      status: ['new', 'open'],
      tags: ['a', 'b'],
      group: '7',
      createdSince,
      updatedUntil: createdSince + 60_000,
    };
    expect(filterWords(filter)).toBe(
      'status new or open, tagged a and b, group 7, created since 2026-11-01, changed before 2026-11-01 00:01 UTC',
    );
  });
});
