import { type Context, Hono, type MiddlewareHandler } from 'hono';
import {
  freshdeskAuth,
  type FreshdeskBuckets,
  freshdeskBuckets,
  type FreshdeskLimitOption,
  freshdeskLimits,
  freshdeskManners,
} from './freshdesk-access.ts';
import {
  agentJson,
  conversationJson,
  createdNoteJson,
  createFreshdeskAccount,
  type FreshdeskAccount,
  type FreshdeskTicket,
  requesterJson,
  statsJson,
  ticketJson,
} from './freshdesk-account.ts';
import { createHelpCentre, type HelpCentre } from './help-centre.ts';
import { type FreshdeskPeople, freshdeskPeople } from './freshdesk-people.ts';
import { createFreshdeskRules, type FreshdeskRules, readNewTicket } from './freshdesk-rules.ts';
import { type Paging, solutionRoutes } from './freshdesk-solutions.ts';
import {
  FRESHDESK_SENDER,
  type FreshdeskContent,
  type FreshdeskEvent,
  freshdeskWebhook,
} from './freshdesk-webhooks.ts';
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
import { plainText, stamp } from './html.ts';
import { createWebhookSender, type WebhookCall, type WebhookTarget } from './webhook-sender.ts';

export interface FreshdeskSimulatorOptions extends HelpdeskSimulatorOptions {
  readonly apiKey?: string;
  readonly webhookToken?: string;
  /** `vendor`: a Growth account. Default `lifted`. */
  readonly limits?: FreshdeskLimitOption;
  /** Content of the webhooks a connected account sends. Default `advanced`. */
  readonly webhookContent?: FreshdeskContent;
  /** Whose acts the connected account's update rule fires on; `anyone` includes our own notes. Default `requester`. */
  readonly webhookPerformer?: 'requester' | 'anyone';
  /** Role of our key: only an admin's may see automation rules. Default `agent`. */
  readonly role?: 'agent' | 'admin';
}

export interface FreshdeskSimulator extends HelpdeskSimulator, Omit<FreshdeskPeople, 'ticket'> {
  readonly apiKey: string;
  readonly webhookToken: string;
  webhookFor(ticketId: string, event: FreshdeskEvent, content?: FreshdeskContent): WebhookCall;
  /** The next note comes back public although it was sent private. */
  publishNextNote(): void;
  /** Calls of `POST …/reply`, which mails the customer: must stay 0. */
  repliesSent(): number;
  /** What was made through the API, and may be changed as on the screen. */
  readonly rules: FreshdeskRules['rules'];
}

type Env = { Bindings: SimulatorEnv };

interface Parts {
  readonly options: FreshdeskSimulatorOptions;
  readonly account: FreshdeskAccount;
  readonly buckets: FreshdeskBuckets;
  readonly stats: StatsCounter;
  readonly emit: (event: FreshdeskEvent, ticket: FreshdeskTicket) => void;
  readonly rules: FreshdeskRules;
  readonly helpCentre: HelpCentre;
  forcePublic: boolean;
  replies: number;
}

