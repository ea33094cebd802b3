import type { Hono } from 'hono';
import type { RuleSet } from '../../src/core/rules.ts';
import { createApp } from '../../src/http/app.ts';
import { UPLOAD_LIMITS, type UploadLimits } from '../../src/http/upload.ts';
import { type FakeClock, fakeClock } from '../support/fake-clock.ts';
import {
  type FakeControl,
  fakeControl,
  type FakeAudit,
  fakeAudit,
  type FakeOutbox,
  fakeOutbox,
  type FakeReader,
  fakeReader,
  signature,
  signedHelpdesk,
} from '../support/fakes.ts';
import { type FakeKnowledge, fakeKnowledge } from '../support/fake-knowledge.ts';
import { type RecordingObserver, recordingObserver } from '../support/recording-observer.ts';
import { tokenOfSetting } from '../../src/core/admin-token.ts';
import { type Clock, seededRandom, sha256 } from '../../src/core/clock.ts';
import type { KnowledgeSyncer } from '../../src/core/knowledge-sync.ts';
import type { EmbeddingProgress } from '../../src/core/vector-store.ts';
import type { MakeBackup } from '../../src/core/backup.ts';
import type { StoreReport } from '../../src/core/store-report.ts';
import { createHistory } from '../../src/core/history.ts';
import type { Helpdesk } from '../../src/core/helpdesk.ts';

export const ADMIN_TOKEN = 'an-admin-token-of-some-length-0001';
export const OTHER_TOKEN = 'an-admin-token-of-some-length-0002';
export const VIEWER_TOKEN = 'a-viewer-token-of-some-length-0003';
export const AUTHORIZED = { authorization: `Bearer ${ADMIN_TOKEN}` };

export interface TestApp {
  readonly app: Hono;
  readonly outbox: FakeOutbox;
  readonly audit: FakeAudit;
  readonly reader: FakeReader;
  readonly control: FakeControl;
  readonly clock: FakeClock;
  readonly observer: RecordingObserver;
  readonly knowledge: FakeKnowledge;
  readonly makeBackup: MakeBackup;
  readonly inspectStore: () => StoreReport;
}

export interface TestAppOptions {
  readonly zendesk?: Helpdesk;
  readonly freshdesk?: Helpdesk;
  readonly clock?: FakeClock;
  readonly publicMetrics?: boolean;
  readonly noteTraceLink?: string | null;
  readonly knowledgeSync?: KnowledgeSyncer;
  readonly embeddings?: { progress(): EmbeddingProgress };
  readonly uploadLimits?: UploadLimits;
  /** In place of `clock`, where time has to go by itself. */
  readonly timers?: Clock;
  readonly rules?: RuleSet;
}

/** The app on parts in memory. */
export function testApp({
  zendesk = signedHelpdesk(),
  freshdesk,
  clock = fakeClock(),
  publicMetrics = false,
  noteTraceLink = null,
  knowledgeSync,
  embeddings,
  uploadLimits = UPLOAD_LIMITS,
  timers = clock,
  rules,
}: TestAppOptions = {}): TestApp {
  const parts = {
    outbox: fakeOutbox(),
    audit: fakeAudit(),
    reader: fakeReader(),
    control: fakeControl(),
    knowledge: fakeKnowledge(),
    clock,
    observer: recordingObserver(),
    inspectStore: () => ({ path: '/x.db', bytes: 4096, walBytes: 0, tickets: 0, schema: 1, integrity: 'ok' }),
    makeBackup: async () => ({ bytes: 6, stream: new Blob(['backup']).stream() }),
  };
  const app = createApp({
    ...parts,
    helpdesks: new Map([
      ['zendesk', zendesk],
      ...(freshdesk === undefined ? [] : ([['freshdesk', freshdesk]] as const)),
    ]),
    adminTokens: [
      ...[ADMIN_TOKEN, OTHER_TOKEN].map(tokenOfSetting),
      { name: 'vera', role: 'viewer', digest: sha256(VIEWER_TOKEN) },
    ],
    history: createHistory(clock),
    settings: [],
    dailyBudgetUsd: null,
    clock: timers,
    noteTraceLink,
    ...(knowledgeSync === undefined ? {} : { knowledgeSync }),
    embeddings,
    uploadLimits,
    ...(rules === undefined ? {} : { rules: () => rules }),
    random: seededRandom(1),
    metrics: { text: async () => 'draftdesk_tickets_total 1\n', public: publicMetrics },
  });
  return { app, ...parts };
}

/** A genuine webhook, to be changed by the test. */
export function webhook(body: string | Uint8Array<ArrayBuffer>, init: RequestInit = {}): RequestInit {
  return {
    method: 'POST',
    body,
    ...init,
    headers: { 'content-type': 'application/json', ...signature(body), ...(init.headers as Record<string, string>) },
  };
}

export async function json(response: Response): Promise<Record<string, unknown>> {
  return (await response.json()) as Record<string, unknown>;
}

/** As an operator. */
export async function get({ app }: TestApp, path: string): Promise<Response> {
  return app.request(path, { headers: AUTHORIZED });
}

export async function post({ app }: TestApp, path: string, body?: unknown): Promise<Response> {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  return app.request(path, { method: 'POST', headers: AUTHORIZED, ...(body === undefined ? {} : { body: text }) });
}
