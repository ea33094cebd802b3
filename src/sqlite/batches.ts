import { isHopeless, judgeCanary, type BatchStop, type NewBatch, type Outcomes } from '../core/batch.ts';
import type { ErrorClass } from '../core/errors.ts';
import type { BatchActionResult, BatchChange, CancelledBatch, Claim, Spent } from '../core/outbox.ts';
import { isFinal, type TicketStatus } from '../core/ticket.ts';
import { IS_RUNNING } from './consignments.ts';
import type { Connection } from './database.ts';
import { type IngestParts, insertFollowUp, type Times } from './ingest.ts';
import { enterStage, isLive, type JobRow, rest } from './jobs.ts';
import { columnsOf, insertInto, prepare, updateById } from './rows.ts';
import { batch, job, laneNumber } from './schema.ts';

export type BatchRow = typeof batch.$inferSelect;

/** Which ended tickets of a batch go back to work; `after` is the job the slices have come to. */
export interface Revival {
  readonly status: 'dead' | 'cancelled';
  readonly errorClass: ErrorClass | null;
  readonly after: string;
}

/** What an operator can do about a batch that has stopped by itself. */
const LOOK = 'See what went wrong (its errors), then resume or cancel.';

export interface Release {
  readonly minConfidence: number | null;
  readonly after: string;
}

