import { seededRandom } from '../../src/core/clock.ts';
import { createRateBudget, type RateBudgetOptions } from '../../src/core/gcra-budget.ts';
import type { ProviderLimits } from '../../src/core/language-model.ts';
import type { RateBudget } from '../../src/core/rate-budget.ts';

/** How often the rival looks whether it may call. */
const RIVAL_STEP_MS = 10;

type Range = readonly [low: number, high: number];

/** A server that charges on arrival and refuses whatever its buckets cannot pay. */
export interface SimulatedServer {
  readonly requestsPerMinute: number;
  readonly tokensPerMinute: number;
  /** Depth of both buckets, seconds of their rate; `window` = a counter that starts anew every minute instead. */
  readonly depthSeconds: number | 'window';
  readonly refunds?: boolean;
  /** Tells its limits and what remains. Default true. */
  readonly tells?: boolean;
}

export interface SimulatedLoad {
  readonly calls: number;
  readonly prompt: Range;
  /** Our estimate over the true count. */
  readonly estimate: Range;
  readonly maxOutput: number;
  readonly output: Range;
  readonly latencyMs: Range;
  readonly workers: number;
}

export interface Simulation {
  readonly server: SimulatedServer;
  readonly load: SimulatedLoad;
  readonly seed: number;
  /** Requests a second that somebody else sends with the same key, by the second. */
  readonly rival?: (second: number) => number;
  readonly budget?: Partial<RateBudgetOptions>;
  readonly watch?: (second: number, budget: RateBudget) => void;
}

export interface SimulationResult {
  /** When each refusal was given, ms from the start. */
  readonly refusals: readonly number[];
  /** Calls that the server took, by the second. */
  readonly taken: readonly number[];
  /** Shortest time the limits allow for the work that was done, ms, over the time of the last call's arrival. */
  readonly use: number;
  /** The same with the server's first full bucket counted as given. */
  readonly useAfterBurst: number;
  readonly refundFactor: number;
}

/**
 * A queue of timed events, as a budget's clock: no promises to settle between events but those of the budget itself, so
 * that tens of thousands of calls take well under a second.
 */
function eventQueue() {
  const heap: { at: number; order: number; run: (() => void) | null }[] = [];
  let time = 0;
  let order = 0;
  const before = (one: number, other: number): boolean => {
    const [left, right] = [heap[one], heap[other]];
    if (left === undefined || right === undefined) return left !== undefined;
    return left.at < right.at || (left.at === right.at && left.order < right.order);
  };
  const swap = (one: number, other: number): void => {
    const [left, right] = [heap[one], heap[other]];
    if (left === undefined || right === undefined) return;
    heap[one] = right;
    heap[other] = left;
  };
  const push = (at: number, run: () => void) => {
    const entry: (typeof heap)[number] = { at, order: order++, run };
    heap.push(entry);
    for (let index = heap.length - 1; index > 0;) {
      const parent = (index - 1) >>> 1;
      if (!before(index, parent)) break;
      swap(index, parent);
      index = parent;
    }
    return entry;
  };
  const pop = () => {
    swap(0, heap.length - 1);
    const top = heap.pop();
    for (let index = 0; ;) {
      const left = 2 * index + 1;
      const least = before(left + 1, left) ? left + 1 : left;
      if (left >= heap.length || !before(least, index)) return top;
      swap(least, index);
      index = least;
    }
  };
  return {
    clock: {
      now: () => time,
      steady: () => time,
      sleep: () => Promise.resolve(),
      // real timers fire late
      after: (ms: number, run: () => void) => {
        const entry = push(time + ms + 2, run);
        return () => void (entry.run = null);
      },
    },
    at: (ms: number, run: () => void) => void push(time + ms, run),
    async run(done: () => boolean): Promise<void> {
      for (;;) {
        for (let turn = 0; turn < 3; turn += 1) await Promise.resolve();
        if (heap.length === 0 || done()) return;
        const next = pop();
        if (next?.run === null || next === undefined) continue;
        time = next.at;
        next.run();
      }
    },
  };
}

function bucketOf(perMinute: number, depthSeconds: number | 'window', now: () => number) {
  const windowed = depthSeconds === 'window';
  const depth = windowed ? perMinute : Math.max(1, (perMinute * depthSeconds) / 60);
  let level = depth;
  let at = 0;
  const read = (): number => {
    const flowed = windowed
      ? (Math.floor(now() / 60_000) - Math.floor(at / 60_000)) * depth
      : ((now() - at) * perMinute) / 60_000;
    level = Math.min(depth, level + flowed);
    at = now();
    return level;
  };
  return {
    depth: windowed ? 0 : depth,
    read,
    // a call larger than the bucket is let through by a full one
    fits: (amount: number) => read() + 1e-6 >= Math.min(amount, depth),
    take: (amount: number) => (level = Math.max(-depth, Math.min(depth, read() - amount))),
    waitMs: (amount: number) => Math.max(0, ((Math.min(amount, depth) - read()) * 60_000) / perMinute),
  };
}