/** A Freshdesk account in memory: API, limits, rule webhooks (helpdesks.md F1-F3). */
export function createFreshdeskSimulator(options: FreshdeskSimulatorOptions): FreshdeskSimulator {
  const { clock, random } = options;
  const apiKey = options.apiKey ?? 'freshdesk-simulator-api-key';
  const webhookToken = options.webhookToken ?? 'freshdesk-simulator-webhook-token';
  const account = createFreshdeskAccount(clock);
  const sender = createWebhookSender(clock, FRESHDESK_SENDER);
  const rates: FaultRates<HelpdeskFault> =
    typeof options.faults === 'object' ? options.faults : HELPDESK_FAULTS[options.faults ?? 'off'];
  const faults = createFaultPlan<HelpdeskFault>(rates, random);
  let target: WebhookTarget | null = null;

  const webhook = (ticket: FreshdeskTicket, event: FreshdeskEvent, content?: FreshdeskContent): WebhookCall =>
    freshdeskWebhook(ticket, event, content ?? options.webhookContent ?? 'advanced', webhookToken);
  const rules = createFreshdeskRules(sender);
  const emit = (event: FreshdeskEvent, ticket: FreshdeskTicket): void => {
    rules.emit(event, ticket);
    const byRequester = event === 'created' || event === 'customer_reply';
    if (target === null || (!byRequester && options.webhookPerformer !== 'anyone')) return;
    // retries are byte-identical
    const call = webhook(ticket, event);
    sender.send(target, { ticketId: String(ticket.id), event, call: () => call });
  };
  const buckets = freshdeskBuckets(clock, options.limits ?? 'lifted');
  const helpCentre = createHelpCentre(clock);
  const base = { options, account, buckets, stats: createStats(), emit, rules, helpCentre };
  const parts: Parts = { ...base, forcePublic: false, replies: 0 };
  const app = createApp(parts, apiKey);
  const { ticket, ...people } = freshdeskPeople({ account, emit });

  return {
    name: 'freshdesk',
    apiKey,
    webhookToken,
    helpCentre,
    faults,
    fetch: withFaults({
      handle: (request, env) => app.fetch(request, env),
      plan: faults,
      clock,
      random,
      isWrite: (request) => request.method !== 'GET',
      lateCommitMs: options.lateCommitMs ?? 16_000,
    }),
    ...people,
    webhookFor: (id, event, content) => webhook(ticket(id), event, content),
    creationWebhooks: (id) => [webhook(ticket(id), 'created')],
    publishNextNote() {
      parts.forcePublic = true;
    },
    repliesSent: () => parts.replies,
    rules: rules.rules,
    connect(to) {
      target = to;
    },
    disconnect() {
      target = null;
      sender.stop();
    },
    deliveries: sender.deliveries,
    idle: () => sender.idle(),
    stats: () => parts.stats.read(),
    rival(perMinute) {
      buckets.account.rival(perMinute);
      buckets.ticket.rival(perMinute);
    },
    rivalsRefused: () => buckets.account.rivalsRefused() + buckets.ticket.rivalsRefused(),
  };
}

interface FieldError {
  readonly field: string;
  readonly message: string;
  readonly code: string;
}

function invalid(c: Context<Env>, errors: readonly FieldError[]): Response {
  return c.json({ description: 'Validation failed', errors }, 400);
}

const unexpected = (field: string): FieldError => ({
  field,
  message: 'Unexpected/invalid field in request',
  code: 'invalid_field',
});

