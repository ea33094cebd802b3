import { expect, it } from 'vitest';
import { seededRandom, sha256 } from '../../src/core/clock.ts';
import { LanguageModelError } from '../../src/core/language-model.ts';
import { OutboxUnavailable } from '../../src/core/outbox.ts';
import type { VectorStore } from '../../src/core/vector-store.ts';
import { createEmbeddingFill } from '../../src/pool/embedding-fill.ts';
import { fakeClock } from '../support/fake-clock.ts';
import { recordingObserver } from '../support/recording-observer.ts';
import { stubVector } from '../support/stub-embedding-model.ts';

interface Memory extends VectorStore {
  readonly made: Map<string, Float32Array>;
  readonly texts: string[];
  beforeWrite: () => void;
}

function memoryStore(texts: string[]): Memory {
  const made = new Map<string, Float32Array>();
  const store: Memory = {
    made,
    texts,
    beforeWrite: () => undefined,
    missing: async (limit, except) =>
      texts
        .map((text) => ({ text, digest: sha256(text) }))
        .filter(({ digest }) => !made.has(digest) && !except.has(digest))
        .slice(0, limit),
    put: async (vectors) => {
      store.beforeWrite();
      for (const [digest, vector] of vectors) made.set(digest, vector);
    },
    spend: async () => undefined,
    counts: () => ({ wanted: texts.length, made: made.size }),
  };
  return store;
}

const texts = (count: number): string[] => Array.from({ length: count }, (_, index) => `text ${index}`);
const error = (errorClass: 'connection' | 'auth' | 'invalid_request' | 'rate_limited', retryAfterMs?: number) =>
  new LanguageModelError(
    errorClass,
    `The model says ${errorClass}.`,
    retryAfterMs === undefined ? {} : { retryAfterMs },
  );

function setUp(
  vectors: Memory,
  answer: (texts: readonly string[], signal: AbortSignal) => Promise<void> | void = () => undefined,
) {
  const clock = fakeClock();
  const observer = recordingObserver();
  const calls: (readonly string[])[] = [];
  const fill = createEmbeddingFill({
    embedder: {
      model: 'stub',
      texts: async (some, signal) => {
        calls.push(some);
        await answer(some, signal);
        return some.map(stubVector);
      },
    },
    vectors,
    clock,
    random: seededRandom(1),
    observer,
  });
  const alarms = () => observer.events.filter(({ name }) => name === 'alarm');
  return { clock, fill, calls, alarms };
}

it('makes all that is missing in groups, and what comes later', async () => {
  const store = memoryStore(texts(70));
  const { fill, clock, calls } = setUp(store);
  expect(fill.progress()).toMatchObject({ state: 'stopped', wanted: 70, made: 0 });
  fill.start();
  await clock.advance(0);
  expect(calls.map(({ length }) => length)).toEqual([32, 32, 6]);
  expect(fill.progress()).toEqual({ model: 'stub', state: 'full', wanted: 70, made: 70, refused: 0, error: null });
  store.texts.push('one more');
  await clock.advance(15_000);
  expect(calls.at(-1)).toEqual(['one more']);
  await fill.stop();
  expect(clock.pending()).toBe(0);
});

it('goes on where it was after a crash in the middle, and asks for nothing twice that was kept', async () => {
  const store = memoryStore(texts(70));
  const first = setUp(store);
  store.beforeWrite = () => {
    if (first.calls.length === 2) throw new OutboxUnavailable('killed');
  };
  first.fill.start();
  await first.clock.advance(0);
  await first.fill.stop();
  expect(store.made.size).toBe(32);
  store.beforeWrite = () => undefined;
  const second = setUp(store);
  second.fill.start();
  await second.clock.advance(0);
  expect(second.calls.map(([text]) => text)).toEqual(['text 32', 'text 64']);
  await second.fill.stop();
});

it('offers what is paid for to a disk that refused it, and does not ask again', async () => {
  const store = memoryStore(texts(40));
  const { fill, clock, calls } = setUp(store);
  store.beforeWrite = () => {
    throw new OutboxUnavailable('full');
  };
  fill.start();
  await clock.advance(60_000);
  expect(calls).toHaveLength(1);
  expect(fill.progress()).toMatchObject({ state: 'waiting', made: 0 });
  store.beforeWrite = () => undefined;
  await clock.advance(10_000);
  expect(calls.map(({ length }) => length)).toEqual([32, 8]);
  expect(fill.progress()).toMatchObject({ state: 'full', made: 40, error: null });
  await fill.stop();
});

it('waits longer and longer while the model is away, without an alarm, and as long as it is told', async () => {
  const store = memoryStore(texts(3));
  let failing: Error | null = error('connection');
  const { fill, clock, calls, alarms } = setUp(store, () => {
    if (failing !== null) throw failing;
  });
  fill.start();
  await clock.advance(0);
  expect(fill.progress()).toMatchObject({ state: 'waiting', error: 'The model says connection.' });
  await clock.advance(600_000);
  expect(calls.length).toBeGreaterThan(4);
  expect(calls.length).toBeLessThan(20);
  failing = error('rate_limited', 700_000);
  await clock.advance(300_000);
  const asked = calls.length;
  await clock.advance(390_000);
  expect(calls.length).toBe(asked);
  failing = null;
  await clock.advance(320_000);
  expect(fill.progress()).toMatchObject({ state: 'full', error: null, made: 3 });
  expect(alarms()).toEqual([]);
  await fill.stop();
});

it('says once what does not pass by itself', async () => {
  const { fill, clock, calls, alarms } = setUp(memoryStore(texts(3)), () => {
    throw error('auth');
  });
  fill.start();
  await clock.advance(1_000_000);
  expect(calls.length).toBeLessThan(6);
  expect(alarms()).toEqual([{ name: 'alarm', kind: 'embeddings', detail: 'The model says auth.' }]);
  await fill.stop();
});

it('lets one text that the model will not take keep nobody from theirs', async () => {
  const store = memoryStore(texts(40));
  const { fill, clock, calls, alarms } = setUp(store, (some) => {
    if (some.includes('text 3') || some.includes('text 39')) throw error('invalid_request');
  });
  fill.start();
  await clock.advance(60_000);
  expect(fill.progress()).toMatchObject({ state: 'full', made: 38, refused: 2 });
  const asked = calls.length;
  await clock.advance(600_000);
  expect(calls.length).toBe(asked);
  expect(alarms()).toEqual([]);
  await fill.stop();
});

it('takes a model that refuses everything for out of order, not for ten thousand bad texts', async () => {
  const { fill, clock, calls, alarms } = setUp(memoryStore(texts(500)), () => {
    throw error('invalid_request');
  });
  fill.start();
  await clock.advance(60_000);
  expect(calls.length).toBeLessThan(10);
  expect(fill.progress()).toMatchObject({ state: 'waiting', made: 0 });
  expect(alarms()).toHaveLength(1);
  await fill.stop();
});

it('stops at once, in a wait and in a call', async () => {
  const waiting = setUp(memoryStore(texts(3)), () => {
    throw error('connection');
  });
  waiting.fill.start();
  await waiting.clock.advance(0);
  await waiting.fill.stop();
  const hanging = setUp(
    memoryStore(texts(3)),
    (_, signal) =>
      new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(new Error('stopped')))),
  );
  hanging.fill.start();
  await hanging.clock.advance(0);
  await hanging.fill.stop();
  expect([waiting.fill.progress().state, hanging.fill.progress().state]).toEqual(['stopped', 'stopped']);
  expect([waiting.clock.pending(), hanging.clock.pending()]).toEqual([0, 0]);
});
