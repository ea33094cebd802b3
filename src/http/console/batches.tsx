import * as z from 'zod';
import type { Clock } from '../../core/clock.ts';
import { ERROR_CLASSES, type ErrorClass, RequestError } from '../../core/errors.ts';
import type { Helpdesk } from '../../core/helpdesk.ts';
import type { Observer } from '../../core/observer.ts';
import type { BatchActionResult, Outbox } from '../../core/outbox.ts';
import type { BatchProgress, ServiceControl } from '../../core/service-control.ts';
import type { TicketReader } from '../../core/ticket-reader.ts';
import { pathParameter } from '../admin-auth.ts';
import { streamResults } from '../batch-results.ts';
import { openCursor, pageQuery, readQuery, sealCursor } from '../input.ts';
import { streamResponse } from '../responses.ts';
import { BatchList } from './batch-list.tsx';
import { BatchView } from './batch-view.tsx';
import { batchName } from './batch-words.ts';
import { textOf } from './form.ts';
import { addNewBatchPages } from './new-batch.tsx';
import type { Done, Pages, View, Visit } from './page.tsx';

interface BatchPagesDeps {
  readonly helpdesks: ReadonlyMap<string, Helpdesk>;
  readonly control: ServiceControl;
  readonly outbox: Outbox;
  readonly reader: TicketReader;
  readonly clock: Clock;
  readonly observer: Observer;
}

const PAGE = 20;
const listSchema = z.strictObject({ cursor: pageQuery.cursor });
/** Cursors of this list fit no other. */
const LIST = { list: 'console batches' };

/** Batches: listed, watched, stopped and let go on. */
export function addBatchPages(pages: Pages, deps: BatchPagesDeps): void {
  const { control, outbox, reader } = deps;
  pages.page('/batches', (c, visit) => {
    const { cursor } = readQuery(c.req, listSchema);
    const page = reader.batches(PAGE, openCursor(cursor, LIST));
    const batches = page.items.map(({ id }) => control.batchProgress(id)).filter((batch) => batch !== null);
    const list = { batches, cursor, next: sealCursor(page.nextCursor, LIST), visit };
    return { title: 'Batches', section: 'Batches', body: <BatchList {...list} /> };
  });
  addNewBatchPages(pages, deps);
  pages.page('/batches/:id', (c, visit) => batchView(known(control.batchProgress(pathParameter(c, 'id'))), visit));

  const action = (name: string, say: string, act: (id: string, form: FormData) => Promise<BatchActionResult>): void =>
    pages.action(`/batches/:id/${name}`, async (c, visit, form): Promise<Done | View> => {
      const id = pathParameter(c, 'id');
      const result = await act(id, form);
      if (result.kind === 'ok') return { to: `/batches/${id}`, say };
      const batch = known(result.kind === 'unknown' ? null : control.batchProgress(id));
      return batchView(batch, visit, `The batch is ${batch.state}: ${name} is not possible.`);
    });
  action('pause', 'Paused. What is in flight finishes.', (id) => outbox.pauseBatch(id, null));
  action('resume', 'It goes on.', (id) => outbox.resumeBatch(id));
  action('retry', 'They are back in the queue.', (id, form) => outbox.retryBatch(id, errorClassIn(form)));
  action('release', 'The held drafts go to the helpdesk as private notes.', (id, form) =>
    outbox.releaseBatch(id, confidenceIn(form)),
  );
  action('cancel', 'Cancelled. Notes that were posted stay.', async (id) => {
    const batch = await control.cancelBatch(id);
    if (batch === null) return { kind: 'unknown' };
    return batch.state === 'completed' ? { kind: 'conflict', state: batch.state } : { kind: 'ok' };
  });

  pages.send('/batches/:id/results.ndjson', (c) => {
    const { id } = known(reader.batch(pathParameter(c, 'id')));
    return streamResponse(streamResults(deps, id), 'application/x-ndjson');
  });
}

function batchView(batch: BatchProgress, visit: Visit, problem: string | null = null): View {
  return {
    title: batchName(batch),
    section: 'Batches',
    body: <BatchView batch={batch} visit={visit} problem={problem} />,
    status: problem === null ? 200 : 409,
  };
}

function known<T>(batch: T | null): T {
  if (batch === null) throw new RequestError('not_found', 'No such batch is known here.');
  return batch;
}

/** Null: all of them. */
function errorClassIn(form: FormData): ErrorClass | null {
  const given = textOf(form, 'errorClass');
  if (given === '') return null;
  const found = ERROR_CLASSES.find((name) => name === given);
  if (found === undefined) throw new RequestError('malformed', 'No such class of errors is known here.');
  return found;
}

/** Percent in the form, 0 to 1 inside; null: whatever it is. */
function confidenceIn(form: FormData): number | null {
  const given = textOf(form, 'minConfidence');
  if (given === '') return null;
  const percent = Number(given);
  if (!(percent >= 0 && percent <= 100)) throw new RequestError('malformed', 'The confidence must be from 0 to 100 %.');
  return percent / 100;
}
