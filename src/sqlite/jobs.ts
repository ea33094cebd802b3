import type { Claim, Stage } from '../core/outbox.ts';
import { isFinal, type TicketStatus } from '../core/ticket.ts';
import type { Connection } from './database.ts';
import { columnsOf, insertInto, prepare, updateById } from './rows.ts';
import { draft, job, ticket } from './schema.ts';

export type JobRow = typeof job.$inferSelect;
export type TicketRow = typeof ticket.$inferSelect;
/** As stored: JSON columns are text. */
export type DraftRow = Omit<typeof draft.$inferSelect, 'questions' | 'sources'> & {
  readonly questions: string;
  readonly sources: string;
};

/** The statements that every write of the outbox is made of. Call inside a transaction only. */
export interface Jobs {
  byId(id: string): JobRow | undefined;
  /** The job, if the claim is still the one that holds it and its lease was not over at `awakeSince`. */
  held(claim: Claim, awakeSince: number): JobRow | undefined;
  insert(row: JobRow): void;
  /** Writes the whole row back. */
  save(row: JobRow): void;
  ticketOf(helpdesk: string, ticketId: string): TicketRow | undefined;
  ticketById(id: number): TicketRow;
  /** Answers the new row's id. */
  insertTicket(row: Omit<TicketRow, 'id'>): number;
  saveTicket(row: TicketRow): void;
  /** The job a ticket shows now, and the one before it. */
  currentOf(row: TicketRow): JobRow | undefined;
  previousOf(row: JobRow): JobRow | undefined;
  remove(row: JobRow): void;
  draftById(id: string): DraftRow | undefined;
  /** Jobs a worker would still touch. */
  pending(): number;
}

export function prepareJobs(connection: Connection): Jobs {
  const jobColumns = columnsOf(job);
  const byId = prepare<JobRow>(connection, `SELECT ${jobColumns} FROM job WHERE id = ?`);
  const held = prepare<JobRow>(
    connection,
    `SELECT ${jobColumns} FROM job WHERE id = ? AND attempt = ? AND owner = ? AND lease_until >= ?`,
  );
  const insert = connection.prepare(insertInto(job));
  const save = connection.prepare(updateById(job));
  const previous = prepare<JobRow>(
    connection,
    `SELECT ${jobColumns} FROM job WHERE ticket = ? AND rowid < (SELECT rowid FROM job WHERE id = ?)
     ORDER BY rowid DESC LIMIT 1`,
  );
  const removeJob = connection.prepare('DELETE FROM job WHERE id = ?');
  const removeAttempts = connection.prepare('DELETE FROM attempt WHERE job_id = ?');
  const ticketColumns = columnsOf(ticket);
  const ticketOf = prepare<TicketRow>(
    connection,
    `SELECT ${ticketColumns} FROM ticket WHERE helpdesk = ? AND ticket_id = ?`,
  );
  const ticketById = prepare<TicketRow>(connection, `SELECT ${ticketColumns} FROM ticket WHERE id = ?`);
  const insertTicket = connection.prepare(insertInto(ticket));
  const saveTicket = connection.prepare(updateById(ticket));
  const draftById = prepare<DraftRow>(connection, `SELECT ${columnsOf(draft)} FROM draft WHERE id = ?`);
  const pending = connection
    .prepare<[], number>(
      `SELECT coalesce(sum(n), 0) FROM status_count
       WHERE scope = '' AND status IN ('queued', 'drafting', 'retrying', 'posting')`,
    )
    .pluck();

  return {
    byId: (id) => byId.get(id),
    held: (claim, awakeSince) => held.get(claim.jobId, claim.attempt, claim.owner, awakeSince),
    insert: (row) => void insert.run(row),
    save: (row) => void save.run(row),
    ticketOf: (helpdesk, ticketId) => ticketOf.get(helpdesk, ticketId),
    ticketById: (id) => {
      const row = ticketById.get(id);
      if (row === undefined) throw new Error(`ticket row ${id} is missing`);
      return row;
    },
    insertTicket: (row) => Number(insertTicket.run({ ...row, id: null }).lastInsertRowid),
    saveTicket: (row) => void saveTicket.run(row),
    currentOf: (row) => byId.get(row.jobId),
    previousOf: (row) => previous.get(row.ticket, row.id),
    remove: (row) => {
      removeAttempts.run(row.id);
      removeJob.run(row.id);
    },
    draftById: (id) => draftById.get(id),
    pending: () => pending.get() ?? 0,
  };
}

/** Of a draft that is paid for the text is gone. */
export function isBlank({ body, finding }: Pick<DraftRow, 'body' | 'finding'>): boolean {
  return body === null && finding === null;
}

/** The job rests: no worker has it and none will take it by itself. */
export function rest(row: JobRow): void {
  row.dueAt = null;
  row.owner = null;
  row.leaseUntil = null;
  row.pendingAt = null;
  row.pendingMessageId = null;
}

/** The job waits for a worker from `dueAt` on. */
export function wait(row: JobRow, dueAt: number): void {
  row.dueAt = dueAt;
  row.owner = null;
  row.leaseUntil = null;
}

/** The job starts its stage afresh. */
export function enterStage(row: JobRow, stage: Stage, dueAt: number): void {
  row.stage = stage;
  row.stageAttempt = 0;
  row.failures = 0;
  row.reason = null;
  row.errorClass = null;
  row.error = null;
  if (stage === 'draft' && row.post === 'released') row.post = 'hold';
  wait(row, dueAt);
}

export function isLive(row: JobRow): boolean {
  return !isFinal(row.status);
}

const WITH_DRAFT = new Set<TicketStatus>(['posted', 'accepted', 'edited', 'discarded']);

/** Its draft answers the newest that we know of: a newer message would have made a newer job. */
export function hasCurrentDraft({ draftId, status }: JobRow): boolean {
  return draftId !== null && WITH_DRAFT.has(status);
}
