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
  /** The release, the error, or `waiting`. */
  const reserve = async (
    overrides: Partial<SpendRequest> = {},
    signal = new AbortController().signal,
  ): Promise<(() => void) | UpstreamError | 'waiting'> => {
    const reservation = guard.reserve(request(overrides), signal).catch((error: unknown) => {
      if (error instanceof UpstreamError) return error;
      throw error;
    });
    return Promise.race([reservation, settled('waiting' as const)]);
  };
  const spend = (usd: number, scope = ''): void => {
    const key = `${new Date(clock.now()).toISOString().slice(0, 10)} ${scope}`;
    spent.set(key, (spent.get(key) ?? 0) + usd);
  };
  return { clock, guard, request, reserve, spend, batch };
}

const release = (reservation: (() => void) | UpstreamError | 'waiting'): void => {
  if (typeof reservation !== 'function') throw new Error('nothing was reserved', { cause: reservation });
  reservation();
};

/** After all that needs no time. */
async function settled<T>(value: T): Promise<T> {
  for (let turn = 0; turn < 10; turn += 1) await Promise.resolve();
  return value;
}

const never = new AbortController().signal;

describe('the budget of a batch', () => {
  it('is never exceeded, whatever is in flight: who may not fit waits for what that leaves over', async () => {
    const { guard, request, reserve, batch } = setUp({ budgetUsd: 3 });
    const first = await reserve({ batchId: 'b1' });
    await reserve({ batchId: 'b1' });
    await reserve({ batchId: 'b1' });
    const order: string[] = [];
    for (const name of ['one', 'two']) {
      void guard.reserve(request({ batchId: 'b1', usd: 0.8 }), never).then(() => order.push(name));
    }
    expect(await settled(order)).toEqual([]);
    batch.costUsd += 0.2;
    release(first);
    expect(await settled(order)).toEqual(['one']);
  });

  it('is spent when the next call may not fit any more, also for those who wait', async () => {
    const { guard, request, reserve, batch } = setUp({ budgetUsd: 3 });
    batch.costUsd = 1.5;
    const inFlight = await reserve({ batchId: 'b1' });
    const waiting = guard.reserve(request({ batchId: 'b1' }), never);
    batch.costUsd += 1;
    release(inFlight);
    await expect(waiting).rejects.toMatchObject({ errorClass: 'batch_budget', retryAfterMs: null });
    expect(await reserve({ batchId: 'b1' })).toMatchObject({ errorClass: 'batch_budget' });
    expect(await reserve({ batchId: 'another' })).toBeTypeOf('function');
  });

  it('counts what is on its way in consignments, which takes longer to become known', async () => {
    const { reserve, batch } = setUp({ budgetUsd: 3 });
    batch.consignedUsd = 2.5;
    expect(await reserve({ batchId: 'b1' })).toMatchObject({ errorClass: 'batch_budget', retryAfterMs: 60_000 });
    batch.costUsd = 2.5;
    expect(await reserve({ batchId: 'b1' })).toMatchObject({ errorClass: 'batch_budget', retryAfterMs: null });
  });

  it('waits no longer than it is wanted, and leaves nothing reserved', async () => {
    const { guard, request, reserve } = setUp({ budgetUsd: 1 });
    const inFlight = await reserve({ batchId: 'b1' });
    const cancel = new AbortController();
    const waiting = guard.reserve(request({ batchId: 'b1' }), cancel.signal);
    cancel.abort(new Error('cancelled'));
    await expect(waiting).rejects.toThrow('cancelled');
    release(inFlight);
    expect(await reserve({ batchId: 'b1' })).toBeTypeOf('function');
  });

  it('releases once, however often it is told', async () => {
    const { reserve } = setUp({ budgetUsd: 2 });
    const first = await reserve({ batchId: 'b1' });
    release(first);
    release(first);
    await reserve({ batchId: 'b1' });
    await reserve({ batchId: 'b1' });
    expect(await reserve({ batchId: 'b1' })).toBe('waiting');
  });
});

