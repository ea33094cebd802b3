import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';

/* The scripts in the shells they are for, with `draftdesk` on the PATH as an installed package puts it there. */

const program = fileURLToPath(new URL('../../dist/draftdesk.js', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'draftdesk-'));
chmodSync(program, 0o755);
symlinkSync(program, join(folder, 'draftdesk'));
const nodeFolder = join(process.execPath, '..');
const env = { PATH: [folder, nodeFolder, process.env['PATH']].join(delimiter), HOME: folder };
afterAll(() => rmSync(folder, { recursive: true }));

const run = (shell: string, script: string) =>
  spawnSync(shell, ['-c', script], { cwd: folder, env, encoding: 'utf8', timeout: 15_000 });
const hasShell = (shell: string): boolean => run(shell, 'true').status === 0;

/** What is typed, its last word unfinished, and what a shell must offer for it. */
const LINES: readonly (readonly [readonly string[], readonly string[]])[] = [
  [['sa'], ['sandbox']],
  [
    ['batch', 're'],
    ['release', 'results', 'resume', 'retry'],
  ],
  [
    ['batch', 'run', '--l'],
    ['--lane', '--limit'],
  ],
  [
    ['batch', 'run', '--lane', ''],
    ['flex', 'standard'],
  ],
  [['sandbox', '--tickets', '5', '--faults', 'm'], ['mild']],
  [['completion', 'z'], ['zsh']],
  [['status', '$(touch evil)'], []],
];

describe.skipIf(!hasShell('bash'))('bash', () => {
  it.each(LINES)('completes %j', (words, expected) => {
    const typed = ['draftdesk', ...words].map((word) => `'${word}'`).join(' ');
    const { stdout, stderr } = run(
      'bash',
      `source <(draftdesk completion bash); COMP_WORDS=(${typed}); COMP_CWORD=${words.length}; _draftdesk
      [ -e evil ] || printf '%s\\n' "\${COMPREPLY[@]}"`,
    );
    expect([stdout.split('\n').filter(Boolean).toSorted(), stderr]).toEqual([expected, '']);
  });

  it('is told which command it is for', () => {
    const { stdout } = run('bash', 'source <(draftdesk completion bash); complete -p draftdesk');
    expect(stdout).toBe('complete -o default -F _draftdesk draftdesk\n');
  });
});

describe.skipIf(!hasShell('fish'))('fish', () => {
  it.each(LINES)('completes %j', (words, expected) => {
    const { stdout, stderr } = run(
      'fish',
      `draftdesk completion fish | source; complete -C 'draftdesk ${words.join(' ')}'; test -e evil; and echo evil`,
    );
    const offered = stdout.split('\n').map((line) => line.split('\t')[0] ?? '');
    expect([offered.filter(Boolean).toSorted(), stderr]).toEqual([expected, '']);
  });
});

describe.skipIf(!hasShell('zsh'))('zsh', () => {
  it('reads the script and knows its command', () => {
    const { stdout, stderr } = run(
      'zsh',
      'autoload -Uz compinit; compinit -u -D; source <(draftdesk completion zsh); print $_comps[draftdesk]',
    );
    expect([stdout, stderr]).toEqual(['_draftdesk\n', '']);
  });
});

it('another shell is wrong usage', () => {
  const { status, stderr } = run('sh', 'draftdesk completion powershell');
  expect([status, stderr]).toEqual([2, expect.stringContaining('bash, zsh, fish')]);
});
