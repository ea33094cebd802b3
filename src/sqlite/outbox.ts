import { type Clock, type NewId, sha256 } from '../core/clock.ts';
import type { ErrorClass } from '../core/errors.ts';
import type { Outbox, Pause, TicketActionResult } from '../core/outbox.ts';
import { prepareBatches } from './batches.ts';
import { prepareClaims } from './claims.ts';
import type { Connection } from './database.ts';
import { createGroupCommit } from './group-commit.ts';
import { type IngestParts, prepareIngest, type Times } from './ingest.ts';
import { enterStage, type JobRow, prepareJobs, rest } from './jobs.ts';
import { prepareReport } from './report.ts';
import { columnsOf, prepare } from './rows.ts';
import { job } from './schema.ts';

export interface OutboxOptions {
  readonly clock: Clock;
  readonly newId: NewId;
  /** Names this process in claims. */
  readonly owner: string;
  /** Webhooks are refused (`full`) above it. */
  readonly maxPending: number;
  /** How long a claim lasts without a heartbeat, ms. */
  readonly leaseMs?: number;
}

/** No due time lies further ahead than this, ms: what a clock set back while we were down may cost at most. */
const DUE_HORIZON_MS = 16 * 60_000;

/** The outbox on SQLite. Owns the connection's writes; `close` does not close the connection. */
export function openOutbox(connection: Connection, options: OutboxOptions): Outbox {
  const { clock, newId, owner, leaseMs = 10_000 } = options;
  const listeners = new Set<() => void>();
  const wake = (): void => listeners.forEach((listener) => listener());
  const group = createGroupCommit(connection);
  /** A write after which there may be work to claim. */
  const writeAndWake = async <T>(run: () => T): Promise<T> => {
    const result = await group.write(run);
    wake();
    return result;
  };
  const jobs = prepareJobs(connection);
  const parts: IngestParts = {
    jobs,
    newId,
    installationKey: installationKey(connection, newId),
    maxPending: options.maxPending,
  };
  const times = (): Times => ({ steady: Math.floor(clock.steady()), wall: Math.floor(clock.now()) });
  const ingest = prepareIngest(connection, parts);
  const claims = prepareClaims(connection, jobs, owner, leaseMs);
  const batches = prepareBatches(connection, parts);
  const report = prepareReport(connection, parts, batches);
  const operator = prepareOperator(connection, jobs);
  const pauses = preparePauses(connection);

  recover(connection, (at) => claims.reclaimExpired(at), times());

  return {
    ingest: (request) => writeAndWake(() => ingest(request, times())),
    claim: (offers, limit) => group.write(() => claims.claim(offers, limit, times())),
    heartbeat: (held) => group.write(() => claims.heartbeat(held, times())),
    intendPost: (claim, lookedAt) =>
      group.write(() => {
        const row = jobs.held(claim);
        if (row === undefined) return false;
        row.postIntendedAt = times().steady;
        if (row.pendingAt !== null && row.pendingAt < lookedAt) {
          row.pendingAt = null;
          row.pendingMessageId = null;
        }
        jobs.save(row);
        return true;
      }),
    report: (claim, outcome, timing) => writeAndWake(() => report(claim, outcome, timing, times())),
    reclaimExpired: () => writeAndWake(() => claims.reclaimExpired(times())),
    retryTicket: (helpdesk, ticketId) => writeAndWake(() => operator.retryTicket(helpdesk, ticketId, times())),
    releaseTicket: (helpdesk, ticketId) => writeAndWake(() => operator.releaseTicket(helpdesk, ticketId, times())),
    retryDead: (filter) => writeAndWake(() => operator.retryDead(filter, times())),
    createBatch: (request) => writeAndWake(() => batches.create(request, times())),
    cancelBatch: (id) => group.write(() => batches.cancel(id, times())),
    setPause: (pause) => group.write(() => pauses.set(pause)),
    clearPause: (scope) => group.write(() => pauses.clear(scope)),
    pauses: () => pauses.all(),
    onWake: (callback) => {
      listeners.add(callback);
      return () => listeners.delete(callback);
    },
    close: () => group.drain(),
  };
}

/** What a killed process left behind: its claims are void (it alone had the file), due times may be off. */
function recover(connection: Connection, reclaim: (times: Times) => number, times: Times): void {
  connection
    .transaction(() => {
      reclaim(times);
      connection.prepare('UPDATE job SET due_at = ? WHERE due_at > ?').run(times.steady, times.steady + DUE_HORIZON_MS);
      // a write of the last life may land from now on: how long ago it began, a clock that was set cannot tell
      connection
        .prepare('UPDATE job SET post_intended_at = ? WHERE post_intended_at IS NOT NULL AND due_at IS NOT NULL')
        .run(times.steady);
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

/** What operators do to tickets. */
function prepareOperator(connection: Connection, jobs: ReturnType<typeof prepareJobs>) {
  const dead = prepare<JobRow>(connection, `SELECT ${columnsOf(job)} FROM job WHERE status = 'dead' AND current = 1`);

  const revive = (row: JobRow, times: Times): void => {
    const stored = row.draftId === null ? undefined : jobs.draftById(row.draftId);
    const unreleased = row.post === 'hold' && row.stageAttempt === 0;
    // A draft that was paid for is posted, not bought again; a finding that was not to be posted is no draft.
    const postable = row.stage === 'post' && stored !== undefined && row.reason !== 'no_draft';
    enterStage(row, postable ? 'post' : 'draft', times.steady);
    row.status = 'queued';
    if (postable && unreleased) {
      rest(row);
      row.status = 'drafted';
    }
    row.updatedAt = times.wall;
    jobs.save(row);
  };

  const find = (helpdesk: string, ticketId: string): JobRow | undefined => {
    const ticket = jobs.ticketOf(helpdesk, ticketId);
    return ticket === undefined ? undefined : jobs.currentOf(ticket);
  };

  return {
    retryTicket(helpdesk: string, ticketId: string, times: Times): TicketActionResult {
      const row = find(helpdesk, ticketId);
      if (row === undefined) return { kind: 'unknown' };
      if (row.status !== 'dead' && row.status !== 'cancelled' && row.status !== 'skipped') {
        return { kind: 'conflict', status: row.status };
      }
      revive(row, times);
      return { kind: 'ok' };
    },

    releaseTicket(helpdesk: string, ticketId: string, times: Times): TicketActionResult {
      const row = find(helpdesk, ticketId);
      if (row === undefined) return { kind: 'unknown' };
      if (row.status !== 'drafted') return { kind: 'conflict', status: row.status };
      enterStage(row, 'post', times.steady);
      row.status = 'posting';
      row.updatedAt = times.wall;
      jobs.save(row);
      return { kind: 'ok' };
    },

    retryDead(filter: { readonly ticketIds?: readonly string[]; readonly errorClass?: string }, times: Times): number {
      const ids = filter.ticketIds === undefined ? null : new Set(filter.ticketIds);
      const rows = dead
        .all()
        .filter((row) => filter.errorClass === undefined || row.errorClass === filter.errorClass)
        .filter((row) => ids === null || ids.has(jobs.ticketById(row.ticket).ticketId));
      for (const row of rows) revive(row, times);
      return rows.length;
    },
  };
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
