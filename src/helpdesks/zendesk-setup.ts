import { createHmac } from 'node:crypto';
import * as z from 'zod';
import { UpstreamError } from '../core/errors.ts';
import { type HelpdeskSetup, type SetupPart, TEST_TICKET } from '../core/helpdesk-setup.ts';
import { id, lenient, shaped } from './answer.ts';
import type { HelpdeskDeps } from './helpdesk-module.ts';
import { type Answer, type HttpCall, sendCall } from './http-call.ts';
import type { Authorization } from './zendesk-auth.ts';
import { authorizationOf, type ZendeskSettings } from './zendesk-settings.ts';
import {
  TRIGGERS,
  type TriggerSpec,
  triggerProblems,
  type ZendeskTrigger,
  zendeskTrigger,
} from './zendesk-triggers.ts';

// Webhooks and triggers by API: helpdesks.md 1.1 and 1.3; the trigger's shape as Zendesk answers it
// (https://developer.zendesk.com/api-reference/ticketing/business-rules/triggers/).

const NAME = 'zendesk';
const WEBHOOK_NAME = 'Draftdesk';
const BY_TRIGGER = 'conditional_ticket_events';
const EVENTS = ['zen:event-type:ticket.created', 'zen:event-type:ticket.comment_added'];
/** Beyond what the service itself needs: an admin's client may do this, an agent's may not. */
const SETUP_SCOPE = 'read tickets:write webhooks:write triggers:write';
/** An account has a few hundred triggers at most. */
const MAX_PAGES = 50;

const webhook = z.object({
  id,
  name: lenient.text,
  endpoint: lenient.text,
  status: lenient.text,
  http_method: lenient.text,
  request_format: lenient.text,
  subscriptions: z.array(z.string()).nullish().catch(null),
});
type Webhook = z.output<typeof webhook>;

const paging = { meta: z.object({ has_more: lenient.flag, after_cursor: lenient.text }).nullish().catch(null) };
const webhooksAnswer = z.object({ webhooks: z.array(webhook), ...paging });
const triggersAnswer = z.object({ triggers: z.array(zendeskTrigger), ...paging });
const secretAnswer = z.object({ signing_secret: z.object({ secret: z.string().min(1) }) });
const meAnswer = z.object({ user: z.object({ id: lenient.id, name: lenient.text, role: lenient.text }) });
const ticketAnswer = z.object({ ticket: z.object({ id, requester_id: lenient.id, submitter_id: lenient.id }) });

interface Found {
  readonly webhook: Webhook | undefined;
  readonly triggers: readonly { readonly spec: TriggerSpec; readonly trigger: ZendeskTrigger | undefined }[];
}

