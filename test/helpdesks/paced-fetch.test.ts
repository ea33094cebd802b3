import { describe, expect, it, vi } from 'vitest';
import { createPacedFetch, type Lesson, type PacedCall, type PacedFetch } from '../../src/helpdesks/paced-fetch.ts';
import { type FakeClock, fakeClock, tickingClock } from '../support/fake-clock.ts';
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
  refusedBy?: () => Name | null,
): Setup {
  const sent: string[] = [];
  const paced = createPacedFetch<Name>({
    upstream: 'desk',
    clock,
    timeoutMs: 3_600_000,
    random: () => 0,
    budgets,
    learn,
    ...(refusedBy === undefined ? {} : { refusedBy }),
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
      paced.call(
        { method: 'GET', url: 'https://desk.test/x', headers: {}, budgets: ['requests'], step: 'read', ...change },
        signal,
      ),
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

  it('what waits goes by lane, then by step, then by arrival', async () => {
    const { call, sent, clock } = setup({ requests: 60, update: 60 });
    await Promise.all([call(), call(), call()]);
    const waiting = [
      ['list', 'live', 'sweep'],
      ['read', 'batch', 'batch-read'],
      ['look', 'batch', 'batch-look'],
      ['post', 'batch', 'batch-post'],
      ['read', undefined, 'read'],
      ['read', 'live', 'second-read'],
      ['look', 'live', 'look'],
      ['post', 'live', 'post'],
    ] as const;
    const all = Promise.all(
      waiting.map(([step, lane, name]) => call({ url: `https://desk.test/${name}`, step, lane })),
    );
    for (let count = 4; count <= 11; count++) {
      await clock.advance(1000);
      await started(sent, count);
    }
    await all;
    expect(sent.slice(3)).toEqual([
      '/post',
      '/look',
      '/read',
      '/second-read',
      '/batch-post',
      '/batch-look',
      '/batch-read',
      '/sweep',
    ]);
  });

  it('a note in want of a request gets the next one, however time goes on while budgets are asked', async () => {
    const { call, sent, clock } = setup({ requests: 60, update: 60 }, undefined, undefined, tickingClock());
    await Promise.all([call(), call(), call()]);
    const all = Promise.all([
      ...Array.from({ length: 3 }, () => call({ url: 'https://desk.test/read', lane: 'batch' })),
      call({ url: 'https://desk.test/note', budgets: ['update', 'requests'], step: 'post', lane: 'batch' }),
    ]);
    await clock.advance(1010);
    await started(sent, 4);
    expect(sent.at(-1)).toBe('/note');
    await clock.advance(4000);
    await all;
  });

  it('a dear call at the head of the line is not starved by cheap ones behind it', async () => {
    const { call, sent, clock } = setup({ requests: 60, update: 60 });
    await Promise.all([call(), call(), call()]);
    const all = Promise.all([
      call({ url: 'https://desk.test/dear', cost: 3, step: 'look' }),
      ...Array.from({ length: 3 }, () => call({ url: 'https://desk.test/cheap' })),
    ]);
    await clock.advance(2999);
    await turns();
    expect(sent).toHaveLength(3);
    await clock.advance(1);
    await started(sent, 4);
    expect(sent.at(-1)).toBe('/dear');
    await clock.advance(3000);
    await all;
  });

  it('asks for the address only when the call starts', async () => {
    const { call, sent, clock } = setup({ requests: 60, update: 60 });
    await Promise.all([call(), call(), call()]);
    let name = 'early';
    const late = call({ url: () => `https://desk.test/${name}` });
    name = 'late';
    await clock.advance(1000);
    await late;
    expect(sent.at(-1)).toBe('/late');
  });

  it('10,000 callers who wait leave one by one in linear time, and no timer stays behind', async () => {
    const { call, sent, clock } = setup({ requests: 60, update: 60 });
    await Promise.all([call(), call(), call()]);
    const controllers = Array.from({ length: 10_000 }, () => new AbortController());
    const stopped = Promise.allSettled(controllers.map(({ signal }) => call({ lane: 'batch' }, signal)));
    await turns();
    const before = process.cpuUsage();
    for (const controller of controllers) controller.abort();
    const results = await stopped;
    const { user, system } = process.cpuUsage(before);
    expect(results.every(({ status }) => status === 'rejected')).toBe(true);
    // some 60 ms; searching a line for each who leaves would be seconds
    expect((user + system) / 1000).toBeLessThan(1000);
    expect(clock.pending()).toBe(0);
    expect(sent).toHaveLength(3);
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

  it('a 429 that is about one ticket pauses nobody', async () => {
    const clock = fakeClock();
    const { call, paced } = setup(
      { requests: 120, update: 120 },
      () => json({}, 429, { 'retry-after': '600' }),
      undefined,
      clock,
      () => null,
    );
    expect((await failure(call())).retryAfterMs).toBe(600_000);
    expect(paced.snapshot('requests').pausedUntil).toBeNull();
  });

  it('learns a lower limit from headers, less a tenth for others, never a higher one, and heeds an empty bucket', async () => {
    const clock = fakeClock();
    let told: Lesson<Name>[] = [{ budget: 'update', total: 20 }];
    const { call, paced } = setup({ requests: 100_000, update: 80 }, undefined, () => told, clock);
    await call();
    expect(paced.snapshot('update')).toMatchObject({ perMinute: 18, learned: 20, reserved: 2 });
    told = [{ budget: 'update', total: 300 }];
    await call();
    expect(paced.snapshot('update')).toMatchObject({ perMinute: 80, learned: 300, reserved: 30 });
    told = [{ budget: 'requests', total: 60 }];
    await call();
    expect(paced.snapshot('requests')).toMatchObject({ perMinute: 54, free: 3 });
    told = [{ budget: 'requests', remaining: 0, resetsInMs: 41_000 }];
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
