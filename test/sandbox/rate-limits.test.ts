import { expect, it } from 'vitest';
import { tokenBucket, windowLimit } from '../../src/sandbox/rate-limits.ts';
import { fakeClock } from '../support/fake-clock.ts';

it('a window starts with its first call and refuses without charging', async () => {
  const clock = fakeClock();
  const limit = windowLimit(clock, 3);
  expect(limit.take(2)).toEqual({ allowed: true, limit: 3, remaining: 1, resetMs: 60_000, waitMs: 0 });
  await clock.advance(59_999);
  expect(limit.take(2)).toEqual({ allowed: false, limit: 3, remaining: 1, resetMs: 1, waitMs: 1 });
  expect(limit.take(1).allowed).toBe(true);
  await clock.advance(1);
  expect(limit.take(3)).toMatchObject({ allowed: true, remaining: 0, resetMs: 60_000 });
});

it('a bucket refills all the time up to its depth', async () => {
  const clock = fakeClock();
  const bucket = tokenBucket(clock, { perMinute: 600, burst: 10 });
  bucket.charge(10);
  expect(bucket.check(1)).toMatchObject({ allowed: false, remaining: 0, waitMs: 100, resetMs: 1000 });
  await clock.advance(100);
  expect(bucket.check(1).allowed).toBe(true);
  await clock.advance(60_000);
  expect(bucket.reading()).toEqual({ limit: 600, remaining: 10, resetMs: 0 });
  bucket.charge(4);
  bucket.refund(20);
  expect(bucket.reading().remaining).toBe(10);
});

it('a bucket goes into debt by its depth at most', async () => {
  const clock = fakeClock();
  const bucket = tokenBucket(clock, { perMinute: 60, burst: 5 });
  for (let n = 0; n < 100; n++) bucket.charge(1);
  expect(bucket.check(1).waitMs).toBe(6000);
  await clock.advance(6000);
  expect(bucket.check(1).allowed).toBe(true);
});

it('a call larger than the depth passes when the bucket is full', () => {
  const bucket = tokenBucket(fakeClock(), { perMinute: 6000, burst: 100 });
  expect(bucket.check(1000).allowed).toBe(true);
  bucket.charge(1000);
  expect(bucket.check(1)).toMatchObject({ allowed: false, waitMs: 1010 });
});

it('rivals take their share evenly, window after window, and are refused like anybody', async () => {
  const clock = fakeClock();
  const limit = windowLimit(clock, 10);
  limit.rival(6);
  await clock.advance(30_000);
  expect(limit.take()).toMatchObject({ allowed: true, remaining: 6, resetMs: 30_000 });
  await clock.advance(29_999);
  expect(limit.take().remaining).toBe(3);
  await clock.advance(180_001);
  expect(limit.take()).toMatchObject({ remaining: 9, resetMs: 60_000 });
  expect(limit.take(9).allowed).toBe(true);
  await clock.advance(30_000);
  expect(limit.rivalsRefused()).toBe(3);
  limit.rival(0);
  await clock.advance(600_000);
  expect([limit.rivalsRefused(), limit.take(10).allowed]).toEqual([3, true]);
});
