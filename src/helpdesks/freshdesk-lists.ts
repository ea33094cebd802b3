import * as z from 'zod';
import { UpstreamError } from '../core/errors.ts';
import type { Helpdesk, ListedTicket, TicketFilter, TicketPage } from '../core/helpdesk.ts';
import { shaped } from './answer.ts';
import { nextPage } from './freshdesk-errors.ts';
import * as shapes from './freshdesk-shapes.ts';
import type { Answer } from './http-call.ts';
import { assertGroup, isoSeconds, matches, readCursor, wrongFilter } from './ticket-filter.ts';

const NAME = 'freshdesk';
const PAGE_SIZE = 100;
/** The list ends here, whatever it says (helpdesks.md F2). */
const MAX_PAGES = 300;

/** Statuses that every account has; others are numbers from 6 on, their names the account's own (helpdesks.md F2). */
const STATUSES: Readonly<Record<string, string>> = { open: '2', pending: '3', resolved: '4', closed: '5' };
const SETTLED = ['4', '5'];

/** Where a walk stands: the list by update from `since` on, and a page of it. */
const walk = z.object({
  /** Epoch ms, whole seconds. */
  since: z.number(),
  page: z.number().int().min(1),
  /** Set while pages of one second are read once more, backwards: where to go on after that, epoch ms. */
  resume: z.number().nullable(),
});

type Walk = z.output<typeof walk>;

/**
 * Lists tickets by their last update, oldest first, and goes on from the time of the last one instead of by page
 * numbers: a ticket that changes under the walk moves to its end and may come twice, and nobody is pushed over the edge
 * of a page unseen. Beyond `updated_since` the filter is applied to the rows: a page of a hundred costs one credit,
 * where the search gives thirty, 300 in all, from an index that lags.
 */
export function createFreshdeskLists(
  read: (path: string, signal: AbortSignal) => Promise<Answer>,
): Helpdesk['listTickets'] {
  return async (filter, cursor, signal): Promise<TicketPage> => {
    const wanted = numbered(filter);
    const at = cursor === null ? startOf(filter) : readCursor(walk, cursor, NAME);
    const query = new URLSearchParams({
      // without it only tickets created in the last 30 days are listed
      updated_since: isoSeconds(at.since),
      order_by: 'updated_at',
      order_type: 'asc',
      per_page: String(PAGE_SIZE),
      page: String(at.page),
    });
    const { json, headers } = await read(`/tickets?${query.toString()}`, signal);
    const rows = shaped(shapes.ticketsAnswer, json, NAME);
    const tickets = rows.filter((row) => matches(wanted, filterable(row))).map(listedTicket);
    const next = nextStep(at, rows.at(-1)?.updated_at ?? at.since, nextPage(headers) !== null);
    const over = next !== null && next.since >= (filter.updatedUntil ?? Infinity);
    return { tickets, nextCursor: next === null || over ? null : JSON.stringify(next) };
  };
}

/** No ticket changed before it was made. */
function startOf({ updatedSince = 0, createdSince = 0 }: TicketFilter): Walk {
  return { since: Math.floor(Math.max(updatedSince, createdSince, 0) / 1000) * 1000, page: 1, resume: null };
}

/**
 * More than a page of one second (an agent changed hundreds at once) has to be read by page number. Tickets that change
 * meanwhile pull the others forward, so that those pages are read once more from behind, where nothing can slip past.
 */
function nextStep(at: Walk, newest: number, more: boolean): Walk | null {
  if (at.resume !== null) {
    return at.page > 1 ? { ...at, page: at.page - 1 } : { since: at.resume, page: 1, resume: null };
  }
  if (more && newest === at.since) {
    if (at.page < MAX_PAGES) return { ...at, page: at.page + 1 };
    throw new UpstreamError(
      'invalid_request',
      `${NAME} has more than 30,000 tickets of one second; list fewer by filter.`,
      { upstream: NAME },
    );
  }
  if (at.page > 1) return { ...at, page: at.page - 1, resume: Math.max(newest, at.since + 1000) };
  return more ? { since: newest, page: 1, resume: null } : null;
}

/** The filter with statuses as numbers. Throws `invalid_request` for what Freshdesk cannot mean. */
function numbered(filter: TicketFilter): TicketFilter {
  assertGroup(filter, NAME);
  if (filter.tags?.includes('') === true) throw wrongFilter(NAME, 'tags', 'has an empty one');
  if (filter.status === undefined) return filter;
  const status = filter.status.map((word) => {
    const number = STATUSES[word] ?? (/^[1-9]\d{0,8}$/.test(word) ? word : undefined);
    if (number !== undefined) return number;
    const known = Object.keys(STATUSES).join(', ');
    throw wrongFilter(NAME, 'status', `has "${word.slice(0, 40)}", which is none of ${known} and no number`);
  });
  return { ...filter, status };
}

function filterable(row: shapes.ListedFreshdeskTicket): Parameters<typeof matches>[1] {
  return {
    status: String(row.status ?? ''),
    tags: row.tags,
    group: row.group_id ?? null,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}

function listedTicket(row: shapes.ListedFreshdeskTicket): ListedTicket {
  const gone = row.spam === true || row.deleted === true;
  return { ticketId: row.id, updatedAt: row.updated_at, open: !gone && !SETTLED.includes(String(row.status ?? '')) };
}
