import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { tmpdir } from 'node:os';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { parseTokensFile } from '../../src/core/admin-token.ts';
import { sha256 } from '../../src/core/clock.ts';
import { startTestService, startVendors } from '../support/harness.ts';
import { startProgram } from './program.ts';

/* Who may do what, by the commands as they ship and the real service. */

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'draftdesk-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const run = (args: string, env: Record<string, string> = {}) =>
  startProgram(args.split(' '), { env, cwd: folder }).ended;

it('token new prints the token once and its line for the file', async () => {
  const { code, stdout } = await run('token new alice');
  const [token = '', line = '', ...rest] = stdout.trimEnd().split('\n');
  expect(code).toBe(0);
  expect(rest).toEqual([]);
  expect(token).toMatch(/^[\w-]{43}$/);
  expect(parseTokensFile(line)).toEqual({
    tokens: [{ name: 'alice', role: 'viewer', digest: sha256(token) }],
    problems: [],
  });
});

it.each(['token new', 'token new admin-1', 'token new a/b', 'token new alice --role root'])(
  '%s is wrong usage',
  async (args) => {
    const { code, stdout, stderr } = await run(args);
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toMatch(/error: /);
  },
);

it('a made token works by its role, the audit log says who, and the file holds no token', async () => {
  await using vendors = await startVendors();
  const made = await Promise.all(
    ['vera --role viewer', 'otto --role operator'].map(async (who) => {
      const [token = '', line = ''] = (await run(`token new ${who}`)).stdout.split('\n');
      return { token, line };
    }),
  );
  const [vera, otto] = made.map(({ token }) => token);
  const file = join(folder, 'tokens');
  writeFileSync(file, made.map(({ line }) => `${line}\n`).join(''), { mode: 0o644 });
  for (const { token } of made) expect(readFileSync(file, 'utf8')).not.toContain(token);
  const { ADMIN_TOKEN: _none, ...env } = vendors.env;
  await using running = await startTestService({ ...env, ADMIN_TOKENS_FILE: file });
  expect(running.observer.events).toContainEqual({
    name: 'alarm',
    kind: 'settings',
    detail: expect.stringMatching(/^ADMIN_TOKENS_FILE can be read/),
  });

  const pause = async (token = '') => {
    const headers = { authorization: `Bearer ${token}` };
    return (await fetch(`${running.service.url}/admin/pause`, { method: 'POST', headers })).status;
  };
  expect([await pause(vera), await pause(otto), await pause('nobody')]).toEqual([403, 200, 401]);
  const as = { DRAFTDESK_URL: running.service.url, ADMIN_TOKEN: vera ?? '' };
  const { items } = JSON.parse((await run('audit --json', as)).stdout) as { items: object[] };
  expect(items).toMatchObject([
    { who: null, action: 'login', outcome: 'unauthorized', address: '127.0.0.1', count: 1 },
    { who: 'otto', role: 'operator', action: 'POST /admin/pause', outcome: 'ok', address: '127.0.0.1' },
    { who: 'vera', role: 'viewer', action: 'POST /admin/pause', outcome: 'forbidden' },
  ]);
  const { stdout } = await run('audit --limit 2', as);
  expect(stdout).toMatch(/somebody from 127\.0\.0\.1: login → unauthorized/);
  expect(stdout).toMatch(/otto \(operator\) from 127\.0\.0\.1: POST \/admin\/pause → ok\n/);
  const cursor = /older ones: --cursor (\S+)/.exec(stdout)?.[1] ?? '';
  expect((await run(`audit --cursor ${cursor}`, as)).stdout).toMatch(/vera \(viewer\) .* → forbidden/);
  expect((await run('batch start --helpdesk zendesk --ids 1', as)).stderr).toMatch(/its role is viewer/);
});
