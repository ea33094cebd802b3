import type { ClaimOffer } from '../core/outbox.ts';
import type { TicketRef } from '../core/observer.ts';
import type { Batches } from './batches.ts';
import { IS_RUNNING } from './consignments.ts';
import type { Connection } from './database.ts';
import type { Times } from './ingest.ts';
import { type JobRow, type Jobs, rest } from './jobs.ts';
import { columnsOf, insertInto, prepare } from './rows.ts';
import { attempt, job } from './schema.ts';

/** A ticket in hand at so many deaths of the process is dead itself. */
const DEADLY = 3;
/** In hand at so many, it is tried alone: the next death is its own or nobody's. */
const SUSPECT = 2;
/** And not sooner than this after a start, ms: kill -9 in a loop would catch one that is alone first of all, each time. */
const TRIAL_AFTER_MS = 5_000;
/** Deaths longer ago say nothing about those of now, ms. */
const MEMORY_MS = 10 * 60_000;

/** A ticket that was given up, for those who must be told. */
export interface Condemned {
  readonly ticket: TicketRef;
  readonly batchId: string | null;
  readonly queuedAt: number;
}

/**
 * Finds the ticket that kills the process. Whoever is in hand when it dies is counted; from the second time on he is
 * tried alone, so that his neighbours are not buried with him; what ends a try, however it ends, clears him. Deaths at
 * which he was not in hand speak for another cause (kill -9 in a loop, the machine), and each asks for one more.
 */
export function prepareCrashes(connection: Connection, jobs: Jobs) {
  const atWork = connection.prepare(`SELECT 1 FROM meta WHERE key = 'at_work'`).pluck();
  const begin = connection.prepare(
    `INSERT INTO meta (key, value) VALUES ('at_work', '1') ON CONFLICT (key) DO NOTHING`,
  );
  const end = connection.prepare(`DELETE FROM meta WHERE key = 'at_work'`);
  const addCrash = connection.prepare('INSERT INTO crash (at) VALUES (?)');
  const forgetOld = connection.prepare('DELETE FROM crash WHERE at NOT BETWEEN ? AND ?');
  const forgetAll = connection.prepare('DELETE FROM crash');
  const countCrashes = connection.prepare<[], number>('SELECT count(*) FROM crash').pluck();
  const running = prepare<JobRow>(
    connection,
    IS_RUNNING.map((isRunning) => `SELECT ${columnsOf(job)} FROM job WHERE ${isRunning}`).join(' UNION ALL '),
  );
  const suspects = prepare<JobRow>(
    connection,
    `SELECT ${columnsOf(job)} FROM job WHERE crashes >= ${SUSPECT} ORDER BY crashes DESC, due_at`,
  );
  const insertAttempt = connection.prepare(insertInto(attempt));

  const condemn = (row: JobRow, times: Times): void => {
    const { errorClass, error } = CRASH_LOOP;
    insertAttempt.run({
      id: null,
      ticket: row.ticket,
      jobId: row.id,
      stage: row.stage,
      number: row.stageAttempt,
      startedAt: row.updatedAt,
      durationMs: 0,
      outcome: 'dead',
      errorClass,
      error,
      promptTokens: null,
      completionTokens: null,
      costUsd: null,
      waitedMs: null,
    });
    rest(row);
    row.crashes = 0;
    row.status = 'dead';
    row.reason = errorClass;
    row.errorClass = errorClass;
    row.error = error;
    row.updatedAt = times.wall;
  };

  const describe = (row: JobRow): Condemned => ({
    ticket: { helpdesk: row.helpdesk, ticketId: jobs.ticketById(row.ticket).ticketId, traceparent: row.traceparent },
    batchId: row.batchId,
    queuedAt: row.queuedAt,
  });

  return {
    /** A new process begins: judges what the last one had in hand, if it died. Answers whom it gave up. */
    begin(times: Times, { settle }: Pick<Batches, 'settle'>): readonly Condemned[] {
      const died = atWork.get() !== undefined;
      begin.run();
      if (!died) return [];
      addCrash.run(times.wall);
      forgetOld.run(times.wall - MEMORY_MS, times.wall);
      const deaths = countCrashes.get() ?? 0;
      const condemned = running.all().filter((row) => {
        row.crashes += 1;
        const others = Math.max(0, deaths - row.crashes);
        const guilty = row.crashes >= DEADLY + others;
        if (guilty) condemn(row, times);
        jobs.save(row);
        if (guilty && row.batchId !== null) settle(row.batchId, times);
        return guilty;
      });
      // they are explained, and speak for nobody else any more
      if (condemned.length > 0) forgetAll.run();
      return condemned.map(describe);
    },

    /** The end of this process is wanted: whatever it still has in hand then has not killed it. */
    leave: (): void => void end.run(),

    /** Who is to be tried alone now; `wait`: as soon as what runs is over; null: nobody. */
    trial(isOffered: (row: JobRow) => boolean, times: Times): JobRow | 'wait' | null {
      const rows = suspects.all();
      if (rows.length === 0) return null;
      if (rows.some((row) => row.owner !== null)) return 'wait';
      const next = rows.find((row) => row.dueAt !== null && row.dueAt <= times.steady && isOffered(row));
      if (next === undefined) return null;
      return running.get() === undefined ? next : 'wait';
    },
  };
}

/** How long a job that goes back to the queue waits, ms. */
export function trialDelayMs({ crashes }: Pick<JobRow, 'crashes'>): number {
  return crashes >= SUSPECT ? TRIAL_AFTER_MS : 0;
}

export type Crashes = ReturnType<typeof prepareCrashes>;

const CRASH_LOOP = {
  errorClass: 'crash_loop',
  error:
    'Draftdesk died three times while it worked on this ticket, the last time on this one alone. ' +
    'Look at the ticket (the note may be there) and at what the process said when it died; then retry.',
} as const;

/** Does an offer cover this live or batch job, whatever else is due? */
export function offerFor(row: JobRow, offers: readonly ClaimOffer[]): ClaimOffer | undefined {
  return offers.find(({ stage, helpdesk, limit }) => stage === row.stage && helpdesk === row.helpdesk && limit > 0);
}
