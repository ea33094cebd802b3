import { and, asc, desc, eq, gt, gte, lt, or, type SQL, sql } from 'drizzle-orm';
import type { BetterSQLite3Database } from 'drizzle-orm/better-sqlite3';
import type { TicketStatus, TicketSummary } from '../core/ticket.ts';
import type { Page, StatusCounts, TicketQuery } from '../core/ticket-reader.ts';
import { malformedCursor, page } from './pages.ts';
import { job, ticket } from './schema.ts';
import { type SummaryRow, summarize, summaryColumns } from './ticket-summary.ts';

/** More words than this tell nothing more. */
const WORDS_MAX = 10;
/** Tickets of a status or batch that are looked at one by one, rather than the subjects of all: about as slow. */
const FEW = 2_000;

export type SearchQuery = TicketQuery & { readonly search: string };

interface FoundRow extends SummaryRow {
  readonly ticket: number;
  /** True: found by its id. */
  readonly byId: boolean;
}

/** Where a page ended: at an id, in the order of helpdesks and ids, or at a subject, by the ticket's row. */
type Place = { readonly helpdesk: string; readonly ticketId: string } | { readonly ticket: number };

/**
 * Tickets whose id starts with what is searched for, in the order of helpdesks and ids; then those that have all its
 * words in their subject, newest first. `counts` are those of a scope: '' or a batch id.
 */
export function searchTickets(
  db: BetterSQLite3Database,
  counts: (scope: string) => StatusCounts,
  query: SearchQuery,
): Page<TicketSummary> {
  const place = query.cursor === undefined ? null : readPlace(query.cursor);
  const idPrefix = /^#?(\d{1,20})$/.exec(query.search.trim())?.[1] ?? null;
  const rows: FoundRow[] = [];
  const isPastIds = place !== null && 'ticket' in place;
  if (idPrefix !== null && !isPastIds) rows.push(...findById(db, { ...query, idPrefix }, place));
  if (rows.length <= query.limit) {
    const limit = query.limit + 1 - rows.length;
    rows.push(...findBySubject(db, counts, { ...query, idPrefix, limit }, isPastIds ? place.ticket : null));
  }
  const placeOf = (row: FoundRow): string => (row.byId ? `${row.helpdesk} ${row.ticketId}` : String(row.ticket));
  return page(rows, query.limit, placeOf, summarize);
}

function readPlace(cursor: string): Place {
  const match = /^(?:([\w-]{1,60}) (\d{1,20})|(\d{1,15}))$/.exec(Buffer.from(cursor, 'base64url').toString());
  if (match === null) throw malformedCursor();
  const [, helpdesk, ticketId, row] = match;
  return row === undefined ? { helpdesk: helpdesk ?? '', ticketId: ticketId ?? '' } : { ticket: Number(row) };
}

type IdQuery = TicketQuery & { readonly idPrefix: string };

/** One helpdesk after the other: within one, the index of identities has the ids in order. Up to one more than asked. */
function findById(
  db: BetterSQLite3Database,
  query: IdQuery,
  from: { readonly helpdesk: string; readonly ticketId: string } | null,
): FoundRow[] {
  let at = from;
  let helpdesk = query.helpdesk ?? at?.helpdesk ?? nextHelpdesk(db, '');
  const rows: FoundRow[] = [];
  while (helpdesk !== null && rows.length <= query.limit) {
    const after = at?.helpdesk === helpdesk ? at.ticketId : null;
    rows.push(...idsOf(db, { ...query, helpdesk, limit: query.limit + 1 - rows.length }, after));
    at = null;
    helpdesk = query.helpdesk === undefined ? nextHelpdesk(db, helpdesk) : null;
  }
  return rows;
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
  query: IdQuery & { readonly helpdesk: string },
  after: string | null,
): FoundRow[] {
  const { helpdesk, idPrefix, limit } = query;
  const conditions: (SQL | undefined)[] = [
    eq(ticket.helpdesk, helpdesk),
    after === null ? gte(ticket.ticketId, idPrefix) : gt(ticket.ticketId, after),
    lt(ticket.ticketId, afterAll(idPrefix)),
    ...filtersOf(query),
  ];
  return db
    .select({ ...summaryColumns, ticket: ticket.id })
    .from(ticket)
    .innerJoin(job, eq(job.id, ticket.jobId))
    .where(and(...conditions))
    .orderBy(asc(ticket.ticketId))
    .limit(limit)
    .all()
    .map((row) => ({ ...row, byId: true }));
}

