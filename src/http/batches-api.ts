import * as z from 'zod';
import { BATCH_LANES } from '../core/batch.ts';
import { ERROR_CLASSES } from '../core/errors.ts';
import { pageQuery } from './input.ts';
import { newBatchSchema } from './new-batch.ts';
import type { Operation } from './operation.ts';
import {
  count,
  countsExample,
  errorClass,
  eventStream,
  LIMITS_EXAMPLE,
  limits,
  pageOf,
  statusCounts,
  time,
} from './shapes.ts';

export const batchListQuery = z.strictObject(pageQuery);

export const retryBatchSchema = z
  .strictObject({
    errorClass: z.enum(ERROR_CLASSES, `must be one of ${ERROR_CLASSES.join(', ')}`).exactOptional(),
  })
  .meta({ id: 'RetryBatch', examples: [{ errorClass: 'timeout' }, {}] });

const CONFIDENCE_HINT = 'must be a number from 0 to 1';
export const releaseSchema = z
  .strictObject({
    minConfidence: z.number(CONFIDENCE_HINT).min(0, CONFIDENCE_HINT).max(1, CONFIDENCE_HINT).exactOptional(),
  })
  .meta({ id: 'ReleaseBatch', examples: [{ minConfidence: 0.8 }, {}] });

export const nothing = z.strictObject({}).meta({ id: 'Nothing', examples: [{}] });

const batchError = z.object({
  errorClass,
  count,
  example: z.object({ ticketId: z.string(), error: z.string().nullable() }),
});

const text = z.string().exactOptional();
const filter = z.object({
  status: z.array(z.string()).exactOptional(),
  tags: z.array(z.string()).exactOptional(),
  group: text,
  createdSince: time.exactOptional(),
  createdUntil: time.exactOptional(),
  updatedSince: time.exactOptional(),
  updatedUntil: time.exactOptional(),
});

const BATCH_EXAMPLE = {
  id: '019ab3c4-0000-7000-8000-000000000000',
  name: 'Backlog of March',
  helpdesk: 'zendesk',
  state: 'running',
  reason: null,
  total: 1200,
  counts: countsExample({ queued: 1100, drafting: 10, drafted: 89, dead: 1 }),
  processed: 90,
  succeeded: 89,
  failed: 1,
  errorRate: 0.011,
  ratePerMinute: 78,
  etaSeconds: 854,
  errors: [{ errorClass: 'gone', count: 1, example: { ticketId: '5161', error: 'The ticket is not there.' } }],
  spent: { promptTokens: 46000, completionTokens: 8600, costUsd: 0.018, forecastUsd: 0.24 },
  budgetUsd: null,
  waitingFor: ['workers'],
  limits: LIMITS_EXAMPLE,
  canary: null,
  post: 'hold',
  lane: 'standard',
  economy: null,
  filter: null,
  listing: false,
  createdAt: '2026-11-24T10:00:00.000Z',
  finishedAt: null,
};

const batch = z
  .object({
    id: z.string(),
    name: z.string().nullable(),
    helpdesk: z.string(),
    state: z.enum(['canary', 'running', 'paused', 'cancelling', 'cancelled', 'completed']),
    reason: z.string().nullable().meta({ description: 'Why it is paused; null when a person did it.' }),
    total: count,
    counts: statusCounts,
    processed: count.meta({ description: 'In a final status, or drafted and held.' }),
    succeeded: count,
    failed: count,
    errorRate: z.number().min(0).max(1).meta({ description: '`failed` / `processed`.' }),
    ratePerMinute: z.number().min(0),
    etaSeconds: z.number().min(0).nullable(),
    errors: z.array(batchError).meta({ description: 'What goes wrong, the most frequent first.' }),
    spent: z.object({
      promptTokens: count,
      completionTokens: count,
      costUsd: z.number().min(0),
      forecastUsd: z.number().min(0).nullable().meta({ description: 'Of the whole batch.' }),
    }),
    budgetUsd: z.number().nullable(),
    waitingFor: z.array(z.string()).meta({ description: 'Why it does not go faster.' }),
    limits,
    canary: z
      .object({
        size: count,
        maxErrorRate: z.number(),
        target: count.nullable().meta({ description: 'How many tickets may have begun; null: all.' }),
      })
      .nullable(),
    post: z.enum(['auto', 'hold']),
    lane: z.enum(BATCH_LANES),
    economy: z
      .object({ sent: count, done: count, lines: count })
      .nullable()
      .meta({ description: "How far the provider's Batch API is." }),
    filter: filter.nullable(),
    listing: z.boolean().meta({ description: "The helpdesk's list goes on: `total` is what has come so far." }),
    createdAt: time,
    finishedAt: time.nullable(),
  })
  .meta({ id: 'Batch', examples: [BATCH_EXAMPLE] });

