import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../src/core/clock.ts';
import {
  createFaultPlan,
  HELPDESK_FAULTS,
  type FaultProfile,
  type HelpdeskFault,
  type ServerFetch,
  type TransportFault,
  withFaults,
} from '../../src/sandbox/faults.ts';
import { inProcessFetch, listen } from '../../src/sandbox/server.ts';
import { fakeClock } from '../support/fake-clock.ts';

const BODY = JSON.stringify({ text: 'x'.repeat(2000) });

/** A server that counts its writes. */
function setUp() {
  const clock = fakeClock();
  const random = seededRandom(5);
  const plan = createFaultPlan<HelpdeskFault>({}, random);
  const written: string[] = [];
  const seen: (string | undefined)[] = [];
  const server: ServerFetch = withFaults({
    async handle(request, env) {
      seen.push(env.fault);
      if (request.method === 'PUT') written.push(await request.text());
      return new Response(BODY, { headers: { 'content-type': 'application/json' } });
    },
    plan,
    clock,
    random,
    isWrite: (request) => request.method === 'PUT',
    lateCommitMs: 16_000,
  });
  return { clock, plan, written, seen, server };
}

type Setup = ReturnType<typeof setUp>;

/** How a client sees one PUT: a status with its body, or the way it failed. */
async function put(call: typeof fetch, url: string, signal?: AbortSignal): Promise<string> {
  try {
    const response = await call(url, {
      method: 'PUT',
      body: 'note',
      ...(signal === undefined ? {} : { signal }),
    });
    try {
      const text = await response.text();
      return `${response.status} ${text === BODY ? 'whole' : text.slice(0, 5)}`;
    } catch (error) {
      return `${response.status} then ${error instanceof Error ? error.message : 'unknown'}`;
    }
  } catch (error) {
    return error instanceof Error ? `${error.name}: ${error.message}` : 'unknown';
  }
}

const EXPECTED: [TransportFault, RegExp, number][] = [
  ['server_error', /^50[0234] <html/, 0],
  ['reset', /^TypeError: fetch failed$/, 0],
  ['cut', /^200 then terminated$/, 1],
  ['lost_answer', /^TypeError: fetch failed$/, 1],
  ['bad_gateway_after_commit', /^502 <html/, 1],
  ['doubled_request', /^200 whole$/, 2],
];

describe.each<[string, (setup: Setup) => Promise<{ call: typeof fetch; url: string; close: () => Promise<void> }>]>([
  [
    'in process',
    async ({ server }) => ({ call: inProcessFetch(server), url: 'http://sim.test', close: async () => {} }),
  ],
  [
    'over a socket',
    async ({ server }) => {
      const listening = await listen(server);
      return { call: fetch, url: listening.url, close: () => listening.close() };
    },
  ],
])('%s', (_name, open) => {
  it.each(EXPECTED)('%s looks like %s and writes %i', async (fault, expected, writes) => {
    const setup = setUp();
    const { call, url, close } = await open(setup);
    setup.plan.failNext(fault);
    expect(await put(call, url)).toMatch(expected);
    expect(setup.written).toHaveLength(writes);
    expect(await put(call, url)).toBe('200 whole');
    expect(setup.plan.injected).toEqual({ [fault]: 1 });
    await close();
  });

  it.each(['hang', 'late_commit'] as const)('%s answers nothing until the client gives up', async (fault) => {
    const setup = setUp();
    const { call, url, close } = await open(setup);
    setup.plan.failNext(fault, ({ path }) => path === '/stuck');
    const giveUp = new AbortController();
    const outcome = put(call, `${url}/stuck`, giveUp.signal);
    const first = await Promise.race([outcome, put(call, url)]);
    expect(first).toBe('200 whole');
    giveUp.abort();
    expect(await outcome).toMatch(/^AbortError/);
    await setup.clock.advance(15_999);
    expect(setup.written).toHaveLength(1);
    await setup.clock.advance(1);
    expect(setup.written).toHaveLength(fault === 'late_commit' ? 2 : 1);
    expect(setup.written.every((body) => body === 'note')).toBe(true);
    await close();
  });

  it('answers what a test has scripted, to the request that matches', async () => {
    const setup = setUp();
    const { call, url, close } = await open(setup);
    const answer = { status: 307, headers: { location: 'https://elsewhere.example/' }, body: 'moved' };
    setup.plan.failNext(answer, ({ method, path }) => method === 'GET' && path === '/y');
    expect(await put(call, url)).toBe('200 whole');
    await expect(call(`${url}/y`, { redirect: 'error' })).rejects.toThrow('fetch failed');
    expect(setup.plan.injected).toEqual({ answer: 1 });
    await close();
  });
});

const WRITES_ONLY = ['lost_answer', 'bad_gateway_after_commit', 'late_commit', 'doubled_request'];

describe('the plan', () => {
  it('closes a listening server with requests under way', async () => {
    const setup = setUp();
    const listening = await listen(setup.server);
    const { url } = listening;
    setup.plan.failNext('hang', ({ path }) => path === '/stuck');
    const outcome = put(fetch, `${url}/stuck`);
    expect(await put(fetch, url)).toBe('200 whole');
    await listening.close();
    expect(await outcome).toBe('TypeError: fetch failed');
  });

  it('hands faults of the vendor on to the server', async () => {
    const setup = setUp();
    setup.plan.failNext('rate_limited');
    await put(inProcessFetch(setup.server), 'http://sim.test');
    expect(setup.seen).toEqual(['rate_limited']);
  });

  const draw = (profile: FaultProfile, seed: number, isWrite: boolean, times = 20_000) => {
    const plan = createFaultPlan<HelpdeskFault>(HELPDESK_FAULTS[profile], seededRandom(seed));
    const request = new Request('http://sim.test/');
    const drawn = Array.from({ length: times }, () => plan.next(request, isWrite));
    return { plan, drawn };
  };

  it('replays with its seed and makes the faults as often as their rates say', () => {
    expect(draw('heavy', 7, true).drawn).toEqual(draw('heavy', 7, true).drawn);
    expect(draw('heavy', 7, true).drawn).not.toEqual(draw('heavy', 8, true).drawn);
    const { injected } = draw('heavy', 7, true).plan;
    for (const [kind, rate] of Object.entries(HELPDESK_FAULTS.heavy)) {
      expect((injected[kind] ?? 0) / 20_000).toBeCloseTo(rate, 1.9);
    }
    expect(draw('off', 7, true).plan.injected).toEqual({});
  });

  it('is one request in five of chaos, with writes that land late or twice; mild has neither', () => {
    const { injected } = draw('chaos', 3, true).plan;
    expect(Object.values(injected).reduce((sum, count) => sum + count, 0) / 20_000).toBeCloseTo(0.2, 1.9);
    for (const kind of ['late_commit', 'doubled_request']) {
      expect(injected[kind]).toBeGreaterThan(0);
      expect(HELPDESK_FAULTS.mild).not.toHaveProperty(kind);
    }
  });

  it('never loses the answer of a read by a fault made for writes, and stops when told', () => {
    const { plan, drawn } = draw('chaos', 7, false);
    for (const kind of WRITES_ONLY) expect(drawn).not.toContain(kind);
    expect(drawn).toContain('reset');
    plan.failNext('hang');
    plan.stop();
    const after = Array.from({ length: 1000 }, () => plan.next(new Request('http://sim.test/'), true));
    expect(new Set(after)).toEqual(new Set([null]));
  });
});
