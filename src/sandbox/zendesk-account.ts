import type { Clock } from '../core/clock.ts';
import { plainText, sanitise, stamp } from './html.ts';

/** The records of a simulated Zendesk account. Ids are numbers here, as in its REST answers; times are epoch ms. */
export interface ZendeskUser {
  readonly id: number;
  readonly name: string;
  readonly email: string;
  readonly role: 'end-user' | 'agent' | 'admin';
  readonly locale: string;
}

export interface ZendeskComment {
  readonly id: number;
  readonly auditId: number;
  readonly ticketId: number;
  readonly authorId: number;
  /** Who made the update; `author_id` of a request changes the author only. */
  readonly updaterId: number;
  readonly html: string;
  readonly public: boolean;
  readonly createdAt: number;
  readonly channel: string;
  readonly flags: readonly number[];
  readonly custom: Readonly<Record<string, unknown>>;
  /** By a request that a proxy sent twice. */
  readonly resent?: boolean;
}

export type ZendeskStatus = 'new' | 'open' | 'pending' | 'hold' | 'solved' | 'closed' | 'deleted';

export interface ZendeskTicket {
  readonly id: number;
  readonly requesterId: number;
  readonly createdAt: number;
  readonly channel: string;
  readonly groupId: number | null;
  readonly priority: string | null;
  readonly comments: ZendeskComment[];
  subject: string;
  status: ZendeskStatus;
  tags: string[];
  updatedAt: number;
}

export interface CommentInput {
  readonly authorId: number;
  readonly updaterId?: number;
  readonly html: string;
  readonly public: boolean;
  readonly channel: string;
  readonly flags?: readonly number[];
  readonly custom?: Readonly<Record<string, unknown>>;
  readonly resent?: boolean;
}

/** Zendesk cuts longer comments without a word (helpdesks.md 2.4). */
const COMMENT_MAX_BYTES = 65_536;

export interface ZendeskAccount {
  readonly botId: number;
  readonly agentId: number;
  readonly users: ReadonlyMap<number, ZendeskUser>;
  readonly tickets: ReadonlyMap<number, ZendeskTicket>;
  /** A record that the API can see: not deleted. */
  visible(id: number): ZendeskTicket | undefined;
  endUser(requester: { name: string; email: string; locale?: string }): ZendeskUser;
  createTicket(input: {
    subject: string;
    requesterId: number;
    tags: readonly string[];
    channel: string;
    groupId?: number | null;
    priority?: string | null;
  }): ZendeskTicket;
  addComment(ticket: ZendeskTicket, input: CommentInput): ZendeskComment;
  touch(ticket: ZendeskTicket): void;
  newId(): number;
}

export function createZendeskAccount(clock: Clock, role: 'agent' | 'admin'): ZendeskAccount {
  const bot: ZendeskUser = {
    id: 8447388090494,
    name: 'Draftdesk',
    email: 'draftdesk@acme.example',
    role,
    locale: 'en-US',
  };
  const agent: ZendeskUser = {
    ...bot,
    id: 8447388090495,
    name: 'Robin Park',
    email: 'robin@acme.example',
    role: 'agent',
  };
  const users = new Map<number, ZendeskUser>([bot, agent].map((user) => [user.id, user]));
  const byEmail = new Map<string, ZendeskUser>();
  const tickets = new Map<number, ZendeskTicket>();
  let lastId = 98_974_402;
  let lastUserId = 8447388100000;
  let lastTicketId = 5157;
  // comment and audit ids differ by arbitrary amounts, so that nobody takes one for the other
  const newId = (): number => (lastId += 10);

  return {
    botId: bot.id,
    agentId: agent.id,
    users,
    tickets,
    newId,
    visible(id) {
      const ticket = tickets.get(id);
      return ticket?.status === 'deleted' ? undefined : ticket;
    },
    endUser({ name, email, locale = 'en-US' }) {
      const known = byEmail.get(email);
      if (known !== undefined) return known;
      const user: ZendeskUser = { id: (lastUserId += 7), name, email, role: 'end-user', locale };
      byEmail.set(email, user);
      users.set(user.id, user);
      return user;
    },
    createTicket({ subject, requesterId, tags, channel, groupId = null, priority = null }) {
      const now = clock.now();
      const id = (lastTicketId += 1);
      const ticket: ZendeskTicket = {
        id,
        requesterId,
        channel,
        groupId,
        priority,
        subject,
        createdAt: now,
        updatedAt: now,
        status: 'new',
        tags: [...tags],
        comments: [],
      };
      tickets.set(id, ticket);
      return ticket;
    },
    addComment(ticket, input) {
      const comment: ZendeskComment = {
        auditId: newId(),
        id: newId(),
        ticketId: ticket.id,
        updaterId: input.authorId,
        flags: [],
        custom: {},
        createdAt: clock.now(),
        ...input,
        html: `<div class="zd-comment" dir="auto">${cutToBytes(sanitise(input.html), COMMENT_MAX_BYTES)}</div>`,
      };
      ticket.comments.push(comment);
      ticket.updatedAt = comment.createdAt;
      return comment;
    },
    touch(ticket) {
      ticket.updatedAt = clock.now();
    },
  };
}

