import type { FreshdeskAccount, FreshdeskTicket } from './freshdesk-account.ts';
import type { FreshdeskEvent } from './freshdesk-webhooks.ts';
import { type HelpdeskPeople, SOMEBODY, type StoredComment } from './helpdesk-simulator.ts';
import { plainText } from './html.ts';

interface World {
  readonly account: FreshdeskAccount;
  readonly emit: (event: FreshdeskEvent, ticket: FreshdeskTicket) => void;
}

/** Control calls of a Freshdesk only. */
export interface FreshdeskPeople extends HelpdeskPeople {
  readonly ticket: (id: string) => FreshdeskTicket;
  /** Any status number, custom ones (6 and up) too. */
  setStatus(id: string, status: number): void;
  /** Closed and idle for long: the live URLs answer 404. */
  archive(id: string): void;
  /** Puts the ticket out of the key's scope: 403. */
  restrict(id: string): void;
  /** Gone for good: 404. `delete` is the trash only. */
  purge(id: string): void;
}

const PRIORITIES = ['low', 'normal', 'high', 'urgent'];

/** What customers and agents do in a simulated Freshdesk, and what a test looks up. */
export function freshdeskPeople({ account, emit }: World): FreshdeskPeople {
  const ticket = (id: string): FreshdeskTicket => {
    const found = account.tickets.get(Number(id));
    if (found === undefined) throw new Error(`the simulated Freshdesk has no ticket ${id}`);
    return found;
  };
  const setStatus = (id: string, status: number): void => {
    const target = ticket(id);
    target.status = status;
    account.touch(target);
    emit('status_changed', target);
  };
  const mark = (
    id: string,
    state: Partial<Pick<FreshdeskTicket, 'spam' | 'deleted' | 'archived' | 'restricted' | 'purged' | 'status'>>,
  ): void => {
    account.touch(Object.assign(ticket(id), state));
  };
  const note = (target: FreshdeskTicket, html: string, isPublic: boolean): string => {
    const base = { userId: account.agentId, html, incoming: false, byApi: false };
    // a public answer of an agent is a reply; only private ones are notes here
    const conversation = account.addConversation(target, { ...base, private: !isPublic, source: isPublic ? 0 : 2 });
    emit(isPublic ? 'agent_reply' : 'private_note', target);
    return String(conversation.id);
  };
  const botComments = (id: string, isPublic: boolean): StoredComment[] =>
    ticket(id)
      .conversations.filter((one) => one.byApi && one.private !== isPublic)
      .map(({ id: noteId, html, createdAt, resent = false }) => ({
        id: String(noteId),
        html,
        createdAt,
        public: isPublic,
        text: plainText(html),
        resent,
      }));

  return {
    ticket,
    addTicket({ subject, html, tags = [], requester: from = SOMEBODY, group, priority = 'low' }) {
      const requester = account.contact(from);
      const groupId = group === undefined ? null : Number(group);
      const level = PRIORITIES.indexOf(priority) + 1;
      const created = account.createTicket({ subject, html, requester, tags, groupId, priority: level });
      emit('created', created);
      return String(created.id);
    },
    customerReply(id, html) {
      const target = ticket(id);
      const base = { userId: target.requester.id, html, incoming: true, private: false };
      const conversation = account.addConversation(target, { ...base, source: 0, byApi: false });
      if (target.status === 3 || target.status === 4) target.status = 2;
      emit('customer_reply', target);
      return String(conversation.id);
    },
    agentReply: (id, html, reply) => note(ticket(id), html, reply.public),
    setStatus,
    solve: (id) => setStatus(id, 4),
    close: (id) => setStatus(id, 5),
    merge(sourceId, targetId) {
      note(ticket(targetId), `<p>Ticket #${sourceId} was merged into this ticket.</p>`, false);
      note(ticket(sourceId), `<p>This ticket was closed and merged into ticket ${targetId}.</p>`, false);
      setStatus(sourceId, 5);
    },
    delete: (id) => mark(id, { deleted: true }),
    markSpam: (id) => mark(id, { spam: true }),
    archive: (id) => mark(id, { archived: true, status: 5 }),
    restrict: (id) => mark(id, { restricted: true }),
    purge: (id) => mark(id, { purged: true }),
    ticketIds: () => [...account.tickets.keys()].map(String),
    notes: (id) => botComments(id, false),
    publicCommentsByBot: (id) => botComments(id, true),
  };
}
