import { spawnSync } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync, rmSync, statSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import Database from 'better-sqlite3';
import type { TicketStatus } from '../../src/core/ticket.ts';
import { adminClient, startVendors, type Vendors } from '../support/harness.ts';
import { type ServiceProcess, startServiceProcess } from '../support/service-process.ts';
import { finished } from '../support/finished.ts';

/*
 * Promise 9: a disk that is full or broken never turns into a false 202 (reliability.md (b), kit 4 to 6). The bundled
 * program on real faults of the system: a tmpfs of 6 MB, a limit on file sizes, EIO by strace.
 */

const isRoot = process.getuid?.() === 0;
const hasStrace = spawnSync('strace', ['-V']).status === 0;
const DISK_MB = 6;

interface Ready {
  readonly status: number;
  readonly database: string;
}

async function readyOf(url: string): Promise<Ready> {
  const response = await fetch(`${url}/readyz`);
  const { checks } = (await response.json()) as { checks: { database: string } };
  return { status: response.status, database: checks.database };
}

/** Also those whose 503 turned out to be on the disk. */
const allFinished = (counts: Record<TicketStatus, number>): boolean =>
  finished(counts) === Object.values(counts).reduce((sum, n) => sum + n, 0);

describe('promise 9', () => {
  let vendors: Vendors;
  let program: ServiceProcess | undefined;
  let disk: string;
  let mounted = false;

  beforeEach(async () => {
    vendors = await startVendors();
    disk = join(vendors.folder, 'disk');
    mkdirSync(disk);
  });
  afterEach(async () => {
    await program?.kill();
    program = undefined;
    if (mounted) spawnSync('umount', ['-l', disk]);
    mounted = false;
    await vendors[Symbol.asyncDispose]();
  });

  const start = async (wrapper: readonly string[] = [], env: Record<string, string> = {}): Promise<string> => {
    const settings = { ...vendors.env, LOG_LEVEL: 'info', DATABASE_URL: `file:${disk}/test.db`, ...env };
    program = startServiceProcess(settings, { cwd: vendors.folder, under: wrapper });
    return await program.listening();
  };
  const addTicket = (): string =>
    vendors.zendesk.addTicket({
      subject: 'Parcel',
      html: `<p>Where is my parcel, please? ${'Really. '.repeat(200)}</p>`,
    });
  /** Answers the status and what it says to a sender about coming again. */
  const send = async (url: string, id: string): Promise<{ status: number; retryAfter: number }> => {
    const { headers, body } = vendors.zendesk.webhookFor(id, 'ticket.created');
    const response = await fetch(`${url}/webhooks/zendesk`, { method: 'POST', headers, body }).catch(() => null);
    await response?.arrayBuffer();
    return { status: response?.status ?? 0, retryAfter: Number(response?.headers.get('retry-after') ?? 0) };
  };
  const assertOneNoteEach = (ids: Iterable<string>): void => {
    for (const id of ids) expect(vendors.zendesk.notes(id), id).toHaveLength(1);
  };
  const restart = async (): Promise<string> => {
    await program?.kill();
    return await start();
  };

  it.skipIf(!isRoot)(
    'full: says so everywhere, buys nothing more, and goes on by itself with nothing lost',
    async () => {
      expect(spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${DISK_MB}m`, 'tmpfs', disk]).status).toBe(0);
      mounted = true;
      const url = await start();
      const admin = adminClient(url);
      const accepted: string[] = [];
      for (let count = 0; count < 20; count++) {
        const id = addTicket();
        expect((await send(url, id)).status).toBe(202);
        accepted.push(id);
      }
      await admin.until((counts) => finished(counts) >= 10);
      fillUp(disk);
      let refused: { status: number; retryAfter: number } | null = null;
      while (refused === null) {
        const id = addTicket();
        const answer = await send(url, id);
        if (answer.status === 202) accepted.push(id);
        else refused = answer;
      }
      expect(refused.status).toBe(503);
      expect(refused.retryAfter).toBeGreaterThanOrEqual(1);
      expect(refused.retryAfter).toBeLessThanOrEqual(59);
      const since = performance.now();
      const ready = await readyOf(url);
      expect(performance.now() - since).toBeLessThan(5000);
      expect(ready.status).toBe(503);
      expect(ready.database).toContain(`${disk}/test.db`);
      expect(ready.database).toMatch(/SQLITE_FULL.*disk is full/);
      // every one is refused from the first on, and the model is asked for nothing more
      const before = vendors.llm.stats().requests;
      for (let count = 0; count < 100; count++) expect((await send(url, addTicket())).status).toBe(503);
      expect(vendors.llm.stats().requests).toBe(before);
      expect((await fetch(`${url}/healthz`)).status).toBe(200);

      rmSync(join(disk, 'filler'));
      const freed = performance.now();
      await admin.until((counts) => finished(counts) === accepted.length);
      expect(performance.now() - freed).toBeLessThan(10_000);
      assertOneNoteEach(accepted);
      expect(vendors.llm.stats().answered).toBe(accepted.length);
      expect((await readyOf(url)).status).toBe(200);
      expect((await send(url, addTicket())).status).toBe(202);
    },
    60_000,
  );

  it.skipIf(!hasStrace)(
    'I/O error at any fsync: ends with 74 and one sentence, and nothing that was answered is lost',
    async () => {
      await start();
      program?.signal('SIGTERM');
      await program?.exited;
      // a start that finds all in order takes fewer than the first of these
      for (const nth of [10, 13, 16]) {
        const url = await start([
          'strace',
          '-f',
          '-o',
          '/dev/null',
          '-e',
          'trace=fsync',
          '-e',
          `inject=fsync:error=EIO:when=${nth}`,
        ]);
        const accepted: string[] = [];
        const ended = program?.exited;
        let over = false;
        void ended?.then(() => (over = true));
        let failedAt: number | null = null;
        while (!over) {
          const id = addTicket();
          const { status } = await send(url, id);
          if (status === 202) {
            // after a failed fsync no answer may say that something is safe
            expect(failedAt).toBeNull();
            accepted.push(id);
          } else if (status === 503) failedAt ??= performance.now();
        }
        expect(await ended).toEqual([74, null]);
        expect(performance.now() - (failedAt ?? performance.now())).toBeLessThan(2000);
        expect(program?.stderr()).toMatch(/^Draftdesk stops: .*test\.db cannot be used \(SQLITE_IOERR_FSYNC\): .*\n$/);
        const again = await restart();
        await adminClient(again).until(allFinished);
        assertOneNoteEach(accepted);
        program?.signal('SIGTERM');
        await program?.exited;
      }
    },
    90_000,
  );

  it('a limit on the file is an I/O error too', async () => {
    // in blocks of 1 KiB (bash): the file and its log grow to 1 MB
    const url = await start(['bash', '-c', 'ulimit -f 1000; exec "$@"', 'bash']);
    const accepted: string[] = [];
    const ended = program?.exited;
    let over = false;
    void ended?.then(() => (over = true));
    while (!over) {
      const ids = Array.from({ length: 16 }, addTicket);
      const answers = await Promise.all(ids.map((id) => send(url, id)));
      answers.forEach(({ status }, index) => {
        if (status === 202) accepted.push(ids[index] ?? '');
      });
    }
    expect(await ended).toEqual([74, null]);
    expect(program?.stderr()).toMatch(/SQLITE_IOERR_WRITE/);
    const again = await restart();
    await adminClient(again).until(allFinished);
    assertOneNoteEach(accepted);
  }, 60_000);

  it('cannot be written at the start: ends with 74 and a sentence that says what to do', async () => {
    program = startServiceProcess(
      { ...vendors.env, DATABASE_URL: `file:${disk}/test.db` },
      { cwd: vendors.folder, under: ['bash', '--norc', '-c', 'ulimit -f 4; exec "$@"', 'bash'] },
    );
    expect((await program.exited)[0]).toBe(74);
    expect(program.stderr()).toMatch(/^Draftdesk cannot start: .*test\.db cannot be .*written.* start again\.\n$/);
  });

  it.skipIf(!isRoot)('read-only at the start: the same', async () => {
    await start();
    program?.signal('SIGTERM');
    await program?.exited;
    for (const args of [
      ['--bind', disk, disk],
      ['-o', 'remount,bind,ro', disk],
    ]) {
      expect(spawnSync('mount', args).status).toBe(0);
      mounted = true;
    }
    program = startServiceProcess({ ...vendors.env, DATABASE_URL: `file:${disk}/test.db` }, { cwd: vendors.folder });
    expect((await program.exited)[0]).toBe(74);
    expect(program.stderr()).toMatch(/^Draftdesk cannot start: .*test\.db cannot be .*written.*\n$/);
  });

  it('a damaged page: is found at the start, which says what to do', async () => {
    const url = await start();
    const admin = adminClient(url);
    const ids = Array.from({ length: 60 }, addTicket);
    await Promise.all(ids.map((id) => send(url, id)));
    await admin.until((counts) => finished(counts) === ids.length);
    program?.signal('SIGTERM');
    await program?.exited;
    damage(join(disk, 'test.db'), 'draft');
    program = startServiceProcess({ ...vendors.env, DATABASE_URL: `file:${disk}/test.db` }, { cwd: vendors.folder });
    await expect(program.listening()).rejects.toThrow(/test\.db is damaged.*Restore it from a backup/);
    expect((await program.exited)[0]).toBe(1);
  }, 60_000);

  it('holds the file alone: a shell that wants to lock it is refused, not we', async () => {
    const url = await start();
    const shell = new Database(join(disk, 'test.db'), { timeout: 0 });
    expect(() => shell.exec('BEGIN IMMEDIATE')).toThrow(/locked/);
    expect((await send(url, addTicket())).status).toBe(202);
    shell.close();
  });
});

/** Leaves room for a few pages at most. */
function fillUp(folder: string): void {
  const file = openSync(join(folder, 'filler'), 'w');
  const block = Buffer.alloc(4096);
  try {
    for (;;) writeSync(file, block);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
  } finally {
    closeSync(file);
  }
}

/** Overwrites the table's root page with noise. */
function damage(path: string, table: string): void {
  const database = new Database(path);
  const page =
    database.prepare<[string], number>('SELECT rootpage FROM sqlite_schema WHERE name = ?').pluck().get(table) ?? 0;
  const size = Number(database.pragma('page_size', { simple: true }));
  database.close();
  const bytes = readFileSync(path);
  bytes.fill(0xa5, (page - 1) * size, page * size);
  writeFileSync(path, bytes);
  expect(statSync(path).size).toBe(bytes.length);
}
