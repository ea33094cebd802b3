import type { BudgetRequest } from './rate-budget.ts';

/** When a large request waits for tokens, so many smaller ones may pass it, for so long (queues.md D3). */
const LOOK_AHEAD = 8;
const LOOK_AHEAD_MS = 1_000;

export interface Waiter {
  readonly request: BudgetRequest;
  grant(now: number): void;
}

/** Who waits for the budget: live before batch, each in the order they came. */
export interface GrantQueue {
  readonly size: number;
  add(waiter: Waiter): void;
  /** True when it was there. */
  remove(waiter: Waiter): boolean;
  head(): Waiter | undefined;
  /** One of the next few of the head's lane that fits although the head does not; nobody once the head has waited long. */
  passing(head: Waiter, now: number, fits: (waiter: Waiter) => boolean): Waiter | undefined;
}

export function createGrantQueue(): GrantQueue {
  const lanes = { live: new Set<Waiter>(), batch: new Set<Waiter>() };
  /** Since when a lane's head has stood there without enough tokens. */
  const blocked = new Map<string, { readonly head: Waiter; readonly since: number }>();
  return {
    get size() {
      return lanes.live.size + lanes.batch.size;
    },
    add: (waiter) => void lanes[waiter.request.lane].add(waiter),
    remove: (waiter) => lanes[waiter.request.lane].delete(waiter),
    head: () => first(lanes.live) ?? first(lanes.batch),
    passing: (head, now, fits) => {
      const { lane } = head.request;
      if (blocked.get(lane)?.head !== head) blocked.set(lane, { head, since: now });
      if (now - (blocked.get(lane)?.since ?? now) > LOOK_AHEAD_MS) return undefined;
      let looked = 0;
      for (const waiter of lanes[lane]) {
        if (looked++ > LOOK_AHEAD) return undefined;
        if (waiter !== head && fits(waiter)) return waiter;
      }
      return undefined;
    },
  };
}

function first(waiters: ReadonlySet<Waiter>): Waiter | undefined {
  return waiters.values().next().value;
}
