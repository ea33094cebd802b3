import {
  type AttemptTiming,
  type Claim,
  type JobOutcome,
  optionalFailure,
  type ReportResult,
  type Spent,
} from '../core/outbox.ts';
import type { SkipReason } from '../core/errors.ts';
import { utcDay } from '../core/spend-guard.ts';
import { covers } from '../core/message-order.ts';
import { isFinal } from '../core/ticket.ts';
import type { Batches } from './batches.ts';
import { type ConsignmentRows, isConsigned } from './consignments.ts';
import { groundingColumns } from './claimed-job.ts';
import type { Connection } from './database.ts';
import type { Forgetting } from './forgetting.ts';
import { type IngestParts, insertFollowUp, type Times } from './ingest.ts';
import { enterStage, type JobRow, rest, wait } from './jobs.ts';
import { insertInto, prepare } from './rows.ts';
import { attempt, draft } from './schema.ts';

/** Scope of the spending of all. */
const ALL = '';

/** `job.verify`. */
const OWN_DRAFT = 2;

type Drafted = Extract<JobOutcome, { kind: 'drafted' }>;
type Reviewed = Extract<JobOutcome, { kind: 'reviewed' }>;
type Queried = Extract<JobOutcome, { kind: 'queried' }>;
type Next = Drafted['next'] | Reviewed['next'];

interface Onward {
  readonly next: Next;
  /** With `skip`: why. */
  readonly reason?: SkipReason;
}

export interface ReportParts {
  readonly batches: Pick<Batches, 'settle' | 'isCancelling' | 'cancelJob' | 'spend'>;
  readonly consignments: Pick<ConsignmentRows, 'store' | 'settle'>;
  readonly forgetting: Pick<Forgetting, 'isVoid' | 'end'>;
}

function isReviewing(next: Next): next is 'review' | 'revise' {
  return next === 'review' || next === 'revise';
}

