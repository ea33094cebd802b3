import * as z from 'zod';
import { RequestError } from '../../core/errors.ts';
import type { Helpdesk } from '../../core/helpdesk.ts';
import type { Outbox, TicketActionResult } from '../../core/outbox.ts';
import { TICKET_STATUSES } from '../../core/ticket.ts';
import type { TicketReader } from '../../core/ticket-reader.ts';
import { type AdminContext, pathParameter } from '../admin-auth.ts';
import { once, openCursor, pageQuery, readQuery, sealCursor, search } from '../input.ts';
import type { Done, Pages, View, Visit } from './page.tsx';
import { TicketList } from './ticket-list.tsx';
import { ticketPath, TicketView } from './ticket-view.tsx';

interface TicketPagesDeps {
  readonly helpdesks: ReadonlyMap<string, Helpdesk>;
  readonly outbox: Outbox;
  readonly reader: TicketReader;
  /** An address with `{traceId}` in it (NOTE_TRACE_LINK). */
  readonly noteTraceLink?: string | null;
}

/** What a form leaves empty it does not ask for. */
const optional = <T extends z.ZodType>(schema: T) =>
  z.preprocess((value) => (value === '' ? undefined : value), schema.optional()).optional();

const listSchema = z.strictObject({
  cursor: pageQuery.cursor,
  q: optional(search),
  status: optional(z.enum(TICKET_STATUSES, `must be one of ${TICKET_STATUSES.join(', ')}`)),
  helpdesk: optional(once()),
  batch: optional(once()),
});

const PAGE = 50;
/** Batches to choose from. */
const BATCHES = 50;

/** Tickets: found, listed, looked at one by one, and put back to work. */
export function addTicketPages(pages: Pages, deps: TicketPagesDeps): void {
  pages.page('/tickets', (c, visit) => listView(deps, c, visit));
  pages.page('/tickets/:helpdesk/:ticketId', (c, visit) => ticketView(deps, refOf(c), visit));
  pages.action('/tickets/:helpdesk/:ticketId/retry', async (c, visit) => {
    const ref = refOf(c);
    const rule = 'Only a dead, cancelled or skipped ticket can be retried';
    return answer(deps, ref, visit, {
      result: await deps.outbox.retryTicket(ref.helpdesk, ref.ticketId),
      rule,
      say: 'It is back in the queue.',
    });
  });
  pages.action('/tickets/:helpdesk/:ticketId/post', async (c, visit) => {
    const ref = refOf(c);
    const rule = 'Only a drafted ticket can be posted';
    return answer(deps, ref, visit, {
      result: await deps.outbox.releaseTicket(ref.helpdesk, ref.ticketId),
      rule,
      say: 'The draft goes to the helpdesk as a private note.',
    });
  });
}

interface Ref {
  readonly helpdesk: string;
  readonly ticketId: string;
}

function refOf(c: AdminContext): Ref {
  return { helpdesk: pathParameter(c, 'helpdesk'), ticketId: pathParameter(c, 'ticketId') };
}

function listView({ helpdesks, reader }: TicketPagesDeps, c: AdminContext, visit: Visit): View {
  const { cursor, q: asked, status, helpdesk, batch } = readQuery(c.req, listSchema);
  const q = asked === '' ? undefined : asked;
  const filter = {
    ...(status === undefined ? {} : { status }),
    ...(helpdesk === undefined ? {} : { helpdesk }),
    ...(batch === undefined ? {} : { batchId: batch }),
    ...(q === undefined ? {} : { search: q }),
  };
  const scope = { list: 'console tickets', ...filter };
  const opened = openCursor(cursor, scope);
  const page = reader.tickets({ ...filter, limit: PAGE, ...(opened === undefined ? {} : { cursor: opened }) });
  const list = {
    tickets: page.items,
    query: { q, status, helpdesk, batch },
    cursor,
    next: sealCursor(page.nextCursor, scope),
    helpdesks: [...helpdesks.keys()],
    batches: reader.batches(BATCHES).items,
    visit,
  };
  return { title: 'Tickets', section: 'Tickets', body: <TicketList {...list} /> };
}

function ticketView(
  { helpdesks, noteTraceLink = null, reader }: TicketPagesDeps,
  ref: Ref,
  visit: Visit,
  problem: string | null = null,
): View {
  const ticket = reader.ticket(ref.helpdesk, ref.ticketId);
  const story = reader.story(ref.helpdesk, ref.ticketId);
  if (ticket === null || story === null) throw new RequestError('not_found', 'No such ticket is known here.');
  const parts = {
    ticket,
    story,
    visit,
    problem,
    url: helpdesks.get(ref.helpdesk)?.ticketUrl?.(ref.ticketId) ?? null,
    traceUrl: (traceId: string) => noteTraceLink?.replaceAll('{traceId}', traceId) ?? null,
  };
  return {
    title: `Ticket ${ticket.ticketId}`,
    section: 'Tickets',
    body: <TicketView {...parts} />,
    status: problem === null ? 200 : 409,
  };
}

/** Done, or the ticket once more with the sentence that says why not. */
function answer(
  deps: TicketPagesDeps,
  ref: Ref,
  visit: Visit,
  { result, rule, say }: { readonly result: TicketActionResult; readonly rule: string; readonly say: string },
): Done | View {
  if (result.kind === 'conflict') return ticketView(deps, ref, visit, `${rule}; this one is ${result.status}.`);
  if (result.kind === 'unknown') throw new RequestError('not_found', 'No such ticket is known here.');
  return { to: ticketPath(ref), say };
}