function createApp(parts: Parts, apiKey: string): Hono<Env> {
  const { account, stats, options } = parts;
  const app = new Hono<Env>();
  const createdAt = options.clock.now();

  app.use(async (c, next) => {
    stats.request(`${c.req.method} ${new URL(c.req.url).pathname.replaceAll(/\/\d+/g, '/:id')}`);
    await next();
    c.header('x-freshdesk-api-version', 'latest=v2; requested=v2');
    c.header('x-request-id', `${account.conversations.size}-${stats.read().total}`);
  });
  app.use(
    freshdeskLimits({
      buckets: parts.buckets,
      stats,
      faultRetryAfterSeconds: options.faultRetryAfterSeconds ?? 1,
    }),
    freshdeskAuth(apiKey),
    freshdeskManners,
  );
  app.get('/api/v2/agents/me', (c) => c.json(agentJson(account, createdAt)));
  const admin = options.role === 'admin';
  app.route('/api/v2', parts.rules.routes({ admin }));
  app.route('/api/v2', solutionRoutes(parts.helpCentre, { admin, page: pageJson }));
  app.get('/api/v2/tickets', (c) => listTickets(c, parts));
  app.post('/api/v2/tickets', (c) => createTicket(c, parts));
  app.use('/api/v2/tickets/:id{[0-9]+}', reachable(parts));
  app.use('/api/v2/tickets/:id{[0-9]+}/*', reachable(parts));
  app.get('/api/v2/tickets/:id{[0-9]+}', (c) => viewTicket(c, parts));
  app.delete('/api/v2/tickets/:id{[0-9]+}', (c) => {
    account.touch(Object.assign(ticketOf(c, parts), { deleted: true }));
    return c.body(null, 204);
  });
  app.get('/api/v2/tickets/:id{[0-9]+}/conversations', (c) => listConversations(c, parts));
  app.post('/api/v2/tickets/:id{[0-9]+}/notes', (c) => createNote(c, parts));
  app.post('/api/v2/tickets/:id{[0-9]+}/reply', (c) => reply(c, parts));
  app.put('/api/v2/conversations/:id{[0-9]+}', (c) => editNote(c, parts));
  app.delete('/api/v2/conversations/:id{[0-9]+}', (c) => deleteNote(c, parts));
  app.all('/api/v2/agents/me', (c) => c.body(null, 405, { allow: 'GET' }));
  app.all('/api/v2/tickets/:id{[0-9]+}', (c) => c.body(null, 405, { allow: 'GET' }));
  app.all('/api/v2/tickets/:id{[0-9]+}/:rest{conversations|notes|reply}', (c) => c.body(null, 405));
  app.notFound((c) =>
    // a doubled slash is read as a field called `ticket`
    c.req.path.startsWith('//') ? invalid(c, [unexpected('ticket')]) : c.body(null, 404),
  );
  return app;
}

/** 404 for what is not there or archived, 403 out of scope, 405 for writes to spam and trash. */
function reachable({ account }: Parts): MiddlewareHandler<Env> {
  return async (c, next) => {
    const ticket = account.tickets.get(Number(c.req.param('id')));
    if (ticket === undefined || ticket.purged || ticket.archived) return c.body(null, 404);
    if (ticket.restricted) {
      return c.json({ code: 'access_denied', message: 'You are not authorized to perform this action.' }, 403);
    }
    if (c.req.method !== 'GET' && (ticket.spam || ticket.deleted)) return c.body(null, 405, { allow: 'GET' });
    return await next();
  };
}

function ticketOf(c: Context<Env>, { account }: Parts): FreshdeskTicket {
  const ticket = account.tickets.get(Number(c.req.param('id')));
  if (ticket === undefined) throw new Error('`reachable` runs before');
  return ticket;
}

const VIEW_INCLUDES = new Set(['conversations', 'requester', 'company', 'stats']);

function includesOf(c: Context<Env>, known: ReadonlySet<string>): ReadonlySet<string> | null {
  const names = (c.req.query('include') ?? '').split(',').filter((name) => name !== '');
  return names.every((name) => known.has(name)) ? new Set(names) : null;
}

function viewTicket(c: Context<Env>, parts: Parts): Response {
  const includes = includesOf(c, VIEW_INCLUDES);
  if (includes === null) return invalid(c, [unexpected('include')]);
  const ticket = ticketOf(c, parts);
  // the include holds the first ten: the wrong end of a long thread
  const firstTen = ticket.conversations.slice(0, 10).map((one) => conversationJson(one, ticket));
  return c.json({
    ...ticketJson(ticket, true),
    ...(includes.has('requester') ? { requester: requesterJson(ticket.requester) } : {}),
    ...(includes.has('stats') ? { stats: statsJson(ticket) } : {}),
    ...(includes.has('company') ? { company: {} } : {}),
    ...(includes.has('conversations') ? { conversations: firstTen } : {}),
  });
}

