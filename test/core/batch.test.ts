import { describe, expect, it } from 'vitest';
import { isHopeless, judgeCanary, nextTarget, type RampUp } from '../../src/core/batch.ts';

const ramp = (overrides: Partial<RampUp>): RampUp => ({
  canary: { size: 20, maxErrorRate: 0.1 },
  target: 20,
  total: 1000,
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
    expect(nextTarget(20, 10_000)).toBe(1000);
    expect(nextTarget(20, 200)).toBeNull();
    expect(nextTarget(1000, 10_000)).toBeNull();
  });
});

describe('a batch without a canary', () => {
  it('is hopeless when twenty died and nothing came through', () => {
    expect(isHopeless(19, 19)).toBe(false);
    expect(isHopeless(20, 20)).toBe(true);
    expect(isHopeless(21, 20)).toBe(false);
  });
});
