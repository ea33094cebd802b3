import { isOver, type NewBatch } from '../core/batch.ts';
import type { Clock } from '../core/clock.ts';
import { RequestError, UpstreamError } from '../core/errors.ts';
import type { Helpdesk, TicketFilter } from '../core/helpdesk.ts';
import type { Observer } from '../core/observer.ts';
import type { BatchActionResult, Outbox } from '../core/outbox.ts';
import type { BatchProgress, ServiceControl } from '../core/service-control.ts';
import type { TicketReader } from '../core/ticket-reader.ts';
import { type AdminApp, type AdminContext, adminRoute, pathParameter } from './admin-auth.ts';
import { streamResults } from './batch-results.ts';
import { batchesApi, batchListQuery, nothing, releaseSchema, retryBatchSchema } from './batches-api.ts';
import { type Seats, sendEvents } from './event-stream.ts';
import { openCursor, readJson, readQuery, sealCursor } from './input.ts';
import { newBatchSchema, toNewBatch } from './new-batch.ts';
import { described } from './operation.ts';
import { faultName, problemResponse } from './problem.ts';
import { jsonResponse, streamResponse } from './responses.ts';
import { createStreamTable } from './stream-table.ts';

interface BatchDeps {
  readonly helpdesks: ReadonlyMap<string, Helpdesk>;
  readonly outbox: Outbox;
  readonly reader: TicketReader;
  readonly control: ServiceControl;
  readonly clock: Clock;
  readonly observer: Observer;
  readonly seats: Seats;
}

/** Cursors of this list fit no other. */
const LIST = { list: 'batches' };

/** Batches: many tickets under one name. */
export function addBatchRoutes(app: AdminApp, deps: BatchDeps): void {
  const { control, outbox, reader } = deps;
  adminRoute(app, '/batches', {
    GET: described(batchesApi.list, (c) => {
      const { limit, cursor } = readQuery(c.req, batchListQuery);
      const page = reader.batches(limit, openCursor(cursor, LIST));
      const items = page.items.map(({ id }) => control.batchProgress(id)).filter((batch) => batch !== null);
      return jsonResponse({ items: items.map(batchJson), nextCursor: sealCursor(page.nextCursor, LIST) });
    }),
    POST: described(batchesApi.create, async (c) => {
      const body = await readJson(c.req, newBatchSchema);
      const request = toNewBatch(body);
      assertStartable(request, deps);
      return askingHelpdesk(() => (body.dryRun ? dryRun(deps, request) : createBatch(deps, request)));
    }),
  });
  adminRoute(app, '/batches/:id', {
    GET: described(batchesApi.get, (c) =>
      jsonResponse(batchJson(known(control.batchProgress(pathParameter(c, 'id'))))),
    ),
  });
  adminRoute(app, '/batches/:id/cancel', {
    POST: described(batchesApi.cancel, async (c) => {
      const batch = known(await control.cancelBatch(pathParameter(c, 'id')));
      if (batch.state !== 'completed') return jsonResponse(batchJson(batch), 202);
      return problemResponse('conflict', 'The batch is completed.', { members: { state: batch.state } });
    }),
  });
  const action = (
    name: 'pause' | 'resume' | 'retry' | 'release',
    act: (c: AdminContext, id: string) => Promise<BatchActionResult>,
  ): void =>
    adminRoute(app, `/batches/:id/${name}`, {
      POST: described(batchesApi[name], async (c) => {
        const id = pathParameter(c, 'id');
        return actionResponse(deps, id, name, await act(c, id));
      }),
    });
  action('pause', async (c, id) => {
    await readJson(c.req, nothing);
    return outbox.pauseBatch(id, null);
  });
  action('resume', async (c, id) => {
    await readJson(c.req, nothing);
    return outbox.resumeBatch(id);
  });
  action('retry', async (c, id) => outbox.retryBatch(id, (await readJson(c.req, retryBatchSchema)).errorClass ?? null));
  action('release', async (c, id) =>
    outbox.releaseBatch(id, (await readJson(c.req, releaseSchema)).minConfidence ?? null),
  );
  addEvents(app, deps);
  adminRoute(app, '/batches/:id/results.ndjson', {
    GET: described(batchesApi.results, (c) => {
      const { id } = known(reader.batch(pathParameter(c, 'id')));
      return streamResponse(c.req.method === 'HEAD' ? null : streamResults(deps, id), 'application/x-ndjson');
    }),
  });
}