/** `page` and `per_page`: default 30, an error (not a smaller page) above 100. */
function page<Item>(c: Context<Env>, items: readonly Item[]): readonly Item[] | FieldError {
  const perPage = Number(c.req.query('per_page') ?? 30);
  const number = Number(c.req.query('page') ?? 1);
  if (!(Number.isInteger(perPage) && perPage >= 1 && perPage <= 100)) {
    return {
      field: 'per_page',
      message: 'It should be a Positive Integer less than or equal to 100',
      code: 'invalid_value',
    };
  }
  if (!(Number.isInteger(number) && number >= 1)) {
    return { field: 'page', message: 'It should be a Positive Integer', code: 'invalid_value' };
  }
  if (number * perPage < items.length) {
    const url = new URL(c.req.url);
    url.searchParams.set('page', String(number + 1));
    c.header('link', `<${originOf(c)}${url.pathname}${url.search}>;rel="next"`);
  }
  return items.slice((number - 1) * perPage, number * perPage);
}

const pageJson: Paging = (c, all, json) => {
  const items = page(c, all);
  return 'field' in items ? invalid(c, [items]) : c.json(items.map(json));
};

function listConversations(c: Context<Env>, parts: Parts): Response {
  const ticket = ticketOf(c, parts);
  const items = page(c, ticket.conversations);
  if ('field' in items) return invalid(c, [items]);
  return c.json(items.map((one) => conversationJson(one, ticket)));
}

const LIST_INCLUDES = new Set(['requester', 'company', 'stats', 'description']);
const THIRTY_DAYS_MS = 30 * 86_400_000;

function listTickets(c: Context<Env>, parts: Parts): Response {
  const { account, options } = parts;
  const includes = includesOf(c, LIST_INCLUDES);
  if (includes === null) return invalid(c, [unexpected('include')]);
  const since = c.req.query('updated_since');
  const sinceMs = since === undefined ? null : Date.parse(since);
  if (Number.isNaN(sinceMs)) {
    return invalid(c, [{ field: 'updated_since', message: 'It should be a valid date', code: 'invalid_value' }]);
  }
  if (Number(c.req.query('page') ?? 1) > 300) {
    return invalid(c, [
      { field: 'page', message: 'You cannot access tickets beyond the 300th page', code: 'invalid_value' },
    ]);
  }
  const filter = c.req.query('filter');
  const shown = (ticket: FreshdeskTicket): boolean => {
    if (ticket.purged || ticket.archived) return false;
    if (filter === 'spam') return ticket.spam;
    if (filter === 'deleted') return ticket.deleted;
    return !ticket.spam && !ticket.deleted;
  };
  // without updated_since only tickets of the last thirty days
  const recent = (ticket: FreshdeskTicket): boolean =>
    sinceMs === null ? ticket.createdAt >= options.clock.now() - THIRTY_DAYS_MS : ticket.updatedAt >= sinceMs;
  const timeOf = (ticket: FreshdeskTicket): number =>
    c.req.query('order_by') === 'updated_at' ? ticket.updatedAt : ticket.createdAt;
  const direction = c.req.query('order_type') === 'asc' ? 1 : -1;
  const found = [...account.tickets.values()]
    .filter((ticket) => shown(ticket) && recent(ticket))
    .toSorted((a, b) => direction * (timeOf(a) - timeOf(b) || a.id - b.id));
  const items = page(c, found);
  if ('field' in items) return invalid(c, [items]);
  return c.json(items.map((ticket) => listRow(ticket, includes)));
}

function listRow(ticket: FreshdeskTicket, includes: ReadonlySet<string>): object {
  const description = { description: ticket.html, description_text: plainText(ticket.html) };
  return {
    ...ticketJson(ticket, false),
    associated_tickets_count: null,
    nr_due_by: null,
    nr_escalated: false,
    ...(includes.has('description') ? description : {}),
    ...(includes.has('requester') ? { requester: requesterJson(ticket.requester) } : {}),
    ...(includes.has('stats') ? { stats: statsJson(ticket) } : {}),
  };
}

/** Keys a note may have, with the type each must be of. */
const NOTE_FIELDS: Readonly<Record<string, string>> = {
  body: 'string',
  private: 'boolean',
  incoming: 'boolean',
  notify_emails: 'object',
  user_id: 'number',
};

