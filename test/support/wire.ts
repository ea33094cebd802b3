import type { ServerFetch } from '../../src/sandbox/faults.ts';
import { listen, type ListeningServer } from '../../src/sandbox/server.ts';

/** A line to a simulated vendor that is listened to. */
export interface Wire extends ListeningServer {
  /** All that was sent: paths, headers and bodies, as text. */
  sent(): string;
}

/** `answer` may change what comes back, as text. */
export async function tapWire(vendor: ServerFetch, answer: (text: string) => string = (text) => text): Promise<Wire> {
  const seen: string[] = [];
  const server = await listen(async (request, env) => {
    const body = await request.clone().text();
    seen.push(`${request.method} ${request.url}\n${JSON.stringify([...request.headers])}\n${body}`);
    const response = await vendor(request, env);
    const headers = new Headers(response.headers);
    headers.delete('content-length');
    return new Response(answer(await response.text()), { status: response.status, headers });
  });
  return { ...server, sent: () => seen.join('\n\n') };
}
