import { isKeptBack } from '../core/errors.ts';
import type { TicketActionResult } from '../core/outbox.ts';
import type { Batches } from './batches.ts';
import type { ConsignmentRows } from './consignments.ts';
import type { Connection } from './database.ts';
import type { Times } from './ingest.ts';
import { enterStage, isBlank, type JobRow, type Jobs, rest } from './jobs.ts';
import { columnsOf, prepare } from './rows.ts';
import { job, laneNumber } from './schema.ts';

/** Rows looked at in one transaction. */
const ROWS = 200;

export interface DeadFilter {
  readonly ticketIds?: readonly string[];
  readonly errorClass?: string;
}

/** What operators do to tickets. Everything here runs inside a transaction. */
export function prepareOperator(
  connection: Connection,
  jobs: Jobs,
  {
    batches,
    consignments,
  }: { batches: Pick<Batches, 'reopen' | 'recheck'>; consignments: Pick<ConsignmentRows, 'takeBack'> },
) {
  const dead = prepare<JobRow>(
    connection,
    `SELECT ${columnsOf(job)} FROM job WHERE status = 'dead' AND id > ? ORDER BY id LIMIT ${ROWS}`,
  );

  const revive = (row: JobRow, times: Times): void => {
    const stored = row.draftId === null ? undefined : jobs.draftById(row.draftId);
    // A draft that was paid for is posted, not bought again; what was not to be posted is no draft.
    const kept = stored !== undefined && !isBlank(stored);
    const postable = row.stage !== 'draft' && kept && !isKeptBack(row.reason);
    // a review ends no ticket, unless the process dies of it
    const stage = row.status === 'dead' ? 'post' : row.stage;
    row.textRemovedAt = null;
    enterStage(row, postable ? stage : 'draft', times.steady);
    row.status = 'queued';
    if (row.stage === 'post' && row.post === 'hold') {
      rest(row);
      row.status = 'drafted';
    }
    // what is paid for, or will be, is not bought again
    if (!postable && row.lane === laneNumber('batch')) consignments.takeBack(row);
    row.updatedAt = times.wall;
    jobs.save(row);
  };

  const release = (row: JobRow, times: Times): void => {
    enterStage(row, 'post', times.steady);
    row.status = 'posting';
    if (row.post === 'hold') row.post = 'released';
    row.updatedAt = times.wall;
    jobs.save(row);
  };

  const find = (helpdesk: string, ticketId: string): JobRow | undefined => {
    const ticket = jobs.ticketOf(helpdesk, ticketId);
    return ticket === undefined ? undefined : jobs.currentOf(ticket);
  };

  return {
    revive,
    release,

    retryTicket(helpdesk: string, ticketId: string, times: Times): TicketActionResult {
      const row = find(helpdesk, ticketId);
      if (row === undefined) return { kind: 'unknown' };
      if (row.status !== 'dead' && row.status !== 'cancelled' && row.status !== 'skipped') {
        return { kind: 'conflict', status: row.status };
      }
      // somebody waits for this one, whatever becomes of its batch
      row.lane = laneNumber('live');
      revive(row, times);
      if (row.batchId !== null) batches.recheck(row.batchId);
      return { kind: 'ok' };
    },

    releaseTicket(helpdesk: string, ticketId: string, times: Times): TicketActionResult {
      const row = find(helpdesk, ticketId);
      if (row === undefined) return { kind: 'unknown' };
      if (row.status !== 'drafted') return { kind: 'conflict', status: row.status };
      row.lane = laneNumber('live');
      release(row, times);
      return { kind: 'ok' };
    },

    /** Revives dead tickets behind the job `after`, some at a time; `next` is null when there are no more. */
    retryDead(
      filter: DeadFilter,
      after: string,
      times: Times,
    ): { readonly retried: number; readonly next: string | null } {
      const ids = filter.ticketIds === undefined ? null : new Set(filter.ticketIds);
      const rows = dead.all(after);
      const wanted = rows
        .filter((row) => row.current === 1)
        .filter((row) => filter.errorClass === undefined || row.errorClass === filter.errorClass)
        .filter((row) => ids === null || ids.has(jobs.ticketById(row.ticket).ticketId));
      for (const row of wanted) {
        revive(row, times);
        if (row.batchId !== null) batches.reopen(row.batchId);
      }
      return { retried: wanted.length, next: rows.length < ROWS ? null : (rows.at(-1)?.id ?? null) };
    },
  };
}

export type Operator = ReturnType<typeof prepareOperator>;
