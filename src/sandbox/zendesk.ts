import { type Context, Hono, type MiddlewareHandler } from 'hono';
import {
  createFaultPlan,
  HELPDESK_FAULTS,
  type FaultRates,
  type HelpdeskFault,
  type SimulatorEnv,
  withFaults,
} from './faults.ts';
import {
  createStats,
  type HelpdeskSimulator,
  type HelpdeskSimulatorOptions,
  originOf,
  type StatsCounter,
} from './helpdesk-simulator.ts';
import { createWebhookSender, type WebhookCall, type WebhookTarget } from './webhook-sender.ts';
import {
  accountLimitHeaders,
  createZendeskAccess,
  endpointLimitHeader,
  scopeAllows,
  seconds,
  ZENDESK_CREDENTIALS,
  type ZendeskAccess,
  type ZendeskBuckets,
  zendeskBuckets,
  type ZendeskCredentials,
  type ZendeskLimitOption,
} from './zendesk-access.ts';
import {
  auditJson,
  commentEventJson,
  commentJson,
  createZendeskAccount,
  ticketJson,
  userJson,
  type ZendeskAccount,
  type ZendeskComment,
  type ZendeskTicket,
} from './zendesk-account.ts';
import { createHelpCentre, type HelpCentre } from './help-centre.ts';
import { createZendeskAutomation, type ZendeskAutomation } from './zendesk-automation.ts';
import { guideRoutes } from './zendesk-guide.ts';
import { compare, cursorPage, INVALID_PAGINATION, offsetPage, readCursor, writeCursor } from './zendesk-lists.ts';
import { type ZendeskEmit, type ZendeskPeople, zendeskPeople } from './zendesk-people.ts';
import { searchExport } from './zendesk-search.ts';
import { updateTicket } from './zendesk-update.ts';
import { createTicket, deleteTicket } from './zendesk-create.ts';
import { createZendeskWebhooks, ZENDESK_SENDER, type ZendeskEvent } from './zendesk-webhooks.ts';

export interface ZendeskSimulatorOptions extends HelpdeskSimulatorOptions {
  readonly credentials?: Partial<ZendeskCredentials>;
  /** `vendor`: Suite Growth with 100 updates a minute. Default `lifted`. */
  readonly limits?: ZendeskLimitOption;
  /** Role of our user: only an admin may use the incremental export. Default `agent`. */
  readonly role?: 'agent' | 'admin';
  readonly accountId?: number;
  readonly webhookSecret?: string;
  /** What a connected account sends: event subscriptions, or a trigger for what end users do. Default `events`. */
  readonly webhooks?: 'events' | 'trigger';
  /** By how much the search index is behind, ms. Default 0; the vendor's is a few minutes. */
  readonly searchLagMs?: number;
  /** Order of `created_at` in the search export. Default `desc`. */
  readonly searchOrder?: 'asc' | 'desc';
}

export interface ZendeskSimulator extends HelpdeskSimulator, Omit<ZendeskPeople, 'ticket'> {
  readonly credentials: ZendeskCredentials;
  readonly accountId: number;
  readonly webhookSecret: string;
  /** The newest comment unless `commentId` names one. The same event gives the same body, signed anew. */
  webhookFor(ticketId: string, event: ZendeskEvent, commentId?: string): WebhookCall;
  /** The next note comes back public although it was sent private. */
  publishNextNote(): void;
  revokeTokens(): void;
  tokensIssued(): number;
  /** What was made through the API, and may be changed as on the screen. */
  readonly automation: ZendeskAutomation;
}

type Env = { Bindings: SimulatorEnv };

/** Everything the routes share. */
interface Parts {
  readonly options: ZendeskSimulatorOptions;
  readonly account: ZendeskAccount;
  readonly access: ZendeskAccess;
  readonly buckets: ZendeskBuckets;
  readonly stats: StatsCounter;
  readonly emit: ZendeskEmit;
  readonly automation: ZendeskAutomation;
  readonly helpCentre: HelpCentre;
  forcePublic: boolean;
}

