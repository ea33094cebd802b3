import { expect, it } from 'vitest';
import { estimate } from '../../src/core/estimate.ts';

const usage = { promptTokens: 1000, cachedTokens: 0, completionTokens: 200 };
const costUsd = () => 0.01;

it('names the limit that decides, and how long it takes', () => {
  const demand = [
    { limit: 'llm.requests', perMinute: 500, perTicket: 1 },
    { limit: 'zendesk.updates', perMinute: 80, perTicket: 1 },
    { limit: 'zendesk.requests', perMinute: 200, perTicket: 2.1 },
  ];
  expect(estimate({ tickets: 10_000, complete: true, usage, demand, costUsd })).toEqual({
    tickets: 10_000,
    promptTokens: 10_000_000,
    completionTokens: 2_000_000,
    costUsd: 100,
    minutes: 125,
    bound: 'zendesk.updates',
    complete: true,
  });
});

it('takes nothing for nothing, and says so where a price is not known', () => {
  const demand = [{ limit: 'llm.requests', perMinute: 500, perTicket: 1 }];
  expect(estimate({ tickets: 0, complete: true, usage, demand, costUsd })).toMatchObject({ minutes: 0, bound: null });
  const unknown = estimate({ tickets: 5, complete: false, usage, demand, costUsd: () => null });
  expect(unknown).toMatchObject({ costUsd: null, minutes: 0.1, complete: false });
});
