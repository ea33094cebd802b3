import type { BatchLane } from '../core/batch.ts';
import type { Claim, ClaimedJob, ClaimOffer, Stage } from '../core/outbox.ts';
import { PRIORITIES, type TicketStatus } from '../core/ticket.ts';
import { describeJob } from './claimed-job.ts';
import { type ConsignmentRows, IS_RUNNING } from './consignments.ts';
import { type Crashes, offerFor, trialDelayMs } from './crashes.ts';
import type { Connection } from './database.ts';
import type { Times } from './ingest.ts';
import type { JobRow, Jobs } from './jobs.ts';
import { columnsOf, prepare } from './rows.ts';
import { job } from './schema.ts';

/** What is nearest to its end goes first. */
const ORDER: readonly Stage[] = ['post', 'revise', 'review', 'draft'];

const CLAIMED = `SET owner = @owner, lease_until = @leaseUntil, ready_at = due_at, due_at = NULL, status = @status,
       attempt = attempt + 1, stage_attempt = stage_attempt + 1, updated_at = @wall`;

/** The due live jobs of one priority, oldest first: a range of a partial index, whatever else the table holds. */
function liveRange(priority: number): string {
  return `SELECT * FROM (
        SELECT rowid AS id FROM job
        WHERE due_at IS NOT NULL AND lane = 0 AND stage = @stage AND helpdesk = @helpdesk
          AND priority = ${priority} AND due_at <= @now
        ORDER BY due_at LIMIT @limit)`;
}

const LIVE_RANGES = PRIORITIES.map((_, index) => liveRange(index));

/** The same of a batch: what was begun is finished first, or its retries would wait behind ten thousand others. */
function batchRange(which: 'begun' | 'new'): string {
  return `SELECT * FROM (
        SELECT rowid AS id FROM job
        WHERE due_at IS NOT NULL AND lane = 1 AND batch_id = @batchId AND stage = @stage
          AND (attempt = 0) = ${which === 'new' ? 1 : 0} AND due_at <= @now
        ORDER BY due_at LIMIT @limit)`;
}

export interface ClaimParts {
  readonly jobs: Jobs;
  readonly consignments: Pick<ConsignmentRows, 'hasBudget'>;
  readonly crashes: Pick<Crashes, 'trial'>;
  /** Names this process. */
  readonly owner: string;
  readonly leaseMs: number;
}

