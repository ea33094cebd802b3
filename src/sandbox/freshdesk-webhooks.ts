import { stamp } from './html.ts';
import type { FreshdeskTicket } from './freshdesk-account.ts';
import type { SenderPolicy, WebhookCall } from './webhook-sender.ts';

/** What happened, as an automation rule sees it. */
export type FreshdeskEvent = 'created' | 'customer_reply' | 'agent_reply' | 'status_changed' | 'private_note';

/** `triggered_event` looks like JSON and is not. */
export const TRIGGERED_EVENT: Readonly<Record<FreshdeskEvent, string>> = {
  created: '{ticket_action:created}',
  customer_reply: '{reply_sent:sent}',
  agent_reply: '{reply_sent:sent}',
  status_changed: '{status:{from:2,to:4}}',
  private_note: '{note_type:private}',
};

/** `advanced`: the text of our README; `simple`: ticked placeholders, wrapped, ids as numbers. */
export type FreshdeskContent = 'advanced' | 'simple';

export function freshdeskWebhook(
  ticket: FreshdeskTicket,
  event: FreshdeskEvent,
  content: FreshdeskContent,
  token: string,
): WebhookCall {
  const headers = {
    'content-type': 'application/json',
    'user-agent': 'Freshdesk',
    'x-draftdesk-token': token,
  };
  const body =
    content === 'advanced'
      ? `{"ticket_id":"${ticket.id}","event":"${TRIGGERED_EVENT[event]}"}`
      : JSON.stringify(simpleBody(ticket, event));
  return { headers, body };
}

const STATUS_NAMES = new Map([
  [2, 'Open'],
  [3, 'Pending'],
  [4, 'Resolved'],
  [5, 'Closed'],
]);

function simpleBody(ticket: FreshdeskTicket, event: FreshdeskEvent): object {
  return {
    freshdesk_webhook: {
      ticket_id: ticket.id,
      ticket_subject: ticket.subject,
      ticket_description: ticket.html,
      ticket_url: `https://acme.freshdesk.example/helpdesk/tickets/${ticket.id}`,
      ticket_portal_url: `https://acme.freshdesk.example/support/tickets/${ticket.id}`,
      ticket_due_by_time: stamp(ticket.createdAt),
      ticket_tags: ticket.tags.join(', '),
      ticket_latest_private_comment: null,
      ticket_status: STATUS_NAMES.get(ticket.status) ?? 'Being processed',
      ticket_priority: 'Low',
      ticket_source: 'Email',
      ticket_type: null,
      requester_name: ticket.requester.name,
      ticket_requester_email: ticket.requester.email,
      triggered_event: TRIGGERED_EVENT[event],
    },
  };
}

const MINUTE_MS = 60_000;
const RETRY_DELAYS_MS = [5 * MINUTE_MS, 30 * MINUTE_MS, 60 * MINUTE_MS];

/**
 * Freshdesk's retries (helpdesks.md F1.1): after 5, 30 and 60 minutes, then the event is gone. Which answers count as
 * failed is not written: every one that is not 2xx. The timeout is not documented either.
 */
export const FRESHDESK_SENDER: SenderPolicy = {
  timeoutMs: 10_000,
  retryAfterMs: (outcomes) => RETRY_DELAYS_MS[outcomes.length - 1] ?? null,
};
