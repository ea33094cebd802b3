import { createServer, type RequestListener } from 'node:http';
import { describe, expect, it } from 'vitest';
import type { ErrorClass } from '../../src/core/errors.ts';
import { type HttpCall, type HttpOptions, sendCall } from '../../src/helpdesks/http-call.ts';
import { fakeClock } from '../support/fake-clock.ts';
import { failure, json, never, stubFetch } from './deps.ts';

const GET: HttpCall = { method: 'GET', url: 'https://desk.test/api/v2/tickets/1', headers: {} };
const PUT: HttpCall = { ...GET, method: 'PUT', body: { a: 1 }, write: true };

function options(fetch: typeof globalThis.fetch, change: Partial<HttpOptions> = {}): HttpOptions {
  return { upstream: 'desk', fetch, clock: fakeClock(), timeoutMs: 15_000, ...change };
}

const answering = (response: Response): HttpOptions =>
  options(stubFetch({ 'GET /': response, 'PUT /': response }).fetch);

/** Runs against a real socket: cut bodies and resets look the way undici shows them. */
async function overSocket(listener: RequestListener, work: (url: string) => Promise<void>): Promise<void> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  try {
    await work(`http://127.0.0.1:${address.port}/x`);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

describe('sendCall', () => {
  it.each([
    [404, 'response_truncated'],
    [422, 'response_truncated'],
    [401, 'auth'],
    [429, 'rate_limited'],
  ])('a cut body of a %i is %s: only where the body decides', async (status, errorClass) => {
    const body = new ReadableStream({
      start(controller) {
        controller.enqueue(new TextEncoder().encode('{"error":"Rec'));
        controller.error(new TypeError('terminated'));
      },
    });
    const call = { method: 'GET', url: 'https://a.example/x', headers: {}, aboutTicket: true } as const;
    const sending = sendCall(call, answering(new Response(body, { status })), new AbortController().signal);
    await expect(sending).rejects.toMatchObject({ errorClass, status });
  });

  it('answers JSON, and undefined for an empty body', async () => {
    expect((await sendCall(GET, answering(json({ a: 1 })), never)).json).toEqual({ a: 1 });
    const empty = await sendCall(GET, answering(new Response(null, { status: 204 })), never);
    expect(empty).toMatchObject({ status: 204, json: undefined });
  });

  it.each<[number, ErrorClass, ErrorClass]>([
    [302, 'redirect', 'redirect'],
    [308, 'redirect', 'redirect'],
    [400, 'invalid_request', 'invalid_request'],
    [401, 'auth', 'auth'],
    [403, 'forbidden', 'forbidden'],
    [404, 'invalid_request', 'invalid_request'],
    [408, 'timeout', 'ambiguous_post'],
    [409, 'conflict', 'conflict'],
    [418, 'invalid_request', 'invalid_request'],
    [422, 'invalid_request', 'invalid_request'],
    [429, 'rate_limited', 'rate_limited'],
    [500, 'server_error', 'ambiguous_post'],
    [502, 'server_error', 'ambiguous_post'],
    [503, 'overloaded', 'ambiguous_post'],
    [504, 'server_error', 'ambiguous_post'],
  ])('status %i is %s for a read and %s for a write', async (status, read, write) => {
    const html = new Response('<html>secret text</html>', { status, headers: { location: 'https://evil.test/' } });
    for (const [call, expected] of [
      [GET, read],
      [PUT, write],
    ] as const) {
      const error = await failure(sendCall(call, answering(html), never));
      expect(error).toMatchObject({ errorClass: expected, status, upstream: 'desk' });
      expect(error.message).not.toContain('secret');
    }
  });

  it('never lets fetch follow a redirect (E6)', async () => {
    const stub = stubFetch({ 'GET /': json({}) });
    await sendCall(GET, options(stub.fetch), never);
    expect(stub.calls[0]?.redirect).toBe('manual');
    await overSocket(
      (request, response) => {
        if (request.url === '/x') response.writeHead(307, { location: '/elsewhere' }).end();
        else response.end('{"followed":true}');
      },
      async (url) => {
        const error = await failure(sendCall({ ...PUT, url }, options(fetch), never));
        expect(error).toMatchObject({ errorClass: 'redirect', status: 307 });
      },
    );
  });

  it('404 and 410 mean the ticket is gone only where the call is about one', async () => {
    for (const status of [404, 410]) {
      const about = await failure(sendCall({ ...GET, aboutTicket: true }, answering(json({}, status)), never));
      expect(about).toMatchObject({ errorClass: 'gone', reason: 'not_found' });
      expect((await failure(sendCall(GET, answering(json({}, status)), never))).errorClass).toBe('invalid_request');
    }
  });

  it.each<[string | null, number | null]>([
    ['34', 34_000],
    ['Mon, 23 Nov 2026 10:00:30 GMT', 30_000],
    ['86400', 900_000],
    ['1000000000', 900_000],
    ['-1', null],
    ['soon', null],
    [null, null],
  ])('Retry-After %j → %s ms (E8)', async (value, expected) => {
    const headers: Record<string, string> = value === null ? {} : { 'retry-after': value };
    const error = await failure(sendCall(GET, answering(json({}, 429, headers)), never));
    expect(error.retryAfterMs).toBe(expected);
  });

  it.each([
    ['HTML with status 200', '<html>', 'invalid_response'],
    ['half JSON', '{"ticket":{"id":', 'invalid_response'],
    ['9 MB', `"${'x'.repeat(9 * 1024 * 1024)}"`, 'response_too_large'],
  ])('a body of %s is no answer (E4, E9), and ambiguous for a write', async (_name, body, expected) => {
    const response = (): HttpOptions => answering(new Response(body));
    expect((await failure(sendCall(GET, response(), never))).errorClass).toBe(expected);
    const error = await failure(sendCall(PUT, response(), never));
    expect(error.errorClass).toBe('ambiguous_post');
    expect(error.message).toContain(expected);
  });

  it('times out by the clock, headers and body together, and leaves no timer behind', async () => {
    const clock = fakeClock();
    const stalled = (): Response =>
      new Response(new ReadableStream({ start: (stream) => stream.enqueue(new Uint8Array([123])) }));
    for (const fetch of [
      (_input: unknown, init?: RequestInit) =>
        new Promise<Response>((_resolve, reject) => {
          init?.signal?.addEventListener('abort', () => reject(new Error('aborted')));
        }),
      async (_input: unknown, init?: RequestInit) => {
        const response = stalled();
        const reader = response.body?.pipeThrough(new TransformStream(), init?.signal ? { signal: init.signal } : {});
        return new Response(reader ?? null);
      },
    ]) {
      const work = failure(sendCall(GET, options(fetch, { clock }), never));
      await clock.advance(14_999);
      expect(clock.pending()).toBe(1);
      await clock.advance(1);
      expect((await work).errorClass).toBe('timeout');
      expect(clock.pending()).toBe(0);
    }
  });

  it('tells a stop before the call from a stop during a write', async () => {
    const stub = stubFetch({ 'PUT /': json({}) });
    const before = await failure(sendCall(PUT, options(stub.fetch), AbortSignal.abort()));
    expect(before.errorClass).toBe('cancelled');
    expect(stub.calls).toEqual([]);

    for (const [call, expected] of [
      [PUT, 'ambiguous_post'],
      [GET, 'cancelled'],
    ] as const) {
      const controller = new AbortController();
      const stoppedMeanwhile: typeof fetch = (_input, init) =>
        new Promise((_resolve, reject) => {
          init?.signal?.addEventListener('abort', () => reject(new Error('aborted')));
          controller.abort();
        });
      const error = await failure(sendCall(call, options(stoppedMeanwhile), controller.signal));
      expect(error.errorClass).toBe(expected);
    }
  });

  it('a connection that never was is no ambiguity; a reset or cut one is', async () => {
    const port = await freePort();
    const refused = await failure(sendCall({ ...PUT, url: `http://127.0.0.1:${port}/x` }, options(fetch), never));
    expect(refused).toMatchObject({ errorClass: 'connection', status: null });
    expect(refused.message).toContain('ECONNREFUSED');

    await overSocket(
      (request) => request.socket.destroy(),
      async (url) => {
        expect((await failure(sendCall({ ...GET, url }, options(fetch), never))).errorClass).toBe('connection');
        expect((await failure(sendCall({ ...PUT, url }, options(fetch), never))).errorClass).toBe('ambiguous_post');
      },
    );
    await overSocket(
      (request, response) => {
        response.writeHead(200, { 'content-length': '100' }).write('{"ticket":', () => request.socket.destroy());
      },
      async (url) => {
        expect((await failure(sendCall({ ...GET, url }, options(fetch), never))).errorClass).toBe('response_truncated');
        expect((await failure(sendCall({ ...PUT, url }, options(fetch), never))).errorClass).toBe('ambiguous_post');
      },
    );
  });

  it("lets a vendor explain its own 4xx, with the table's status and wait kept", async () => {
    const explain = (): { errorClass: ErrorClass; message: string; reason: 'closed' } => ({
      errorClass: 'gone',
      message: 'closed',
      reason: 'closed',
    });
    const stub = stubFetch({ 'GET /': json({ error: 'x' }, 422, { 'retry-after': '3' }) });
    const error = await failure(sendCall(GET, options(stub.fetch, { explain }), never));
    expect(error).toMatchObject({ errorClass: 'gone', reason: 'closed', status: 422, retryAfterMs: 3000 });
  });
});

/** A port that nobody listens on. */
async function freePort(): Promise<number> {
  let port = 0;
  await overSocket(
    () => undefined,
    async (url) => {
      port = Number(new URL(url).port);
    },
  );
  return port;
}