describe('the budget of a day', () => {
  it('stops batches first and live tickets last', async () => {
    const { reserve, spend, guard } = setUp({ dailyBudgetUsd: 10 });
    spend(7.5);
    expect(await reserve({ lane: 'batch' })).toMatchObject({ errorClass: 'budget_exhausted', upstream: 'batches' });
    expect(await reserve({ lane: 'live' })).toBeTypeOf('function');
    expect(() => guard.assertOpen('llm')).not.toThrow();
    expect(() => guard.assertOpen('batches')).toThrow(/LLM_DAILY_BUDGET_USD is \$10.00 and the 80 %/);
    spend(2);
    expect(await reserve({ lane: 'live' })).toMatchObject({ errorClass: 'budget_exhausted', upstream: 'llm' });
    expect(() => guard.assertOpen('llm')).toThrow('LLM_DAILY_BUDGET_USD');
  });

  it('is not used up by what calls in flight may cost at most', async () => {
    const { guard, request, reserve, spend } = setUp({ dailyBudgetUsd: 10 });
    spend(6.5);
    const inFlight = await reserve({ lane: 'batch' });
    const waiting = guard.reserve(request({ lane: 'batch' }), never);
    expect(() => guard.assertOpen('batches')).not.toThrow();
    spend(0.1);
    release(inFlight);
    expect(await waiting).toBeTypeOf('function');
  });

  it('begins anew at midnight UTC', async () => {
    const { reserve, spend, guard, clock } = setUp({ dailyBudgetUsd: 10 });
    spend(10);
    expect(() => guard.assertOpen('llm')).toThrow(/00:00 UTC/);
    await clock.advance(DAY_MS);
    expect(() => guard.assertOpen('llm')).not.toThrow();
    expect(await reserve()).toBeTypeOf('function');
  });

  it('is no reason to wait for a call that it can never pay: that ticket ends, and the scope stays open', async () => {
    const { reserve, guard } = setUp({ dailyBudgetUsd: 10 });
    expect(await reserve({ usd: 10.5 })).toMatchObject({
      errorClass: 'request_too_large',
      upstream: 'llm',
      message: expect.stringMatching(/\$10\.50.*LLM_DAILY_BUDGET_USD.*\$10\.00/),
    });
    expect(await reserve({ usd: 8.5, lane: 'batch' })).toMatchObject({
      errorClass: 'request_too_large',
      message: expect.stringMatching(/\$8\.50.*80 %.*LLM_DAILY_BUDGET_USD.*\$8\.00/),
    });
    expect(() => guard.assertOpen('llm')).not.toThrow();
    expect(() => guard.assertOpen('batches')).not.toThrow();
    expect(await reserve({ usd: 8.5 })).toBeTypeOf('function');
  });

  it('lets a call pass that is dearer than the share of its requester, who has had nothing today', async () => {
    const { reserve, guard, spend } = setUp({ dailyBudgetUsd: 10 });
    const dear = { requesterId: '7', usd: 4 };
    release(await reserve(dear));
    spend(3, 'zendesk 7');
    expect(await reserve(dear)).toMatchObject({ errorClass: 'gone', reason: 'requester_budget' });
    expect(() => guard.assertOpen('llm')).not.toThrow();
  });

  it('cannot be spent by one requester alone', async () => {
    const { reserve, spend } = setUp({ dailyBudgetUsd: 100 });
    const mine = { requesterId: '7', usd: 4 };
    release(await reserve(mine));
    spend(8, 'zendesk 7');
    expect(await reserve(mine)).toMatchObject({ errorClass: 'gone', reason: 'requester_budget' });
    expect(await reserve({ ...mine, requesterId: '8' })).toBeTypeOf('function');
    expect(await reserve({ ...mine, helpdesk: 'freshdesk' })).toBeTypeOf('function');
  });

  it("drops no requester's ticket for what the others in flight may cost", async () => {
    const { guard, request, reserve, spend } = setUp({ dailyBudgetUsd: 100 });
    const mine = { requesterId: '7', usd: 6 };
    const first = await reserve(mine);
    const second = guard.reserve(request(mine), never);
    expect(await reserve(mine)).toBe('waiting');
    spend(2, 'zendesk 7');
    release(first);
    expect(await second).toBeTypeOf('function');
  });

  it('bounds nothing where the price is not known, or no budget is set', async () => {
    const bounded = setUp({ dailyBudgetUsd: 1, budgetUsd: 1 });
    expect(await bounded.reserve({ usd: null, batchId: 'b1' })).toBeTypeOf('function');
    expect(await setUp().reserve({ usd: 1e9, requesterId: '7', batchId: 'b1' })).toBeTypeOf('function');
  });
});
