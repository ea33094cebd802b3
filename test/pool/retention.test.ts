import { expect, it } from 'vitest';
import { createRetention } from '../../src/pool/retention.ts';
import { fakeClock } from '../support/fake-clock.ts';
import { recordingObserver } from '../support/recording-observer.ts';

const HOUR = 3_600_000;

function setUp(removeTexts: (before: number, signal: AbortSignal) => Promise<number> = async () => 0) {
  const clock = fakeClock();
  const observer = recordingObserver();
  const asked: number[] = [];
  const state = { tidied: 0, quiet: false };
  const outbox = {
    removeTexts: async (before: number, signal: AbortSignal) => {
      asked.push(before);
      return removeTexts(before, signal);
    },
    tidy: async () => void state.tidied++,
  };
  const retention = createRetention({ outbox, clock, observer, days: 30, isQuiet: () => state.quiet });
  retention.start();
  return { clock, observer, asked, retention, state };
}

it('looks for old texts at the start and every hour, until it is stopped', async () => {
  const { clock, asked, retention } = setUp();
  const began = clock.now();
  await clock.advance(2 * HOUR);
  expect(asked).toEqual([0, 1, 2].map((hour) => began + hour * HOUR - 30 * 24 * HOUR));
  await retention.stop();
  await clock.advance(2 * HOUR);
  expect([asked.length, clock.pending()]).toEqual([3, 0]);
});

it('tidies up when nobody waits', async () => {
  const { clock, retention, state } = setUp();
  await clock.advance(10 * 60_000);
  expect(state.tidied).toBe(0);
  state.quiet = true;
  await clock.advance(60_000);
  expect(state.tidied).toBe(1);
  await retention.stop();
});

it('goes on after a disk that refuses', async () => {
  const { clock, observer, asked } = setUp(async () => Promise.reject(new TypeError('canary')));
  await clock.advance(HOUR);
  expect(asked).toHaveLength(2);
  expect(observer.events).toContainEqual({ name: 'fault', where: 'retention', error: 'TypeError' });
});

it('waits at the stop for the slice that is under way, and ends there', async () => {
  let aborted = false;
  const { retention } = setUp(
    (_before, signal) =>
      new Promise((resolve) => {
        signal.addEventListener('abort', () => {
          aborted = true;
          resolve(1);
        });
      }),
  );
  await retention.stop();
  expect(aborted).toBe(true);
});
