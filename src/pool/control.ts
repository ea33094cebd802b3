import type { Clock } from '../core/clock.ts';
import type { NewBatch } from '../core/batch.ts';
import { errorName, RequestError, type UpstreamError } from '../core/errors.ts';
import type { Helpdesk } from '../core/helpdesk.ts';
import { countPending, type TicketReader } from '../core/ticket-reader.ts';
import { everyRoute, type ModelRoutes } from '../core/model-routes.ts';
import type { Observer } from '../core/observer.ts';
import { leaveToLater, type Outbox } from '../core/outbox.ts';
import { type ProgressParts, readBatchProgress, readProgress } from '../core/progress.ts';
import { asUpstreamError } from '../core/retry-policy.ts';
import type { Readiness, ServiceControl } from '../core/service-control.ts';
import { type EstimateDeps, estimateBatch } from './estimate-batch.ts';
import type { Gate } from './gate.ts';
import type { Pool } from './pool.ts';

/** A credential's last verdict is good for so long, ms. */
const PROBE_FRESH_MS = 60_000;
/** `/readyz` waits no longer than this for a probe, ms. */
const PROBE_WAIT_MS = 2_000;

/** How long notes that are being written may take after their batch was cancelled, ms: it must be over in 5 s. */
const POSTING_GRACE_MS = 4_000;

/** What a full outbox tells who starts a batch. */
const FULL_RETRY_SECONDS = 60;

export interface ControlParts extends Omit<ProgressParts, 'pauses' | 'workers'>, EstimateDeps {
  readonly reader: TicketReader;
  readonly outbox: Outbox;
  /** Of the model that says what to look for, where there is one. */
  readonly queryRoutes?: ModelRoutes | null;
  readonly gate: Gate;
  readonly pool: Pool;
  readonly observer: Observer;
  readonly clock: Clock;
  /** Asks one upstream (`llm` or a helpdesk's name) whether its credentials are good. */
  readonly probe: (scope: string, signal: AbortSignal) => Promise<void>;
  readonly stopping: () => boolean;
  /** OUTBOX_MAX_PENDING. */
  readonly maxPending: number;
  /** Asks the provider to stop what it still does for a cancelled batch. */
  readonly onCancel: () => void;
}

