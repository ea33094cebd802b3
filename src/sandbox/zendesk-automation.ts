import { randomBytes } from 'node:crypto';
import { type Context, Hono, type MiddlewareHandler } from 'hono';
import type { Clock } from '../core/clock.ts';
import type { SimulatorEnv } from './faults.ts';
import { originOf } from './helpdesk-simulator.ts';
import { stamp } from './html.ts';
import type { WebhookSender } from './webhook-sender.ts';
import type { ZendeskAccount, ZendeskComment, ZendeskTicket } from './zendesk-account.ts';
import type { ZendeskEmit } from './zendesk-people.ts';
import { createZendeskWebhooks, type ZendeskEvent } from './zendesk-webhooks.ts';

// Webhooks and triggers that an admin makes through the API, and what they send (helpdesks.md 1.1, 1.3).

type Env = { Bindings: SimulatorEnv };
type Fields = Record<string, unknown>;

/** A record as the API shows it; a test may change it as an admin would on the screen. */
export interface MadeWebhook extends Fields {
  readonly id: string;
  name: string;
  status: string;
  endpoint: string;
  http_method: string;
  request_format: string;
  subscriptions: string[];
}

export interface MadeTrigger extends Fields {
  readonly id: number;
  title: string;
  active: boolean;
  conditions: { all: Condition[]; any: Condition[] };
  actions: { field: string; value: unknown }[];
}

interface Condition {
  field: string;
  operator: string;
  value: string;
}

export interface ZendeskAutomation {
  readonly webhooks: MadeWebhook[];
  readonly triggers: MadeTrigger[];
  secretOf(webhookId: string): string;
  /** Something happened on a ticket: triggers and subscriptions send their webhooks. */
  readonly emit: ZendeskEmit;
  /** Routes below `/api/v2`; those of admins answer 403 to others. */
  routes(options: { readonly admin: boolean; readonly forbidden: object }): Hono<Env>;
}

interface World {
  readonly clock: Clock;
  readonly account: ZendeskAccount;
  readonly accountId: number;
  readonly sender: WebhookSender;
}

const NOT_FOUND = { error: 'RecordNotFound', description: 'Not found' };
const PAGE_MAX = 100;

export function createZendeskAutomation({ clock, account, accountId, sender }: World): ZendeskAutomation {
  const webhooks: MadeWebhook[] = [];
  const triggers: MadeTrigger[] = [];
  const secrets = new Map<string, string>();
  const secretOf = (id: string): string => secrets.get(id) ?? '';

  const send = (webhook: MadeWebhook, ticket: ZendeskTicket, event: ZendeskEvent, body: string): void => {
    const made = createZendeskWebhooks(clock, account, {
      accountId,
      secret: secretOf(webhook.id),
      webhookId: webhook.id,
    });
    const invocationId = made.newInvocationId();
    const target = { url: webhook.endpoint, fetch };
    sender.send(target, { ticketId: String(ticket.id), event, call: () => made.sign(body, invocationId) });
  };

  const emit: ZendeskEmit = (event, ticket, comment) => {
    for (const webhook of webhooks) {
      if (webhook.status !== 'active' || !webhook.subscriptions.includes(`zen:event-type:${event}`)) continue;
      const bodies = createZendeskWebhooks(clock, account, { accountId, secret: '' });
      send(webhook, ticket, event, bodies.body(event, ticket, comment));
    }
    // of the two events of a creation the triggers see one
    if (event === 'trigger' || (event === 'ticket.comment_added' && comment === ticket.comments[0])) return;
    for (const { active, conditions, actions } of triggers) {
      if (!active || !conditions.all.every((one) => holds(one, event, comment, account))) continue;
      for (const { field, value } of actions) {
        const [id, body] = field === 'notification_webhook' && Array.isArray(value) ? (value as string[]) : [];
        const webhook = webhooks.find((one) => one.id === id && one.status === 'active');
        if (webhook !== undefined) send(webhook, ticket, 'trigger', render(body ?? '', ticket));
      }
    }
  };

  const routes: ZendeskAutomation['routes'] = ({ admin, forbidden }) => {
    const app = new Hono<Env>();
    const adminsOnly: MiddlewareHandler<Env> = (c, next) => (admin ? next() : Promise.resolve(c.json(forbidden, 403)));
    for (const path of ['/webhooks', '/webhooks/*', '/triggers', '/triggers/*']) app.use(path, adminsOnly);

    app.get('/webhooks', (c) => c.json(cursorPage(c, 'webhooks', webhooks)));
    app.post('/webhooks', async (c) => {
      const fields = await fieldsOf(c, 'webhook');
      const missing = WEBHOOK_FIELDS.filter((name) => fields[name] === undefined);
      if (missing.length > 0) return c.json(invalid(missing), 400);
      const id = `01${randomBytes(12).toString('hex').toUpperCase()}`;
      const made = { ...fields, id, created_at: stamp(clock.now()), created_by: String(account.botId) };
      webhooks.push(made as unknown as MadeWebhook);
      secrets.set(id, randomBytes(32).toString('base64'));
      return c.json({ webhook: made }, 201);
    });
    app.patch('/webhooks/:id', async (c) => {
      const found = webhooks.find(({ id }) => id === c.req.param('id'));
      if (found === undefined) return c.json(NOT_FOUND, 404);
      Object.assign(found, await fieldsOf(c, 'webhook'));
      return c.body(null, 204);
    });
    app.get('/webhooks/:id/signing_secret', (c) => {
      const secret = secrets.get(c.req.param('id'));
      return secret === undefined
        ? c.json(NOT_FOUND, 404)
        : c.json({ signing_secret: { algorithm: 'SHA256', secret } });
    });
    app.get('/triggers', (c) => c.json(cursorPage(c, 'triggers', triggers)));
    app.post('/triggers', async (c) => {
      const fields = await fieldsOf(c, 'trigger');
      if (typeof fields['title'] !== 'string' || !Array.isArray(fields['actions']))
        return c.json(invalid(['title']), 422);
      const made = { default: false, description: null, ...fields, id: account.newId(), position: triggers.length + 1 };
      triggers.push(made as unknown as MadeTrigger);
      return c.json({ trigger: made }, 201);
    });
    app.put('/triggers/:id', async (c) => {
      const found = triggers.find(({ id }) => String(id) === c.req.param('id'));
      if (found === undefined) return c.json(NOT_FOUND, 404);
      Object.assign(found, await fieldsOf(c, 'trigger'));
      return c.json({ trigger: found });
    });
    return app;
  };

  return { webhooks, triggers, secretOf, emit, routes };
}

