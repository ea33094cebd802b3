import { describe, expect, test } from 'vitest';
import { createSeats } from '../../src/http/event-stream.ts';
import { createStreamTable } from '../../src/http/stream-table.ts';
import { fakeClock } from '../support/fake-clock.ts';
import { makeBatchProgress, makeProgress } from '../support/fakes.ts';
import { AUTHORIZED, type TestApp, testApp } from './test-app.ts';

interface Watcher {
  /** Everything that came since the last call. */
  read(): Promise<string>;
  ended(): boolean;
  leave(): Promise<void>;
}

async function watch({ app, clock }: TestApp, path = '/admin/events'): Promise<Watcher> {
  const response = await app.request(path, { headers: AUTHORIZED });
  expect(response.status).toBe(200);
  expect(response.headers.get('content-type')).toBe('text/event-stream');
  const reader = response.body?.getReader();
  if (reader === undefined) throw new Error('no body');
  let text = '';
  let done = false;
  const pump = async (): Promise<void> => {
    for (;;) {
      const result = await reader.read();
      done = result.done;
      if (result.done) return;
      text += new TextDecoder().decode(result.value);
    }
  };
  void pump();
  return {
    read: async () => {
      await clock.advance(0);
      const seen = text;
      text = '';
      return seen;
    },
    ended: () => done,
    leave: () => reader.cancel(),
  };
}

/** The first frame of a stream says also when to come back, should it break. */
const firstFrame = (total: number): string => frame(total).replace(/\n$/, 'retry: 2000\n\n');
const frame = (total: number): string => `event: progress\ndata: ${JSON.stringify(makeProgress({ total }))}\n\n`;

describe('GET /admin/events', () => {
  test('starts with the progress of now and follows every change within a second', async () => {
    const parts = testApp();
    const watcher = await watch(parts);
    expect(await watcher.read()).toBe(firstFrame(0));
    for (let total = 1; total <= 3; total++) {
      parts.control.current = makeProgress({ total });
      await parts.clock.advance(1000);
      expect(await watcher.read()).toBe(frame(total));
    }
  });

  test('while nothing moves it pings every 15 s and sends nothing else', async () => {
    const parts = testApp();
    const watcher = await watch(parts);
    await watcher.read();
    // memory always moves, and is no reason
    parts.control.current = makeProgress({ memory: { rssMb: 91, peakRssMb: 101 } });
    await parts.clock.advance(14_500);
    expect(await watcher.read()).toBe('');
    await parts.clock.advance(500);
    expect(await watcher.read()).toBe(': ping\n\n');
    await parts.clock.advance(15_000);
    expect(await watcher.read()).toBe(': ping\n\n');
  });

  test('ends when the service stops, and takes nobody then', async () => {
    const parts = testApp();
    const watcher = await watch(parts);
    parts.control.isStopping = true;
    await parts.clock.advance(500);
    await watcher.read();
    expect(watcher.ended()).toBe(true);
    expect((await parts.app.request('/admin/events', { headers: AUTHORIZED })).status).toBe(503);
    expect(parts.clock.pending()).toBe(0);
  });

  test('100 clients, the next gets 503; one who leaves makes room', async () => {
    const parts = testApp();
    const watchers = [];
    for (let i = 0; i < 100; i++) watchers.push(await watch(parts));
    const surplus = await parts.app.request('/admin/events', { headers: AUTHORIZED });
    expect(surplus.status).toBe(503);
    expect(surplus.headers.get('retry-after')).not.toBeNull();
    await watchers[50]?.leave();
    expect((await parts.app.request('/admin/events', { headers: AUTHORIZED })).status).toBe(200);
  });

  test('D9 the places are those of all streams together, and batches that nobody watches are forgotten', async () => {
    const parts = testApp();
    const open = (path: string) => parts.app.request(path, { headers: AUTHORIZED });
    const responses = [];
    for (let i = 0; i < 100; i++) {
      parts.control.batch = makeBatchProgress({ id: `b${i}` });
      responses.push(await open(i % 2 === 0 ? `/admin/batches/b${i}/events` : '/admin/events'));
    }
    expect(new Set(responses.map(({ status }) => status))).toEqual(new Set([200]));
    for (const path of ['/admin/events', '/admin/batches/b99/events']) {
      const surplus = await open(path);
      expect([surplus.status, surplus.headers.get('retry-after')]).toEqual([503, '10']);
    }
    await Promise.all(responses.map(async (response) => response.body?.cancel()));
    await parts.clock.advance(1000);
    expect(parts.clock.pending()).toBe(0);
    expect((await open('/admin/events')).status).toBe(200);
  });

  test('nobody left, nothing runs', async () => {
    const parts = testApp();
    const watcher = await watch(parts);
    await watcher.leave();
    await parts.clock.advance(1000);
    expect(parts.clock.pending()).toBe(0);
  });

  test('one snapshot a tick, however many watch', async () => {
    const parts = testApp();
    for (let i = 0; i < 10; i++) await watch(parts);
    let snapshots = 0;
    parts.control.progress = () => makeProgress({ total: ++snapshots });
    await parts.clock.advance(1000);
    expect(snapshots).toBe(2);
  });

  test('who does not read gets the newest only, and is dropped after a minute', async () => {
    const parts = testApp();
    let destroyed = 0;
    const env = { outgoing: { destroy: () => void destroyed++ } };
    const response = await parts.app.request('/admin/events', { headers: AUTHORIZED }, env);
    for (let total = 1; total <= 100; total++) {
      parts.control.current = makeProgress({ total });
      await parts.clock.advance(500);
    }
    const reader = response.body?.getReader();
    const first = await reader?.read();
    expect(new TextDecoder().decode(first?.value)).toBe(firstFrame(0));
    await parts.clock.advance(500);
    expect(new TextDecoder().decode((await reader?.read())?.value)).toBe(frame(100));

    parts.control.current = makeProgress({ total: 101 });
    await parts.clock.advance(500);
    await parts.clock.advance(59_500);
    expect(destroyed).toBe(0);
    await parts.clock.advance(500);
    expect(destroyed).toBe(1);
    expect(parts.clock.pending()).toBe(0);
  });

  test('a snapshot that fails ends the streams and is told once', async () => {
    const parts = testApp();
    const watcher = await watch(parts);
    parts.control.progress = () => {
      throw new RangeError('secret');
    };
    await parts.clock.advance(2000);
    await watcher.read();
    expect(watcher.ended()).toBe(true);
    expect(parts.observer.events).toEqual([{ name: 'fault', where: 'progress events', error: 'RangeError' }]);
    expect((await parts.app.request('/admin/events', { headers: AUTHORIZED })).status).toBe(500);
  });
});

