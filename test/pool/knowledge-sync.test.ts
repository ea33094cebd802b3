import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../src/core/clock.ts';
import { UpstreamError } from '../../src/core/errors.ts';
import type { CannedReply, SolvedTicket } from '../../src/core/knowledge-base.ts';
import type { HelpdeskKnowledge, KnowledgePage, KnowledgeRead } from '../../src/core/knowledge-source.ts';
import type { SourceProgress } from '../../src/core/knowledge-sync.ts';
import { createKnowledgeSync } from '../../src/pool/knowledge-sync.ts';
import { type FakeKnowledge, fakeKnowledge } from '../support/fake-knowledge.ts';
import { fakeClock } from '../support/fake-clock.ts';
import { recordingObserver } from '../support/recording-observer.ts';
import { stubHelpdesk } from '../support/stub-helpdesk.ts';

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;

const macro = (id: string, body = 'Hello'): CannedReply => ({ id, title: id, body, updatedAt: null });
const page = <Item>(over: Partial<KnowledgePage<Item>>): KnowledgePage<Item> => ({
  begins: true,
  items: [],
  gone: [],
  nextCursor: '',
  done: true,
  complete: false,
  ...over,
});
const error = (
  errorClass: 'rate_limited' | 'forbidden' | 'auth' | 'server_error' | 'overloaded',
  retryAfterMs?: number,
) =>
  new UpstreamError(errorClass, `zendesk says ${errorClass}.`, {
    upstream: 'zendesk',
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  });

function setUp(
  knowledge: HelpdeskKnowledge,
  { everyMinutes = 0, joinSolved = false, known = [] as string[], base = fakeKnowledge(), clock = fakeClock() } = {},
) {
  const observer = recordingObserver();
  const state = { allowance: 1 };
  const sync = createKnowledgeSync({
    knowledge: base,
    helpdesks: new Map([['zendesk', { ...stubHelpdesk(), knowledge }]]),
    gate: { allowance: () => state.allowance },
    clock,
    random: seededRandom(1),
    observer,
    retry: { maxAttempts: 3, baseMs: 1000, maxMs: 60_000 },
    everyMinutes,
    joinSolved,
    isKnown: (_, ticketId) => known.includes(ticketId),
    retentionDays: 730,
  });
  const alarms = () => observer.events.filter(({ name }) => name === 'alarm');
  return { clock, base, observer, state, sync, alarms };
}

/** A source of pages by number, which remembers the cursors it was asked for. */
function book(pages: (KnowledgePage<CannedReply> | Error | ((read: KnowledgeRead) => Promise<never>))[]) {
  const asked: (string | null)[] = [];
  const source = async (read: KnowledgeRead): Promise<KnowledgePage<CannedReply>> => {
    asked.push(read.cursor);
    const next = pages.shift();
    if (next === undefined) throw new Error('no page left');
    if (next instanceof Error) throw next;
    return typeof next === 'function' ? next(read) : next;
  };
  return { source, asked };
}

/** The same promise, while time goes on. */
async function inTime<T>(clock: { advance(ms: number): Promise<void> }, work: Promise<T>, ms: number): Promise<T> {
  await clock.advance(ms);
  return work;
}

it('puts what a source lists, takes out what it does not, and stores the cursor after each page', async () => {
  const { source, asked } = book([
    page({ items: [macro('a'), macro('b')], nextCursor: '1', done: false }),
    page({ begins: false, items: [macro('c')], nextCursor: '2', complete: true }),
    page({ items: [macro('a', 'Hi')], nextCursor: '1', done: false }),
    page({ begins: false, items: [macro('c')], gone: ['x'], nextCursor: '2', complete: true }),
  ]);
  const { base, sync, clock } = setUp({ canned: source });
  const heard: SourceProgress[] = [];
  expect(await sync.sync((progress) => heard.push(progress))).toEqual([
    expect.objectContaining({ source: 'zendesk', kind: 'canned', state: 'synced', listed: 3, imported: 3, removed: 0 }),
  ]);
  expect(heard.map(({ listed, state }) => [listed, state])).toEqual([
    [2, 'reading'],
    [3, 'synced'],
  ]);
  expect(base.syncState('zendesk', 'canned')).toEqual({ cursor: '2', syncedAt: clock.now(), error: null });
  expect((await sync.sync())[0]).toMatchObject({ updated: 1, removed: 1, imported: 0 });
  expect(base.keys('zendesk', 'canned')).toEqual(['a', 'c']);
  expect(asked).toEqual([null, '1', '2', '1']);
});

