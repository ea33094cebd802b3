import { and, desc, eq, lt, type SQL, sql } from 'drizzle-orm';
import type { BetterSQLite3Database } from 'drizzle-orm/better-sqlite3';
import type { ErrorClass } from '../core/errors.ts';
import type { TicketStatus, TicketSummary } from '../core/ticket.ts';
import type { Page, TicketQuery } from '../core/ticket-reader.ts';
import { page, readCursor } from './pages.ts';
import { job, ticket } from './schema.ts';
import { summarize, summaryColumns } from './ticket-summary.ts';

/** In the words of the partial index `job_failing`: SQLite uses it only where it finds them again. */
function failsWith(errorClass: ErrorClass): SQL | undefined {
  return and(sql`${job.status} IN ('dead', 'retrying')`, eq(job.errorClass, errorClass));
}

/** Of few tickets at a time, whatever batch they are of. */
const PASSING = new Set<TicketStatus | undefined>(['drafting', 'posting', 'retrying']);

/**
 * Through the index that has the fewest rows: a batch may have 100,000 tickets, and hardly one in this status. In the
 * words and the order that SQLite recognises its partial indexes by.
 */
function inBatch(batchId: string, status: TicketStatus | undefined): SQL | undefined {
  const batch = sql`${sql.raw(PASSING.has(status) ? '+' : '')}${job.batchId} = ${batchId}`;
  if (status === undefined) return batch;
  const ended = status === 'dead' || status === 'cancelled' ? sql`${job.status} IN ('dead', 'cancelled')` : undefined;
  return and(batch, sql`${job.status} = ${sql.raw(`'${status}'`)}`, ended);
}

/** Newest first. */
export function listTickets(db: BetterSQLite3Database, query: TicketQuery): Page<TicketSummary> {
  // `+`: not by the index of helpdesks, one of which may have nearly all tickets, where there is a better one
  const plus = sql.raw(query.batchId === undefined && query.status === undefined ? '' : '+');
  const helpdesk = query.helpdesk === undefined ? undefined : sql`${plus}${job.helpdesk} = ${query.helpdesk}`;
  const conditions: (SQL | undefined)[] = [
    ...(query.batchId === undefined
      ? [sql`${job.current} = 1`, query.status === undefined ? undefined : eq(job.status, query.status)]
      : [inBatch(query.batchId, query.status)]),
    query.errorClass === undefined ? undefined : failsWith(query.errorClass),
    helpdesk,
    query.cursor === undefined ? undefined : lt(job.id, readCursor(query.cursor)),
  ];
  const rows = db
    .select(summaryColumns)
    .from(job)
    .innerJoin(ticket, eq(ticket.id, job.ticket))
    .where(and(...conditions))
    .orderBy(desc(job.id))
    .limit(query.limit + 1)
    .all();
  return page(rows, query.limit, (row) => row.jobId, summarize);
}