/** Turns what a worker's try came to into the job's next state. Inside a transaction. */
export function prepareReport(
  connection: Connection,
  parts: IngestParts,
  { batches, consignments, forgetting }: ReportParts,
) {
  const { jobs, newId } = parts;
  const insertAttempt = connection.prepare(insertInto(attempt));
  const insertDraft = connection.prepare(insertInto(draft));
  const setReview = connection.prepare('UPDATE draft SET review = ? WHERE id = ?');
  const addSpending = connection.prepare(
    `INSERT INTO spending (day, scope, cost_usd) VALUES (?, ?, ?)
     ON CONFLICT (day, scope) DO UPDATE SET cost_usd = cost_usd + excluded.cost_usd`,
  );
  const lastVersion = prepare<{ version: number }>(
    connection,
    'SELECT max(version) AS version FROM draft WHERE ticket = ?',
  );

  const record = (row: JobRow, outcome: JobOutcome, timing: AttemptTiming): void => {
    const failure = outcome.kind === 'retry' || outcome.kind === 'dead' ? outcome : optionalFailure(outcome);
    insertAttempt.run({
      id: null,
      ticket: row.ticket,
      jobId: row.id,
      stage: outcome.kind === 'queried' ? 'query' : row.stage,
      number: outcome.kind === 'queried' ? 1 : row.stageAttempt,
      startedAt: Math.floor(timing.startedAt),
      durationMs: Math.round(timing.durationMs),
      outcome:
        outcome.kind === 'retry'
          ? outcome.errorClass === 'cancelled'
            ? 'cancelled'
            : 'retry'
          : failure !== null
            ? 'dead'
            : 'ok',
      errorClass: failure?.errorClass ?? null,
      // its person was erased while the try went on
      error: row.textRemovedAt === null ? (failure?.error ?? null) : null,
      promptTokens: timing.spent?.usage.promptTokens ?? null,
      completionTokens: timing.spent?.usage.completionTokens ?? null,
      costUsd: timing.spent?.costUsd ?? null,
      waitedMs: timing.spent === null ? null : Math.round(timing.spent.waitedMs),
    });
  };

  /** Money that is gone is counted whatever the call has brought. */
  const account = (row: JobRow, spent: Spent, times: Times): void => {
    if (row.batchId !== null) batches.spend(row.batchId, spent);
    if (spent.costUsd === null || spent.costUsd === 0) return;
    const day = utcDay(times.wall);
    addSpending.run(day, ALL, spent.costUsd);
    const { requesterId } = jobs.ticketById(row.ticket);
    if (requesterId !== null) addSpending.run(day, `${row.helpdesk} ${requesterId}`, spent.costUsd);
  };

  const storeDraft = (row: JobRow, outcome: Drafted, times: Times): void => {
    const id = newId();
    insertDraft.run({
      ...outcome.draft,
      id,
      ticket: row.ticket,
      jobId: row.id,
      version: (lastVersion.get(row.ticket)?.version ?? 0) + 1,
      questions: JSON.stringify(outcome.draft.questions),
      sources: JSON.stringify(outcome.draft.sources),
      ...groundingColumns(outcome.draft),
      review: outcome.draft.review === null ? null : JSON.stringify(outcome.draft.review),
      conversationVersion: outcome.conversationVersion,
      seenMessageId: outcome.seenMessageId,
      createdAt: times.wall,
    });
    row.draftId = id;
  };

  const rememberFacts = (row: JobRow, outcome: JobOutcome): void => {
    if (!('facts' in outcome) || outcome.facts === undefined) return;
    const ticket = jobs.ticketById(row.ticket);
    if (ticket.subject === outcome.facts.subject && ticket.requesterId === outcome.facts.requesterId) return;
    jobs.saveTicket({ ...ticket, subject: outcome.facts.subject, requesterId: outcome.facts.requesterId });
  };

  /** Did the newest joined event ask for something the conversation, as fetched, did not hold? */
  const isSuperseded = (row: JobRow, outcome: Drafted): boolean =>
    row.pendingAt !== null &&
    row.pendingAt >= outcome.fetchedAt &&
    !covers(outcome.seenMessageId, row.pendingMessageId);

  const redraft = (row: JobRow, times: Times): ReportResult => {
    enterStage(row, 'draft', times.steady);
    row.textRemovedAt = null;
    // it was about what is no more the newest message
    row.query = null;
    row.status = 'queued';
    row.pendingAt = null;
    row.pendingMessageId = null;
    return 'superseded';
  };

  /** Held by a rule, it waits for its release also after it was cancelled and taken up again. */
  const holdOn = (row: JobRow): void => {
    if (row.post === 'auto') row.post = 'hold';
  };

  const goOn = (row: JobRow, { next, reason = 'no_draft' }: Onward, times: Times): void => {
    enterStage(row, isReviewing(next) ? next : 'post', times.steady);
    row.status = isReviewing(next) ? 'drafting' : 'posting';
    if (next === 'hold' || next === 'skip') rest(row);
    if (next === 'hold') {
      row.status = 'drafted';
      holdOn(row);
    }
    if (next === 'skip') {
      row.status = 'skipped';
      row.reason = reason;
    }
  };

  /** What becomes of a draft that answers all we know of. */
  const settle = (row: JobRow, onward: Onward, times: Times): void => {
    row.pendingAt = null;
    row.pendingMessageId = null;
    goOn(row, onward, times);
  };

  /** What becomes of one that was written, or judged, before something joined. */
  const overtaken = (row: JobRow, onward: Onward, times: Times): ReportResult => {
    const { next, reason } = onward;
    const isNamed = row.pendingMessageId !== null;
    // an event that names no message may tell nothing new: the look before the note will see
    if (!isNamed && (next === 'post' || isReviewing(next))) {
      goOn(row, onward, times);
      return 'ok';
    }
    // nobody looks before a draft is held: this is looked at on its own, and the draft kept if it told nothing
    if (!isNamed && next === 'hold') holdOn(row);
    if (!isNamed && (next === 'hold' || (row.post === 'auto' && reason === undefined))) row.verify = OWN_DRAFT;
    return redraft(row, times);
  };

  /** What has joined since the draft was stored, its review has not seen either. */
  const reviewed = (row: JobRow, { review, next }: Reviewed, times: Times): ReportResult => {
    if (review !== null && row.textRemovedAt === null) setReview.run(JSON.stringify(review), row.draftId);
    const seen = row.draftId === null ? undefined : jobs.draftById(row.draftId)?.seenMessageId;
    if (row.pendingAt !== null && !covers(seen ?? null, row.pendingMessageId)) return overtaken(row, { next }, times);
    settle(row, { next }, times);
    return 'ok';
  };

  const drafted = (row: JobRow, outcome: Drafted, times: Times): ReportResult => {
    storeDraft(row, outcome, times);
    row.verify = 0;
    if (outcome.hold === true) holdOn(row);
    if (isSuperseded(row, outcome)) return overtaken(row, outcome, times);
    settle(row, outcome, times);
    return 'ok';
  };

  /** The draft is next. What has joined meanwhile is a new question: then all is read and asked anew. */
  const queried = (row: JobRow, { words }: Queried, times: Times): ReportResult => {
    const { failures, stageAttempt } = row;
    if (row.pendingAt !== null) return redraft(row, times);
    enterStage(row, 'draft', times.steady);
    // neither a success nor a failure of the draft
    Object.assign(row, { failures, stageAttempt: stageAttempt - 1, status: 'drafting' });
    row.query = row.textRemovedAt === null ? words : '';
    return 'ok';
  };

  const posted = (row: JobRow, noteId: string, times: Times): void => {
    const pendingMessageId = row.pendingMessageId;
    const pending = row.pendingAt !== null;
    rest(row);
    row.status = 'posted';
    row.noteId = noteId;
    row.reason = null;
    row.errorClass = null;
    row.error = null;
    const seenMessageId = row.draftId === null ? null : (jobs.draftById(row.draftId)?.seenMessageId ?? null);
    const ticket = { ...jobs.ticketById(row.ticket), postedSeenId: seenMessageId, postedMarker: row.marker };
    jobs.saveTicket(ticket);
    jobs.save(row);
    // the customer wrote while the note was on its way
    if (pending && !covers(seenMessageId, pendingMessageId)) insertFollowUp(parts, row, times);
  };

  /** The event told nothing new: the job's own draft is what it was. */
  const keep = (row: JobRow, times: Times): void => {
    row.verify = 0;
    settle(row, { next: row.post === 'auto' ? 'skip' : 'hold' }, times);
    jobs.save(row);
  };

  /** The event told nothing new: its job vanishes, the ticket shows the job before it. */
  const forget = (row: JobRow): void => {
    const previous = jobs.previousOf(row);
    if (previous === undefined) throw new Error(`job ${row.id} repeats nothing`);
    jobs.remove(row);
    jobs.save({ ...previous, current: 1 });
    jobs.saveTicket({ ...jobs.ticketById(row.ticket), jobId: previous.id });
  };

  const failed = (row: JobRow, outcome: Extract<JobOutcome, { kind: 'retry' | 'dead' }>, times: Times): void => {
    row.errorClass = outcome.errorClass;
    row.error = row.textRemovedAt === null ? outcome.error : null;
    if (outcome.kind === 'dead') {
      rest(row);
      row.status = 'dead';
      row.reason = outcome.errorClass;
      row.noteId = outcome.noteId ?? row.noteId;
      return;
    }
    if (outcome.countsAsAttempt) row.failures += 1;
    if (!outcome.postInDoubt) row.postIntendedAt = null;
    row.status = 'retrying';
    wait(row, times.steady + Math.ceil(outcome.delayMs));
  };

  /** What was let arrive, and did not, ends with its batch. */
  const leaveCancelled = (row: JobRow, times: Times): void => {
    if (row.batchId === null || isFinal(row.status) || !batches.isCancelling(row.batchId)) return;
    if (row.owner === null) batches.cancelJob(row, times);
  };

  /** What comes too late is paid all the same. */
  const late = (claim: Claim, outcome: JobOutcome, timing: AttemptTiming, times: Times): void => {
    const row = jobs.byId(claim.jobId);
    if (row === undefined) return;
    if (timing.spent !== null) account(row, timing.spent, times);
    const keeps = isConsigned(claim) && row.status === 'cancelled' && row.current === 1;
    if (!keeps || row.attempt !== claim.attempt || outcome.kind !== 'drafted') return;
    // resumed some day, it is posted and not bought again
    record(row, outcome, timing);
    storeDraft(row, outcome, times);
    row.stage = isReviewing(outcome.next) ? outcome.next : 'post';
    row.stageAttempt = 0;
    row.failures = 0;
    row.reason = outcome.next === 'skip' ? (outcome.reason ?? 'no_draft') : null;
    if (outcome.next === 'hold' || outcome.hold === true) holdOn(row);
    row.updatedAt = times.wall;
    jobs.save(row);
  };

  /** The person was erased while the try went on, and before we knew whose ticket it is: only its cost is kept. */
  const erased = (row: JobRow, timing: AttemptTiming, times: Times): ReportResult => {
    if (timing.spent !== null) account(row, timing.spent, times);
    forgetting.end(row);
    row.textRemovedAt = times.wall;
    row.updatedAt = times.wall;
    jobs.save(row);
    if (row.batchId !== null) batches.settle(row.batchId, times);
    return 'lost';
  };

  const consign = (row: JobRow, outcome: Extract<JobOutcome, { kind: 'consigned' }>, times: Times): ReportResult => {
    // the customer wrote meanwhile: he does not wait for a day
    if (row.pendingAt !== null) return redraft(row, times);
    consignments.store(row, outcome, times);
    return 'ok';
  };

  return (claim: Claim, outcome: JobOutcome, timing: AttemptTiming, times: Times): ReportResult => {
    // a line of results that was read before
    if (isConsigned(claim) && !consignments.settle(claim)) return 'lost';
    const row = jobs.held(claim, times.awakeSince);
    if (row === undefined) {
      late(claim, outcome, timing, times);
      return 'lost';
    }
    if (forgetting.isVoid(row.helpdesk, outcome, times.steady - timing.durationMs)) return erased(row, timing, times);
    if (outcome.kind !== 'consigned') record(row, outcome, timing);
    rememberFacts(row, outcome);
    if (timing.spent !== null) account(row, timing.spent, times);
    row.crashes = 0;
    row.updatedAt = times.wall;
    let result: ReportResult = 'ok';
    // What joined after this try began, it cannot have read.
    const unread = row.pendingAt !== null && row.pendingAt >= times.steady - Math.ceil(timing.durationMs);
    if (unread && (outcome.kind === 'skipped' || outcome.kind === 'duplicate')) {
      result = redraft(row, times);
      jobs.save(row);
      leaveCancelled(row, times);
      return result;
    }
    switch (outcome.kind) {
      case 'drafted':
        result = drafted(row, outcome, times);
        jobs.save(row);
        break;
      case 'queried':
        result = queried(row, outcome, times);
        jobs.save(row);
        break;
      case 'reviewed':
        result = reviewed(row, outcome, times);
        jobs.save(row);
        break;
      case 'consigned':
        result = consign(row, outcome, times);
        jobs.save(row);
        break;
      case 'posted':
        posted(row, outcome.noteId, times);
        break;
      case 'duplicate':
        if (row.verify !== OWN_DRAFT) {
          forget(row);
          return 'ok';
        }
        keep(row, times);
        break;
      case 'outdated': {
        // should an earlier write of the note land after all, the reply still waits for an answer
        const { pendingAt, pendingMessageId } = row;
        redraft(row, times);
        if (row.postIntendedAt !== null) Object.assign(row, { pendingAt: pendingAt ?? times.steady, pendingMessageId });
        jobs.save(row);
        break;
      }
      case 'skipped':
        rest(row);
        row.status = 'skipped';
        row.reason = outcome.reason;
        row.rule = outcome.rule ?? null;
        jobs.save(row);
        break;
      case 'retry':
      case 'dead':
        failed(row, outcome, times);
        jobs.save(row);
        break;
    }
    leaveCancelled(row, times);
    if (row.batchId !== null && (isFinal(row.status) || row.status === 'drafted')) batches.settle(row.batchId, times);
    return result;
  };
}
