import * as z from 'zod';
import { ADMIN_ROLES } from '../core/admin-token.ts';
import { pageQuery } from './input.ts';
import type { Operation } from './operation.ts';
import { count, countsExample, eventStream, LIMITS_EXAMPLE, limits, pageOf, statusCounts, time } from './shapes.ts';

/* Descriptions of what is neither a ticket nor a batch. */

const PROGRESS_EXAMPLE = {
  paused: false,
  pauses: [],
  counts: countsExample({ queued: 40, drafting: 8, posted: 152 }),
  total: 200,
  ratePerMinute: 76,
  etaSeconds: 38,
  oldestQueuedSeconds: 12,
  workers: { busy: 8, total: 10 },
  limits: LIMITS_EXAMPLE,
  sinceStart: {
    llmCalls: 161,
    retries: 3,
    missedWebhooks: 0,
    limiterWaitMs: 900,
    promptTokens: 82432,
    completionTokens: 15456,
    costUsd: 0.0322,
  },
  memory: { rssMb: 120, peakRssMb: 141 },
};

const progress = z
  .object({
    paused: z.boolean(),
    pauses: z
      .array(z.object({ scope: z.string(), reason: z.string(), since: time }))
      .meta({ description: 'Why work stands still: `all`, `llm`, a helpdesk.' }),
    counts: statusCounts,
    total: count,
    ratePerMinute: z.number().min(0),
    etaSeconds: z.number().min(0).nullable(),
    oldestQueuedSeconds: z.number().min(0),
    workers: z.object({ busy: count, total: count }),
    limits,
    sinceStart: z
      .object({
        llmCalls: count,
        retries: count,
        missedWebhooks: count,
        limiterWaitMs: z.number().min(0),
        promptTokens: count,
        completionTokens: count,
        costUsd: z.number().min(0),
      })
      .meta({ description: 'What this process has done.' }),
    memory: z.object({ rssMb: z.number(), peakRssMb: z.number() }),
  })
  .meta({ id: 'Progress', examples: [PROGRESS_EXAMPLE] });

const PROGRESS = { tag: 'Progress', access: 'admin' } as const;

export const progressApi = {
  get: {
    ...PROGRESS,
    id: 'getProgress',
    summary: 'How the work goes',
    answers: { 200: { description: 'As it is now.', schema: progress } },
  },
  events: {
    ...PROGRESS,
    id: 'watchProgress',
    summary: 'How the work goes, live',
    answers: {
      200: eventStream('progress', 'GET /admin/progress answers', 'at least one a second while anything moves.'),
    },
    problems: ['unavailable'],
  },
  pause: {
    ...PROGRESS,
    id: 'pause',
    summary: 'Stops taking work; what is under way finishes',
    answers: { 200: { description: 'As it is now.', schema: progress } },
  },
  resume: {
    ...PROGRESS,
    id: 'resume',
    summary: 'Goes on, also after a bad credential has stopped the work',
    answers: { 200: { description: 'As it is now.', schema: progress } },
  },
} as const satisfies Record<string, Operation>;

export const auditQuery = z.strictObject(pageQuery);

const auditRow = z
  .object({
    id: z.string(),
    at: time,
    who: z.string().nullable().meta({ description: 'The name of the token; null for a failed login.' }),
    role: z.enum(ADMIN_ROLES).nullable(),
    address: z.string().nullable(),
    action: z.string(),
    subject: z.string().nullable(),
    outcome: z
      .string()
      .nullable()
      .meta({ description: '`ok`, or the code of the problem; null: its end is not known.' }),
    count: z.int().min(1),
  })
  .meta({
    id: 'AuditRow',
    examples: [
      {
        id: '12',
        at: '2026-11-24T10:00:00.000Z',
        who: 'alice',
        role: 'operator',
        address: '10.0.0.7',
        action: 'POST /admin/tickets/:helpdesk/:ticketId/retry',
        subject: 'zendesk/5158',
        outcome: 'ok',
        count: 1,
      },
    ],
  });

export const auditApi: Operation = {
  tag: 'Audit log',
  access: 'admin',
  id: 'listAuditRows',
  summary: 'Who changed what, newest first',
  query: auditQuery,
  answers: { 200: { description: 'A page of it.', schema: pageOf('AuditList', auditRow) } },
};

const erasure = z
  .object({
    helpdesk: z.string(),
    requesterId: z.string(),
    removed: z.object({ tickets: count, drafts: count, solved: count, errors: count, spendingDays: count }),
    cancelled: count,
    notRemoved: z.array(z.string()).meta({ description: 'What is out of our hands, in sentences.' }),
  })
  .meta({
    id: 'Erasure',
    examples: [
      {
        helpdesk: 'zendesk',
        requesterId: '361123456789',
        removed: { tickets: 3, drafts: 2, solved: 1, errors: 0, spendingDays: 2 },
        cancelled: 1,
        notRemoved: ['Private notes on tickets in the helpdesk, 2 of them ours: delete them there.'],
      },
    ],
  });

