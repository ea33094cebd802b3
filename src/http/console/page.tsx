import type { Child } from 'hono/jsx';
import type { AuditLog } from '../../core/audit.ts';
import type { Clock } from '../../core/clock.ts';
import type { ServiceControl } from '../../core/service-control.ts';
import { addressOf, type Admin, type AdminApp, type AdminContext, type Door, mayUse } from '../admin-auth.ts';
import { audited, auditEntry } from '../audit-trail.ts';
import { problemResponse } from '../problem.ts';
import type { Assets } from './assets.ts';
import { clearedCookie, sessionSecret } from './cookie.ts';
import { readForm } from './form.ts';
import { ErrorView, type Section, Shell, SignInView } from './layout.tsx';
import { htmlResponse, seeOther } from './responses.ts';
import { isSameOrigin } from './same-origin.ts';
import type { Flash, Session, Sessions } from './sessions.ts';

/*
 * How a page is added
 *
 * 1. A file `http/console/<what>.tsx` with `export function add<What>Pages(pages: Pages, deps: …): void`, called in
 *    `console.ts`. It reads through the same ports as the admin API (reader, control, outbox).
 * 2. `pages.page('/things/:id', (c, visit) => ({ title, section: 'Tickets', body: <>…</> }))`. Frame, navigation, flash
 *    message, sign-in and headers are done here. Throw `RequestError('not_found', …)` for an error page.
 * 3. `pages.action('/things/:id/do', async (c, visit, form) => ({ to: '/things/1', say: 'Done.' }))` takes the POST of a
 *    `<form method="post" action="/things/1/do">`: own origin, operator and audit log are seen to before it runs. It
 *    answers where to go and what to say there; or a page again (`status: 422`) with what is wrong in the form; or it
 *    throws `RequestError`. Show forms only to operators: `{visit.canChange && <form …>}`.
 * 4. `pages.send(path, (c) => Response)` for downloads and streams.
 * 5. Live: whatever stands in `<Live id="…">` (components.tsx) is replaced by the server's newest rendering while work
 *    moves. Put no text field in it, and no state of the reader's but `<details id="…">`. No script of its own is needed.
 * 6. Parts: components.tsx (StatusChip, Ago, Duration, Pager, Empty, Card, Meter, Facts, Action …). Style:
 *    browser/console.css. No `style=` and no inline script: the CSP forbids both. A class in the CSS, or an SVG attribute.
 * 7. A browser test in test/console (`openConsole` in test/console/browser.ts): what it is for, and `expectAccessible`.
 */

/** Who looks, and when. */
export interface Visit {
  readonly admin: Admin;
  /** An operator: may see the buttons. */
  readonly canChange: boolean;
  /** Epoch ms. */
  readonly now: number;
}

export interface View {
  readonly title: string;
  readonly section: Section;
  readonly body: Child;
  /** 200 unless told. */
  readonly status?: number;
}

/** What an action came to: a page of ours to go to, and a sentence to say there. */
export interface Done {
  readonly to: string;
  readonly say: string;
  /** `good` unless told. */
  readonly tone?: Flash['tone'];
  /** Id of what was made, for the audit log. */
  readonly made?: string;
}

type Answer<T> = T | Promise<T>;

/** The only way a path gets into the console. */
export interface Pages {
  page(path: string, view: (c: AdminContext, visit: Visit) => Answer<View>): void;
  action(path: string, act: (c: AdminContext, visit: Visit, form: FormData) => Answer<Done | View>): void;
  send(path: string, answer: (c: AdminContext, visit: Visit) => Answer<Response>): void;
}

export interface PagesDeps {
  readonly audit: AuditLog;
  readonly clock: Clock;
  readonly control: ServiceControl;
  readonly door: Door;
  readonly sessions: Sessions;
  readonly assets: Assets;
  /** The answer to what was thrown, as problem details. */
  readonly failure: (error: unknown, c: AdminContext) => Response;
}