/** `adminToken`: an admin's OAuth token for the set-up alone, where the service's own credentials may not do it. */
export function createZendeskSetup(settings: ZendeskSettings, deps: HelpdeskDeps, adminToken?: string): HelpdeskSetup {
  const http = { upstream: NAME, fetch: deps.fetch, clock: deps.clock, timeoutMs: deps.timeoutMs };
  const credentials = adminToken === undefined ? settings.credentials : ({ kind: 'token', token: adminToken } as const);
  const signIn = (scope?: string): Authorization => authorizationOf({ ...settings, credentials }, http, deps, scope);
  let header: string | null = null;

  /** A client that was not given the scopes of the set-up may still look at it. */
  async function authorization(signal: AbortSignal): Promise<string> {
    try {
      return await signIn(SETUP_SCOPE).header(signal);
    } catch (error) {
      if (!(error instanceof UpstreamError) || error.errorClass !== 'auth') throw error;
      return await signIn().header(signal);
    }
  }

  async function call(
    method: HttpCall['method'],
    path: string,
    signal: AbortSignal,
    body?: unknown,
  ): Promise<Answer['json']> {
    header ??= await authorization(signal);
    const headers = { authorization: header };
    const url = `${settings.baseUrl}/api/v2${path}`;
    return (await sendCall({ method, url, headers, ...(body === undefined ? {} : { body }) }, http, signal)).json;
  }

  async function* pages<T extends { readonly meta?: z.output<typeof triggersAnswer>['meta'] }>(
    path: string,
    schema: z.ZodType<T>,
    signal: AbortSignal,
  ): AsyncGenerator<T> {
    let after = '';
    for (let page = 0; page < MAX_PAGES; page++) {
      const answer = shaped(schema, await call('GET', `${path}?page[size]=100${after}`, signal), NAME);
      yield answer;
      const cursor = answer.meta?.after_cursor;
      if (answer.meta?.has_more !== true || typeof cursor !== 'string') return;
      after = `&page[after]=${encodeURIComponent(cursor)}`;
    }
  }

  /** The one that points to us; else the one of our name, which points elsewhere. */
  async function findWebhook(webhookUrl: string, signal: AbortSignal): Promise<Webhook | undefined> {
    const all: Webhook[] = [];
    for await (const { webhooks } of pages('/webhooks', webhooksAnswer, signal)) all.push(...webhooks);
    const ofUrl = all.filter(({ endpoint }) => endpoint === webhookUrl);
    return ofUrl.find(({ status }) => status === 'active') ?? ofUrl[0] ?? all.find(({ name }) => name === WEBHOOK_NAME);
  }

  async function look(webhookUrl: string, signal: AbortSignal): Promise<Found> {
    const found = await findWebhook(webhookUrl, signal);
    // the way a webhook is connected cannot be changed: one that hears events needs no triggers
    if (found !== undefined && !isByTrigger(found)) return { webhook: found, triggers: [] };
    const all: ZendeskTrigger[] = [];
    for await (const { triggers } of pages('/triggers', triggersAnswer, signal)) all.push(...triggers);
    const triggers = TRIGGERS.map((spec) => ({ spec, trigger: all.find(({ title }) => title === spec.title) }));
    return { webhook: found, triggers };
  }

  async function mendWebhook(found: Webhook | undefined, webhookUrl: string, signal: AbortSignal): Promise<string> {
    const wanted = {
      name: WEBHOOK_NAME,
      status: 'active',
      endpoint: webhookUrl,
      http_method: 'POST',
      request_format: 'json',
    };
    if (found === undefined) {
      const body = { webhook: { ...wanted, subscriptions: [BY_TRIGGER] } };
      return shaped(z.object({ webhook }), await call('POST', '/webhooks', signal, body), NAME).webhook.id;
    }
    const subscriptions = isByTrigger(found) ? [BY_TRIGGER] : [...new Set([...(found.subscriptions ?? []), ...EVENTS])];
    await call('PATCH', `/webhooks/${encodeURIComponent(found.id)}`, signal, {
      webhook: { ...wanted, name: found.name ?? WEBHOOK_NAME, subscriptions },
    });
    return found.id;
  }

  async function mendTrigger(
    { spec, trigger }: Found['triggers'][number],
    webhookId: string,
    signal: AbortSignal,
  ): Promise<void> {
    const body = {
      trigger: { title: spec.title, active: true, conditions: spec.conditions, actions: spec.actions(webhookId) },
    };
    if (trigger === undefined) await call('POST', '/triggers', signal, body);
    else await call('PUT', `/triggers/${encodeURIComponent(trigger.id)}`, signal, body);
  }

  async function newTicket(people: Readonly<Record<string, unknown>>, signal: AbortSignal) {
    const { subject, text, tag } = TEST_TICKET;
    const ticket = { subject, comment: { body: text }, tags: [tag], ...people };
    return shaped(ticketAnswer, await call('POST', '/tickets', signal, { ticket }), NAME).ticket;
  }

  async function removeTestTicket(ticketId: string, signal: AbortSignal): Promise<'deleted' | 'solved'> {
    try {
      await call('DELETE', `/tickets/${encodeURIComponent(ticketId)}`, signal);
      return 'deleted';
    } catch (error) {
      if (!(error instanceof UpstreamError) || error.errorClass !== 'forbidden') throw error;
      await call('PUT', `/tickets/${encodeURIComponent(ticketId)}`, signal, { ticket: { status: 'solved' } });
      return 'solved';
    }
  }

  return {
    account: async (signal) => {
      const { user } = shaped(meAnswer, await call('GET', '/users/me', signal), NAME);
      // 200 "Anonymous user" without credentials (row 12)
      if (user.id === null || user.id === undefined)
        throw new UpstreamError('auth', 'zendesk answered as to an anonymous user: the credentials are wrong.', {
          upstream: NAME,
          status: 401,
        });
      return { name: user.name ?? 'no name', admin: user.role === 'admin' };
    },
    inspect: async (webhookUrl, signal) => {
      const found = await look(webhookUrl, signal);
      return [
        webhookPart(found.webhook, webhookUrl),
        ...found.triggers.map(({ spec, trigger }) => triggerPart(spec, trigger, found.webhook?.id)),
      ];
    },
    apply: async (webhookUrl, onDone, signal) => {
      const found = await look(webhookUrl, signal);
      const part = webhookPart(found.webhook, webhookUrl);
      let webhookId = found.webhook?.id;
      if (webhookId === undefined || part.state !== 'good') {
        webhookId = await mendWebhook(found.webhook, webhookUrl, signal);
        onDone(part.key);
      }
      for (const one of found.triggers) {
        const { state, key } = triggerPart(one.spec, one.trigger, webhookId);
        if (state === 'good') continue;
        await mendTrigger(one, webhookId, signal);
        onDone(key);
      }
    },
    webhookSecret: async (webhookUrl, signal) => {
      const found = await findWebhook(webhookUrl, signal);
      if (found === undefined) return null;
      const json = await call('GET', `/webhooks/${encodeURIComponent(found.id)}/signing_secret`, signal);
      return shaped(secretAnswer, json, NAME).signing_secret.secret;
    },
    sampleWebhook: (secret, now) => {
      const body = JSON.stringify({ type: 'zen:event-type:draftdesk.connection_check' });
      const stamp = new Date(now).toISOString();
      return {
        headers: {
          'content-type': 'application/json',
          'x-zendesk-webhook-signature': createHmac('sha256', secret).update(stamp).update(body).digest('base64'),
          'x-zendesk-webhook-signature-timestamp': stamp,
        },
        body,
      };
    },
    createTestTicket: async (signal) => {
      const { name, email } = TEST_TICKET;
      const first = await newTicket({ requester: { name, email } }, signal);
      if (first.submitter_id === first.requester_id) return first.id;
      // "the submitter always becomes the author of the first comment": the customer must be both, and has an id now
      await removeTestTicket(first.id, signal);
      const customer = Number(first.requester_id);
      return (await newTicket({ requester_id: customer, submitter_id: customer }, signal)).id;
    },
    removeTestTicket,
    manual,
  };
}

