import type { JSX } from 'hono/jsx/jsx-runtime';
import type { HtmlEscapedString } from 'hono/utils/html';

/** What a page may load and do (reliability.md D6). */
const PAGE_POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'";

/** With `no-referrer` a browser would send our own forms with `Origin: null`. */
const PAGE_HEADERS = {
  'Content-Type': 'text/html; charset=utf-8',
  'Content-Security-Policy': PAGE_POLICY,
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'same-origin',
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Cache-Control': 'no-store',
} as const;

/** A whole document. No component here is async, so that its text is there at once. */
export function htmlResponse(page: JSX.Element, status = 200, headers?: Readonly<Record<string, string>>): Response {
  return new Response(`<!doctype html>${(page as HtmlEscapedString).toString()}`, {
    status,
    headers: { ...PAGE_HEADERS, ...headers },
  });
}

/** After a form was sent: the browser fetches that page, and a reload does not send the form again. */
export function seeOther(path: string, headers?: Readonly<Record<string, string>>): Response {
  return new Response(null, { status: 303, headers: { Location: path, 'Cache-Control': 'no-store', ...headers } });
}
