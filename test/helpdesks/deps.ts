import { readFileSync } from 'node:fs';
import { seededRandom } from '../../src/core/clock.ts';
import { UpstreamError } from '../../src/core/errors.ts';
import type { WebhookRequest } from '../../src/core/helpdesk.ts';
import type { HelpdeskDeps } from '../../src/helpdesks/helpdesk-module.ts';
import { type FakeClock, fakeClock } from '../support/fake-clock.ts';

export interface TestDeps extends HelpdeskDeps {
  readonly clock: FakeClock;
  readonly alarms: string[];
  readonly warnings: string[];
}

/** What an adapter needs, with a clock by hand and ears for alarms. */
export function testDeps(fetch: typeof globalThis.fetch, clock: FakeClock = fakeClock()): TestDeps {
  const alarms: string[] = [];
  const warnings: string[] = [];
  return {
    fetch,
    clock,
    random: seededRandom(1),
    timeoutMs: 15_000,
    webhookToleranceSeconds: 300,
    ambiguousPostWaitMs: 60_000,
    allowInsecureUpstreams: false,
    alarm: (kind) => alarms.push(kind),
    warn: (message) => warnings.push(message),
    alarms,
    warnings,
  };
}

export interface SeenCall {
  readonly method: string;
  /** Path and query below the origin. */
  readonly path: string;
  readonly headers: Headers;
  readonly body: unknown;
  readonly redirect: string | undefined;
}

export type StubAnswer = Response | Error | (() => Response | Promise<Response>);

/** A `fetch` that gives prepared answers, by `METHOD path-prefix`, and remembers what it was asked. */
export function stubFetch(answers: Readonly<Record<string, StubAnswer | readonly StubAnswer[]>>): {
  readonly fetch: typeof globalThis.fetch;
  readonly calls: SeenCall[];
} {
  const queues = new Map(
    Object.entries(answers).map(([route, given]) => [route, Array.isArray(given) ? [...given] : [given]] as const),
  );
  const calls: SeenCall[] = [];
  return {
    calls,
    fetch: async (input, init) => {
      const url = new URL(input instanceof Request ? input.url : input);
      const method = init?.method ?? 'GET';
      const path = url.pathname + url.search;
      calls.push({
        method,
        path,
        headers: new Headers(init?.headers),
        body: typeof init?.body === 'string' ? JSON.parse(init.body) : undefined,
        redirect: init?.redirect,
      });
      const route = [...queues.keys()]
        .filter((key) => `${method} ${path}`.startsWith(key))
        .toSorted((one, other) => other.length - one.length)[0];
      const queue = route === undefined ? undefined : queues.get(route);
      const answer = queue !== undefined && queue.length > 1 ? queue.shift() : queue?.[0];
      if (answer === undefined) throw new Error(`the stub has no answer for ${method} ${path}`);
      if (answer instanceof Error) throw answer;
      return answer instanceof Response ? answer.clone() : answer();
    },
  };
}

export function json(body: unknown, status = 200, headers: Readonly<Record<string, string>> = {}): Response {
  return Response.json(body, { status, headers });
}

/** The rejection of a promise as an UpstreamError; anything else fails the test. */
export async function failure(work: Promise<unknown>): Promise<UpstreamError> {
  try {
    await work;
  } catch (error) {
    if (error instanceof UpstreamError) return error;
    throw error;
  }
  throw new Error('it was expected to fail');
}

export const never = new AbortController().signal;

export function webhook(
  body: string | Uint8Array,
  headers: Readonly<Record<string, string>> = {},
  receivedAt = 0,
): WebhookRequest {
  return {
    headers: new Headers(headers),
    body: typeof body === 'string' ? new TextEncoder().encode(body) : body,
    receivedAt,
  };
}

/** A recording of a live account; undefined where the folder is not there. */
export function recording(name: string): unknown {
  try {
    return JSON.parse(readFileSync(new URL(`../../../shared/recordings/${name}`, import.meta.url), 'utf8'));
  } catch {
    return undefined;
  }
}
