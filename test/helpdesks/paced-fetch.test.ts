import { describe, expect, it, vi } from 'vitest';
import { createPacedFetch, type Lesson, type PacedCall, type PacedFetch } from '../../src/helpdesks/paced-fetch.ts';
import { type FakeClock, fakeClock } from '../support/fake-clock.ts';
import { failure, json, never } from './deps.ts';

type Name = 'requests' | 'update';

interface Setup {
  readonly paced: PacedFetch<Name>;
  readonly clock: FakeClock;
  /** Paths in the order they were sent. */
  readonly sent: string[];
  readonly call: (change?: Partial<PacedCall<Name>>, signal?: AbortSignal) => Promise<unknown>;
}

function setup(
  budgets: Record<Name, number>,
  respond: (path: string) => Response | Promise<Response> = () => json({}),
  learn: (headers: Headers) => Lesson<Name>[] = () => [],
  clock: FakeClock = fakeClock(),
): Setup {
  const sent: string[] = [];
  const paced = createPacedFetch<Name>({
    upstream: 'desk',
    clock,
    timeoutMs: 3_600_000,
    random: () => 0,
    budgets,
    learn,
    fetch: async (input) => {
      const { pathname } = new URL(input instanceof Request ? input.url : input);
      sent.push(pathname);
      return respond(pathname);
    },
  });
  return {
    paced,
    clock,
    sent,
    call: (change = {}, signal = never) =>
      paced.call({ method: 'GET', url: 'https://desk.test/x', headers: {}, budgets: ['requests'], ...change }, signal),
  };
}

/** Bottleneck hands its jobs on in timer turns; waits until what it may start has started. */
const started = (sent: readonly string[], count: number): Promise<void> =>
  vi.waitFor(() => expect(sent).toHaveLength(count), { timeout: 2000, interval: 1 });

/** Gives bottleneck the turns in which it would start too much. */
async function turns(): Promise<void> {
  for (let turn = 0; turn < 40; turn++)
    await new Promise<void>((resolve) => {
      setTimeout(resolve, 0);
    });
}

describe('pacing', () => {
  it('starts a small burst at once and the rest at the rate, neither faster nor slower', async () => {
    // 120 a minute: 2 a second, burst of 4
    const { call, sent, clock, paced } = setup({ requests: 120, update: 120 });
    const all = Promise.all(Array.from({ length: 10 }, () => call()));
    await started(sent, 4);
    await turns();
    expect(sent).toHaveLength(4);
    for (const expected of [6, 8, 10]) {
      await clock.advance(1000);
      await started(sent, expected);
      await turns();
      expect(sent).toHaveLength(expected);
    }
    await all;
    expect(paced.snapshot('requests')).toMatchObject({ perMinute: 120, used: 10, free: 0 });
  });

  it('saves up no more than the burst in a quiet time, and forgets what was used a minute ago', async () => {
    const { call, sent, clock, paced } = setup({ requests: 60, update: 60 });
    await call();
    await clock.advance(600_000);
    expect(paced.snapshot('requests')).toMatchObject({ perMinute: 60, used: 0, free: 3, pausedUntil: null });
    const all = Promise.all(Array.from({ length: 5 }, () => call()));
    await started(sent, 4);
    await turns();
    expect(sent).toHaveLength(4);
    await clock.advance(2000);
    await all;
    expect(sent).toHaveLength(6);
  });

  it('row 3: a call spends as many credits as the vendor charges for it', async () => {
    const { call, sent, clock } = setup({ requests: 60, update: 60 });
    const all = Promise.all([call({ cost: 3 }), call({ cost: 2 }), call({ cost: 1 })]);
    await started(sent, 1);
    await clock.advance(1000);
    await turns();
    expect(sent).toHaveLength(1);
    await clock.advance(1000);
    await started(sent, 2);
    await clock.advance(1000);
    await all;
  });

  it('row 2: updates wait for their own budget and hold up no reads', async () => {
    const { call, sent, clock, paced } = setup({ requests: 600, update: 60 });
    const updates = Array.from({ length: 6 }, () =>
      call({ url: 'https://desk.test/put', budgets: ['update', 'requests'] }),
    );
    await started(sent, 3);
    expect(paced.snapshot('update')).toMatchObject({ used: 3, free: 0 });
    await Promise.all(Array.from({ length: 10 }, () => call({ url: 'https://desk.test/get' })));
    expect(sent.filter((path) => path === '/get')).toHaveLength(10);
    expect(sent.filter((path) => path === '/put')).toHaveLength(3);
    expect(paced.snapshot('requests').used).toBe(13);
    await clock.advance(3000);
    await Promise.all(updates);
  });

  it('what waits goes by priority, not by arrival', async () => {
    const { call, sent, clock } = setup({ requests: 60, update: 60 });
    const first = Promise.all([call(), call(), call()]);
    await first;
    const all = Promise.all(
      [
        ['/sweep', 8],
        ['/draft', 5],
        ['/post', 1],
      ].map(([path, priority]) => call({ url: `https://desk.test${path}`, priority: Number(priority) })),
    );
    await turns();
    await clock.advance(1000);
    await started(sent, 4);
    await clock.advance(1000);
    await started(sent, 5);
    await clock.advance(1000);
    await all;
    expect(sent.slice(3)).toEqual(['/post', '/draft', '/sweep']);
  });

  it('lets go at once who stops waiting, and gives the place back', async () => {
    const { call, sent, clock, paced } = setup({ requests: 60, update: 60 });
    await Promise.all([call(), call(), call()]);
    const controller = new AbortController();
    const stopped = failure(call({ url: 'https://desk.test/stopped' }, controller.signal));
    const patient = call({ url: 'https://desk.test/patient' });
    await turns();
    controller.abort();
    expect((await stopped).errorClass).toBe('cancelled');
    await clock.advance(1000);
    await patient;
    expect(sent).not.toContain('/stopped');
    await clock.advance(1000);
    expect(paced.snapshot('requests').free).toBe(1);
  });

  it('goes on when the wall clock is set back, where bottleneck alone would wait for it', async () => {
    const steady = fakeClock();
    let stepped = 0;
    const clock: FakeClock = { ...steady, now: () => steady.now() - stepped };
    const { call, sent } = setup({ requests: 60, update: 60 }, undefined, undefined, clock);
    const all = Promise.all(Array.from({ length: 5 }, () => call()));
    await started(sent, 3);
    const realNow = Date.now;
    // bottleneck reads the wall clock itself
    const spy = vi.spyOn(Date, 'now').mockImplementation(() => realNow() - stepped);
    try {
      stepped = 7_200_000;
      await steady.advance(1000);
      await started(sent, 4);
      await steady.advance(1000);
      await all;
      await steady.advance(1000);
      await call();
      expect(sent).toHaveLength(6);
    } finally {
      spy.mockRestore();
    }
  });
});

