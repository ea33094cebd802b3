import { SESSION_MS } from './sessions.ts';

/**
 * `__Host-`: kept by browsers only with Secure, without Domain and for the whole host, so that no other host can set it
 * (RFC 6265bis §4.1.3.2). Chromium and Firefox take Secure for kept promises on loopback too.
 */
const NAME = '__Host-draftdesk';
const ATTRIBUTES = 'Path=/; Secure; HttpOnly; SameSite=Strict';

export function sessionCookie(secret: string): string {
  return `${NAME}=${secret}; Max-Age=${SESSION_MS / 1000}; ${ATTRIBUTES}`;
}

export function clearedCookie(): string {
  return `${NAME}=; Max-Age=0; ${ATTRIBUTES}`;
}

/** The secret of the request's session, as it was given out; null where there is none. */
export function sessionSecret(headers: Headers): string | null {
  const pairs = (headers.get('cookie') ?? '').split(/;\s*/);
  const found = pairs.find((pair) => pair.startsWith(`${NAME}=`))?.slice(NAME.length + 1);
  return found !== undefined && /^[\w-]{43}$/.test(found) ? found : null;
}
