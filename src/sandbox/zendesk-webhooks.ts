import { createHmac, randomInt, randomUUID } from 'node:crypto';
import type { Clock } from '../core/clock.ts';
import { plainText, stamp } from './html.ts';
import type { AttemptOutcome, SenderPolicy, WebhookCall } from './webhook-sender.ts';
import type { ZendeskAccount, ZendeskComment, ZendeskTicket } from './zendesk-account.ts';

/** Event subscriptions, and `trigger`: the body an admin pastes into a trigger. */
export type ZendeskEvent =
  | 'ticket.created'
  | 'ticket.comment_added'
  | 'ticket.status_changed'
  | 'ticket.merged'
  | 'ticket.soft_deleted'
  | 'ticket.marked_as_spam'
  | 'trigger';

export interface ZendeskWebhooks {
  /** The body of an event; the same event always gives the same bytes. */
  body(event: ZendeskEvent, ticket: ZendeskTicket, comment: ZendeskComment | undefined): string;
  /** Headers and body of one attempt, signed now. Attempts of one delivery share the invocation id. */
  sign(body: string, invocationId: string): WebhookCall;
  newInvocationId(): string;
}

export function createZendeskWebhooks(
  clock: Clock,
  account: ZendeskAccount,
  options: { accountId: number; secret: string; webhookId?: string },
): ZendeskWebhooks {
  const bodies = new Map<string, string>();
  const webhookId = options.webhookId ?? '01F1KRFQ6BG29CNWFR60NK5FNY';

  return {
    newInvocationId: () => String(randomInt(1e9, 1e11)),
    body(event, ticket, comment) {
      if (event === 'trigger') return triggerBody(ticket);
      const key = [event, ticket.id, comment?.id ?? ticket.status].join(':');
      const known = bodies.get(key);
      if (known !== undefined) return known;
      const made = JSON.stringify(envelope(event, ticket, comment, account, options.accountId, clock.now()));
      bodies.set(key, made);
      return made;
    },
    sign(body, invocationId) {
      const timestamp = stamp(clock.now());
      const signature = createHmac('sha256', options.secret).update(timestamp).update(body).digest('base64');
      const headers = {
        'content-type': 'application/json; charset=utf-8',
        'user-agent': 'Zendesk Webhook',
        'x-zendesk-account-id': String(options.accountId),
        'x-zendesk-webhook-id': webhookId,
        'x-zendesk-webhook-invocation-id': invocationId,
        'x-zendesk-webhook-signature': signature,
        'x-zendesk-webhook-signature-timestamp': timestamp,
      };
      return { headers, body };
    },
  };
}

/** The text of our README with its placeholders filled in. */
function triggerBody(ticket: ZendeskTicket): string {
  return `{"ticket_id":"${ticket.id}","updated_at":"${stamp(ticket.updatedAt)}"}`;
}

function envelope(
  event: ZendeskEvent,
  ticket: ZendeskTicket,
  comment: ZendeskComment | undefined,
  account: ZendeskAccount,
  accountId: number,
  now: number,
): object {
  return {
    account_id: accountId,
    detail: detail(ticket, String(comment?.updaterId ?? ticket.requesterId)),
    event: { ...eventPart(event, ticket, comment, account), meta: { sequence: sequence(event, ticket, comment) } },
    id: randomUUID(),
    subject: `zen:ticket:${ticket.id}`,
    // nanoseconds, as the vendor sends them
    time: new Date(now).toISOString().replace('Z', '717030Z'),
    type: `zen:event-type:${event}`,
    zendesk_event_version: '2022-11-06',
  };
}

/** Events of one action share the id; a new ticket is `created` first and `comment_added` second. */
function sequence(event: ZendeskEvent, ticket: ZendeskTicket, comment: ZendeskComment | undefined): object {
  const first = ticket.comments[0];
  const ofCreation = event === 'ticket.created' || (comment !== undefined && comment === first);
  const id = ofCreation ? `A${ticket.id}` : `A${ticket.id}-${comment?.auditId ?? ticket.status}`;
  return { id, position: ofCreation && event === 'ticket.comment_added' ? 2 : 1 };
}

/** Words of the event world for a channel (via types), where they differ from REST. */
const EVENT_CHANNELS: Readonly<Record<string, string>> = { web: 'web_form', email: 'mail', api: 'web_service' };

function detail(ticket: ZendeskTicket, actorId: string): object {
  const requesterId = String(ticket.requesterId);
  return {
    actor_id: actorId,
    assignee_id: null,
    brand_id: '8447346621310',
    created_at: stamp(ticket.createdAt),
    custom_status: '8447320465790',
    description: ticket.comments[0] === undefined ? '' : plainText(ticket.comments[0].html),
    external_id: null,
    form_id: '8646151517822',
    group_id: null,
    id: String(ticket.id),
    is_public: ticket.comments.some((comment) => comment.public),
    organization_id: null,
    priority: ticket.priority?.toUpperCase() ?? null,
    requester_id: requesterId,
    status: ticket.status.toUpperCase(),
    subject: ticket.subject,
    submitter_id: requesterId,
    tags: ticket.tags,
    type: null,
    updated_at: stamp(ticket.updatedAt),
    via: { channel: EVENT_CHANNELS[ticket.channel] ?? ticket.channel },
  };
}

function eventPart(
  event: ZendeskEvent,
  ticket: ZendeskTicket,
  comment: ZendeskComment | undefined,
  account: ZendeskAccount,
): object {
  if (event === 'ticket.status_changed') return { current: ticket.status.toUpperCase(), previous: 'OPEN' };
  if (event !== 'ticket.comment_added' || comment === undefined) return {};
  const author = account.users.get(comment.authorId);
  return {
    comment: {
      id: String(comment.id),
      body: plainText(comment.html),
      is_public: comment.public,
      author: { id: String(comment.authorId), is_staff: author?.role !== 'end-user', name: author?.name ?? '' },
    },
  };
}

/** Developer docs say 12 s, a support article 10 s: the stricter one. */
const TIMEOUT_MS = 10_000;
const RETRY_DELAY_MS = 1000;

/**
 * Zendesk's retries (helpdesks.md 1.4): 409 three times; 429 and 503 only with a Retry-After under a minute; time-outs
 * five times; 500, 502, 504 and everything else never. The waits after 409 and time-outs are not documented.
 */
export const ZENDESK_SENDER: SenderPolicy = {
  timeoutMs: TIMEOUT_MS,
  retryAfterMs(outcomes) {
    const last = outcomes.at(-1);
    if (last === undefined || last.kind === 'connection') return null;
    const same = outcomes.filter((one) => reasonOf(one) === reasonOf(last)).length;
    if (last.kind === 'timeout') return same <= 5 ? RETRY_DELAY_MS : null;
    if (last.status === 409) return same <= 3 ? RETRY_DELAY_MS : null;
    if (last.status !== 429 && last.status !== 503) return null;
    const waitSeconds = last.retryAfter === null ? Number.NaN : Number(last.retryAfter);
    return waitSeconds >= 0 && waitSeconds < 60 && same <= 3 ? waitSeconds * 1000 : null;
  },
};

function reasonOf(outcome: AttemptOutcome): string {
  return outcome.kind === 'answer' ? String(outcome.status) : outcome.kind;
}