describe('pauses', () => {
  it('a 429 stops its budget for as long as the server says, then starts again at the rate', async () => {
    let limited = true;
    const { call, sent, clock, paced } = setup({ requests: 120, update: 120 }, () =>
      limited ? json({}, 429, { 'retry-after': '30' }) : json({}),
    );
    const error = await failure(call());
    expect(error).toMatchObject({ errorClass: 'rate_limited', retryAfterMs: 30_000 });
    expect(paced.snapshot('requests')).toMatchObject({ free: 0, pausedUntil: clock.steady() + 30_000 });
    limited = false;
    const all = Promise.all(Array.from({ length: 4 }, () => call()));
    await clock.advance(29_000);
    await turns();
    expect(sent).toHaveLength(1);
    await clock.advance(2000);
    await started(sent, 3);
    await turns();
    expect(sent).toHaveLength(3);
    await clock.advance(1000);
    await all;
    expect(paced.snapshot('requests').pausedUntil).toBeNull();
  });

  it('a 429 that does not say how long pauses for ten seconds (E8)', async () => {
    const { call, clock, paced } = setup({ requests: 120, update: 120 }, () => json({}, 429));
    expect((await failure(call())).retryAfterMs).toBeNull();
    expect(paced.snapshot('requests').pausedUntil).toBe(clock.steady() + 10_000);
  });

  it('a 429 on an update leaves reads going', async () => {
    const { call, paced } = setup({ requests: 120, update: 120 }, (path) =>
      path === '/put' ? json({}, 429, { 'retry-after': '30' }) : json({}),
    );
    await failure(call({ url: 'https://desk.test/put', budgets: ['update', 'requests'] }));
    expect(paced.snapshot('update').pausedUntil).not.toBeNull();
    expect(paced.snapshot('requests').pausedUntil).toBeNull();
    await call();
  });

  it('learns a lower limit from headers, never a higher one, and heeds an empty bucket', async () => {
    const clock = fakeClock();
    let told: Lesson<Name>[] = [{ budget: 'update', perMinute: 20 }];
    const { call, paced } = setup({ requests: 100_000, update: 80 }, undefined, () => told, clock);
    await call();
    expect(paced.snapshot('update').perMinute).toBe(20);
    told = [{ budget: 'update', perMinute: 300 }];
    await call();
    expect(paced.snapshot('update').perMinute).toBe(80);
    told = [{ budget: 'requests', perMinute: 60 }];
    await call();
    expect(paced.snapshot('requests')).toMatchObject({ perMinute: 60, free: 3 });
    told = [{ budget: 'requests', exhaustedForMs: 41_000 }];
    await call();
    expect(paced.snapshot('requests')).toMatchObject({ free: 0, pausedUntil: clock.steady() + 41_000 });
  });
});

describe('cost of pacing', () => {
  it('costs nothing where limits are lifted: 2,000 calls without a timer turn of bottleneck', async () => {
    const { call, sent, paced } = setup({ requests: 100_000, update: 100_000 });
    let turn = 0;
    const ticking = setInterval(() => {
      turn += 1;
    }, 1);
    await Promise.all(Array.from({ length: 2000 }, () => call({ budgets: ['update', 'requests'] })));
    clearInterval(ticking);
    expect(sent).toHaveLength(2000);
    expect(paced.snapshot('requests').used).toBe(2000);
    // bottleneck would need two turns a call: 4,000 of 1 ms each
    expect(turn).toBeLessThan(1000);
  });
});
