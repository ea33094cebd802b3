import { mkdtempSync, rmSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { benchBatch } from './batch.ts';
import { benchClaims } from './claims.ts';
import { benchConsole } from './console.ts';
import { benchHostile } from './hostile.ts';
import { benchLimiter } from './limiter.ts';
import { benchOutbox } from './outbox.ts';
import { benchPipeline } from './pipeline.ts';
import { benchReady } from './ready.ts';
import { benchTelemetry } from './telemetry.ts';
import { startBenchService, UNUSED_UPSTREAMS } from './service.ts';
import { benchSoak } from './soak.ts';
import { benchSlowDisk, benchWebhooks } from './webhooks.ts';

/*
 * `npm run bench`: every figure of README's table, on this machine. A figure is shown beside its aim; nothing fails.
 * Names of sections as arguments run only those: memory webhooks ready console outbox claims pipeline batch limiter
 * telemetry hostile slowdisk. By name only: `soak`, or `soak=30` for half an hour (promise 16).
 */

export interface Figure {
  readonly what: string;
  readonly value: string;
  readonly aim: string;
}

async function benchIdle(): Promise<Figure[]> {
  const starts: number[] = [];
  let idleMb = 0;
  for (let round = 0; round < 5; round += 1) {
    const service = await startBenchService(UNUSED_UPSTREAMS);
    starts.push(service.startMs);
    await new Promise((resolve) => setTimeout(resolve, 500));
    idleMb = Math.max(idleMb, service.rssMb());
    await service.stop();
  }
  starts.sort((a, b) => a - b);
  return [
    { what: 'start-up, spawn to listening (median of 5)', value: `${Math.round(starts[2] ?? 0)} ms`, aim: '' },
    { what: 'idle memory', value: `${Math.round(idleMb)} MB`, aim: '≤ 110 MB' },
  ];
}

const folder = mkdtempSync(join(tmpdir(), 'draftdesk-bench-'));
const sections: Readonly<Record<string, () => Promise<readonly Figure[]>>> = {
  memory: benchIdle,
  webhooks: benchWebhooks,
  ready: () => benchReady(join(folder, 'ready.db')),
  console: () => benchConsole(join(folder, 'console.db')),
  outbox: () => benchOutbox(join(folder, 'outbox.db')),
  claims: () => benchClaims(join(folder, 'claims.db')),
  pipeline: benchPipeline,
  batch: benchBatch,
  limiter: benchLimiter,
  telemetry: benchTelemetry,
  hostile: () => benchHostile(UNUSED_UPSTREAMS),
  slowdisk: benchSlowDisk,
};
const SOAK_MINUTES = 3;
const soak = process.argv.map((argument) => /^soak(?:=(\d+))?$/.exec(argument)).find((match) => match !== null);
const wanted = process.argv.slice(2);
const figures: Figure[] = [];
process.stderr.write(`Node ${process.version}, ${cpus().length} cores (${cpus()[0]?.model.trim() ?? '?'})\n`);
for (const [name, section] of Object.entries(sections)) {
  if (wanted.length > 0 && !wanted.includes(name)) continue;
  process.stderr.write(`  ${name} …\n`);
  figures.push(...(await section()));
}
if (soak !== undefined) figures.push(...(await benchSoak(Number(soak[1] ?? SOAK_MINUTES))));
rmSync(folder, { recursive: true, force: true });
process.stdout.write('\n| figure | measured | aim |\n| --- | --- | --- |\n');
for (const { what, value, aim } of figures) process.stdout.write(`| ${what} | ${value} | ${aim} |\n`);
