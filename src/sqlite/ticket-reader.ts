import { and, desc, eq, gt, inArray, lt, type SQL, sql } from 'drizzle-orm';
import { type BetterSQLite3Database, drizzle } from 'drizzle-orm/better-sqlite3';
import { type Clock, traceIdOf } from '../core/clock.ts';
import { type ErrorClass, RequestError } from '../core/errors.ts';
import type { TicketFilter } from '../core/helpdesk.ts';
import type { Accounts, BatchAccount } from '../core/spend-guard.ts';
import { TICKET_STATUSES, type TicketStatus, type TicketSummary } from '../core/ticket.ts';
import type {
  BatchResult,
  BatchSummary,
  EconomyState,
  Failing,
  Page,
  StatusCounts,
  TicketQuery,
  TicketReader,
} from '../core/ticket-reader.ts';
import type { BatchRow } from './batches.ts';
import { toStoredDraft } from './claimed-job.ts';
import type { Connection } from './database.ts';
import { type DraftRow, hasCurrentDraft, isBlank, isLive, prepareJobs } from './jobs.ts';
import { columnsOf, prepare } from './rows.ts';
import { attempt, batch, job, statusCount, ticket } from './schema.ts';
import { prepareUpcoming } from './upcoming.ts';

const summaryColumns = {
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

/** Reads for everybody, on the outbox's connection: short, synchronous, nothing held across an await. */
export function openTicketReader(connection: Connection, clock: Clock): TicketReader {
  const db = drizzle({ client: connection });
  const jobs = prepareJobs(connection);
  const oldest = connection
    .prepare<[], number>(`SELECT min(queued_at) FROM (
      SELECT * FROM (SELECT queued_at FROM job WHERE status = 'queued' ORDER BY id LIMIT 1)
      UNION ALL SELECT * FROM (SELECT queued_at FROM job WHERE status = 'retrying' ORDER BY id LIMIT 1))`)
    .pluck();
  const countsOf = db
    .select({ status: statusCount.status, n: statusCount.n })
    .from(statusCount)
    .where(eq(statusCount.scope, sql.placeholder('scope')))
    .prepare();
  const summaryOf = db
    .select({ ...summaryColumns, draftId: job.draftId })
    .from(job)
    .innerJoin(ticket, eq(ticket.id, job.ticket))
    .where(eq(job.id, sql.placeholder('jobId')))
    .prepare();
  const attemptsOf = db
    .select({
      stage: attempt.stage,
      number: attempt.number,
      startedAt: attempt.startedAt,
      durationMs: attempt.durationMs,
      outcome: attempt.outcome,
      errorClass: attempt.errorClass,
      error: attempt.error,
    })
    .from(attempt)
    .where(eq(attempt.ticket, sql.placeholder('ticket')))
    .orderBy(attempt.id)
    .prepare();
  const counts = (scope: string): StatusCounts => {
    const result = Object.fromEntries(TICKET_STATUSES.map((status) => [status, 0])) as Record<TicketStatus, number>;
    for (const row of countsOf.all({ scope })) result[row.status] = row.n;
    return result;
  };
  const summarizeBatch = (row: BatchRow): BatchSummary => toSummary(row, counts(row.id), economyOf(row.id));
  const sentOf = prepare<EconomyState>(
    connection,
    `SELECT count(*) AS sent, count(done_at) AS done, coalesce(sum(lines), 0) AS lines
     FROM consignment WHERE batch_id = ? AND provider_id IS NOT NULL`,
  );
  const economyOf = (id: string): EconomyState | null => {
    const state = sentOf.get(id);
    return state === undefined || state.sent === 0 ? null : state;
  };
  const accounts = prepareAccounts(connection);
  const upcoming = prepareUpcoming(connection);
  const batchErrors = prepare<{ errorClass: ErrorClass; count: number; ticketId: string; error: string | null }>(
    connection,
    `SELECT error_class AS errorClass, count(*) AS count, error,
       (SELECT ticket_id FROM ticket WHERE ticket.id = job.ticket) AS ticketId, max(id)
     FROM job WHERE batch_id = ? AND status IN ('dead', 'retrying') AND error_class IS NOT NULL GROUP BY error_class ORDER BY count DESC`,
  );
  const failing = prepare<Failing>(
    connection,
    `SELECT error_class AS errorClass, sum(status = 'dead') AS dead, sum(status = 'retrying') AS retrying
     FROM job WHERE current = 1 AND status IN ('dead', 'retrying') AND error_class IS NOT NULL
     GROUP BY error_class ORDER BY dead DESC, retrying DESC, error_class`,
  );
  const averageMs = prepare<{ ms: number }>(
    connection,
    `SELECT avg(duration_ms) AS ms FROM (SELECT stage, duration_ms FROM attempt ORDER BY id DESC LIMIT 400) GROUP BY stage`,
  );
  // backwards through the table to the first that fits: the key's index would have all of a helpdesk sorted
  const lastEvent = connection
    .prepare<[string], number>(
      'SELECT received_at FROM event NOT INDEXED WHERE helpdesk = ? ORDER BY rowid DESC LIMIT 1',
    )
    .pluck();
  const walking = prepare<BatchRow>(
    connection,
    `SELECT ${columnsOf(batch)} FROM batch WHERE state IN ('canary', 'running') AND listing = 1 ORDER BY id`,
  );
  const average = prepare<{ promptTokens: number | null; completionTokens: number | null }>(
    connection,
    `SELECT avg(prompt_tokens) AS promptTokens, avg(completion_tokens) AS completionTokens FROM (
       SELECT prompt_tokens, completion_tokens FROM draft WHERE prompt_tokens > 0 ORDER BY rowid DESC LIMIT 200)`,
  );

  return {
    counts: () => counts(''),
    oldestQueuedSeconds: () => {
      const queuedAt = oldest.get() ?? null;
      return queuedAt === null ? 0 : Math.max(0, Math.round((clock.steady() - queuedAt) / 1000));
    },
    tickets: (query) => listTickets(db, query),
    ticket: (helpdesk, ticketId) => {
      const known = jobs.ticketOf(helpdesk, ticketId);
      if (known === undefined) return null;
      const row = summaryOf.get({ jobId: known.jobId });
      if (row === undefined) return null;
      const attempts = attemptsOf.all({ ticket: known.id });
      const stored: DraftRow | undefined = row.draftId === null ? undefined : jobs.draftById(row.draftId);
      return {
        ...summarize(row),
        attempts,
        draft: stored === undefined || isBlank(stored) ? null : toStoredDraft(stored),
      };
    },
    batches: (limit, cursor) => {
      const after = cursor === undefined ? undefined : lt(batch.id, readCursor(cursor));
      const rows = db
        .select()
        .from(batch)
        .where(after)
        .orderBy(desc(batch.id))
        .limit(limit + 1)
        .all();
      return page(rows, limit, (row) => row.id, summarizeBatch);
    },
    batch: (id) => {
      const row = db.select().from(batch).where(eq(batch.id, id)).get();
      return row === undefined ? null : summarizeBatch(row);
    },
    lastEventAt: (helpdesk) => lastEvent.get(helpdesk) ?? null,
    batchErrors: (id) =>
      batchErrors.all(id).map(({ errorClass, count, ticketId, error }) => ({
        errorClass,
        count,
        example: { ticketId, error },
      })),
    failing: () => failing.all(),
    walks: () =>
      walking.all().map((row) => ({
        batchId: row.id,
        helpdesk: row.helpdesk,
        filter: readFilter(row),
        cursor: row.cursor,
        waiting: counts(row.id).queued,
      })),
    upcoming: (helpdesk, stage, limit) => upcoming(helpdesk, stage, { limit, now: Math.floor(clock.steady()) }),
    takeable: (helpdesk, ticketIds, skipDrafted) =>
      ticketIds.filter((ticketId) => {
        const known = jobs.ticketOf(helpdesk, ticketId);
        const current = known === undefined ? undefined : jobs.currentOf(known);
        return current === undefined || !(isLive(current) || (skipDrafted && hasCurrentDraft(current)));
      }),
    averageDraft: () => {
      const { promptTokens = null, completionTokens = null } = average.get() ?? {};
      if (promptTokens === null || completionTokens === null) return null;
      const workerMs = averageMs.all().reduce((sum, { ms }) => sum + ms, 0);
      return { promptTokens, completionTokens, workerMs };
    },
    ...accounts,
    batchResults: (id, afterTicket, limit) =>
      listResults(db, (draftId) => jobs.draftById(draftId), { id, afterTicket, limit }),
    assertWritable: () => {
      connection.prepare(`UPDATE meta SET value = value WHERE key = 'opened'`).run();
    },
  };
}

function prepareAccounts(connection: Connection): Accounts {
  const spent = connection
    .prepare<[string, string], number>('SELECT cost_usd FROM spending WHERE day = ? AND scope = ?')
    .pluck();
  const account = prepare<BatchAccount>(
    connection,
    `SELECT budget_usd AS budgetUsd, cost_usd AS costUsd, (SELECT coalesce(sum(reserved_usd), 0)
       FROM consignment WHERE batch_id = batch.id AND done_at IS NULL) AS consignedUsd FROM batch WHERE id = ?`,
  );
  const consigned = connection
    .prepare<[], number>('SELECT coalesce(sum(reserved_usd), 0) FROM consignment WHERE done_at IS NULL')
    .pluck();
  return {
    spentOn: (day, scope) => spent.get(day, scope) ?? 0,
    batchAccount: (batchId) => account.get(batchId) ?? null,
    consignedUsd: () => consigned.get() ?? 0,
  };
}

function readFilter({ filter }: BatchRow): TicketFilter {
  return filter === null ? {} : (JSON.parse(filter) as TicketFilter);
}

function toSummary(row: BatchRow, counts: StatusCounts, economy: EconomyState | null): BatchSummary {
  const { id, name, helpdesk, state, reason, errorClass, total, post, lane, budgetUsd, skippedDrafted } = row;
  const { promptTokens, completionTokens, costUsd, createdAt, finishedAt } = row;
  const hasCanary = row.canarySize !== null && row.canaryMaxErrorRate !== null;
  return {
    id,
    name,
    helpdesk,
    state,
    reason,
    errorClass,
    total,
    counts,
    post,
    lane,
    budgetUsd,
    skippedDrafted,
    filter: row.filter === null ? null : readFilter(row),
    listing: row.listing === 1,
    canary: hasCanary
      ? { size: row.canarySize ?? 0, maxErrorRate: row.canaryMaxErrorRate ?? 0, target: row.target }
      : null,
    spent: { promptTokens, completionTokens, costUsd },
    economy,
    createdAt,
    finishedAt,
  };
}

/** In the words of the partial index `job_failing`: SQLite uses it only where it finds them again. */
function failsWith(errorClass: ErrorClass): SQL | undefined {
  return and(sql`${job.status} IN ('dead', 'retrying')`, eq(job.errorClass, errorClass));
}

function listTickets(db: BetterSQLite3Database, query: TicketQuery): Page<TicketSummary> {
  // `+`: not by the index of helpdesks, one of which may have nearly all tickets, where there is a better one
  const plus = sql.raw(query.batchId === undefined && query.status === undefined ? '' : '+');
  const helpdesk = query.helpdesk === undefined ? undefined : sql`${plus}${job.helpdesk} = ${query.helpdesk}`;
  const conditions: (SQL | undefined)[] = [
    query.batchId === undefined ? sql`${job.current} = 1` : eq(job.batchId, query.batchId),
    query.status === undefined ? undefined : eq(job.status, query.status),
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

function listResults(
  db: BetterSQLite3Database,
  draftById: (id: string) => DraftRow | undefined,
  { id, afterTicket, limit }: { id: string; afterTicket: string | null; limit: number },
): BatchResult[] {
  // The cursor is a ticket id of the batch; results come in the order the batch was written.
  const after = db
    .select({ id: job.id })
    .from(job)
    .innerJoin(ticket, eq(ticket.id, job.ticket))
    .where(and(eq(job.batchId, id), eq(ticket.ticketId, afterTicket ?? '')));
  const rows = db
    .select({ ...summaryColumns, draftId: job.draftId })
    .from(job)
    .innerJoin(ticket, eq(ticket.id, job.ticket))
    .where(and(eq(job.batchId, id), afterTicket === null ? undefined : gt(job.id, sql`(${after})`)))
    .orderBy(job.id)
    .limit(limit)
    .all();
  const spans = db
    .select({
      jobId: attempt.jobId,
      attempts: sql<number>`count(*)`,
      durationMs: sql<number>`max(${attempt.startedAt} + ${attempt.durationMs}) - min(${attempt.startedAt})`,
    })
    .from(attempt)
    .where(
      inArray(
        attempt.jobId,
        rows.map((row) => row.jobId),
      ),
    )
    .groupBy(attempt.jobId)
    .all();
  const spanOf = new Map(spans.map((span) => [span.jobId, span]));
  return rows.map((row) => ({
    id: row.ticketId,
    status: row.status,
    draft: row.draftId === null ? null : (draftById(row.draftId)?.body ?? null),
    error: row.error,
    attempts: spanOf.get(row.jobId)?.attempts ?? 0,
    durationMs: spanOf.get(row.jobId)?.durationMs ?? 0,
    textRemovedAt: row.textRemovedAt,
  }));
}

function summarize(row: SummaryRow): TicketSummary {
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

function page<Row, Item>(
  rows: readonly Row[],
  limit: number,
  idOf: (row: Row) => string,
  toItem: (row: Row) => Item,
): Page<Item> {
  const items = rows.slice(0, limit);
  const last = items.at(-1);
  const nextCursor = rows.length > limit && last !== undefined ? Buffer.from(idOf(last)).toString('base64url') : null;
  return { items: items.map(toItem), nextCursor };
}

function readCursor(cursor: string): string {
  const id = Buffer.from(cursor, 'base64url').toString();
  if (!/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(id)) {
    throw new RequestError('malformed', 'cursor is not one of ours', {
      fields: [{ path: 'cursor', message: 'take it from nextCursor of an earlier answer' }],
    });
  }
  return id;
}
