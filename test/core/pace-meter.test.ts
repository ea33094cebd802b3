import { expect, it } from 'vitest';
import { createPaceMeter } from '../../src/core/pace-meter.ts';
import { fakeClock } from '../support/fake-clock.ts';

/** A batch at each of two helpdesks, in which something happens every second. */
function world() {
  const clock = fakeClock();
  const meter = createPaceMeter(clock);
  const attempt = (helpdesk: string, stage: 'draft' | 'post', outcome: 'ok' | 'retry' = 'ok', delayMs?: number) =>
    meter.observer.attempt({
      ticket: { helpdesk, ticketId: '1', traceparent: '' },
      batchId: `at ${helpdesk}`,
      stage,
      number: 1,
      outcome,
      errorClass: null,
      status: null,
      durationMs: 1,
      delayMs: delayMs ?? null,
    });
  const everySecond = async (seconds: number, act: () => void) => {
    for (let second = 0; second < seconds; second += 1) {
      act();
      await clock.advance(1000);
    }
  };
  return { clock, meter, attempt, everySecond };
}

it('lets a stage stand still without growing slower', async () => {
  const { meter, attempt, everySecond } = world();
  const both = () => {
    attempt('zendesk', 'draft');
    attempt('zendesk', 'post');
  };
  await everySecond(100, both);
  const before = meter.read('at zendesk');
  expect([before.draftsPerMinute, before.notesPerMinute]).toEqual([60, 60]);
  meter.observer.paused({ scope: 'llm', reason: 'auth' });
  await everySecond(100, () => attempt('zendesk', 'post'));
  meter.observer.paused({ scope: 'zendesk', reason: 'auth' });
  // notes that were on their way
  attempt('zendesk', 'post');
  await everySecond(500, () => undefined);
  expect(meter.read('at zendesk')).toEqual(before);
  meter.observer.resumed({ scope: 'zendesk', by: 'probe' });
  meter.observer.resumed({ scope: 'llm', by: 'probe' });
  await everySecond(60, () => undefined);
  expect(meter.read('at zendesk').notesPerMinute).toBeLessThan(60);
  expect(meter.read('at zendesk').draftsLately).toBe(0);
});

it('takes no notice of the pause of another helpdesk', async () => {
  const { meter, attempt, everySecond } = world();
  meter.observer.paused({ scope: 'freshdesk', reason: 'auth' });
  await everySecond(100, () => attempt('zendesk', 'draft'));
  await everySecond(100, () => {
    attempt('zendesk', 'draft');
    attempt('freshdesk', 'draft');
  });
  expect(meter.read('at zendesk').draftsPerMinute).toBe(60);
  expect(meter.read('at freshdesk').draftsPerMinute).toBe(0);
  expect(meter.read('').draftsPerMinute).toBe(120);
});

it('knows when the last one comes again, and forgets what was over long ago', async () => {
  const { clock, meter, attempt } = world();
  attempt('zendesk', 'draft', 'retry', 30_000);
  attempt('zendesk', 'draft', 'retry', 5_000);
  await clock.advance(10_000);
  expect(meter.read('at zendesk')).toMatchObject({ draftsPerMinute: 0, retrySeconds: 20 });
  attempt('zendesk', 'draft');
  expect(meter.read('at zendesk').draftsPerMinute).toBe(60);
  await clock.advance(3_600_001);
  attempt('freshdesk', 'draft');
  expect(meter.read('at zendesk').draftsPerMinute).toBe(0);
});
