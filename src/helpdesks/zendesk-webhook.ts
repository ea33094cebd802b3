import { sha256 } from '../core/clock.ts';
import type { IgnoredEvent, TicketEvent, WebhookRequest } from '../core/helpdesk.ts';
import type { HelpdeskDeps } from './helpdesk-module.ts';
import { hmacMatches, parseIsoStamp } from './signature.ts';
import { asObject, bodyText, decimalIdOf, type JsonObject, jsonObject, malformed } from './webhook-body.ts';
import { priorityOf } from './zendesk-shapes.ts';

const SCHEME = { algorithm: 'sha256', encoding: 'base64' } as const;
const SKEW_ALARM_EVERY_MS = 60_000;

/**
 * Checks `base64(HMAC-SHA256(timestamp + body))` over the raw bytes, keyed with the secret as shown, and the signed
 * time (helpdesks.md 1.3). A right signature at a wrong time is a replay or a clock that is off: the operator is told.
 */
export function zendeskVerifier(
  secrets: readonly string[],
  { clock, webhookToleranceSeconds, alarm }: Pick<HelpdeskDeps, 'clock' | 'webhookToleranceSeconds' | 'alarm'>,
): (request: WebhookRequest) => boolean {
  let quietUntil = 0;
  return ({ headers, body, receivedAt }) => {
    const stamp = headers.get('x-zendesk-webhook-signature-timestamp');
    const signedAt = parseIsoStamp(stamp);
    if (stamp === null || signedAt === null) return false;
    const signature = headers.get('x-zendesk-webhook-signature');
    if (!hmacMatches(SCHEME, secrets, [stamp, body], signature)) return false;
    const ageSeconds = Math.round((receivedAt - signedAt) / 1000);
    if (Math.abs(receivedAt - signedAt) <= webhookToleranceSeconds * 1000) return true;
    if (clock.steady() >= quietUntil) {
      quietUntil = clock.steady() + SKEW_ALARM_EVERY_MS;
      alarm(
        'clock_skew',
        `a zendesk webhook with a right signature is ${ageSeconds} s old: is this machine's clock right?`,
      );
    }
    return false;
  };
}

/**
 * Reads a genuine Zendesk webhook: the envelope of an event subscription, or the body a trigger sends
 * (helpdesks.md 1.2). Throws `RequestError('malformed')`.
 */
export function parseZendeskWebhook(request: WebhookRequest): TicketEvent | IgnoredEvent {
  const json = jsonObject(request.body);
  if (json === undefined) return salvage(request.body);
  const type = json['type'];
  return typeof type === 'string' && type.startsWith('zen:') ? fromEnvelope(json, type) : fromTrigger(json);
}

const CREATED = 'zen:event-type:ticket.created';
const COMMENT_ADDED = 'zen:event-type:ticket.comment_added';

/** Statuses of the event vocabulary that take no draft. */
const FINAL_STATUSES: Readonly<Record<string, string>> = {
  CLOSED: 'closed',
  DELETED: 'deleted',
  ARCHIVED: 'archived',
  SCRUBBED: 'deleted',
};

function fromEnvelope(json: JsonObject, type: string): TicketEvent | IgnoredEvent {
  if (type !== CREATED && type !== COMMENT_ADDED) return ignored('event_type');
  const detail = asObject(json['detail']);
  const ticketId = decimalIdOf(detail?.['id']);
  if (detail === undefined || ticketId === null)
    throw malformed('The event names no ticket: detail.id is missing or no ticket id.');
  const status = detail['status'];
  const final = typeof status === 'string' ? FINAL_STATUSES[status.toUpperCase()] : undefined;
  if (final !== undefined) return ignored(final);
  const key = eventKey(json['id']) ?? stampKey(ticketId, detail['updated_at']);
  const event = { kind: 'event', ticketId, key, messageId: null, priority: priorityOf(detail['priority']) } as const;
  if (type === COMMENT_ADDED) return fromComment(json, event);
  return detail['is_public'] === false ? ignored('private') : event;
}

function fromComment(json: JsonObject, event: TicketEvent): TicketEvent | IgnoredEvent {
  const comment = asObject(asObject(json['event'])?.['comment']);
  if (comment === undefined) throw malformed('The event has no event.comment.');
  // our own notes are private comments by staff: they end here
  if (comment['is_public'] === false) return ignored('private');
  if (asObject(comment['author'])?.['is_staff'] === true) return ignored('staff');
  return { ...event, messageId: decimalIdOf(comment['id']) };
}

/** The event's own id is inside the signed body, and the same in every delivery. */
function eventKey(id: unknown): string | null {
  return typeof id === 'string' && id !== '' ? `event:${id.length > 200 ? sha256(id) : id}` : null;
}

/** `{"ticket_id":"{{ticket.id}}","updated_at":"{{ticket.updated_at_with_timestamp}}"}` */
function fromTrigger(json: JsonObject): TicketEvent {
  const ticketId = decimalIdOf(json['ticket_id']);
  if (ticketId === null) throw malformed(TRIGGER_HELP);
  return { kind: 'event', ticketId, key: stampKey(ticketId, json['updated_at']), messageId: null, priority: null };
}

/** A resent body has the same stamp; a later change of the ticket has another. */
function stampKey(ticketId: string, updated: unknown): string | null {
  if (typeof updated !== 'string' || updated.trim() === '') return null;
  return `updated:${sha256(JSON.stringify(['zendesk', ticketId, updated]))}`;
}

const TRIGGER_HELP =
  'Send {"ticket_id":"{{ticket.id}}","updated_at":"{{ticket.updated_at_with_timestamp}}"} and nothing else: ' +
  'other placeholders are not escaped and break the JSON.';

/** The start of a trigger's body, up to the key after its ticket id. */
const TRIGGER_START = /^\s*\{\s*"ticket_id"\s*:\s*(?:"(\d{1,16})"|(\d{1,16}))\s*,\s*"/;

/** Placeholders in a trigger's body are not escaped, so that a genuine body can be broken JSON (row 19). */
function salvage(body: Uint8Array): TicketEvent {
  const match = TRIGGER_START.exec(bodyText(body));
  const ticketId = decimalIdOf(match?.[1] ?? match?.[2]);
  if (ticketId === null) throw malformed(`The body is not JSON. ${TRIGGER_HELP}`);
  return { kind: 'event', ticketId, key: null, messageId: null, priority: null };
}

function ignored(reason: string): IgnoredEvent {
  return { kind: 'ignored', reason };
}
