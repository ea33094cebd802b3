import { z } from 'zod';
import type { Clock } from '../core/clock.ts';
import { RequestError } from '../core/errors.ts';
import type { Helpdesk } from '../core/helpdesk.ts';
import type { Observer } from '../core/observer.ts';
import type { Outbox } from '../core/outbox.ts';
import type { BatchProgress, ServiceControl } from '../core/service-control.ts';
import type { BatchResult, TicketReader } from '../core/ticket-reader.ts';
import { type AdminApp, adminRoute, pathParameter } from './admin-auth.ts';
import { openCursor, pageQuery, readJson, readQuery, sealCursor, ticketIds } from './input.ts';
import { faultName, problemResponse } from './problem.ts';
import { jsonResponse, streamResponse } from './responses.ts';

interface BatchDeps {
  readonly helpdesks: ReadonlyMap<string, Helpdesk>;
  readonly outbox: Outbox;
  readonly reader: TicketReader;
  readonly control: ServiceControl;
  readonly clock: Clock;
  readonly observer: Observer;
}

/** Fields of INTERFACE.md that are not built yet: to ignore a budget or a canary would be worse than to say so. */
const notYet = z.undefined('is not supported yet').optional();

const newBatchSchema = z.strictObject({
  helpdesk: z.string('must be the name of a helpdesk').min(1, 'must not be empty'),
  ticketIds,
  name: z
    .string('must be text')
    .min(1, 'must not be empty')
    .max(200, 'must have at most 200 characters')
    .exactOptional(),
  post: z.enum(['auto', 'hold'], 'must be auto or hold').default('auto'),
  lane: z.literal('standard', 'only standard is supported yet').optional(),
  skipDrafted: z.literal(false, 'is not supported yet').optional(),
  dryRun: z.literal(false, 'is not supported yet').optional(),
  canary: notYet,
  budgetUsd: notYet,
  filter: notYet,
});

const listSchema = z.strictObject(pageQuery);
/** Cursors of this list fit no other. */
const LIST = { list: 'batches' };

/** How many lines of results are read in one go; more would hold up the event loop. */
const RESULTS_PAGE = 200;

/** Batches: many tickets under one name. */
export function addBatchRoutes(app: AdminApp, deps: BatchDeps): void {
  adminRoute(app, '/batches', {
    GET: (c) => {
      const { limit, cursor } = readQuery(c.req, listSchema);
      const page = deps.reader.batches(limit, openCursor(cursor, LIST));
      const items = page.items.map(({ id }) => deps.control.batchProgress(id)).filter((batch) => batch !== null);
      return jsonResponse({ items: items.map(batchJson), nextCursor: sealCursor(page.nextCursor, LIST) });
    },
    POST: async (c) => createBatch(deps, await readJson(c.req, newBatchSchema)),
  });
  adminRoute(app, '/batches/:id', {
    GET: (c) => jsonResponse(batchJson(known(deps.control.batchProgress(pathParameter(c, 'id'))))),
  });
  adminRoute(app, '/batches/:id/cancel', {
    POST: async (c) => {
      const batch = known(await deps.control.cancelBatch(pathParameter(c, 'id')));
      if (batch.state !== 'completed') return jsonResponse(batchJson(batch), 202);
      return problemResponse('conflict', 'The batch is completed.', { members: { state: batch.state } });
    },
  });
  adminRoute(app, '/batches/:id/results.ndjson', {
    GET: (c) => {
      const { id } = known(deps.reader.batch(pathParameter(c, 'id')));
      return streamResponse(c.req.method === 'HEAD' ? null : streamResults(deps, id), 'application/x-ndjson');
    },
  });
}

async function createBatch(
  { helpdesks, outbox, control, observer }: BatchDeps,
  { helpdesk, ticketIds: ids, name, post }: z.infer<typeof newBatchSchema>,
): Promise<Response> {
  if (!helpdesks.has(helpdesk)) throw new RequestError('not_found', 'No helpdesk of this name is configured.');
  const { id, total, duplicates } = await outbox.createBatch({ helpdesk, name: name ?? null, ticketIds: ids, post });
  const batch = known(control.batchProgress(id));
  observer.batch({ batchId: id, state: batch.state, total });
  return jsonResponse({ ...batchJson(batch), duplicates }, 202, { Location: `/admin/batches/${id}` });
}

function known<T>(batch: T | null): T {
  if (batch === null) throw new RequestError('not_found', 'No such batch is known here.');
  return batch;
}

function batchJson(batch: BatchProgress): object {
  return {
    id: batch.id,
    name: batch.name,
    helpdesk: batch.helpdesk,
    state: batch.state,
    total: batch.total,
    counts: batch.counts,
    processed: batch.processed,
    succeeded: batch.succeeded,
    failed: batch.failed,
    errorRate: batch.errorRate,
    ratePerMinute: batch.ratePerMinute,
    etaSeconds: batch.etaSeconds,
    createdAt: new Date(batch.createdAt).toISOString(),
    finishedAt: batch.finishedAt === null ? null : new Date(batch.finishedAt).toISOString(),
  };
}

/**
 * A page is read when the reader has taken the last one, each in its own turn of the event loop. The first page is
 * read at once, so that a database that cannot be read still answers with a status.
 */
function streamResults({ reader, clock, observer }: BatchDeps, id: string): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  let page = reader.batchResults(id, null, RESULTS_PAGE);
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      if (page.length > 0) controller.enqueue(encoder.encode(page.map(lineOf).join('')));
      const last = page.at(-1);
      if (last === undefined || page.length < RESULTS_PAGE) {
        controller.close();
        return;
      }
      await clock.sleep(0);
      try {
        page = reader.batchResults(id, last.id, RESULTS_PAGE);
      } catch (error) {
        observer.fault({ where: 'batch results', error: faultName(error) });
        // The status is out: only a broken connection still says that lines are missing.
        controller.error(new Error('results cut off'));
      }
    },
  });
}

function lineOf({ id, status, draft, error, attempts, durationMs }: BatchResult): string {
  return `${JSON.stringify({ id, status, draft, error, attempts, durationMs })}\n`;
}
