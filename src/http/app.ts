import { type Context, Hono } from 'hono';
import { routePath } from 'hono/route';
import type { Random } from '../core/clock.ts';
import type { Observer } from '../core/observer.ts';
import type { TicketReader } from '../core/ticket-reader.ts';
import { adminAuth, type AdminAuthDeps, type AdminEnv, createDoor } from './admin-auth.ts';
import { addApiDescription } from './api-description.ts';
import { addAuditRoutes } from './audit.ts';
import { addBackupRoute, type BackupDeps } from './backup.ts';
import { addBatchRoutes } from './batches.ts';
import { type ConsoleParts, createConsole } from './console/console.ts';
import { createSeats } from './event-stream.ts';
import { createHealth, createReadinessCheck } from './health.ts';
import { addKnowledgeRoutes, type KnowledgeDeps } from './knowledge.ts';
import { createMetrics, type MetricsSource } from './metrics.ts';
import { faultName, problemOf, problemResponse } from './problem.ts';
import { addProgressRoutes } from './progress.ts';
import { addRequesterRoutes } from './requesters.ts';
import { addTicketRoutes } from './tickets.ts';
import { createWebhooks, type WebhookDeps } from './webhooks.ts';

export interface AppDeps extends WebhookDeps, AdminAuthDeps, BackupDeps, ConsoleParts, KnowledgeDeps {
  readonly reader: TicketReader;
  readonly metrics: MetricsSource;
}

/** Everything Draftdesk answers over HTTP: webhooks, the admin API, health and the console. */
export function createApp(deps: AppDeps): Hono {
  const admin = new Hono<AdminEnv>();
  const door = createDoor(deps);
  const auth = adminAuth({ audit: deps.audit, door });
  admin.use(auth);
  const watched = { ...deps, seats: createSeats() };
  addProgressRoutes(admin, watched);
  addTicketRoutes(admin, deps);
  addBatchRoutes(admin, watched);
  addKnowledgeRoutes(admin, deps);
  addAuditRoutes(admin, deps);
  addRequesterRoutes(admin, deps);
  addBackupRoute(admin, deps);

  const readiness = createReadinessCheck(deps);
  const failure = (error: unknown, c: Context): Response => problemOf(error) ?? fault(error, c, deps);
  const { routes, errorPage } = createConsole({ ...watched, door, failure, readiness });

  const app = new Hono()
    .route('/', createWebhooks(deps))
    .route('/', createHealth(readiness))
    .route('/', createMetrics(deps.metrics, auth))
    .route('/admin', admin)
    .route('/', routes)
    .notFound((c) => errorPage(problemResponse('not_found', 'Nothing is here.'), c.req.raw))
    .onError((error, c) => errorPage(failure(error, c), c.req.raw));
  addApiDescription(app);
  return app;
}

/** Generic outside; inside the log the id from the answer, the route and the error's class. */
function fault(error: unknown, c: Context, { observer, random }: { observer: Observer; random: Random }): Response {
  const requestId = Math.floor(random() * 2 ** 48)
    .toString(16)
    .padStart(12, '0');
  observer.fault({ where: `${c.req.method} ${routePath(c, -1)}, request ${requestId}`, error: faultName(error) });
  // A webhook that is told 500 does not come again.
  const code = c.req.path.startsWith('/webhooks/') ? 'unavailable' : 'internal';
  const detail = 'Something went wrong here. The log has more under this request id.';
  return problemResponse(code, detail, { members: { requestId } });
}
