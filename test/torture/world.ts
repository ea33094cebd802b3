import { join } from 'node:path';
import Database from 'better-sqlite3';
import { adminClient, startVendors, type Vendors } from '../support/harness.ts';
import { type ServiceProcess, startServiceProcess } from '../support/service-process.ts';
import { type Feeder, sleep, startFeeder } from './ledger.ts';

export const CONCURRENCY = 8;
/** A drain that has not ended by then never will. */
const DRAIN_MS = 120_000;

/** Simulated vendors on sockets, customers who keep writing, and a service that is killed again and again. */
export interface World extends AsyncDisposable {
  readonly vendors: Vendors;
  readonly feeder: Feeder;
  readonly databasePath: string;
  /** ms from spawn to the first good answer of `/readyz`, of every life that came so far. */
  readonly readyMs: readonly number[];
  /** Starts the service; `under`: see `startServiceProcess`. Rejects when it dies first. */
  start(under?: readonly string[]): Promise<ServiceProcess>;
  /** The same for a life that may end before it is ready. */
  spawn(under?: readonly string[]): ServiceProcess;
  /** Waits until it is ready, notes how long that took, and sends the customers there. */
  attend(service: ServiceProcess): Promise<void>;
  /** Counts a death, whoever caused it. */
  died(): void;
  readonly deaths: number;
  /** Lets a last life finish all there is, stops it in order, and looks into the file it leaves. */
  drain(): Promise<Remains>;
}

/** What a drained, stopped service leaves behind. */
export interface Remains {
  readonly exitCode: number | null;
  readonly integrity: string;
  /** Tickets whose draft was bought again although one was stored. */
  readonly boughtAgain: number;
  readonly dead: number;
  /** Tickets in no final status. */
  readonly unfinished: number;
  readonly llmCalls: number;
  readonly drainedMs: number;
}

export interface WorldOptions {
  readonly seed: number;
  readonly latencyMs?: number;
  readonly env?: Readonly<Record<string, string>>;
}

export async function createWorld({ seed, latencyMs = 25, env = {} }: WorldOptions): Promise<World> {
  const vendors = await startVendors({ seed, latencyMs });
  const feeder = startFeeder(vendors, { seed });
  const databasePath = join(vendors.folder, 'test.db');
  const settings = { ...vendors.env, LOG_LEVEL: 'info', WORKER_CONCURRENCY: String(CONCURRENCY), ...env };
  const readyMs: number[] = [];
  let deaths = 0;
  let current: ServiceProcess | null = null;

  const spawn = (under: readonly string[] = []): ServiceProcess =>
    (current = startServiceProcess(settings, { cwd: vendors.folder, under }));
  const attend = async (service: ServiceProcess): Promise<void> => {
    const url = await service.listening();
    feeder.aim(url);
    const listening = service.startMs() ?? 0;
    const from = performance.now();
    const ready = await fetch(`${url}/readyz`).then(
      ({ ok }) => ok,
      () => false,
    );
    if (ready) readyMs.push(listening + performance.now() - from);
  };
  const start = async (under: readonly string[] = []): Promise<ServiceProcess> => {
    const service = spawn(under);
    await attend(service);
    return service;
  };

  const drain = async (): Promise<Remains> => {
    const service = await start();
    await feeder.finish();
    const from = performance.now();
    const late = (): boolean => performance.now() - from > DRAIN_MS;
    while (feeder.ledger.open() > 0 && !late()) await sleep(50);
    const admin = adminClient(await service.listening());
    // a note may be there before the service knows it
    let counts = await admin.statuses();
    const moving = () => counts.queued + counts.drafting + counts.posting + counts.retrying;
    while (moving() > 0 && !late()) {
      await sleep(50);
      counts = await admin.statuses();
    }
    const drainedMs = performance.now() - from;
    service.signal('SIGTERM');
    const [exitCode] = await service.exited;
    const llmCalls = vendors.llm.stats().requests;
    return { exitCode, dead: counts.dead, unfinished: moving(), llmCalls, drainedMs, ...inspect(databasePath) };
  };

  return {
    vendors,
    feeder,
    databasePath,
    readyMs,
    spawn,
    attend,
    start,
    drain,
    died: () => void (deaths += 1),
    get deaths() {
      return deaths;
    },
    [Symbol.asyncDispose]: async () => {
      feeder.aim(null);
      feeder.stop();
      await current?.kill();
      await vendors[Symbol.asyncDispose]();
    },
  };
}

function inspect(path: string): Pick<Remains, 'integrity' | 'boughtAgain'> {
  const connection = new Database(path);
  const again = connection.prepare<[], number>(
    'SELECT count(*) FROM (SELECT 1 FROM draft GROUP BY ticket HAVING count(*) > 1)',
  );
  const found = {
    integrity: String(connection.pragma('integrity_check', { simple: true })),
    boughtAgain: again.pluck().get() ?? 0,
  };
  connection.close();
  return found;
}
