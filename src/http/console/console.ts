import { Hono } from 'hono';
import type { AuditLog } from '../../core/audit.ts';
import type { Clock } from '../../core/clock.ts';
import type { Helpdesk } from '../../core/helpdesk.ts';
import type { History } from '../../core/history.ts';
import type { Observer } from '../../core/observer.ts';
import type { Outbox } from '../../core/outbox.ts';
import type { ServiceControl } from '../../core/service-control.ts';
import type { RuleSet } from '../../core/rules.ts';
import type { ShownSetting } from '../../core/shown-setting.ts';
import type { TicketReader } from '../../core/ticket-reader.ts';
import type { AdminContext, AdminEnv, Door } from '../admin-auth.ts';
import type { Seats } from '../event-stream.ts';
import { loadAssets } from './assets.ts';
import { addBatchPages } from './batches.tsx';
import { addLive } from './live.ts';
import { addDeadLetters } from './dead-letters.tsx';
import { addKnowledgePage, type KnowledgePageDeps } from './knowledge.tsx';
import { addOverview, type OverviewDeps } from './overview.tsx';
import { addSettings, type SettingsDeps } from './settings.tsx';
import { createPages } from './page.tsx';
import { createErrorPage } from './error-page.tsx';
import { createSessions } from './sessions.ts';
import { addTicketPages } from './tickets.tsx';
import { addSignIn } from './sign-in.tsx';

/** What only the console asks for. */
export interface ConsoleParts {
  readonly history: History;
  readonly settings: readonly ShownSetting[];
  /** Those in force; not given: there is no file. */
  readonly rules?: () => RuleSet;
  /** The provider's screen of keys and credit; null: not known. */
  readonly llmAdminUrl?: string | null;
  /** USD of a UTC day; null: no bound. */
  readonly dailyBudgetUsd: number | null;
  /** NOTE_TRACE_LINK: the address of a trace, with `{traceId}` in it. */
  readonly noteTraceLink?: string | null;
}

export interface ConsoleDeps extends ConsoleParts, KnowledgePageDeps, OverviewDeps, Omit<SettingsDeps, 'sessions'> {
  readonly audit: AuditLog;
  readonly clock: Clock;
  readonly control: ServiceControl;
  readonly helpdesks: ReadonlyMap<string, Helpdesk>;
  readonly observer: Observer;
  readonly outbox: Outbox;
  readonly reader: TicketReader;
  readonly door: Door;
  readonly seats: Seats;
  /** The answer to what was thrown, as problem details. */
  readonly failure: (error: unknown, c: AdminContext) => Response;
}

export interface Console {
  readonly routes: Hono<AdminEnv>;
  /** The same problem as a page, where a browser asked. */
  readonly errorPage: (problem: Response, request: Request) => Response | Promise<Response>;
}

/** The web page of the service itself. How a page is added stands at the top of page.tsx. */
export function createConsole(deps: ConsoleDeps): Console {
  const routes = new Hono<AdminEnv>();
  const sessions = createSessions(deps.clock);
  const { assets, routes: assetRoutes } = loadAssets();
  const parts = { ...deps, sessions, assets };
  const pages = createPages(routes, parts);
  routes.route('/', assetRoutes);
  addSignIn(routes, parts);
  addLive(pages, parts);
  addOverview(pages, parts);
  addTicketPages(pages, parts);
  addBatchPages(pages, parts);
  addDeadLetters(pages, parts);
  addKnowledgePage(pages, parts);
  addSettings(pages, parts);
  return { routes, errorPage: createErrorPage(assets) };
}
