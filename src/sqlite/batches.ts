import { newTraceparent } from '../core/clock.ts';
import type { BatchState, CancelledBatch, Claim, CreatedBatch, NewBatch } from '../core/outbox.ts';
import type { Connection } from './database.ts';
import { type IngestParts, insertFollowUp, insertJob, type Times } from './ingest.ts';
import { isLive, type JobRow, rest } from './jobs.ts';
import { columnsOf, insertInto, prepare } from './rows.ts';
import { batch, job, laneNumber } from './schema.ts';

const UNFINISHED = `('queued', 'drafting', 'retrying', 'posting')`;

/** Batches: many jobs with one name. Everything here runs inside a transaction. */
export function prepareBatches(connection: Connection, parts: IngestParts) {
  const { jobs, newId } = parts;
  const insert = connection.prepare(insertInto(batch));
  const stateOf = connection.prepare<[string], BatchState>('SELECT state FROM batch WHERE id = ?').pluck();
  const setState = connection.prepare('UPDATE batch SET state = ?, finished_at = ? WHERE id = ?');
  const unfinished = connection
    .prepare<[string], number>(
      `SELECT coalesce(sum(n), 0) FROM status_count WHERE scope = ? AND status IN ${UNFINISHED}`,
    )
    .pluck();
  const cancellable = prepare<JobRow>(
    connection,
    `SELECT ${columnsOf(job)} FROM job WHERE batch_id = ? AND status IN ('queued', 'drafting', 'retrying', 'posting', 'drafted')`,
  );

  const finish = (id: string, times: Times): void => {
    if (unfinished.get(id) !== 0) return;
    const state = stateOf.get(id);
    if (state === 'running') setState.run('completed', times.wall, id);
    if (state === 'cancelling') setState.run('cancelled', times.wall, id);
  };

  const cancelJob = (row: JobRow, times: Times): void => {
    const joined = row.lane === laneNumber('live') || row.pendingAt !== null;
    rest(row);
    row.status = 'cancelled';
    row.updatedAt = times.wall;
    jobs.save(row);
    // a customer wrote while the batch had the ticket
    if (joined) insertFollowUp(parts, row, times);
  };

  return {
    finish,

    create(request: NewBatch, times: Times): CreatedBatch {
      const id = newId();
      const duplicates: string[] = [];
      const wanted = new Set<string>();
      for (const ticketId of request.ticketIds) {
        const known = jobs.ticketOf(request.helpdesk, ticketId);
        const current = known === undefined ? undefined : jobs.currentOf(known);
        const busy = current !== undefined && isLive(current);
        if (busy || wanted.has(ticketId)) {
          duplicates.push(ticketId);
          continue;
        }
        wanted.add(ticketId);
        insertJob(
          parts,
          known,
          {
            helpdesk: request.helpdesk,
            ticketId,
            lane: 'batch',
            batchId: id,
            post: request.post,
            traceparent: newTraceparent(),
            eventKey: `batch ${id}`,
            verify: false,
          },
          times,
        );
      }
      insert.run({
        id,
        name: request.name,
        helpdesk: request.helpdesk,
        state: 'running',
        total: wanted.size,
        post: request.post,
        createdAt: times.wall,
        finishedAt: null,
      });
      finish(id, times);
      return { id, total: wanted.size, duplicates };
    },

    isCancelling: (id: string): boolean => stateOf.get(id) === 'cancelling',

    cancel(id: string, times: Times): CancelledBatch | null {
      const state = stateOf.get(id);
      if (state === undefined) return null;
      if (state === 'completed' || state === 'cancelled') return { state, running: [], posting: [] };
      const running: Claim[] = [];
      const posting: Claim[] = [];
      for (const row of cancellable.all(id)) {
        const claim = row.owner === null ? null : { jobId: row.id, attempt: row.attempt, owner: row.owner };
        if (claim !== null && row.postIntendedAt !== null) {
          // a note on its way is let arrive: forgetting it would mean a second one some day
          posting.push(claim);
          continue;
        }
        if (claim !== null) running.push(claim);
        cancelJob(row, times);
      }
      setState.run('cancelling', null, id);
      finish(id, times);
      return { state: stateOf.get(id) ?? state, running, posting };
    },
  };
}

export type Batches = ReturnType<typeof prepareBatches>;
