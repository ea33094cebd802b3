import { type Context, Hono } from 'hono';
import type { BlankEnv } from 'hono/types';
import { type Clock, isTraceparent, newTraceparent, type Random } from '../core/clock.ts';
import { RequestError } from '../core/errors.ts';
import type { Helpdesk, TicketEvent } from '../core/helpdesk.ts';
import type { Observer } from '../core/observer.ts';
import { type Outbox, OutboxUnavailable } from '../core/outbox.ts';
import type { ServiceControl } from '../core/service-control.ts';
import { createByteBudget } from './byte-budget.ts';
import { described } from './operation.ts';
import { faultName, type ProblemCode, problemResponse, statusOf, STORE_REFUSES } from './problem.ts';
import { withBody } from './request-body.ts';
import { jsonResponse } from './responses.ts';
import { webhookApi } from './service-api.ts';

export interface WebhookDeps {
  readonly helpdesks: ReadonlyMap<string, Helpdesk>;
  readonly outbox: Outbox;
  readonly control: ServiceControl;
  readonly clock: Clock;
  readonly random: Random;
  readonly observer: Observer;
}

const BODY_MAX_BYTES = 1024 * 1024;
/** Over all webhooks at one moment: 512 legal bodies of 1 MB would otherwise take 700 MB (reliability.md §0.6). */
const IN_FLIGHT_MAX_BYTES = 32 * 1024 * 1024;

/** Every way to say no, in the order of the checks at the door (reliability.md §c). Never 500: Zendesk drops those. */
const REFUSALS = {
  unknown_helpdesk: ['not_found', 'No helpdesk of this name is configured.'],
  method: ['method_not_allowed', 'A webhook is a POST.'],
  content_type: ['unsupported_type', 'Send application/json in UTF-8, not compressed.'],
  too_large: ['too_large', 'The body is larger than 1 MiB.'],
  busy: ['unavailable', 'Too many large bodies at the same moment. Send it again.'],
  cut: ['malformed', 'The body ended before its end.'],
  unauthenticated: ['unauthorized', 'The signature, token or timestamp is missing or wrong.'],
  malformed: ['malformed', 'The body cannot be read.'],
  stopping: ['unavailable', 'The service is stopping. Send it again.'],
  full: ['unavailable', 'Too many tickets are waiting. Send it again.'],
  storage: ['unavailable', STORE_REFUSES],
  fault: ['unavailable', 'Something went wrong here. Send it again.'],
} as const satisfies Record<string, readonly [ProblemCode, string]>;

type Refusal = keyof typeof REFUSALS;

/** `POST /webhooks/{helpdesk}`: 202 only after the event is on the disk. */
export function createWebhooks(deps: WebhookDeps): Hono {
  const limits = { maxBytes: BODY_MAX_BYTES, budget: createByteBudget(IN_FLIGHT_MAX_BYTES, deps.clock) };
  const receiveWebhook = described(webhookApi, (c: Context<BlankEnv, '/webhooks/:helpdesk'>) => {
    const helpdesk = deps.helpdesks.get(c.req.param('helpdesk'));
    const { raw } = c.req;
    if (helpdesk === undefined) return refuse(deps, null, 'unknown_helpdesk');
    if (raw.method !== 'POST') return refuse(deps, helpdesk, 'method');
    if (!isPlainJson(raw.headers)) return refuse(deps, helpdesk, 'content_type');
    return withBody(
      raw,
      limits,
      (body) => receive(deps, helpdesk, raw.headers, body),
      (refusal) => refuse(deps, helpdesk, refusal),
    );
  });
  // A single handler and no middleware: Hono then calls it directly.
  return new Hono().all('/webhooks/:helpdesk', receiveWebhook);
}

async function receive(deps: WebhookDeps, helpdesk: Helpdesk, headers: Headers, body: Uint8Array): Promise<Response> {
  try {
    const request = { headers, body, receivedAt: deps.clock.now() };
    if (!helpdesk.authenticate(request)) return refuse(deps, helpdesk, 'unauthenticated');
    const event = helpdesk.parse(request);
    if (event.kind === 'ignored') return ignore(deps, helpdesk, event.reason);
    if (deps.control.stopping()) return refuse(deps, helpdesk, 'stopping');
    return await store(deps, helpdesk, event, headers.get('traceparent'));
  } catch (error) {
    if (error instanceof RequestError && error.code === 'malformed') {
      return refuse(deps, helpdesk, 'malformed', error.message);
    }
    if (error instanceof OutboxUnavailable) return refuse(deps, helpdesk, 'storage');
    deps.observer.fault({ where: 'webhook', error: faultName(error) });
    return refuse(deps, helpdesk, 'fault');
  }
}

async function store(
  deps: WebhookDeps,
  helpdesk: Helpdesk,
  event: TicketEvent,
  sent: string | null,
): Promise<Response> {
  const { name } = helpdesk;
  const { ticketId } = event;
  const traceparent = sent !== null && isTraceparent(sent) ? sent : newTraceparent();
  const result = await deps.outbox.ingest({ helpdesk: name, event, traceparent });
  if (result === 'full') return refuse(deps, helpdesk, 'full');
  const duplicate = result === 'duplicate';
  const outcome = duplicate ? 'duplicate' : 'accepted';
  deps.observer.webhook({ helpdesk: name, outcome, status: 202, reason: null, ticketId });
  return jsonResponse({ status: 'accepted', helpdesk: name, ticketId, duplicate }, 202);
}

function ignore({ observer }: WebhookDeps, { name }: Helpdesk, reason: string): Response {
  observer.webhook({ helpdesk: name, outcome: 'ignored', status: 202, reason, ticketId: null });
  return jsonResponse({ status: 'ignored', reason }, 202);
}

/** `helpdesk` is null for a name that is not ours: it came from the caller and is passed on to nobody. */
function refuse(deps: WebhookDeps, helpdesk: Helpdesk | null, reason: Refusal, detail?: string): Response {
  const [code, sentence] = REFUSALS[reason];
  const name = helpdesk?.name ?? 'unknown';
  deps.observer.webhook({ helpdesk: name, outcome: 'refused', status: statusOf(code), reason, ticketId: null });
  return problemResponse(code, detail ?? sentence, {
    // Spread out, so that those refused together do not come back together.
    ...(code === 'unavailable' ? { retryAfterSeconds: 5 + Math.floor(deps.random() * 25) } : {}),
    ...(code === 'method_not_allowed' ? { headers: { Allow: 'POST' } } : {}),
  });
}

/** `application/json` in UTF-8, not compressed: nothing here inflates anything, so no bomb can. */
function isPlainJson(headers: Headers): boolean {
  const encoding = headers.get('content-encoding');
  if (encoding !== null && encoding !== 'identity') return false;
  const contentType = headers.get('content-type');
  if (contentType === 'application/json') return true;
  if (contentType === null) return false;
  const [type = '', ...parameters] = contentType.toLowerCase().split(';');
  return type.trim() === 'application/json' && parameters.every(isUtf8OrNoCharset);
}

function isUtf8OrNoCharset(parameter: string): boolean {
  const [name = '', value = ''] = parameter.split('=', 2);
  if (name.trim() !== 'charset') return true;
  return ['utf-8', 'utf8'].includes(value.trim().replace(/^"(.*)"$/, '$1'));
}
