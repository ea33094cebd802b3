import { createHmac } from 'node:crypto';
import type { NewId } from '../core/clock.ts';
import type { TicketEvent } from '../core/helpdesk.ts';
import type { IngestRequest, IngestResult, WorkOrigin } from '../core/outbox.ts';
import { covers } from '../core/message-order.ts';
import { type Lane, PRIORITIES, type Priority } from '../core/ticket.ts';
import { type ConsignmentRows, isConsigned } from './consignments.ts';
import type { Connection } from './database.ts';
import { enterStage, isLive, type JobRow, type Jobs, type TicketRow, wait } from './jobs.ts';
import { laneNumber, NOT_YET } from './schema.ts';

export interface NewJob {
  readonly helpdesk: string;
  readonly ticketId: string;
  readonly lane: Lane;
  readonly batchId: string | null;
  readonly post: 'auto' | 'hold';
  readonly traceparent: string;
  /** Makes the marker: the same event gives the same marker, also after a restore. */
  readonly eventKey: string | null;
  /** Compare with the posted draft once fetched. */
  readonly verify: boolean;
  readonly priority: Priority | null;
  /** False: its batch has not let it go yet. */
  readonly due: boolean;
}

export interface Times {
  /** Clock.steady, whole ms. */
  readonly steady: number;
  /** Wall clock, whole ms. */
  readonly wall: number;
  /** Clock.steady: leases that were over then are void, see `watchSleep`. */
  readonly awakeSince: number;
}

export interface IngestParts {
  readonly jobs: Jobs;
  readonly newId: NewId;
  readonly installationKey: string;
  readonly maxPending: number;
  readonly traceparentFor: (origin: WorkOrigin) => string;
}

/** Creates the job a ticket shows from now on; an earlier, finished one steps back. Inside a transaction. */
export function insertJob(parts: IngestParts, known: TicketRow | undefined, request: NewJob, times: Times): JobRow {
  const { jobs } = parts;
  const id = parts.newId();
  const ticketRow = known ?? {
    id: 0,
    helpdesk: request.helpdesk,
    ticketId: request.ticketId,
    subject: null,
    requesterId: null,
    jobId: id,
    postedSeenId: null,
    postedMarker: null,
    createdAt: times.wall,
  };
  if (known === undefined) ticketRow.id = jobs.insertTicket(ticketRow);
  else {
    const earlier = jobs.currentOf(known);
    if (earlier !== undefined) jobs.save({ ...earlier, current: 0 });
    known.jobId = id;
    jobs.saveTicket(known);
  }
  const row: JobRow = {
    id,
    ticket: ticketRow.id,
    helpdesk: request.helpdesk,
    batchId: request.batchId,
    status: 'queued',
    stage: 'draft',
    lane: laneNumber(request.lane),
    priority: priorityNumber(request.priority),
    dueAt: request.due ? times.steady : NOT_YET,
    readyAt: null,
    owner: null,
    leaseUntil: null,
    attempt: 0,
    stageAttempt: 0,
    failures: 0,
    crashes: 0,
    marker: makeMarker(parts.installationKey, [request.helpdesk, request.ticketId, request.eventKey ?? id]),
    traceparent: request.traceparent,
    verify: request.verify ? 1 : 0,
    post: request.post,
    draftId: null,
    query: null,
    rule: null,
    postIntendedAt: null,
    pendingAt: null,
    pendingMessageId: null,
    reason: null,
    errorClass: null,
    error: null,
    noteId: null,
    textRemovedAt: null,
    current: 1,
    queuedAt: times.steady,
    createdAt: times.wall,
    updatedAt: times.wall,
  };
  jobs.insert(row);
  return row;
}

/**
 * New work for a reply that came while `row` had the ticket: it was acknowledged on its own. Where a note has been
 * posted, it is compared with that first. Inside a transaction, after `row` is saved as it ends.
 */
export function insertFollowUp(parts: IngestParts, row: JobRow, times: Times): JobRow {
  const ticket = parts.jobs.ticketById(row.ticket);
  return insertJob(
    parts,
    ticket,
    {
      helpdesk: row.helpdesk,
      ticketId: ticket.ticketId,
      lane: 'live',
      batchId: null,
      post: 'auto',
      traceparent: row.traceparent,
      eventKey: null,
      verify: ticket.postedSeenId !== null,
      priority: PRIORITIES[row.priority] ?? null,
      due: true,
    },
    times,
  );
}