/** Batches: many jobs with one name, and what is decided about them. Everything here runs inside a transaction. */
export function prepareBatches(connection: Connection, parts: IngestParts) {
  const { jobs, newId } = parts;
  const insert = connection.prepare(insertInto(batch));
  const byId = prepare<BatchRow>(connection, `SELECT ${columnsOf(batch)} FROM batch WHERE id = ?`);
  const saveRow = connection.prepare(updateById(batch));
  const insertIds = connection.prepare('INSERT INTO batch_ids (batch_id, ids, position) VALUES (?, ?, 0)');
  const countsOf = prepare<{ status: TicketStatus; n: number }>(
    connection,
    'SELECT status, n FROM status_count WHERE scope = ?',
  );
  const running = prepare<JobRow>(
    connection,
    IS_RUNNING.map((isRunning) => `SELECT ${columnsOf(job)} FROM job WHERE ${isRunning} AND batch_id = @id`).join(
      ' UNION ALL ',
    ),
  );
  const joined = prepare<JobRow>(
    connection,
    `SELECT ${columnsOf(job)} FROM job WHERE batch_id = @id AND lane = 0 AND owner IS NULL`,
  );
  const addSpent = connection.prepare(
    `UPDATE batch SET prompt_tokens = prompt_tokens + ?, completion_tokens = completion_tokens + ?,
       cost_usd = cost_usd + ? WHERE id = ?`,
  );

  /** Batches that were written since somebody asked, and the state each was last told in. */
  const written = new Set<string>();
  const told = new Map<string, BatchRow['state']>();

  const save = (row: BatchRow): void => {
    saveRow.run(row);
    written.add(row.id);
  };

  /** Every wish of an operator: find the batch, refuse in states that do not allow it, change it, see what follows. */
  const act = (
    id: string,
    refused: readonly BatchRow['state'][],
    times: Times,
    change: (row: BatchRow) => void,
  ): BatchActionResult => {
    const row = byId.get(id);
    if (row === undefined) return { kind: 'unknown' };
    if (refused.includes(row.state)) return { kind: 'conflict', state: row.state };
    change(row);
    save(row);
    settle(id, times);
    return { kind: 'ok' };
  };

  const tally = (id: string) => {
    const sums = { unfinished: 0, processed: 0, failed: 0 };
    for (const { status, n } of countsOf.all(id)) {
      // a cancelled ticket says nothing about how the batch works out
      if (status === 'cancelled') continue;
      if (isFinal(status) || status === 'drafted') sums.processed += n;
      else sums.unfinished += n;
      if (status === 'dead') sums.failed += n;
    }
    return sums;
  };

  /** What follows from where the batch's tickets are now: its end, the next phase of its canary, a stop. */
  function settle(id: string, times: Times): void {
    const row = byId.get(id);
    if (row === undefined || row.state === 'completed' || row.state === 'cancelled') return;
    const { unfinished, processed, failed } = tally(id);
    const over = unfinished === 0 && row.todo === 0;
    if (row.state === 'cancelling') {
      if (over) save({ ...row, state: 'cancelled', finishedAt: times.wall });
      return;
    }
    if (row.state === 'paused') return;
    if (over && row.listing === 0) {
      save({ ...row, state: 'completed', target: null, finishedAt: times.wall });
      return;
    }
    const outcomes = { processed, failed, forgiven: forgivenOf(row, processed, failed) };
    if (row.state === 'canary') rampUp(row, outcomes);
    else if (row.canaryMaxErrorRate !== 1 && isHopeless(outcomes)) {
      const dead = failed - outcomes.forgiven.failed;
      const which = outcomes.forgiven.processed === 0 ? 'The first' : 'Since it went on, the first';
      save({ ...row, state: 'paused', reason: `${which} ${dead} tickets all died. ${LOOK}` });
    }
  }

  /** What died, was forgiven and is at work again may not die for nothing. */
  function forgivenOf(row: BatchRow, processed: number, failed: number): Outcomes['forgiven'] {
    if (processed < row.forgivenProcessed || failed < row.forgivenFailed) {
      row.forgivenProcessed = Math.min(processed, row.forgivenProcessed);
      row.forgivenFailed = Math.min(failed, row.forgivenFailed);
      save(row);
    }
    return { processed: row.forgivenProcessed, failed: row.forgivenFailed };
  }

  function rampUp(row: BatchRow, outcomes: Outcomes): void {
    const { target, canarySize, canaryMaxErrorRate, total } = row;
    if (target === null || canarySize === null || canaryMaxErrorRate === null) return;
    const canary = { size: canarySize, maxErrorRate: canaryMaxErrorRate };
    // the last slice comes back here
    const storing = row.listing === 0 && row.todo === 1;
    const growing = row.listing === 1 || storing;
    const decision = judgeCanary({ ...outcomes, canary, target, total, growing });
    if (decision.kind === 'stop') save({ ...row, state: 'paused', reason: decision.reason });
    if (decision.kind !== 'open' || storing) return;
    save({ ...row, target: decision.target, state: decision.target === null ? 'running' : 'canary', todo: 1 });
  }

  const cancelJob = (row: JobRow, times: Times): void => {
    const unread = row.pendingAt !== null;
    const drafted = row.stage !== 'draft' && row.draftId !== null && !unread;
    // somebody waits for it: a customer who wrote while the batch had the ticket, or who retried it by itself
    const wanted = unread || row.lane === laneNumber('live');
    rest(row);
    row.status = 'cancelled';
    row.updatedAt = times.wall;
    jobs.save(row);
    // what was held stays with the batch, let go or not: it is paid for, and posted when that is resumed
    if (!wanted || (drafted && row.post !== 'auto')) return;
    const next = insertFollowUp(parts, row, times);
    if (drafted) jobs.save(handOver(row, next, times));
  };

  /** Who goes on has seen what went wrong so far: it does not stop the batch again. */
  const forgive = (row: BatchRow): void => {
    const { processed, failed } = tally(row.id);
    row.forgivenProcessed = processed;
    row.forgivenFailed = failed;
  };

  const addRevival = (row: BatchRow, revival: Revival): void => {
    row.revive = JSON.stringify([...readList<Revival>(row.revive), revival]);
    row.todo = 1;
  };

  /** Work begins again where a batch had ended. */
  const reopen = (row: BatchRow): void => {
    if (row.state !== 'completed' && row.state !== 'cancelled') return;
    row.state = 'running';
    row.target = null;
    row.finishedAt = null;
  };

  return {
    byId: (id: string) => byId.get(id),
    save,
    settle,
    cancelJob,

    create(request: NewBatch, times: Times): string {
      const id = newId();
      const { source, canary } = request;
      const cursor = source?.cursor ?? null;
      insert.run({
        id,
        name: request.name,
        helpdesk: request.helpdesk,
        state: canary === null ? 'running' : 'canary',
        total: 0,
        post: request.post,
        lane: request.lane,
        skipDrafted: request.skipDrafted ? 1 : 0,
        skippedDrafted: 0,
        filter: source === null ? null : JSON.stringify(source.filter),
        listing: cursor === null ? 0 : 1,
        cursor,
        canarySize: canary?.size ?? null,
        canaryMaxErrorRate: canary?.maxErrorRate ?? null,
        target: canary?.size ?? null,
        opened: 0,
        forgivenProcessed: 0,
        forgivenFailed: 0,
        reason: null,
        errorClass: null,
        budgetUsd: request.budgetUsd,
        promptTokens: 0,
        completionTokens: 0,
        costUsd: 0,
        todo: 1,
        revive: null,
        release: null,
        createdAt: times.wall,
        finishedAt: null,
      } satisfies BatchRow);
      insertIds.run(id, JSON.stringify(request.ticketIds));
      written.add(id);
      return id;
    },

    isCancelling: (id: string): boolean => byId.get(id)?.state === 'cancelling',

    /** Running work is void from here on; what waits is cancelled in slices afterwards, no claim takes it any more. */
    cancel(id: string, times: Times): CancelledBatch | null {
      const row = byId.get(id);
      if (row === undefined) return null;
      const { state } = row;
      if (state === 'completed' || state === 'cancelled') return { state, running: [], posting: [] };
      save({ ...row, state: 'cancelling', reason: null, errorClass: null, revive: null, release: null, todo: 1 });
      const found: { running: Claim[]; posting: Claim[] } = { running: [], posting: [] };
      // before a worker takes them: what customers have written to goes on without the batch
      for (const held of joined.all({ id })) if (isLive(held)) cancelJob(held, times);
      for (const held of running.all({ id })) {
        const claim = { jobId: held.id, attempt: held.attempt, owner: held.owner ?? '' };
        // a note on its way is let arrive: forgetting it would mean a second one some day
        if (held.stage === 'post' && held.postIntendedAt !== null) found.posting.push(claim);
        else {
          found.running.push(claim);
          cancelJob(held, times);
        }
      }
      return { state: 'cancelling', ...found };
    },

    pause: (id: string, stop: BatchStop | null, times: Times): BatchActionResult =>
      act(id, ['cancelling', 'cancelled', 'completed'], times, (row) => {
        if (row.state === 'paused') return;
        row.state = 'paused';
        row.reason = stop?.reason ?? null;
        row.errorClass = stop?.errorClass ?? null;
      }),

    resume: (id: string, times: Times): BatchActionResult =>
      act(id, ['cancelling', 'completed'], times, (row) => {
        if (row.state === 'cancelled') {
          addRevival(row, { status: 'cancelled', errorClass: null, after: '' });
          row.finishedAt = null;
          // counted anew while its tickets come back
          if (row.target !== null) row.opened = tally(id).processed;
          forgive(row);
        } else if (row.state === 'paused' && (row.reason !== null || row.target === null)) forgive(row);
        row.state = row.target === null ? 'running' : 'canary';
        row.reason = null;
        row.errorClass = null;
      }),

    retry: (id: string, errorClass: ErrorClass | null, times: Times): BatchActionResult =>
      act(id, ['cancelling'], times, (row) => {
        addRevival(row, { status: 'dead', errorClass, after: '' });
        reopen(row);
      }),

    release: (id: string, minConfidence: number | null, times: Times): BatchActionResult =>
      act(id, ['cancelling', 'cancelled'], times, (row) => {
        row.release = JSON.stringify([...readList<Release>(row.release), { minConfidence, after: '' }]);
        row.todo = 1;
        reopen(row);
      }),

    /** A dead ticket of this batch was revived among others: the batch takes part again. */
    reopen(id: string): void {
      const row = byId.get(id);
      if (row === undefined) return;
      reopen(row);
      if (row.state === 'cancelling') row.todo = 1;
      save(row);
    },

    /** A ticket of this batch was revived by itself: should the batch be ending, it goes on without it. */
    recheck(id: string): void {
      const row = byId.get(id);
      if (row?.state === 'cancelling') save({ ...row, todo: 1 });
    },

    /** Which batches have come to another state since the last call. After the commit. */
    takeChanges(): readonly BatchChange[] {
      const changes = Array.from(written, (id) => byId.get(id)).filter((row) => row !== undefined);
      written.clear();
      return changes
        .filter(({ id, state }) => told.get(id) !== state)
        .map(({ id, state, total, reason, createdAt }) => {
          told.set(id, state);
          return { batchId: id, state, total, reason, createdAt };
        });
    },

    spend(id: string, { usage, costUsd }: Spent): void {
      addSpent.run(usage.promptTokens, usage.completionTokens, costUsd ?? 0, id);
    },
  };
}

/** The new job goes on with the draft that the ended one has paid for, and with what is not known of its note. */
function handOver({ stage, draftId, marker, postIntendedAt }: JobRow, next: JobRow, times: Times): JobRow {
  const row: JobRow = { ...next, draftId, marker, postIntendedAt };
  enterStage(row, stage, times.steady);
  return row;
}

export type Batches = ReturnType<typeof prepareBatches>;

/** A column that holds a JSON list, or nothing. */
export function readList<T>(text: string | null): readonly T[] {
  return text === null ? [] : (JSON.parse(text) as T[]);
}
