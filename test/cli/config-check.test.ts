import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startProgram } from './program.ts';

/* `draftdesk config check` as it ships. */

const EXAMPLE = fileURLToPath(new URL('../../deploy/draftdesk.example.yaml', import.meta.url));

describe('draftdesk config check', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'draftdesk-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const check = (args: readonly string[], env: Readonly<Record<string, string>> = {}) =>
    startProgram(['config', 'check', ...args], { env, cwd: folder }).ended;
  const attempt = async (ticket: string): Promise<string> => (await check([EXAMPLE, '--try', ticket])).stdout;

  it('says how the example is understood', async () => {
    const { code, stdout } = await check([EXAMPLE]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/is good: version [0-9a-f]{12}, 6 rules\./);
    expect(stdout).toContain(
      '1. chat off\n   if   channel chat or native_messaging\n   then nothing, the model is not asked\n',
    );
    expect(stdout).toContain('then a draft for 25 % of requesters, 10 % of them control group\n   else a draft\n');
    const { stdout: json } = await check([EXAMPLE, '--json']);
    expect(JSON.parse(json)).toMatchObject({ file: EXAMPLE, categories: [{}, {}, {}], rules: Array(6).fill({}) });
  });

  it('lists every mistake with its line, exit 78, from DRAFTDESK_CONFIG and from draftdesk.yaml here', async () => {
    writeFileSync(join(folder, 'draftdesk.yaml'), 'rules:\n  - nam: a\n    action: of\n');
    const { code, stdout, stderr } = await check([]);
    expect([code, stdout]).toEqual([78, '']);
    expect(stderr.split('\n')).toEqual([
      'draftdesk.yaml is wrong:',
      '  - line 2: rules[1].name: must be a name',
      '  - line 2: rules[1]: “nam” is not known: did you mean “name”?',
      '  - line 3: rules[1].action: must be one of off, finding, draft, hold',
      '',
    ]);
    const { code: other, stdout: json } = await check(['--json'], { DRAFTDESK_CONFIG: 'none.yaml' });
    expect(other).toBe(78);
    expect(JSON.parse(json)).toEqual({ file: 'none.yaml', problems: ['the file cannot be read (ENOENT)'] });
  });

  it('says which rule would take a ticket, and for whom', async () => {
    expect(await attempt('helpdesk=zendesk,channel=chat')).toBe('chat off: nothing, because a rule is off for it\n');
    expect(await attempt('helpdesk=zendesk,tag=vip,priority=high')).toBe('vip: a draft, with guidelines of its own\n');
    expect(await attempt('helpdesk=zendesk,category=refund')).toMatch(/^refunds: a draft that is held/);
    expect(await attempt('language=en')).toBe('No rule takes it: a draft.\n');
    expect(await attempt('language=de-AT')).toMatch(
      /^german trial: a draft for 25 % .*\nof the others: nothing .*\nAdd requester=ID/,
    );
    const ofPeople = await Promise.all(
      [1, 2, 3, 4, 5, 6].map((id) => attempt(`helpdesk=zendesk,language=de,requester=${id}`)),
    );
    expect(new Set(ofPeople.map((line) => line.split(',')[0]))).toContain('german trial: nothing');
    expect(await attempt('helpdesk=zendesk,language=de,requester=1')).toBe(ofPeople[0]);
  });

  it.each([
    [['--try', 'colour=red'], /keys are helpdesk, brand/],
    [['--try', 'priority=soon'], /A priority is one of/],
  ])('refuses %s with 2', async (args, wanted) => {
    const { code, stderr } = await check([EXAMPLE, ...args]);
    expect(code).toBe(2);
    expect(stderr).toMatch(wanted);
  });

  it('asks for a file where there is none', async () => {
    expect(await check([])).toMatchObject({ code: 2, stderr: expect.stringContaining('DRAFTDESK_CONFIG') });
  });
});
