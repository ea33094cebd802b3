import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Progress } from '../../src/core/service-control.ts';
import type { Figure } from './index.ts';
import { startBenchService } from './service.ts';

const TICKETS = 3000;
const NO_LIMIT = '1000000';
const upstreams = fileURLToPath(new URL('upstreams.ts', import.meta.url));

/** The whole path, webhook to note, against simulated vendors that answer at once. */
export async function benchPipeline(): Promise<Figure[]> {
  const vendors = fork(upstreams);
  // nothing of ours may outlive a bench that failed
  process.once('exit', () => vendors.kill());
  const [{ ready }] = (await once(vendors, 'message')) as [{ ready: Record<string, string> }];
  const service = await startBenchService({
    ...ready,
    LLM_REQUESTS_PER_MINUTE: NO_LIMIT,
    LLM_TOKENS_PER_MINUTE: '1000000000',
    ZENDESK_REQUESTS_PER_MINUTE: NO_LIMIT,
    ZENDESK_UPDATES_PER_MINUTE: NO_LIMIT,
    WORKER_CONCURRENCY: '32',
  });
  try {
    await service.post('/admin/pause');
    vendors.send({ connect: `${service.url}/webhooks/zendesk`, tickets: TICKETS });
    await once(vendors, 'message');
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
    vendors.kill();
  }
}
