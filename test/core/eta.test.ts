import { expect, it } from 'vitest';
import { etaSeconds } from '../../src/core/eta.ts';
import { zeroCounts } from '../support/fakes.ts';

const demand = [
  { limit: 'zendesk.updates', perMinute: 80, perTicket: 1 },
  { limit: 'zendesk.requests', perMinute: 200, perTicket: 2.1 },
];
const counts = { ...zeroCounts(), queued: 700, posting: 100, posted: 200 };

it('goes by what was measured, where no limit is known to be slower', () => {
  expect(etaSeconds({ counts, post: 'auto', ratePerMinute: 40, demand })).toBe(1200);
  expect(etaSeconds({ counts, post: 'auto', ratePerMinute: 400, demand: [] })).toBe(120);
  expect(etaSeconds({ counts, post: 'auto', ratePerMinute: 0, demand })).toBeNull();
  expect(etaSeconds({ counts: zeroCounts(), post: 'auto', ratePerMinute: 0, demand })).toBe(0);
});

it('takes a burst for no more than the notes that may be written', () => {
  expect(etaSeconds({ counts, post: 'auto', ratePerMinute: 240, demand })).toBe(600);
});

it('counts no notes for what is held, and fewer where tickets are skipped', () => {
  expect(etaSeconds({ counts, post: 'hold', ratePerMinute: 400, demand })).toBe(120);
  const half = { ...counts, skipped: 200 };
  expect(etaSeconds({ counts: half, post: 'auto', ratePerMinute: 400, demand })).toBe(338);
});
