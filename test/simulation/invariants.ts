import { isFinal, TRANSITIONS, type TicketStatus } from '../../src/core/ticket.ts';
import type { Connection } from '../../src/sqlite/database.ts';
import type { Entry, Vendor, VendorTicket } from './vendors.ts';

/** What must hold after every step does not. */
export class Violation extends Error {
  override readonly name = 'Violation';
}

export interface Acknowledged {
  readonly vendor: Vendor;
  readonly ticket: VendorTicket;
  readonly entry: Entry;
}

export interface Invariants {
  acknowledged(event: Acknowledged): void;
  /** A note may land after all waiting: it may double one there. */
  lateBeyondQuarantine(vendor: Vendor, ticketId: string): void;
  /** After each change at a vendor. */
  ticketChanged(vendor: Vendor, ticket: VendorTicket): void;
  /** After each step. */
  check(): void;
  /** Nothing goes on by itself any more. */
  isSettled(): boolean;
  /** Once nothing goes wrong any more and time has passed. */
  checkEnd(): void;
}

const REF = /Draftdesk ref (dd-[0-9a-f]{12})/;

interface Ended {
  readonly helpdesk: string;
  readonly ticketId: string;
  readonly status: TicketStatus;
  readonly reason: string | null;
  readonly marker: string;
  readonly noteId: string | null;
  readonly seen: string | null;
  readonly isCurrent: number;
}

