import { describe, expect, it } from 'vitest';
import { type ErrorClass, UpstreamError } from '../../src/core/errors.ts';
import type { Culprit } from '../../src/core/refusals.ts';
import { asUpstreamError, decide, type RetrySettings } from '../../src/core/retry-policy.ts';

const settings: RetrySettings = { maxAttempts: 5, baseMs: 1000, maxMs: 60_000 };
const half = (): number => 0.5;

function judge(
  errorClass: ErrorClass,
  options: {
    failures?: number;
    upstream?: string;
    retryAfterMs?: number;
    random?: () => number;
    culprit?: Culprit;
  } = {},
) {
  const error = new UpstreamError(errorClass, 'A sentence.', {
    upstream: options.upstream ?? 'zendesk',
    ...(options.retryAfterMs === undefined ? {} : { retryAfterMs: options.retryAfterMs }),
  });
  const { failures = 0, culprit = 'ticket', random = half } = options;
  return decide(error, { failures, ambiguousWaitMs: 60_000, culprit }, settings, random);
}

describe('what follows from an error', () => {
  it.each<[ErrorClass, string, boolean, string | null]>([
    ['rate_limited', 'zendesk', false, null],
    ['slow_down', 'llm', false, null],
    ['server_error', 'llm', true, null],
    ['overloaded', 'llm', true, null],
    ['flex_unavailable', 'llm', true, null],
    ['connection', 'zendesk', true, null],
    ['conflict', 'zendesk', true, null],
    ['timeout', 'llm', true, null],
    ['invalid_output', 'llm', true, null],
    ['ambiguous_post', 'freshdesk', true, null],
    ['internal', 'draftdesk', true, null],
    ['auth', 'zendesk', false, 'zendesk'],
    ['auth', 'llm', false, 'llm'],
    ['quota_exhausted', 'llm', false, 'llm'],
    ['model_not_found', 'llm', false, 'llm'],
    ['forbidden', 'llm', false, 'llm'],
    ['posting_stopped', 'zendesk', false, 'zendesk'],
  ])('%s of %s is tried again (counts: %s, pauses: %s)', (errorClass, upstream, countsAsAttempt, pauseScope) => {
    expect(judge(errorClass, { upstream })).toMatchObject({ kind: 'retry', countsAsAttempt, pauseScope });
  });

  it.each<ErrorClass>([
    'invalid_request',
    'request_too_large',
    'context_length',
    'content_filter',
    'refusal',
    'redirect',
    'response_too_large',
    'forbidden',
  ])('%s is dead at once', (errorClass) => {
    expect(judge(errorClass)).toEqual({ kind: 'dead', pauseScope: null });
  });

  it.each<ErrorClass>(['server_error', 'timeout', 'connection', 'ambiguous_post'])(
    '%s in an outage kills nobody, counts nothing, holds up all, and comes back after the others',
    (errorClass) => {
      const decision = judge(errorClass, { failures: 4, culprit: 'upstream' });
      expect(decision).toMatchObject({ kind: 'retry', countsAsAttempt: false, pauseScope: 'zendesk' });
      expect(decision.kind === 'retry' && decision.delayMs).toBe(90_000);
      expect(judge(errorClass, { failures: 4 })).toEqual({ kind: 'dead', pauseScope: null });
    },
  );

  it('a refused ticket is tried again while it is unclear whose fault that is, and waits where it is not its own', () => {
    const unclear = { culprit: 'unclear' } as const;
    expect(judge('forbidden', unclear)).toMatchObject({ kind: 'retry', countsAsAttempt: true, pauseScope: null });
    expect(judge('forbidden', { ...unclear, failures: 4 }).kind).toBe('dead');
    const waits = { kind: 'retry', countsAsAttempt: false, pauseScope: 'zendesk' };
    expect(judge('forbidden', { culprit: 'upstream', failures: 4 })).toMatchObject(waits);
  });

  it('what the upstream has answered is no outage', () => {
    expect(judge('invalid_output', { failures: 4, culprit: 'upstream', upstream: 'llm' }).kind).toBe('dead');
    expect(judge('context_length', { culprit: 'upstream', upstream: 'llm' }).kind).toBe('dead');
    expect(judge('rate_limited', { culprit: 'upstream' })).toMatchObject({ kind: 'retry', pauseScope: null });
  });

  it('kills the one ticket whose note came back public, and stops that helpdesk', () => {
    expect(judge('posted_public')).toEqual({ kind: 'dead', pauseScope: 'zendesk' });
  });

  it('skips a ticket that is gone, with its reason', () => {
    const error = new UpstreamError('gone', 'It is closed.', { upstream: 'zendesk', reason: 'closed' });
    expect(decide(error, { failures: 0, ambiguousWaitMs: 0 }, settings, half)).toEqual({
      kind: 'skip',
      reason: 'closed',
    });
  });

  it('gives up after the last attempt', () => {
    expect(judge('server_error', { failures: 3 }).kind).toBe('retry');
    expect(judge('server_error', { failures: 4 }).kind).toBe('dead');
    expect(judge('rate_limited', { failures: 400 }).kind).toBe('retry');
  });

  it('backs off exponentially with full jitter, up to the maximum', () => {
    const delays = [0, 1, 2, 3].map((failures) => judge('server_error', { failures, random: () => 1 }));
    expect(delays).toMatchObject([{ delayMs: 1000 }, { delayMs: 2000 }, { delayMs: 4000 }, { delayMs: 8000 }]);
    expect(judge('rate_limited', { failures: 30, random: () => 1 })).toMatchObject({ delayMs: 60_000 });
    expect(judge('server_error', { random: () => 0 })).toMatchObject({ delayMs: 0 });
  });

  it('never comes back earlier than the server asked', () => {
    expect(judge('rate_limited', { retryAfterMs: 90_000, random: () => 0 })).toMatchObject({ delayMs: 90_000 });
    expect(judge('rate_limited', { retryAfterMs: 90_000, random: () => 1 })).toMatchObject({ delayMs: 91_000 });
  });

  it('waits out the time in which an ambiguous write may still land', () => {
    expect(judge('ambiguous_post', { random: () => 0 })).toMatchObject({ delayMs: 60_000 });
  });

  it('makes any thrown value an internal error without its message', () => {
    const error = asUpstreamError(new TypeError('ticket text'));
    expect(error).toMatchObject({ errorClass: 'internal' });
    expect(error.message).not.toContain('ticket text');
    expect(error.message).toContain('TypeError');
  });
});
