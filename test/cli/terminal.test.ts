import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ADMIN_TOKEN, type RunningService, startTestService, startVendors, type Vendors } from '../support/harness.ts';
import { startProgram } from './program.ts';

/* How commands behave at a terminal, in a pipe and when something is wrong. */

const ESCAPE = '\u001b[';

let vendors: Vendors;
let running: RunningService;
let folder: string;

beforeAll(async () => {
  vendors = await startVendors();
  running = await startTestService(vendors.env);
  folder = mkdtempSync(join(tmpdir(), 'draftdesk-'));
});
afterAll(async () => {
  await running[Symbol.asyncDispose]();
  await vendors[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true });
});

const run = (args: string, env: Record<string, string> = {}) =>
  startProgram(args.split(' ').filter(Boolean), {
    cwd: folder,
    env: { DRAFTDESK_URL: running.service.url, ADMIN_TOKEN, ...env },
  }).ended;

describe('colour', () => {
  it.each([
    ['in a pipe', {}, false],
    ['in a pipe with FORCE_COLOR', { FORCE_COLOR: '1' }, true],
    ['with NO_COLOR', { NO_COLOR: '1' }, false],
  ])('%s', async (_name, env, coloured) => {
    for (const args of ['status', 'erase zendesk 9']) {
      const { code, stdout } = await run(args, env);
      expect([code, stdout.includes(ESCAPE)]).toEqual([0, coloured]);
    }
  });

  it('the sandbox has none in a pipe, and with --json prints one object and nothing else', async () => {
    const plain = await run('sandbox --tickets 2 --faults off');
    expect([plain.code, plain.stdout.includes(ESCAPE)]).toEqual([0, false]);
    const { code, stdout } = await run('sandbox --tickets 2 --faults off --json');
    // both are about what the simulated team has answered before
    const grounded = { withSources: 2, findings: 0 };
    expect([code, JSON.parse(stdout)]).toMatchObject([
      0,
      { tickets: 2, notes: 2, doubled: 0, surprises: [], grounded },
    ]);
  });
});

describe('--json', () => {
  it.each(['status', 'audit', 'erase zendesk 9', 'token new alice'])('%s', async (args) => {
    const { code, stdout, stderr } = await run(`${args} --json`);
    expect([code, stderr, typeof JSON.parse(stdout)]).toEqual([0, '', 'object']);
    expect(stdout.endsWith('}\n')).toBe(true);
  });
});

describe('what is wrong, what to do next, and the exit code', () => {
  it.each([
    ['stats', {}, 2, 'Did you mean status?'],
    ['batch strat', {}, 2, 'Did you mean start?'],
    ['status --jsn', {}, 2, 'Did you mean --json?'],
    ['batch watch', {}, 2, 'add --help'],
    ['sandbox --tickets x', {}, 2, 'must be a whole number from 1'],
    ['status', { DRAFTDESK_URL: 'http://127.0.0.1:1' }, 1, 'draftdesk serve, or set DRAFTDESK_URL'],
    ['status', { DRAFTDESK_URL: 'nowhere' }, 78, 'DRAFTDESK_URL must be an address'],
    ['status', { ADMIN_TOKEN: '' }, 78, 'Set ADMIN_TOKEN'],
    ['status', { ADMIN_TOKEN: 'wrong' }, 78, 'refuses ADMIN_TOKEN'],
    ['status zendesk/404', {}, 1, 'error: '],
    ['serve', { ADMIN_TOKEN: '' }, 78, 'ADMIN_TOKEN'],
  ])('draftdesk %s with %j', async (args, env, code, said) => {
    const ended = await run(args, env as Record<string, string>);
    expect([ended.code, ended.stdout]).toEqual([code, '']);
    expect(ended.stderr).toContain(said);
  });
});
