import type { Erasure } from '../core/erasure.ts';
import type { Claim, JobOutcome } from '../core/outbox.ts';
import { utcDay } from '../core/spend-guard.ts';
import type { Batches } from './batches.ts';
import { type ConsignmentRows, isConsigned } from './consignments.ts';
import type { Connection } from './database.ts';
import type { Times } from './ingest.ts';
import { isLive, type JobRow, type Jobs, rest, type TicketRow } from './jobs.ts';
import { customerDigest } from './knowledge-items.ts';
import { BUMP_VERSION } from './knowledge-tables.ts';
import { columnsOf, prepare } from './rows.ts';
import { FINISHED_WITH_TEXT, job, ticket } from './schema.ts';

/** Jobs of one transaction; each has a few drafts and tries. */
const OLD_JOBS = 50;
const TICKETS = 25;
const SPENDING_ROWS = 500;
const SOLVED_ROWS = 50;
/** No try that began before an erasure comes to its end later than this, ms. */
const LONGEST_TRY_MS = 3_600_000;

export type ErasedSlice = Omit<Erasure, 'filesCleaned' | 'spendingDays' | 'solved'>;

/** Removing texts: of what is old, and of one person. Everything here runs inside a transaction, a slice at a time. */
export function prepareForgetting(
  connection: Connection,
  jobs: Jobs,
  {
    batches,
    consignments,
  }: { batches: Pick<Batches, 'settle'>; consignments: Pick<ConsignmentRows, 'forget' | 'isSent'> },
) {
  const old = prepare<JobRow>(
    connection,
    `SELECT ${columnsOf(job)} FROM job WHERE ${FINISHED_WITH_TEXT} AND updated_at < ? ORDER BY updated_at LIMIT ${OLD_JOBS}`,
  );
  const blankDrafts = connection.prepare(
    `UPDATE draft SET body = NULL, finding = NULL, questions = '[]', sources = '[]', grounding = NULL, cut = NULL, review = NULL
     WHERE ticket = ? AND job_id = ? AND (body IS NOT NULL OR finding IS NOT NULL)`,
  );
  const blankErrors = connection.prepare('UPDATE attempt SET error = NULL WHERE job_id = ? AND error IS NOT NULL');
  const blankSubject = connection.prepare('UPDATE ticket SET subject = NULL WHERE id = ? AND job_id = ?');
  // only those of today are ever asked for
  const oldSpending = connection.prepare(
    `DELETE FROM spending WHERE rowid IN (SELECT rowid FROM spending WHERE day < ? AND scope <> '' LIMIT ${SPENDING_ROWS})`,
  );
  const ticketsOf = prepare<TicketRow>(
    connection,
    `SELECT ${columnsOf(ticket)} FROM ticket WHERE helpdesk = ? AND requester_id = ? LIMIT ${TICKETS}`,
  );
  const jobsOf = prepare<JobRow>(connection, `SELECT ${columnsOf(job)} FROM job WHERE ticket = ?`);
  const nextDay = connection.prepare<[string], string | null>('SELECT min(day) FROM spending WHERE day > ?').pluck();
  const removeSpending = connection.prepare('DELETE FROM spending WHERE day = ? AND scope = ?');

  const removeSolved = connection.prepare(
    `DELETE FROM knowledge_solved WHERE id IN (SELECT id FROM knowledge_solved WHERE customer IN (?, ?) LIMIT ${SOLVED_ROWS})`,
  );
  const rememberErased = connection.prepare('INSERT OR IGNORE INTO knowledge_erased (customer) VALUES (?)');
  const newKnowledge = connection.prepare(BUMP_VERSION);

  /** Who was erased when, Clock.steady ms: a try that began before may not bring the text back. */
  const erasedAt = new Map<string, number>();

  const blank = (row: JobRow): { readonly drafts: number; readonly errors: number } => {
    const drafts = blankDrafts.run(row.ticket, row.id).changes;
    const errors = blankErrors.run(row.id).changes;
    return { drafts, errors };
  };

  /** A note that may be on its way is let arrive, or is looked for: forgetting it would mean a second one some day. */
  const isArriving = (row: JobRow): boolean => row.stage === 'post' && row.postIntendedAt !== null;

  const end = (row: JobRow): void => {
    rest(row);
    row.status = 'cancelled';
    row.reason = 'erased';
  };

  const eraseJob = (row: JobRow, times: Times): ErasedSlice => {
    const { drafts, errors } = blank(row);
    const live = isLive(row);
    const posting = live && isArriving(row);
    const ends = live && !posting;
    const atProvider = consignments.isSent(row);
    const worker = ends && row.owner !== null && !isConsigned(row);
    const claim: Claim = { jobId: row.id, attempt: row.attempt, owner: row.owner ?? '' };
    consignments.forget(row);
    if (ends) end(row);
    jobs.save({
      ...row,
      error: null,
      query: null,
      textRemovedAt: times.wall,
      updatedAt: ends ? times.wall : row.updatedAt,
    });
    if (ends && row.batchId !== null) batches.settle(row.batchId, times);
    return {
      tickets: 0,
      drafts,
      errors,
      cancelled: Number(ends),
      notes: Number(row.noteId !== null),
      posting: Number(posting),
      atProvider: Number(atProvider),
      running: worker ? [claim] : [],
    };
  };

  return {
    /** Texts of finished work that has rested since before `before` (epoch ms). Answers how many rows it has gone through. */
    removeOld(before: number, times: Times): number {
      const rows = old.all(Math.floor(before));
      for (const row of rows) {
        blank(row);
        consignments.forget(row);
        jobs.save({ ...row, error: null, query: null, textRemovedAt: times.wall });
        blankSubject.run(row.ticket, row.id);
      }
      return rows.length + oldSpending.run(utcDay(before)).changes;
    },

    /** Some of a person's tickets; none are left when it answers none. */
    erase(helpdesk: string, requesterId: string, times: Times): ErasedSlice {
      remember(`${helpdesk} ${requesterId}`, times);
      const rows = ticketsOf.all(helpdesk, requesterId);
      const parts = rows.flatMap((row) => {
        jobs.saveTicket({ ...row, subject: null, requesterId: null });
        return jobsOf.all(row.id).map((one) => eraseJob(one, times));
      });
      return parts.reduce(addSlices, { ...NOTHING_ERASED, tickets: rows.length });
    },

    /** Some of a person's solved tickets; none are left when it answers 0. What an import calls by the bare id is theirs too. */
    eraseSolved(helpdesk: string, requesterId: string): number {
      const customer = `${helpdesk}/${requesterId}`;
      for (const name of [customer, requesterId]) rememberErased.run(customerDigest(name));
      const { changes } = removeSolved.run(customer, requesterId);
      if (changes > 0) newKnowledge.run();
      return changes;
    },

    /** Answers on how many days there was some. */
    eraseSpending(helpdesk: string, requesterId: string): number {
      let days = 0;
      for (let day = nextDay.get(''); typeof day === 'string'; day = nextDay.get(day)) {
        days += removeSpending.run(day, `${helpdesk} ${requesterId}`).changes;
      }
      return days;
    },

    /** Was the person of this outcome erased after the try began? */
    isVoid(helpdesk: string, outcome: JobOutcome, beganAt: number): boolean {
      const requesterId = 'facts' in outcome ? outcome.facts?.requesterId : null;
      return (erasedAt.get(`${helpdesk} ${requesterId ?? ''}`) ?? Number.NEGATIVE_INFINITY) >= Math.floor(beganAt);
    },

    end,
  };

  function remember(person: string, { steady }: Times): void {
    for (const [other, at] of erasedAt) if (at < steady - LONGEST_TRY_MS) erasedAt.delete(other);
    erasedAt.set(person, steady);
  }
}

export type Forgetting = ReturnType<typeof prepareForgetting>;

export const NOTHING_ERASED: ErasedSlice = {
  tickets: 0,
  drafts: 0,
  errors: 0,
  cancelled: 0,
  notes: 0,
  posting: 0,
  atProvider: 0,
  running: [],
};

export function addSlices(one: ErasedSlice, other: ErasedSlice): ErasedSlice {
  return {
    tickets: one.tickets + other.tickets,
    drafts: one.drafts + other.drafts,
    errors: one.errors + other.errors,
    cancelled: one.cancelled + other.cancelled,
    notes: one.notes + other.notes,
    posting: one.posting + other.posting,
    atProvider: one.atProvider + other.atProvider,
    running: [...one.running, ...other.running],
  };
}
