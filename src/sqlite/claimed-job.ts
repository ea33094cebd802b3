import type { BatchLane } from '../core/batch.ts';
import type { ClaimedJob, StoredDraft } from '../core/outbox.ts';
import type { DraftRow, JobRow, Jobs } from './jobs.ts';

/** A job as a worker gets it; `tier` is how its draft is bought. */
export function describeJob(row: JobRow, jobs: Jobs, tier: BatchLane): ClaimedJob {
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
    readyAt: row.readyAt ?? row.queuedAt,
    postIntendedAt: row.postIntendedAt,
    draft: row.stage !== 'draft' && stored !== undefined ? toStoredDraft(stored) : null,
    earlier: ticket.postedMarker === null ? null : { seenMessageId: ticket.postedSeenId, marker: ticket.postedMarker },
    verify: row.verify === 1,
    post: row.post === 'auto' ? 'auto' : 'hold',
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
    review: row.review === null ? null : (JSON.parse(row.review) as StoredDraft['review']),
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
