import { chmodSync, existsSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { newSecret } from '../../src/core/clock.ts';
import type { Finding } from '../../src/core/finding.ts';
import { openDatabase } from '../../src/sqlite/database.ts';
import { skewOf } from '../../src/probe-upstreams.ts';
import { startTestService, startVendors, type Vendors } from '../support/harness.ts';
import { migrationsFolder } from '../support/paths.ts';
import { startProgram } from './program.ts';

/* `draftdesk doctor` as it ships. */

interface Diagnosis {
  readonly code: number | null;
  readonly findings: readonly Finding[];
  readonly output: string;
}

async function doctor(vendors: Vendors, overrides: Readonly<Record<string, string>> = {}): Promise<Diagnosis> {
  const env = { ...vendors.env, ...overrides };
  const { code, stdout, stderr } = await startProgram(['doctor', '--json'], { env, cwd: vendors.folder }).ended;
  expect(stderr).toBe('');
  return { code, findings: (JSON.parse(stdout) as { findings: Finding[] }).findings, output: stdout };
}

const bad = ({ findings }: Diagnosis): readonly Finding[] => findings.filter(({ level }) => level !== 'ok');

describe('draftdesk doctor', () => {
  it('finds nothing to mend beside a running service, and prints no secret', async () => {
    await using vendors = await startVendors();
    await using running = await startTestService(vendors.env);
    const found = await doctor(vendors, { DRAFTDESK_URL: running.service.url });
    expect(bad(found)).toEqual([]);
    expect(found.code).toBe(0);
    const about = (name: string) => found.findings.filter((finding) => finding.about === name).map(({ text }) => text);
    expect(about('database')).toEqual([expect.stringMatching(/test\.db: whole, \d\.\d MB, 0 tickets, schema \d+/)]);
    for (const name of ['zendesk', 'freshdesk', 'llm'])
      expect(about(name)).toEqual(['answers and takes the credentials']);
    const secrets = Object.entries(vendors.env).filter(([name]) => /(KEY|SECRET|TOKEN)$/.test(name));
    expect(secrets.length).toBeGreaterThanOrEqual(5);
    for (const [name, secret] of secrets) {
      expect(about('secret')).toContainEqual(expect.stringMatching(new RegExp(`^${name} set( \\(… ..\\))?$`)));
      expect(found.output).not.toContain(secret.slice(0, -2));
    }
  });

  it('finds a REVIEW_MODEL that the server does not list', async () => {
    await using vendors = await startVendors();
    const found = await doctor(vendors, { REVIEW_MODEL: 'gpt-6-sloth' });
    expect(bad(found)).toMatchObject([
      { about: 'llm', text: expect.stringMatching(/gpt-6-sloth is not among the \d/) },
    ]);
    expect(bad(await doctor(vendors, { REVIEW_MODEL: 'gpt-5.4-mini' }))).toEqual([]);
  });

  it('shows it to people in 80 columns, each with what to do, and counts', async () => {
    await using vendors = await startVendors();
    const wrong = { OPENAI_API_KEY: 'a-wrong-key', ZENDESK_OAUTH_CLIENT_SECRET: 'a-wrong-secret' };
    const env = { ...vendors.env, ...wrong, HOST: '0.0.0.0', ADMIN_TOKEN: newSecret() };
    const { code, stdout } = await startProgram(['doctor'], { env, cwd: vendors.folder }).ended;
    expect(code).toBe(2);
    expect(stdout.split('\n').filter((line) => line.length > 80 && !line.includes(vendors.folder))).toEqual([]);
    expect(stdout).toMatch(/✗ llm +.*\n(.*\n)*? +→ Check the credentials/);
    expect(stdout).toMatch(/✗ zendesk +.*\n(.*\n)*? +http:\/\/127\.0\.0\.1:\d+\/admin\/home\n/);
    expect(stdout).toMatch(/! address +0\.0\.0\.0 can be reached/);
    expect(stdout).toMatch(/\d+ well, \d to look at, \d to mend\n$/);
  });

  it('names every wrong setting, and goes on with what it can look at', async () => {
    await using vendors = await startVendors();
    const found = await doctor(vendors, { PORT: 'x', MAX_ATTEMPTS: '0' });
    expect(found.code).toBe(2);
    expect(bad(found).map(({ about, text }) => `${about}: ${text.split(' ')[0]}`)).toEqual([
      'settings: PORT',
      'settings: MAX_ATTEMPTS',
    ]);
    expect(found.findings.map(({ about }) => about)).toContain('disk');
  });

  it('looks into a stopped file, and leaves beside it what was there', async () => {
    await using vendors = await startVendors();
    const path = join(vendors.folder, 'test.db');
    openDatabase({ path, migrationsFolder }).close();
    const found = await doctor(vendors);
    expect(bad(found)).toEqual([]);
    expect(['-wal', '-shm', '-new'].filter((suffix) => existsSync(path + suffix))).toEqual([]);

    chmodSync(path, 0o644);
    writeFileSync(join(vendors.folder, '.env'), 'LOG_LEVEL=info\n', { mode: 0o644 });
    const opened = await doctor(vendors, { NODE_OPTIONS: '--inspect-port=0' });
    expect(opened.code).toBe(1);
    expect(bad(opened).map(({ about, fix }) => [about, fix])).toEqual([
      ['node', 'Take --inspect out of NODE_OPTIONS and the command line.'],
      ['.env', 'chmod 600 .env'],
      ['database file', 'chmod 600 on it.'],
    ]);
  });

  it('F3 says that a log is missing, before a start merges what is left', async () => {
    await using vendors = await startVendors();
    const path = join(vendors.folder, 'test.db');
    const connection = openDatabase({ path, migrationsFolder });
    // as if killed: without the words of an orderly end
    connection.pragma('query_only = ON');
    connection.disk.check();
    connection.close();
    rmSync(`${path}-wal`, { force: true });
    const found = await doctor(vendors);
    expect(found.code).toBe(2);
    expect(bad(found)).toEqual([
      expect.objectContaining({ about: 'database', text: expect.stringMatching(/-wal is missing/) }),
    ]);
    expect((await doctor(vendors)).code).toBe(2);
  });

  it('F2 says what is wrong with a file that is no database', async () => {
    await using vendors = await startVendors();
    writeFileSync(join(vendors.folder, 'test.db'), 'hello '.repeat(500), { mode: 0o600 });
    const found = await doctor(vendors);
    expect(found.code).toBe(2);
    expect(bad(found)).toMatchObject([{ about: 'database', text: expect.stringMatching(/is not a SQLite database/) }]);
  });
});

describe('the skew of clocks', () => {
  it.each([
    [null, []],
    [29_999, []],
    [-31_000, ['warning 31 s behind that of zendesk']],
    [301_000, ['error 301 s ahead of that of zendesk: more than WEBHOOK_TOLERANCE_SECONDS']],
  ])('%j ms', (skewMs, expected) => {
    expect(skewOf('zendesk', skewMs, 300).map(({ level, text }) => `${level} ${text}`)).toEqual(expected);
  });
});
