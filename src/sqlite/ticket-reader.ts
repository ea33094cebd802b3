import { eq, sql } from 'drizzle-orm';
import { type BetterSQLite3Database, drizzle } from 'drizzle-orm/better-sqlite3';
import type { Clock } from '../core/clock.ts';
import type { Accounts, BatchAccount } from '../core/spend-guard.ts';
import { TICKET_STATUSES, type TicketStatus } from '../core/ticket.ts';
import type { Failing, StatusCounts, TicketReader } from '../core/ticket-reader.ts';
import { prepareBatchReader } from './batch-reader.ts';
import { toStoredDraft } from './claimed-job.ts';
import type { Connection } from './database.ts';
import { type DraftRow, hasCurrentDraft, isBlank, isLive, prepareJobs } from './jobs.ts';
import { prepare } from './rows.ts';
import { attempt, job, statusCount, ticket } from './schema.ts';
import { listTickets } from './ticket-lists.ts';
import { searchTickets } from './ticket-search.ts';
import { prepareStory } from './ticket-story.ts';
import { summarize, summaryColumns } from './ticket-summary.ts';
import { prepareUpcoming } from './upcoming.ts';

/** Reads for everybody, on the outbox's connection: short, synchronous, nothing held across an await. */
export function openTicketReader(connection: Connection, clock: Clock): TicketReader {
  const db = drizzle({ client: connection });
  const jobs = prepareJobs(connection);
  const oldest = connection
    .prepare<[], number>(`SELECT min(queued_at) FROM (
      SELECT * FROM (SELECT queued_at FROM job WHERE status = 'queued' ORDER BY id LIMIT 1)
      UNION ALL SELECT * FROM (SELECT queued_at FROM job WHERE status = 'retrying' ORDER BY id LIMIT 1))`)
    .pluck();
  const summaryOf = db
    .select({ ...summaryColumns, draftId: job.draftId, rule: job.rule })
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
      waitedMs: attempt.waitedMs,
    })
    .from(attempt)
    .where(eq(attempt.ticket, sql.placeholder('ticket')))
    .orderBy(attempt.id)
    .prepare();
  const counts = prepareCounts(db);
  const batches = prepareBatchReader(connection, jobs, counts);
  const story = prepareStory(connection, jobs);
  const accounts = prepareAccounts(connection);
  const upcoming = prepareUpcoming(connection);
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
    tickets: ({ search, ...query }) =>
      search === undefined ? listTickets(db, query) : searchTickets(db, counts, { ...query, search }),
    ticket: (helpdesk, ticketId) => {
      const known = jobs.ticketOf(helpdesk, ticketId);
      if (known === undefined) return null;
      const row = summaryOf.get({ jobId: known.jobId });
      if (row === undefined) return null;
      const attempts = attemptsOf.all({ ticket: known.id });
      const stored: DraftRow | undefined = row.draftId === null ? undefined : jobs.draftById(row.draftId);
      const written = stored === undefined || isBlank(stored) ? null : toStoredDraft(stored);
      const kept = row.status === 'skipped' ? row.rule : null;
      return { ...summarize(row), rule: kept ?? written?.versions?.rule ?? null, attempts, draft: written };
    },
    lastEventAt: (helpdesk) => lastEvent.get(helpdesk) ?? null,
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
    ...batches,
    story,
    failing: () => failing.all(),
  };
}

function prepareCounts(db: BetterSQLite3Database): (scope: string) => StatusCounts {
  const countsOf = db
    .select({ status: statusCount.status, n: statusCount.n })
    .from(statusCount)
    .where(eq(statusCount.scope, sql.placeholder('scope')))
    .prepare();
  return (scope) => {
    const result = Object.fromEntries(TICKET_STATUSES.map((status) => [status, 0])) as Record<TicketStatus, number>;
    for (const row of countsOf.all({ scope })) result[row.status] = row.n;
    return result;
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
