import { describe, expect, it } from 'vitest';
import { UpstreamError } from '../../src/core/errors.ts';
import { createSpendGuard, type SpendRequest } from '../../src/core/spend-guard.ts';
import { fakeClock } from '../support/fake-clock.ts';

const DAY_MS = 24 * 3_600_000;

function setUp({ dailyBudgetUsd = null as number | null, budgetUsd = null as number | null } = {}) {
  const clock = fakeClock();
  const spent = new Map<string, number>();
  const batch = { budgetUsd, costUsd: 0, consignedUsd: 0 };
  const guard = createSpendGuard({
    dailyBudgetUsd,
    clock,
    accounts: {
      spentOn: (day, scope) => spent.get(`${day} ${scope}`) ?? 0,
      batchAccount: (id) => (id === 'b1' ? batch : null),
      consignedUsd: () => batch.consignedUsd,
    },
  });
  const request = (overrides: Partial<SpendRequest> = {}): SpendRequest => ({
    helpdesk: 'zendesk',
    requesterId: null,
    batchId: null,
    lane: 'live',
    usd: 1,
    ...overrides,
  });
  const reserve = (overrides: Partial<SpendRequest> = {}): (() => void) | UpstreamError => {
    try {
      return guard.reserve(request(overrides));
    } catch (error) {
      if (error instanceof UpstreamError) return error;
      throw error;
    }
  };
  const spend = (usd: number, scope = ''): void => {
    const key = `${new Date(clock.now()).toISOString().slice(0, 10)} ${scope}`;
    spent.set(key, (spent.get(key) ?? 0) + usd);
  };
  return { clock, guard, reserve, spend, batch };
}

const release = (reservation: (() => void) | UpstreamError): void => {
  if (reservation instanceof UpstreamError) throw reservation;
  reservation();
};

describe('the budget of a batch', () => {
  it('is never exceeded, whatever is in flight', () => {
    const { reserve, batch } = setUp({ budgetUsd: 3 });
    const first = reserve({ batchId: 'b1' });
    reserve({ batchId: 'b1' });
    reserve({ batchId: 'b1' });
    // only calls in flight stand in the way: they may cost less than their worst
    expect(reserve({ batchId: 'b1' })).toMatchObject({ errorClass: 'batch_budget', retryAfterMs: 1000 });
    batch.costUsd += 0.2;
    release(first);
    expect(reserve({ batchId: 'b1', usd: 0.8 })).toBeTypeOf('function');
  });

  it('counts what is on its way in consignments, which takes longer to become known', () => {
    const { reserve, batch } = setUp({ budgetUsd: 3 });
    batch.consignedUsd = 2.5;
    expect(reserve({ batchId: 'b1' })).toMatchObject({ errorClass: 'batch_budget', retryAfterMs: 60_000 });
    batch.costUsd = 2.5;
    expect(reserve({ batchId: 'b1' })).toMatchObject({ errorClass: 'batch_budget', retryAfterMs: null });
  });

  it('is spent when the next call may not fit any more', () => {
    const { reserve, batch } = setUp({ budgetUsd: 3 });
    batch.costUsd = 2.5;
    expect(reserve({ batchId: 'b1' })).toMatchObject({ errorClass: 'batch_budget', retryAfterMs: null });
    expect(reserve({ batchId: 'another' })).toBeTypeOf('function');
  });

  it('releases once, however often it is told', () => {
    const { reserve } = setUp({ budgetUsd: 2 });
    const first = reserve({ batchId: 'b1' });
    release(first);
    release(first);
    reserve({ batchId: 'b1' });
    reserve({ batchId: 'b1' });
    expect(reserve({ batchId: 'b1' })).toBeInstanceOf(UpstreamError);
  });
});

describe('the budget of a day', () => {
  it('stops batches first and live tickets last', () => {
    const { reserve, spend, guard } = setUp({ dailyBudgetUsd: 10 });
    spend(7.5);
    expect(reserve({ lane: 'batch' })).toMatchObject({ errorClass: 'budget_exhausted', upstream: 'batches' });
    const inFlight = reserve({ lane: 'live' });
    spend(1);
    expect(reserve({ lane: 'live' })).toMatchObject({ errorClass: 'budget_exhausted', upstream: 'llm' });
    expect(() => guard.assertOpen('llm')).toThrow('LLM_DAILY_BUDGET_USD');
    release(inFlight);
    expect(() => guard.assertOpen('llm')).not.toThrow();
    expect(() => guard.assertOpen('batches')).toThrow(/LLM_DAILY_BUDGET_USD is \$10.00 and the 80 %/);
  });

  it('begins anew at midnight UTC', async () => {
    const { reserve, spend, guard, clock } = setUp({ dailyBudgetUsd: 10 });
    spend(10);
    expect(() => guard.assertOpen('llm')).toThrow(/00:00 UTC/);
    await clock.advance(DAY_MS);
    expect(() => guard.assertOpen('llm')).not.toThrow();
    expect(reserve()).toBeTypeOf('function');
  });

  it('cannot be spent by one requester alone', () => {
    const { reserve, spend } = setUp({ dailyBudgetUsd: 100 });
    const mine = { requesterId: '7', usd: 4 };
    release(reserve(mine));
    spend(8, 'zendesk 7');
    expect(reserve(mine)).toMatchObject({ errorClass: 'gone', reason: 'requester_budget' });
    expect(reserve({ ...mine, requesterId: '8' })).toBeTypeOf('function');
    expect(reserve({ ...mine, helpdesk: 'freshdesk' })).toBeTypeOf('function');
  });

  it('bounds nothing where the price is not known, or no budget is set', () => {
    expect(setUp({ dailyBudgetUsd: 1, budgetUsd: 1 }).reserve({ usd: null, batchId: 'b1' })).toBeTypeOf('function');
    expect(setUp().reserve({ usd: 1e9, requesterId: '7', batchId: 'b1' })).toBeTypeOf('function');
  });
});