const WEBHOOK_FIELDS = ['name', 'status', 'endpoint', 'http_method', 'request_format'];

function invalid(fields: readonly string[]): object {
  const details = Object.fromEntries(fields.map((field) => [field, [{ description: `${field} is required` }]]));
  return { error: 'RecordInvalid', description: 'Record validation errors', details };
}

async function fieldsOf(c: Context<Env>, root: string): Promise<Fields> {
  const input = await c.req.json<Record<string, Fields | undefined>>().catch(() => ({}) as Record<string, undefined>);
  return input[root] ?? {};
}

function cursorPage(c: Context<Env>, name: string, all: readonly object[]): object {
  const size = Math.min(PAGE_MAX, Number(c.req.query('page[size]') ?? PAGE_MAX));
  const from = Number(c.req.query('page[after]') ?? 0);
  const more = from + size < all.length;
  const next = more ? `${originOf(c)}/api/v2/${name}?page[size]=${size}&page[after]=${from + size}` : null;
  return {
    [name]: all.slice(from, from + size),
    meta: { has_more: more, after_cursor: more ? String(from + size) : null, before_cursor: null },
    links: { next, prev: null },
  };
}

function holds(
  { field, operator, value }: Condition,
  event: ZendeskEvent,
  comment: ZendeskComment | undefined,
  account: ZendeskAccount,
): boolean {
  const facts: Readonly<Record<string, string | undefined>> = {
    update_type: event === 'ticket.created' ? 'Create' : 'Change',
    role: comment === undefined ? undefined : roleOf(account, comment.updaterId),
    comment_is_public: comment === undefined ? 'not_relevant' : String(comment.public),
  };
  return operator === 'is' && facts[field] === value;
}

function roleOf(account: ZendeskAccount, userId: number): string {
  return account.users.get(userId)?.role === 'end-user' ? 'end_user' : 'agent';
}

/** Placeholders are replaced as text; those that nobody knows vanish. */
function render(body: string, ticket: ZendeskTicket): string {
  const values: Readonly<Record<string, string>> = {
    'ticket.id': String(ticket.id),
    'ticket.updated_at_with_timestamp': stamp(ticket.updatedAt),
    'ticket.title': ticket.subject,
  };
  return body.replaceAll(/\{\{\s*([\w.]+)\s*\}\}/g, (_, name: string) => values[name] ?? '');
}
