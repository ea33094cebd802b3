import { describe, expect, it } from 'vitest';
import { costUsd } from '../../src/llms/pricing.ts';

const usage = { promptTokens: 1_000_000, cachedTokens: 400_000, completionTokens: 100_000 };

describe('costUsd', () => {
  it('charges fresh input, cached input and output each at its price', () => {
    expect(costUsd('gpt-6-luna', usage)).toBeCloseTo(0.6 * 0.1 + 0.4 * 0.01 + 0.1 * 0.5, 9);
  });

  it.each(['flex', 'batch'] as const)('charges half for %s', (tier) => {
    expect(costUsd('gpt-6-luna', usage, tier)).toBeCloseTo((costUsd('gpt-6-luna', usage) ?? 0) / 2, 12);
  });

  it('knows a dated name by its base', () => {
    expect(costUsd('gpt-6-luna-2026-09-22', usage)).toBe(costUsd('gpt-6-luna', usage));
  });

  it.each(['llama3.2:3b', '', 'constructor', 'gpt-6-luna-mini', 'gpt-6-luna-2026'])(
    'does not guess for %j',
    (model) => {
      expect(costUsd(model, usage)).toBeNull();
    },
  );

  it('never charges less than nothing when a server tells more cached than read', () => {
    expect(costUsd('gpt-6-luna', { promptTokens: 10, cachedTokens: 50, completionTokens: 0 })).toBeCloseTo(1e-7, 12);
  });
});
