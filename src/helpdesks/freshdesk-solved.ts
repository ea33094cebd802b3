import type { Clock } from '../core/clock.ts';
import { UpstreamError } from '../core/errors.ts';
import type { Helpdesk } from '../core/helpdesk.ts';
import type { SolvedTicket } from '../core/knowledge-base.ts';
import type { KnowledgeSource } from '../core/knowledge-source.ts';
import { shaped } from './answer.ts';
import { nextPage } from './freshdesk-errors.ts';
import type { FreshdeskReader } from './freshdesk-knowledge.ts';
import * as shapes from './freshdesk-shapes.ts';
import { createSolvedSource } from './solved-source.ts';
import { solvedTicket } from './solving-answer.ts';
import { isoSeconds } from './ticket-filter.ts';

const NAME = 'freshdesk';
const RESOLVED = [4, 5];

/** `include=conversations` shows so many, from the oldest on, at one credit more (helpdesks.md F2). */
const INCLUDED = 10;
const VIEW_CREDITS = 2;
const PAGE_SIZE = 100;
/** Entries beyond are left: no answer is looked for that far. */
const MAX_PAGES = 5;

/**
 * Resolved tickets, by when they were updated: two credits each, and one more for each hundred entries of a long one.
 * Archived ones are not listed.
 */
export function createFreshdeskSolved(
  read: FreshdeskReader,
  listTickets: Helpdesk['listTickets'],
  clock: Clock,
): KnowledgeSource<'solved'> {
  async function entriesOf(ticketId: string, signal: AbortSignal): Promise<shapes.FreshdeskConversation[]> {
    const entries: shapes.FreshdeskConversation[] = [];
    for (let page = 1; page <= MAX_PAGES; page++) {
      const path = `/tickets/${ticketId}/conversations?per_page=${PAGE_SIZE}&page=${page}`;
      const { json, headers } = await read({ path, route: 'view', aboutTicket: true }, signal);
      entries.push(...shaped(shapes.conversationsAnswer, json, NAME));
      if (nextPage(headers) === null) break;
    }
    return entries;
  }

  async function solved(ticketId: string, signal: AbortSignal): Promise<SolvedTicket | null> {
    const path = `/tickets/${ticketId}?include=conversations`;
    const { json } = await read({ path, route: 'view', cost: VIEW_CREDITS, aboutTicket: true }, signal);
    const ticket = shaped(shapes.ticketAnswer, json, NAME);
    if (ticket.deleted === true || ticket.spam === true || !RESOLVED.includes(ticket.status ?? 0)) return null;
    const short = ticket.conversations.length < INCLUDED;
    const entries = short ? ticket.conversations : await entriesOf(ticketId, signal);
    return solvedTicket(NAME, { ...ticket, id: ticketId }, shapes.readThread(ticket, entries).messages);
  }

  /** Deleted tickets and spam are in lists of their own. */
  async function listedAs(filter: 'deleted' | 'spam', since: number, signal: AbortSignal): Promise<string[]> {
    const ids: string[] = [];
    for (let page = 1; page <= MAX_PAGES; page++) {
      const query = { filter, updated_since: isoSeconds(since), per_page: String(PAGE_SIZE), page: String(page) };
      const path = `/tickets?${new URLSearchParams(query).toString()}`;
      const { json, headers } = await read({ path, route: 'list' }, signal);
      ids.push(...shaped(shapes.ticketsAnswer, json, NAME).map(({ id }) => id));
      if (nextPage(headers) === null) break;
    }
    return ids;
  }

  return createSolvedSource({
    name: NAME,
    clock,
    listTickets,
    settled: ['resolved', 'closed'],
    readTickets: () => Promise.resolve(solved),
    removed: async (since, signal) => {
      try {
        return [...(await listedAs('deleted', since, signal)), ...(await listedAs('spam', since, signal))];
      } catch (error) {
        // not every key may see the bin
        if (error instanceof UpstreamError && error.errorClass === 'forbidden') return [];
        throw error;
      }
    },
  });
}