/** A Zendesk account in memory: API, limits, webhooks (helpdesks.md 1-3). */
export function createZendeskSimulator(options: ZendeskSimulatorOptions): ZendeskSimulator {
  const { clock, random } = options;
  const credentials = { ...ZENDESK_CREDENTIALS, ...options.credentials };
  const accountId = options.accountId ?? 22129848;
  const webhookSecret = options.webhookSecret ?? 'zendesk-simulator-webhook-secret';
  const account = createZendeskAccount(clock, options.role ?? 'agent');
  const access = createZendeskAccess(clock, credentials);
  const webhooks = createZendeskWebhooks(clock, account, { accountId, secret: webhookSecret });
  const sender = createWebhookSender(clock, ZENDESK_SENDER);
  const stats = createStats();
  const rates: FaultRates<HelpdeskFault> =
    typeof options.faults === 'object' ? options.faults : HELPDESK_FAULTS[options.faults ?? 'off'];
  const faults = createFaultPlan<HelpdeskFault>(rates, random);
  let target: WebhookTarget | null = null;

  const automation = createZendeskAutomation({ clock, account, accountId, sender });
  const emit: ZendeskEmit = (event, ticket, comment) => {
    automation.emit(event, ticket, comment);
    if (target === null || (event === 'trigger') !== (options.webhooks === 'trigger')) return;
    const body = webhooks.body(event, ticket, comment);
    const invocationId = webhooks.newInvocationId();
    sender.send(target, { ticketId: String(ticket.id), event, call: () => webhooks.sign(body, invocationId) });
  };
  const buckets = zendeskBuckets(clock, options.limits ?? 'lifted');
  const helpCentre = createHelpCentre(clock);
  const parts: Parts = { options, account, access, buckets, stats, emit, automation, helpCentre, forcePublic: false };
  const app = createApp(parts);
  const { ticket: ticketOf, ...people } = zendeskPeople({ account, emit, countUpdate: () => buckets.update() });
  const webhookFor: ZendeskSimulator['webhookFor'] = (ticketId, event, commentId) => {
    const ticket = ticketOf(ticketId);
    const newest = ticket.comments.at(event === 'ticket.created' ? 0 : -1);
    const named = ticket.comments.find((one) => String(one.id) === commentId);
    const comment = commentId === undefined ? newest : named;
    return webhooks.sign(webhooks.body(event, ticket, comment), webhooks.newInvocationId());
  };

  return {
    name: 'zendesk',
    credentials,
    accountId,
    webhookSecret,
    helpCentre,
    faults,
    fetch: withFaults({
      handle: (request, env) => app.fetch(request, env),
      plan: faults,
      clock,
      random,
      isWrite: (request) => request.method === 'PUT',
      lateCommitMs: options.lateCommitMs ?? 16_000,
    }),
    ...people,
    webhookFor,
    creationWebhooks(ticketId) {
      if (options.webhooks === 'trigger') return [webhookFor(ticketId, 'trigger')];
      const first = String(ticketOf(ticketId).comments[0]?.id);
      return [webhookFor(ticketId, 'ticket.created'), webhookFor(ticketId, 'ticket.comment_added', first)];
    },
    publishNextNote() {
      parts.forcePublic = true;
    },
    revokeTokens: () => access.revokeTokens(),
    tokensIssued: () => access.tokensIssued(),
    automation,
    connect(to) {
      target = to;
    },
    disconnect() {
      target = null;
      sender.stop();
    },
    deliveries: sender.deliveries,
    idle: () => sender.idle(),
    stats: () => stats.read(),
    rival: (perMinute) => buckets.rival(perMinute),
    rivalsRefused: () => buckets.rivalsRefused(),
  };
}

const RECORD_NOT_FOUND = { error: 'RecordNotFound', description: 'Not found' };
const FORBIDDEN = {
  error: {
    title: 'Forbidden',
    message:
      'You do not have access to this page. Please contact the account owner of this help desk for further help.',
  },
};
const RATE_LIMITED = {
  error: 'APIRateLimitExceeded',
  description: 'Number of allowed API requests per minute exceeded',
};
const TICKET_RATE_LIMITED = {
  error: 'TooManyRequests',
  description: 'Limit of 30 updates per 10 minutes per ticket exceeded',
};