/** Not by an index on any of it (`+`): what is searched for tells more. `by`: the one that does. */
function filtersOf(
  { status, batchId, errorClass }: TicketQuery,
  by: 'status' | 'batch' | null = null,
): readonly (SQL | undefined)[] {
  const plus = (name: 'status' | 'batch'): SQL => sql.raw(by === name ? '' : '+');
  return [
    status === undefined ? undefined : sql`${plus('status')}${job.status} = ${status}`,
    batchId === undefined ? undefined : sql`${plus('batch')}${job.batchId} = ${batchId}`,
    errorClass === undefined ? undefined : sql`+${job.errorClass} = ${errorClass}`,
  ];
}

/** Ids are digits, and what follows `9` is after all that start so. */
function afterAll(idPrefix: string): string {
  return `${idPrefix}:`;
}

type SubjectQuery = SearchQuery & { readonly idPrefix: string | null };

/**
 * Through the subjects, newest ticket first: the index has nothing but them, so that no ticket is read in vain. Where
 * the status or the batch has few tickets, through those.
 */
function findBySubject(
  db: BetterSQLite3Database,
  counts: (scope: string) => StatusCounts,
  query: SubjectQuery,
  before: number | null,
): FoundRow[] {
  const { search, idPrefix, helpdesk, limit } = query;
  const words = search.split(/\s+/u).filter((word) => word !== '');
  if (words.length === 0) return [];
  const by = narrowest(query, counts);
  const conditions: (SQL | undefined)[] = [
    sql`${ticket.subject} IS NOT NULL`,
    ...words.slice(0, WORDS_MAX).map(inSubject),
    before === null ? undefined : lt(ticket.id, before),
    // these came before
    idPrefix === null
      ? undefined
      : sql`NOT (+${ticket.ticketId} >= ${idPrefix} AND +${ticket.ticketId} < ${afterAll(idPrefix)})`,
    helpdesk === undefined ? undefined : sql`+${job.helpdesk} = ${helpdesk}`,
    ...filtersOf(query, by),
  ];
  const select = db.select({ ...summaryColumns, ticket: ticket.id });
  // CROSS JOIN: SQLite keeps this order
  const joined =
    by !== null
      ? select
          .from(job)
          .crossJoin(ticket)
          .where(and(eq(ticket.id, job.ticket), eq(ticket.jobId, job.id), ...conditions))
      : select
          .from(ticket)
          .crossJoin(job)
          .where(and(eq(job.id, ticket.jobId), ...conditions));
  const rows = joined.orderBy(desc(ticket.id)).limit(limit).all();
  return rows.map((row) => ({ ...row, byId: false }));
}

/** What few tickets have of what is asked for; null: nothing. */
function narrowest(
  { status, batchId }: TicketQuery,
  counts: (scope: string) => StatusCounts,
): 'status' | 'batch' | null {
  const isFew = (of: StatusCounts, only?: TicketStatus): boolean =>
    (only === undefined ? Object.values(of).reduce((sum, n) => sum + n, 0) : of[only]) <= FEW;
  if (status !== undefined && isFew(counts(''), status)) return 'status';
  return batchId !== undefined && isFew(counts(batchId)) ? 'batch' : null;
}

/** SQLite takes only letters of ASCII for the same in both cases; of a word with others it is shown the usual spellings. */
function inSubject(word: string): SQL | undefined {
  const lower = word.toLowerCase();
  const capital = lower.replace(/^./u, (first) => first.toUpperCase());
  // oxlint-disable-next-line no-control-regex -- ASCII is what it looks for
  const spellings = /^[\x00-\x7F]*$/.test(word) ? [word] : [...new Set([word, lower, capital, word.toUpperCase()])];
  return or(...spellings.map((spelling) => sql`${ticket.subject} LIKE ${`%${escapeLike(spelling)}%`} ESCAPE '\\'`));
}

function escapeLike(text: string): string {
  return text.replaceAll(/[\\%_]/g, String.raw`\$&`);
}
