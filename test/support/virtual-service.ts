import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readConfig } from '../../src/config.ts';
import { type Clock, seededRandom } from '../../src/core/clock.ts';
import { combineObservers, type Observer, silentObserver } from '../../src/core/observer.ts';
import { type Service, startService } from '../../src/main.ts';
import type { FaultProfile, ServerFetch } from '../../src/sandbox/faults.ts';
import { createFreshdeskSimulator, type FreshdeskSimulator } from '../../src/sandbox/freshdesk.ts';
import { createLlmSimulator, type LlmSimulator } from '../../src/sandbox/openai.ts';
import { inProcessFetch } from '../../src/sandbox/server.ts';
import { createZendeskSimulator, type ZendeskSimulator } from '../../src/sandbox/zendesk.ts';
import { type FakeClock, fakeClock } from './fake-clock.ts';
import { ADMIN_TOKEN, type AdminClient, adminClient } from './harness.ts';
import { migrationsFolder } from './paths.ts';
import { recordingObserver, type RecordingObserver } from './recording-observer.ts';

/** A call of ours to a vendor, as it went out. */
export interface VendorCall {
  readonly vendor: 'zendesk' | 'freshdesk' | 'llm';
  readonly method: string;
  readonly path: string;
}

/** The whole service and its vendors in virtual time: hours pass in seconds, webhooks and admin calls go over HTTP. */
export interface VirtualWorld extends AsyncDisposable {
  readonly clock: FakeClock;
  readonly zendesk: ZendeskSimulator;
  readonly freshdesk: FreshdeskSimulator;
  readonly llm: LlmSimulator;
  readonly observer: RecordingObserver;
  /** Every try that is over, with the steady time of that. */
  readonly tries: (Parameters<Observer['attempt']>[0] & { readonly at: number })[];
  /** Sets the wall clock of the service's machine forward or back; the vendors' own stay right. */
  jump(ms: number): void;
  readonly calls: VendorCall[];
  /** Vendors that take no connection now. */
  readonly down: Set<VendorCall['vendor']>;
  /** Vendors that answer every call with 403. */
  readonly refusing: Set<VendorCall['vendor']>;
  readonly admin: AdminClient;
  /** A new ticket at the helpdesk, and its webhook to the service. Answers its id. */
  open(helpdesk: 'zendesk' | 'freshdesk'): Promise<string>;
  /** Virtual time goes by, in steps of at most so many ms: between them the real event loop commits what was written. */
  pass(ms: number, stepMs?: number): Promise<void>;
  /** Lets time go by until it holds. Fails after `withinMs` of virtual time. */
  until(wanted: () => boolean | Promise<boolean>, withinMs?: number): Promise<void>;
  stop(): Promise<void>;
  start(): Promise<void>;
  /** While stopped: keeps a copy of the database, and puts it back. */
  backUp(): void;
  restore(): void;
}

export interface VirtualOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly faults?: FaultProfile;
  readonly seed?: number;
  readonly lateCommitMs?: number;
}

const VENDORS = ['zendesk', 'freshdesk', 'llm'] as const;
const urlOf = (vendor: VendorCall['vendor']): string => `http://127.0.0.1:${VENDORS.indexOf(vendor) + 1}`;

