import type { BatchState } from '../core/batch.ts';
import type { ConsignedJob, Consignment } from '../core/consignment.ts';
import type { Claim, ConsignedContext, JobOutcome } from '../core/outbox.ts';
import { describeJob } from './claimed-job.ts';
import type { Connection } from './database.ts';
import type { Times } from './ingest.ts';
import type { JobRow, Jobs } from './jobs.ts';
import { columnsOf, prepare } from './rows.ts';
import { consigned, NOT_YET } from './schema.ts';

type Consigned = Extract<JobOutcome, { kind: 'consigned' }>;
type Row = typeof consigned.$inferSelect;

/** A consigned job has its consignment for an owner: no process, so that neither a restart nor a lease takes it back. */
const OWNER = 'economy:';

/** SQL for the rows of `job` whose owner is a consignment: a range of the index `job_running`. */
export const IS_CONSIGNED = `owner >= '${OWNER}' AND owner < 'economy;'`;
/** And whose owner is a process: two ranges. */
export const IS_RUNNING = [`owner < '${OWNER}'`, `owner >= 'economy;'`] as const;

export function isConsigned({ owner }: { readonly owner: string | null }): boolean {
  return owner?.startsWith(OWNER) ?? false;
}

/** Jobs whose drafts are bought by the thousand. Everything that writes runs inside a transaction. */
export function prepareConsignments(connection: Connection, jobs: Jobs) {
  const columns = columnsOf(consigned);
  const rowOf = prepare<Row>(connection, `SELECT ${columns} FROM consigned WHERE job_id = ?`);
  const page = prepare<Row>(
    connection,
    `SELECT ${columns} FROM consigned WHERE key = ? AND job_id > ? ORDER BY job_id LIMIT ?`,
  );
  const stillHeld = connection
    .prepare<[string, string], string>(
      `SELECT job.id FROM consigned JOIN job ON job.id = consigned.job_id
       WHERE consigned.key = ? AND job.owner = ? ORDER BY job.id`,
    )
    .pluck();
  const addRow = connection.prepare(
    'INSERT OR REPLACE INTO consigned (job_id, key, attempt, usd, context) VALUES (?, ?, ?, ?, ?)',
  );
  const setContext = connection.prepare('UPDATE consigned SET context = ? WHERE job_id = ?');
  const sendingAt = connection
    .prepare<[string], number>(
      `SELECT sending_at FROM consigned JOIN consignment ON consignment.key = consigned.key
       WHERE job_id = ? AND sending_at IS NOT NULL`,
    )
    .pluck();
  const removeRow = connection.prepare('DELETE FROM consigned WHERE job_id = ? AND key = ? AND attempt = ?');
  const open = prepare<Consignment>(
    connection,
    `SELECT key, batch_id AS batchId, batch.state AS batchState, provider_id AS providerId, sending_at AS sendingAt
     FROM consignment JOIN batch ON batch.id = batch_id WHERE done_at IS NULL ORDER BY key`,
  );
  const add = connection.prepare(
    `INSERT INTO consignment (key, batch_id, model, reserved_usd, line_usd, created_at)
     VALUES (@key, @batchId, @model, @usd, @usd, @wall) ON CONFLICT (key) DO UPDATE SET
       reserved_usd = reserved_usd + excluded.reserved_usd, line_usd = max(line_usd, excluded.line_usd)`,
  );
  const unreserve = connection.prepare('UPDATE consignment SET reserved_usd = max(0, reserved_usd - ?) WHERE key = ?');
  const stateOf = connection
    .prepare<[string], BatchState>('SELECT state FROM consignment JOIN batch ON batch.id = batch_id WHERE key = ?')
    .pluck();
  const begin = connection.prepare('UPDATE consignment SET sending_at = ?, lines = ? WHERE key = ?');
  const sent = connection.prepare('UPDATE consignment SET provider_id = ? WHERE key = ?');
  const close = connection.prepare('UPDATE consignment SET done_at = ?, reserved_usd = 0 WHERE key = ?');
  const roomOf = prepare<{ budgetUsd: number | null; usedUsd: number; lineUsd: number }>(
    connection,
    `SELECT budget_usd AS budgetUsd, cost_usd + coalesce(sum(reserved_usd), 0) AS usedUsd,
       coalesce(max(line_usd), 0) AS lineUsd
     FROM batch LEFT JOIN consignment ON batch_id = batch.id AND done_at IS NULL WHERE batch.id = ?`,
  );

  return {
    open: (): readonly Consignment[] => open.all(),

    /** The worker's claim becomes the consignment's. */
    store(row: JobRow, { consignment: key, context }: Consigned, times: Times): void {
      const { usd, model } = context;
      add.run({ key, batchId: row.batchId, model, usd: usd ?? 0, wall: times.wall });
      addRow.run(row.id, key, row.attempt, usd, JSON.stringify(context));
      row.status = 'drafting';
      hold(row, key);
    },

    /** Of a cancelled job that goes back to work: its draft is still on its way. Answers whether it is. */
    takeBack(row: JobRow): boolean {
      const known = rowOf.get(row.id);
      if (known === undefined || known.attempt !== row.attempt) return false;
      row.status = 'drafting';
      row.stageAttempt = 1;
      hold(row, known.key);
      return true;
    },

    /** The newest message that the draft on its way has seen. */
    seenBy(row: JobRow): string | null {
      const known = rowOf.get(row.id);
      return known === undefined ? null : contextOf(known).seenMessageId;
    },

    /** Removes the texts that finishing it would take: what comes of it is paid, and void. */
    forget(row: JobRow): void {
      const known = rowOf.get(row.id);
      if (known === undefined) return;
      row.attempt = Math.max(row.attempt, known.attempt + 1);
      const { placeholders: _, grounding: __, ...context } = contextOf(known);
      const blank: ConsignedContext = { ...context, knownText: '', cut: null };
      setContext.run(JSON.stringify(blank), row.id);
    },

    /** The provider has its prompt, or may have it. */
    isSent: (row: JobRow): boolean => sendingAt.get(row.id) !== undefined,

    /** Its result is here. False when it was there before, or nobody has ever waited for it. */
    settle({ jobId, attempt, owner }: Claim): boolean {
      const key = owner.slice(OWNER.length);
      const known = rowOf.get(jobId);
      if (removeRow.run(jobId, key, attempt).changes === 0) return false;
      unreserve.run(known?.usd ?? 0, key);
      return true;
    },

    begin(key: string, times: Times): readonly string[] | null {
      const state = stateOf.get(key);
      if (state !== 'running' && state !== 'canary') return null;
      const ids = stillHeld.all(key, OWNER + key);
      begin.run(times.wall, ids.length, key);
      return ids;
    },

    sent: (key: string, providerId: string): void => void sent.run(providerId, key),

    waiting: (key: string, ids: readonly string[]): readonly ConsignedJob[] =>
      ids.flatMap((id) => describe(rowOf.get(id), key)),

    waitingAfter: (key: string, after: string, limit: number): readonly ConsignedJob[] =>
      page.all(key, after, limit).flatMap((row) => describe(row, key)),

    close(key: string, times: Times): boolean {
      if (page.get(key, '', 1) !== undefined) return false;
      close.run(times.wall, key);
      return true;
    },

    /** False where another draft might break the budget before those on their way are paid. */
    hasBudget(batchId: string): boolean {
      const room = roomOf.get(batchId);
      if (room === undefined || room.budgetUsd === null || room.lineUsd === 0) return true;
      return room.usedUsd + room.lineUsd <= room.budgetUsd;
    },
  };

  function describe(row: Row | undefined, key: string): ConsignedJob[] {
    if (row === undefined || row.key !== key) return [];
    const found = jobs.byId(row.jobId);
    if (found === undefined) return [];
    const job = describeJob({ ...found, attempt: row.attempt, owner: OWNER + key }, jobs, 'economy');
    return [{ job, context: contextOf(row) }];
  }
}

function hold(row: JobRow, key: string): void {
  row.dueAt = null;
  row.owner = OWNER + key;
  row.leaseUntil = NOT_YET;
}

function contextOf({ context }: Row): ConsignedContext {
  return JSON.parse(context) as ConsignedContext;
}

export type ConsignmentRows = ReturnType<typeof prepareConsignments>;
