import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { seededRandom } from '../../src/core/clock.ts';
import { openDatabase } from '../../src/sqlite/database.ts';
import { startVendors } from '../support/harness.ts';
import { migrationsFolder } from '../support/paths.ts';
import { startServiceProcess } from '../support/service-process.ts';
import { createDisk } from './disk.ts';
import type { Row } from './report.ts';
import { hasStrace } from './strace.ts';
import { readTrace, recordTo, type TraceEvent } from './trace.ts';

export interface PowerPlan {
  readonly seed: number;
  readonly cuts: number;
  readonly webhooks: number;
}

const CONNECTIONS = 16;
const load = fileURLToPath(new URL('../bench/load.ts', import.meta.url));
const halfDurable = new URL('half-durable.mjs', import.meta.url).href;
const run = promisify(execFile);

export interface CutReport {
  readonly events: number;
  readonly acknowledged: number;
  readonly cuts: number;
  /** Cuts after which an acknowledged ticket was gone, and how many were at the worst of them. */
  readonly losing: number;
  readonly worst: number;
  /** Cuts after which the service's own `openDatabase` refused, or `integrity_check` complained. */
  readonly broken: readonly string[];
}

/**
 * Records what the service writes under load and cuts its power at many moments of the recording: with `synchronous=FULL`
 * nothing that was acknowledged may be gone; without it the same kit must find losses, or it proves nothing.
 */
export async function cutPower(plan: PowerPlan): Promise<readonly Row[]> {
  if (!hasStrace()) return [{ what: 'power cuts', value: 'skipped: no strace' }];
  const full = await replay(await record(plan, {}), plan);
  const control = await replay(
    await record(plan, { NODE_OPTIONS: `--import=${halfDurable}`, TORTURE_HIDE: '1' }),
    plan,
  );
  return [
    { what: 'power cuts, half of them torn', value: full.cuts, good: full.cuts === plan.cuts },
    { what: 'webhooks acknowledged', value: full.acknowledged, good: full.acknowledged === plan.webhooks },
    { what: 'writes, syncs and answers recorded', value: full.events },
    { what: 'cuts that lost an acknowledged ticket', value: full.losing, good: full.losing === 0 },
    { what: 'files that would not open, or not whole', value: full.broken.length, good: full.broken.length === 0 },
    ...full.broken.slice(0, 3).map((value) => ({ what: '…', value })),
    {
      what: 'control, synchronous=NORMAL: cuts that lose',
      value: `${control.losing} of ${control.cuts}`,
      good: control.losing > 0,
    },
    { what: 'control: tickets gone at the worst', value: control.worst },
  ];
}

interface Recording {
  readonly events: readonly TraceEvent[];
  readonly databasePath: string;
}

async function record({ seed, webhooks }: PowerPlan, extra: Readonly<Record<string, string>>): Promise<Recording> {
  await using vendors = await startVendors({ seed });
  const log = join(vendors.folder, 'strace.log');
  const env = { ...vendors.env, LOG_LEVEL: 'info', ...extra };
  const service = startServiceProcess(env, { cwd: vendors.folder, under: recordTo(log) });
  try {
    const { port } = new URL(await service.listening());
    const args = [load, port, String(CONNECTIONS), String(webhooks), vendors.zendesk.webhookSecret, 'power'];
    await run(process.execPath, args);
  } finally {
    await service.kill();
  }
  const databasePath = join(vendors.folder, 'test.db');
  return { events: await readTrace(log, databasePath), databasePath };
}

async function replay({ events, databasePath }: Recording, { seed, cuts }: PowerPlan): Promise<CutReport> {
  const random = seededRandom(seed);
  const moments = Array.from({ length: cuts }, () => Math.floor(random() * events.length)).toSorted((a, b) => a - b);
  const folder = mkdtempSync(join(tmpdir(), 'draftdesk-power-'));
  const disk = createDisk();
  const acknowledged = new Set<string>();
  const broken: string[] = [];
  let [done, losing, worst] = [0, 0, 0];
  for (const [index, event] of events.entries()) {
    disk.apply(event);
    if (event.kind === 'ack') acknowledged.add(event.ticketId);
    for (; moments[done] === index; done += 1) {
      const data = join(folder, String(done));
      mkdirSync(data);
      disk.cut((path) => join(data, `cut.db${path.slice(databasePath.length)}`), done % 2 === 1 ? random : null);
      const found = openAfterCut(join(data, 'cut.db'));
      rmSync(data, { recursive: true });
      if (found.fault !== null) broken.push(`at event ${index}: ${found.fault}`);
      const gone = [...acknowledged].filter((ticketId) => !found.ticketIds.has(ticketId)).length;
      if (gone > 0) losing += 1;
      worst = Math.max(worst, gone);
      // let the processes around us breathe
      if (done % 20 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
  }
  rmSync(folder, { recursive: true, force: true });
  return { events: events.length, acknowledged: acknowledged.size, cuts: done, losing, worst, broken };
}

function openAfterCut(path: string): { readonly ticketIds: ReadonlySet<string>; readonly fault: string | null } {
  try {
    const connection = openDatabase({ path, migrationsFolder });
    try {
      const integrity = String(connection.pragma('integrity_check', { simple: true }));
      const ids = connection.prepare<[], string>('SELECT ticket_id FROM ticket JOIN job ON job.id = ticket.job_id');
      return { ticketIds: new Set(ids.pluck().all()), fault: integrity === 'ok' ? null : integrity };
    } finally {
      connection.close();
    }
  } catch (error) {
    return { ticketIds: new Set(), fault: String(error) };
  }
}