/** One stream for all who watch the same batch; it ends when the batch is over. */
function addEvents(app: AdminApp, { control, clock, observer, seats }: BatchDeps): void {
  const streams = createStreamTable((batchId: string) => ({
    event: 'batch',
    snapshot: () => batchJson(known(control.batchProgress(batchId))),
    watched: (batch) => batch,
    isLast: (batch) => isOver(batch),
    stopping: () => control.stopping(),
    onFailure: (error) => observer.fault({ where: 'batch events', error: faultName(error) }),
    clock,
    seats,
  }));
  adminRoute(app, '/batches/:id/events', {
    GET: described(batchesApi.events, (c) => {
      const { id } = known(control.batchProgress(pathParameter(c, 'id')));
      if (control.stopping()) return problemResponse('unavailable', 'The service is stopping.');
      return sendEvents(c, streams.of(id));
    }),
  });
}

/** Throws `RequestError` for a batch that cannot be started here whatever the helpdesk says. */
export function assertStartable(
  { helpdesk, budgetUsd }: NewBatch,
  { helpdesks, control }: Pick<BatchDeps, 'helpdesks' | 'control'>,
): void {
  if (!helpdesks.has(helpdesk)) throw new RequestError('not_found', 'No helpdesk of this name is configured.');
  if (budgetUsd !== null && !control.canPrice()) {
    throw new RequestError('malformed', 'The body is not valid.', {
      fields: [
        {
          path: 'budgetUsd',
          message:
            'cannot be kept: the price of LLM_MODEL, LLM_FALLBACK_MODEL, REVIEW_MODEL or QUERY_MODEL is not known',
        },
      ],
    });
  }
}

/** What the helpdesk says to a filter is the asker's to mend; what else goes wrong there passes. */
export async function askingHelpdesk<T>(answer: () => Promise<T>): Promise<T> {
  try {
    return await answer();
  } catch (error) {
    if (!(error instanceof UpstreamError)) throw error;
    const { errorClass, message, retryAfterMs } = error;
    if (errorClass === 'invalid_request') {
      throw new RequestError('malformed', 'The helpdesk refuses the filter.', {
        fields: [{ path: 'filter', message }],
        cause: error,
      });
    }
    throw new RequestError('unavailable', message, {
      retryAfterSeconds: Math.max(1, Math.ceil((retryAfterMs ?? 10_000) / 1000)),
      cause: error,
    });
  }
}

async function createBatch({ control }: BatchDeps, request: NewBatch): Promise<Response> {
  const { id, duplicates, skippedDrafted } = await control.startBatch(request);
  const batch = known(control.batchProgress(id));
  return jsonResponse({ ...batchJson(batch), duplicates, skippedDrafted }, 202, { Location: `/admin/batches/${id}` });
}

async function dryRun({ control }: BatchDeps, request: NewBatch): Promise<Response> {
  return jsonResponse(await control.estimateBatch(request));
}

function actionResponse({ control }: BatchDeps, id: string, action: string, result: BatchActionResult): Response {
  if (result.kind === 'conflict') {
    return problemResponse('conflict', `The batch is ${result.state}: ${action} is not possible.`, {
      members: { state: result.state },
    });
  }
  const batch = known(result.kind === 'unknown' ? null : control.batchProgress(id));
  return jsonResponse(batchJson(batch), 202);
}

function known<T>(batch: T | null): T {
  if (batch === null) throw new RequestError('not_found', 'No such batch is known here.');
  return batch;
}

function batchJson(batch: BatchProgress) {
  return {
    id: batch.id,
    name: batch.name,
    helpdesk: batch.helpdesk,
    state: batch.state,
    reason: batch.reason,
    total: batch.total,
    counts: batch.counts,
    processed: batch.processed,
    succeeded: batch.succeeded,
    failed: batch.failed,
    errorRate: batch.errorRate,
    ratePerMinute: batch.ratePerMinute,
    etaSeconds: batch.etaSeconds,
    errors: batch.errors,
    spent: batch.spent,
    budgetUsd: batch.budgetUsd,
    waitingFor: batch.waitingFor,
    limits: batch.limits,
    canary: batch.canary,
    post: batch.post,
    lane: batch.lane,
    economy: batch.economy,
    filter: batch.filter === null ? null : filterJson(batch.filter),
    listing: batch.listing,
    createdAt: new Date(batch.createdAt).toISOString(),
    finishedAt: batch.finishedAt === null ? null : new Date(batch.finishedAt).toISOString(),
  };
}

/** As it was given: times are ISO 8601 outside. */
function filterJson(filter: TicketFilter): object {
  return Object.fromEntries(
    Object.entries(filter).map(([name, value]) => [
      name,
      typeof value === 'number' ? new Date(value).toISOString() : value,
    ]),
  );
}
