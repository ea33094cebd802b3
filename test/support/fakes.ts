import { createHmac, timingSafeEqual } from 'node:crypto';
import { RequestError } from '../../src/core/errors.ts';
import type { Helpdesk, WebhookRequest } from '../../src/core/helpdesk.ts';
import type { AuditEntry, AuditLog, AuditRow } from '../../src/core/audit.ts';
import type { NewBatch } from '../../src/core/batch.ts';
import type { BatchActionResult, IngestRequest, Outbox, TicketActionResult } from '../../src/core/outbox.ts';
import type { BatchProgress, Progress, Readiness, ServiceControl } from '../../src/core/service-control.ts';
import type { Erasure } from '../../src/core/erasure.ts';
import { NOTHING_ERASED } from '../../src/sqlite/forgetting.ts';
import { createTally } from '../../src/core/tally.ts';
import { TICKET_STATUSES, type TicketDetail, type TicketSummary } from '../../src/core/ticket.ts';
import type { BatchResult, StatusCounts, TicketQuery, TicketReader } from '../../src/core/ticket-reader.ts';
import type { TicketRound, TicketStory } from '../../src/core/ticket-story.ts';
import { makeDraft } from './factories.ts';
import { stubHelpdesk } from './stub-helpdesk.ts';

/** The parts behind the HTTP side, in memory: they record what they are asked and answer what a test sets. */

export function zeroCounts(): StatusCounts {
  return Object.fromEntries(TICKET_STATUSES.map((status) => [status, 0])) as StatusCounts;
}

export function makeSummary(overrides: Partial<TicketSummary> = {}): TicketSummary {
  return {
    helpdesk: 'zendesk',
    ticketId: '5158',
    status: 'posted',
    reason: null,
    batchId: null,
    subject: 'It does not start',
    createdAt: Date.UTC(2026, 10, 23, 10, 0, 0),
    updatedAt: Date.UTC(2026, 10, 23, 10, 1, 0),
    errorClass: null,
    error: null,
    noteId: '77',
    textRemovedAt: null,
    traceId: '0123456789abcdef0123456789abcdef',
    ...overrides,
  };
}

export function makeDetail(overrides: Partial<TicketDetail> = {}): TicketDetail {
  return {
    ...makeSummary(),
    rule: null,
    attempts: [
      {
        stage: 'draft',
        number: 1,
        startedAt: Date.UTC(2026, 10, 23, 10, 0, 1),
        durationMs: 900,
        outcome: 'ok',
        errorClass: null,
        error: null,
        waitedMs: 240,
      },
    ],
    draft: { ...makeDraft(), version: 1, createdAt: Date.UTC(2026, 10, 23, 10, 0, 2) },
    ...overrides,
  };
}

export function makeRound(overrides: Partial<TicketRound> = {}): TicketRound {
  const { status, reason, batchId, createdAt, updatedAt, errorClass, error, noteId, traceId } = makeSummary();
  const round = { status, reason, batchId, createdAt, updatedAt, errorClass, error, noteId, traceId };
  return { ...round, id: 'round-1', marker: 'dd-0123456789ab', attempts: [], ...overrides };
}

export function makeStory(overrides: Partial<TicketStory> = {}): TicketStory {
  return { rounds: [makeRound()], drafts: [], ...overrides };
}

export function makeBatchProgress(overrides: Partial<BatchProgress> = {}): BatchProgress {
  return {
    id: 'b1',
    name: null,
    helpdesk: 'zendesk',
    state: 'running',
    total: 3,
    counts: zeroCounts(),
    reason: null,
    errorClass: null,
    post: 'auto',
    lane: 'standard',
    budgetUsd: null,
    skippedDrafted: 0,
    filter: null,
    listing: false,
    canary: null,
    spent: { promptTokens: 0, completionTokens: 0, costUsd: 0, forecastUsd: null },
    economy: null,
    errors: [],
    waitingFor: [],
    limits: {},
    createdAt: Date.UTC(2026, 10, 23, 10, 0, 0),
    finishedAt: null,
    processed: 0,
    succeeded: 0,
    failed: 0,
    errorRate: 0,
    ratePerMinute: 0,
    etaSeconds: null,
    ...overrides,
  };
}

export function makeProgress(overrides: Partial<Progress> = {}): Progress {
  return {
    paused: false,
    pauses: [],
    counts: zeroCounts(),
    total: 0,
    ratePerMinute: 0,
    etaSeconds: 0,
    oldestQueuedSeconds: 0,
    workers: { busy: 0, total: 10 },
    limits: {},
    sinceStart: createTally().read(),
    memory: { rssMb: 90, peakRssMb: 100 },
    ...overrides,
  };
}

