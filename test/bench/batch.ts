import type { BatchProgress, Progress } from '../../src/core/service-control.ts';
import type { Figure } from './index.ts';
import { type BenchService, type LoopDelay, startBenchService } from './service.ts';
import { startBenchVendors } from './vendors.ts';

const TICKETS = 10_000;
const IN_FLIGHT = 200;

/** A batch of 10,000, worked off and cancelled half-way, seen from outside. */
export async function benchBatch(): Promise<Figure[]> {
  return [...(await benchWhole()), ...(await benchCancel())];
}

async function benchWhole(): Promise<Figure[]> {
  const vendors = await startBenchVendors();
  const service = await startBenchService({ ...vendors.env, WORKER_CONCURRENCY: '32' });
  try {
    const ticketIds = await vendors.create(TICKETS);
    const cpuBefore = service.cpuMs();
    await service.loopDelay();
    const from = performance.now();
    const { id } = (await service.post('/admin/batches', { helpdesk: 'zendesk', ticketIds })) as BatchProgress;
    const createMs = performance.now() - from;
    const whileCreated = await service.loopDelay();
    const done = await until(service, id, ({ state }) => state === 'completed');
    const ms = performance.now() - from;
    const whileRunning = await service.loopDelay();
    const exportFrom = performance.now();
    const lines = await countLines(service, `/admin/batches/${id}/results.ndjson`);
    const exportMs = performance.now() - exportFrom;
    const whileExported = await service.loopDelay();
    if (lines !== TICKETS || done.counts.posted !== TICKETS)
      throw new Error(`${done.counts.posted} of ${lines} posted`);
    return [
      figure(`batch of ${TICKETS}: created (answered 202)`, `${createMs.toFixed(0)} ms`, ''),
      figure(
        `batch of ${TICKETS}: worked off, 0 ms LLM`,
        `${Math.round((TICKETS / ms) * 60_000).toLocaleString('en')} tickets/min`,
        '',
      ),
      figure(
        'CPU of the service per ticket of a batch',
        `${((service.cpuMs() - cpuBefore) / TICKETS).toFixed(2)} ms`,
        '≤ 2 ms',
      ),
      figure(`peak memory, batch of ${TICKETS}`, `${Math.round(service.peakRssMb())} MB`, '≤ 150 MB'),
      figure(`results of ${TICKETS}`, `${exportMs.toFixed(0)} ms`, ''),
      figure('event loop late while it is created', late(whileCreated), 'p99 < 50 ms'),
      figure('event loop late while it runs', late(whileRunning), 'p99 < 50 ms'),
      figure('event loop late while it is exported', late(whileExported), 'p99 < 50 ms'),
    ];
  } finally {
    await service.stop();
    vendors.stop();
  }
}

async function benchCancel(): Promise<Figure[]> {
  const vendors = await startBenchVendors({ latencyMs: 3_000 });
  const service = await startBenchService({ ...vendors.env, WORKER_CONCURRENCY: String(IN_FLIGHT) });
  try {
    const ticketIds = await vendors.create(TICKETS);
    const { id } = (await service.post('/admin/batches', { helpdesk: 'zendesk', ticketIds })) as BatchProgress;
    for (let inFlight = 0; inFlight < IN_FLIGHT;) {
      inFlight = ((await service.get('/admin/progress')) as Progress).workers.busy;
      await pause(20);
    }
    await pause(500);
    await service.loopDelay();
    const from = performance.now();
    const at = Date.now();
    await service.post(`/admin/batches/${id}/cancel`);
    const cancelled = await until(service, id, ({ state }) => state === 'cancelled', 5);
    const ms = performance.now() - from;
    const whileCancelled = await service.loopDelay();
    await pause(1_000);
    const { lastLlmRequestAt, lastNoteAt } = await vendors.seen();
    return [
      figure(
        `cancel: shown as cancelled, ${cancelled.counts.cancelled} tickets, ${IN_FLIGHT} calls in flight`,
        `${ms.toFixed(0)} ms`,
        '≤ 250 ms',
      ),
      figure('cancel: last LLM request after it', `${Math.max(0, lastLlmRequestAt - at)} ms`, '≤ 250 ms'),
      figure('cancel: last note after it was shown', `${Math.max(0, lastNoteAt - at - ms).toFixed(0)} ms`, '0 ms'),
      figure('event loop late while it is cancelled', late(whileCancelled), 'p99 < 50 ms'),
    ];
  } finally {
    await service.stop();
    vendors.stop();
  }
}

function figure(what: string, value: string, aim: string): Figure {
  return { what, value, aim };
}

function late({ p50, p99, max }: LoopDelay): string {
  return `p50 ${p50.toFixed(1)} ms, p99 ${p99.toFixed(1)} ms, max ${max.toFixed(1)} ms`;
}

async function until(
  service: BenchService,
  id: string,
  wanted: (batch: BatchProgress) => boolean,
  everyMs = 100,
): Promise<BatchProgress> {
  for (const end = performance.now() + 180_000; performance.now() < end;) {
    const batch = (await service.get(`/admin/batches/${id}`)) as BatchProgress;
    if (wanted(batch)) return batch;
    await pause(everyMs);
  }
  throw new Error('the batch did not come to its end');
}

async function countLines(service: BenchService, path: string): Promise<number> {
  const text = await service.text(path);
  return text.split('\n').length - 1;
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