/** Stores what a webhook told, once (reliability.md promise 4). Inside a transaction. */
export function prepareIngest(
  connection: Connection,
  parts: IngestParts,
  consignments: Pick<ConsignmentRows, 'seenBy'>,
) {
  const { jobs } = parts;
  const isKnown = connection
    .prepare<[string, string], number>('SELECT 1 FROM event WHERE helpdesk = ? AND key = ?')
    .pluck();
  const remember = connection.prepare('INSERT INTO event (helpdesk, key, ticket, received_at) VALUES (?, ?, ?, ?)');

  return ({ helpdesk, event, traceparent }: IngestRequest, times: Times): IngestResult => {
    if (event.key !== null && isKnown.get(helpdesk, event.key) !== undefined) return 'duplicate';
    const known = jobs.ticketOf(helpdesk, event.ticketId);
    const current = known === undefined ? undefined : jobs.currentOf(known);
    const finish = (ticketRowId: number, result: IngestResult): IngestResult => {
      if (event.key !== null) remember.run(helpdesk, event.key, ticketRowId, times.wall);
      return result;
    };

    if (known !== undefined && current !== undefined && isLive(current)) {
      return finish(known.id, join(current, event, times));
    }
    const seen = current === undefined ? null : seenBy(current);
    if (known !== undefined && (covers(known.postedSeenId, event.messageId) || covers(seen, event.messageId))) {
      return finish(known.id, 'duplicate');
    }
    if (jobs.pending() >= parts.maxPending) return 'full';
    const row = insertJob(
      parts,
      known,
      {
        helpdesk,
        ticketId: event.ticketId,
        lane: 'live',
        batchId: null,
        post: 'auto',
        traceparent,
        eventKey: event.key,
        verify: known !== undefined && known.postedSeenId !== null,
        priority: event.priority,
        due: true,
      },
      times,
    );
    return finish(row.ticket, 'accepted');
  };

  /** The newest message that the job's own draft has seen. */
  function seenBy(row: JobRow): string | null {
    return row.draftId === null ? null : (jobs.draftById(row.draftId)?.seenMessageId ?? null);
  }

  /** A newer event meets work that is not over yet. */
  function join(row: JobRow, { messageId, key, priority }: TicketEvent, times: Times): IngestResult {
    if (row.stage !== 'draft' && covers(seenBy(row), messageId)) return 'duplicate';
    if (isConsigned(row) && covers(consignments.seenBy(row), messageId)) return 'duplicate';
    // Somebody waits for this ticket now: it leaves the back-log's lane.
    row.lane = laneNumber('live');
    if (priority !== null) row.priority = priorityNumber(priority);
    if (row.dueAt === NOT_YET) row.dueAt = times.steady;
    row.updatedAt = times.wall;
    const answer: IngestResult = key === null ? 'duplicate' : 'joined';
    if (isConsigned(row)) {
      // nobody waits a day for an answer to something older: what comes of the consignment is void
      row.status = 'queued';
      wait(row, times.steady);
    }
    const waitsForDraft = row.stage === 'draft' && row.owner === null;
    if (waitsForDraft) {
      jobs.save(row);
      return answer;
    }
    const untouchedDraft = row.stage !== 'draft' && row.owner === null && row.postIntendedAt === null;
    if (untouchedDraft && messageId !== null) {
      // The stored draft does not answer this message; nothing of it is posted yet.
      enterStage(row, 'draft', times.steady);
      row.status = 'queued';
    } else {
      row.pendingMessageId = row.pendingAt === null ? messageId : newest(row.pendingMessageId, messageId);
      row.pendingAt = times.steady;
    }
    jobs.save(row);
    return answer;
  }
}

/** Null, an event that names no message, is the newest of all until somebody has looked. */
function newest(one: string | null, other: string | null): string | null {
  if (one === null || other === null) return null;
  return covers(one, other) ? one : other;
}

function makeMarker(installationKey: string, parts: readonly string[]): string {
  return `dd-${createHmac('sha256', installationKey).update(parts.join('\n')).digest('hex').slice(0, 12)}`;
}

/** What is not told is normal. */
function priorityNumber(priority: Priority | null): number {
  return PRIORITIES.indexOf(priority ?? 'normal');
}