function serverOf(options: SimulatedServer, now: () => number) {
  const requests = bucketOf(options.requestsPerMinute, options.depthSeconds, now);
  const tokens = bucketOf(options.tokensPerMinute, options.depthSeconds, now);
  const limits = (): ProviderLimits | null => {
    if (options.tells === false) return null;
    return {
      limitRequests: options.requestsPerMinute,
      limitTokens: options.tokensPerMinute,
      remainingRequests: Math.max(0, Math.floor(requests.read())),
      remainingTokens: Math.max(0, Math.floor(tokens.read())),
      resetRequestsMs: null,
      resetTokensMs: null,
    };
  };
  return {
    requests,
    tokens,
    limits,
    arrive: (cost: number): boolean => {
      const fits = requests.fits(1) && tokens.fits(cost);
      // refused requests have counted, too
      requests.take(1);
      if (fits) tokens.take(cost);
      return fits;
    },
    finish: (unused: number) => {
      if (options.refunds === true) tokens.take(-unused);
    },
  };
}

/** Runs a load through a budget against a strict server, in virtual time. */
export async function simulate({
  server,
  load,
  seed,
  rival,
  budget: own,
  watch,
}: Simulation): Promise<SimulationResult> {
  const random = seededRandom(seed);
  const queue = eventQueue();
  const now = queue.clock.now;
  const strict = serverOf(server, now);
  const budget = createRateBudget({
    requestsPerMinute: server.requestsPerMinute,
    tokensPerMinute: server.tokensPerMinute,
    configured: { requests: true, tokens: true },
    clock: queue.clock,
    random,
    ...own,
  });
  const never = new AbortController().signal;
  const between = ([low, high]: Range) => low + random() * (high - low);
  const refusals: number[] = [];
  const taken: number[] = [];
  let left = load.calls;
  let open = 0;
  let lastArrival = 0;
  /** What the server holds of its tokens, all in all, and by the time of the last call that it took. */
  let charged = 0;
  let chargedAtLast = 0;

  const work = (): void => {
    if (left === 0) return;
    left -= 1;
    open += 1;
    const promptTokens = Math.round(between(load.prompt));
    const estimated = Math.round(promptTokens * between(load.estimate));
    const output = Math.round(between(load.output));
    call({ promptTokens, estimated, output });
  };
  const call = (ticket: { promptTokens: number; estimated: number; output: number }): void => {
    const request = { promptTokens: ticket.estimated, maxOutputTokens: load.maxOutput, lane: 'batch' } as const;
    void budget.acquire(request, never).then((grant) =>
      // on the way: 5 to 40 ms
      queue.at(5 + random() * 35, () => {
        const cost = ticket.promptTokens + load.maxOutput;
        const fits = strict.arrive(cost);
        const limits = strict.limits();
        if (!fits) {
          refusals.push(now());
          const waitMs = Math.max(strict.requests.waitMs(1), strict.tokens.waitMs(cost));
          queue.at(5 + random() * 20, () => {
            grant.settle({ limits, refused: 'rate_limited' });
            budget.pause(waitMs, 'rate_limited');
            call(ticket);
          });
          return;
        }
        lastArrival = now();
        taken[Math.floor(now() / 1000)] = (taken[Math.floor(now() / 1000)] ?? 0) + 1;
        charged += cost;
        chargedAtLast = charged;
        queue.at(between(load.latencyMs), () => {
          strict.finish(load.maxOutput - ticket.output);
          if (server.refunds === true) charged -= load.maxOutput - ticket.output;
          const usage = { promptTokens: ticket.promptTokens, cachedTokens: 0, completionTokens: ticket.output };
          queue.at(5 + random() * 20, () => {
            grant.settle({ usage, limits });
            open -= 1;
            work();
          });
        });
      }),
    );
  };
  if (rival !== undefined) {
    // in small steps: the rate may change between two of its calls
    let due = 0;
    const step = (): void => {
      due += (rival(now() / 1000) * RIVAL_STEP_MS) / 1000;
      for (; due >= 1; due -= 1) strict.arrive(1);
      queue.at(RIVAL_STEP_MS, step);
    };
    step();
  }
  if (watch !== undefined) {
    const step = (): void => {
      watch(now() / 1000, budget);
      queue.at(1000, step);
    };
    step();
  }
  for (let index = 0; index < load.workers; index += 1) work();
  await queue.run(() => open === 0);
  const ideal = (first: number): number =>
    Math.max(
      ((load.calls - first * strict.requests.depth) * 60_000) / server.requestsPerMinute,
      ((chargedAtLast - first * strict.tokens.depth) * 60_000) / server.tokensPerMinute,
    );
  return {
    refusals,
    taken: Array.from({ length: Math.ceil(lastArrival / 1000) }, (_, second) => taken[second] ?? 0),
    use: ideal(0) / lastArrival,
    useAfterBurst: ideal(1) / lastArrival,
    refundFactor: budget.snapshot().refundFactor,
  };
}
