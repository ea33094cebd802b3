import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DatabaseRefused, openDatabase } from '../../src/sqlite/database.ts';
import { createGroupCommit } from '../../src/sqlite/group-commit.ts';
import { OutboxUnavailable } from '../../src/core/outbox.ts';
import { migrationsFolder } from '../support/paths.ts';

let folder: string;
let path: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'draftdesk-'));
  path = join(folder, 'data', 'test.db');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const open = (migrations = migrationsFolder) => openDatabase({ path, migrationsFolder: migrations });

describe('the database', () => {
  it('is durable once it has written: WAL alone would lose webhooks in a power cut', () => {
    const connection = open();
    connection.prepare(`UPDATE meta SET value = value`).run();
    expect(connection.pragma('synchronous', { simple: true })).toBe(2);
    expect(connection.pragma('journal_mode', { simple: true })).toBe('wal');
    connection.close();
  });

  it('waits for nobody long, trusts no file, keeps its log short, and leaves nothing of what is erased', () => {
    const connection = open();
    const read = (pragma: string) => connection.pragma(pragma, { simple: true });
    expect(Number(read('busy_timeout'))).toBeLessThanOrEqual(1000);
    expect(['trusted_schema', 'cell_size_check', 'secure_delete', 'journal_size_limit'].map(read)).toEqual([
      0, 1, 1, 67_108_864,
    ]);
    connection.close();
  });

  it('makes its folder and its tables, and finds them again', () => {
    open().close();
    const connection = open();
    expect(connection.prepare(`SELECT value FROM meta WHERE key = 'opened'`).pluck().get()).toBe('2');
    connection.close();
  });

  it('runs only the migrations that are missing', () => {
    const partial = join(folder, 'migrations');
    cpSync(migrationsFolder, partial, { recursive: true });
    const journal = join(partial, 'meta', '_journal.json');
    const all = JSON.parse(readFileSync(journal, 'utf8')) as { entries: unknown[] };
    writeFileSync(journal, JSON.stringify({ ...all, entries: all.entries.slice(0, 1) }));
    const first = openDatabase({ path, migrationsFolder: partial });
    expect(first.pragma('user_version', { simple: true })).toBe(1);
    first.close();
    const second = open();
    expect(second.pragma('user_version', { simple: true })).toBe(all.entries.length);
    second.close();
  });

  it('leaves nothing of a migration that fails half-way', () => {
    const broken = join(folder, 'migrations');
    cpSync(migrationsFolder, broken, { recursive: true });
    const journal = join(broken, 'meta', '_journal.json');
    const all = JSON.parse(readFileSync(journal, 'utf8')) as { entries: { idx: number; tag: string }[] };
    const tag = 'broken';
    writeFileSync(journal, JSON.stringify({ entries: [...all.entries, { idx: all.entries.length, tag }] }));
    writeFileSync(join(broken, `${tag}.sql`), 'CREATE TABLE half (a);--> statement-breakpoint\nCREATE TABLE half (a);');
    expect(() => openDatabase({ path, migrationsFolder: broken })).toThrow();
    const connection = open();
    expect(connection.prepare(`SELECT count(*) FROM sqlite_schema WHERE name = 'half'`).pluck().get()).toBe(0);
    connection.close();
  });

  it('refuses a second process, and does not disturb the first', () => {
    const first = open();
    expect(() => open()).toThrow(/in use by another process/);
    first.prepare(`UPDATE meta SET value = value`).run();
    first.close();
  });

  it.each([
    ['of a newer version', () => withRaw((raw) => raw.pragma('user_version = 999')), /newer Draftdesk/],
    [
      'of another program',
      () => withRaw((raw) => raw.exec('DROP TABLE meta; PRAGMA user_version = 0')),
      /another program/,
    ],
    ['that is empty', () => writeFileSync(path, ''), /0 bytes/],
    [
      'with a damaged page',
      () => {
        const bytes = readFileSync(path);
        bytes.fill(0xa5, bytes.length - 4096);
        writeFileSync(path, bytes);
      },
      /is damaged. Restore it from a backup/,
    ],
    [
      'that is no database',
      () => writeFileSync(path, 'hello, this is a text file, longer than a header of sqlite'.repeat(20)),
      /not a SQLite database/,
    ],
  ])('refuses a file %s, and leaves it as it is', (_, spoil, message) => {
    open().close();
    spoil();
    const before = readFileSync(path);
    expect(() => open()).toThrow(message);
    expect(() => open()).toThrow(DatabaseRefused);
    expect(() => open()).toThrow(path);
    expect(readFileSync(path).equals(before)).toBe(true);
  });

  it('goes on with a first start that broke off', () => {
    mkdirSync(join(folder, 'data'));
    writeFileSync(path, '');
    writeFileSync(`${path}-new`, '');
    open().close();
    expect(existsSync(`${path}-new`)).toBe(false);
  });

  it('does not hide that the log of a crashed process is missing', () => {
    open().close();
    expect(openAndClose()).toEqual([]);
    const crashed = join(folder, 'crashed.db');
    const connection = open();
    connection.prepare(`INSERT INTO meta (key, value) VALUES ('kept', '1')`).run();
    cpSync(path, crashed);
    cpSync(`${path}-wal`, `${crashed}-wal`);
    connection.close();
    rmSync(path);
    cpSync(crashed, path);
    const [finding, ...others] = openAndClose();
    expect(others).toEqual([]);
    expect(finding).toMatch(/test\.db-wal that belongs to it is missing/);
    // and with the log nothing is missing
    rmSync(path);
    cpSync(crashed, path);
    cpSync(`${crashed}-wal`, `${path}-wal`);
    const whole = open();
    expect(whole.findings).toEqual([]);
    expect(whole.prepare(`SELECT value FROM meta WHERE key = 'kept'`).pluck().get()).toBe('1');
    whole.close();
  });

  function openAndClose(): readonly string[] {
    const connection = open();
    connection.close();
    return connection.findings;
  }

  it('says what to do when it may not write there', () => {
    writeFileSync(join(folder, 'data'), 'a file where the folder should be');
    expect(() => open()).toThrow(/Check its folder/);
  });

  function withRaw(action: (raw: Database.Database) => void): void {
    const raw = new Database(path);
    action(raw);
    raw.close();
  }
});