function createApp(parts: Parts): Hono<Env> {
  const { account, access, stats } = parts;
  // `.json` at the end of a path is optional
  const app = new Hono<Env>({ getPath: (request) => new URL(request.url).pathname.replace(/\.json$/, '') });

  app.use(async (c, next) => {
    await next();
    c.header('x-zendesk-api-version', 'v2');
    c.header('x-request-id', `${account.newId().toString(16)}-AMS`);
    c.header('cache-control', 'max-age=0, private, must-revalidate');
  });
  app.post('/oauth/tokens', (c) => {
    stats.request('POST /oauth/tokens');
    return access.issueToken(c);
  });
  app.use('/api/v2/*', authenticated(parts), withinAccountLimit(parts));
  app.get('/api/v2/users/me', (c) => {
    const user = account.users.get(account.botId);
    return user === undefined ? c.json(RECORD_NOT_FOUND, 404) : c.json({ user: userJson(user, originOf(c)) });
  });
  app.get('/api/v2/tickets', (c) => listTickets(c, parts));
  app.get('/api/v2/tickets/show_many', (c) => showManyTickets(c, parts));
  app.get('/api/v2/search/export', (c) => exportSearch(c, parts));
  app.get('/api/v2/tickets/:id{[0-9]+}', (c) => showTicket(c, parts));
  app.get('/api/v2/tickets/:id{[0-9]+}/comments', (c) => listComments(c, parts));
  app.put('/api/v2/tickets/:id{[0-9]+}', (c) => putTicket(c, parts));
  app.post('/api/v2/tickets', (c) => createTicket(c, parts));
  app.delete('/api/v2/tickets/:id{[0-9]+}', (c) => deleteTicket(c, parts));
  app.get('/api/v2/incremental/tickets/cursor', (c) => exportTickets(c, parts));
  app.route('/api/v2', guideRoutes(parts.helpCentre, FORBIDDEN));
  app.route('/api/v2', parts.automation.routes({ admin: parts.options.role === 'admin', forbidden: FORBIDDEN }));
  app.notFound((c) => c.json({ error: 'InvalidEndpoint', description: 'Not found' }, 404));
  return app;
}

function authenticated({ access, stats }: Parts): MiddlewareHandler<Env> {
  return async (c, next) => {
    const path = new URL(c.req.url).pathname.replace(/\.json$/, '');
    stats.request(`${c.req.method} ${path.replaceAll(/\/\d+/g, '/:id')}`);
    const identity = access.identify(c.req.header('authorization'));
    if (identity.kind === 'bad_token') {
      const description = 'The access token provided is expired, revoked, malformed or invalid for other reasons.';
      return c.json({ error: 'invalid_token', error_description: description }, 401);
    }
    if (identity.kind === 'none') {
      // the trap for credential probes: 200, and nobody is logged in
      if (path === '/api/v2/users/me') return c.json({ user: { name: 'Anonymous user' } });
      return c.json({ error: "Couldn't authenticate you" }, 401);
    }
    if (identity.kind === 'agent' && !scopeAllows(identity.scopes, c.req.method, path)) return c.json(FORBIDDEN, 403);
    return await next();
  };
}

function withinAccountLimit({ options, buckets, stats }: Parts): MiddlewareHandler<Env> {
  return async (c, next) => {
    const guide = new URL(c.req.url).pathname.startsWith('/api/v2/help_center/');
    const verdict = guide ? buckets.guide() : buckets.account();
    const faulty = c.env.fault === 'rate_limited';
    if (faulty || !verdict.allowed) {
      stats.rateLimited();
      const wait = faulty ? (options.faultRetryAfterSeconds ?? 1) : seconds(verdict.waitMs);
      return c.json(RATE_LIMITED, 429, { ...accountLimitHeaders(verdict), 'retry-after': String(wait) });
    }
    await next();
    for (const [name, value] of Object.entries(accountLimitHeaders(verdict))) c.header(name, value);
  };
}

function showTicket(c: Context<Env>, { account, options }: Parts): Response {
  const ticket = account.visible(Number(c.req.param('id')));
  if (ticket === undefined) return c.json(RECORD_NOT_FOUND, 404);
  const include = (c.req.query('include') ?? '').split(',');
  const json = ticketJson(ticket, originOf(c), options.clock);
  if (include.includes('comment_count')) json['comment_count'] = ticket.comments.length;
  const users = include.includes('users') ? { users: usersJson(account, [ticket.requesterId], originOf(c)) } : {};
  return c.json({ ticket: json, ...users });
}