/** Handing out, keeping and taking back jobs. Everything here runs inside a transaction. */
export function prepareClaims(connection: Connection, { jobs, consignments, crashes, owner, leaseMs }: ClaimParts) {
  const claimLive = prepare<JobRow>(
    connection,
    `UPDATE job ${CLAIMED} WHERE rowid IN (
       ${LIVE_RANGES.join(' UNION ALL ')} LIMIT @limit)
     RETURNING ${columnsOf(job)}`,
  );
  // an UPDATE that finds nothing costs four times as much, and in a batch that is asked at each claim
  const isLiveDue = connection
    .prepare<object, number>(`SELECT ${LIVE_RANGES.map((range) => `EXISTS (${range})`).join(' OR ')}`)
    .pluck();
  const claimOfBatch = prepare<JobRow>(
    connection,
    `UPDATE job ${CLAIMED} WHERE rowid IN (
       ${batchRange('begun')} UNION ALL ${batchRange('new')} LIMIT @limit)
     RETURNING ${columnsOf(job)}`,
  );
  const claimById = prepare<JobRow>(connection, `UPDATE job ${CLAIMED} WHERE id = @id RETURNING ${columnsOf(job)}`);
  const activeBatches = prepare<{ id: string; lane: BatchLane }>(
    connection,
    `SELECT id, lane FROM batch WHERE helpdesk = ? AND state IN ('canary', 'running') ORDER BY id`,
  );
  const tierOf = connection.prepare<[string], BatchLane>('SELECT lane FROM batch WHERE id = ?').pluck();
  const tendCancelled = connection.prepare(`UPDATE batch SET todo = 1 WHERE state = 'cancelling'`);
  const extend = connection.prepare(
    'UPDATE job SET lease_until = ? WHERE id = ? AND attempt = ? AND owner = ? AND lease_until >= ?',
  );
  const expired = prepare<JobRow>(
    connection,
    IS_RUNNING.map(
      (isRunning) => `SELECT ${columnsOf(job)} FROM job WHERE ${isRunning} AND (owner <> @owner OR lease_until < @now)`,
    ).join(' UNION ALL '),
  );

  const claimedAs = (stage: Stage, times: Times): object => {
    const status: TicketStatus = stage === 'post' ? 'posting' : 'drafting';
    const { steady, wall } = times;
    return { owner, leaseUntil: steady + leaseMs, status, wall, stage, now: steady };
  };

  /** Live jobs for every offer, then those of batches: `left` is what each offer may still take. */
  const claimRows = (offers: readonly ClaimOffer[], left: number[], room: number, times: Times): JobRow[] => {
    const claimed: JobRow[] = [];
    const take = (index: number, claimUpTo: (limit: number) => JobRow[]): void => {
      const limit = Math.min(left[index] ?? 0, room - claimed.length);
      if (limit <= 0) return;
      const rows = claimUpTo(limit);
      left[index] = (left[index] ?? 0) - rows.length;
      claimed.push(...rows);
    };
    offers.forEach(({ stage, helpdesk }, index) =>
      take(index, (limit) => {
        const wanted = { ...claimedAs(stage, times), helpdesk, limit };
        return isLiveDue.get(wanted) === 1 ? claimLive.all(wanted) : [];
      }),
    );
    offers.forEach(({ stage, helpdesk, batches, economy = 0 }, index) => {
      if (!batches || claimed.length >= room) return;
      let toConsign = economy;
      for (const { id, lane } of activeBatches.all(helpdesk)) {
        const claim = (limit: number) => claimOfBatch.all({ ...claimedAs(stage, times), batchId: id, limit });
        if (stage !== 'draft' || lane !== 'economy') take(index, claim);
        else if (toConsign > 0 && consignments.hasBudget(id)) {
          const before = claimed.length;
          take(index, (limit) => claim(Math.min(limit, toConsign)));
          toConsign -= claimed.length - before;
        }
      }
    });
    return claimed;
  };

  /** Somebody waits for a live ticket: a day is too long for it. */
  const tier = ({ batchId, lane }: JobRow): BatchLane => {
    const wanted = (batchId === null ? undefined : tierOf.get(batchId)) ?? 'standard';
    return wanted === 'economy' && lane === 0 ? 'standard' : wanted;
  };

  const isOffered = (row: JobRow, offers: readonly ClaimOffer[]): boolean => {
    const offer = offerFor(row, offers);
    if (offer === undefined || row.lane === 0) return offer !== undefined;
    const { id, lane } = activeBatches.all(row.helpdesk).find((active) => active.id === row.batchId) ?? {};
    if (!offer.batches || id === undefined) return false;
    return lane !== 'economy' || row.stage !== 'draft' || ((offer.economy ?? 0) > 0 && consignments.hasBudget(id));
  };

  const claimAlone = ({ id, stage }: JobRow, times: Times): JobRow[] =>
    claimById.all({ ...claimedAs(stage, times), id });

  return {
    claim(offers: readonly ClaimOffer[], limit: number, times: Times): ClaimedJob[] {
      // A note on its way out beats a draft that is not begun: it frees its ticket and is what people wait for.
      const ordered = [...offers].toSorted((a, b) => ORDER.indexOf(a.stage) - ORDER.indexOf(b.stage));
      const left = ordered.map((offer) => offer.limit);
      const suspect = crashes.trial((row) => isOffered(row, offers), times);
      if (suspect === 'wait') return [];
      const rows = suspect === null ? claimRows(ordered, left, limit, times) : claimAlone(suspect, times);
      return rows.map((row) => describeJob(row, jobs, tier(row)));
    },

    heartbeat(claims: readonly Claim[], times: Times): Claim[] {
      return claims.filter(
        ({ jobId, attempt, owner: of }) =>
          extend.run(times.steady + leaseMs, jobId, attempt, of, times.awakeSince).changes === 0,
      );
    },

    /** A dead process's job goes back with the try it used up not counted as a failure. */
    reclaimExpired(times: Times): number {
      const rows = expired.all({ owner, now: times.steady });
      for (const row of rows) {
        row.status = 'retrying';
        row.owner = null;
        row.leaseUntil = null;
        row.dueAt = times.steady + trialDelayMs(row);
        row.updatedAt = times.wall;
        jobs.save(row);
      }
      // what was let arrive in a cancelled batch will not arrive any more
      if (rows.length > 0) tendCancelled.run();
      return rows.length;
    },
  };
}
