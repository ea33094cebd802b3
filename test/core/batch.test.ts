import { describe, expect, it } from 'vitest';
import { isHopeless, judgeCanary, type RampUp } from '../../src/core/batch.ts';

const ramp = (overrides: Partial<RampUp>): RampUp => ({
  canary: { size: 20, maxErrorRate: 0.1 },
  target: 20,
  total: 1000,
  growing: false,
  processed: 0,
  failed: 0,
  forgiven: { processed: 0, failed: 0 },
  ...overrides,
});

describe('the canary', () => {
  it.each<[string, Partial<RampUp>, object]>([
    ['waits while its tickets are at work', { processed: 19 }, { kind: 'wait' }],
    ['opens a tenth when all are through', { processed: 20 }, { kind: 'open', target: 100 }],
    ['opens all after the tenth', { target: 100, processed: 100 }, { kind: 'open', target: null }],
    ['opens all at once where it is a tenth already', { total: 150, processed: 20 }, { kind: 'open', target: null }],
    ['bears its error rate', { processed: 20, failed: 2 }, { kind: 'open', target: 100 }],
    ['stops above it', { processed: 20, failed: 3 }, { kind: 'stop' }],
    ['stops as soon as it cannot succeed any more', { processed: 3, failed: 3 }, { kind: 'stop' }],
    [
      'forgives what an operator has seen',
      { processed: 20, failed: 3, forgiven: { processed: 20, failed: 3 } },
      { kind: 'open', target: 100 },
    ],
    [
      'judges what came since by itself',
      { target: 100, processed: 40, failed: 13, forgiven: { processed: 20, failed: 3 } },
      { kind: 'stop' },
    ],
    ['ends with a batch smaller than itself', { total: 5, processed: 5 }, { kind: 'open' }],
    [
      'bears no error where none is allowed',
      { canary: { size: 20, maxErrorRate: 0 }, processed: 1, failed: 1 },
      { kind: 'stop' },
    ],
  ])('%s', (_what, given, expected) => {
    expect(judgeCanary(ramp(given))).toMatchObject(expected);
  });

  it('says how many died of how many, and what to do', () => {
    const decision = judgeCanary(ramp({ processed: 20, failed: 3 }));
    expect(decision).toMatchObject({ reason: expect.stringMatching(/3 of the first 20 .* 10 %.*resume or cancel/) });
  });

  it('has no phase that is smaller than the one before', () => {
    const open = (target: number, total: number) => judgeCanary(ramp({ target, total, processed: target }));
    expect(open(20, 10_000)).toEqual({ kind: 'open', target: 1000 });
    expect(open(20, 200)).toEqual({ kind: 'open', target: null });
    expect(open(1000, 10_000)).toEqual({ kind: 'open', target: null });
  });

  describe('while tickets are still listed', () => {
    const growing = (target: number, total: number, processed = target) =>
      judgeCanary(ramp({ target, total, processed, growing: true }));

    it('lets go a tenth of what is known so far', () => {
      expect(growing(20, 500)).toEqual({ kind: 'open', target: 50 });
      expect(growing(20, 1_500)).toEqual({ kind: 'open', target: 150 });
    });

    it('doubles what has gone where that is less, so that neither a short page skips the phase nor the list is waited for', () => {
      expect(growing(20, 100)).toEqual({ kind: 'open', target: 40 });
      expect(growing(40, 100)).toEqual({ kind: 'open', target: 80 });
    });

    it('lets all go when a hundred were judged, and a tenth when the list ends before that', () => {
      expect(growing(100, 800)).toEqual({ kind: 'open', target: null });
      expect(judgeCanary(ramp({ target: 40, total: 5_000, processed: 40 }))).toEqual({ kind: 'open', target: 500 });
    });

    it('waits for tickets that the phase has room for', () => {
      expect(growing(20, 5, 5)).toEqual({ kind: 'wait' });
    });
  });
});

describe('a batch without a canary', () => {
  it('is hopeless when twenty died and nothing came through', () => {
    const forgiven = { processed: 0, failed: 0 };
    expect(isHopeless({ processed: 19, failed: 19, forgiven })).toBe(false);
    expect(isHopeless({ processed: 20, failed: 20, forgiven })).toBe(true);
    expect(isHopeless({ processed: 21, failed: 20, forgiven })).toBe(false);
  });

  it('is judged anew once an operator has said to go on', () => {
    const forgiven = { processed: 30, failed: 20 };
    expect(isHopeless({ processed: 49, failed: 39, forgiven })).toBe(false);
    expect(isHopeless({ processed: 50, failed: 40, forgiven })).toBe(true);
    expect(isHopeless({ processed: 51, failed: 40, forgiven })).toBe(false);
  });
});
