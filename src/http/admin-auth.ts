import { createHash, timingSafeEqual } from 'node:crypto';
import type { Context, Hono, MiddlewareHandler } from 'hono';
import type { AdminRole, AdminToken } from '../core/admin-token.ts';
import type { AuditLog } from '../core/audit.ts';
import type { Clock } from '../core/clock.ts';
import { RequestError } from '../core/errors.ts';
import type { Observer } from '../core/observer.ts';
import { audited, auditEntry } from './audit-trail.ts';
import { createLoginLimit } from './login-limit.ts';
import { described, operationOf } from './operation.ts';
import { faultName, methodNotAllowed, problemResponse } from './problem.ts';

/** Who was let in. */
export interface Admin {
  readonly name: string;
  readonly role: AdminRole;
}

export interface AdminEnv {
  Bindings: {
    /** The socket's sides, where there is a socket (@hono/node-server). */
    incoming?: { readonly socket?: { readonly remoteAddress?: string | undefined } | undefined };
    outgoing?: { destroy(): void };
  };
  Variables: {
    /** Set by `adminAuth` alone. */
    admin: Admin;
    /** What came of it, for the audit log, where the path names nothing: an id, counts. */
    made?: string;
  };
}

export type AdminApp = Hono<AdminEnv>;
export type AdminContext = Context<AdminEnv>;
type AdminHandler = (c: AdminContext) => Response | Promise<Response>;

export interface AdminAuthDeps {
  readonly adminTokens: readonly AdminToken[];
  readonly audit: AuditLog;
  readonly clock: Clock;
  readonly observer: Observer;
}

/** Knows the tokens, and who came with a wrong one; one for the API and the console together. */
export interface Door {
  /** Whose token that is; null: nobody's. */
  admin(token: string): Admin | null;
  /** Counts one more wrong token. Answers null, or in how many seconds the address may try again. */
  failed(address: string): number | null;
  /** What the audit log could not take. */
  readonly onFailure: (error: unknown) => void;
}

export function createDoor({ adminTokens, audit, clock, observer }: AdminAuthDeps): Door {
  const known = adminTokens.map((token) => ({ token, digest: Buffer.from(token.digest, 'hex') }));
  const onFailure = (error: unknown): void => observer.fault({ where: 'audit log', error: faultName(error) });
  const limit = createLoginLimit({ audit, clock, onFailure });
  return {
    admin: (given) => {
      const token = holderOf(known, given);
      return token === null ? null : { name: token.name, role: token.role };
    },
    failed: (address) => limit.failed(address),
    onFailure,
  };
}

/**
 * Lets in who sends `Authorization: Bearer <one of the tokens>` and nobody else; anything malformed is 401 as well.
 * Viewers may only look. Whatever may change something is in the audit log before it happens.
 */
export function adminAuth({ audit, door }: { audit: AuditLog; door: Door }): MiddlewareHandler<AdminEnv> {
  const { onFailure } = door;
  return async function adminAuth(c, next) {
    // A token in a URL ends up in logs and histories: refused even beside a good header (RFC 6750 §2).
    const inQuery = c.req.query('token') !== undefined || c.req.query('access_token') !== undefined;
    const header = c.req.header('authorization');
    const token = inQuery ? null : bearerToken(header);
    const admin = token === null ? null : door.admin(token);
    // who sends nothing has not tried to log in
    if (admin === null) return inQuery || header ? loginFailed(door.failed(addressOf(c) ?? 'unknown')) : unauthorized();
    const entry = auditEntry(c, admin, addressOf(c));
    if (!mayUse(admin.role, c.req.method)) {
      await audit.record(entry, 'forbidden', 1);
      return forbidden();
    }
    c.set('admin', admin);
    return isSafe(c.req.method) ? next() : audited(c, { audit, entry, onFailure }, next);
  };
}

const METHODS = ['GET', 'POST', 'DELETE'] as const;

/**
 * The only way a path gets into the admin API. Each handler asks again whether the request was let in: routers have
 * skipped wildcard middleware before (Hono 4.13.16). What is not GET wants an operator. Other methods get 405. A handler
 * is `described`, which puts it into /openapi.json.
 */
export function adminRoute(
  app: AdminApp,
  path: string,
  handlers: { readonly [Method in (typeof METHODS)[number]]?: AdminHandler },
): void {
  const guarded =
    (handler: AdminHandler): AdminHandler =>
    (c) => {
      const admin: Admin | undefined = c.get('admin');
      if (admin === undefined) return unauthorized();
      return mayUse(admin.role, c.req.method) ? handler(c) : forbidden();
    };
  for (const method of METHODS) {
    const handler = handlers[method];
    if (handler === undefined) continue;
    const operation = operationOf(handler);
    app.on(method, path, operation === undefined ? guarded(handler) : described(operation, guarded(handler)));
  }
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

/** RFC 9110 §9.2.1. */
function isSafe(method: string): boolean {
  return ['GET', 'HEAD', 'OPTIONS', 'TRACE'].includes(method);
}

export function mayUse(role: AdminRole, method: string): boolean {
  return role === 'operator' || isSafe(method);
}

/** The connection's own: `X-Forwarded-For` says what the client likes. */
export function addressOf(c: AdminContext): string | null {
  // `env` is undefined where there is no socket.
  const { incoming }: Partial<typeof c.env> = c.env ?? {};
  return incoming?.socket?.remoteAddress ?? null;
}

function unauthorized(): Response {
  return problemResponse('unauthorized', 'Send an admin token: Authorization: Bearer …', {
    headers: { 'WWW-Authenticate': 'Bearer realm="draftdesk"' },
  });
}

function loginFailed(retryAfterSeconds: number | null): Response {
  if (retryAfterSeconds === null) return unauthorized();
  const detail = 'Too many wrong tokens came from this address. A right one is still let in.';
  return problemResponse('too_many_requests', detail, { retryAfterSeconds });
}

function forbidden(): Response {
  return problemResponse('forbidden', 'This token may look, not change: its role is viewer.');
}

/** Exactly one token: no other scheme, no list, nothing before or after (RFC 6750 §2.1). */
function bearerToken(header: string | undefined): string | null {
  return /^Bearer ([\x21-\x2b\x2d-\x7e]+)$/i.exec(header ?? '')?.[1] ?? null;
}

/** Looks at every digest, so that the time does not tell which one matched. */
function holderOf(
  known: readonly { readonly token: AdminToken; readonly digest: Buffer }[],
  given: string,
): AdminToken | null {
  const wanted = createHash('sha256').update(given).digest();
  let found: AdminToken | null = null;
  for (const { token, digest } of known) {
    if (timingSafeEqual(digest, wanted)) found = token;
  }
  return found;
}