export async function startVirtualWorld(options: VirtualOptions = {}): Promise<VirtualWorld> {
  const { env = {}, faults = 'off', seed = 1, lateCommitMs = 16_000 } = options;
  const clock = fakeClock();
  const random = seededRandom(seed);
  const shared = { clock, random, faults, lateCommitMs, faultRetryAfterSeconds: 1 };
  const zendesk = createZendeskSimulator(shared);
  const freshdesk = createFreshdeskSimulator(shared);
  const llm = createLlmSimulator({ clock, random, faults, latencyMs: 3_000 });
  const observer = recordingObserver();
  const tries: VirtualWorld['tries'] = [];
  const timing: Observer = {
    ...silentObserver,
    attempt: (event) => void tries.push({ ...event, at: clock.steady() }),
  };
  let offset = 0;
  const serviceClock: Clock = { ...clock, now: () => clock.now() + offset };
  const calls: VendorCall[] = [];
  const down = new Set<VendorCall['vendor']>();
  const refusing = new Set<VendorCall['vendor']>();
  const folder = mkdtempSync(join(tmpdir(), 'draftdesk-'));
  const config = readConfig({
    PORT: '0',
    DATABASE_URL: `file:${join(folder, 'data', 'test.db')}`,
    ADMIN_TOKEN,
    LOG_LEVEL: 'silent',
    OPENAI_BASE_URL: `${urlOf('llm')}/v1`,
    OPENAI_API_KEY: llm.apiKey,
    LLM_MODEL: llm.models[0] ?? '',
    LLM_REQUESTS_PER_MINUTE: '1000000',
    LLM_TOKENS_PER_MINUTE: '1000000000',
    ZENDESK_BASE_URL: urlOf('zendesk'),
    ZENDESK_OAUTH_CLIENT_ID: zendesk.credentials.clientId,
    ZENDESK_OAUTH_CLIENT_SECRET: zendesk.credentials.clientSecret,
    ZENDESK_WEBHOOK_SECRET: zendesk.webhookSecret,
    ZENDESK_REQUESTS_PER_MINUTE: '1000000',
    ZENDESK_UPDATES_PER_MINUTE: '1000000',
    FRESHDESK_BASE_URL: urlOf('freshdesk'),
    FRESHDESK_API_KEY: freshdesk.apiKey,
    FRESHDESK_WEBHOOK_TOKEN: freshdesk.webhookToken,
    FRESHDESK_REQUESTS_PER_MINUTE: '1000000',
    WORKER_CONCURRENCY: '8',
    ...env,
  });
  const servers: Record<VendorCall['vendor'], ServerFetch> = {
    zendesk: zendesk.fetch,
    freshdesk: freshdesk.fetch,
    llm: llm.fetch,
  };
  const vendorFetch: typeof fetch = async (input, init) => {
    const url = new URL(input instanceof Request ? input.url : input);
    const vendor = VENDORS[Number(url.port) - 1] ?? 'llm';
    calls.push({ vendor, method: init?.method ?? 'GET', path: url.pathname });
    if (down.has(vendor)) {
      throw new TypeError('fetch failed', {
        cause: Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' }),
      });
    }
    if (refusing.has(vendor)) return Response.json({ error: 'Forbidden' }, { status: 403 });
    const response = await inProcessFetch(servers[vendor])(input, init);
    // behind a socket every server tells its own time
    if (!response.headers.has('date')) response.headers.set('date', new Date(clock.now()).toUTCString());
    return response;
  };

  let service: Service | null = null;
  let admin: AdminClient | null = null;
  const running = (): AdminClient => {
    if (admin === null) throw new Error('the service is stopped');
    return admin;
  };
  const start = async (): Promise<void> => {
    service = await startService(config, {
      migrationsFolder,
      observer: combineObservers([observer, timing]),
      clock: serviceClock,
      random,
      fetch: vendorFetch,
      // hours of looking four times a second would take minutes
      pollMs: 2_000,
    });
    admin = adminClient(service.url);
  };
  const pass = async (ms: number, stepMs = 500): Promise<void> => {
    for (let left = ms; left > 0; left -= stepMs) {
      await clock.advance(Math.min(stepMs, left));
      await turns();
    }
  };
  const stop = async (): Promise<void> => {
    let stopped = false;
    const stopping = service?.stop().finally(() => (stopped = true));
    service = null;
    admin = null;
    while (stopping !== undefined && !stopped) await pass(100);
    await stopping;
  };
  await start();
  return {
    clock,
    zendesk,
    freshdesk,
    llm,
    observer,
    tries,
    jump: (ms) => {
      offset += ms;
    },
    calls,
    down,
    refusing,
    get admin() {
      return running();
    },
    open: async (helpdesk) => {
      const simulator = helpdesk === 'zendesk' ? zendesk : freshdesk;
      const id = simulator.addTicket({ subject: 'Where is my parcel?', html: '<p>It should have come by now.</p>' });
      const [call] = simulator.creationWebhooks(id);
      if (call === undefined) throw new Error('no webhook');
      const { status } = await running().webhook(helpdesk, call);
      if (status !== 202) throw new Error(`the webhook was answered ${status}`);
      return id;
    },
    pass,
    until: async (wanted, withinMs = 10 * 60_000) => {
      const end = clock.steady() + withinMs;
      while (!(await wanted())) {
        if (clock.steady() >= end) throw new Error(`it did not come to that within ${withinMs} virtual ms`);
        await pass(500);
      }
    },
    stop,
    start,
    backUp: () => cpSync(join(folder, 'data'), join(folder, 'backup'), { recursive: true }),
    restore: () => {
      rmSync(join(folder, 'data'), { recursive: true });
      cpSync(join(folder, 'backup'), join(folder, 'data'), { recursive: true });
    },
    [Symbol.asyncDispose]: async () => {
      await stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function turns(): Promise<void> {
  for (let turn = 0; turn < 5; turn += 1) {
    await new Promise<void>((resolve) => {
      setImmediate(resolve);
    });
  }
}
