import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { endWithUs } from './end-with-us.ts';

export const ADMIN_TOKEN = 'bench-admin-token-bench-admin-token';
export const WEBHOOK_SECRET = 'bench-webhook-secret-0123456789';

/** A helpdesk and an LLM that are never called: the service is paused or idle here. */
export const UNUSED_UPSTREAMS = {
  ZENDESK_BASE_URL: 'http://127.0.0.1:9',
  ZENDESK_OAUTH_TOKEN: 'unused',
  OPENAI_BASE_URL: 'http://127.0.0.1:9/v1',
  OPENAI_API_KEY: 'unused',
  OUTBOX_MAX_PENDING: '10000000',
};

const preload = new URL('loop-delay.mjs', import.meta.url).href;
const bundle = fileURLToPath(new URL('../../dist/draftdesk.js', import.meta.url));

/** The real service as a child process on a database of its own. */
export interface BenchService {
  readonly url: string;
  readonly port: number;
  readonly pid: number;
  /** From spawn to the line that says where it listens. */
  readonly startMs: number;
  /** User and system time so far, ms. */
  cpuMs(): number;
  /** MB. */
  rssMb(): number;
  peakRssMb(): number;
  /** How late the event loop was since the last call, ms. */
  loopDelay(): Promise<LoopDelay>;
  /** Open files and sockets. */
  openFiles(): number;
  /** Of the database's -wal file. */
  walMb(): number;
  /** A watcher of the progress. */
  events(signal: AbortSignal): Promise<Response>;
  text(path: string): Promise<string>;
  get(path: string): Promise<unknown>;
  post(path: string, body?: unknown): Promise<unknown>;
  stop(): Promise<void>;
}

export interface LoopDelay {
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

export async function startBenchService(env: Readonly<Record<string, string>>): Promise<BenchService> {
  const folder = mkdtempSync(join(tmpdir(), 'draftdesk-bench-'));
  const startedAt = performance.now();
  const delayFile = join(folder, 'loop-delay.json');
  const child = spawn(process.execPath, ['--max-semi-space-size=4', '--import', preload, bundle, 'serve'], {
    cwd: folder,
    env: {
      PATH: process.env['PATH'],
      PORT: '0',
      DATABASE_URL: `file:${join(folder, 'bench.db')}`,
      ADMIN_TOKEN,
      ZENDESK_WEBHOOK_SECRET: WEBHOOK_SECRET,
      LOG_LEVEL: 'info',
      BENCH_LOOP_DELAY: delayFile,
      ...env,
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  endWithUs(child);
  const url = await listeningUrl(child);
  const startMs = performance.now() - startedAt;
  const headers = { authorization: `Bearer ${ADMIN_TOKEN}` };
  return {
    url,
    port: Number(new URL(url).port),
    pid: child.pid ?? 0,
    startMs,
    cpuMs: () => {
      const fields = readFileSync(`/proc/${child.pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
      // utime and stime in clock ticks of 10 ms (proc(5))
      return (Number(fields[11]) + Number(fields[12])) * 10;
    },
    rssMb: () => statusKb(child, 'VmRSS') / 1000,
    peakRssMb: () => statusKb(child, 'VmHWM') / 1000,
    loopDelay: async () => {
      rmSync(delayFile, { force: true });
      child.kill('SIGUSR2');
      while (!existsSync(delayFile)) await new Promise((resolve) => setTimeout(resolve, 5));
      return JSON.parse(readFileSync(delayFile, 'utf8')) as LoopDelay;
    },
    openFiles: () => readdirSync(`/proc/${child.pid}/fd`).length,
    walMb: () => (statSync(join(folder, 'bench.db-wal'), { throwIfNoEntry: false })?.size ?? 0) / 1e6,
    events: (signal) => fetch(`${url}/admin/events`, { headers, signal }),
    text: async (path) => (await fetch(url + path, { headers })).text(),
    get: async (path) => (await fetch(url + path, { headers })).json(),
    post: async (path, body) => {
      const response = await fetch(url + path, {
        method: 'POST',
        headers,
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      if (!response.ok) throw new Error(`POST ${path} answered ${response.status} ${await response.text()}`);
      return response.json();
    },
    stop: async () => {
      child.kill('SIGTERM');
      await once(child, 'exit');
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function statusKb(child: ChildProcess, field: string): number {
  const status = readFileSync(`/proc/${child.pid}/status`, 'utf8');
  return Number(new RegExp(`${field}:\\s+(\\d+) kB`).exec(status)?.[1] ?? 0) * 1.024;
}

async function listeningUrl(child: ChildProcess): Promise<string> {
  if (child.stdout === null) throw new Error('no stdout');
  const lines = createInterface({ input: child.stdout });
  const url = await new Promise<string>((resolve, reject) => {
    lines.on('line', (line) => {
      const entry = JSON.parse(line) as { msg?: string; url?: string };
      if (entry.msg === 'listening' && entry.url !== undefined) resolve(entry.url);
    });
    child.once('exit', (code) => reject(new Error(`the service ended with ${code}`)));
  });
  return url;
}
