import { escapeHtml, plainText } from './html.ts';
import type { ZendeskAccount, ZendeskComment, ZendeskStatus, ZendeskTicket } from './zendesk-account.ts';

/** What a PUT of a ticket came to. */
export type UpdateResult =
  | { readonly kind: 'refused'; readonly status: 400 | 409 | 422; readonly body: object }
  | {
      readonly kind: 'done';
      readonly comment: ZendeskComment | null;
      readonly changes: readonly object[];
      readonly custom: object;
    };

const COMMENTS_MAX = 5000;
const WRITABLE_STATUSES = ['open', 'pending', 'hold', 'solved', 'closed'] satisfies ZendeskStatus[];

export interface UpdateManner {
  /** Makes a private comment public all the same: the fault an adapter must notice. */
  readonly forcePublic: boolean;
  /** A proxy has sent the request twice; this is the second time. */
  readonly resent: boolean;
}

/** Applies a `PUT /api/v2/tickets/{id}.json` (helpdesks.md 2.4). Keys nobody knows are ignored, as Zendesk does. */
export function updateTicket(
  account: ZendeskAccount,
  ticket: ZendeskTicket,
  input: unknown,
  manner: UpdateManner,
): UpdateResult {
  const update = isRecord(input) ? input['ticket'] : undefined;
  if (!isRecord(update)) return refuse(400, INVALID_TICKET);
  if (ticket.status === 'closed') return refuse(422, CLOSED);
  // "a value of false has the same effect as true"
  if ('safe_update' in update && !stampMatches(update['updated_stamp'], ticket)) return refuse(409, CONFLICT);
  const given = isRecord(update['comment']) ? update['comment'] : null;
  if (given !== null && ticket.comments.length >= COMMENTS_MAX) return refuse(422, TOO_MANY_COMMENTS);

  const custom = isRecord(update['metadata']) ? update['metadata'] : {};
  const comment = given === null ? null : addApiComment(account, ticket, given, { custom, ...manner });
  const changes = changeFields(account, ticket, update);
  if (changes.length > 0) account.touch(ticket);
  return { kind: 'done', comment, changes, custom };
}

function addApiComment(
  account: ZendeskAccount,
  ticket: ZendeskTicket,
  given: Record<string, unknown>,
  { custom, forcePublic, resent }: UpdateManner & Pick<ZendeskComment, 'custom'>,
): ZendeskComment | null {
  const html = commentHtml(account, ticket, given);
  if (html === null) return null;
  // without `public` the visibility of the first comment is inherited
  const inherited = ticket.comments[0]?.public ?? true;
  const isPublic = typeof given['public'] === 'boolean' ? given['public'] : inherited;
  const author = typeof given['author_id'] === 'number' ? given['author_id'] : account.botId;
  return account.addComment(ticket, {
    authorId: author,
    updaterId: account.botId,
    html,
    public: forcePublic || isPublic,
    channel: 'api',
    custom,
    resent,
  });
}

function commentHtml(account: ZendeskAccount, ticket: ZendeskTicket, given: Record<string, unknown>): string | null {
  const { html_body: html, body } = given;
  if (typeof html === 'string' && html !== '') return expandInHtml(html, account, ticket);
  if (typeof body !== 'string' || body === '') return null;
  const collapsed = plainText(body)
    .replaceAll(/[ \t]+/g, ' ')
    .replaceAll(/\s*\n\s*/g, '\n');
  return `<p>${escapeHtml(expandInBody(collapsed, account, ticket)).replaceAll('\n', '<br>')}</p>`;
}

/** Placeholders are expanded when an agent writes, except inside `<code>`. */
function expandInHtml(html: string, account: ZendeskAccount, ticket: ZendeskTicket): string {
  return html
    .split(/(<code\b[^>]*>[\s\S]*?<\/code>)/i)
    .map((part) => (/^<code\b/i.test(part) ? part : expand(part, account, ticket)))
    .join('');
}

/** In `body` a double backslash keeps a placeholder as it is. */
function expandInBody(text: string, account: ZendeskAccount, ticket: ZendeskTicket): string {
  return text
    .split(/(\\\\\{\{[^{}]*\}\})/)
    .map((part) => (part.startsWith('\\\\{{') ? part.slice(2) : expand(part, account, ticket)))
    .join('');
}

/** Unknown placeholders vanish. */
function expand(text: string, account: ZendeskAccount, ticket: ZendeskTicket): string {
  const requester = account.users.get(ticket.requesterId);
  const bot = account.users.get(account.botId);
  const values = new Map([
    ['ticket.id', String(ticket.id)],
    ['ticket.title', ticket.subject],
    ['ticket.requester.name', requester?.name],
    ['ticket.requester.first_name', requester?.name.split(' ')[0]],
    ['ticket.requester.email', requester?.email],
    ['current_user.name', bot?.name],
    ['current_user.email', bot?.email],
  ]);
  return text.replaceAll(/\{\{\s*([^{}]*?)\s*\}\}/g, (_whole, name: string) => values.get(name) ?? '');
}

function changeFields(account: ZendeskAccount, ticket: ZendeskTicket, update: Record<string, unknown>): object[] {
  const changes: object[] = [];
  const change = (field: string, value: unknown, previous: unknown): void => {
    changes.push({ id: account.newId(), type: 'Change', value, field_name: field, previous_value: previous });
  };
  const status = WRITABLE_STATUSES.find((known) => known === update['status']);
  if (status !== undefined && status !== ticket.status) {
    change('status', status, ticket.status);
    ticket.status = status;
  }
  if (typeof update['subject'] === 'string' && update['subject'] !== ticket.subject) {
    change('subject', update['subject'], ticket.subject);
    ticket.subject = update['subject'];
  }
  if (Array.isArray(update['tags'])) {
    change('tags', update['tags'], ticket.tags);
    ticket.tags = update['tags'].map(String);
  }
  return changes;
}

function stampMatches(given: unknown, ticket: ZendeskTicket): boolean {
  return typeof given === 'string' && Math.floor(Date.parse(given) / 1000) === Math.floor(ticket.updatedAt / 1000);
}

function refuse(status: 400 | 409 | 422, body: object): UpdateResult {
  return { kind: 'refused', status, body };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

const INVALID_TICKET = {
  error: {
    title: 'Invalid attribute',
    message: 'You passed an invalid value for the ticket attribute. Invalid parameter: ticket must be an object',
  },
};
const CONFLICT = {
  error: 'UpdateConflict',
  description:
    'Safe Update prevented the update due to outdated ticket data. Please fetch the latest ticket data and try again.',
};
const CLOSED = {
  error: 'RecordInvalid',
  description: 'Record validation errors',
  details: { status: [{ description: 'Status: closed prevents ticket update' }] },
};
const TOO_MANY_COMMENTS = {
  error: 'RecordInvalid',
  description: 'Record validation errors',
  details: { base: [{ description: 'Ticket has reached the maximum number of comments' }] },
};
