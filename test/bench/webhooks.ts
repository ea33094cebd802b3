import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { hasStrace, slowFsync } from '../torture/strace.ts';
import type { Figure } from './index.ts';
import { type BenchService, startBenchService, UNUSED_UPSTREAMS, WEBHOOK_SECRET } from './service.ts';

const load = fileURLToPath(new URL('load.ts', import.meta.url));
const run = promisify(execFile);

/** Signed webhooks over sockets, answered when they are on the disk. */
export async function benchWebhooks(): Promise<Figure[]> {
  const service = await startBenchService(UNUSED_UPSTREAMS);
  try {
    await service.post('/admin/pause');
    await hammer(service, 64, 5000, 'warm-up');
    const figures: Figure[] = [];
    for (const [connections, requests] of [
      [1, 4000],
      [16, 20_000],
      [64, 40_000],
    ] as const) {
      const result = await hammer(service, connections, requests, `c${connections}`);
      figures.push({
        what: `durable webhooks/s at ${connections} connection${connections === 1 ? '' : 's'}`,
        value: `${Math.round(result.perSecond)}/s, p50 ${result.p50.toFixed(2)} ms, p99 ${result.p99.toFixed(1)} ms`,
        aim: connections === 64 ? '≥ 10,000/s' : '',
      });
      if (Object.keys(result.statuses).join() !== '202') throw new Error(`answers ${JSON.stringify(result.statuses)}`);
    }
    return figures;
  } finally {
    await service.stop();
  }
}

interface LoadResult {
  readonly perSecond: number;
  readonly p50: number;
  readonly p99: number;
  readonly statuses: Readonly<Record<string, number>>;
}

async function hammer(service: BenchService, connections: number, requests: number, name: string): Promise<LoadResult> {
  const args = [load, service.port, connections, requests, WEBHOOK_SECRET, name].map(String);
  const { stdout } = await run(process.execPath, args);
  return JSON.parse(stdout) as LoadResult;
}

const FSYNC_MS = 200;

/** Promise 15: what senders wait for when the disk takes 200 ms for each fsync. */
export async function benchSlowDisk(): Promise<Figure[]> {
  const what = `webhooks at 64 connections, ${FSYNC_MS} ms an fsync`;
  const aim = 'p99 < 2 s';
  if (!hasStrace()) return [{ what, value: 'skipped: no strace', aim }];
  const service = await startBenchService(UNUSED_UPSTREAMS);
  const slow = slowFsync(service.pid, FSYNC_MS);
  try {
    await service.post('/admin/pause');
    // right after the start the first wave waits for what that has to write: 2.4 s here
    await hammer(service, 64, 640, 'settle');
    const { p50, p99, statuses } = await hammer(service, 64, 3000, 'slow');
    return [{ what, value: `${JSON.stringify(statuses)}, p50 ${Math.round(p50)} ms, p99 ${Math.round(p99)} ms`, aim }];
  } finally {
    slow.kill('SIGINT');
    await once(slow, 'exit');
    await service.stop();
  }
}
