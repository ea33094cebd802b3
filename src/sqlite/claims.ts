import type { BatchLane } from '../core/batch.ts';
import type { Claim, ClaimedJob, ClaimOffer, Stage, StoredDraft } from '../core/outbox.ts';
import { PRIORITIES, type TicketStatus } from '../core/ticket.ts';
import type { Connection } from './database.ts';
import type { Times } from './ingest.ts';
import type { DraftRow, JobRow, Jobs } from './jobs.ts';
import { columnsOf, prepare } from './rows.ts';
import { job } from './schema.ts';

const CLAIMED = `SET owner = @owner, lease_until = @leaseUntil, due_at = NULL, status = @status,
       attempt = attempt + 1, stage_attempt = stage_attempt + 1, updated_at = @wall`;

/** The due live jobs of one priority, oldest first: a range of a partial index, whatever else the table holds. */
function liveRange(priority: number): string {
  return `SELECT * FROM (
        SELECT rowid AS id FROM job
        WHERE due_at IS NOT NULL AND lane = 0 AND stage = @stage AND helpdesk = @helpdesk
          AND priority = ${priority} AND due_at <= @now
        ORDER BY due_at LIMIT @limit)`;
}

/** Handing out, keeping and taking back jobs. Everything here runs inside a transaction. */
export function prepareClaims(connection: Connection, jobs: Jobs, owner: string, leaseMs: number) {
  const claimLive = prepare<JobRow>(
    connection,
    `UPDATE job ${CLAIMED} WHERE rowid IN (
       ${PRIORITIES.map((_, index) => liveRange(index)).join(' UNION ALL ')} LIMIT @limit)
     RETURNING ${columnsOf(job)}`,
  );
  const claimOfBatch = prepare<JobRow>(
    connection,
    `UPDATE job ${CLAIMED} WHERE rowid IN (
       SELECT rowid FROM job
       WHERE due_at IS NOT NULL AND lane = 1 AND batch_id = @batchId AND stage = @stage AND due_at <= @now
       ORDER BY due_at LIMIT @limit)
     RETURNING ${columnsOf(job)}`,
  );
  const activeBatches = prepare<{ id: string; lane: BatchLane }>(
    connection,
    `SELECT id, lane FROM batch WHERE helpdesk = ? AND state IN ('canary', 'running') ORDER BY id`,
  );
  const tierOf = connection.prepare<[string], BatchLane>('SELECT lane FROM batch WHERE id = ?').pluck();
  const tendCancelled = connection.prepare(`UPDATE batch SET todo = 1 WHERE state = 'cancelling'`);
  const extend = connection.prepare('UPDATE job SET lease_until = ? WHERE id = ? AND attempt = ? AND owner = ?');
  const expired = prepare<JobRow>(
    connection,
    `SELECT ${columnsOf(job)} FROM job WHERE owner IS NOT NULL AND (owner <> @owner OR lease_until < @now)`,
  );

  const claimedAs = (stage: Stage, times: Times): object => {
    const status: TicketStatus = stage === 'draft' ? 'drafting' : 'posting';
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
      take(index, (limit) => claimLive.all({ ...claimedAs(stage, times), helpdesk, limit })),
    );
    offers.forEach(({ stage, helpdesk, batches }, index) => {
      if (!batches || claimed.length >= room) return;
      for (const { id, lane } of activeBatches.all(helpdesk)) {
        // drafts of the economy lane are bought by the thousand, not here
        if (stage === 'draft' && lane === 'economy') continue;
        take(index, (limit) => claimOfBatch.all({ ...claimedAs(stage, times), batchId: id, limit }));
      }
    });
    return claimed;
  };

  return {
    claim(offers: readonly ClaimOffer[], limit: number, times: Times): ClaimedJob[] {
      // A note on its way out beats a draft that is not begun: it frees its ticket and is what people wait for.
      const ordered = [...offers].toSorted((a, b) => Number(a.stage === 'draft') - Number(b.stage === 'draft'));
      const left = ordered.map((offer) => offer.limit);
      const rows = claimRows(ordered, left, limit, times);
      return rows.map((row) =>
        describe(row, jobs, row.batchId === null ? 'standard' : (tierOf.get(row.batchId) ?? 'standard')),
      );
    },

    heartbeat(claims: readonly Claim[], times: Times): Claim[] {
      return claims.filter(
        (claim) => extend.run(times.steady + leaseMs, claim.jobId, claim.attempt, claim.owner).changes === 0,
      );
    },

    /** A dead process's job goes back with the try it used up not counted as a failure. */
    reclaimExpired(times: Times): number {
      const rows = expired.all({ owner, now: times.steady });
      for (const row of rows) {
        row.status = 'retrying';
        row.owner = null;
        row.leaseUntil = null;
        row.dueAt = times.steady;
        row.updatedAt = times.wall;
        jobs.save(row);
      }
      // what was let arrive in a cancelled batch will not arrive any more
      if (rows.length > 0) tendCancelled.run();
      return rows.length;
    },
  };
}

function describe(row: JobRow, jobs: Jobs, tier: BatchLane): ClaimedJob {
  const ticket = jobs.ticketById(row.ticket);
  const stored = row.draftId === null ? undefined : jobs.draftById(row.draftId);
  return {
    jobId: row.id,
    attempt: row.attempt,
    owner: row.owner ?? '',
    helpdesk: row.helpdesk,
    ticketId: ticket.ticketId,
    stage: row.stage,
    lane: row.lane === 0 ? 'live' : 'batch',
    batchId: row.batchId,
    tier,
    stageAttempt: row.stageAttempt,
    failures: row.failures,
    marker: row.marker,
    traceparent: row.traceparent,
    queuedAt: row.queuedAt,
    postIntendedAt: row.postIntendedAt,
    draft: row.stage === 'post' && stored !== undefined ? toStoredDraft(stored) : null,
    earlier: ticket.postedMarker === null ? null : { seenMessageId: ticket.postedSeenId, marker: ticket.postedMarker },
    verify: row.verify === 1,
    post: row.post,
  };
}

/** The draft as the core knows it. */
export function toStoredDraft(row: DraftRow): StoredDraft & { readonly createdAt: number } {
  return {
    body: row.body,
    finding: row.finding,
    language: row.language,
    confidence: row.confidence,
    questions: JSON.parse(row.questions) as string[],
    sources: JSON.parse(row.sources) as StoredDraft['sources'],
    cut: row.cut,
    model: row.model,
    promptTokens: row.promptTokens,
    cachedTokens: row.cachedTokens,
    completionTokens: row.completionTokens,
    costUsd: row.costUsd,
    version: row.version,
    conversationVersion: row.conversationVersion,
    seenMessageId: row.seenMessageId,
    createdAt: row.createdAt,
  };
}
