import { type Clock, type NewId, newTraceparent, sha256 } from '../core/clock.ts';
import type { ErrorClass } from '../core/errors.ts';
import type { Consignments } from '../core/consignment.ts';
import {
  type BatchActionResult,
  type BatchChange,
  leaveToLater,
  type Outbox,
  OutboxUnavailable,
  type Pause,
  type WorkOrigin,
} from '../core/outbox.ts';
import { prepareTending } from './batch-tending.ts';
import type { StoreFault } from '../core/store-fault.ts';
import { prepareBatches } from './batches.ts';
import { prepareClaims } from './claims.ts';
import { prepareConsignments } from './consignments.ts';
import { type Condemned, prepareCrashes } from './crashes.ts';
import { type Connection, refusal } from './database.ts';
import { addSlices, NOTHING_ERASED, prepareForgetting } from './forgetting.ts';
import { createGroupCommit } from './group-commit.ts';
import { type IngestParts, prepareIngest, type Times } from './ingest.ts';
import { prepareJobs } from './jobs.ts';
import { prepareMissed } from './missed.ts';
import { prepareOperator } from './operator.ts';
import { prepareReport } from './report.ts';
import { prepareRewriting } from './rewriting.ts';
import { prepare } from './rows.ts';
import { NOT_YET } from './schema.ts';

export interface OutboxOptions {
  readonly clock: Clock;
  readonly newId: NewId;
  /** Names this process in claims. */
  readonly owner: string;
  /** Webhooks are refused (`full`) above it. */
  readonly maxPending: number;
  /** W3C traceparent of work that no webhook brings; `newTraceparent` when not given. */
  readonly traceparentFor?: (origin: WorkOrigin) => string;
  /** How long a claim lasts without a heartbeat, ms. */
  readonly leaseMs?: number;
}

/** The port, and what only its opening knows. */
export interface SqliteOutbox extends Outbox {
  readonly consignments: Consignments;
  /** Tickets given up at this start because the process died of them. */
  readonly condemned: readonly Condemned[];
}

/** No due time lies further ahead than this, ms: what a clock set back while we were down may cost at most. */
const DUE_HORIZON_MS = 16 * 60_000;

/** How often to try whether a disk that refused takes writes again, ms. */
const TRIAL_EVERY_MS = 1000;

/** Tickets of a listed page stored in one transaction: with 200 the event loop was late by 55 ms at the worst, so 37. */
const PAGE_SLICE = 140;

/**
 * The outbox on SQLite. Owns the connection's writes; `close` does not close the connection. Throws `DatabaseRefused`
 * when the disk does not let it begin.
 */
export function openOutbox(connection: Connection, options: OutboxOptions): SqliteOutbox {
  try {
    return buildOutbox(connection, options);
  } catch (error) {
    throw refusal(error, connection.name);
  }
}

