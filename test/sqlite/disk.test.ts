import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { OutboxUnavailable } from '../../src/core/outbox.ts';
import type { StoreFault } from '../../src/core/store-fault.ts';
import { type Connection, openDatabase } from '../../src/sqlite/database.ts';
import { watchDisk } from '../../src/sqlite/disk.ts';
import { createGroupCommit } from '../../src/sqlite/group-commit.ts';
import { migrationsFolder } from '../support/paths.ts';

let folder: string;
let connection: Connection;
let heard: (StoreFault | null)[];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'draftdesk-'));
  connection = openDatabase({ path: join(folder, 'test.db'), migrationsFolder });
  heard = [];
  connection.disk.onChange((fault) => heard.push(fault));
});
afterEach(() => {
  connection.close();
  rmSync(folder, { recursive: true, force: true });
});

const fillUp = (): void => {
  connection.pragma(`max_page_count = ${String(connection.pragma('page_count', { simple: true }))}`);
  const insert = connection.prepare('INSERT INTO meta (key, value) VALUES (?, ?)');
  expect(() => insert.run('big', 'x'.repeat(1_000_000))).toThrow(/full/);
};
const makeRoom = (): void => void connection.pragma('max_page_count = 1073741823');

describe('a disk that refuses', () => {
  it('is noticed whoever meets it, and named with the file and the cure', () => {
    fillUp();
    expect(heard).toEqual([
      {
        code: 'SQLITE_FULL',
        lasting: false,
        sentence: expect.stringMatching(/test\.db .*\(SQLITE_FULL\): .*Free some/),
      },
    ]);
    expect(connection.disk.fault()).toEqual(heard[0]);
  });

  it('gets no write more, however small, until one on trial has gone through', async () => {
    const group = createGroupCommit(connection);
    fillUp();
    // this one would fit
    const write = (): Promise<unknown> =>
      group.write(() => connection.prepare(`UPDATE meta SET value = value + 1 WHERE key = 'opened'`).run());
    await expect(write()).rejects.toThrow(OutboxUnavailable);
    expect(connection.disk.check()).toMatchObject({ code: 'SQLITE_FULL' });
    makeRoom();
    await expect(write()).rejects.toThrow(OutboxUnavailable);
    expect(connection.disk.check()).toBeNull();
    await expect(write()).resolves.toMatchObject({ changes: 1 });
    expect(heard.map((fault) => fault?.code ?? null)).toEqual(['SQLITE_FULL', null]);
  });

  it('is found by the check itself, which writes', () => {
    connection.pragma('query_only = ON');
    expect(connection.disk.check()).toMatchObject({ code: 'SQLITE_READONLY', lasting: false });
    connection.pragma('query_only = OFF');
    expect(connection.disk.check()).toBeNull();
  });

  it('does not count what is no matter of the disk', () => {
    const insert = connection.prepare(`INSERT INTO meta (key, value) VALUES ('opened', 'x')`);
    expect(() => insert.run()).toThrow(/UNIQUE/);
    expect(heard).toEqual([]);
  });

  it('is given up for good when a read meets a damaged page', () => {
    const path = join(folder, 'damaged.db');
    const raw = new Database(path);
    raw.exec('CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT)');
    const page = Number(raw.prepare(`SELECT rootpage FROM sqlite_schema WHERE name = 'meta'`).pluck().get());
    raw.close();
    const bytes = readFileSync(path);
    bytes.fill(0xa5, (page - 1) * 4096, page * 4096);
    writeFileSync(path, bytes);
    const damaged = new Database(path);
    const disk = watchDisk(damaged, path);
    const select = damaged.prepare('SELECT * FROM meta');
    expect(() => select.all()).toThrow(/malformed/);
    expect(disk.fault()).toMatchObject({ code: 'SQLITE_CORRUPT', lasting: true });
    expect(disk.check()).toMatchObject({ lasting: true });
    damaged.close();
  });
});
