import * as z from 'zod';
import type { SkipReason } from '../core/errors.ts';
import type { Message, OwnNote, TicketTraits } from '../core/helpdesk.ts';
import { PRIORITIES, type Priority } from '../core/ticket.ts';
import { byTime, id, lenient, time } from './answer.ts';
import { markerOf, textAsHtml } from './note-html.ts';

// What of Zendesk's answers we read (helpdesks.md 2.3, 2.4). Everything else never enters: `metadata.system` holds the
// customer's address and place.

const user = z.object({
  id,
  name: lenient.text,
  role: lenient.text,
  locale: lenient.text,
  suspended: lenient.flag,
});

const via = z.object({ channel: lenient.text }).nullish().catch(null);

const ticket = z.object({
  id,
  subject: lenient.text,
  status: lenient.text,
  updated_at: z.string().min(1),
  requester_id: lenient.id,
  tags: z.array(z.string()).catch([]),
  brand_id: lenient.id,
  group_id: lenient.id,
  priority: lenient.text,
  via,
  is_public: lenient.flag,
  comment_count: lenient.count,
});

const comment = z.object({
  id,
  author_id: lenient.id,
  html_body: lenient.text,
  plain_body: lenient.text,
  body: lenient.text,
  public: lenient.flag,
  created_at: time,
  via,
  metadata: z
    .object({ flags: z.array(z.number()).catch([]) })
    .nullish()
    .catch(null),
});

const users = z.array(user).catch([]);

export const ticketAnswer = z.object({ ticket, users });

/** Several tickets at once; null for one whose shape we do not know. */
export const manyTicketsAnswer = z.object({ tickets: z.array(ticket.nullable().catch(null)), users });

export const commentsAnswer = z.object({
  comments: z.array(comment),
  users,
  meta: z.object({ has_more: lenient.flag }).nullish().catch(null),
});

export const meAnswer = z.object({ user: z.object({ id: lenient.id }) });

/** The answer to an update: what was written, as the audit of it (helpdesks.md 2.4). */
export const updateAnswer = z.object({
  audit: z.object({
    events: z.array(
      z.object({
        id: lenient.id,
        type: lenient.text,
        public: lenient.flag,
        html_body: lenient.text,
        body: lenient.text,
      }),
    ),
  }),
});

const listedTicket = z.object({
  id,
  status: lenient.text,
  tags: z.array(z.string()).catch([]),
  group_id: lenient.id,
  created_at: time,
  updated_at: time,
});

const paging = { meta: z.object({ has_more: lenient.flag, after_cursor: lenient.text }).nullish().catch(null) };

export const ticketsAnswer = z.object({ tickets: z.array(listedTicket), ...paging });

/** `/search/export`: rows of the type that was asked for. */
export const searchAnswer = z.object({ results: z.array(listedTicket), ...paging });

/** `/incremental/tickets/cursor` */
export const exportAnswer = z.object({
  tickets: z.array(listedTicket),
  after_cursor: lenient.text,
  end_of_stream: lenient.flag,
});

export type ListedZendeskTicket = z.output<typeof listedTicket>;

export type ZendeskTicket = z.output<typeof ticket>;
export type ZendeskUser = z.output<typeof user>;
type ZendeskComment = z.output<typeof comment>;

/** Flags of comments whose author may be forged (helpdesks.md 2.3). */
const SPOOFABLE_FLAGS = new Set([2, 3, 14, 21]);

/** Why the ticket takes no draft; null when it does. */
export function unavailability(found: ZendeskTicket, requester: ZendeskUser | undefined): SkipReason | null {
  const status = found.status?.toLowerCase();
  if (status === 'deleted' || status === 'scrubbed') return 'deleted';
  if (status === 'archived') return 'archived';
  if (status === 'closed') return found.tags.includes('closed_by_merge') ? 'merged' : 'closed';
  if (requester?.suspended === true) return 'suspended';
  return found.is_public === false ? 'private' : null;
}

/** How the ticket is filed. */
export function traitsOf({ brand_id, group_id, priority, tags, via: origin }: ZendeskTicket): TicketTraits {
  return {
    brand: brand_id ?? null,
    group: group_id ?? null,
    channel: origin?.channel ?? null,
    tags,
    priority: priorityOf(priority),
  };
}

/** Events speak upper case, and null where nobody has set one. */
export function priorityOf(value: unknown): Priority | null {
  const word = typeof value === 'string' ? value.toLowerCase() : '';
  return PRIORITIES.find((priority) => priority === word) ?? null;
}

export interface Thread {
  /** Oldest first, without private notes of agents and without what rules wrote. */
  readonly messages: readonly Message[];
  readonly ownNotes: readonly OwnNote[];
  /** Notes of ours that customers can read: there must be none. */
  readonly published: readonly OwnNote[];
}

/** Sorts comments into messages and our own notes. */
export function readThread(
  comments: readonly ZendeskComment[],
  context: {
    readonly users: ReadonlyMap<string, ZendeskUser>;
    readonly requesterId: string | null;
    readonly ownId: string;
  },
): Thread {
  const messages: Message[] = [];
  const ownNotes: OwnNote[] = [];
  const published: OwnNote[] = [];
  const sorted = comments.map((entry) => ({ ...entry, createdAt: entry.created_at })).toSorted(byTime);
  for (const entry of sorted) {
    const html = entry.html_body ?? textAsHtml(entry.plain_body ?? entry.body ?? '');
    const author = entry.author_id ?? '';
    const marker = author === context.ownId ? markerOf(html) : null;
    if (marker !== null && entry.public === false) {
      ownNotes.push({ noteId: entry.id, marker });
      continue;
    }
    if (marker !== null && entry.public === true) published.push({ noteId: entry.id, marker });
    const writer = context.users.get(author);
    const customer = isCustomer(writer, author === context.requesterId);
    if (!customer && !isHumanAnswer(entry)) continue;
    messages.push({
      id: entry.id,
      author: customer ? 'customer' : 'agent',
      authorName: writer?.name ?? null,
      html,
      createdAt: entry.createdAt,
      public: true,
      verified: !(entry.metadata?.flags ?? []).some((flag) => SPOOFABLE_FLAGS.has(flag)),
    });
  }
  return { messages, ownNotes, published };
}

/** By role, not by visibility: end users write private comments, agents can be requesters. */
function isCustomer(writer: ZendeskUser | undefined, isRequester: boolean): boolean {
  if (typeof writer?.role === 'string') return writer.role.toLowerCase() === 'end-user';
  return isRequester;
}

/** Triggers and automations write public comments in an agent's name. */
function isHumanAnswer(entry: ZendeskComment): boolean {
  return entry.public === true && entry.via?.channel !== 'rule';
}
