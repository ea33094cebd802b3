import { and, asc, desc, eq, gt, gte, lt, type SQL, sql } from 'drizzle-orm';
import type { BetterSQLite3Database } from 'drizzle-orm/better-sqlite3';
import { traceIdOf } from '../core/clock.ts';
import type { ErrorClass } from '../core/errors.ts';
import type { TicketStatus, TicketSummary } from '../core/ticket.ts';
import type { Page, TicketQuery } from '../core/ticket-reader.ts';
import { malformedCursor, page, readCursor } from './pages.ts';
import { job, ticket } from './schema.ts';

export const summaryColumns = {
  jobId: job.id,
  helpdesk: job.helpdesk,
  ticketId: ticket.ticketId,
  status: job.status,
  reason: job.reason,
  batchId: job.batchId,
  subject: ticket.subject,
  createdAt: job.createdAt,
  updatedAt: job.updatedAt,
  errorClass: job.errorClass,
  error: job.error,
  noteId: job.noteId,
  textRemovedAt: job.textRemovedAt,
  traceparent: job.traceparent,
};

interface SummaryRow extends Omit<TicketSummary, 'traceId'> {
  readonly jobId: string;
  readonly traceparent: string;
}

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

/** Newest first; with `idPrefix` in the order of helpdesks and ids. */
export function listTickets(db: BetterSQLite3Database, query: TicketQuery): Page<TicketSummary> {
  if (query.idPrefix !== undefined) return findById(db, { ...query, idPrefix: query.idPrefix });
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

type IdQuery = TicketQuery & { readonly idPrefix: string };

/** One helpdesk after the other: within one, the index of identities has the ids in order. */
function findById(db: BetterSQLite3Database, query: IdQuery): Page<TicketSummary> {
  let at = query.cursor === undefined ? null : readIdCursor(query.cursor);
  let helpdesk = query.helpdesk ?? at?.helpdesk ?? nextHelpdesk(db, '');
  const rows: SummaryRow[] = [];
  while (helpdesk !== null && rows.length <= query.limit) {
    const after = at?.helpdesk === helpdesk ? at.ticketId : null;
    rows.push(...idsOf(db, { ...query, helpdesk, limit: query.limit + 1 - rows.length }, after));
    at = null;
    helpdesk = query.helpdesk === undefined ? nextHelpdesk(db, helpdesk) : null;
  }
  return page(rows, query.limit, (row) => `${row.helpdesk} ${row.ticketId}`, summarize);
}

function nextHelpdesk(db: BetterSQLite3Database, after: string): string | null {
  const row = db
    .select({ helpdesk: ticket.helpdesk })
    .from(ticket)
    .where(gt(ticket.helpdesk, after))
    .orderBy(asc(ticket.helpdesk))
    .limit(1)
    .get();
  return row?.helpdesk ?? null;
}

function idsOf(
  db: BetterSQLite3Database,
  { helpdesk, idPrefix, status, batchId, limit }: IdQuery & { readonly helpdesk: string },
  after: string | null,
): SummaryRow[] {
  const conditions: (SQL | undefined)[] = [
    eq(ticket.helpdesk, helpdesk),
    after === null ? gte(ticket.ticketId, idPrefix) : gt(ticket.ticketId, after),
    // ids are digits, and what follows `9` is after all that start so
    lt(ticket.ticketId, `${idPrefix}:`),
    status === undefined ? undefined : sql`+${job.status} = ${status}`,
    batchId === undefined ? undefined : sql`+${job.batchId} = ${batchId}`,
  ];
  return db
    .select(summaryColumns)
    .from(ticket)
    .innerJoin(job, eq(job.id, ticket.jobId))
    .where(and(...conditions))
    .orderBy(asc(ticket.ticketId))
    .limit(limit)
    .all();
}

function readIdCursor(cursor: string): { readonly helpdesk: string; readonly ticketId: string } {
  const match = /^([\w-]{1,60}) (\d{1,20})$/.exec(Buffer.from(cursor, 'base64url').toString());
  if (match === null) throw malformedCursor();
  return { helpdesk: match[1] ?? '', ticketId: match[2] ?? '' };
}

export function summarize(row: SummaryRow): TicketSummary {
  return {
    helpdesk: row.helpdesk,
    ticketId: row.ticketId,
    status: row.status,
    reason: row.reason,
    batchId: row.batchId,
    subject: row.subject,
    createdAt: row.createdAt,
    updatedAt: row.updatedAt,
    errorClass: row.errorClass,
    error: row.error,
    noteId: row.noteId,
    textRemovedAt: row.textRemovedAt,
    traceId: traceIdOf(row.traceparent),
  };
}
