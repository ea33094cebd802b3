import type { HttpBindings } from '@hono/node-server';
import type { Clock, Random } from '../core/clock.ts';

/** Which random faults a simulator makes. `chaos`: one request in five, also those that no client can prevent. */
export const FAULT_PROFILES = ['off', 'mild', 'heavy', 'chaos'] as const;

export type FaultProfile = (typeof FAULT_PROFILES)[number];

/**
 * Faults of any HTTP server. `lost_answer`, `bad_gateway_after_commit` and `late_commit` lose or delay the answer of a
 * write that happens all the same: the last answers nothing and writes after the client has given up. With
 * `doubled_request` a proxy sends a write twice; the client sees the second answer.
 */
export type TransportFault =
  | 'server_error'
  | 'reset'
  | 'cut'
  | 'hang'
  | 'lost_answer'
  | 'bad_gateway_after_commit'
  | 'late_commit'
  | 'doubled_request';

/** Answered by the vendor's own code, in the vendor's shape. */
export type HelpdeskFault = TransportFault | 'rate_limited';

/** An answer given instead of the simulator's own: for odd headers, redirects, HTML with status 200. */
export interface ScriptedAnswer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** Which request a scripted fault waits for. */
export type RequestMatcher = (request: { readonly method: string; readonly path: string }) => boolean;

/** Probability of each fault per request. */
export type FaultRates<Kind extends string> = Partial<Record<Kind, number>>;

/** Decides which request fails how: scripted faults first, then the seeded random ones. */
export interface FaultPlan<Kind extends string> {
  /** Makes exactly one request fail, the next one that matches. */
  failNext(fault: Kind | ScriptedAnswer, matches?: RequestMatcher): void;
  /** Draws for one request. Faults after a write are kept for writes. */
  next(request: Request, isWrite: boolean): Kind | ScriptedAnswer | null;
  /** Ends all faults, scripted and random. */
  stop(): void;
  /** How often each fault was made. */
  readonly injected: Readonly<Record<string, number>>;
}

const WRITES_ONLY = new Set<string>(['lost_answer', 'bad_gateway_after_commit', 'late_commit', 'doubled_request']);

/** The random faults of simulated helpdesks. `heavy` has the figures of the exactly-once test. */
export const HELPDESK_FAULTS: Readonly<Record<FaultProfile, FaultRates<HelpdeskFault>>> = {
  off: {},
  mild: {
    rate_limited: 0.01,
    server_error: 0.015,
    reset: 0.01,
    cut: 0.005,
    hang: 0.001,
    lost_answer: 0.01,
    bad_gateway_after_commit: 0.005,
  },
  heavy: {
    rate_limited: 0.04,
    server_error: 0.04,
    reset: 0.04,
    cut: 0.02,
    hang: 0.01,
    lost_answer: 0.05,
    bad_gateway_after_commit: 0.03,
    late_commit: 0.03,
  },
  // a 429 makes everybody wait: a few show as much as many, and the other faults get their turn
  chaos: {
    rate_limited: 0.005,
    server_error: 0.05,
    reset: 0.05,
    cut: 0.02,
    hang: 0.005,
    lost_answer: 0.03,
    bad_gateway_after_commit: 0.02,
    late_commit: 0.01,
    doubled_request: 0.01,
  },
};

export function createFaultPlan<Kind extends string>(rates: FaultRates<Kind>, random: Random): FaultPlan<Kind> {
  const scripted: { fault: Kind | ScriptedAnswer; matches: RequestMatcher }[] = [];
  const injected: Record<string, number> = {};
  let active = true;

  const takeScripted = (request: Request): Kind | ScriptedAnswer | null => {
    if (scripted.length === 0) return null;
    const seen = { method: request.method, path: new URL(request.url).pathname };
    const index = scripted.findIndex((entry) => entry.matches(seen));
    return index === -1 ? null : (scripted.splice(index, 1)[0]?.fault ?? null);
  };
  const drawRandom = (isWrite: boolean): Kind | null => {
    // one number per request whatever it is, so that a seed replays
    let left = random();
    for (const [kind, rate] of ratesOf(rates)) {
      left -= rate;
      if (left < 0) return WRITES_ONLY.has(kind) && !isWrite ? null : kind;
    }
    return null;
  };

  return {
    injected,
    failNext(fault, matches = () => true) {
      scripted.push({ fault, matches });
    },
    next(request, isWrite) {
      const drawn = active ? drawRandom(isWrite) : null;
      const fault = takeScripted(request) ?? drawn;
      if (fault !== null) {
        const name = typeof fault === 'string' ? fault : 'answer';
        injected[name] = (injected[name] ?? 0) + 1;
      }
      return fault;
    },
    stop() {
      active = false;
      scripted.length = 0;
    },
  };
}

function ratesOf<Kind extends string>(rates: FaultRates<Kind>): [Kind, number][] {
  return Object.entries(rates) as [Kind, number][];
}

/** What a simulator's app finds in `c.env`: the socket's objects when served over one, and a fault it is to make. */
export interface SimulatorEnv extends Partial<HttpBindings> {
  readonly fault?: string;
  /** The same request was carried out just before: a proxy sends it twice. */
  readonly resent?: true;
}