function buildOutbox(connection: Connection, options: OutboxOptions): SqliteOutbox {
  const { clock, newId, owner, leaseMs = 10_000 } = options;
  const listeners = new Set<() => void>();
  const wake = (): void => listeners.forEach((listener) => listener());
  const group = createGroupCommit(connection);
  const batchListeners = new Set<(change: BatchChange) => void>();
  /** A write after which there may be work to claim, or a batch in another state. */
  const writeAndWake = async <T>(run: () => T): Promise<T> => {
    const result = await group.write(run);
    for (const change of batches.takeChanges()) batchListeners.forEach((listener) => listener(change));
    wake();
    return result;
  };
  const jobs = prepareJobs(connection);
  const parts: IngestParts = {
    jobs,
    newId,
    installationKey: installationKey(connection, newId),
    maxPending: options.maxPending,
    traceparentFor: options.traceparentFor ?? newTraceparent,
  };
  const awakeSince = watchSleep(leaseMs, clock.steady());
  const times = (): Times => {
    const steady = Math.floor(clock.steady());
    return { steady, wall: Math.floor(clock.now()), awakeSince: awakeSince(steady) };
  };
  const consignments = prepareConsignments(connection, jobs);
  const ingest = prepareIngest(connection, parts, consignments);
  const crashes = prepareCrashes(connection, jobs);
  const claims = prepareClaims(connection, { jobs, consignments, crashes, owner, leaseMs });
  const batches = prepareBatches(connection, parts);
  const forgetting = prepareForgetting(connection, jobs, { batches, consignments });
  const report = prepareReport(connection, parts, { batches, consignments, forgetting });
  const operator = prepareOperator(connection, jobs, { batches, consignments });
  const tending = prepareTending(connection, parts, batches, operator);
  const missed = prepareMissed(parts, ingest);
  const pauses = preparePauses(connection);

  const rewriting = prepareRewriting(connection);
  /** Between two transactions: nothing of them is open across turns of the event loop. */
  const alone = async <T>(run: () => T): Promise<T> => {
    try {
      return run();
    } catch (error) {
      throw new OutboxUnavailable('the database refuses to write', { cause: error });
    }
  };

  let slicing: Promise<void> | null = null;
  const sliceAll = async (): Promise<void> => {
    try {
      while (await writeAndWake(() => tending.slice(times())));
    } finally {
      slicing = null;
    }
  };
  /** Until nothing is left, also of what is decided meanwhile; one loop at a time. */
  const tend = async (): Promise<void> => {
    while (tending.isLeft()) await (slicing ??= sliceAll());
  };
  const actAndTend = async (act: () => BatchActionResult): Promise<BatchActionResult> => {
    const result = await writeAndWake(act);
    if (result.kind === 'ok') await tend().catch(leaveToLater);
    return result;
  };

  const condemned = recover(connection, times(), (at) => {
    const given = crashes.begin(at, batches);
    claims.reclaimExpired(at);
    return given;
  });

  const hasReviews =
    connection.prepare(`SELECT 1 FROM job WHERE stage IN ('review', 'revise') LIMIT 1`).get() !== undefined;

  const { disk } = connection;
  let cancelTrial = (): void => undefined;
  const tryAgain = (): void => {
    const fault = disk.check();
    if (fault === null) wake();
    else if (!fault.lasting) cancelTrial = clock.after(TRIAL_EVERY_MS, tryAgain);
  };
  const onFault = (fault: StoreFault | null): void => {
    cancelTrial();
    if (fault !== null && !fault.lasting) cancelTrial = clock.after(TRIAL_EVERY_MS, tryAgain);
  };
  const unwatch = disk.onChange(onFault);
  onFault(disk.fault());

  return {
    ingest: (request) => writeAndWake(() => ingest(request, times())),
    claim: (offers, limit) => group.write(() => claims.claim(offers, limit, times())),
    heartbeat: (held) => {
      // a disk that refuses is no sleep: what is in hand then is stored when it takes it again
      times();
      return group.write(() => claims.heartbeat(held, times()));
    },
    intendPost: (claim, lookedAt) =>
      group.write(() => {
        const { steady, awakeSince } = times();
        const row = jobs.held(claim, awakeSince);
        if (row === undefined) return false;
        row.postIntendedAt = steady;
        if (row.pendingAt !== null && row.pendingAt < lookedAt) {
          row.pendingAt = null;
          row.pendingMessageId = null;
        }
        jobs.save(row);
        return true;
      }),
    holds: (claim) => {
      try {
        return jobs.held(claim, times().awakeSince) !== undefined;
      } catch {
        return false;
      }
    },
    report: (claim, outcome, timing) => writeAndWake(() => report(claim, outcome, timing, times())),
    hasReviews,
    reclaimExpired: () => writeAndWake(() => claims.reclaimExpired(times())),
    retryTicket: (helpdesk, ticketId) => writeAndWake(() => operator.retryTicket(helpdesk, ticketId, times())),
    releaseTicket: (helpdesk, ticketId) => writeAndWake(() => operator.releaseTicket(helpdesk, ticketId, times())),
    retryDead: async (filter) => {
      let retried = 0;
      for (let after: string | null = ''; after !== null;) {
        const from: string = after;
        const slice = await writeAndWake(() => operator.retryDead(filter, from, times()));
        retried += slice.retried;
        after = slice.next;
      }
      return retried;
    },
    createBatch: async (request) => {
      const id = await writeAndWake(() => {
        const created = batches.create(request, times());
        tending.note(created);
        return created;
      });
      await tend().catch(leaveToLater);
      const { total = 0, skippedDrafted = 0 } = batches.byId(id) ?? {};
      return { id, total, duplicates: tending.take(id), skippedDrafted };
    },
    addToBatch: async (id, ticketIds, nextCursor) => {
      for (let from = 0; from === 0 || from < ticketIds.length; from += PAGE_SLICE) {
        const last = from + PAGE_SLICE >= ticketIds.length;
        const slice = ticketIds.slice(from, from + PAGE_SLICE);
        await writeAndWake(() => tending.addPage(id, slice, last ? nextCursor : undefined, times()));
      }
    },
    cancelBatch: (id) => writeAndWake(() => batches.cancel(id, times())),
    pauseBatch: (id, stop) => writeAndWake(() => batches.pause(id, stop, times())),
    resumeBatch: (id) => actAndTend(() => batches.resume(id, times())),
    retryBatch: (id, errorClass) => actAndTend(() => batches.retry(id, errorClass, times())),
    releaseBatch: (id, minConfidence) => actAndTend(() => batches.release(id, minConfidence, times())),
    tendBatches: tend,
    ingestMissed: async (helpdesk, listed) => {
      const sum = { found: 0, refused: 0 };
      for (let from = 0; from < listed.length; from += PAGE_SLICE) {
        const slice = listed.slice(from, from + PAGE_SLICE);
        const { found, refused } = await writeAndWake(() => missed(helpdesk, slice, times()));
        sum.found += found;
        sum.refused += refused;
      }
      return sum;
    },
    consignments: {
      open: () => consignments.open(),
      begin: (key) => group.write(() => consignments.begin(key, times())),
      sent: (key, providerId) => group.write(() => consignments.sent(key, providerId)),
      waiting: (key, jobIds) => consignments.waiting(key, jobIds),
      waitingAfter: (key, after, limit) => consignments.waitingAfter(key, after, limit),
      close: (key) => writeAndWake(() => consignments.close(key, times())),
    },
    removeTexts: async (before, signal) => {
      let sum = 0;
      while (!signal.aborted) {
        const removed = await group.write(() => forgetting.removeOld(before, times()));
        if (removed === 0) break;
        sum += removed;
      }
      if (sum > 0) await alone(() => rewriting.afterRemoval(times()));
      return sum;
    },
    tidy: () => alone(() => rewriting.inQuiet(times())),
    eraseRequester: async (helpdesk, requesterId) => {
      let sum = NOTHING_ERASED;
      for (;;) {
        const slice = await writeAndWake(() => forgetting.erase(helpdesk, requesterId, times()));
        if (slice.tickets === 0) break;
        sum = addSlices(sum, slice);
      }
      let solved = 0;
      for (let some = -1; some !== 0; solved += some) {
        some = await group.write(() => forgetting.eraseSolved(helpdesk, requesterId));
      }
      const spendingDays = await group.write(() => forgetting.eraseSpending(helpdesk, requesterId));
      const nothing = sum.tickets === 0 && spendingDays === 0 && solved === 0;
      const filesCleaned = nothing || (await alone(() => rewriting.afterErasure(times())));
      return { ...sum, solved, spendingDays, filesCleaned };
    },
    setPause: (pause) => group.write(() => pauses.set(pause)),
    clearPause: (scope) => group.write(() => pauses.clear(scope)),
    pauses: () => pauses.all(),
    onBatch: (callback) => {
      batchListeners.add(callback);
      return () => batchListeners.delete(callback);
    },
    onWake: (callback) => {
      listeners.add(callback);
      return () => listeners.delete(callback);
    },
    condemned,
    leave: () => group.write(() => crashes.leave()).catch(() => undefined),
    storeFault: () => disk.fault(),
    checkStore: () => disk.check(),
    close: async () => {
      await group.drain();
      unwatch();
      cancelTrial();
    },
  };
}