/** `actor`: whose step it was that came last. */
export function createInvariants(connection: Connection, actor: () => string): Invariants {
  connection.exec(`
    CREATE TEMP TABLE moved (id TEXT, before TEXT, after TEXT, attempt_before INTEGER, attempt_after INTEGER);
    CREATE TEMP TRIGGER watch AFTER UPDATE ON main.job WHEN old.status <> new.status OR old.attempt > new.attempt
    BEGIN
      INSERT INTO moved VALUES (new.id, old.status, new.status, old.attempt, new.attempt);
    END;
    CREATE TEMP TABLE reported (job TEXT, owner TEXT);
    CREATE TEMP TRIGGER watch_reports AFTER INSERT ON main.attempt
    BEGIN
      INSERT INTO reported SELECT id, owner FROM job WHERE id = new.job_id;
    END;`);
  const changes = connection.prepare<[], number>('SELECT total_changes()').pluck();
  const moved = connection.prepare<[], { id: string; before: TicketStatus; after: TicketStatus; back: number }>(
    'SELECT id, before, after, attempt_before > attempt_after AS back FROM temp.moved ORDER BY rowid',
  );
  const clear = connection.prepare('DELETE FROM temp.moved');
  const reported = connection.prepare<[], { job: string; owner: string | null }>(
    'SELECT job, owner FROM temp.reported',
  );
  const clearReported = connection.prepare('DELETE FROM temp.reported');
  /** What waits has a due time, what is worked on an owner and a lease, what is over neither. */
  const illegal = connection.prepare<[], { id: string; status: string; wrong: string }>(`
    SELECT id, status, CASE
        WHEN (owner IS NULL) <> (lease_until IS NULL) THEN 'owner without lease'
        WHEN status IN ('queued', 'retrying') AND (due_at IS NULL OR owner IS NOT NULL) THEN 'does not wait'
        WHEN status = 'drafting' AND stage = 'draft' AND (owner IS NULL OR due_at IS NOT NULL) THEN 'is not worked on'
        WHEN status IN ('drafting', 'posting') AND (owner IS NULL) = (due_at IS NULL) THEN 'neither waits nor is worked on'
        WHEN stage IN ('review', 'revise') AND draft_id IS NULL THEN 'has no draft to review'
        WHEN status NOT IN ('queued', 'retrying', 'drafting', 'posting') AND (owner IS NOT NULL OR due_at IS NOT NULL)
          THEN 'is over and goes on'
        WHEN status = 'posted' AND note_id IS NULL THEN 'is posted without a note'
      END AS wrong
    FROM job WHERE wrong IS NOT NULL`);
  const currents = connection.prepare<[], { ticket: number; n: number }>(
    'SELECT ticket, sum(current) AS n FROM job GROUP BY ticket HAVING n <> 1',
  );
  const known = connection
    .prepare<[], string>(
      `SELECT ticket.helpdesk || ' ' || ticket_id FROM ticket JOIN job ON job.id = ticket.job_id AND job.current = 1`,
    )
    .pluck();
  const unsettled = connection
    .prepare<[], number>(
      `SELECT (SELECT count(*) FROM job WHERE status IN ('queued', 'retrying', 'drafting', 'posting'))
         + (SELECT count(*) FROM batch WHERE todo = 1 OR state = 'cancelling')`,
    )
    .pluck();
  const ended = connection.prepare<[], Ended>(
    `SELECT job.helpdesk, ticket.ticket_id AS ticketId, status, reason, marker, note_id AS noteId,
       draft.seen_message_id AS seen, job.current AS isCurrent
     FROM job JOIN ticket ON ticket.id = job.ticket LEFT JOIN draft ON draft.id = job.draft_id`,
  );
  const miscounted = connection
    .prepare<[], number>(
      `SELECT count(*) FROM (
         SELECT status, count(*) AS n FROM job WHERE current = 1 GROUP BY status
         EXCEPT SELECT status, n FROM status_count WHERE scope = '')`,
    )
    .pluck();

  const acknowledged = new Map<string, Acknowledged[]>();
  const beyond = new Map<string, number>();
  let lastChanges = -1;

  const fail = (text: string): never => {
    throw new Violation(text);
  };

  const checkMoves = (): void => {
    const moves = moved.all();
    if (moves.length === 0) return;
    for (const { id, before, after, back } of moves) {
      if (back === 1) fail(`job ${id}: its attempt went back`);
      if (before !== after && !TRANSITIONS[before].includes(after)) fail(`job ${id} went from ${before} to ${after}`);
    }
    clear.run();
  };

  const checkReports = (): void => {
    const reports = reported.all();
    if (reports.length === 0) return;
    for (const { job, owner } of reports) if (owner !== actor()) fail(`${actor()} ends job ${job} of ${owner}`);
    clearReported.run();
  };

  const checkServed = (key: string, events: readonly Acknowledged[], jobs: readonly Ended[]): void => {
    const { vendor, ticket, entry } = events.at(-1) ?? fail('no events');
    const asked = Math.max(...events.map((event) => ticket.entries.indexOf(event.entry)));
    const positionOf = (messageId: string | null): number =>
      ticket.entries.findIndex((one) => vendor.messageId(ticket, one) === messageId);
    if (jobs.some(({ status, seen }) => status === 'posted' && positionOf(seen) >= asked)) return;
    const current = jobs.find(({ isCurrent }) => isCurrent === 1);
    if (current === undefined) return fail(`${key}: acknowledged message ${entry.id} is lost`);
    const answered = ticket.entries
      .slice(asked + 1)
      .some(({ author, public: isPublic }) => author === 'agent' && isPublic);
    const { status, reason } = current;
    if (status === 'dead' || (status === 'drafted' && positionOf(current.seen) >= asked)) return;
    if (status === 'skipped' && (answered || (reason === 'closed' && ticket.closed))) return;
    fail(`${key} is ${status} (${reason}), but message ${entry.id} is acknowledged and has no answer`);
  };

  return {
    acknowledged: (event) => {
      const key = `${event.vendor.name} ${event.ticket.id}`;
      acknowledged.set(key, [...(acknowledged.get(key) ?? []), event]);
    },
    lateBeyondQuarantine: (vendor, ticketId) => {
      const key = `${vendor.name} ${ticketId}`;
      beyond.set(key, (beyond.get(key) ?? 0) + 1);
    },
    ticketChanged: (vendor, ticket) => {
      const key = `${vendor.name} ${ticket.id}`;
      const counts = new Map<string, number>();
      for (const { author, body, public: isPublic } of ticket.entries) {
        if (author !== 'us') continue;
        if (isPublic) fail(`${key}: a note of ours is public`);
        const marker = REF.exec(body)?.[1] ?? fail(`${key}: a note without a marker`);
        counts.set(marker, (counts.get(marker) ?? 0) + 1);
      }
      const most = 1 + (vendor.name === 'freshdesk' ? (beyond.get(key) ?? 0) : 0);
      for (const [marker, count] of counts) if (count > most) fail(`${key} has ${count} notes ${marker}`);
    },
    check: () => {
      const now = changes.get() ?? 0;
      if (now === lastChanges) return;
      checkMoves();
      checkReports();
      for (const { id, status, wrong } of illegal.all()) fail(`job ${id} (${status}) ${wrong}`);
      for (const { ticket, n } of currents.all()) fail(`ticket row ${ticket} has ${n} current jobs`);
      const stored = new Set(known.all());
      for (const key of acknowledged.keys()) if (!stored.has(key)) fail(`${key} is acknowledged and not stored`);
      lastChanges = changes.get() ?? 0;
    },
    isSettled: () => unsettled.get() === 0,
    checkEnd: () => {
      const jobs = ended.all();
      for (const { helpdesk, ticketId, status } of jobs)
        if (!isFinal(status) && status !== 'drafted') fail(`${helpdesk} ${ticketId} is stuck: ${status}`);
      for (const [key, events] of acknowledged)
        checkServed(
          key,
          events,
          jobs.filter(({ helpdesk, ticketId }) => `${helpdesk} ${ticketId}` === key),
        );
      if (miscounted.get() !== 0) fail('the counts of statuses are wrong');
    },
  };
}
