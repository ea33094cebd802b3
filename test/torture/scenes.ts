import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { type Random, seededRandom } from '../../src/core/clock.ts';
import { openDatabase } from '../../src/sqlite/database.ts';
import { adminClient } from '../support/harness.ts';
import { migrationsFolder } from '../support/paths.ts';
import { sleep } from './ledger.ts';
import type { Row } from './report.ts';
import { hasStrace, killAtFsync } from './strace.ts';
import { createWorld, type World } from './world.ts';

const BATCH = 10_000;
/** Longer than either takes to be answered here. */
const WRITE_MS = 250;
/** A migration of an empty file and the opening around it make fewer fsyncs than this. */
const MIGRATION_FSYNCS = 40;

interface Batch {
  readonly id: string;
  readonly total: number;
  readonly state: string;
  readonly counts: Readonly<Record<string, number>>;
}

/** Kills in the middle of the long writes: a batch of 10,000 is there whole or not at all, and so is its cancellation. */
export async function interruptBatches({ seed, rounds }: { seed: number; rounds: number }): Promise<readonly Row[]> {
  const random = seededRandom(seed);
  await using world = await createWorld({ seed });
  world.feeder.pressure(0);
  let partial = 0;
  let forgotten = 0;
  const first = await world.start();
  await adminClient(await first.listening()).post('/admin/pause');
  await first.kill();
  for (let round = 0; round < rounds; round += 1) {
    const ticketIds = Array.from({ length: BATCH }, (_, index) => String(round * BATCH + index));
    const known = (await batchesAfter(world)).length;
    const stored = await actAndDie(world, random, '/admin/batches', { helpdesk: 'zendesk', ticketIds });
    const batches = await batchesAfter(world);
    partial += batches.filter(({ total, counts }) => total !== BATCH || sumOf(counts) !== BATCH).length;
    if (stored && batches.length === known) forgotten += 1;
    const open = batches.find(({ state }) => state === 'running');
    if (open === undefined) continue;
    const cancelled = await actAndDie(world, random, `/admin/batches/${open.id}/cancel`);
    const now = (await batchesAfter(world)).find(({ id }) => id === open.id);
    if (cancelled && now?.state !== 'cancelled') forgotten += 1;
    const whole = now?.state === 'cancelled' ? now.counts['cancelled'] : now?.counts['queued'];
    if (whole !== BATCH) partial += 1;
  }
  return [
    { what: 'SIGKILLs in a batch of 10,000 and its cancellation', value: world.deaths },
    { what: 'batches half stored or half cancelled', value: partial, good: partial === 0 },
    { what: 'answered with 202 and forgotten', value: forgotten, good: forgotten === 0 },
  ];
}

/** Asks for it and kills the service meanwhile. Answers whether it was promised. */
async function actAndDie(world: World, random: Random, path: string, body?: unknown): Promise<boolean> {
  const service = await world.start();
  const asked = adminClient(await service.listening())
    .post(path, body)
    .then(
      ({ status }) => status === 202,
      () => false,
    );
  await sleep(random() * WRITE_MS);
  await service.kill();
  world.died();
  return asked;
}

/** All batches, once the work that a death interrupted is done. */
async function batchesAfter(world: World): Promise<readonly Batch[]> {
  const service = await world.start();
  const admin = adminClient(await service.listening());
  const read = async () => (await admin.get<{ items: Batch[] }>('/admin/batches?limit=200')).items;
  let batches = await read();
  // its tickets are stored slice by slice, also by the next life
  const isWhole = ({ total, counts, state }: Batch) =>
    total === BATCH && sumOf(counts) === BATCH && state !== 'cancelling';
  for (let tries = 0; tries < 100 && !batches.every(isWhole); tries += 1) {
    await sleep(50);
    batches = await read();
  }
  await service.kill();
  return batches;
}

function sumOf(counts: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((sum, n) => sum + n, 0);
}

/** Kills a start that migrates an older file, at each of its fsyncs: after each the file opens, whole, at some version. */
export async function interruptMigrations({ seed }: { seed: number }): Promise<readonly Row[]> {
  if (!hasStrace()) return [{ what: 'SIGKILLs in a migration', value: 'skipped: no strace' }];
  await using world = await createWorld({ seed });
  world.feeder.pressure(0);
  const known = makeOldDatabase(world.databasePath, join(world.vendors.folder, 'migrations'));
  const broken: string[] = [];
  const versions = new Set<number>();
  let kills = 0;
  for (let n = 1; n <= MIGRATION_FSYNCS; n += 1) {
    const service = world.spawn(killAtFsync(n));
    const ready = await Promise.race([service.listening().then(() => true), service.exited.then(() => false)]).catch(
      () => false,
    );
    await service.kill();
    if (ready) break;
    kills += 1;
    const { version, integrity } = inspect(world.databasePath);
    versions.add(version);
    if (integrity !== 'ok' || version > known) broken.push(`after fsync ${n}: version ${version}, ${integrity}`);
  }
  await (await world.start()).kill();
  const { version } = inspect(world.databasePath);
  return [
    { what: 'SIGKILLs in a migration', value: kills, good: kills >= 3 },
    { what: 'versions it was left at', value: [...versions].toSorted((a, b) => a - b).join(' ') },
    { what: 'files broken by it', value: broken.length, good: broken.length === 0 },
    { what: 'version in the end', value: version, good: version === known },
  ];
}

/** A file that has had its first migration only. Answers how many there are. */
function makeOldDatabase(path: string, folder: string): number {
  cpSync(migrationsFolder, folder, { recursive: true });
  const journal = join(folder, 'meta', '_journal.json');
  const all = JSON.parse(readFileSync(journal, 'utf8')) as { entries: unknown[] };
  writeFileSync(journal, JSON.stringify({ ...all, entries: all.entries.slice(0, 1) }));
  openDatabase({ path, migrationsFolder: folder }).close();
  return all.entries.length;
}

/** Looks at what a death left, and changes no more than any opening does. */
function inspect(path: string): { readonly version: number; readonly integrity: string } {
  const connection = new Database(path);
  const read = (pragma: string) => connection.pragma(pragma, { simple: true });
  const found = { version: Number(read('user_version')), integrity: String(read('integrity_check')) };
  connection.close();
  return found;
}
