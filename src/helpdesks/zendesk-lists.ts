import * as z from 'zod';
import type { Clock } from '../core/clock.ts';
import { UpstreamError } from '../core/errors.ts';
import type { Helpdesk, ListedTicket, TicketFilter, TicketPage } from '../core/helpdesk.ts';
import { shaped } from './answer.ts';
import { matches, readCursor, refusedFilter } from './ticket-filter.ts';
import type { ZendeskBudget } from './zendesk-errors.ts';
import { assertZendeskFilter, isSweep, searchQuery } from './zendesk-query.ts';
import * as shapes from './zendesk-shapes.ts';
import type { ZendeskReader } from './zendesk-tickets.ts';

const NAME = 'zendesk';

/** Tickets a page: only ids are kept, but the whole answer is in memory for a moment. Halved when one is too large. */
const PAGE_SIZES = { export: 500, list: 100, search: 200 };
const SMALLEST_PAGE = 10;

/** The incremental export never tells the last minute, and refuses a start within it, ms. */
const EXPORT_LAG_MS = 120_000;
/** The search export's cursor dies after an hour (helpdesks.md 2.6), ms. */
const SEARCH_CURSOR_MS = 50 * 60_000;

type Way = keyof typeof PAGE_SIZES;

/** Where a walk stands. The vendor's cursor may have died meanwhile: the mark tells where to go on. */
const walk = z.object({
  way: z.enum(['export', 'list', 'search']),
  /** The vendor's own cursor. */
  after: z.string().nullable(),
  /** When the vendor gave it, epoch ms. */
  at: z.number(),
  /** Time by which the list is sorted, of the last ticket that was handed on, epoch ms. */
  mark: z.number().nullable(),
  /** Which way the search export goes by `created_at` is not documented: it is seen. */
  descending: z.boolean().nullable(),
});

type Walk = z.output<typeof walk>;

interface Found {
  readonly rows: readonly shapes.ListedZendeskTicket[];
  readonly after: string | null;
}

/**
 * Lists tickets. What only asks for changes goes over primary data: the incremental export with an admin's credentials
 * (ten calls a minute, 500 tickets each), else the list of tickets by update. Any other filter is searched for: walking
 * the export from the beginning would take an account of a million tickets hours, and what the index lags behind by
 * comes in as webhooks.
 */