it('goes on after a crash where the last page was stored, and takes nothing for gone that it has not seen listed', async () => {
  const base: FakeKnowledge = fakeKnowledge();
  await base.putCanned('zendesk', [macro('old'), macro('a')]);
  const before = book([page({ items: [macro('a')], nextCursor: '1', done: false }), page({ begins: false })]);
  base.beforeWrite = () => {
    // the second page is put, but its cursor is never stored
    if (before.asked.length === 2) throw new Error('killed');
  };
  const first = setUp({ canned: before.source }, { base });
  void first.sync.sync();
  await first.clock.advance(0);
  await first.sync.stop();
  base.beforeWrite = () => undefined;
  expect(base.syncState('zendesk', 'canned').cursor).toBe('1');

  const after = book([page({ begins: false, items: [macro('b')], nextCursor: '2', complete: true })]);
  await setUp({ canned: after.source }, { base }).sync.sync();
  expect(after.asked).toEqual(['1']);
  expect(base.keys('zendesk', 'canned')).toEqual(['a', 'b', 'old']);
});

it('takes nothing out when a source fails in the middle, or is empty all at once', async () => {
  const { source } = book([
    page({ items: [macro('a'), macro('b')], complete: true }),
    page({ items: [macro('a')], nextCursor: '1', done: false }),
    error('forbidden'),
    page({ items: [], complete: true }),
  ]);
  const { base, sync } = setUp({ canned: source });
  await sync.sync();
  expect((await sync.sync())[0]).toMatchObject({ state: 'failed', error: 'zendesk says forbidden.' });
  await sync.sync();
  expect(base.keys('zendesk', 'canned')).toEqual(['a', 'b']);
});

it('takes out what is gone before it puts what comes with it', async () => {
  const { source } = book([
    page({ items: [macro('a', 'old')] }),
    page({ items: [macro('a', 'new')], gone: ['a', 'b'] }),
  ]);
  const { base, sync } = setUp({ canned: source });
  await sync.sync();
  await sync.sync();
  expect([...base.items('zendesk', 'canned').values()]).toEqual([macro('a', 'new')]);
});

it('waits when it is asked to, and goes on from the same page', async () => {
  const { source, asked } = book([
    page({ items: [macro('a')], nextCursor: '1', done: false }),
    error('rate_limited', 30_000),
    error('overloaded', 30_000),
    page({ begins: false, items: [macro('b')], nextCursor: '2' }),
  ]);
  const { sync, clock, alarms } = setUp({ canned: source });
  const ended = sync.sync();
  await clock.advance(29_000);
  expect(asked).toEqual([null, '1']);
  expect(await inTime(clock, ended, 40_000)).toMatchObject([{ state: 'synced', listed: 2 }]);
  expect(asked).toEqual([null, '1', '1', '1']);
  expect(alarms()).toEqual([]);
});