async function readFields(
  c: Context<Env>,
  known: Readonly<Record<string, string>>,
): Promise<Record<string, unknown> | Response> {
  const input = await c.req.json<unknown>().catch(() => undefined);
  if (typeof input !== 'object' || input === null || Array.isArray(input)) {
    return c.json({ code: 'invalid_json', message: 'Request body is not valid JSON' }, 400);
  }
  const errors: FieldError[] = [];
  for (const [field, value] of Object.entries(input)) {
    if (known[field] === undefined) errors.push(unexpected(field));
    else if (typeof value !== known[field]) {
      errors.push({
        field,
        message: `Value set is of type ${typeof value}.It should be a/an ${known[field]}`,
        code: 'datatype_mismatch',
      });
    }
  }
  const fields: Record<string, unknown> = Object.fromEntries(Object.entries(input));
  if (fields['body'] === undefined) {
    errors.push({ field: 'body', message: 'Mandatory attribute missing', code: 'missing_field' });
  } else if (fields['body'] === '') {
    errors.push({ field: 'body', message: "It can't be blank", code: 'invalid_value' });
  }
  return errors.length === 0 ? fields : invalid(c, errors);
}

async function createTicket(c: Context<Env>, { account, emit }: Parts): Promise<Response> {
  const made = await readNewTicket(c, account);
  if ('id' in made) {
    emit('created', made);
    return c.json(ticketJson(made, true), 201);
  }
  return invalid(
    c,
    made.map((field) => ({ field, message: 'Mandatory attribute missing', code: 'missing_field' })),
  );
}

async function createNote(c: Context<Env>, parts: Parts): Promise<Response> {
  const fields = await readFields(c, NOTE_FIELDS);
  if (fields instanceof Response) return fields;
  const { account, stats, emit } = parts;
  const ticket = ticketOf(c, parts);
  const isPrivate = fields['private'] !== false && !parts.forcePublic;
  parts.forcePublic = false;
  const note = account.addConversation(ticket, {
    userId: typeof fields['user_id'] === 'number' ? fields['user_id'] : account.botId,
    html: String(fields['body']),
    incoming: fields['incoming'] === true,
    private: isPrivate,
    source: 2,
    byApi: true,
    resent: c.env.resent === true,
  });
  stats.comment(!isPrivate);
  emit('private_note', ticket);
  return c.json(createdNoteJson(note), 201, { location: `${originOf(c)}/api/v2/conversations/${note.id}` });
}

async function reply(c: Context<Env>, parts: Parts): Promise<Response> {
  const { account, stats } = parts;
  const fields = await readFields(c, { body: 'string', from_email: 'string', user_id: 'number', cc_emails: 'object' });
  if (fields instanceof Response) return fields;
  const ticket = ticketOf(c, parts);
  const base = { userId: account.botId, html: String(fields['body']), incoming: false, private: false };
  const sent = account.addConversation(ticket, { ...base, source: 0, byApi: true });
  parts.replies += 1;
  stats.comment(true);
  const { html, id, userId } = sent;
  const answer = { body: html, body_text: plainText(html), id, user_id: userId, ticket_id: ticket.id };
  return c.json({ ...answer, replied_to: [ticket.requester.email], created_at: stamp(sent.createdAt) }, 201, {
    location: `${originOf(c)}/api/v2/conversations/${id}`,
  });
}

async function editNote(c: Context<Env>, { account }: Parts): Promise<Response> {
  const note = account.conversations.get(Number(c.req.param('id')));
  if (note === undefined) return c.body(null, 404);
  if (note.source !== 2) return c.body(null, 405, { allow: 'DELETE' });
  const fields = await readFields(c, { body: 'string' });
  if (fields instanceof Response) return fields;
  account.edit(note, String(fields['body']));
  return c.json(createdNoteJson(note));
}

function deleteNote(c: Context<Env>, { account }: Parts): Response {
  const note = account.conversations.get(Number(c.req.param('id')));
  if (note === undefined) return c.body(null, 404);
  account.remove(note);
  return c.body(null, 204);
}