export function createPages(app: AdminApp, deps: PagesDeps): Pages {
  const { audit, clock, control, door, sessions, assets, failure } = deps;

  const visitOf = ({ admin }: Session): Visit => ({
    admin,
    canChange: mayUse(admin.role, 'POST'),
    now: clock.now(),
  });

  const show = (view: View, session: Session, flash: Flash | null): Response => {
    const frame = { assets, progress: control.progress(), visit: visitOf(session), flash };
    return htmlResponse(<Shell {...view} {...frame} />, view.status);
  };

  /** A problem as a page. */
  const refuse = async (problem: Response, session: Session): Promise<Response> => {
    const body = <ErrorView problem={await readProblem(problem)} />;
    return show({ title: 'That did not work', section: null, body, status: problem.status }, session, null);
  };

  const attempt = async (c: AdminContext, session: Session, answer: () => Answer<Response>): Promise<Response> => {
    try {
      return await answer();
    } catch (error) {
      return refuse(failure(error, c), session);
    }
  };

  const sessionOf = (c: AdminContext): Session | null => {
    const secret = sessionSecret(c.req.raw.headers);
    return secret === null ? null : sessions.find(secret);
  };

  const signIn = (c: AdminContext): Response =>
    htmlResponse(<SignInView assets={assets} next={pathOf(c)} lost={c.req.query('signed-in') !== undefined} />);

  const act = async (
    c: AdminContext,
    session: Session,
    handler: (c: AdminContext, visit: Visit, form: FormData) => Answer<Done | View>,
  ): Promise<{ readonly response: Response; readonly made: string | null }> => {
    const result = await handler(c, visitOf(session), await readForm(c.req.raw));
    if (!('to' in result)) return { response: show(result, session, null), made: null };
    session.flash = { text: result.say, tone: result.tone ?? 'good' };
    return { response: seeOther(result.to), made: result.made ?? null };
  };

  return {
    page: (path, view) => {
      app.get(path, (c) => {
        const session = sessionOf(c);
        if (session === null) return signIn(c);
        return attempt(c, session, async () => {
          const found = await view(c, visitOf(session));
          // the script's own look at the page is not the person's
          const flash = c.req.header('draftdesk-live') === undefined ? session.flash : null;
          if (flash !== null) session.flash = null;
          return show(found, session, flash);
        });
      });
    },
    send: (path, answer) => {
      app.get(path, (c) => {
        const session = sessionOf(c);
        if (session === null) return problemResponse('unauthorized', 'Sign in at the console first.');
        return attempt(c, session, () => answer(c, visitOf(session)));
      });
    },
    action: (path, handler) => {
      app.post(path, async (c) => {
        if (!isSameOrigin(c.req.raw.headers)) return problemResponse('forbidden', FOREIGN);
        const session = sessionOf(c);
        if (session === null) return seeOther('/', { 'Set-Cookie': clearedCookie() });
        const entry = auditEntry(c, session.admin, addressOf(c));
        return attempt(c, session, async () => {
          if (!mayUse(session.admin.role, c.req.method)) {
            await audit.record(entry, 'forbidden', 1);
            return refuse(problemResponse('forbidden', LOOK_ONLY), session);
          }
          let made: string | null = null;
          const log = { audit, entry, onFailure: door.onFailure, made: () => made };
          await audited(c, log, async () => {
            c.res = await attempt(c, session, async () => {
              const done = await act(c, session, handler);
              made = done.made;
              return done.response;
            });
          });
          return c.res;
        });
      });
    },
  };
}

export const FOREIGN = 'This request does not come from a page of this console.';
const LOOK_ONLY = 'You are signed in as a viewer: you may look, not change.';

export interface Problem {
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly requestId?: string;
  readonly errors?: readonly { readonly path: string; readonly message: string }[];
}

export async function readProblem(response: Response): Promise<Problem> {
  return (await response.json()) as Problem;
}

/** Where to go after signing in: the page that was asked for. */
function pathOf(c: AdminContext): string {
  const { pathname, search } = new URL(c.req.url);
  return c.req.query('signed-in') === undefined ? pathname + search : pathname;
}