it('says once what will not pass by itself, keeps it in the state, and reads the other sources', async () => {
  const solved: SolvedTicket = {
    id: 'zendesk/1',
    subject: 'S',
    description: 'D',
    reply: 'R',
    customer: null,
    solvedAt: null,
    articles: null,
  };
  let guide = error('forbidden') as Error | null;
  const { sync, base, alarms } = setUp({
    articles: async () => {
      if (guide !== null) throw guide;
      return page({});
    },
    solved: async () => page({ items: [solved] }),
  });
  await sync.sync();
  await sync.sync();
  expect(alarms()).toMatchObject([{ kind: 'knowledge_sync', detail: 'zendesk, articles: zendesk says forbidden.' }]);
  expect(base.syncState('zendesk', 'articles').error).toBe('zendesk says forbidden.');
  expect(base.keys('zendesk', 'solved')).toEqual(['zendesk/1']);
  guide = null;
  await sync.sync();
  expect(base.syncState('zendesk', 'articles').error).toBeNull();
  guide = error('auth');
  await sync.sync();
  expect(alarms()).toHaveLength(2);
});

it('gives up for this round after so many failures', async () => {
  const { source, asked } = book([error('server_error'), error('server_error'), error('server_error')]);
  const { sync, clock } = setUp({ canned: source });
  expect(await inTime(clock, sync.sync(), 5 * MINUTE)).toMatchObject([{ state: 'failed' }]);
  expect(asked).toHaveLength(3);
});

it('begins a list anew where a place in it stands in the way for good, but not the history', async () => {
  const stuck = async ({ cursor }: KnowledgeRead): Promise<KnowledgePage<never>> => {
    if (cursor === null) return page({ nextCursor: 'dead', done: false });
    throw error('forbidden');
  };
  const { sync, base } = setUp({ canned: stuck, solved: stuck });
  await sync.sync();
  expect(base.syncState('zendesk', 'canned')).toMatchObject({ cursor: null, error: 'zendesk says forbidden.' });
  expect(base.syncState('zendesk', 'solved').cursor).toBe('dead');
});

it('leaves a helpdesk alone that is paused', async () => {
  const { source, asked } = book([page({})]);
  const { sync, state } = setUp({ canned: source });
  state.allowance = 0;
  expect(await sync.sync()).toMatchObject([{ state: 'paused', error: null }]);
  expect(asked).toEqual([]);
});

it('reads at the start and then every so many minutes, one pass at a time; who asks meanwhile joins', async () => {
  const { source, asked } = book([
    page({ items: [macro('a')], nextCursor: '1' }),
    page({ nextCursor: '2' }),
    () => new Promise<never>(() => undefined),
  ]);
  const { sync, clock } = setUp({ canned: source }, { everyMinutes: 30 });
  sync.start();
  await clock.advance(0);
  expect(asked).toEqual([null]);
  await clock.advance(30 * MINUTE);
  expect(asked).toEqual([null, '1']);
  const byHand = sync.sync();
  void byHand;
  await clock.advance(60 * MINUTE);
  expect(asked).toEqual([null, '1', '2']);
});

it('stops at once in the middle of a call and of a wait', async () => {
  const hangs = ({ signal }: KnowledgeRead): Promise<never> =>
    new Promise((_, reject) => signal.addEventListener('abort', () => reject(error('rate_limited'))));
  const { sync, base, clock, alarms } = setUp({
    canned: hangs,
    solved: () => Promise.reject(error('overloaded', 60_000)),
  });
  const ended = sync.sync();
  await clock.advance(1000);
  await sync.stop();
  expect(await ended).toMatchObject([{ state: 'stopped' }, { state: 'stopped' }]);
  expect(base.syncState('zendesk', 'canned').error).toBeNull();
  expect(alarms()).toEqual([]);
  expect(clock.pending()).toBe(0);
});

it('forgets solved tickets that have grown too old, also when nothing is read by itself', async () => {
  const { sync, base, clock } = setUp({});
  const solvedAt = (id: string, days: number) => ({ id, solvedAt: clock.now() - days * DAY }) as SolvedTicket;
  await base.putSolved('import', [solvedAt('old', 731), solvedAt('new', 729)]);
  sync.start();
  await clock.advance(0);
  expect(base.keys('import', 'solved')).toEqual(['new']);
  await clock.advance(2 * DAY);
  expect(base.keys('import', 'solved')).toEqual([]);
  await sync.stop();
});