/** The jobs that wait, by the indexes that hold them only: the table holds all there ever were. */
const WAITING = [
  { index: 'job_due_live', where: 'due_at IS NOT NULL AND lane = 0' },
  { index: 'job_due_batch', where: 'due_at IS NOT NULL AND lane = 1' },
] as const;
/**
 * Tells since when (steady ms) the process has been awake. One that was stopped, or whose machine slept, for longer
 * than a lease finds its leases over before its timers know: what it had in hand then is void.
 */
function watchSleep(leaseMs: number, startedAt: number): (now: number) => number {
  let since = 0;
  let last = startedAt;
  return (now) => {
    if (now - last > leaseMs) since = now;
    last = now;
    return since;
  };
}

/** What a killed process left behind: its claims are void (it alone had the file), due times may be off. */
function recover<T>(connection: Connection, times: Times, reclaim: (times: Times) => T): T {
  return connection
    .transaction(() => {
      const result = reclaim(times);
      for (const { index, where } of WAITING) {
        connection
          .prepare(
            `UPDATE job INDEXED BY ${index} SET due_at = ? WHERE ${where} AND due_at > ? AND due_at < ${NOT_YET}`,
          )
          .run(times.steady, times.steady + DUE_HORIZON_MS);
        // a write of the last life may land from now on: how long ago it began, a clock that was set cannot tell
        connection
          .prepare(
            `UPDATE job INDEXED BY ${index} SET post_intended_at = ? WHERE ${where} AND post_intended_at IS NOT NULL`,
          )
          .run(times.steady);
      }
      return result;
    })
    .immediate();
}

/** The secret that markers are made with; made once, lives with the data. */
function installationKey(connection: Connection, newId: NewId): string {
  connection
    .prepare(`INSERT INTO meta (key, value) VALUES ('installation_key', ?) ON CONFLICT (key) DO NOTHING`)
    .run(sha256(`${newId()} ${newId()}`));
  const key = connection.prepare<[], string>(`SELECT value FROM meta WHERE key = 'installation_key'`).pluck().get();
  if (key === undefined) throw new Error('the installation key is missing');
  return key;
}

function preparePauses(connection: Connection) {
  const insert = connection.prepare(
    `INSERT INTO pause (scope, reason, error_class, since) VALUES (@scope, @reason, @errorClass, @since)
     ON CONFLICT (scope) DO UPDATE SET reason = excluded.reason, error_class = excluded.error_class`,
  );
  const remove = connection.prepare('DELETE FROM pause WHERE scope = ?');
  const all = prepare<{ scope: string; reason: string; errorClass: ErrorClass | null; since: number }>(
    connection,
    'SELECT scope, reason, error_class AS errorClass, since FROM pause ORDER BY since, scope',
  );
  return {
    set: (pause: Pause): void => void insert.run({ ...pause, since: Math.floor(pause.since) }),
    clear: (scope: string): boolean => remove.run(scope).changes > 0,
    all: (): readonly Pause[] => all.all(),
  };
}
