import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openDatabase } from '../../src/sqlite/database.ts';
import { startTestService, startVendors } from '../support/harness.ts';
import { migrationsFolder } from '../support/paths.ts';
import { startProgram } from './program.ts';

/* `draftdesk backup` as it ships, against a service, a stopped file and servers that cheat. */

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'draftdesk-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const backup = (args: readonly string[], env: Readonly<Record<string, string>>) =>
  startProgram(['backup', ...args], { env, cwd: folder }).ended;

/** Tickets in a file that is whole. */
function ticketsIn(path: string): number {
  const database = new Database(path, { readonly: true });
  try {
    expect(database.pragma('integrity_check', { simple: true })).toBe('ok');
    return Number(database.prepare('SELECT count(*) FROM ticket').pluck().get());
  } finally {
    database.close();
  }
}

describe('draftdesk backup', () => {
  it('copies the database of a running service: whole, for its owner only, and kept from being replaced', async () => {
    await using vendors = await startVendors();
    await using running = await startTestService(vendors.env);
    const id = vendors.zendesk.addTicket({ subject: 'Tent', html: '<p>Do you have tents?</p>' });
    await running.admin.webhook('zendesk', vendors.zendesk.webhookFor(id, 'ticket.created'));
    const env = { DRAFTDESK_URL: running.service.url, ADMIN_TOKEN: vendors.env['ADMIN_TOKEN'] ?? '' };
    const made = await backup(['copy.db'], env);
    expect(made).toMatchObject({ code: 0, stderr: '' });
    expect(made.stdout).toMatch(/^copy\.db: backup of the running service, \d\.\d MB, 1 tickets?, checked\.\n$/);
    const path = join(folder, 'copy.db');
    expect(ticketsIn(path)).toBe(1);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(readdirSync(folder)).toEqual(['copy.db']);
    expect(readdirSync(vendors.folder).filter((name) => name.includes('backup'))).toEqual([]);

    const before = readFileSync(path);
    const again = await backup(['copy.db'], env);
    expect(again).toMatchObject({ code: 2, stdout: '' });
    expect(again.stderr).toMatch(/is there already.*--force/);
    expect(readFileSync(path).equals(before)).toBe(true);
    expect(await backup(['copy.db', '--force'], env)).toMatchObject({ code: 0 });
    const { items } = await running.admin.get<{ items: { action: string; outcome: string }[] }>('/admin/audit');
    expect(items[0]).toMatchObject({ action: 'POST /admin/backup', outcome: 'ok' });
  });

  it('copies the file itself when no service runs, with what lies in the log, and takes the log from nobody', async () => {
    const path = join(folder, 'crashed.db');
    crash(path);
    const env = { DATABASE_URL: `file:${path}` };
    expect(await backup(['copy.db'], env)).toMatchObject({ code: 0, stderr: '' });
    const copy = new Database(join(folder, 'copy.db'), { readonly: true });
    expect(copy.prepare(`SELECT value FROM meta WHERE key = 'kept'`).pluck().get()).toBe('1');
    copy.close();
    expect(statSync(`${path}-wal`).size).toBeGreaterThan(0);
    // neither the file nor its copy is taken for one whose log is lost
    for (const file of [path, join(folder, 'copy.db')]) {
      const opened = openDatabase({ path: file, migrationsFolder });
      expect(opened.findings).toEqual([]);
      opened.close();
    }
  });

  it('says how to reach the service that has the file', async () => {
    const path = join(folder, 'test.db');
    const connection = openDatabase({ path, migrationsFolder });
    const { code, stderr } = await backup(['copy.db'], { DATABASE_URL: `file:${path}` });
    connection.close();
    expect(code).toBe(1);
    expect(stderr).toMatch(/in use by another process.*DRAFTDESK_URL and ADMIN_TOKEN/);
    expect(existsSync(join(folder, 'copy.db'))).toBe(false);
  });

  it.each([
    ['is cut', (bytes: Buffer) => ({ length: bytes.length, body: bytes.subarray(0, 5000) }), /connection broke/],
    ['is not a database', () => ({ length: 9, body: Buffer.from('not a copy') }), /not a SQLite database|broke/],
    [
      'is damaged',
      (bytes: Buffer) => ({ length: bytes.length, body: Buffer.from(bytes).fill(0xa5, bytes.length - 4096) }),
      /damaged/,
    ],
  ])('leaves nothing behind that looks like a backup when what comes %s', async (_, answer, message) => {
    const path = join(folder, 'source.db');
    openDatabase({ path, migrationsFolder }).close();
    const { length, body } = answer(readFileSync(path));
    rmSync(path);
    const server = createServer((request, response) => {
      request.resume();
      response.writeHead(200, { 'content-length': length });
      response.write(body.subarray(0, length), () => response.destroy());
    });
    const url = await listen(server);
    writeFileSync(join(folder, 'copy.db'), 'the old one');
    const { code, stderr } = await backup(['copy.db', '--force'], { DRAFTDESK_URL: url, ADMIN_TOKEN: 'x' });
    server.close();
    expect(code).toBe(1);
    expect(stderr).toMatch(message);
    expect(readdirSync(folder)).toEqual(['copy.db']);
    expect(readFileSync(join(folder, 'copy.db'), 'utf8')).toBe('the old one');
  });
});

async function listen(server: Server): Promise<string> {
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** A file as a killed process leaves it: the last write is in the log only. */
function crash(path: string): void {
  const living = `${path}.living`;
  const connection = openDatabase({ path: living, migrationsFolder });
  connection.prepare(`INSERT INTO meta (key, value) VALUES ('kept', '1')`).run();
  cpSync(living, path);
  cpSync(`${living}-wal`, `${path}-wal`);
  connection.close();
  rmSync(living);
}
