import { describe, expect, it } from 'vitest';
import { createRefundFactor } from '../../src/core/refund-factor.ts';

const PER_MS = 10;

describe('the refund factor', () => {
  it('believes what was seen to come back for certain, and nothing less', () => {
    const refund = createRefundFactor();
    refund.learn({ seen: { low: 0.1, high: 1.2 }, full: false, perMs: PER_MS }, 0);
    expect(refund.factor).toBe(0);
    refund.learn({ seen: { low: 0.5, high: 1.1 }, full: false, perMs: PER_MS }, 1000);
    expect(refund.factor).toBe(0.5);
    refund.learn({ seen: { low: 0.9, high: 1.1 }, full: false, perMs: PER_MS }, 2000);
    expect(refund.factor).toBe(1);
  });

  it('gives up what is certainly not coming back any more, and all of it after a refusal', () => {
    const refund = createRefundFactor();
    refund.learn({ seen: { low: 0.9, high: 1 }, full: false, perMs: PER_MS }, 0);
    refund.learn({ seen: { low: 0.3, high: 0.5 }, full: false, perMs: PER_MS }, 1000);
    expect(refund.factor).toBe(0.3);
    refund.forget();
    expect(refund.factor).toBe(0);
  });

  it('feels its way up, slowly, where a full bucket hides what comes back', () => {
    const refund = createRefundFactor();
    for (let ms = 0; ms <= 10_000; ms += 100) {
      refund.ended(500, ms);
      refund.learn({ seen: null, full: ms > 5000, perMs: PER_MS }, ms);
      if (ms === 5000) expect(refund.factor).toBe(0);
    }
    expect(refund.factor).toBeGreaterThan(0.02);
    expect(refund.factor).toBeLessThan(0.3);
  });
});
