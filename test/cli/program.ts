import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const program = fileURLToPath(new URL('../../dist/draftdesk.js', import.meta.url));

/** One run of the command line. */
export interface ProgramRun {
  readonly child: ChildProcess;
  /** Standard output so far. */
  readonly stdout: () => string;
  readonly ended: Promise<{ readonly code: number | null; readonly stdout: string; readonly stderr: string }>;
}

interface ProgramOptions {
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  readonly nodeArgs?: readonly string[];
  /** What to run it under: a program and its arguments. */
  readonly under?: readonly string[];
}

/** Starts `draftdesk …` as it ships (npm test bundles first), with this environment and no other. */
export function startProgram(
  args: readonly string[],
  { env, cwd, nodeArgs = [], under = [] }: ProgramOptions,
): ProgramRun {
  const [command = process.execPath, ...rest] = [...under, process.execPath, ...nodeArgs, program, ...args];
  const child = spawn(command, rest, {
    cwd,
    env: { PATH: process.env['PATH'], ...env },
  });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  const ended = once(child, 'close').then(([code]) => ({ code: code as number | null, stdout, stderr }));
  return { child, stdout: () => stdout, ended };
}
