import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const program = fileURLToPath(new URL('../../dist/draftdesk.js', import.meta.url));

/** `draftdesk serve` as a process of its own, from the bundle (`npm run bundle` makes it). */
export interface ServiceProcess {
  /** The first process: node, or the tracer around it. */
  readonly child: ChildProcess;
  readonly lines: readonly string[];
  readonly stderr: () => string;
  /** Where it listens. Rejects when it ends before that. */
  listening(): Promise<string>;
  /** Exit code and signal of the first process. */
  readonly exited: Promise<readonly [code: number | null, signal: NodeJS.Signals | null]>;
  /** Sends a signal to the whole process group. */
  signal(name: NodeJS.Signals): void;
  /** SIGKILL to the group; resolves when it is gone. */
  kill(): Promise<void>;
  /** ms from the spawn to the line that says where it listens. */
  startMs(): number | null;
}

export interface ServiceProcessOptions {
  readonly cwd: string;
  /** What to run it under: a program and its arguments, e.g. strace. */
  readonly under?: readonly string[];
  /** Instead of the bundle's `serve`: a script and its arguments. */
  readonly script?: readonly string[];
}

/** Nobody outlives a test that failed. */
const alive = new Set<ChildProcess>();
process.once('exit', () => alive.forEach((child) => signalGroup(child, 'SIGKILL')));

export function startServiceProcess(
  env: Readonly<Record<string, string>>,
  { cwd, under = [], script = [program, 'serve'] }: ServiceProcessOptions,
): ServiceProcess {
  const [command = process.execPath, ...args] = [...under, process.execPath, ...script];
  const startedAt = performance.now();
  // a group of its own, so that a tracer and what it traces die together
  const child = spawn(command, args, { cwd, env: { PATH: process.env['PATH'], ...env }, detached: true });
  alive.add(child);
  let stderr = '';
  let startMs: number | null = null;
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  const lines: string[] = [];
  const exited = once(child, 'exit').then((ended) => {
    alive.delete(child);
    return ended as [number | null, NodeJS.Signals | null];
  });
  const reader = createInterface({ input: child.stdout });
  const listening = new Promise<string>((resolve) => {
    reader.on('line', (line) => {
      lines.push(line);
      const entry = readLine(line);
      if (entry?.msg !== 'listening' || entry.url === undefined) return;
      startMs ??= performance.now() - startedAt;
      resolve(entry.url);
    });
  });
  const signal = (name: NodeJS.Signals): void => signalGroup(child, name);
  return {
    child,
    exited,
    lines,
    signal,
    stderr: () => stderr,
    startMs: () => startMs,
    kill: async () => {
      signal('SIGKILL');
      await exited;
    },
    listening: () =>
      Promise.race([
        listening,
        exited.then(([code, by]) => {
          throw new Error(`ended with ${String(code ?? by)}: ${stderr}`);
        }),
      ]),
  };
}

/** The last line of a killed process may be cut. */
function readLine(line: string): { msg?: string; url?: string } | null {
  try {
    return JSON.parse(line) as { msg?: string; url?: string };
  } catch {
    return null;
  }
}

function signalGroup({ pid }: ChildProcess, name: NodeJS.Signals): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, name);
  } catch {
    // gone already
  }
}