it('tells what a pass has brought, and nothing of one that brought nothing', async () => {
  const { source } = book([
    page({ items: [macro('a'), macro('b')], complete: true }),
    page({ items: [macro('a'), macro('b')], complete: true }),
    new UpstreamError('forbidden', 'No.', { upstream: 'zendesk' }),
  ]);
  const { sync, clock, observer } = setUp({ canned: source });
  for (let pass = 0; pass < 3; pass += 1) await inTime(clock, sync.sync(), 10);
  const read = observer.events.filter(({ name }) => name === 'knowledgeRead');
  expect(read).toHaveLength(1);
  const durationMs: unknown = expect.any(Number);
  expect(read[0]).toMatchObject({ source: 'zendesk', kind: 'canned', imported: 2, updated: 0, removed: 0, durationMs });
});

describe('tickets that are solved without a sync', () => {
  const lesson = (id: string): SolvedTicket => ({
    id: `zendesk/${id}`,
    subject: 'zip',
    description: 'stuck',
    reply: 'Wax.',
    customer: 'zendesk/7',
    solvedAt: null,
    articles: null,
  });
  const listing = (reads: KnowledgeRead[], ids: readonly string[]) => async (read: KnowledgeRead) => {
    reads.push(read);
    const items = ids.filter((id) => read.wanted?.(id) ?? true).map(lesson);
    return page({ items, nextCursor: `${reads.length}` });
  };

  it('join those that are known here, from a day ago on, every hour, and leave a later sync its whole history', async () => {
    const reads: KnowledgeRead[] = [];
    const set = { joinSolved: true, known: ['1', '3'] };
    const { base, sync, clock } = setUp({ solved: listing(reads, ['1', '2', '3']) }, set);
    sync.start();
    await clock.advance(10);
    expect(base.keys('zendesk', 'solved')).toEqual(['zendesk/1', 'zendesk/3']);
    expect(reads[0]).toMatchObject({ cursor: null, since: clock.now() - 10 - DAY });
    await clock.advance(60 * MINUTE);
    expect(reads[1]).toMatchObject({ cursor: '1', since: expect.any(Number) });
    expect(base.syncState('zendesk', 'solved').cursor).toBeNull();
    await inTime(clock, sync.sync(), 10);
    expect(reads[2]).toMatchObject({ cursor: null, since: clock.now() - 10 - 730 * DAY });
    expect(base.keys('zendesk', 'solved')).toEqual(['zendesk/1', 'zendesk/2', 'zendesk/3']);
    await sync.stop();
  });

  it.each([
    ['it is off', { joinSolved: false }],
    ['a sync does it', { joinSolved: true, everyMinutes: 60 }],
  ])('do not where %s', async (_, set) => {
    const reads: KnowledgeRead[] = [];
    const { base, sync, clock } = setUp({ solved: listing(reads, ['1']) }, { ...set, known: ['1'] });
    sync.start();
    await clock.advance(10);
    expect(reads.filter(({ wanted }) => wanted !== undefined)).toEqual([]);
    expect(base.syncState('zendesk/joining', 'solved').cursor).toBeNull();
    await sync.stop();
  });

  it('do not while there is no knowledge, and do once there is some', async () => {
    const reads: KnowledgeRead[] = [];
    const { base, sync, clock } = setUp({ solved: listing(reads, ['1']) }, { joinSolved: true, known: ['1'] });
    base.counts = { articles: 0, solved: 0, canned: 5 };
    sync.start();
    await clock.advance(10);
    expect(reads).toEqual([]);
    base.counts = { articles: 1, solved: 0, canned: 5 };
    await clock.advance(60 * MINUTE);
    expect(base.keys('zendesk', 'solved')).toEqual(['zendesk/1']);
    await sync.stop();
  });
});
