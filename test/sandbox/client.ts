import type { ServerFetch } from '../../src/sandbox/faults.ts';

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  // oxlint-disable-next-line typescript/no-explicit-any -- answers are read by path in assertions
  readonly json: any;
  readonly text: string;
}

/** Calls a simulator in process with fixed headers and reads the whole answer. */
export function client(server: ServerFetch, headers: Record<string, string>, origin = 'http://sim.test') {
  return async (
    method: string,
    path: string,
    body?: unknown,
    more: { headers?: Record<string, string>; signal?: AbortSignal } = {},
  ): Promise<Answer> => {
    const raw = typeof body === 'string' ? body : JSON.stringify(body);
    const request = new Request(origin + path, {
      method,
      headers: { ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers, ...more.headers },
      ...(body === undefined ? {} : { body: raw }),
      ...(more.signal === undefined ? {} : { signal: more.signal }),
    });
    const response = await server(request);
    const text = await response.text();
    const isJson = response.headers.get('content-type')?.includes('json') === true && text !== '';
    return { status: response.status, headers: response.headers, json: isJson ? JSON.parse(text) : undefined, text };
  };
}