export interface FakeOutbox extends Outbox {
  readonly ingested: IngestRequest[];
  readonly retried: object[];
  /** Replaces the answer of `ingest`, or throws. */
  onIngest: ((request: IngestRequest) => 'full' | 'joined' | undefined) | null;
  action: TicketActionResult;
  batchAction: BatchActionResult;
  readonly batchActions: string[];
  act(what: string): BatchActionResult;
}

export function fakeOutbox(): FakeOutbox {
  const keys = new Set<string>();
  const unused = (): never => {
    throw new Error('not used by HTTP');
  };
  const fake: FakeOutbox = {
    ingested: [],
    retried: [],
    onIngest: null,
    action: { kind: 'ok' },
    batchAction: { kind: 'ok' },
    batchActions: [],
    act: (what) => {
      fake.batchActions.push(what);
      return fake.batchAction;
    },
    ingest: async (request) => {
      const answer = fake.onIngest?.(request);
      if (answer === 'full') return 'full';
      const key = `${request.helpdesk} ${request.event.key}`;
      if (keys.has(key)) return 'duplicate';
      keys.add(key);
      fake.ingested.push(request);
      return answer ?? 'accepted';
    },
    retryTicket: async () => fake.action,
    releaseTicket: async () => fake.action,
    retryDead: async (filter) => fake.retried.push(filter),
    createBatch: unused,
    addToBatch: unused,
    cancelBatch: unused,
    pauseBatch: async (id) => fake.act(`pause ${id}`),
    resumeBatch: async (id) => fake.act(`resume ${id}`),
    retryBatch: async (id, errorClass) => fake.act(`retry ${id} ${errorClass}`),
    releaseBatch: async (id, minConfidence) => fake.act(`release ${id} ${minConfidence}`),
    tendBatches: unused,
    ingestMissed: unused,
    removeTexts: unused,
    tidy: unused,
    eraseRequester: unused,
    claim: unused,
    heartbeat: unused,
    intendPost: unused,
    holds: () => true,
    storeFault: () => null,
    checkStore: () => null,
    report: unused,
    reclaimExpired: unused,
    hasReviews: false,
    setPause: unused,
    clearPause: unused,
    pauses: () => [],
    onBatch: unused,
    onWake: unused,
    leave: unused,
    close: unused,
  };
  return fake;
}

export interface FakeAudit extends AuditLog {
  /** Newest last. */
  readonly written: AuditRow[];
  /** Thrown by every write. */
  broken: Error | null;
}

export function fakeAudit(): FakeAudit {
  const write = (entry: AuditEntry, outcome: string | null, count: number): string => {
    if (fake.broken !== null) throw fake.broken;
    fake.written.push({ ...entry, id: String(fake.written.length + 1), at: 0, outcome, count });
    return String(fake.written.length);
  };
  const fake: FakeAudit = {
    written: [],
    broken: null,
    begin: async (entry) => write(entry, null, 1),
    end: async (id, end) => {
      const index = Number(id) - 1;
      const row = fake.written[index];
      if (fake.broken !== null) throw fake.broken;
      if (row !== undefined) fake.written[index] = { ...row, ...end };
    },
    record: async (entry, outcome, count) => void write(entry, outcome, count),
    rows: (limit) => ({ items: fake.written.toReversed().slice(0, limit), nextCursor: null }),
    drain: async () => undefined,
  };
  return fake;
}

export interface FakeReader extends TicketReader {
  readonly queries: TicketQuery[];
  readonly known: Map<string, TicketDetail>;
  /** The story of every known ticket. */
  told: TicketStory;
  /** The reader's own cursor on the last page it gives. */
  nextCursor: string | null;
  results: BatchResult[];
  /** Thrown by every method. */
  broken: Error | null;
}

export function fakeReader(): FakeReader {
  const fake: FakeReader = {
    queries: [],
    known: new Map([['zendesk 5158', makeDetail()]]),
    told: makeStory(),
    nextCursor: null,
    results: [],
    broken: null,
    counts: zeroCounts,
    oldestQueuedSeconds: () => 0,
    tickets: (query) => {
      check();
      fake.queries.push(query);
      return { items: [...fake.known.values()], nextCursor: fake.nextCursor };
    },
    ticket: (helpdesk, ticketId) => {
      check();
      return fake.known.get(`${helpdesk} ${ticketId}`) ?? null;
    },
    story: (helpdesk, ticketId) => (fake.known.has(`${helpdesk} ${ticketId}`) ? fake.told : null),
    batches: () => ({ items: [makeBatchProgress()], nextCursor: fake.nextCursor }),
    batch: (id) => (id === 'b1' ? makeBatchProgress() : null),
    batchErrors: () => [],
    failing: () => [],
    lastEventAt: () => null,
    walks: () => [],
    upcoming: () => [],
    takeable: (_helpdesk, ids) => ids,
    averageDraft: () => null,
    spentOn: () => 0,
    batchAccount: () => null,
    consignedUsd: () => 0,
    batchResults: (_id, after, limit) => {
      check();
      const start = after === null ? 0 : fake.results.findIndex(({ id }) => id === after) + 1;
      return fake.results.slice(start, start + limit);
    },
  };
  const check = (): void => {
    if (fake.broken !== null) throw fake.broken;
  };
  return fake;
}

