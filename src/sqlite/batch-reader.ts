import { and, desc, eq, gt, inArray, lt, sql } from 'drizzle-orm';
import { type BetterSQLite3Database, drizzle } from 'drizzle-orm/better-sqlite3';
import type { ErrorClass } from '../core/errors.ts';
import type { TicketFilter } from '../core/helpdesk.ts';
import type { BatchResult, BatchSummary, EconomyState, StatusCounts, TicketReader } from '../core/ticket-reader.ts';
import type { BatchRow } from './batches.ts';
import { toStoredDraft } from './claimed-job.ts';
import type { Connection } from './database.ts';
import type { DraftRow, Jobs } from './jobs.ts';
import { page, readCursor } from './pages.ts';
import { columnsOf, prepare } from './rows.ts';
import { attempt, batch, job, ticket } from './schema.ts';
import { summaryColumns } from './ticket-summary.ts';

type BatchReader = Pick<TicketReader, 'batches' | 'batch' | 'batchErrors' | 'walks' | 'batchResults'>;

/** What everybody may look up about batches. `counts`: of one, by status. */
export function prepareBatchReader(
  connection: Connection,
  jobs: Pick<Jobs, 'draftById'>,
  counts: (batchId: string) => StatusCounts,
): BatchReader {
  const db = drizzle({ client: connection });
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
  const batchErrors = prepare<{ errorClass: ErrorClass; count: number; ticketId: string; error: string | null }>(
    connection,
    `SELECT error_class AS errorClass, count(*) AS count, error,
       (SELECT ticket_id FROM ticket WHERE ticket.id = job.ticket) AS ticketId, max(id)
     FROM job WHERE batch_id = ? AND status IN ('dead', 'retrying') AND error_class IS NOT NULL GROUP BY error_class ORDER BY count DESC`,
  );
  const walking = prepare<BatchRow>(
    connection,
    `SELECT ${columnsOf(batch)} FROM batch WHERE state IN ('canary', 'running') AND listing = 1 ORDER BY id`,
  );

  return {
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
    batchErrors: (id) =>
      batchErrors.all(id).map(({ errorClass, count, ticketId, error }) => ({
        errorClass,
        count,
        example: { ticketId, error },
      })),
    walks: () =>
      walking.all().map((row) => ({
        batchId: row.id,
        helpdesk: row.helpdesk,
        filter: readFilter(row),
        cursor: row.cursor,
        waiting: counts(row.id).queued,
      })),
    batchResults: (id, afterTicket, limit) =>
      listResults(db, (draftId) => jobs.draftById(draftId), { id, afterTicket, limit }),
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
  return rows.map((row) => {
    const stored = row.draftId === null ? undefined : draftById(row.draftId);
    const draft = stored === undefined ? null : toStoredDraft(stored);
    return {
      id: row.ticketId,
      status: row.status,
      draft: draft?.body ?? null,
      error: row.error,
      attempts: spanOf.get(row.jobId)?.attempts ?? 0,
      durationMs: spanOf.get(row.jobId)?.durationMs ?? 0,
      sources: draft?.sources ?? [],
      unproven: draft?.unproven ?? [],
      versions: draft?.versions ?? null,
      textRemovedAt: row.textRemovedAt,
    };
  });
}