/** A server without a socket: what `listen` serves and what `inProcessFetch` calls. */
export type ServerFetch = (request: Request, env?: SimulatorEnv) => Promise<Response>;

/**
 * The connection ended without a whole answer. In process it is what `fetch` would reject with; behind a socket the
 * listener takes it as "already dealt with".
 */
export class ConnectionLost extends TypeError {
  override readonly name = 'TypeError';

  constructor() {
    super('fetch failed', { cause: Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' }) });
  }
}

export interface FaultyServerOptions<Kind extends string> {
  readonly handle: (request: Request, env: SimulatorEnv) => Response | Promise<Response>;
  readonly plan: FaultPlan<Kind>;
  readonly clock: Clock;
  readonly random: Random;
  readonly isWrite: (request: Request) => boolean;
  /** When a `late_commit` is carried out: more than the client's timeout. */
  readonly lateCommitMs: number;
}

/** Puts the faults of a plan in front of a server. Faults that are not of the transport reach it as `env.fault`. */
export function withFaults<Kind extends string>(options: FaultyServerOptions<Kind>): ServerFetch {
  const { handle, plan, random } = options;
  return async (request, env = {}) => {
    const fault = plan.next(request, options.isWrite(request));
    if (fault === null) return await handle(request, env);
    if (typeof fault === 'object') {
      return new Response(fault.body ?? null, { status: fault.status, headers: { ...fault.headers } });
    }
    switch (fault) {
      case 'server_error':
        return serverError(random);
      case 'reset':
        return dropConnection(env);
      case 'cut':
        return await cutBody(await handle(request, env), env);
      case 'hang':
        return await neverAnswer(request);
      case 'lost_answer':
        await handle(request, env);
        return dropConnection(env);
      case 'bad_gateway_after_commit':
        await handle(request, env);
        return htmlError(502);
      case 'late_commit':
        await carryOutLater(request, options);
        return await neverAnswer(request);
      case 'doubled_request': {
        const twice = await copier(request);
        await handle(twice(), env);
        return await handle(twice(), { ...env, resent: true });
      }
      default:
        return await handle(request, { ...env, fault });
    }
  };
}

const HTML_TITLES = new Map([
  [500, 'Internal Server Error'],
  [502, 'Bad Gateway'],
  [503, 'Service Temporarily Unavailable'],
  [504, 'Gateway Time-out'],
]);

/** What an edge proxy answers: HTML, whatever the client accepts. */
function htmlError(status: number): Response {
  const title = `${status} ${HTML_TITLES.get(status) ?? 'Error'}`;
  const body = `<html>\r\n<head><title>${title}</title></head>\r\n<body>\r\n<center><h1>${title}</h1></center>\r\n</body>\r\n</html>\r\n`;
  return new Response(body, { status, headers: { 'content-type': 'text/html' } });
}

function serverError(random: Random): Response {
  const statuses = [500, 502, 503, 504];
  return htmlError(statuses[Math.floor(random() * statuses.length)] ?? 500);
}

function dropConnection(env: SimulatorEnv): never {
  env.outgoing?.socket?.resetAndDestroy();
  throw new ConnectionLost();
}

/** Headers that promise a whole body, and half of it. */
async function cutBody(response: Response, env: SimulatorEnv): Promise<Response> {
  const whole = new Uint8Array(await response.arrayBuffer());
  const half = whole.subarray(0, Math.floor(whole.byteLength / 2));
  const { status } = response;
  const headers = new Headers(response.headers);
  headers.set('content-length', String(whole.byteLength));
  const outgoing = env.outgoing;
  if (outgoing !== undefined) {
    outgoing.writeHead(status, Object.fromEntries(headers));
    await new Promise<void>((resolve) => {
      outgoing.write(half, () => resolve());
    });
    outgoing.socket?.destroy();
    throw new ConnectionLost();
  }
  let sent = false;
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      if (sent) controller.error(new TypeError('terminated', { cause: new ConnectionLost() }));
      else controller.enqueue(half);
      sent = true;
    },
  });
  return new Response(body, { status, headers });
}

/** Settles only when the client gives up. */
function neverAnswer(request: Request): Promise<never> {
  return new Promise((_resolve, reject) => {
    const giveUp = (): void => reject(new ConnectionLost());
    if (request.signal.aborted) giveUp();
    else request.signal.addEventListener('abort', giveUp, { once: true });
  });
}

async function carryOutLater<Kind extends string>(request: Request, options: FaultyServerOptions<Kind>): Promise<void> {
  const copy = await copier(request);
  options.clock.after(options.lateCommitMs, () => {
    void options.handle(copy(), {});
  });
}

/** Reads a request to its end, so that it can be carried out later, or again. */
async function copier(request: Request): Promise<() => Request> {
  const { url, method, headers } = request;
  const body = await request.arrayBuffer();
  return () => new Request(url, { method, headers, ...(body.byteLength === 0 ? {} : { body }) });
}