const SHOW_MANY_MAX = 100;

/** Up to a hundred tickets by id; those that cannot be seen are left out without a word. */
function showManyTickets(c: Context<Env>, { account, options }: Parts): Response {
  const ids = (c.req.query('ids') ?? '').split(',').map(Number);
  if (ids.length > SHOW_MANY_MAX)
    return c.json({ error: 'TooManyIds', description: 'Up to 100 ids are accepted' }, 400);
  const include = (c.req.query('include') ?? '').split(',');
  const found = [...new Set(ids)].flatMap((id) => account.visible(id) ?? []);
  const tickets = found.map((ticket) => ({
    ...ticketJson(ticket, originOf(c), options.clock),
    ...(include.includes('comment_count') ? { comment_count: ticket.comments.length } : {}),
  }));
  const requesters = found.map((ticket) => ticket.requesterId);
  const users = include.includes('users') ? { users: usersJson(account, requesters, originOf(c)) } : {};
  return c.json({ tickets, ...users, next_page: null, previous_page: null, count: tickets.length });
}

function exportSearch(c: Context<Env>, { account, buckets, stats, options }: Parts): Response {
  const verdict = buckets.searchExport();
  c.header('zendesk-ratelimit-search-export', endpointLimitHeader(verdict));
  if (!verdict.allowed) {
    stats.rateLimited();
    return c.json(RATE_LIMITED, 429, { 'retry-after': String(seconds(verdict.waitMs)) });
  }
  return searchExport(c, account, {
    clock: options.clock,
    lagMs: options.searchLagMs ?? 0,
    descending: options.searchOrder !== 'asc',
  });
}

function listComments(c: Context<Env>, { account }: Parts): Response {
  const ticket = account.visible(Number(c.req.param('id')));
  if (ticket === undefined) return c.json(RECORD_NOT_FOUND, 404);
  const keyOf = (comment: ZendeskComment) => ({ value: comment.createdAt, id: comment.id });
  const base = { c, items: ticket.comments, keyOf };
  const sort = c.req.query('sort');
  let page;
  if (c.req.query('page[size]') === undefined) {
    page = offsetPage({ ...base, descending: c.req.query('sort_order') === 'desc' });
  } else {
    // here `sort_order` is ignored without a word: only `sort` counts
    const known = sort === undefined || sort === 'created_at' || sort === '-created_at';
    page = known ? cursorPage({ ...base, descending: sort === '-created_at' }) : null;
  }
  if (page === null) return c.json(INVALID_PAGINATION, 400);
  const authors = page.items.map((comment) => comment.authorId);
  const users = c.req.query('include')?.split(',').includes('users') === true;
  return c.json({
    comments: page.items.map(commentJson),
    ...(users ? { users: usersJson(account, authors, originOf(c)) } : {}),
    ...page.envelope,
  });
}

function usersJson(account: ZendeskAccount, ids: readonly number[], baseUrl: string): object[] {
  return [...new Set(ids)].flatMap((id) => {
    const user = account.users.get(id);
    return user === undefined ? [] : [userJson(user, baseUrl)];
  });
}

async function putTicket(c: Context<Env>, parts: Parts): Promise<Response> {
  const { account, buckets, stats, options, emit } = parts;
  const id = Number(c.req.param('id'));
  const verdict = buckets.update();
  c.header('zendesk-ratelimit-tickets-update', endpointLimitHeader(verdict));
  const ofTicket = buckets.updateOf(id);
  if (!verdict.allowed || !ofTicket.allowed) {
    stats.rateLimited();
    c.header('retry-after', String(seconds(Math.max(verdict.waitMs, ofTicket.waitMs))));
    return c.json(verdict.allowed ? TICKET_RATE_LIMITED : RATE_LIMITED, 429);
  }
  const input = await c.req.json<unknown>().catch(() => undefined);
  if (input === undefined) {
    return c.json({ error: 'Unprocessable Entity', message: 'Server could not parse JSON' }, 422);
  }
  const ticket = account.visible(id);
  if (ticket === undefined) return c.json(RECORD_NOT_FOUND, 404);
  const result = updateTicket(account, ticket, input, {
    forcePublic: parts.forcePublic,
    resent: c.env.resent === true,
  });
  if (result.kind === 'refused') return c.json(result.body, result.status);

  const events = [...(result.comment === null ? [] : [commentEventJson(result.comment)]), ...result.changes];
  if (result.comment !== null) {
    parts.forcePublic = false;
    stats.comment(result.comment.public);
    emit('ticket.comment_added', ticket, result.comment);
  }
  const audit = {
    id: result.comment?.auditId ?? account.newId(),
    ticketId: id,
    authorId: account.botId,
    createdAt: options.clock.now(),
    custom: result.custom,
  };
  return c.json({ ticket: ticketJson(ticket, originOf(c), options.clock), audit: auditJson(audit, events) });
}

