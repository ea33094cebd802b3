import type { AuditLog } from '../../core/audit.ts';
import { addressOf, type AdminApp, type AdminContext, type Door } from '../admin-auth.ts';
import { problemResponse } from '../problem.ts';
import type { Assets } from './assets.ts';
import { clearedCookie, sessionCookie, sessionSecret } from './cookie.ts';
import { readForm, textOf } from './form.ts';
import { SignInView } from './layout.tsx';
import { FOREIGN } from './page.tsx';
import { htmlResponse, seeOther } from './responses.ts';
import { isSameOrigin } from './same-origin.ts';
import type { Sessions } from './sessions.ts';

interface SignInDeps {
  readonly audit: AuditLog;
  readonly door: Door;
  readonly sessions: Sessions;
  readonly assets: Assets;
}

const WRONG = 'This is none of the admin tokens.';
const TOO_MANY = 'Too many wrong tokens came from this address. A right one is still let in.';

/** An admin token for a session, and the session's end. */
export function addSignIn(app: AdminApp, { audit, door, sessions, assets }: SignInDeps): void {
  const refuse = (c: AdminContext, next: string): Response => {
    const retryAfter = door.failed(addressOf(c) ?? 'unknown');
    const problem = retryAfter === null ? WRONG : TOO_MANY;
    const html = <SignInView assets={assets} next={next} problem={problem} />;
    return htmlResponse(
      html,
      retryAfter === null ? 401 : 429,
      retryAfter === null ? {} : { 'Retry-After': String(retryAfter) },
    );
  };

  app.get('/login', () => htmlResponse(<SignInView assets={assets} next="/" />));
  app.post('/login', async (c) => {
    if (!isSameOrigin(c.req.raw.headers)) return problemResponse('forbidden', FOREIGN);
    const form = await readForm(c.req.raw);
    const next = ownPath(textOf(form, 'next'));
    const admin = door.admin(textOf(form, 'token'));
    if (admin === null) return refuse(c, next);
    const address = addressOf(c);
    const entry = { who: admin.name, role: admin.role, address, action: 'login', subject: null };
    // who may look is let in also while the disk refuses
    await audit.record(entry, 'ok', 1).catch(door.onFailure);
    return seeOther(`${next}${next.includes('?') ? '&' : '?'}signed-in`, {
      'Set-Cookie': sessionCookie(sessions.open(admin, address)),
    });
  });
  app.post('/logout', (c) => {
    if (!isSameOrigin(c.req.raw.headers)) return problemResponse('forbidden', FOREIGN);
    const secret = sessionSecret(c.req.raw.headers);
    if (secret !== null) sessions.close(secret);
    return seeOther('/login', { 'Set-Cookie': clearedCookie() });
  });
}

/** A page of ours, whatever was sent: no other host may be gone to from here. */
function ownPath(next: string): string {
  return /^\/(?![/\\])[\w./~%?=&:+-]*$/.test(next) ? next : '/';
}
