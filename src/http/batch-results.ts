import type { Clock } from '../core/clock.ts';
import type { Observer } from '../core/observer.ts';
import type { BatchResult, TicketReader } from '../core/ticket-reader.ts';
import { faultName } from './problem.ts';

/** How many lines of results are read in one go; more would hold up the event loop. */
const RESULTS_PAGE = 200;

interface ResultsDeps {
  readonly reader: TicketReader;
  readonly clock: Clock;
  readonly observer: Observer;
}

/**
 * A page is read when the reader has taken the last one, each in its own turn of the event loop. The first page is
 * read at once, so that a database that cannot be read still answers with a status.
 */
export function streamResults({ reader, clock, observer }: ResultsDeps, id: string): ReadableStream<Uint8Array> {
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

function lineOf({ textRemovedAt, ...result }: BatchResult): string {
  const { id, status, draft, error, attempts, durationMs, sources, unproven, versions } = result;
  const removed = textRemovedAt === null ? null : new Date(textRemovedAt).toISOString();
  const line = { id, status, draft, error, attempts, durationMs, sources, unproven, versions, textRemovedAt: removed };
  return `${JSON.stringify(line)}\n`;
}