export function createZendeskLists(read: ZendeskReader, clock: Clock): Helpdesk['listTickets'] {
  const sizes = { ...PAGE_SIZES };
  let exportRefused = false;

  const begin = (way: Way): Walk => ({ way, after: null, at: clock.now(), mark: null, descending: null });

  async function get(way: Way, query: Record<string, string>, signal: AbortSignal): Promise<unknown> {
    const paths = { export: '/incremental/tickets/cursor.json', list: '/tickets.json', search: '/search/export.json' };
    for (;;) {
      const sized = { ...query, [way === 'export' ? 'per_page' : 'page[size]']: String(sizes[way]) };
      const path = `${paths[way]}?${new URLSearchParams(sized).toString()}`;
      const budgets: readonly [ZendeskBudget, ...ZendeskBudget[]] = [way, 'requests'];
      try {
        return (await read({ path, step: 'list', lane: undefined, budgets }, signal)).json;
      } catch (error) {
        const tooLarge = error instanceof UpstreamError && error.errorClass === 'response_too_large';
        if (!tooLarge || sizes[way] <= SMALLEST_PAGE) throw error;
        sizes[way] = Math.ceil(sizes[way] / 2);
      }
    }
  }

  async function exported({ updatedSince = 0 }: TicketFilter, at: Walk, signal: AbortSignal): Promise<Found> {
    const since = Math.min(Math.max(at.mark ?? updatedSince, 1000), clock.now() - EXPORT_LAG_MS);
    const from = at.after === null ? { start_time: String(Math.floor(since / 1000)) } : { cursor: at.after };
    const found = shaped(shapes.exportAnswer, await get('export', from, signal), NAME);
    const after = found.end_of_stream === true ? null : (found.after_cursor ?? null);
    return { rows: found.tickets, after };
  }

  async function listed({ updatedSince = 0 }: TicketFilter, at: Walk, signal: AbortSignal): Promise<Found> {
    const from = { sort: '-updated_at', ...(at.after === null ? {} : { 'page[after]': at.after }) };
    const { tickets, meta } = shaped(shapes.ticketsAnswer, await get('list', from, signal), NAME);
    const over = tickets.some((ticket) => ticket.updated_at < updatedSince);
    const { mark } = at;
    // newer ones come again when a walk begins anew
    const rows = mark === null ? tickets : tickets.filter((ticket) => ticket.updated_at <= mark);
    return { rows, after: meta?.has_more === true && !over ? (meta.after_cursor ?? null) : null };
  }

  async function searched(filter: TicketFilter, at: Walk, signal: AbortSignal): Promise<Found> {
    const bounds =
      at.mark === null || at.descending === null ? {} : at.descending ? { to: at.mark } : { from: at.mark };
    const from = at.after === null ? {} : { 'page[after]': at.after };
    const query = { query: searchQuery(filter, at.after === null ? bounds : {}), 'filter[type]': 'ticket', ...from };
    const { results, meta } = shaped(shapes.searchAnswer, await get('search', query, signal), NAME);
    return { rows: results, after: meta?.has_more === true ? (meta.after_cursor ?? null) : null };
  }

  const ways = { export: exported, list: listed, search: searched };

  /** A cursor that the vendor no longer takes is replaced by the mark. */
  async function step(filter: TicketFilter, at: Walk, signal: AbortSignal): Promise<Found> {
    const stale = at.way === 'search' && clock.now() - at.at > SEARCH_CURSOR_MS;
    const anew = { ...at, after: null };
    try {
      return await ways[at.way](filter, stale ? anew : at, signal);
    } catch (error) {
      const refused = error instanceof UpstreamError && error.errorClass === 'invalid_request';
      if (refused && at.after !== null && !stale) return step(filter, anew, signal);
      throw refusedFilter(error, filter);
    }
  }

  return async (filter, cursor, signal): Promise<TicketPage> => {
    assertZendeskFilter(filter);
    const started = cursor === null ? begin(isSweep(filter) ? 'export' : 'search') : readCursor(walk, cursor, NAME);
    let at = started.way === 'export' && exportRefused ? begin('list') : started;
    let found: Found;
    try {
      found = await step(filter, at, signal);
    } catch (error) {
      if (at.way !== 'export' || !(error instanceof UpstreamError) || error.status !== 403) throw error;
      // only admins may export; the list by update is anybody's
      exportRefused = true;
      at = begin('list');
      found = await step(filter, at, signal);
    }
    return pageOf(filter, at, found);
  };

  function pageOf(filter: TicketFilter, at: Walk, { rows, after }: Found): TicketPage {
    const tickets = rows.filter((row) => matches(filter, filterable(row))).map(listedTicket);
    if (after === null) return { tickets, nextCursor: null };
    const timeOf = (row: shapes.ListedZendeskTicket): number => (at.way === 'search' ? row.created_at : row.updated_at);
    const [first, last] = [rows[0], rows.at(-1)];
    const moved = first === undefined || last === undefined ? 0 : Math.sign(timeOf(last) - timeOf(first));
    const next: Walk = {
      ...at,
      after,
      at: clock.now(),
      mark: last === undefined ? at.mark : timeOf(last),
      descending: moved === 0 ? at.descending : moved < 0,
    };
    return { tickets, nextCursor: JSON.stringify(next) };
  }
}

function filterable(row: shapes.ListedZendeskTicket): Parameters<typeof matches>[1] {
  return {
    status: statusOf(row),
    tags: row.tags,
    group: row.group_id ?? null,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}

function statusOf({ status }: shapes.ListedZendeskTicket): string {
  return status?.toLowerCase() ?? '';
}

function listedTicket(row: shapes.ListedZendeskTicket): ListedTicket {
  return {
    ticketId: row.id,
    updatedAt: row.updated_at,
    open: ['new', 'open', 'pending', 'hold'].includes(statusOf(row)),
  };
}
