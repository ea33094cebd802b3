import { describe, expect, it } from 'vitest';
import { readDuration, readLimits, readRetryAfter } from '../../src/llms/openai-headers.ts';

const NOW = Date.UTC(2026, 10, 23, 10, 0, 0);

describe('readDuration', () => {
  it.each([
    ['1s', 1000],
    ['6m0s', 360_000],
    ['120ms', 120],
    ['1m30.5s', 90_500],
    ['1h2m3s', 3_723_000],
    ['0s', 0],
    ['12', 12_000],
    ['0.5', 500],
    ['-1', null],
    ['soon', null],
    ['1s later', null],
    ['', null],
    [null, null],
  ])('%j is %s ms', (value, expected) => {
    expect(readDuration(value)).toBe(expected);
  });
});

describe('readLimits', () => {
  it('reads all six, whichever way they are written', () => {
    const headers = new Headers({
      'x-ratelimit-limit-requests': '60',
      'x-ratelimit-limit-tokens': '30,000',
      'x-ratelimit-remaining-requests': '59',
      'x-ratelimit-remaining-tokens': '29000',
      'x-ratelimit-reset-requests': '1s',
      'x-ratelimit-reset-tokens': '6m0s',
    });
    expect(readLimits(headers)).toEqual({
      limitRequests: 60,
      limitTokens: 30_000,
      remainingRequests: 59,
      remainingTokens: 29_000,
      resetRequestsMs: 1000,
      resetTokensMs: 360_000,
    });
  });

  it('takes negative numbers for unknown, as Azure sends them', () => {
    const headers = new Headers({ 'x-ratelimit-remaining-requests': '-1', 'x-ratelimit-limit-requests': '10' });
    expect(readLimits(headers)).toMatchObject({ remainingRequests: null, limitRequests: 10 });
  });

  it('obeys the tighter limit of a project', () => {
    const headers = new Headers({ 'x-ratelimit-remaining-tokens': '900', 'x-ratelimit-remaining-project-tokens': '7' });
    expect(readLimits(headers)?.remainingTokens).toBe(7);
  });

  it('is null without any', () => {
    expect(readLimits(new Headers({ 'x-request-id': 'r' }))).toBeNull();
  });
});

describe('readRetryAfter', () => {
  it.each([
    [{ 'retry-after': '2' }, 2000],
    [{ 'retry-after': '1', 'retry-after-ms': '250' }, 250],
    [{ 'retry-after': '3', 'retry-after-ms': 'soon' }, 3000],
    [{ 'retry-after': 'Mon, 23 Nov 2026 10:00:07 GMT' }, 7000],
    [{ 'retry-after': '86400' }, 900_000],
    [{ 'retry-after-ms': '999999999' }, 900_000],
    [{ 'retry-after': '-1' }, null],
    [{ 'retry-after': 'garbage' }, null],
    [{}, null],
    [
      { 'x-ratelimit-remaining-tokens': '0', 'x-ratelimit-reset-tokens': '4s', 'x-ratelimit-reset-requests': '9s' },
      4000,
    ],
    [{ 'x-ratelimit-remaining-tokens': '5', 'x-ratelimit-reset-tokens': '4s' }, null],
    [{ 'retry-after': '1', 'x-ratelimit-remaining-tokens': '0', 'x-ratelimit-reset-tokens': '60s' }, 1000],
  ])('%j means %s ms', (headers, expected) => {
    expect(readRetryAfter(new Headers(headers), NOW)).toBe(expected);
  });
});
