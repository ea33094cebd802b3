import type { Claim, ClaimedJob, ClaimOffer, StoredDraft } from '../core/outbox.ts';
import type { TicketStatus } from '../core/ticket.ts';
import type { Connection } from './database.ts';
import type { Times } from './ingest.ts';
import type { DraftRow, JobRow, Jobs } from './jobs.ts';
import { columnsOf, prepare } from './rows.ts';
import { job } from './schema.ts';

/** Handing out, keeping and taking back jobs. Everything here runs inside a transaction. */
export function prepareClaims(connection: Connection, jobs: Jobs, owner: string, leaseMs: number) {
  // One partial-index range per (stage, helpdesk, lane): the cost does not depend on how many rows there are.
  const claimSome = prepare<JobRow>(
    connection,
    `UPDATE job SET owner = @owner, lease_until = @leaseUntil, due_at = NULL, status = @status,
       attempt = attempt + 1, stage_attempt = stage_attempt + 1, updated_at = @wall
     WHERE rowid IN (
       SELECT rowid FROM job
       WHERE due_at IS NOT NULL AND stage = @stage AND helpdesk = @helpdesk AND lane = @lane AND due_at <= @now
       ORDER BY due_at LIMIT @limit)
     RETURNING ${columnsOf(job)}`,
  );
  const extend = connection.prepare('UPDATE job SET lease_until = ? WHERE id = ? AND attempt = ? AND owner = ?');
  const expired = prepare<JobRow>(
    connection,
    `SELECT ${columnsOf(job)} FROM job WHERE owner IS NOT NULL AND (owner <> @owner OR lease_until < @now)`,
  );

  const claimLane = (
    lane: 0 | 1,
    offers: readonly ClaimOffer[],
    left: number[],
    room: number,
    times: Times,
  ): JobRow[] => {
    const claimed: JobRow[] = [];
    offers.forEach((offer, index) => {
      const limit = Math.min(left[index] ?? 0, room - claimed.length);
      if (limit <= 0) return;
      const status: TicketStatus = offer.stage === 'draft' ? 'drafting' : 'posting';
      const rows = claimSome.all({
        owner,
        leaseUntil: times.steady + leaseMs,
        status,
        wall: times.wall,
        stage: offer.stage,
        helpdesk: offer.helpdesk,
        lane,
        now: times.steady,
        limit,
      });
      left[index] = (left[index] ?? 0) - rows.length;
      claimed.push(...rows);
    });
    return claimed;
  };

  return {
    claim(offers: readonly ClaimOffer[], limit: number, times: Times): ClaimedJob[] {
      // A note on its way out beats a draft that is not begun: it frees its ticket and is what people wait for.
      const ordered = [...offers].toSorted((a, b) => Number(a.stage === 'draft') - Number(b.stage === 'draft'));
      const left = ordered.map((offer) => offer.limit);
      const live = claimLane(0, ordered, left, limit, times);
      const batch = claimLane(1, ordered, left, limit - live.length, times);
      return [...live, ...batch].map((row) => describe(row, jobs));
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
      return rows.length;
    },
  };
}

function describe(row: JobRow, jobs: Jobs): ClaimedJob {
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