export interface FakeControl extends ServiceControl {
  readonly calls: string[];
  readonly started: NewBatch[];
  readonly estimated: NewBatch[];
  duplicates: string[];
  /** Thrown by what asks the helpdesk. */
  upstreamError: Error | null;
  priced: boolean;
  current: Progress;
  batch: BatchProgress;
  isStopping: boolean;
  ready: Readiness;
  erasure: Erasure;
}

export function fakeControl(): FakeControl {
  const fake: FakeControl = {
    calls: [],
    started: [],
    estimated: [],
    duplicates: [],
    upstreamError: null,
    priced: true,
    current: makeProgress(),
    batch: makeBatchProgress(),
    isStopping: false,
    erasure: { ...NOTHING_ERASED, solved: 0, spendingDays: 0, filesCleaned: true },
    ready: { ready: true, checks: { database: 'ok', workers: 'ok' } },
    progress: () => fake.current,
    batchProgress: (id) => (id === fake.batch.id ? fake.batch : null),
    readiness: async () => {
      fake.calls.push('readiness');
      return fake.ready;
    },
    pause: async () => {
      fake.calls.push('pause');
      fake.current = makeProgress({ paused: true });
    },
    resume: async () => {
      fake.calls.push('resume');
      fake.current = makeProgress({ paused: false });
    },
    cancelBatch: async (id) => {
      fake.calls.push(`cancel ${id}`);
      return id === fake.batch.id ? fake.batch : null;
    },
    startBatch: async (batch) => {
      if (fake.upstreamError !== null) throw fake.upstreamError;
      fake.started.push(batch);
      return { id: fake.batch.id, total: batch.ticketIds.length, duplicates: fake.duplicates, skippedDrafted: 0 };
    },
    estimateBatch: async (batch) => {
      if (fake.upstreamError !== null) throw fake.upstreamError;
      fake.estimated.push(batch);
      return {
        tickets: 2,
        promptTokens: 1000,
        completionTokens: 300,
        costUsd: 0.01,
        minutes: 0.5,
        bound: 'llm.requests',
        complete: true,
      };
    },
    eraseRequester: async (helpdesk, requesterId) => {
      fake.calls.push(`erase ${helpdesk} ${requesterId}`);
      return fake.erasure;
    },
    canPrice: () => fake.priced,
    stopping: () => fake.isStopping,
  };
  return fake;
}

export const SIGNING_SECRET = 'a-signing-secret';

/** Headers of a genuine webhook for the helpdesk of `signedHelpdesk`. */
export function signature(body: string | Uint8Array, secret: string = SIGNING_SECRET): { 'x-signature': string } {
  return { 'x-signature': createHmac('sha256', secret).update(body).digest('base64') };
}

/** A helpdesk whose webhooks carry a real HMAC of their raw bytes: `{"id","ticket"?,"ignore"?}`. */
export function signedHelpdesk(name = 'zendesk', secrets: readonly string[] = [SIGNING_SECRET]): Helpdesk {
  return {
    ...stubHelpdesk(name),
    authenticate: ({ headers, body }: WebhookRequest) => {
      const given = Buffer.from(headers.get('x-signature') ?? '');
      return secrets.some((secret) => {
        const expected = Buffer.from(signature(body, secret)['x-signature']);
        return expected.length === given.length && timingSafeEqual(expected, given);
      });
    },
    parse: ({ body }) => {
      let json: { id?: string; ticket?: string; ignore?: string } | null;
      try {
        json = JSON.parse(new TextDecoder().decode(body));
      } catch {
        throw new RequestError('malformed', 'The body is not JSON.');
      }
      if (json?.ignore !== undefined) return { kind: 'ignored', reason: json.ignore };
      if (typeof json?.ticket !== 'string') throw new RequestError('malformed', 'ticket is missing.');
      return { kind: 'event', ticketId: json.ticket, key: json.id ?? null, messageId: null, priority: null };
    },
  };
}