describe('group commit', () => {
  it('puts the writes of one turn into one transaction, and answers after it', async () => {
    const connection = open();
    let commits = 0;
    const counted = new Proxy(connection, {
      get: (target, name) => {
        if (name !== 'prepare') return Reflect.get(target, name) as unknown;
        return (sql: string) => {
          const statement = target.prepare(sql);
          if (sql !== 'COMMIT') return statement;
          return { run: () => ((commits += 1), statement.run()) };
        };
      },
    });
    const group = createGroupCommit(counted);
    const insert = connection.prepare('INSERT INTO meta (key, value) VALUES (?, ?)');
    await Promise.all(Array.from({ length: 50 }, (_, index) => group.write(() => insert.run(`k${index}`, 'v'))));
    expect(commits).toBe(1);
    expect(connection.prepare(`SELECT count(*) FROM meta WHERE key LIKE 'k%'`).pluck().get()).toBe(50);
    connection.close();
  });

  it('lets one faulty write fail alone', async () => {
    const connection = open();
    const group = createGroupCommit(connection);
    const insert = connection.prepare('INSERT INTO meta (key, value) VALUES (?, ?)');
    const results = await Promise.allSettled([
      group.write(() => insert.run('a', '1')),
      group.write(() => {
        insert.run('half', '1');
        throw new TypeError('a fault of ours');
      }),
      group.write(() => insert.run('b', '1')),
    ]);
    expect(results.map((result) => result.status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect(
      connection.prepare(`SELECT key FROM meta WHERE key IN ('a', 'b', 'half') ORDER BY key`).pluck().all(),
    ).toEqual(['a', 'b']);
    connection.close();
  });

  it('refuses everybody, and keeps nothing, when the disk is full', async () => {
    const connection = open();
    const group = createGroupCommit(connection);
    const pages = Number(connection.pragma('page_count', { simple: true }));
    connection.pragma(`max_page_count = ${pages}`);
    const insert = connection.prepare('INSERT INTO meta (key, value) VALUES (?, ?)');
    const big = 'x'.repeat(100_000);
    const results = await Promise.allSettled([1, 2, 3].map((n) => group.write(() => insert.run(`full${n}`, big))));
    for (const result of results) {
      expect(result.status).toBe('rejected');
      expect((result as PromiseRejectedResult).reason).toBeInstanceOf(OutboxUnavailable);
    }
    connection.pragma('max_page_count = 1073741823');
    expect(connection.disk.check()).toBeNull();
    await group.write(() => insert.run('again', 'v'));
    expect(connection.prepare(`SELECT count(*) FROM meta WHERE key LIKE 'full%'`).pluck().get()).toBe(0);
    connection.close();
  });
});

// root may write anywhere, so this shows nothing there
describe.skipIf(process.getuid?.() === 0)('as an ordinary user', () => {
  it('refuses a read-only file with the cure', () => {
    open().close();
    chmodSync(path, 0o400);
    expect(existsSync(path)).toBe(true);
    expect(() => open()).toThrow(/cannot be written/);
  });
});