function cutToBytes(text: string, maxBytes: number): string {
  const bytes = new TextEncoder().encode(text);
  if (bytes.byteLength <= maxBytes) return text;
  // a character cut in half is dropped
  return new TextDecoder().decode(bytes.subarray(0, maxBytes)).replace(/\ufffd$/, '');
}

const VIA = (channel: string): object => ({ channel, source: { from: {}, to: {}, rel: null } });

export function ticketJson(ticket: ZendeskTicket, baseUrl: string, clock: Clock): Record<string, unknown> {
  const [first] = ticket.comments;
  return {
    url: `${baseUrl}/api/v2/tickets/${ticket.id}.json`,
    id: ticket.id,
    external_id: null,
    via: VIA(ticket.channel),
    created_at: stamp(ticket.createdAt),
    updated_at: stamp(ticket.updatedAt),
    generated_timestamp: Math.floor(clock.now() / 1000),
    type: null,
    subject: ticket.subject,
    raw_subject: ticket.subject,
    description: first === undefined ? '' : plainText(first.html),
    priority: ticket.priority,
    status: ticket.status,
    recipient: null,
    requester_id: ticket.requesterId,
    submitter_id: ticket.requesterId,
    assignee_id: null,
    organization_id: null,
    group_id: ticket.groupId,
    collaborator_ids: [],
    follower_ids: [],
    email_cc_ids: [],
    forum_topic_id: null,
    problem_id: null,
    has_incidents: false,
    is_public: ticket.comments.some((comment) => comment.public),
    due_at: null,
    tags: ticket.tags,
    custom_fields: [{ id: 20015156, value: null }],
    satisfaction_rating: { score: 'unoffered' },
    sharing_agreement_ids: [],
    custom_status_id: 8447320465790,
    fields: [{ id: 20015156, value: null }],
    followup_ids: [],
    ticket_form_id: null,
    brand_id: 8447346621310,
    allow_channelback: false,
    allow_attachments: true,
    from_messaging_channel: false,
  };
}

export function commentJson(comment: ZendeskComment): Record<string, unknown> {
  const text = plainText(comment.html);
  const trusted = comment.flags.length === 0;
  const flagsOptions = Object.fromEntries(comment.flags.map((flag) => [String(flag), { trusted: false }]));
  return {
    id: comment.id,
    type: 'Comment',
    author_id: comment.authorId,
    body: text,
    html_body: comment.html,
    plain_body: text,
    public: comment.public,
    attachments: [],
    audit_id: comment.auditId,
    via: VIA(comment.channel),
    created_at: stamp(comment.createdAt),
    metadata: {
      system: {
        client: 'Mozilla/5.0',
        ip_address: '203.0.113.7',
        location: 'Utrecht, 09, Netherlands',
        latitude: 52.1,
        longitude: 5.1,
      },
      custom: comment.custom,
      ...(trusted ? {} : { flags: comment.flags, flags_options: flagsOptions }),
      trusted,
    },
  };
}

export function auditJson(
  audit: { id: number; ticketId: number; authorId: number; createdAt: number; custom: object },
  events: readonly object[],
): Record<string, unknown> {
  return {
    id: audit.id,
    ticket_id: audit.ticketId,
    created_at: stamp(audit.createdAt),
    author_id: audit.authorId,
    via: VIA('api'),
    metadata: { system: { client: 'node', ip_address: '203.0.113.9' }, custom: audit.custom },
    events,
  };
}

/** The `Comment` event inside an audit: fewer fields than a listed comment. */
export function commentEventJson(comment: ZendeskComment): Record<string, unknown> {
  const {
    id,
    type,
    author_id,
    body,
    html_body,
    plain_body,
    public: isPublic,
    attachments,
    audit_id,
  } = commentJson(comment);
  return { id, type, author_id, body, html_body, plain_body, public: isPublic, attachments, audit_id };
}

export function userJson(user: ZendeskUser, baseUrl: string): Record<string, unknown> {
  return {
    id: user.id,
    url: `${baseUrl}/api/v2/users/${user.id}.json`,
    name: user.name,
    email: user.email,
    time_zone: 'Europe/Berlin',
    locale_id: 1,
    locale: user.locale,
    organization_id: null,
    role: user.role,
    role_type: user.role === 'agent' ? 0 : null,
    verified: true,
    active: true,
    suspended: false,
    only_private_comments: false,
    ticket_restriction: null,
  };
}