/** What the HTTP side may do with the running service. */
export function createControl(parts: ControlParts): ServiceControl {
  const { reader, gate, pool, outbox, clock, routes } = parts;
  const progressParts: ProgressParts = {
    ...parts,
    pauses: () => gate.pauses(),
    workers: () => ({ busy: pool.busy(), total: pool.concurrency }),
  };
  const credentials = new Map(
    ['llm', ...parts.helpdesks.keys()].map((scope) => [scope, checkCredential(scope, parts)]),
  );

  const readiness = async (): Promise<Readiness> => {
    const checks: Record<string, string> = { database: 'ok', workers: 'ok' };
    const fault = outbox.checkStore();
    if (fault !== null) checks['database'] = fault.sentence;
    if (parts.stopping()) checks['workers'] = 'stopping';
    else if (!pool.alive()) checks['workers'] = 'the loop that takes work has stalled';
    const ready = Object.values(checks).every((check) => check === 'ok');
    const paused = new Map(gate.pauses().map((pause) => [pause.scope, pause.reason]));
    await Promise.all(
      [...credentials].map(async ([scope, check]) => {
        checks[scope] = paused.get(scope) ?? (await check());
      }),
    );
    return { ready, checks };
  };

  const helpdeskOf = (name: string): Helpdesk => {
    const helpdesk = parts.helpdesks.get(name);
    if (helpdesk === undefined) throw new Error(`no helpdesk ${name}`);
    return helpdesk;
  };
  const never = new AbortController().signal;

  /** Live tickets must find room however large a batch is. */
  const assertRoom = (wanted: number): void => {
    const { maxPending } = parts;
    const waiting = countPending(reader.counts());
    if (waiting + wanted <= maxPending) return;
    if (wanted > maxPending) {
      throw new RequestError('malformed', 'The body is not valid.', {
        fields: [{ path: 'ticketIds', message: `must hold at most ${maxPending} ids (OUTBOX_MAX_PENDING)` }],
      });
    }
    throw new RequestError(
      'unavailable',
      `The outbox has ${waiting} of OUTBOX_MAX_PENDING=${maxPending} tickets; wait, or start a smaller batch.`,
      { retryAfterSeconds: FULL_RETRY_SECONDS },
    );
  };

  /** What the vendor says to a filter is said to who asked, before anything is stored. */
  const withFirstPage = async (batch: NewBatch): Promise<NewBatch> => {
    if (batch.source === null) return batch;
    const { filter } = batch.source;
    const { tickets, nextCursor } = await helpdeskOf(batch.helpdesk).listTickets(filter, null, never);
    const ticketIds = tickets.map(({ ticketId }) => ticketId);
    return { ...batch, ticketIds, source: { filter, cursor: nextCursor } };
  };

  return {
    progress: () => readProgress(progressParts),
    batchProgress: (id) => {
      const summary = reader.batch(id);
      return summary === null ? null : readBatchProgress(summary, progressParts);
    },
    readiness,
    pause: () => gate.pauseAll(),
    resume: async () => {
      for (const { model } of routes.routes) routes.recovered(model.model);
      await gate.resumeAll();
    },
    cancelBatch: async (id) => {
      const cancelled = await outbox.cancelBatch(id);
      if (cancelled === null) return null;
      parts.onCancel();
      pool.abort(cancelled.running);
      if (cancelled.posting.length > 0) clock.after(POSTING_GRACE_MS, () => pool.abort(cancelled.posting));
      await outbox.tendBatches().catch(leaveToLater);
      const summary = reader.batch(id);
      if (summary === null) return null;
      return readBatchProgress(summary, progressParts);
    },
    eraseRequester: async (helpdesk, requesterId) => {
      const erasure = await outbox.eraseRequester(helpdesk, requesterId);
      pool.abort(erasure.running);
      return erasure;
    },
    startBatch: async (batch) => {
      assertRoom(batch.ticketIds.length);
      const whole = await withFirstPage(batch);
      assertRoom(whole.ticketIds.length);
      return outbox.createBatch(whole);
    },
    estimateBatch: ({ helpdesk, ticketIds, source, skipDrafted, post }) => {
      const filter = source?.filter ?? null;
      const ids = filter === null ? ticketIds : null;
      const workers = pool.concurrency;
      const request = { helpdesk: helpdeskOf(helpdesk), ticketIds: ids, filter, skipDrafted, post, workers };
      return estimateBatch(request, parts, never);
    },
    canPrice: () => {
      const one = { promptTokens: 1, cachedTokens: 0, completionTokens: 1 };
      return everyRoute(routes, parts.reviewRoutes, parts.queryRoutes).every(
        ({ model }) => model.costUsd(one) !== null,
      );
    },
    stopping: parts.stopping,
  };
}

/** Answers `ok` or a sentence; asks the upstream at most once a minute, and closes its scope when it says no. */
function checkCredential(scope: string, { clock, gate, probe, observer }: ControlParts): () => Promise<string> {
  let verdict = 'not checked yet';
  let checkedAt = Number.NEGATIVE_INFINITY;
  let asking: Promise<void> | null = null;

  const ask = async (): Promise<void> => {
    const stop = new AbortController();
    try {
      await probe(scope, stop.signal);
      verdict = 'ok';
    } catch (error) {
      const failure: UpstreamError = asUpstreamError(error);
      verdict = failure.message;
      if (failure.errorClass === 'auth') {
        await gate
          .close(scope, failure.errorClass, failure.message)
          .catch((refusal: unknown) => observer.fault({ where: 'gate', error: errorName(refusal) }));
      }
    } finally {
      checkedAt = clock.steady();
      asking = null;
    }
  };

  return async () => {
    if (clock.steady() - checkedAt > PROBE_FRESH_MS) {
      asking ??= ask();
      await Promise.race([asking, clock.sleep(PROBE_WAIT_MS)]);
    }
    return verdict;
  };
}