export const eraseApi: Operation = {
  tag: 'People',
  access: 'admin',
  id: 'eraseRequester',
  summary: "Erases one person's texts everywhere",
  description: 'An unknown person has nothing to be removed: the same answer, with zeros.',
  parameters: { id: { description: 'The id that the person has in the helpdesk.', example: '361123456789' } },
  answers: { 200: { description: 'What was removed, and what was not.', schema: erasure } },
  problems: ['not_found'],
};

const storeReport = z
  .object({
    path: z.string(),
    bytes: count,
    walBytes: count.meta({ description: 'Of the write-ahead log beside it.' }),
    tickets: count,
    schema: count.meta({ description: 'How many migrations it has had.' }),
    integrity: z
      .string()
      .nullable()
      .meta({ description: '`ok`, what SQLite finds wrong, or null: too large to be read while it works.' }),
  })
  .meta({
    id: 'StoreReport',
    examples: [
      { path: 'data/draftdesk.db', bytes: 1_048_576, walBytes: 32_768, tickets: 200, schema: 9, integrity: 'ok' },
    ],
  });

const DATABASE = { tag: 'Database', access: 'admin' } as const;

export const databaseApi = {
  inspect: {
    ...DATABASE,
    id: 'inspectDatabase',
    summary: 'What the database file is like',
    answers: { 200: { description: 'As it is now.', schema: storeReport } },
  },
  backup: {
    ...DATABASE,
    id: 'makeBackup',
    summary: 'A copy of the database, whole, while the work goes on',
    answers: { 200: { description: 'The SQLite file.', mediaType: 'application/vnd.sqlite3' } },
    problems: ['unavailable'],
  },
} as const satisfies Record<string, Operation>;

const health = z.object({ status: z.literal('ok') }).meta({ id: 'Health', examples: [{ status: 'ok' }] });
const ready = z
  .object({
    status: z.enum(['ok', 'degraded']),
    checks: z.record(z.string(), z.string()).meta({ description: '`ok`, or a sentence that says what is wrong.' }),
  })
  .meta({ id: 'Readiness', examples: [{ status: 'ok', checks: { database: 'ok', workers: 'ok', llm: 'ok' } }] });

const HEALTH = { tag: 'Health', access: 'public' } as const;

export const healthApi = {
  health: {
    ...HEALTH,
    id: 'getHealth',
    summary: 'The process is up',
    answers: { 200: { description: 'It is.', schema: health } },
  },
  ready: {
    ...HEALTH,
    id: 'getReadiness',
    summary: 'The service can do its work',
    answers: { 200: { description: 'It can.', schema: ready } },
    problems: ['unavailable'],
  },
} as const satisfies Record<string, Operation>;

export const metricsApi: Operation = {
  tag: 'Health',
  access: 'admin',
  id: 'getMetrics',
  summary: 'Metrics in the Prometheus text format',
  description: 'Without a token where METRICS_PUBLIC is true.',
  answers: {
    200: { description: 'All of them.', mediaType: 'text/plain', example: 'draftdesk_outbox_oldest_age 12' },
  },
};

const event = z.looseObject({}).meta({
  id: 'WebhookEvent',
  description: "The helpdesk's own event, or the body that README has to paste there.",
  examples: [{ ticket_id: '5158', updated_at: '2026-11-24T10:00:00Z' }],
});

const taken = z
  .union([
    z.object({ status: z.literal('accepted'), helpdesk: z.string(), ticketId: z.string(), duplicate: z.boolean() }),
    z.object({ status: z.literal('ignored'), reason: z.string() }),
  ])
  .meta({
    id: 'WebhookAnswer',
    examples: [
      { status: 'accepted', helpdesk: 'zendesk', ticketId: '5158', duplicate: false },
      { status: 'ignored', reason: 'closed' },
    ],
  });

export const webhookApi: Operation = {
  tag: 'Webhooks',
  access: 'webhook',
  method: 'post',
  id: 'receiveWebhook',
  summary: 'A ticket is new or has a new reply',
  description:
    'Sent by the helpdesk, and signed or with a token in the way it has for that: README says how to set it up. Never answers 500.',
  body: { schema: event, required: true },
  answers: { 202: { description: 'It is on the disk, or a genuine event that wants no draft.', schema: taken } },
  problems: ['unauthorized', 'not_found', 'unsupported_type', 'unavailable'],
};

const API = { tag: 'This description', access: 'public' } as const;

export const descriptionApi = {
  json: {
    ...API,
    id: 'getOpenApi',
    summary: 'OpenAPI 3.1, for programs',
    answers: {
      200: {
        description: 'This document.',
        schema: z.looseObject({}).meta({ id: 'OpenApi', examples: [{ openapi: '3.1.1' }] }),
      },
    },
  },
  page: {
    ...API,
    id: 'getDocs',
    summary: 'The same as a page, for people',
    answers: { 200: { description: 'The page.', mediaType: 'text/html' } },
  },
} as const satisfies Record<string, Operation>;
