import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Progress } from '../../src/core/service-control.ts';
import type { Figure } from './index.ts';
import { startBenchService, UNUSED_UPSTREAMS } from './service.ts';
import { startBenchVendors } from './vendors.ts';

const TICKETS = 1000;
const ROUNDS = 3;

/** What watching costs: with no OTEL_* variable set, and with traces and metrics sent to a collector in this process. */
export async function benchTelemetry(): Promise<Figure[]> {
  let received = 0;
  const collector = createServer((request, response) => {
    request.on('data', (chunk: Buffer) => (received += chunk.length));
    request.on('end', () => response.writeHead(200).end());
  });
  await new Promise<void>((resolve) => void collector.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(collector.address() as AddressInfo).port}`;
  const figures: Figure[] = [];
  for (const [name, env] of [
    ['off', {}],
    ['on', { OTEL_EXPORTER_OTLP_ENDPOINT: url, OTEL_METRIC_EXPORT_INTERVAL: '5000' }],
  ] as const) {
    const before = received;
    const idle = await measureIdle(env);
    const busy = await measureBusy(env);
    const sent = `, ${((received - before) / (ROUNDS * TICKETS) / 1000).toFixed(1)} kB sent a ticket`;
    figures.push(
      {
        what: `telemetry ${name}: CPU a ticket, peak memory (median of ${ROUNDS})`,
        value: `${busy.cpuMs.toFixed(2)} ms, ${Math.round(busy.peakMb)} MB${name === 'on' ? sent : ''}`,
        aim: name === 'off' ? '≤ 2 ms' : '',
      },
      {
        what: `telemetry ${name}: start-up, idle memory (median of ${ROUNDS})`,
        value: `${Math.round(idle.startMs)} ms, ${Math.round(idle.rssMb)} MB`,
        aim: name === 'off' ? '≤ 110 MB' : '',
      },
    );
  }
  collector.closeAllConnections();
  collector.close();
  return figures;
}

type Env = Readonly<Record<string, string>>;

async function measureIdle(env: Env): Promise<{ startMs: number; rssMb: number }> {
  const starts: number[] = [];
  const sizes: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const service = await startBenchService({ ...UNUSED_UPSTREAMS, ...env });
    await new Promise((resolve) => setTimeout(resolve, 500));
    starts.push(service.startMs);
    sizes.push(service.rssMb());
    await service.stop();
  }
  return { startMs: median(starts), rssMb: median(sizes) };
}

async function measureBusy(env: Env): Promise<{ cpuMs: number; peakMb: number }> {
  const cpu: number[] = [];
  const peaks: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const vendors = await startBenchVendors();
    const service = await startBenchService({ ...vendors.env, WORKER_CONCURRENCY: '32', ...env });
    await service.post('/admin/pause');
    await vendors.create(TICKETS, `${service.url}/webhooks/zendesk`);
    const from = service.cpuMs();
    await service.post('/admin/resume');
    while (((await service.get('/admin/progress')) as Progress).counts.posted < TICKETS)
      await new Promise((resolve) => setTimeout(resolve, 100));
    cpu.push((service.cpuMs() - from) / TICKETS);
    peaks.push(service.peakRssMb());
    await service.stop();
    vendors.stop();
  }
  return { cpuMs: median(cpu), peakMb: median(peaks) };
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}
