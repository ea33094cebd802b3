import { describe, expect, it } from 'vitest';
import { createRefundFactor } from '../../src/core/refund-factor.ts';

describe('the refund factor', () => {
  it('believes what was seen to come back for certain, and nothing less', () => {
    const refund = createRefundFactor();
    refund.learn({ low: 0.1, high: 1.2 });
    expect(refund.factor).toBe(0);
    refund.learn({ low: 0.5, high: 1.1 });
    expect(refund.factor).toBe(0.5);
    refund.learn({ low: 0.9, high: 1.1 });
    expect(refund.factor).toBe(1);
  });

  it('gives up what is certainly not coming back any more, and all of it after a refusal', () => {
    const refund = createRefundFactor();
    refund.learn({ low: 0.9, high: 1 });
    refund.learn(null);
    expect(refund.factor).toBe(1);
    refund.learn({ low: 0.3, high: 0.5 });
    expect(refund.factor).toBe(0.3);
    refund.forget();
    expect(refund.factor).toBe(0);
  });

  it('tells from the first second on how much may come back, and that less does when no calls end', () => {
    const refund = createRefundFactor();
    for (let ms = 0; ms <= 20_000; ms += 100) {
      refund.ended(500, ms);
      if (ms >= 1000) expect(refund.spare(ms), `after ${ms} ms`).toBeGreaterThan(4.8);
      expect(refund.spare(ms), `after ${ms} ms`).toBeLessThan(5.6);
    }
    expect(refund.spare(25_000)).toBeLessThan(2.5);
    refund.learn({ low: 1, high: 1 });
    expect(refund.spare(20_000)).toBe(0);
  });
});
