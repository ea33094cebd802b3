import * as z from 'zod';
import type { SkipReason } from '../core/errors.ts';
import type { Message, TicketTraits } from '../core/helpdesk.ts';
import type { Priority } from '../core/ticket.ts';
import { byTime, id, lenient, time } from './answer.ts';
import { markerOf, textAsHtml } from './note-html.ts';

// What of Freshdesk's answers we read (helpdesks.md F2). Statuses from 6 on and unknown sources are the account's own.

const structured = z
  .object({
    description_contents: z.array(
      z.object({ type: lenient.text, data: z.object({ content: lenient.text }).nullish().catch(null) }),
    ),
  })
  .nullish()
  .catch(null);

const conversation = z.object({
  id,
  user_id: lenient.id,
  body: lenient.text,
  private: lenient.flag,
  incoming: lenient.flag,
  source: lenient.count,
  auto_response: lenient.flag,
  automation_id: lenient.id,
  last_edited_user_id: lenient.id,
  created_at: time,
});

const ticket = z.object({
  id,
  subject: lenient.text,
  description: lenient.text,
  structured_description: structured,
  status: lenient.count,
  source: lenient.count,
  spam: lenient.flag,
  deleted: lenient.flag,
  requester_id: lenient.id,
  product_id: lenient.id,
  group_id: lenient.id,
  priority: lenient.count,
  tags: z.array(z.string()).catch([]),
  created_at: time,
});

export const conversationsAnswer = z.array(conversation);

export const ticketAnswer = ticket.extend({ conversations: conversationsAnswer.catch([]) });

export const agentAnswer = z.object({ id });

/** The answer to a new or changed note; `private` decides. */
export const noteAnswer = z.object({ id, private: lenient.flag });

const listedTicket = z.object({
  id,
  status: lenient.count,
  tags: z.array(z.string()).catch([]),
  group_id: lenient.id,
  spam: lenient.flag,
  deleted: lenient.flag,
  created_at: time,
  updated_at: time,
});

export const ticketsAnswer = z.array(listedTicket);

export type ListedFreshdeskTicket = z.output<typeof listedTicket>;

export type FreshdeskTicket = z.output<typeof ticketAnswer>;
export type FreshdeskConversation = z.output<typeof conversation>;

const STATUS_CLOSED = 5;
/** An e-mail that an agent started: its description is the agent's text. */
const SOURCE_OUTBOUND_EMAIL = 10;
/** A conversation entry that went to a third party. */
const SOURCE_FORWARD = 8;

/** Why the ticket takes no draft; null when it does. Archived tickets answer 404. */
export function unavailability(found: FreshdeskTicket): SkipReason | null {
  if (found.deleted === true) return 'deleted';
  if (found.spam === true) return 'spam';
  return found.status === STATUS_CLOSED ? 'closed' : null;
}

/** Names of the numbers (helpdesks.md F2); of others, which are the account's own, the number itself is the word. */
const CHANNELS: Readonly<Record<number, string>> = {
  1: 'email',
  2: 'portal',
  3: 'phone',
  4: 'forum',
  5: 'twitter',
  6: 'facebook',
  7: 'chat',
  8: 'mobihelp',
  9: 'feedback_widget',
  10: 'outbound_email',
  11: 'ecommerce',
  12: 'bot',
  13: 'whatsapp',
};
const PRIORITY_NAMES: Readonly<Record<number, Priority>> = { 1: 'low', 2: 'normal', 3: 'high', 4: 'urgent' };

/** How the ticket is filed. */
export function traitsOf({ product_id, group_id, priority, source, tags }: FreshdeskTicket): TicketTraits {
  return {
    brand: product_id ?? null,
    group: group_id ?? null,
    channel: CHANNELS[source ?? 0] ?? source?.toString() ?? null,
    tags,
    priority: PRIORITY_NAMES[priority ?? 0] ?? null,
  };
}

/** Id of the message that a ticket begins with: it is no entry of the conversation. */
export const DESCRIPTION_ID = 'description';

function description(found: FreshdeskTicket): Message {
  const written = found.description?.trim() ?? '';
  const texts = found.structured_description?.description_contents ?? [];
  const plain = texts.map((part) => (part.type === 'text' ? (part.data?.content ?? '') : '')).join('\n');
  return {
    id: DESCRIPTION_ID,
    author: found.source === SOURCE_OUTBOUND_EMAIL ? 'agent' : 'customer',
    authorName: null,
    html: written === '' && plain !== '' ? textAsHtml(plain) : written,
    createdAt: found.created_at,
    public: true,
    verified: true,
  };
}

/** A private note with a marker: ours, once its writer proves to be our user. */
export interface MarkedNote {
  readonly noteId: string;
  readonly marker: string;
  readonly userId: string | null;
  readonly createdAt: number;
  /** Somebody else has changed it since. */
  readonly editedBy: string | null;
}

export interface Thread {
  /** Oldest first, from the description on; without private notes and without what automations wrote. */
  readonly messages: readonly Message[];
  /** Oldest first. */
  readonly marked: readonly MarkedNote[];
  /** The same, but customers can read them: of ours there must be none. */
  readonly published: readonly MarkedNote[];
}

/** Sorts a ticket's entries into messages and notes that carry a marker. */
export function readThread(found: FreshdeskTicket, entries: readonly FreshdeskConversation[]): Thread {
  const messages: Message[] = [description(found)];
  const marked: MarkedNote[] = [];
  const published: MarkedNote[] = [];
  for (const entry of entries.map((one) => ({ ...one, createdAt: one.created_at })).toSorted(byTime)) {
    const html = entry.body ?? '';
    const marker = markerOf(html);
    const note = marker === null ? null : markedNote(entry, marker);
    if (note !== null && entry.private === true) {
      marked.push(note);
      continue;
    }
    if (note !== null && entry.private === false) published.push(note);
    const customer = isCustomer(entry, found.requester_id ?? null);
    if (!customer && !isHumanAnswer(entry)) continue;
    messages.push({
      id: entry.id,
      author: customer ? 'customer' : 'agent',
      authorName: null,
      html,
      createdAt: entry.createdAt,
      public: true,
      verified: true,
    });
  }
  return { messages, marked, published };
}

function markedNote(entry: FreshdeskConversation, marker: string): MarkedNote {
  return {
    noteId: entry.id,
    marker,
    createdAt: entry.created_at,
    userId: entry.user_id ?? null,
    editedBy: entry.last_edited_user_id ?? null,
  };
}

/** The requester, or anybody whose message came in: copied persons answer too. */
function isCustomer(entry: FreshdeskConversation, requesterId: string | null): boolean {
  return (
    entry.incoming === true || (entry.user_id !== null && entry.user_id !== undefined && entry.user_id === requesterId)
  );
}

function isHumanAnswer(entry: FreshdeskConversation): boolean {
  const machine = entry.auto_response === true || (entry.automation_id ?? null) !== null;
  return entry.private === false && !machine && entry.source !== SOURCE_FORWARD;
}
