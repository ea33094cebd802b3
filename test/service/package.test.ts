import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

/* The package as users get it: packed, installed in an empty folder, run there. */

const root = fileURLToPath(new URL('../..', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'draftdesk-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const run = (command: string, args: readonly string[], cwd: string) =>
  spawnSync(command, args, { cwd, encoding: 'utf8', timeout: 120_000 });

/** `npm test` has made the bundle; making it again would pull it away under other tests. */
const pack = () =>
  run('npm', ['pack', '--ignore-scripts', '--json', '--loglevel=error', '--pack-destination', folder], root);

describe('the npm package', () => {
  let files: readonly string[];

  beforeAll(() => {
    const { stdout } = pack();
    const [packed] = JSON.parse(stdout) as { readonly files: readonly { readonly path: string }[] }[];
    files = packed?.files.map(({ path }) => path) ?? [];
  });

  it('holds what runs, and nothing else', () => {
    const others = files.filter((file) => !/^(dist|docs|deploy)\/|^migrations\/sqlite\/\w+\.sql$/.test(file));
    expect(others.toSorted()).toEqual([
      'CHANGELOG.md',
      'LICENSE',
      'README.md',
      'migrations/sqlite/meta/_journal.json',
      'package.json',
    ]);
    expect(files).toContain('dist/draftdesk.js');
  });

  it('runs its sandbox in an empty folder', { timeout: 150_000 }, ({ skip }) => {
    writeFileSync(join(folder, 'package.json'), '{"private":true}');
    const tarball = readdirSync(folder).find((file) => file.endsWith('.tgz')) ?? '';
    const options = ['--no-audit', '--no-fund', '--ignore-scripts', '--prefer-offline', '--fetch-retries=0'];
    const installed = run('npm', ['install', ...options, `./${tarball}`], folder);
    skip(/ENOTFOUND|ECONNREFUSED|ETIMEDOUT|EAI_AGAIN/.test(installed.stderr), 'the registry cannot be reached');
    expect(installed.status, installed.stderr).toBe(0);
    const { status, stdout, stderr } = run(
      'npx',
      ['draftdesk', 'sandbox', '--tickets', '5', '--faults', 'off'],
      folder,
    );
    expect([status, stderr]).toEqual([0, '']);
    expect(stdout).toContain('every ticket reached its expected end');
  });
});
