import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { AuditEntry } from '../../src/core/audit.ts';
import { OutboxUnavailable } from '../../src/core/outbox.ts';
import { openAuditLog } from '../../src/sqlite/audit.ts';
import { type Connection, openDatabase } from '../../src/sqlite/database.ts';
import { type FakeClock, fakeClock } from '../support/fake-clock.ts';
import { migrationsFolder } from '../support/paths.ts';

let folder: string;
let connection: Connection;
let clock: FakeClock;

const open = () => openDatabase({ path: join(folder, 'test.db'), migrationsFolder });

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'draftdesk-'));
  connection = open();
  clock = fakeClock();
});
afterEach(() => {
  connection.close();
  rmSync(folder, { recursive: true, force: true });
});

const pause: AuditEntry = {
  who: 'alice',
  role: 'operator',
  address: '10.0.0.1',
  action: 'POST /admin/pause',
  subject: null,
};

describe('the audit log', () => {
  it('keeps what was begun, and how it ended, over a restart', async () => {
    const audit = openAuditLog(connection, clock);
    const id = await audit.begin(pause);
    expect(audit.rows(10).items).toEqual([{ ...pause, id, at: clock.now(), outcome: null, count: 1 }]);
    await audit.end(id, { outcome: 'ok', subject: 'b1' });
    await clock.advance(1000);
    await audit.record({ ...pause, who: null, role: null, action: 'login' }, 'unauthorized', 7);
    connection.close();
    connection = open();
    const { items } = openAuditLog(connection, clock).rows(10);
    expect(items).toEqual([
      { ...pause, id: '2', at: clock.now(), who: null, role: null, action: 'login', outcome: 'unauthorized', count: 7 },
      { ...pause, id, at: clock.now() - 1000, outcome: 'ok', subject: 'b1', count: 1 },
    ]);
  });

  it('lets nobody change or remove a row', async () => {
    const audit = openAuditLog(connection, clock);
    const id = await audit.begin(pause);
    const before = audit.rows(10);
    const run = (sql: string) => () => connection.prepare(sql).run();
    for (const column of ['at = 1', "who = 'bob'", 'role = NULL', 'address = NULL', "action = 'x'", 'count = 2']) {
      expect(run(`UPDATE audit SET outcome = 'ok', ${column}`)).toThrow(/append-only/);
    }
    expect(run(`UPDATE audit SET subject = 'x'`)).toThrow(/append-only/);
    expect(run('DELETE FROM audit')).toThrow(/append-only/);
    expect(audit.rows(10)).toEqual(before);
    await audit.end(id, { outcome: 'ok', subject: null });
    await expect(audit.end(id, { outcome: 'forbidden', subject: null })).rejects.toThrow();
    expect(audit.rows(10).items).toMatchObject([{ outcome: 'ok' }]);
  });

  it('pages from the newest to the oldest, and refuses a cursor that is not its own', async () => {
    const audit = openAuditLog(connection, clock);
    for (let i = 0; i < 7; i++) await audit.record({ ...pause, subject: `t${i}` }, 'ok', 1);
    const seen: (string | null)[] = [];
    let cursor: string | null | undefined;
    do {
      const page = audit.rows(3, cursor ?? undefined);
      seen.push(...page.items.map(({ subject }) => subject));
      cursor = page.nextCursor;
    } while (cursor !== null);
    expect(seen).toEqual(['t6', 't5', 't4', 't3', 't2', 't1', 't0']);
    for (const bad of ['0', '-1', 'x', '1 OR 1', '9'.repeat(20)]) expect(() => audit.rows(3, bad)).toThrow(/cursor/);
  });

  it('says that the store refuses, and tells no driver error', async () => {
    const audit = openAuditLog(connection, clock);
    connection.pragma('query_only = ON');
    await expect(audit.begin(pause)).rejects.toThrow(OutboxUnavailable);
    connection.pragma('query_only = OFF');
    expect(connection.disk.check()).toBeNull();
    await expect(audit.begin(pause)).resolves.toBe('1');
  });
});
