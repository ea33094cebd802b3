import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readConfig } from '../../src/config.ts';
import { seededRandom, systemClock } from '../../src/core/clock.ts';
import type { TicketStatus } from '../../src/core/ticket.ts';
import type { Service, ServiceOverrides } from '../../src/main.ts';
import type { BatchTimes } from '../../src/sandbox/openai-batch-job.ts';
import type { FaultProfile } from '../../src/sandbox/faults.ts';
import { createFreshdeskSimulator, type FreshdeskSimulator } from '../../src/sandbox/freshdesk.ts';
import type { WebhookCall } from '../../src/sandbox/webhook-sender.ts';
import { createLlmSimulator, type LlmSimulator } from '../../src/sandbox/openai.ts';
import { listen, type ListeningServer } from '../../src/sandbox/server.ts';
import { createZendeskSimulator, type ZendeskSimulator } from '../../src/sandbox/zendesk.ts';
import { migrationsFolder } from './paths.ts';
import { recordingObserver, type RecordingObserver } from './recording-observer.ts';

export const ADMIN_TOKEN = 'an-admin-token-of-more-than-32-characters';

/** Simulated vendors on real sockets, and the settings that point a service at them. */
export interface Vendors extends AsyncDisposable {
  readonly zendesk: ZendeskSimulator;
  readonly freshdesk: FreshdeskSimulator;
  readonly llm: LlmSimulator;
  readonly folder: string;
  /** A whole environment for `draftdesk serve` on a database in `folder`. */
  readonly env: Record<string, string>;
}

export interface VendorOptions {
  readonly faults?: FaultProfile;
  readonly seed?: number;
  readonly latencyMs?: number;
  readonly batchTimes?: Partial<BatchTimes>;
  readonly obeyAttackers?: 'every';
  /** Of our user at both helpdesks. Default `agent`. */
  readonly role?: 'agent' | 'admin';
  /** Hears every call to the LLM before it is answered, and may hold the answer back. */
  readonly onLlmCall?: (body: string) => unknown;
}

const TIMEOUT_MS = 800;

/** For tests whose faults are others than slowness: a busy machine must not add its own. */
export const PATIENT = { LLM_TIMEOUT_MS: '15000', HELPDESK_TIMEOUT_MS: '15000' } as const;

