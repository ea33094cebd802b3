import { createServer } from 'node:http';
import { getRequestListener, type HttpBindings } from '@hono/node-server';
import { ConnectionLost, type ServerFetch } from './faults.ts';

export interface ListeningServer {
  /** `http://127.0.0.1:<port>`, without a slash at the end. */
  readonly url: string;
  /** Stops at once; requests under way are dropped. */
  close(): Promise<void>;
}

/** Serves a simulator over real sockets on loopback; port 0 takes a free one. */
export async function listen(server: ServerFetch, port = 0): Promise<ListeningServer> {
  const listener = getRequestListener((request, env) => server(request, env as HttpBindings), {
    // the process also runs the real service: its globals are none of a simulator's business
    overrideGlobalObjects: false,
    // a lost connection has been dealt with on the socket itself
    errorHandler: (error) => (error instanceof ConnectionLost ? undefined : new Response(null, { status: 500 })),
  });
  const http = createServer((incoming, outgoing) => {
    void listener(incoming, outgoing);
  });
  await new Promise<void>((resolve, reject) => {
    http.once('error', reject);
    http.listen(port, '127.0.0.1', resolve);
  });
  const address = http.address();
  if (address === null || typeof address === 'string') throw new Error('not listening on a TCP port');
  return {
    url: `http://127.0.0.1:${address.port}`,
    close: () =>
      new Promise((resolve) => {
        http.close(() => resolve());
        http.closeAllConnections();
      }),
  };
}

/**
 * A `fetch` that calls a server in the same process, without a socket. Like the real one it rejects at once when its
 * signal aborts, and on a redirect when told `redirect: 'error'`.
 */
export function inProcessFetch(server: ServerFetch): typeof fetch {
  return async (input, init) => {
    const request = new Request(input, init);
    // not the request's own: it hangs on the given one by a weak reference, and is gone with a request that nobody answers
    const signal = init?.signal ?? request.signal;
    signal.throwIfAborted();
    const response = await untilAborted(server(request), signal);
    const redirected = response.status >= 300 && response.status < 400 && response.headers.has('location');
    if (redirected && request.redirect === 'error') {
      throw new TypeError('fetch failed', { cause: new Error('unexpected redirect') });
    }
    return response;
  };
}

function untilAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(signal.reason);
    signal.addEventListener('abort', abort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}
