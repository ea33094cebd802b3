import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const program = fileURLToPath(new URL('../../dist/draftdesk.js', import.meta.url));

/** `draftdesk serve` as it ships (npm test bundles first), in a process of its own. */
export interface ServedProgram {
  readonly child: ChildProcess;
  readonly exited: Promise<unknown[]>;
  readonly stderr: () => string;
  /** What it has logged. */
  readonly lines: string[];
  /** Its address; rejects with what it said on stderr when it ends before. */
  listening(): Promise<string>;
}

/** `wrapper`: a program that is given the command line, e.g. `['strace', '-f', …]`. */
export function serveProgram(
  env: Readonly<Record<string, string>>,
  { cwd, wrapper = [] }: { readonly cwd: string; readonly wrapper?: readonly string[] },
): ServedProgram {
  const [command, ...args] = [...wrapper, process.execPath, program, 'serve'];
  const child = spawn(command, args, { cwd, env: { PATH: process.env['PATH'], ...env } });
  let stderr = '';
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  const lines: string[] = [];
  const exited = once(child, 'exit');
  const reader = createInterface({ input: child.stdout });
  const listening = new Promise<string>((resolve) => {
    reader.on('line', (line) => {
      lines.push(line);
      const entry = JSON.parse(line) as { msg?: string; url?: string };
      if (entry.msg === 'listening' && entry.url !== undefined) resolve(entry.url);
    });
  });
  return {
    child,
    exited,
    stderr: () => stderr,
    lines,
    listening: () =>
      Promise.race([
        listening,
        exited.then(([code]) => {
          throw new Error(`ended with ${String(code)}: ${stderr}`);
        }),
      ]),
  };
}
