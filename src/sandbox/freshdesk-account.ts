import type { Clock } from '../core/clock.ts';
import { plainText, sanitise, stamp } from './html.ts';

/** The records of a simulated Freshdesk account. Times are epoch ms. */
export interface FreshdeskContact {
  readonly id: number;
  readonly name: string;
  readonly email: string;
  readonly locale: string;
}

export interface FreshdeskConversation {
  readonly id: number;
  readonly ticketId: number;
  readonly userId: number;
  readonly incoming: boolean;
  readonly private: boolean;
  /** 0 reply or mail, 2 note. */
  readonly source: number;
  /** Written through the API. */
  readonly byApi: boolean;
  /** By a request that a proxy sent twice. */
  readonly resent?: boolean;
  readonly createdAt: number;
  updatedAt: number;
  html: string;
}

export interface FreshdeskTicket {
  readonly id: number;
  readonly requester: FreshdeskContact;
  readonly html: string;
  readonly tags: readonly string[];
  readonly groupId: number | null;
  /** 1 low … 4 urgent. */
  readonly priority: number;
  readonly createdAt: number;
  readonly conversations: FreshdeskConversation[];
  subject: string;
  /** 2 open, 3 pending, 4 resolved, 5 closed, 6 and up custom. */
  status: number;
  updatedAt: number;
  spam: boolean;
  /** In the trash: still readable. */
  deleted: boolean;
  /** Closed and idle for 120 days: the live URLs answer 404. */
  archived: boolean;
  /** Out of the key's `ticket_scope`. */
  restricted: boolean;
  /** Gone for good. */
  purged: boolean;
}

export interface ConversationInput {
  readonly userId: number;
  readonly html: string;
  readonly incoming: boolean;
  readonly private: boolean;
  readonly source: number;
  readonly byApi: boolean;
  readonly resent?: boolean;
}

export interface FreshdeskAccount {
  readonly botId: number;
  readonly agentId: number;
  readonly tickets: ReadonlyMap<number, FreshdeskTicket>;
  readonly conversations: ReadonlyMap<number, FreshdeskConversation>;
  contact(requester: { name: string; email: string; locale?: string }): FreshdeskContact;
  createTicket(input: {
    subject: string;
    html: string;
    requester: FreshdeskContact;
    tags: readonly string[];
    groupId?: number | null;
    priority?: number;
  }): FreshdeskTicket;
  addConversation(ticket: FreshdeskTicket, input: ConversationInput): FreshdeskConversation;
  edit(conversation: FreshdeskConversation, html: string): void;
  remove(conversation: FreshdeskConversation): void;
  touch(ticket: FreshdeskTicket): void;
}

export function createFreshdeskAccount(clock: Clock): FreshdeskAccount {
  const contacts = new Map<string, FreshdeskContact>();
  const tickets = new Map<number, FreshdeskTicket>();
  const conversations = new Map<number, FreshdeskConversation>();
  let lastTicketId = 10;
  let lastContactId = 80014400480;
  let lastConversationId = 80345591994;

  return {
    botId: 80014400475,
    agentId: 80014400476,
    tickets,
    conversations,
    contact({ name, email, locale = 'en' }) {
      const known = contacts.get(email);
      if (known !== undefined) return known;
      const contact = { id: (lastContactId += 1), name, email, locale };
      contacts.set(email, contact);
      return contact;
    },
    createTicket({ subject, html, requester, tags, groupId = null, priority = 1 }) {
      const now = clock.now();
      const ticket: FreshdeskTicket = {
        id: (lastTicketId += 1),
        requester,
        subject,
        html: rewrite(html),
        tags,
        groupId,
        priority,
        createdAt: now,
        updatedAt: now,
        status: 2,
        spam: false,
        deleted: false,
        archived: false,
        restricted: false,
        purged: false,
        conversations: [],
      };
      tickets.set(ticket.id, ticket);
      return ticket;
    },
    addConversation(ticket, input) {
      const now = clock.now();
      const conversation: FreshdeskConversation = {
        ...input,
        id: (lastConversationId += 1),
        ticketId: ticket.id,
        createdAt: now,
        updatedAt: now,
        html: rewrite(input.html),
      };
      conversations.set(conversation.id, conversation);
      ticket.conversations.push(conversation);
      ticket.updatedAt = now;
      return conversation;
    },
    edit(conversation, html) {
      conversation.html = rewrite(html);
      conversation.updatedAt = clock.now();
    },
    remove(conversation) {
      conversations.delete(conversation.id);
      const siblings = tickets.get(conversation.ticketId)?.conversations ?? [];
      siblings.splice(siblings.indexOf(conversation), 1);
    },
    touch(ticket) {
      ticket.updatedAt = clock.now();
    },
  };
}

/** "Rewritten by the server": what is stored differs from what was sent (helpdesks.md F2). */
function rewrite(html: string): string {
  return `<div>${sanitise(html)}</div>`;
}

