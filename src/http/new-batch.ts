import * as z from 'zod';
import { BATCH_LANES, DEFAULT_CANARY, type NewBatch } from '../core/batch.ts';
import type { TicketFilter } from '../core/helpdesk.ts';
import { ticketIds } from './input.ts';

const word = z.string('must be text').min(1, 'must not be empty').max(200, 'must have at most 200 characters');
const words = z
  .union([word.transform((one) => [one]), z.array(word).min(1, 'must not be empty').max(50, 'must hold at most 50')], {
    error: 'must be a text or a list of texts',
  })
  .exactOptional();

const TIME_HINT = 'must be a time in ISO 8601 with its zone, e.g. 2026-11-24T00:00:00Z';
const time = z.iso
  .datetime({ offset: true, error: TIME_HINT })
  .transform((text) => Date.parse(text))
  .exactOptional();

/** One mistake, one problem. */
const isGoodSoFar = ({ issues }: { readonly issues: readonly unknown[] }): boolean => issues.length === 0;

const filterSchema = z
  .strictObject(
    {
      status: words,
      tags: words,
      group: z
        .union([word, z.number().int().positive().transform(String)], 'must be the id of a group')
        .exactOptional(),
      createdSince: time,
      createdUntil: time,
      updatedSince: time,
      updatedUntil: time,
    },
    'must be an object',
  )
  .refine((filter) => Object.keys(filter).length > 0, { error: 'must name at least one condition', when: isGoodSoFar })
  .refine(
    ({ createdSince = 0, createdUntil = Infinity, updatedSince = 0, updatedUntil = Infinity }) =>
      createdSince < createdUntil && updatedSince < updatedUntil,
    { error: 'means no ticket: since must be before until', when: isGoodSoFar },
  );

const RATE_HINT = 'must be a number from 0 to 1';

const canarySchema = z.strictObject(
  {
    size: z
      .int('must be a whole number')
      .min(1, 'must be 1 or more')
      .max(10_000, 'must be at most 10000')
      .default(DEFAULT_CANARY.size),
    maxErrorRate: z.number(RATE_HINT).min(0, RATE_HINT).max(1, RATE_HINT).default(DEFAULT_CANARY.maxErrorRate),
  },
  'must be an object such as {"size":20,"maxErrorRate":0.1}',
);

/** The body of `POST /admin/batches` (INTERFACE.md). */
export const newBatchSchema = z
  .strictObject({
    helpdesk: z.string('must be the name of a helpdesk').min(1, 'must not be empty'),
    ticketIds: ticketIds.exactOptional(),
    filter: filterSchema.exactOptional(),
    name: word.exactOptional(),
    post: z.enum(['auto', 'hold'], 'must be auto or hold').default('auto'),
    lane: z.enum(BATCH_LANES, `must be one of ${BATCH_LANES.join(', ')}`).default('standard'),
    skipDrafted: z.boolean('must be true or false').default(true),
    dryRun: z.boolean('must be true or false').default(false),
    canary: canarySchema.exactOptional(),
    budgetUsd: z.number('must be an amount in USD').positive('must be more than 0').exactOptional(),
  })
  .refine(({ ticketIds: ids, filter }) => (ids === undefined) !== (filter === undefined), {
    path: ['ticketIds'],
    message: 'must be given, or filter, and not both',
  })
  .meta({
    id: 'NewBatch',
    description: 'Either `ticketIds` or `filter`.',
    examples: [
      { helpdesk: 'zendesk', ticketIds: ['5158', 5159], name: 'Backlog of March', post: 'hold' },
      { helpdesk: 'zendesk', filter: { status: ['open'], tags: ['refund'] }, dryRun: true },
    ],
  });

/** As the core knows it; of a filter the first page is not fetched yet. */
export function toNewBatch(body: z.output<typeof newBatchSchema>): NewBatch {
  const { helpdesk, ticketIds: ids = [], filter, name = null, post, lane, skipDrafted, canary = null } = body;
  const source = filter === undefined ? null : { filter: filter as TicketFilter, cursor: null };
  return { helpdesk, name, ticketIds: ids, source, post, lane, skipDrafted, canary, budgetUsd: body.budgetUsd ?? null };
}
