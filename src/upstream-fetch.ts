import http from 'node:http';
import https from 'node:https';
import { pipeline, Readable } from 'node:stream';
import type { ReadableStream as NodeReadableStream } from 'node:stream/web';

/** Idle connections kept per host, and for how long unless the server says less, ms. */
const IDLE_SOCKETS = 64;
const IDLE_MS = 4_000;

/**
 * `fetch` for our calls to upstreams, over node:http. The built-in one costs 0.7 ms more CPU a ticket (5 calls) and
 * leaves garbage that only full collections free: 244 against 177 MB at the peak of the pipeline bench.
 *
 * It does what our adapters and the openai SDK use: texts and streams in, streams out, abort signals; errors as fetch gives
 * them (a `TypeError` with the system's error as cause). Redirects are answers, never followed; nothing is inflated.
 */
export function createUpstreamFetch(): typeof fetch {
  const options = { keepAlive: true, maxFreeSockets: IDLE_SOCKETS, timeout: IDLE_MS };
  const plain = { agent: new http.Agent(options), request: http.request };
  const secure = { agent: new https.Agent(options), request: https.request };

  return (input, init = {}) => {
    const url = new URL(input instanceof Request ? input.url : input);
    const { agent, request } = url.protocol === 'https:' ? secure : plain;
    const { signal, method = 'GET', body = null } = init;
    const stream = body instanceof ReadableStream ? body : null;
    if (body !== null && stream === null && typeof body !== 'string') {
      return Promise.reject(new TypeError('only texts and streams are sent'));
    }
    if (signal?.aborted === true) return Promise.reject(asError(signal.reason));
    return new Promise<Response>((resolve, reject) => {
      const headers = Object.fromEntries(new Headers(init.headers));
      if (typeof body === 'string') headers['content-length'] = String(Buffer.byteLength(body));
      const call = request(url, { method, headers, agent, ...(signal ? { signal } : {}) });
      call.on('response', (message) => {
        try {
          resolve(toResponse(message));
        } catch (error) {
          // a status that HTTP knows and fetch does not, e.g. 999
          message.destroy();
          reject(new TypeError('fetch failed', { cause: error }));
        }
      });
      // whatever else ended the call (101 Switching Protocols): after an answer or an error this changes nothing
      call.on('close', () => reject(new TypeError('fetch failed', { cause: new Error('no answer') })));
      const fail = (error: Error): void => {
        reject(signal?.aborted === true ? asError(signal.reason) : new TypeError('fetch failed', { cause: error }));
      };
      call.on('error', fail);
      if (stream === null) call.end(body ?? undefined);
      else pipeline(Readable.fromWeb(stream as NodeReadableStream), call, (error) => error && fail(error));
    });
  };
}

/** Final statuses that have no body (https://fetch.spec.whatwg.org/#null-body-status). */
const BODYLESS = new Set([204, 205, 304]);

function toResponse(message: http.IncomingMessage): Response {
  const status = message.statusCode ?? 0;
  const headers = Object.entries(message.headersDistinct).flatMap(([name, values = []]) =>
    values.map((value): [string, string] => [name, value]),
  );
  if (!BODYLESS.has(status)) return new Response(toStream(message), { status, headers });
  message.resume();
  return new Response(null, { status, headers });
}

/** Reads no further ahead than somebody takes. A connection that breaks ends it with fetch's own "terminated". */
function toStream(message: http.IncomingMessage): ReadableStream<Uint8Array> {
  let over = false;
  return new ReadableStream<Uint8Array>({
    start(controller) {
      message.on('data', (chunk: Buffer) => {
        if (over) return;
        controller.enqueue(new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength));
        if ((controller.desiredSize ?? 0) <= 0) message.pause();
      });
      message.on('end', () => {
        if (!over) controller.close();
        over = true;
      });
      message.on('error', (error) => {
        if (!over) controller.error(new TypeError('terminated', { cause: error }));
        over = true;
      });
    },
    pull: () => void message.resume(),
    cancel: () => {
      over = true;
      message.destroy();
    },
  });
}

function asError(reason: unknown): Error {
  return reason instanceof Error ? reason : new DOMException('This operation was aborted', 'AbortError');
}
