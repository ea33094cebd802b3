import { createHash, timingSafeEqual } from 'node:crypto';
import type { Context, Hono, MiddlewareHandler } from 'hono';
import { RequestError } from '../core/errors.ts';
import { methodNotAllowed, problemResponse } from './problem.ts';

export interface AdminEnv {
  Bindings: {
    /** The socket's response, where there is a socket (@hono/node-server). */
    outgoing?: { destroy(): void };
  };
  Variables: {
    /** Set by `adminAuth` alone. */
    admin: { readonly role: 'operator' };
  };
}

export type AdminApp = Hono<AdminEnv>;
export type AdminContext = Context<AdminEnv>;
type AdminHandler = (c: AdminContext) => Response | Promise<Response>;

/**
 * Lets in who sends `Authorization: Bearer <one of the tokens>` and nobody else; anything malformed is 401 as well.
 * Tokens live in memory as digests only.
 */
export function adminAuth(tokens: readonly string[]): MiddlewareHandler<AdminEnv> {
  const digests = tokens.filter((token) => token !== '').map(digest);
  return async function adminAuth(c, next) {
    // A token in a URL ends up in logs and histories: refused even beside a good header (RFC 6750 §2).
    const inQuery = c.req.query('token') !== undefined || c.req.query('access_token') !== undefined;
    if (inQuery || !isOneOf(digests, bearerToken(c.req.header('authorization')))) return unauthorized();
    c.set('admin', { role: 'operator' });
    return next();
  };
}

/**
 * The only way a path gets into the admin API. Each handler is asked again whether the request was let in: routers
 * have skipped wildcard middleware before (Hono 4.13.16). Other methods get 405.
 */
export function adminRoute(
  app: AdminApp,
  path: string,
  handlers: { readonly GET?: AdminHandler; readonly POST?: AdminHandler; readonly DELETE?: AdminHandler },
): void {
  const guarded =
    (handler: AdminHandler): AdminHandler =>
    (c) =>
      c.get('admin')?.role === 'operator' ? handler(c) : unauthorized();
  if (handlers.GET !== undefined) app.get(path, guarded(handlers.GET));
  if (handlers.POST !== undefined) app.post(path, guarded(handlers.POST));
  if (handlers.DELETE !== undefined) app.delete(path, guarded(handlers.DELETE));
  app.all(
    path,
    guarded(() => methodNotAllowed(Object.keys(handlers))),
  );
}

/** A segment of the path. */
export function pathParameter(c: AdminContext, name: string): string {
  const value = c.req.param(name);
  if (value === undefined) throw new RequestError('not_found', 'Nothing is here.');
  return value;
}

function unauthorized(): Response {
  return problemResponse('unauthorized', 'Send an admin token: Authorization: Bearer …', {
    headers: { 'WWW-Authenticate': 'Bearer realm="draftdesk"' },
  });
}

/** Exactly one token: no other scheme, no list, nothing before or after (RFC 6750 §2.1). */
function bearerToken(header: string | undefined): string | null {
  return /^Bearer ([\x21-\x2b\x2d-\x7e]+)$/i.exec(header ?? '')?.[1] ?? null;
}

/** Looks at every digest, so that the time does not tell which one matched. */
function isOneOf(digests: readonly Buffer[], token: string | null): boolean {
  if (token === null) return false;
  const given = digest(token);
  let found = false;
  for (const known of digests) {
    if (timingSafeEqual(known, given)) found = true;
  }
  return found;
}

function digest(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}
