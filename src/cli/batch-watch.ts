import { isOver } from '../core/batch.ts';
import { systemClock } from '../core/clock.ts';
import { type BatchStatus, toPicture } from './batch-state.ts';
import { EXIT } from './command-error.ts';
import { createProgressView, formatCount, paint } from './progress-view.ts';
import { type ServiceClient, ServiceUnreachable } from './service-client.ts';
import { jsonLine } from './shown.ts';
import { createStopper } from './stopper.ts';

const FIRST_AGAIN_MS = 500;
const AGAIN_MAX_MS = 10_000;
/** So long without an answer the service is taken to be gone, ms. */
const GIVE_UP_MS = 300_000;

/**
 * Follows a batch until it is over, over broken connections too. Answers the exit code: 0 when no ticket is dead, else
 * 1; 130 when interrupted, which leaves the batch to itself.
 */
export async function watchBatch(client: ServiceClient, id: string, json: boolean): Promise<number> {
  const clock = systemClock();
  const stop = createStopper();
  const view = json ? null : createProgressView(process.stdout);
  const startedAt = clock.steady();
  let heardAt = startedAt;
  let againMs = FIRST_AGAIN_MS;
  let last: BatchStatus = await client.get(`/admin/batches/${encodeURIComponent(id)}`);
  let seen = '';

  const show = (batch: BatchStatus): void => {
    last = batch;
    heardAt = clock.steady();
    againMs = FIRST_AGAIN_MS;
    const text = jsonLine(batch);
    if (view !== null) view.update(toPicture(batch), clock.steady() - startedAt);
    else if (text !== seen) process.stdout.write(text);
    seen = text;
    if (isOver(batch)) stop.finish();
  };

  if (!json) process.stdout.write(`\n  ${title(last)}\n\n`);
  show(last);
  while (!stop.signal.aborted) {
    try {
      for await (const batch of client.events<BatchStatus>(
        `/admin/batches/${encodeURIComponent(id)}/events`,
        stop.signal,
      )) {
        show(batch);
        if (stop.signal.aborted) break;
      }
    } catch (error) {
      if (stop.signal.aborted) break;
      if (!(error instanceof ServiceUnreachable) || clock.steady() - heardAt > GIVE_UP_MS) throw error;
    }
    if (stop.signal.aborted) break;
    await clock.sleep(againMs, stop.signal);
    againMs = Math.min(AGAIN_MAX_MS, againMs * 2);
  }
  if (!isOver(last)) {
    if (!json) process.stdout.write(`\n  ${farewell(last)}\n`);
    return EXIT.interrupted;
  }
  if (!json) process.stdout.write(`\n  ${verdict(last)}\n`);
  return last.failed > 0 ? EXIT.failed : 0;
}

function title({ id, name, helpdesk }: BatchStatus): string {
  const where = helpdesk === undefined ? '' : ` at ${helpdesk}`;
  return `Batch ${id}${where}${name === null ? '' : `, ${name}`}`;
}

function farewell({ id, state }: BatchStatus): string {
  return state === 'paused'
    ? `The batch stands still: draftdesk batch resume ${id} goes on with it.`
    : `The batch goes on by itself: draftdesk batch watch ${id} follows it again.`;
}

function verdict({ id, state, succeeded, failed, counts }: BatchStatus): string {
  const cancelled = counts.cancelled ?? 0;
  const summary = [
    `${formatCount(succeeded)} done`,
    ...(cancelled > 0 ? [`${formatCount(cancelled)} cancelled`] : []),
    `${formatCount(failed)} dead`,
  ].join(', ');
  const colour = failed > 0 ? 'red' : state === 'cancelled' ? 'yellow' : 'green';
  const next =
    failed > 0
      ? `. draftdesk batch retry ${id} tries the dead ones again`
      : cancelled > 0
        ? `. draftdesk batch resume ${id} goes on`
        : '';
  return `${paint(process.stdout, colour, `${state}: ${summary}`)}${next}`;
}
