import { fitLine, type Point } from '../../src/core/linear-fit.ts';
import type { Progress } from '../../src/core/service-control.ts';
import type { Figure } from './index.ts';
import { type BenchService, startBenchService } from './service.ts';
import { startBenchVendors } from './vendors.ts';

/** The pace of promise 16: 100,000 tickets in half an hour. */
const TICKETS_PER_MINUTE = 100_000 / 30;
const STEP = 250;
/** Until then caches fill and the heap finds its size. */
const WARM_SHARE = 0.2;
const DRAIN_MS = 60_000;

interface Sample {
  readonly tickets: number;
  readonly rssMb: number;
  readonly files: number;
  readonly walMb: number;
}

/** Webhooks at a steady pace for so many minutes: what grows with the tickets, and what must not. */
export async function benchSoak(minutes: number): Promise<Figure[]> {
  const vendors = await startBenchVendors();
  const service = await startBenchService({ ...vendors.env, WORKER_CONCURRENCY: '32' });
  const samples: Sample[] = [];
  try {
    const from = performance.now();
    for (let sent = 0; sent < minutes * TICKETS_PER_MINUTE;) {
      await vendors.create(STEP, `${service.url}/webhooks/zendesk`);
      sent += STEP;
      await new Promise((resolve) =>
        setTimeout(resolve, Math.max(0, (sent / TICKETS_PER_MINUTE) * 60_000 - (performance.now() - from))),
      );
      await connectAndLeave(service);
      const [rssMb, files, walMb] = [service.rssMb(), service.openFiles(), service.walMb()];
      samples.push({ tickets: sent, rssMb, files, walMb });
    }
    return report(samples, await leftAfterDrain(service));
  } finally {
    await service.stop();
    vendors.stop();
  }
}

/** What came last is still in work: it gets its time, and then everything must have its note. */
async function leftAfterDrain(service: BenchService): Promise<number> {
  const patience = performance.now() + DRAIN_MS;
  for (;;) {
    const { counts, total } = (await service.get('/admin/progress')) as Progress;
    if (counts.posted === total || performance.now() > patience) return total - counts.posted;
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
}

/** A watcher of events who goes again at once: his connection must not stay. */
async function connectAndLeave(service: BenchService): Promise<void> {
  const leave = new AbortController();
  await service.events(leave.signal);
  leave.abort();
}

function report(samples: readonly Sample[], left: number): Figure[] {
  const warm = samples.slice(Math.floor(samples.length * WARM_SHARE));
  const points = warm.map(({ tickets, rssMb }): Point => ({ x: tickets / 10_000, y: rssMb, weight: 1 }));
  const files = warm.map((sample) => sample.files);
  const tickets = samples.at(-1)?.tickets ?? 0;
  return [
    {
      what: `soak, ${tickets.toLocaleString('en')} tickets: memory per 10,000`,
      value: `${(fitLine(points)?.slope ?? 0).toFixed(2)} MB, ${Math.round(samples.at(-1)?.rssMb ?? 0)} MB at the end`,
      aim: '< 1 MB',
    },
    { what: 'soak: open files', value: `${Math.min(...files)}-${Math.max(...files)}`, aim: 'constant' },
    {
      what: 'soak: largest -wal',
      value: `${Math.max(...samples.map(({ walMb }) => walMb)).toFixed(1)} MB`,
      aim: '≤ 64 MB',
    },
    { what: 'soak: tickets without a note at the end', value: String(left), aim: '' },
  ];
}