export function ticketJson(ticket: FreshdeskTicket, withDescription: boolean): Record<string, unknown> {
  const description = { description: ticket.html, description_text: plainText(ticket.html) };
  return {
    cc_emails: null,
    fwd_emails: null,
    reply_cc_emails: null,
    ticket_cc_emails: null,
    fr_escalated: false,
    spam: ticket.spam,
    email_config_id: null,
    group_id: ticket.groupId,
    priority: ticket.priority,
    requester_id: ticket.requester.id,
    responder_id: null,
    source: 1,
    company_id: null,
    status: ticket.status,
    subject: ticket.subject,
    association_type: null,
    support_email: null,
    to_emails: null,
    product_id: null,
    id: ticket.id,
    type: null,
    due_by: stamp(ticket.createdAt + 3 * 86_400_000),
    fr_due_by: stamp(ticket.createdAt + 86_400_000),
    is_escalated: false,
    ...(withDescription ? { ...description, attachments: [] } : {}),
    custom_fields: { cf_order_number: null },
    created_at: stamp(ticket.createdAt),
    updated_at: stamp(ticket.updatedAt),
    tags: ticket.tags,
    source_additional_info: null,
    ...(ticket.deleted ? { deleted: true } : {}),
  };
}

export function requesterJson({ id, name, email }: FreshdeskContact): object {
  return { id, name, email, mobile: null, phone: null };
}

/** `stats` of a ticket: who answered last and when, as far as the simulation knows. */
export function statsJson(ticket: FreshdeskTicket): object {
  const lastOf = (incoming: boolean): string | null => {
    const last = ticket.conversations.findLast((one) => one.incoming === incoming && !one.private);
    return last === undefined ? null : stamp(last.createdAt);
  };
  return {
    agent_responded_at: lastOf(false),
    requester_responded_at: lastOf(true),
    first_responded_at: null,
    status_updated_at: stamp(ticket.updatedAt),
    reopened_at: null,
    resolved_at: ticket.status === 4 ? stamp(ticket.updatedAt) : null,
    closed_at: ticket.status === 5 ? stamp(ticket.updatedAt) : null,
    pending_since: null,
  };
}

/** A listed conversation. `body_text` has no line breaks, unlike `description_text`. */
export function conversationJson(conversation: FreshdeskConversation, ticket: FreshdeskTicket): object {
  const note = conversation.source === 2;
  const customer = ticket.requester.email;
  return {
    body: conversation.html,
    body_text: plainText(conversation.html).replaceAll(/\s+/g, ' '),
    id: conversation.id,
    incoming: conversation.incoming,
    private: conversation.private,
    user_id: conversation.userId,
    support_email: note ? null : 'support@acme.freshdesk.example',
    source: conversation.source,
    category: note ? 2 : 1,
    to_emails: note ? [] : [conversation.incoming ? 'support@acme.freshdesk.example' : customer],
    from_email: note ? null : conversation.incoming ? customer : '"Acme" <support@acme.freshdesk.example>',
    cc_emails: [],
    bcc_emails: note ? null : [],
    email_failure_count: null,
    outgoing_failures: null,
    thread_id: null,
    thread_message_id: null,
    created_at: stamp(conversation.createdAt),
    updated_at: stamp(conversation.updatedAt),
    last_edited_at: null,
    last_edited_user_id: null,
    attachments: [],
    automation_id: null,
    automation_type_id: null,
    auto_response: false,
    ticket_id: ticket.id,
    source_additional_info: null,
  };
}

/** The answer to a created note: fewer keys than a listed one, no `source`, no `to_emails`. */
export function createdNoteJson(note: FreshdeskConversation): object {
  return {
    body_text: plainText(note.html).replaceAll(/\s+/g, ' '),
    body: note.html,
    id: note.id,
    incoming: note.incoming,
    private: note.private,
    user_id: note.userId,
    support_email: null,
    ticket_id: note.ticketId,
    notified_to: [],
    attachments: [],
    created_at: stamp(note.createdAt),
    updated_at: stamp(note.updatedAt),
  };
}

export function agentJson(account: FreshdeskAccount, createdAt: number): object {
  return {
    id: account.botId,
    ticket_scope: 1,
    type: 'support_agent',
    available: true,
    occasional: false,
    signature: null,
    group_ids: [],
    role_ids: [80000110543],
    skill_ids: [],
    available_since: null,
    contact: {
      active: true,
      email: 'draftdesk@acme.example',
      job_title: null,
      language: 'en',
      last_login_at: null,
      mobile: null,
      name: 'Draftdesk',
      phone: null,
      time_zone: 'Berlin',
      created_at: stamp(createdAt),
      updated_at: stamp(createdAt),
    },
    created_at: stamp(createdAt),
    updated_at: stamp(createdAt),
  };
}
