/**
 * On every answer (reliability.md D6): nothing of ours is framed, sniffed, cached or sent on as a referrer, and what is
 * not a page loads and runs nothing, should a browser take it for one.
 */
const SECURE_HEADERS = {
  'X-Content-Type-Options': 'nosniff',
  'Content-Security-Policy': "default-src 'none'; frame-ancestors 'none'",
  'Referrer-Policy': 'no-referrer',
  'Cache-Control': 'no-store',
} as const;

const JSON_HEADERS = { 'Content-Type': 'application/json', ...SECURE_HEADERS } as const;

/**
 * A JSON answer. Made by hand, not by Hono's `c.json`: @hono/node-server writes a plain object of headers as it is,
 * without building a `Headers` first.
 */
export function jsonResponse(body: unknown, status = 200, headers?: Readonly<Record<string, string>>): Response {
  return new Response(JSON.stringify(body), {
    status,
    headers: headers === undefined ? JSON_HEADERS : { ...JSON_HEADERS, ...headers },
  });
}

/** An answer that is sent piece by piece; null for the headers alone. */
export function streamResponse(body: ReadableStream<Uint8Array> | null, contentType: string): Response {
  return new Response(body, { status: 200, headers: { ...SECURE_HEADERS, 'Content-Type': contentType } });
}

/** A text of a format of its own, e.g. for Prometheus. */
export function textResponse(text: string, contentType: string): Response {
  return new Response(text, { headers: { ...SECURE_HEADERS, 'Content-Type': contentType } });
}
