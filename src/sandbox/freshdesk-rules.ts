import { type Context, Hono } from 'hono';
import type { SimulatorEnv } from './faults.ts';
import type { FreshdeskAccount, FreshdeskTicket } from './freshdesk-account.ts';
import { type FreshdeskEvent, TRIGGERED_EVENT } from './freshdesk-webhooks.ts';
import type { WebhookSender } from './webhook-sender.ts';

// Automation rules that an admin makes through the API, and what they send (helpdesks.md F1.2).

type Env = { Bindings: SimulatorEnv };

/** A rule as the API shows it; a test may change it as an admin would on the screen. */
export interface MadeRule {
  readonly id: number;
  /** 1 creation, 4 updates. */
  readonly type: number;
  name: string;
  active: boolean;
  performer?: { type: number };
  events?: { field_name: string; value?: string }[];
  actions: RuleAction[];
}

interface RuleAction {
  field_name: string;
  url: string;
  content: Record<string, string>;
  custom_headers: Record<string, string>;
}

export interface FreshdeskRules {
  readonly rules: MadeRule[];
  readonly emit: (event: FreshdeskEvent, ticket: FreshdeskTicket) => void;
  /** Routes below `/api/v2`; 403 unless the key is an admin's. */
  routes(options: { readonly admin: boolean }): Hono<Env>;
}

/** "Leave out any of the six keys → HTTP 500, not 400." */
const ACTION_KEYS = ['request_type', 'content_type', 'content_layout', 'url', 'content', 'custom_headers'];
const REQUESTER = 2;
const ANYBODY = 3;

export function createFreshdeskRules(sender: WebhookSender): FreshdeskRules {
  const rules: MadeRule[] = [];

  const emit: FreshdeskRules['emit'] = (event, ticket) => {
    for (const rule of rules) {
      if (!rule.active || !listens(rule, event)) continue;
      for (const { field_name: name, url, content, custom_headers: own } of rule.actions) {
        if (name !== 'trigger_webhook') continue;
        const values: Readonly<Record<string, string>> = {
          '{{ticket.id}}': String(ticket.id),
          '{{triggered_event}}': TRIGGERED_EVENT[event],
        };
        const text = JSON.stringify(content).replaceAll(/\{\{[\w.]+\}\}/g, (placeholder) => values[placeholder] ?? '');
        const headers = { 'content-type': 'application/json', 'user-agent': 'Freshdesk', ...own };
        const target = { url, fetch };
        sender.send(target, { ticketId: String(ticket.id), event, call: () => ({ headers, body: text }) });
      }
    }
  };

  const routes: FreshdeskRules['routes'] = ({ admin }) => {
    const app = new Hono<Env>();
    app.use('/automations/*', (c, next) =>
      admin
        ? next()
        : Promise.resolve(
            c.json({ code: 'access_denied', message: 'You are not authorized to perform this action.' }, 403),
          ),
    );
    app.get('/automations/:type/rules', (c) =>
      c.json({ rules: rules.filter(({ type }) => String(type) === c.req.param('type')), meta: {} }),
    );
    app.post('/automations/:type/rules', async (c) => {
      const fields = await c.req.json<Omit<MadeRule, 'id' | 'type'>>();
      if (!isWhole(fields.actions)) return c.body(null, 500);
      const made = { ...fields, id: 80_000_000 + rules.length, type: Number(c.req.param('type')) };
      rules.push(made);
      return c.json(made, 201);
    });
    app.put('/automations/:type/rules/:id', async (c) => {
      const found = rules.find(({ id }) => String(id) === c.req.param('id'));
      if (found === undefined) return c.body(null, 404);
      const fields = await c.req.json<Partial<MadeRule>>();
      if (fields.actions !== undefined && !isWhole(fields.actions)) return c.body(null, 500);
      return c.json(Object.assign(found, fields));
    });
    return app;
  };

  return { rules, emit, routes };
}

function isWhole(actions: readonly RuleAction[]): boolean {
  return actions.every((action) => ACTION_KEYS.every((key) => key in action));
}

function listens({ type, performer, events = [] }: MadeRule, event: FreshdeskEvent): boolean {
  if (type === 1) return event === 'created';
  const byRequester = event === 'customer_reply';
  const isPerformer = performer?.type === ANYBODY || (performer?.type === REQUESTER) === byRequester;
  const isReply = event === 'customer_reply' || event === 'agent_reply';
  return isReply && isPerformer && events.some(({ field_name: name }) => name === 'reply_sent');
}

interface NewTicketFields {
  readonly subject?: string;
  readonly description?: string;
  readonly name?: string;
  readonly email?: string;
  readonly status?: number;
  readonly priority?: number;
  readonly source?: number;
  readonly tags?: readonly string[];
}

/** `POST /api/v2/tickets` by the documented mandatory fields; answers the ticket, or what is missing. */
export async function readNewTicket(
  c: Context<Env>,
  account: FreshdeskAccount,
): Promise<FreshdeskTicket | readonly string[]> {
  const fields = await c.req.json<NewTicketFields>();
  const { subject = '', description = '', email, name = '', priority = 1, tags = [] } = fields;
  const mandatory = ['email', 'status', 'priority', 'source'] as const;
  const missing = mandatory.filter((key) => fields[key] === undefined);
  if (email === undefined || missing.length > 0) return missing;
  const requester = account.contact({ name, email });
  return account.createTicket({ subject, html: description, requester, tags, priority });
}
