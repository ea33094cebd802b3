import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
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

it.skipIf(!hasShell('bash'))('a reader that has seen enough ends a command without a word', () => {
  const cut = `draftdesk completion bash | head -n 1; echo "\${PIPESTATUS[0]}"`;
  const { stdout, stderr } = run('bash', `${cut}; draftdesk --help | true; draftdesk nonsense 2>&1 | true`);
  expect(stderr).toBe('');
  // 141 as of any program that SIGPIPE has ended, 0 where all was written in time
  expect(stdout.split('\n')[1]).toMatch(/^(141|0)$/);
});

it('standard output that is closed from the start ends it with 141 at its first word', async () => {
  const child = spawn(process.execPath, [program, 'completion', 'bash'], { cwd: folder, env });
  let stderr = '';
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  child.stdout.destroy();
  expect((await once(child, 'close'))[0]).toBe(141);
  expect(stderr).toBe('');
});

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
