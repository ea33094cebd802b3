import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { packagePath } from './package-path.ts';

/** The real service in a process of its own, on a database that goes with it. */
export interface SandboxService {
  readonly url: string;
  readonly adminToken: string;
  /** Reads one JSON answer of the admin API. Throws when it is not 2xx. */
  get<T>(path: string): Promise<T>;
  /** Posts JSON to the admin API. Throws when the answer is not 2xx. */
  post(path: string, body: unknown): Promise<void>;
  /** From the webhook to the note, ms, of each ticket posted so far: read from the service's own log. */
  readonly postedMs: readonly number[];
  /** SIGKILL, and a new process on the same database and port; resolves when that one listens. */
  kill(): Promise<void>;
  /** SIGTERM; answers its exit code. */
  stop(): Promise<number | null>;
}

/** Starts `draftdesk serve` with these settings and waits until it listens. */
export async function startSandboxService(settings: Readonly<Record<string, string>>): Promise<SandboxService> {
  const folder = mkdtempSync(join(tmpdir(), 'draftdesk-sandbox-'));
  const adminToken = randomBytes(24).toString('base64url');
  const postedMs: number[] = [];
  const start = (port: string): Promise<Running> =>
    startProcess(folder, { PORT: port, ADMIN_TOKEN: adminToken, ...settings }, (entry) => {
      if (entry.msg === 'ticket finished' && entry.status === 'posted') postedMs.push(entry.totalMs ?? 0);
    });
  let running = await start('0');
  const { url } = running;
  const headers = { authorization: `Bearer ${adminToken}` };
  return {
    url,
    adminToken,
    postedMs,
    get: async <T>(path: string) => {
      const response = await fetch(url + path, { headers });
      if (!response.ok) throw new Error(`GET ${path} answered ${response.status}`);
      return (await response.json()) as T;
    },
    post: async (path, body) => {
      const response = await fetch(url + path, { method: 'POST', headers, body: JSON.stringify(body) });
      if (!response.ok) throw new Error(`POST ${path} answered ${response.status} ${await response.text()}`);
    },
    kill: async () => {
      running.child.kill('SIGKILL');
      await running.exited;
      running = await start(new URL(url).port);
    },
    stop: async () => {
      running.child.kill('SIGTERM');
      const [code] = (await running.exited) as [number | null];
      rmSync(folder, { recursive: true, force: true });
      return code;
    },
  };
}

interface Running {
  readonly child: ChildProcess;
  readonly exited: Promise<unknown[]>;
  readonly url: string;
}

async function startProcess(
  folder: string,
  settings: Readonly<Record<string, string>>,
  tell: (entry: LogEntry) => void,
): Promise<Running> {
  const child = spawn(process.execPath, ['--max-semi-space-size=4', packagePath('dist', 'draftdesk.js'), 'serve'], {
    // away from any .env, and out of reach of the terminal's Ctrl-C: we end it ourselves
    cwd: folder,
    detached: true,
    env: {
      PATH: process.env['PATH'],
      DATABASE_URL: `file:${join(folder, 'draftdesk.db')}`,
      LOG_LEVEL: 'info',
      ...settings,
    },
    // over the channel it notices when we are gone, however we went
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
  });
  const exited = once(child, 'exit');
  return { child, exited, url: await followLog(child, tell) };
}

interface LogEntry {
  readonly msg?: string;
  readonly url?: string;
  readonly status?: string;
  readonly totalMs?: number;
}

/** Answers where it listens, and keeps reading for as long as it runs: a full pipe would hold up its log. */
function followLog(child: ChildProcess, tell: (entry: LogEntry) => void): Promise<string> {
  return new Promise((resolve, reject) => {
    child.once('exit', (code) => reject(new Error(`the service ended with exit code ${code}`)));
    if (child.stdout === null) throw new Error('the service has no stdout');
    createInterface({ input: child.stdout }).on('line', (line) => {
      const entry = readEntry(line);
      if (entry.msg === 'listening' && entry.url !== undefined) resolve(entry.url);
      tell(entry);
    });
  });
}

/** The last line of a killed process may be cut. */
function readEntry(line: string): LogEntry {
  try {
    return JSON.parse(line) as LogEntry;
  } catch {
    return {};
  }
}
