import { traceIdOf } from '../core/clock.ts';
import type { CostedAttempt, TicketRound, TicketStory } from '../core/ticket-story.ts';
import type { TicketReader } from '../core/ticket-reader.ts';
import { toStoredDraft } from './claimed-job.ts';
import type { Connection } from './database.ts';
import { type DraftRow, isBlank, type JobRow, type Jobs } from './jobs.ts';
import { columnsOf, prepare } from './rows.ts';
import { attempt, draft, job } from './schema.ts';

/** Nobody reads more of one ticket; the newest are shown. */
const ROUNDS = 20;
const DRAFTS = 20;
const ATTEMPTS = 100;

type AttemptRow = typeof attempt.$inferSelect;

/** Reads how a ticket came to where it is. */
export function prepareStory(connection: Connection, jobs: Pick<Jobs, 'ticketOf'>): TicketReader['story'] {
  const rounds = prepare<JobRow>(
    connection,
    `SELECT ${columnsOf(job)} FROM job WHERE ticket = ? ORDER BY rowid DESC LIMIT ${ROUNDS}`,
  );
  const attempts = prepare<AttemptRow>(
    connection,
    `SELECT ${columnsOf(attempt)} FROM attempt WHERE job_id = ? ORDER BY id DESC LIMIT ${ATTEMPTS}`,
  );
  const drafts = prepare<DraftRow>(
    connection,
    `SELECT ${columnsOf(draft)} FROM draft WHERE ticket = ? ORDER BY version DESC LIMIT ${DRAFTS}`,
  );

  return (helpdesk, ticketId): TicketStory | null => {
    const known = jobs.ticketOf(helpdesk, ticketId);
    if (known === undefined) return null;
    return {
      rounds: rounds
        .all(known.id)
        .toReversed()
        .map((row) => toRound(row, attempts.all(row.id).toReversed())),
      drafts: drafts
        .all(known.id)
        .toReversed()
        .filter((row) => !isBlank(row))
        .map((row) => ({ ...toStoredDraft(row), roundId: row.jobId })),
    };
  };
}

function toRound(row: JobRow, attempts: readonly AttemptRow[]): TicketRound {
  const { id, marker, status, reason, batchId, createdAt, updatedAt, errorClass, error, noteId } = row;
  return {
    id,
    marker,
    status,
    reason,
    batchId,
    createdAt,
    updatedAt,
    errorClass,
    error,
    noteId,
    traceId: traceIdOf(row.traceparent),
    attempts: attempts.map(toAttempt),
  };
}

function toAttempt(row: AttemptRow): CostedAttempt {
  const { stage, number, startedAt, durationMs, outcome, errorClass, error } = row;
  const { promptTokens, completionTokens, costUsd, waitedMs } = row;
  return {
    stage,
    number,
    startedAt,
    durationMs,
    outcome,
    errorClass,
    error,
    promptTokens,
    completionTokens,
    costUsd,
    waitedMs,
  };
}
