import type { BatchLane } from '../core/batch.ts';
import type { ClaimedJob, StoredDraft } from '../core/outbox.ts';
import type { Draft } from '../core/ticket.ts';
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
    verify: verifyOf(row, ticket.postedSeenId, stored?.seenMessageId ?? null),
    post: row.post === 'auto' ? 'auto' : 'hold',
    query: row.query,
  };
}

function verifyOf({ verify }: JobRow, postedSeenId: string | null, ownSeenId: string | null): ClaimedJob['verify'] {
  if (verify === 0) return null;
  return verify === 1
    ? { against: 'posted', seenMessageId: postedSeenId }
    : { against: 'own', seenMessageId: ownSeenId };
}

type GroundingNotes = Pick<StoredDraft, 'unproven' | 'missing' | 'closest'>;

const NOTHING_TOLD: GroundingNotes = { unproven: [], missing: [], closest: [] };

/** What a draft says of its proof, as it is stored. */
export function groundingColumns(draft: Draft): Pick<DraftRow, 'grounding' | 'versions'> {
  const { unproven, missing, closest, versions } = draft;
  const told = unproven.length + missing.length + closest.length > 0;
  return {
    grounding: told ? JSON.stringify({ unproven, missing, closest } satisfies GroundingNotes) : null,
    versions: versions === null ? null : JSON.stringify(versions),
  };
}

function readGrounding({ grounding, versions }: DraftRow): GroundingNotes & Pick<StoredDraft, 'versions'> {
  const notes = grounding === null ? NOTHING_TOLD : (JSON.parse(grounding) as GroundingNotes);
  return { ...notes, versions: versions === null ? null : (JSON.parse(versions) as StoredDraft['versions']) };
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
    ...readGrounding(row),
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
