import type { Actor, Scheduler } from './scheduler.ts';
import type { Reply, Vendor } from './vendors.ts';
import { vendorDate } from './vendors.ts';

/** What can go wrong with a call. */
const FAULTS = [
  'refused',
  'reset',
  'answer lost',
  'bad gateway after the write',
  'never answered',
  'nonsense after the write',
  'late',
  'too late',
  'doubled',
  '429',
  '503',
  '401',
] as const;

export type Fault = (typeof FAULTS)[number];

export interface WireOptions {
  readonly scheduler: Scheduler;
  readonly vendors: readonly Vendor[];
  /** Share of calls with a fault, 0 to 1. */
  readonly faultRate: () => number;
  /** Of the client, ms. */
  readonly timeoutMs: number;
  /** A write that takes effect later than this after it was sent is out of what anybody can wait for, ms. */
  readonly quarantineMs: number;
  /** A change leaves a process. */
  readonly onSend: (actor: Actor, sent: Sent) => void;
}

export interface Sent {
  readonly vendor: Vendor;
  readonly method: string;
  readonly url: URL;
  readonly body: string;
  readonly fault: Fault | null;
}

/** The network between a process and the vendors: answers come late, or never, or the request twice. */
export function createWire(options: WireOptions): (actor: Actor) => typeof fetch {
  const { scheduler, vendors, timeoutMs, quarantineMs } = options;
  const { random, now, add } = scheduler;
  const wire: Actor = { name: 'wire', state: 'running' };
  const between = (low: number, high: number): number => Math.round(low + random() * (high - low));

  const pickFault = (vendor: Vendor, method: string): Fault | null => {
    if (random() >= options.faultRate()) return null;
    const fault = FAULTS[Math.floor(random() * FAULTS.length)] ?? null;
    // machines resend what is idempotent by its method (reliability.md §2, case 3)
    if (fault === 'doubled' && method === 'POST') return 'late';
    // a second copy of a whole note is as good as the first
    if (fault === 'doubled' && vendor.name === 'freshdesk' && method !== 'GET') return 'answer lost';
    return fault;
  };

  return (actor) => (input, init) =>
    new Promise((resolve, reject) => {
      const url = new URL(input instanceof Request ? input.url : input);
      const vendor = vendors.find(({ name }) => url.hostname.includes(name));
      if (vendor === undefined) throw new Error(`nobody answers at ${url.hostname}`);
      const method = init?.method ?? 'GET';
      const body = typeof init?.body === 'string' ? init.body : '';
      const what = `${vendor.name} ${method} ${url.pathname.slice('/api/v2'.length)}`;
      const fault = pickFault(vendor, method);
      if (method !== 'GET') options.onSend(actor, { vendor, method, url, body, fault });
      scheduler.note(`${actor.name}: sends ${what}${fault === null ? '' : ` (${fault})`}`);
      const { signal } = init ?? {};
      signal?.addEventListener('abort', () => reject(new DOMException('aborted', 'AbortError')), { once: true });

      const act = (delayMs: number, then: (reply: Reply) => void = () => undefined): void =>
        void add(wire, now() + delayMs, what, () => {
          const reply = vendor.handle(method, url, body === '' ? undefined : JSON.parse(body));
          scheduler.note(`${what} is ${reply.status}`);
          then(reply);
        });
      const answer = (delayMs: number, reply: Reply, headers: Record<string, string> = {}): void =>
        void add(actor, now() + delayMs, `answer ${reply.status} to ${what}`, () =>
          resolve(asResponse(reply, { date: vendorDate(now()), ...headers })),
        );
      const fail = (delayMs: number, code: string): void =>
        void add(actor, now() + delayMs, `${code} at ${what}`, () =>
          reject(new TypeError('fetch failed', { cause: Object.assign(new Error(code), { code }) })),
        );

      switch (fault) {
        case null:
          return act(between(1, 200), (reply) => answer(between(1, 400), reply));
        case 'refused':
          return fail(between(1, 50), 'ECONNREFUSED');
        case 'reset':
          return fail(between(1, 500), 'ECONNRESET');
        case 'answer lost':
          return act(between(1, 200), () => fail(between(1, 400), 'ECONNRESET'));
        case 'bad gateway after the write':
          return act(between(1, 200), () => answer(between(1, 400), { status: 502 }));
        case 'nonsense after the write':
          return act(between(1, 200), () => answer(between(1, 400), { status: 200 }));
        case 'never answered':
          return act(between(1, timeoutMs));
        case 'late':
          if (random() < 0.5) answer(between(1, 500), { status: 504 });
          return act(between(timeoutMs / 4, quarantineMs * 0.95));
        case 'too late':
          return act(between(quarantineMs * 1.5, quarantineMs * 4));
        case 'doubled':
          act(between(1, 20_000));
          return act(between(1, 200), (reply) => answer(between(1, 400), reply));
        case '429':
          return answer(between(1, 100), { status: 429 }, random() < 0.7 ? { 'retry-after': '2' } : {});
        case '503':
          return answer(between(1, 100), { status: 503 });
        case '401':
          return answer(between(1, 100), { status: 401 });
      }
    });
}

function asResponse({ status, body }: Reply, headers: Record<string, string>): Response {
  if (body === undefined) return new Response(null, { status, headers });
  const text = JSON.stringify(body);
  const length = String(Buffer.byteLength(text));
  return new Response(text, { status, headers: { ...headers, 'content-length': length } });
}
