import type { Clock } from '../core/clock.ts';
import type { Helpdesk, Message } from '../core/helpdesk.ts';
import type { SolvedTicket } from '../core/knowledge-base.ts';
import type { KnowledgeSource } from '../core/knowledge-source.ts';
import { shaped } from './answer.ts';
import { createSolvedSource, type ReadTicket } from './solved-source.ts';
import { solvedTicket } from './solving-answer.ts';
import * as shapes from './zendesk-shapes.ts';
import type { ZendeskRead, ZendeskReader } from './zendesk-tickets.ts';

const NAME = 'zendesk';
const SETTLED = ['solved', 'closed'];
const TURN = { step: 'list', lane: 'batch', budgets: ['requests', 'knowledge'] } as const;

interface Found {
  readonly ticket: shapes.ZendeskTicket;
  readonly requester: shapes.ZendeskUser | undefined;
}

/**
 * Solved tickets. The first pass searches for them (any agent may, and archived ones are found); later ones follow what
 * has changed, which an admin's credentials tell with deleted tickets (incremental export), others without. A call for
 * up to twenty tickets, and one for the comments of each.
 */
export function createZendeskSolved(
  read: ZendeskReader,
  listTickets: Helpdesk['listTickets'],
  clock: Clock,
): KnowledgeSource<'solved'> {
  const get = async (request: Pick<ZendeskRead, 'path' | 'aboutTicket'>, signal: AbortSignal): Promise<unknown> =>
    (await read({ ...TURN, ...request }, signal)).json;

  async function many(ids: readonly string[], signal: AbortSignal): Promise<ReadonlyMap<string, Found>> {
    const json = await get({ path: `/tickets/show_many.json?ids=${ids.join(',')}&include=users` }, signal);
    const { tickets, users } = shaped(shapes.manyTicketsAnswer, json, NAME);
    const found = tickets.flatMap((ticket) => (ticket === null ? [] : [foundIn(ticket, users)]));
    return new Map(found.map((one) => [one.ticket.id, one]));
  }

  /** What is missing among many is asked for alone: is it gone, or only archived? */
  async function single(id: string, signal: AbortSignal): Promise<Found> {
    const json = await get({ path: `/tickets/${id}.json?include=users`, aboutTicket: true }, signal);
    const { ticket, users } = shaped(shapes.ticketAnswer, json, NAME);
    return foundIn(ticket, users);
  }

  async function comments(
    { ticket, requester }: Found,
    order: { readonly sort: string; readonly size: number },
    signal: AbortSignal,
  ): Promise<{ readonly messages: readonly Message[]; readonly more: boolean }> {
    const query = new URLSearchParams({ 'page[size]': String(order.size), sort: order.sort, include: 'users' });
    const path = `/tickets/${ticket.id}/comments.json?${query.toString()}`;
    const answer = shaped(shapes.commentsAnswer, await get({ path, aboutTicket: true }, signal), NAME);
    const users = [...(requester === undefined ? [] : [requester]), ...answer.users];
    const thread = shapes.readThread(answer.comments, {
      users: new Map(users.map((user) => [user.id, user])),
      requesterId: ticket.requester_id ?? null,
      // notes of ours are private, and left out with all others
      ownId: '',
    });
    return { messages: thread.messages, more: answer.meta?.has_more === true };
  }

  async function solved(found: Found, signal: AbortSignal): Promise<SolvedTicket | null> {
    const { ticket } = found;
    if (!isLesson(found)) return null;
    const newest = await comments(found, { sort: '-created_at', size: 100 }, signal);
    const oldest = newest.more ? await comments(found, { sort: 'created_at', size: 1 }, signal) : null;
    return solvedTicket(NAME, ticket, [...(oldest?.messages ?? []), ...newest.messages]);
  }

  return createSolvedSource({
    name: NAME,
    clock,
    listTickets,
    settled: SETTLED,
    readTickets: async (ids, signal): Promise<ReadTicket> => {
      const known = await many(ids, signal);
      return async (id, stop) => solved(known.get(id) ?? (await single(id, stop)), stop);
    },
  });
}

function foundIn(ticket: shapes.ZendeskTicket, users: readonly shapes.ZendeskUser[]): Found {
  return { ticket, requester: users.find((user) => user.id === ticket.requester_id) };
}

/** Done, and neither merged, private nor of somebody whose tickets were marked as spam. */
function isLesson({ ticket, requester }: Found): boolean {
  if (!SETTLED.includes(ticket.status?.toLowerCase() ?? '')) return false;
  const why = shapes.unavailability(ticket, requester);
  const spam = requester?.suspended === true || ticket.is_public === false;
  return (why === null || why === 'closed') && !spam;
}