export async function startVendors({
  faults = 'off',
  seed = 1,
  latencyMs = 0,
  batchTimes = {},
  onLlmCall,
  role = 'agent',
  ...hostile
}: VendorOptions = {}): Promise<Vendors> {
  const clock = systemClock();
  const random = seededRandom(seed);
  const shared = { clock, random, faults, role, lateCommitMs: TIMEOUT_MS + 200, faultRetryAfterSeconds: 0 };
  const zendesk = createZendeskSimulator(shared);
  const freshdesk = createFreshdeskSimulator(shared);
  const llm = createLlmSimulator({ clock, random, faults, latencyMs, batchTimes, ...hostile });
  const llmFetch: typeof llm.fetch = async (request, bindings) => {
    await onLlmCall?.(await request.clone().text());
    return llm.fetch(request, bindings);
  };
  const apps = [zendesk.fetch, freshdesk.fetch, onLlmCall === undefined ? llm.fetch : llmFetch];
  const servers = await Promise.all(apps.map((app) => listen(app)));
  const [zendeskUrl = '', freshdeskUrl = '', llmUrl = ''] = servers.map((server) => server.url);
  const folder = mkdtempSync(join(tmpdir(), 'draftdesk-'));
  return {
    zendesk,
    freshdesk,
    llm,
    folder,
    env: {
      PORT: '0',
      DATABASE_URL: `file:${join(folder, 'test.db')}`,
      ADMIN_TOKEN,
      LOG_LEVEL: 'silent',
      OPENAI_BASE_URL: `${llmUrl}/v1`,
      OPENAI_API_KEY: llm.apiKey,
      LLM_MODEL: llm.models[0] ?? '',
      LLM_REQUESTS_PER_MINUTE: '1000000',
      LLM_TOKENS_PER_MINUTE: '1000000000',
      LLM_TIMEOUT_MS: String(TIMEOUT_MS),
      ZENDESK_BASE_URL: zendeskUrl,
      ZENDESK_OAUTH_CLIENT_ID: zendesk.credentials.clientId,
      ZENDESK_OAUTH_CLIENT_SECRET: zendesk.credentials.clientSecret,
      ZENDESK_WEBHOOK_SECRET: zendesk.webhookSecret,
      ZENDESK_REQUESTS_PER_MINUTE: '1000000',
      ZENDESK_UPDATES_PER_MINUTE: '1000000',
      FRESHDESK_BASE_URL: freshdeskUrl,
      FRESHDESK_API_KEY: freshdesk.apiKey,
      FRESHDESK_WEBHOOK_TOKEN: freshdesk.webhookToken,
      FRESHDESK_REQUESTS_PER_MINUTE: '1000000',
      HELPDESK_TIMEOUT_MS: String(TIMEOUT_MS),
      AMBIGUOUS_POST_WAIT_MS: String(TIMEOUT_MS + 400),
      RETRY_BASE_MS: '20',
      RETRY_MAX_MS: '200',
      SHUTDOWN_GRACE_MS: '500',
      WORKER_CONCURRENCY: '8',
    },
    [Symbol.asyncDispose]: async () => {
      zendesk.disconnect();
      freshdesk.disconnect();
      await Promise.all(servers.map((server: ListeningServer) => server.close()));
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

export interface RunningService extends AsyncDisposable {
  readonly service: Service;
  readonly observer: RecordingObserver;
  readonly admin: AdminClient;
}

export async function startTestService(
  env: Readonly<Record<string, string>>,
  parts: Pick<ServiceOverrides, 'knowledge'> = {},
): Promise<RunningService> {
  const observer = recordingObserver();
  // not for `npm run torture`, which Node runs without a compiler: the console's pages are .tsx
  const { startService } = await import('../../src/main.ts');
  const service = await startService(readConfig(env), { migrationsFolder, observer, economyPollMs: 50, ...parts });
  return { service, observer, admin: adminClient(service.url), [Symbol.asyncDispose]: () => service.stop() };
}

/** The admin API as a script would use it. */
export interface AdminClient {
  readonly url: string;
  get<T>(path: string): Promise<T>;
  post<T>(path: string, body?: unknown): Promise<{ readonly status: number; readonly body: T }>;
  webhook(
    helpdesk: string,
    call: WebhookCall,
  ): Promise<{ readonly status: number; readonly body: Record<string, unknown> }>;
  statuses(): Promise<Record<TicketStatus, number>>;
  /** The data of server-sent events, as they come. */
  events<T>(path: string): AsyncGenerator<T>;
  /** Follows `/admin/events` until the progress is as wanted. Rejects when the stream ends before. */
  until(wanted: (counts: Record<TicketStatus, number>) => boolean): Promise<void>;
}

export function adminClient(url: string): AdminClient {
  const headers = { authorization: `Bearer ${ADMIN_TOKEN}`, 'content-type': 'application/json' };
  const get = async <T>(path: string): Promise<T> => {
    const response = await fetch(url + path, { headers });
    if (!response.ok) throw new Error(`GET ${path} answered ${response.status} ${await response.text()}`);
    return (await response.json()) as T;
  };
  async function* events<T>(path: string): AsyncGenerator<T> {
    const response = await fetch(url + path, { headers });
    if (response.body === null) throw new Error('no events');
    let text = '';
    for await (const chunk of response.body.pipeThrough(new TextDecoderStream())) {
      text += chunk;
      const parts = text.split('\n\n');
      text = parts.pop() ?? '';
      for (const event of parts) {
        const data = event.split('\n').find((line) => line.startsWith('data: '));
        if (data !== undefined) yield JSON.parse(data.slice('data: '.length)) as T;
      }
    }
  }
  return {
    url,
    get,
    post: async <T>(path: string, body?: unknown) => {
      const response = await fetch(url + path, {
        method: 'POST',
        headers,
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      return { status: response.status, body: (await response.json()) as T };
    },
    webhook: async (helpdesk, call) => {
      const response = await fetch(`${url}/webhooks/${helpdesk}`, {
        method: 'POST',
        headers: { ...call.headers },
        body: call.body,
      });
      return { status: response.status, body: (await response.json()) as Record<string, unknown> };
    },
    statuses: async () => (await get<{ counts: Record<TicketStatus, number> }>('/admin/progress')).counts,
    events,
    until: async (wanted) => {
      for await (const { counts } of events<{ counts: Record<TicketStatus, number> }>('/admin/events')) {
        if (wanted(counts)) return;
      }
      throw new Error('the event stream ended');
    },
  };
}
