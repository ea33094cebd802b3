import {
  existsSync,
  lstatSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseEnv } from 'node:util';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { envLine, setInEnvFile } from '../../src/cli/env-file.ts';
import { readConfig } from '../../src/config.ts';
import { startProgram } from './program.ts';

let folder: string;
let file: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'draftdesk-'));
  file = join(folder, '.env');
});
afterEach(() => rmSync(folder, { recursive: true }));

const run = (args: string) => startProgram(args.split(' '), { env: {}, cwd: folder }).ended;

it.each([
  [
    'zendesk --base-url https://acme.zendesk.com',
    {
      ZENDESK_OAUTH_CLIENT_ID: 'draftdesk',
      ZENDESK_OAUTH_CLIENT_SECRET: 'k4-some-client-secret',
      ZENDESK_WEBHOOK_SECRET: 'Zm9vYmFyYmF6cXV4cXV1eA==',
      OPENAI_API_KEY: 'sk-one',
    },
  ],
  [
    'freshdesk --base-url https://acme.freshdesk.com --llm-url https://llm.acme.com/v1 --model m-1',
    { FRESHDESK_API_KEY: 'abcdef' },
  ],
])('init --helpdesk %s writes what the service takes once the rest is filled in', async (args, filled) => {
  const { code, stdout } = await run(`init --helpdesk ${args} --yes`);
  expect([code, statSync(file).mode & 0o777]).toEqual([0, 0o600]);
  const written = parseEnv(readFileSync(file, 'utf8'));
  expect(written['ADMIN_TOKEN']).toMatch(/^[\w-]{43}$/);
  // every variable that is still missing is named, and nothing of what was made is shown
  const named = new Set([...stdout.matchAll(/^ {2}- (\w+) /gm)].map(([, name]) => name));
  expect(named).toEqual(new Set(Object.keys(filled).filter((name) => name !== 'ZENDESK_OAUTH_CLIENT_SECRET')));
  expect(stdout).not.toContain(written['ADMIN_TOKEN']);
  setInEnvFile(filled, file);
  expect(statSync(file).mode & 0o777).toBe(0o600);
  // beyond loopback the secrets have to be strong
  const config = readConfig({ ...parseEnv(readFileSync(file, 'utf8')), HOST: '0.0.0.0' });
  expect(config.helpdesks.map(({ module }) => module.name)).toEqual([args.split(' ')[0]]);
});

it('init makes new secrets each time, and overwrites with --force only', async () => {
  await run('init --helpdesk freshdesk --yes');
  const first = readFileSync(file, 'utf8');
  const { code, stderr } = await run('init --helpdesk freshdesk --yes');
  expect([code, readFileSync(file, 'utf8')]).toEqual([2, first]);
  expect(stderr).toContain('--force');
  const { stdout } = await run('init --helpdesk freshdesk --yes --force --json');
  expect(JSON.parse(stdout)).toMatchObject({ file: '.env', missing: expect.arrayContaining([expect.any(String)]) });
  const second = parseEnv(readFileSync(file, 'utf8'));
  for (const name of ['ADMIN_TOKEN', 'FRESHDESK_WEBHOOK_TOKEN']) {
    expect(second[name]).toMatch(/^[\w-]{43}$/);
    expect(first).not.toContain(second[name]);
  }
});

it('init without a terminal says which flag it needs, and writes nothing', async () => {
  const { code, stderr } = await run('init');
  expect([code, existsSync(file)]).toEqual([2, false]);
  expect(stderr).toContain('--helpdesk zendesk');
});

it('a variable is set in its own line, whatever it holds, and the rest stays', () => {
  writeFileSync(file, '# keep\nexport A=1\nAB=2 # two\n# A=9\nLAST=x', { mode: 0o644 });
  setInEnvFile({ A: '$& has spaces, # and = in it', NEW: 'a==', LAST: '' }, file);
  const text = readFileSync(file, 'utf8');
  expect(text.split('\n').filter((line) => /^(# keep|AB=2 # two|# A=9|LAST=)$/.test(line))).toHaveLength(4);
  expect(parseEnv(text)).toEqual({ A: '$& has spaces, # and = in it', AB: '2', LAST: '', NEW: 'a==' });
  expect(statSync(file).mode & 0o777).toBe(0o600);
});

it('a .env that is a link stays one', () => {
  const elsewhere = join(folder, 'settings');
  writeFileSync(elsewhere, 'A=1\n');
  symlinkSync(elsewhere, file);
  setInEnvFile({ B: '2' }, file);
  expect(readFileSync(elsewhere, 'utf8')).toBe('A=1\nB=2\n');
  expect(lstatSync(file).isSymbolicLink()).toBe(true);
});

it.each(["it's", 'two\nlines'])('a value that no line can hold is refused: %j', (value) => {
  expect(() => envLine('A', value)).toThrow(/^A has characters/);
});
