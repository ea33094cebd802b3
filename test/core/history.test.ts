import { describe, expect, it } from 'vitest';
import { createHistory } from '../../src/core/history.ts';
import type { ErrorClass } from '../../src/core/errors.ts';
import type { TicketStatus } from '../../src/core/ticket.ts';
import { fakeClock } from '../support/fake-clock.ts';

const ticket = { helpdesk: 'zendesk', ticketId: '1', traceparent: '' };

function setUp() {
  const clock = fakeClock();
  const history = createHistory(clock);
  return {
    clock,
    history,
    finish: (status: TicketStatus, totalMs = 1000) =>
      history.observer.ticketFinished({ ticket, batchId: null, status, reason: null, totalMs }),
    fail: (errorClass: ErrorClass) =>
      history.observer.attempt({
        ticket,
        batchId: null,
        stage: 'draft',
        number: 1,
        outcome: 'retry',
        errorClass,
        status: null,
        durationMs: 1,
        delayMs: 1,
      }),
  };
}

describe('the history of the last hour', () => {
  it('begins empty, with sixty minutes', () => {
    const { history } = setUp();
    const minutes = history.minutes();
    expect(minutes).toHaveLength(60);
    expect(minutes.every(({ finished, dead, p50Ms }) => finished === 0 && dead === 0 && p50Ms === null)).toBe(true);
  });

  it('counts what is finished, dead and failed in the minute it happened', async () => {
    const { clock, history, finish, fail } = setUp();
    finish('posted');
    finish('skipped');
    finish('dead');
    fail('timeout');
    fail('timeout');
    await clock.advance(60_000);
    finish('posted');
    const [before, now] = history.minutes().slice(-2);
    expect(before).toMatchObject({ finished: 2, dead: 1, errors: new Map([['timeout', 2]]) });
    expect(now).toMatchObject({ finished: 1, dead: 0, errors: new Map() });
  });

  it('forgets what is older than an hour', async () => {
    const { clock, history, finish, fail } = setUp();
    finish('posted');
    fail('timeout');
    await clock.advance(59 * 60_000);
    expect(history.minutes()[0]).toMatchObject({ finished: 1 });
    await clock.advance(60_000);
    expect(history.minutes().some(({ finished, errors }) => finished > 0 || errors.size > 0)).toBe(false);
    finish('dead');
    expect(history.minutes().at(-1)).toMatchObject({ finished: 0, dead: 1, p50Ms: null });
  });

  it.each([60, 840, 3_200, 95_000, 7_200_000])('tells a latency of %i ms to an eighth', (ms) => {
    const { history, finish } = setUp();
    for (let n = 0; n < 99; n += 1) finish('posted', ms);
    finish('posted', 10 * 86_400_000);
    finish('skipped', 1);
    const { p50Ms = null, p95Ms = null } = history.minutes().at(-1) ?? {};
    expect(Math.abs((p50Ms ?? 0) / ms - 1)).toBeLessThan(0.13);
    expect(p95Ms).toBe(p50Ms);
  });
});
