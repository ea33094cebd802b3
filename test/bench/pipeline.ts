import type { Progress } from '../../src/core/service-control.ts';
import type { Figure } from './index.ts';
import { startBenchService } from './service.ts';
import { startBenchVendors } from './vendors.ts';

const TICKETS = 3000;

/** The whole path, webhook to note, against simulated vendors that answer at once. */
export async function benchPipeline(): Promise<Figure[]> {
  const vendors = await startBenchVendors();
  const service = await startBenchService({ ...vendors.env, WORKER_CONCURRENCY: '32' });
  try {
    await service.post('/admin/pause');
    await vendors.create(TICKETS, `${service.url}/webhooks/zendesk`);
    const cpuBefore = service.cpuMs();
    const from = performance.now();
    await service.post('/admin/resume');
    let progress: Progress;
    do {
      await new Promise((resolve) => setTimeout(resolve, 100));
      progress = (await service.get('/admin/progress')) as Progress;
    } while (progress.counts.posted < TICKETS && performance.now() - from < 120_000);
    const ms = performance.now() - from;
    return [
      {
        what: `whole pipeline, 0 ms LLM, ${TICKETS} tickets`,
        value: `${Math.round((progress.counts.posted / ms) * 60_000).toLocaleString('en')} tickets/min`,
        aim: '≥ 100/min',
      },
      {
        what: 'CPU of the service per ticket',
        value: `${((service.cpuMs() - cpuBefore) / TICKETS).toFixed(2)} ms`,
        aim: '≤ 2 ms',
      },
      { what: `peak memory, ${TICKETS} tickets`, value: `${Math.round(service.peakRssMb())} MB`, aim: '≤ 150 MB' },
    ];
  } finally {
    await service.stop();
    vendors.stop();
  }
}