const created = batch
  .extend({
    duplicates: z.array(z.string()).meta({ description: 'Ids given twice, or queued already.' }),
    skippedDrafted: count.meta({ description: 'Left out because they have a current draft.' }),
  })
  .meta({ id: 'CreatedBatch', examples: [{ ...BATCH_EXAMPLE, duplicates: ['5160'], skippedDrafted: 0 }] });

const estimate = z
  .object({
    tickets: count,
    promptTokens: count,
    completionTokens: count,
    costUsd: z.number().min(0).nullable(),
    minutes: z.number().min(0),
    bound: z.string().nullable().meta({ description: 'The limit that decides.' }),
    complete: z.boolean().meta({ description: 'False: the filter means more tickets than were counted.' }),
  })
  .meta({
    id: 'Estimate',
    examples: [
      {
        tickets: 1200,
        promptTokens: 840000,
        completionTokens: 150000,
        costUsd: 0.28,
        minutes: 15,
        bound: 'zendesk.updates',
        complete: true,
      },
    ],
  });

const BATCHES = { tag: 'Batches', access: 'admin' } as const;
const AS_IT_IS = { description: 'The batch as it is now.', schema: batch };

function action(id: string, summary: string, schema: z.ZodType = nothing) {
  return {
    ...BATCHES,
    id,
    summary,
    body: { schema, required: false },
    answers: { 202: AS_IT_IS },
    problems: ['not_found', 'conflict'],
  } as const;
}

export const batchesApi = {
  list: {
    ...BATCHES,
    id: 'listBatches',
    summary: 'Batches, newest first',
    query: batchListQuery,
    answers: { 200: { description: 'A page of them.', schema: pageOf('BatchList', batch) } },
  },
  create: {
    ...BATCHES,
    id: 'createBatch',
    summary: 'Starts a batch, or says what it would take',
    description: 'With `"dryRun": true` nothing is stored and no LLM is called.',
    body: { schema: newBatchSchema, required: true },
    answers: {
      200: { description: 'With `dryRun`: what it would take.', schema: estimate },
      202: { description: 'It has begun; `Location` is where it is.', schema: created },
    },
    problems: ['not_found', 'unavailable'],
  },
  get: {
    ...BATCHES,
    id: 'getBatch',
    summary: 'One batch',
    answers: { 200: AS_IT_IS },
    problems: ['not_found'],
  },
  events: {
    ...BATCHES,
    id: 'watchBatch',
    summary: 'One batch, live',
    answers: { 200: eventStream('batch', 'GET /admin/batches/{id} answers', 'it ends when the batch is over.') },
    problems: ['not_found', 'unavailable'],
  },
  results: {
    ...BATCHES,
    id: 'getBatchResults',
    summary: 'A line for each ticket',
    answers: {
      200: {
        description: 'One JSON object a line. A connection that breaks means that lines are missing.',
        mediaType: 'application/x-ndjson',
        example:
          '{"id":"5158","status":"posted","draft":"Hello …","error":null,"attempts":2,"durationMs":3100,"textRemovedAt":null}\n',
      },
    },
    problems: ['not_found'],
  },
  cancel: {
    ...BATCHES,
    id: 'cancelBatch',
    summary: 'Stops a batch and aborts its calls; posted notes stay',
    answers: { 202: AS_IT_IS },
    problems: ['not_found', 'conflict'],
  },
  pause: action('pauseBatch', 'Takes no more of its tickets; what is under way finishes'),
  resume: action('resumeBatch', 'Goes on with a paused or cancelled batch'),
  retry: action('retryBatch', 'Dead and cancelled tickets of the batch go back to work', retryBatchSchema),
  release: action('releaseBatch', 'Posts what `"post": "hold"` has kept as `drafted`', releaseSchema),
} as const satisfies Record<string, Operation>;
