import { sha256 } from '../core/clock.ts';
import type { IgnoredEvent, TicketEvent, WebhookRequest } from '../core/helpdesk.ts';
import { asObject, bodyText, decimalIdOf, jsonObject, malformed } from './webhook-body.ts';

/**
 * Reads a genuine webhook of a Freshdesk automation rule: Simple or Advanced content, wrapped in `freshdesk_webhook` or
 * flat, ids as strings or numbers (helpdesks.md F1.1). Throws `RequestError('malformed')`.
 */
export function parseFreshdeskWebhook(request: WebhookRequest): TicketEvent | IgnoredEvent {
  const json = jsonObject(request.body);
  if (json === undefined) return salvage(request.body);
  const payload = asObject(json['freshdesk_webhook']) ?? json;
  const ticketId = decimalIdOf(payload['ticket_id']);
  if (ticketId === null) throw malformed(RULE_HELP);
  return judge(ticketId, payload['event'] ?? payload['triggered_event']);
}

const CREATED = /^\{\s*ticket_action\s*:\s*created\s*\}$/;
const PRIVATE_NOTE = /^\{\s*note_type\s*:\s*private\s*\}$/;
/** `{status:{from:4,to:2}}`: somebody changed a field. Back to Open (2) is also what a customer's reply does. */
const FIELD_CHANGE = /^\{\s*\w+\s*:\s*\{\s*from\s*:/;
const REOPENED = /^\{\s*status\s*:\s*\{[^{}]*\bto\s*:\s*2\s*\}/;
const TICKET_ACTION = /^\{\s*ticket_action\s*:/;

/**
 * `triggered_event` is not JSON and names only the first change that matched. What may be a customer's message becomes
 * an event without a key: it is compared with the conversation, so that nothing is lost and nothing drafted twice.
 */
function judge(ticketId: string, event: unknown): TicketEvent | IgnoredEvent {
  const said = typeof event === 'string' ? event.trim() : '';
  if (CREATED.test(said)) {
    const key = `created:${sha256(JSON.stringify(['freshdesk', ticketId, 'created']))}`;
    return { kind: 'event', ticketId, key, messageId: null, priority: null };
  }
  if (PRIVATE_NOTE.test(said)) return { kind: 'ignored', reason: 'private' };
  if (TICKET_ACTION.test(said)) return { kind: 'ignored', reason: 'ticket_action' };
  if (FIELD_CHANGE.test(said) && !REOPENED.test(said)) return { kind: 'ignored', reason: 'field_change' };
  return { kind: 'event', ticketId, key: null, messageId: null, priority: null };
}

const RULE_HELP =
  'Choose Advanced content {"ticket_id":"{{ticket.id}}","event":"{{triggered_event}}"} in the rule, and nothing else: ' +
  'other placeholders are not escaped and break the JSON.';

/** The start of a rule's body, up to the key after its ticket id. */
const RULE_START = /^\s*\{\s*(?:"freshdesk_webhook"\s*:\s*\{\s*)?"ticket_id"\s*:\s*(?:"(\d{1,16})"|(\d{1,16}))\s*,\s*"/;

/** Placeholders in Advanced content are not escaped, so that a genuine body can be broken JSON (row 19). */
function salvage(body: Uint8Array): TicketEvent {
  const match = RULE_START.exec(bodyText(body));
  const ticketId = decimalIdOf(match?.[1] ?? match?.[2]);
  if (ticketId === null) throw malformed(`The body is not JSON. ${RULE_HELP}`);
  return { kind: 'event', ticketId, key: null, messageId: null, priority: null };
}