const TICKET_SORTS: Readonly<Record<string, (ticket: ZendeskTicket) => number>> = {
  updated_at: (ticket) => Math.floor(ticket.updatedAt / 1000),
  id: (ticket) => ticket.id,
};

function listTickets(c: Context<Env>, { account, buckets, stats, options }: Parts): Response {
  const verdict = buckets.list();
  c.header('zendesk-ratelimit-tickets-index', endpointLimitHeader(verdict));
  if (!verdict.allowed) {
    stats.rateLimited();
    return c.json(RATE_LIMITED, 429, { 'retry-after': String(seconds(verdict.waitMs)) });
  }
  const sort = c.req.query('sort') ?? 'id';
  const sortValue = TICKET_SORTS[sort.replace(/^-/, '')];
  const items = [...account.tickets.values()].filter((ticket) => ticket.status !== 'deleted');
  const valueOf = sortValue ?? ((ticket: ZendeskTicket) => ticket.id);
  const keyOf = (ticket: ZendeskTicket) => ({ value: valueOf(ticket), id: ticket.id });
  const request = { c, items, keyOf, descending: sort.startsWith('-') };
  const cursor = c.req.query('page[size]') !== undefined;
  if (cursor && sortValue === undefined) return c.json(INVALID_PAGINATION, 400);
  const page = cursor ? cursorPage(request) : offsetPage({ ...request, descending: false });
  if (page === null) return c.json(INVALID_PAGINATION, 400);
  return c.json({
    tickets: page.items.map((ticket) => ticketJson(ticket, originOf(c), options.clock)),
    ...page.envelope,
  });
}

/** The incremental export: admins only, ten a minute, never the last minute; deleted tickets are in it. */
function exportTickets(c: Context<Env>, { account, buckets, stats, options }: Parts): Response {
  if (options.role !== 'admin') return c.json(FORBIDDEN, 403);
  const verdict = buckets.incremental();
  c.header('zendesk-ratelimit-incremental-exports', endpointLimitHeader(verdict));
  if (!verdict.allowed) {
    stats.rateLimited();
    return c.json(RATE_LIMITED, 429, { 'retry-after': String(seconds(verdict.waitMs)) });
  }
  const lastMinute = Math.floor(options.clock.now() / 1000) - 60;
  const cursor = readCursor(c.req.query('cursor'));
  const startTime = Number(c.req.query('start_time'));
  if (cursor === 'bad' || (cursor === null && !(startTime >= 0 && startTime <= lastMinute))) {
    return c.json({ error: 'StartTimeTooRecent', description: 'start_time must be more than a minute ago' }, 400);
  }
  const from = cursor ?? { value: startTime, id: 0 };
  const keyOf = (ticket: ZendeskTicket) => ({ value: Math.floor(ticket.updatedAt / 1000), id: ticket.id });
  const due = [...account.tickets.values()]
    .filter((ticket) => keyOf(ticket).value <= lastMinute && compare(keyOf(ticket), from) > 0)
    .toSorted((a, b) => compare(keyOf(a), keyOf(b)));
  const perPage = Math.min(1000, Number(c.req.query('per_page') ?? 1000));
  const page = due.slice(0, perPage);
  const last = page.at(-1);
  const after = writeCursor(last === undefined ? from : keyOf(last));
  return c.json({
    tickets: page.map((ticket) => ticketJson(ticket, originOf(c), options.clock)),
    after_url: `${originOf(c)}/api/v2/incremental/tickets/cursor.json?cursor=${after}`,
    after_cursor: after,
    before_url: null,
    before_cursor: null,
    end_of_stream: due.length <= perPage,
  });
}