describe('GET /admin/batches/{id}/events', () => {
  const PATH = '/admin/batches/b1/events';
  const statesIn = (text: string): string[] => [...text.matchAll(/"state":"(\w+)"/g)].map(([, state]) => state ?? '');

  test.each(['completed', 'cancelled'] as const)('ends after it has told that the batch is %s', async (state) => {
    const parts = testApp();
    const watchers = [await watch(parts, PATH), await watch(parts, PATH)];
    for (const watcher of watchers) expect(statesIn(await watcher.read())).toEqual(['running']);
    parts.control.batch = makeBatchProgress({ state });
    await parts.clock.advance(500);
    for (const watcher of watchers) {
      expect(statesIn(await watcher.read())).toEqual([state]);
      expect(watcher.ended()).toBe(true);
    }
    expect(parts.clock.pending()).toBe(0);
  });

  test('goes on while the batch stands still', async () => {
    const parts = testApp();
    const watcher = await watch(parts, PATH);
    for (const state of ['paused', 'cancelling'] as const) {
      await watcher.read();
      parts.control.batch = makeBatchProgress({ state });
      await parts.clock.advance(1000);
      expect(statesIn(await watcher.read())).toEqual([state]);
      expect(watcher.ended()).toBe(false);
    }
  });

  test('who comes again after the end gets the one event and the end', async () => {
    const parts = testApp();
    parts.control.batch = makeBatchProgress({ state: 'completed' });
    for (let round = 0; round < 3; round++) {
      const watcher = await watch(parts, PATH);
      expect(statesIn(await watcher.read())).toEqual(['completed']);
      expect(watcher.ended()).toBe(true);
    }
    expect(parts.clock.pending()).toBe(0);
  });

  test('a batch that goes back to work is followed again', async () => {
    const parts = testApp();
    parts.control.batch = makeBatchProgress({ state: 'cancelled' });
    await watch(parts, PATH);
    parts.control.batch = makeBatchProgress({ state: 'running' });
    const watcher = await watch(parts, PATH);
    expect(statesIn(await watcher.read())).toEqual(['running']);
    expect(watcher.ended()).toBe(false);
  });

  test('who has not read yet gets the end too', async () => {
    const parts = testApp();
    const response = await parts.app.request(PATH, { headers: AUTHORIZED });
    parts.control.batch = makeBatchProgress({ state: 'completed' });
    await parts.clock.advance(2000);
    const text = response.text();
    await parts.clock.advance(1000);
    expect(statesIn(await text)).toEqual(['running', 'completed']);
  });
});

describe('the table of streams', () => {
  const table = (clock = fakeClock()) =>
    createStreamTable((id: string) => ({
      event: 'batch',
      snapshot: () => {
        if (id === 'broken') throw new RangeError('no');
        return { id, over: id === 'over' };
      },
      watched: (batch) => batch,
      isLast: ({ over }) => over,
      stopping: () => false,
      onFailure: () => undefined,
      clock,
      seats: createSeats(),
    }));

  test('keeps a stream while somebody watches, and nothing afterwards', async () => {
    const streams = table();
    const watchers = [streams.of('a').open(), streams.of('a').open(), streams.of('b').open()];
    expect(streams.size()).toBe(2);
    await watchers[0]?.cancel();
    await watchers[2]?.cancel();
    expect(streams.size()).toBe(1);
    await watchers[1]?.cancel();
    expect(streams.size()).toBe(0);
  });

  test('keeps nothing of who only looked, of what is over or cannot be told', () => {
    const streams = table();
    streams.of('a');
    streams.of('over').open();
    expect(() => streams.of('broken').open()).toThrow(RangeError);
    expect(streams.size()).toBe(0);
  });
});
