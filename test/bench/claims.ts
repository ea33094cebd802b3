import { rmSync } from 'node:fs';
import Database from 'better-sqlite3';
import { better, defineQueue } from 'plainjob';
import { systemClock, uuidv7 } from '../../src/core/clock.ts';
import { openDatabase } from '../../src/sqlite/database.ts';
import { openOutbox } from '../../src/sqlite/outbox.ts';
import { makeBatch } from '../support/factories.ts';
import { migrationsFolder } from '../support/paths.ts';
import type { Figure } from './index.ts';

const SIZES = [1_000, 100_000, 1_000_000];
const WAITING = 6_000;
const GROUP = 64;
const ROUNDS = 60;

/** What a claim costs beside so many finished rows, and what they take of memory; plainjob on the same machine. */
export async function benchClaims(path: string): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const rows of SIZES) {
    const ours = await benchOurs(path, rows);
    removeDatabase(path);
    const theirs = benchPlainjob(path, rows);
    removeDatabase(path);
    figures.push({
      what: `claim beside ${rows.toLocaleString('en')} finished rows`,
      value: `${ours.microseconds.toFixed(0)} µs a job in groups of ${GROUP} (plainjob, one at a time: ${theirs.toFixed(0)} µs), +${ours.memoryMb.toFixed(0)} MB`,
      aim: 'the same at every size',
    });
  }
  return figures;
}

async function benchOurs(path: string, rows: number): Promise<{ microseconds: number; memoryMb: number }> {
  const clock = systemClock();
  const connection = openDatabase({ path, migrationsFolder });
  fill(connection, rows);
  const outbox = openOutbox(connection, { clock, newId: uuidv7(clock), owner: 'bench', maxPending: 1e9 });
  await outbox.createBatch(makeBatch(Array.from({ length: WAITING }, (_, index) => String(2_000_000 + index))));
  const offer = { stage: 'draft', helpdesk: 'zendesk', limit: GROUP, batches: true } as const;
  const before = process.memoryUsage.rss();
  await outbox.claim([offer], GROUP);
  const from = performance.now();
  let claimed = 0;
  for (let round = 0; round < ROUNDS; round += 1) claimed += (await outbox.claim([offer], GROUP)).length;
  const ms = performance.now() - from;
  const memoryMb = (process.memoryUsage.rss() - before) / 1e6;
  connection.close();
  return { microseconds: (ms * 1000) / claimed, memoryMb };
}

/** Finished tickets with their jobs, drafts left out: written by SQL, in no time that matters here. */
function fill(connection: Database.Database, rows: number): void {
  connection.exec(`
    BEGIN;
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${rows})
      INSERT INTO ticket (helpdesk, ticket_id, job_id, created_at) SELECT 'zendesk', CAST(i AS TEXT), 'old-' || i, 0 FROM n;
    INSERT INTO job (id, ticket, helpdesk, batch_id, status, stage, lane, marker, traceparent, queued_at, created_at, updated_at)
      SELECT job_id, id, 'zendesk', 'old-batch', 'posted', 'post', 1, 'dd-' || id, '00-0-0-00', 0, 0, 0 FROM ticket;
    COMMIT;
    PRAGMA wal_checkpoint(TRUNCATE);`);
}

function benchPlainjob(path: string, rows: number): number {
  const database = new Database(path);
  const connection = better(database as never);
  const silent = { error: ignore, warn: ignore, info: ignore, debug: ignore };
  const queue = defineQueue({ connection, logger: silent });
  database.pragma('synchronous = FULL');
  addMany(queue, rows);
  database.exec('UPDATE plainjob_jobs SET status = 2');
  addMany(queue, WAITING);
  queue.getAndMarkJobAsProcessing('draft');
  const from = performance.now();
  const count = 1_000;
  for (let index = 0; index < count; index += 1) queue.getAndMarkJobAsProcessing('draft');
  const ms = performance.now() - from;
  queue.close();
  return (ms * 1000) / count;
}

function addMany(queue: ReturnType<typeof defineQueue>, rows: number): void {
  for (let left = rows; left > 0; left -= 10_000) {
    queue.addMany(
      'draft',
      Array.from({ length: Math.min(left, 10_000) }, (_, index) => ({ ticketId: String(index) })),
    );
  }
}

function removeDatabase(path: string): void {
  for (const suffix of ['', '-wal', '-shm']) rmSync(path + suffix, { force: true });
}

const ignore = (): void => undefined;