function isByTrigger({ subscriptions }: Webhook): boolean {
  return !(subscriptions ?? []).some((subscription) => subscription.startsWith('zen:'));
}

function webhookPart(found: Webhook | undefined, webhookUrl: string): SetupPart {
  const part = { key: 'webhook', title: `webhook “${found?.name ?? WEBHOOK_NAME}”` };
  if (found === undefined) return { ...part, state: 'missing', problems: [] };
  const unheard = isByTrigger(found) ? [] : EVENTS.filter((event) => found.subscriptions?.includes(event) !== true);
  const problems = [
    ...(found.endpoint === webhookUrl ? [] : [`points to ${found.endpoint ?? 'nowhere'}, not to ${webhookUrl}`]),
    ...(found.status === 'active' ? [] : ['is not active']),
    ...(found.http_method === 'POST' ? [] : ['does not use the method POST']),
    ...(found.request_format === 'json' ? [] : ['does not use the format JSON']),
    ...unheard.map((event) => `is not subscribed to ${event.replace('zen:event-type:', '')}`),
  ];
  return { ...part, state: problems.length === 0 ? 'good' : 'differs', problems };
}

function triggerPart(spec: TriggerSpec, trigger: ZendeskTrigger | undefined, webhookId: string | undefined): SetupPart {
  const part = { key: spec.key, title: `trigger “${spec.title}”` };
  if (trigger === undefined) return { ...part, state: 'missing', problems: [] };
  const problems = triggerProblems(spec, trigger, webhookId);
  return { ...part, state: problems.length === 0 ? 'good' : 'differs', problems };
}

function manual(webhookUrl: string): readonly string[] {
  return [
    'Admin Center → Apps and integrations → Webhooks → Create webhook:',
    '  Trigger or automation → Next',
    `  Name            ${WEBHOOK_NAME}`,
    `  Endpoint URL    ${webhookUrl}`,
    '  Request method  POST',
    '  Request format  JSON',
    '  Save, then “Reveal secret”: ZENDESK_WEBHOOK_SECRET in .env',
    ...TRIGGERS.flatMap(({ title, onScreen, body }) => [
      'Admin Center → Objects and rules → Business rules → Triggers → Create trigger:',
      `  Trigger name    ${title}`,
      ...onScreen.map((condition) => `  Meet ALL        ${condition}`),
      `  Action          Notify by > Active webhook > ${WEBHOOK_NAME}, JSON body:`,
      `  ${body}`,
    ]),
  ];
}
