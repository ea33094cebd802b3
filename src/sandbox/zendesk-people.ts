import { type HelpdeskPeople, SOMEBODY, type StoredComment } from './helpdesk-simulator.ts';
import { plainText } from './html.ts';
import type { ZendeskAccount, ZendeskComment, ZendeskStatus, ZendeskTicket } from './zendesk-account.ts';
import type { ZendeskEvent } from './zendesk-webhooks.ts';

/** Tells the webhooks about an event. */
export type ZendeskEmit = (event: ZendeskEvent, ticket: ZendeskTicket, comment?: ZendeskComment) => void;

interface World {
  readonly account: ZendeskAccount;
  readonly emit: ZendeskEmit;
  /** Agents' own edits count against the account's updates too. */
  readonly countUpdate: () => void;
}

/** Control calls of a Zendesk only. */
export interface ZendeskPeople extends HelpdeskPeople {
  readonly ticket: (id: string) => ZendeskTicket;
  setStatus(id: string, status: ZendeskStatus): void;
  /** A customer's comment that Zendesk flags as possibly forged (2, 3, 14, 21), or a private one. */
  customerComment(id: string, html: string, options: { flags?: readonly number[]; public?: boolean }): string;
}

/** What customers and agents do in a simulated Zendesk, and what a test looks up. */
export function zendeskPeople(world: World): ZendeskPeople {
  const { account, emit, countUpdate } = world;

  const ticket = (id: string): ZendeskTicket => {
    const found = account.tickets.get(Number(id));
    if (found === undefined) throw new Error(`the simulated Zendesk has no ticket ${id}`);
    return found;
  };
  const customerComment: ZendeskPeople['customerComment'] = (id, html, { flags = [], public: isPublic = true }) => {
    const target = ticket(id);
    const input = { authorId: target.requesterId, html, public: isPublic, channel: 'email', flags };
    const comment = account.addComment(target, input);
    if (target.status === 'solved' || target.status === 'pending') target.status = 'open';
    emit('ticket.comment_added', target, comment);
    emit('trigger', target, comment);
    return String(comment.id);
  };
  const setStatus = (id: string, status: ZendeskStatus, event: ZendeskEvent): void => {
    const target = ticket(id);
    target.status = status;
    account.touch(target);
    emit(event, target);
  };
  const botComments = (id: string, isPublic: boolean): StoredComment[] =>
    ticket(id)
      .comments.filter((one) => one.updaterId === account.botId && one.public === isPublic)
      .map(({ id: commentId, html, createdAt, resent = false }) => ({
        id: String(commentId),
        html,
        text: plainText(html),
        public: isPublic,
        createdAt,
        resent,
      }));

  return {
    ticket,
    addTicket: addTicketTo(world),
    customerComment,
    customerReply: (id, html) => customerComment(id, html, {}),
    agentReply(id, html, options) {
      const target = ticket(id);
      countUpdate();
      const input = { authorId: account.agentId, html, public: options.public, channel: 'web' };
      const comment = account.addComment(target, input);
      emit('ticket.comment_added', target, comment);
      return String(comment.id);
    },
    setStatus: (id, status) => setStatus(id, status, 'ticket.status_changed'),
    solve: (id) => setStatus(id, 'solved', 'ticket.status_changed'),
    close: (id) => setStatus(id, 'closed', 'ticket.status_changed'),
    delete: (id) => setStatus(id, 'deleted', 'ticket.soft_deleted'),
    // a ticket marked as spam is deleted and its requester suspended
    markSpam: (id) => setStatus(id, 'deleted', 'ticket.marked_as_spam'),
    merge(sourceId, targetId) {
      const into = ticket(targetId);
      const text = `<p>Request #${sourceId} was closed and merged into this request.</p>`;
      account.addComment(into, { authorId: account.agentId, html: text, public: false, channel: 'merge' });
      ticket(sourceId).tags.push('closed_by_merge');
      setStatus(sourceId, 'closed', 'ticket.merged');
    },
    ticketIds: () => [...account.tickets.keys()].map(String),
    notes: (id) => botComments(id, false),
    publicCommentsByBot: (id) => botComments(id, true),
  };
}

function addTicketTo({ account, emit }: World): ZendeskPeople['addTicket'] {
  return ({ subject, html, requester = SOMEBODY, tags = [], public: isPublic = true, group, priority = null }) => {
    const user = account.endUser(requester);
    const groupId = group === undefined ? null : Number(group);
    const input = { subject, requesterId: user.id, tags, channel: 'email', groupId, priority };
    const created = account.createTicket(input);
    const comment = account.addComment(created, { authorId: user.id, html, public: isPublic, channel: 'email' });
    // one act, two events
    emit('ticket.created', created, comment);
    emit('ticket.comment_added', created, comment);
    emit('trigger', created, comment);
    return String(created.id);
  };
}
