import { type Batches, type BatchRow, readList, type Release, type Revival } from './batches.ts';
import { IS_CONSIGNED } from './consignments.ts';
import type { Connection } from './database.ts';
import { type IngestParts, insertJob, type Times } from './ingest.ts';
import { hasCurrentDraft, isLive, type JobRow } from './jobs.ts';
import type { Operator } from './operator.ts';
import { columnsOf, prepare } from './rows.ts';
import { job, NOT_YET } from './schema.ts';

/** Rows per slice: each slice is one transaction, and holds the event loop for some ms. */
const ROWS = 200;
/** Of slices that are one statement. */
const ROWS_AT_ONCE = 500;

/**
 * Everything that touches many rows of a batch is decided by one small write, and carried out here slice by slice, so
 * that 10,000 tickets hold up nobody and a killed process goes on where it was.
 */
export function prepareTending(connection: Connection, parts: IngestParts, batches: Batches, operator: Operator) {
  const { jobs } = parts;
  const nextTodo = connection.prepare<[], string>('SELECT id FROM batch WHERE todo = 1 ORDER BY id LIMIT 1').pluck();
  const idsOf = prepare<{ ids: string; position: number }>(
    connection,
    'SELECT ids, position FROM batch_ids WHERE batch_id = ?',
  );
  const moveIds = connection.prepare('UPDATE batch_ids SET position = ? WHERE batch_id = ?');
  const removeIds = connection.prepare('DELETE FROM batch_ids WHERE batch_id = ?');
  const inBatch = connection.prepare<[number, string], number>('SELECT 1 FROM job WHERE ticket = ? AND batch_id = ?');
  const cancelWhere = (where: string): string =>
    `UPDATE job SET status = 'cancelled', due_at = NULL, owner = NULL, lease_until = NULL, updated_at = @wall
     WHERE rowid IN (SELECT rowid FROM job WHERE batch_id = @id AND ${where} LIMIT ${ROWS_AT_ONCE})`;
  const cancelWaiting = connection.prepare(cancelWhere('due_at IS NOT NULL AND lane = 1 AND pending_at IS NULL'));
  const cancelConsigned = connection.prepare(cancelWhere(IS_CONSIGNED));
  const cancelHeld = connection.prepare(cancelWhere(`status = 'drafted' AND lane = 1 AND pending_at IS NULL`));
  const select = (where: string) =>
    prepare<JobRow>(connection, `SELECT ${columnsOf(job)} FROM job WHERE batch_id = @id AND ${where}`);
  // what customers have written to meanwhile
  const joined = [
    select('lane = 0'),
    select('due_at IS NOT NULL AND lane = 1'),
    select(`status = 'drafted' AND pending_at IS NOT NULL`),
  ];
  const open = connection.prepare(
    `UPDATE job SET due_at = @now WHERE rowid IN (
       SELECT rowid FROM job WHERE batch_id = @id AND stage = 'draft' AND (attempt = 0) = 1 AND due_at = ${NOT_YET} AND lane = 1 LIMIT @limit)`,
  );
  const ended = prepare<JobRow>(
    connection,
    `SELECT ${columnsOf(job)} FROM job
     WHERE batch_id = @id AND status IN ('dead', 'cancelled') AND status = @status AND id > @after ORDER BY id LIMIT ${ROWS}`,
  );
  const held = prepare<JobRow>(
    connection,
    `SELECT ${columnsOf(job)} FROM job
     WHERE batch_id = @id AND status = 'drafted' AND id > @after ORDER BY id LIMIT ${ROWS}`,
  );

  /** Ids that were not taken, by batch, for who asked for it. */
  const duplicates = new Map<string, string[]>();

  const addTicket = (row: BatchRow, ticketId: string, times: Times): void => {
    const known = jobs.ticketOf(row.helpdesk, ticketId);
    const current = known === undefined ? undefined : jobs.currentOf(known);
    const twice = known !== undefined && inBatch.get(known.id, row.id) !== undefined;
    if (twice || (current !== undefined && isLive(current))) {
      duplicates.get(row.id)?.push(ticketId);
      return;
    }
    if (row.skipDrafted === 1 && current !== undefined && hasCurrentDraft(current)) {
      row.skippedDrafted += 1;
      return;
    }
    const due = row.target === null || row.opened < row.target;
    insertJob(
      parts,
      known,
      {
        helpdesk: row.helpdesk,
        ticketId,
        lane: 'batch',
        batchId: row.id,
        post: row.post,
        traceparent: parts.traceparentFor({ helpdesk: row.helpdesk, ticketId, batchId: row.id }),
        eventKey: `batch ${row.id}`,
        verify: false,
        priority: null,
        due,
      },
      times,
    );
    row.total += 1;
    if (due) row.opened += 1;
  };

  const expand = (row: BatchRow, times: Times): boolean => {
    const waiting = idsOf.get(row.id);
    if (waiting === undefined) return false;
    const ids = JSON.parse(waiting.ids) as string[];
    const end = waiting.position + ROWS;
    for (const ticketId of ids.slice(waiting.position, end)) addTicket(row, ticketId, times);
    if (end >= ids.length) removeIds.run(row.id);
    else moveIds.run(end, row.id);
    return true;
  };

  const cancelSome = (row: BatchRow, times: Times): boolean => {
    const { id } = row;
    if (cancelWaiting.run({ id, wall: times.wall }).changes > 0) return true;
    if (cancelConsigned.run({ id, wall: times.wall }).changes > 0) return true;
    if (cancelHeld.run({ id, wall: times.wall }).changes > 0) return true;
    const rows = joined.flatMap((statement) => statement.all({ id }));
    // what is being written is let arrive
    const free = rows.filter((one) => isLive(one) && one.owner === null).slice(0, ROWS);
    for (const one of free) batches.cancelJob(one, times);
    return free.length > 0;
  };

  const openSome = (row: BatchRow, times: Times): boolean => {
    const left = (row.target ?? row.total) - row.opened;
    if (left <= 0) return false;
    const { changes } = open.run({ id: row.id, now: times.steady, limit: Math.min(left, ROWS_AT_ONCE) });
    row.opened += changes;
    return changes > 0;
  };

  /** A cancelled batch goes on in the phase of its ramp-up: what had not begun waits again. */
  const reopenPhase = (row: BatchRow, one: JobRow): void => {
    if (row.target === null) return;
    if (one.attempt > 0 || one.stage !== 'draft' || row.opened < row.target) row.opened += 1;
    else {
      one.dueAt = NOT_YET;
      jobs.save(one);
    }
  };

  const reviveSome = (row: BatchRow, times: Times): boolean => {
    const [first, ...others] = readList<Revival>(row.revive);
    if (first === undefined) return false;
    const { status, errorClass, after } = first;
    const rows = ended.all({ id: row.id, status, after });
    for (const one of rows) {
      // who was erased is not fetched again, unless somebody asks for that ticket
      if (one.current === 0 || one.reason === 'erased' || (errorClass !== null && one.errorClass !== errorClass))
        continue;
      operator.revive(one, times);
      if (status !== 'cancelled') continue;
      reopenPhase(row, one);
      // held again: it came out before the batch was told to go on
      if (one.status === 'drafted') row.forgivenProcessed += 1;
    }
    const last = rows.at(-1);
    if (last !== undefined) others.unshift({ status, errorClass, after: last.id });
    else if (status === 'dead' && errorClass === null) others.unshift({ status: 'cancelled', errorClass, after: '' });
    row.revive = writeList(others);
    return true;
  };

  const releaseSome = (row: BatchRow, times: Times): boolean => {
    const [first, ...others] = readList<Release>(row.release);
    if (first === undefined) return false;
    const { minConfidence, after } = first;
    const rows = held.all({ id: row.id, after });
    for (const one of rows) {
      const confidence = one.draftId === null ? 0 : (jobs.draftById(one.draftId)?.confidence ?? 0);
      if (minConfidence === null || confidence >= minConfidence) operator.release(one, times);
    }
    const last = rows.at(-1);
    if (last !== undefined) others.unshift({ minConfidence, after: last.id });
    row.release = writeList(others);
    return true;
  };

  return {
    /** One slice of whatever is left; false when nothing is. Inside a transaction. */
    slice(times: Times): boolean {
      const id = nextTodo.get();
      const row = id === undefined ? undefined : batches.byId(id);
      if (row === undefined) return false;
      const worked =
        expand(row, times) ||
        (row.state === 'cancelling'
          ? cancelSome(row, times)
          : openSome(row, times) || reviveSome(row, times) || releaseSome(row, times));
      if (!worked) row.todo = 0;
      batches.save(row);
      if (!worked) batches.settle(row.id, times);
      return true;
    },

    isLeft: (): boolean => nextTodo.get() !== undefined,

    /** Tickets of a walk's next page; `nextCursor` is undefined while more of that page follows. Inside a transaction. */
    addPage(batchId: string, ticketIds: readonly string[], nextCursor: string | null | undefined, times: Times): void {
      const row = batches.byId(batchId);
      // fetched before it was stopped: asked for again when it goes on
      if (row === undefined || row.listing === 0 || (row.state !== 'running' && row.state !== 'canary')) return;
      for (const ticketId of ticketIds) addTicket(row, ticketId, times);
      if (nextCursor !== undefined) {
        row.cursor = nextCursor;
        row.listing = nextCursor === null ? 0 : 1;
      }
      batches.save(row);
      batches.settle(batchId, times);
    },

    /** Begins to note which ids of a batch are not taken; `take` answers them and ends it. */
    note: (id: string): void => void duplicates.set(id, []),
    take(id: string): readonly string[] {
      const found = duplicates.get(id) ?? [];
      duplicates.delete(id);
      return found;
    },
  };
}

function writeList(items: readonly unknown[]): string | null {
  return items.length === 0 ? null : JSON.stringify(items);
}
