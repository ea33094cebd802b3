import * as z from 'zod';
import { ERROR_CLASSES } from '../core/errors.ts';
import { TICKET_STATUSES } from '../core/ticket.ts';
import { once, pageQuery, search, ticketIds } from './input.ts';
import type { Operation } from './operation.ts';
import { count, errorClass, pageOf, ticketStatus, time } from './shapes.ts';

const notEmpty = once().min(1, 'must not be empty');
const STATUS_HINT = `must be one of ${TICKET_STATUSES.join(', ')}`;

export const ticketListQuery = z.strictObject({
  ...pageQuery,
  status: z.enum(TICKET_STATUSES, STATUS_HINT).exactOptional(),
  helpdesk: notEmpty.exactOptional(),
  batch: notEmpty.meta({ description: 'The id of a batch.' }).exactOptional(),
  q: search.min(1, 'must not be empty').exactOptional(),
});

export const deadLettersQuery = z.strictObject({ ...pageQuery, helpdesk: notEmpty.exactOptional() });

export const retryDeadSchema = z
  .strictObject({
    ticketIds: ticketIds.exactOptional(),
    errorClass: z.enum(ERROR_CLASSES, `must be one of ${ERROR_CLASSES.join(', ')}`).exactOptional(),
  })
  .meta({
    id: 'RetryDeadLetters',
    description: 'All conditions must hold; without one every dead ticket is retried.',
    examples: [{ errorClass: 'timeout' }, { ticketIds: ['5158', 5159] }],
  });

const SUMMARY_EXAMPLE = {
  helpdesk: 'zendesk',
  ticketId: '5158',
  status: 'posted',
  reason: null,
  batchId: null,
  subject: 'It does not start',
  createdAt: '2026-11-24T10:00:00.000Z',
  updatedAt: '2026-11-24T10:00:04.100Z',
  errorClass: null,
  error: null,
  noteId: '1700042',
  textRemovedAt: null,
  traceId: '0123456789abcdef0123456789abcdef',
};

const summary = z
  .object({
    helpdesk: z.string(),
    ticketId: z.string(),
    status: ticketStatus,
    reason: z.string().nullable().meta({ description: 'Why it is skipped or cancelled.' }),
    batchId: z.string().nullable(),
    subject: z.string().nullable(),
    createdAt: time,
    updatedAt: time,
    errorClass: errorClass.nullable(),
    error: z.string().nullable(),
    noteId: z.string().nullable(),
    textRemovedAt: time.nullable().meta({ description: 'Then subject, draft and error texts are gone.' }),
    traceId: z.string(),
  })
  .meta({ id: 'TicketSummary', examples: [SUMMARY_EXAMPLE] });

const attempt = z
  .object({
    stage: z.enum(['draft', 'query', 'review', 'revise', 'post']),
    number: z.int().min(1),
    startedAt: time,
    durationMs: z.number().min(0),
    outcome: z.enum(['ok', 'retry', 'dead', 'cancelled']),
    errorClass: errorClass.nullable(),
    error: z.string().nullable(),
    waitedMs: z
      .number()
      .min(0)
      .nullable()
      .meta({ description: 'How long its calls to the LLM waited for the rate limit; null where there was none.' }),
  })
  .meta({ id: 'Attempt', description: 'One try of one stage.' });

const knowledgeRef = z
  .object({
    kind: z.enum(['article', 'ticket', 'macro']),
    id: z.string(),
    title: z.string(),
    url: z.string().nullable(),
    restricted: z.boolean().meta({ description: 'Not every customer may see it: the link is for agents only.' }),
    share: z
      .number()
      .nullable()
      .meta({ description: 'Of an article: how much of the evidence speaks for it, 0 to 1.' }),
    votes: z
      .int()
      .nullable()
      .meta({ description: 'Of an article: how many similar solved tickets were answered with it.' }),
  })
  .meta({ id: 'KnowledgeRef' });

const source = knowledgeRef
  .extend({ quote: z.string().meta({ description: 'Stands word for word in the source.' }) })
  .meta({ id: 'Source' });

const versions = z
  .object({
    prompt: z.string(),
    guidelines: z.string().nullable(),
    rules: z.string().nullable(),
    model: z.string(),
    knowledge: z.string().nullable(),
    rule: z.string().nullable().optional().meta({ description: 'Name of the rule that took the ticket.' }),
    category: z.string().nullable().optional().meta({ description: 'What the model says it is about.' }),
  })
  .meta({ id: 'DraftVersions', description: 'What made the draft: short hashes of contents.' });

const review = z
  .object({
    verdict: z.enum(['passed', 'objected', 'revised', 'failed']).meta({
      description:
        'objected: problems were found and no revision has mended them; revised: written anew after them; failed: there was no review.',
    }),
    model: z.string(),
    problems: z.array(z.string()),
  })
  .meta({ id: 'Review', description: 'What REVIEW_MODEL said of the draft.' });

const draft = z
  .object({
    version: z.int().min(1),
    body: z.string().nullable().meta({ description: 'Plain text; null when there is nothing to answer with.' }),
    finding: z.string().nullable().meta({ description: 'Without a body: why.' }),
    language: z.string().meta({ description: 'BCP 47.' }),
    confidence: z.number().min(0).max(1),
    sources: z.array(source),
    questions: z.array(z.string()).meta({ description: 'For the agent: what to check, or to ask the customer.' }),
    unproven: z
      .array(z.string())
      .meta({ description: 'Statements whose quote does not stand in the source they name, or that name none.' }),
    missing: z.array(z.string()).meta({ description: 'What nobody could find.' }),
    closest: z.array(knowledgeRef).meta({ description: 'Without a body: the articles that come nearest.' }),
    versions: versions.nullable().meta({ description: 'Null on drafts of earlier versions.' }),
    cut: z.string().nullable(),
    review: review.nullable(),
    model: z.string(),
    promptTokens: count,
    cachedTokens: count,
    completionTokens: count,
    costUsd: z.number().nullable().meta({ description: "Null when the model's price is not known." }),
    createdAt: time,
  })
  .meta({ id: 'Draft' });

const ruleName = z
  .string()
  .nullable()
  .meta({ description: 'Name of the rule that has taken or kept back the ticket; null: none has.' });

const ticket = summary.extend({ rule: ruleName, attempts: z.array(attempt), draft: draft.nullable() }).meta({
  id: 'Ticket',
  examples: [
    {
      ...SUMMARY_EXAMPLE,
      rule: null,
      attempts: [
        {
          stage: 'draft',
          number: 1,
          startedAt: '2026-11-24T10:00:00.200Z',
          durationMs: 3100,
          outcome: 'ok',
          errorClass: null,
          error: null,
          waitedMs: 240,
        },
      ],
      draft: {
        version: 1,
        body: 'Hello Ann,\n\nplease hold the button for five seconds.',
        finding: null,
        language: 'en',
        confidence: 0.8,
        sources: [
          {
            kind: 'article',
            id: 'zendesk/360001',
            title: 'When the device does not start',
            url: 'https://acme.zendesk.com/hc/articles/360001',
            restricted: false,
            share: 0.42,
            votes: 7,
            quote: 'Hold the button for five seconds',
          },
        ],
        questions: [],
        unproven: [],
        missing: [],
        closest: [],
        versions: { prompt: '3f0c9a51b2d4', guidelines: null, rules: null, model: 'a-small-model', knowledge: '12' },
        cut: null,
        review: null,
        model: 'a-small-model',
        promptTokens: 512,
        cachedTokens: 0,
        completionTokens: 96,
        costUsd: 0.0002,
        createdAt: '2026-11-24T10:00:03.300Z',
      },
    },
  ],
});

const summaries = pageOf('TicketList', summary);
const retried = z.object({ retried: count }).meta({ id: 'Retried', examples: [{ retried: 3 }] });

const TICKETS = { tag: 'Tickets', access: 'admin' } as const;
const DEAD = { tag: 'Dead letters', access: 'admin' } as const;

export const ticketsApi = {
  list: {
    ...TICKETS,
    id: 'listTickets',
    summary: 'Tickets, the newest change first',
    query: ticketListQuery,
    answers: { 200: { description: 'A page of them.', schema: summaries } },
  },
  get: {
    ...TICKETS,
    id: 'getTicket',
    summary: 'One ticket with its tries and its draft',
    answers: { 200: { description: 'The ticket.', schema: ticket } },
    problems: ['not_found'],
  },
  retry: {
    ...TICKETS,
    id: 'retryTicket',
    summary: 'A dead, cancelled or skipped ticket goes back to `queued`',
    answers: { 202: { description: 'It is queued.', schema: ticket } },
    problems: ['not_found', 'conflict'],
  },
  post: {
    ...TICKETS,
    id: 'postTicket',
    summary: 'Posts the draft of a ticket that is `drafted`',
    answers: { 202: { description: 'It will be posted.', schema: ticket } },
    problems: ['not_found', 'conflict'],
  },
  deadLetters: {
    ...DEAD,
    id: 'listDeadLetters',
    summary: 'Tickets that are dead',
    query: deadLettersQuery,
    answers: { 200: { description: 'A page of them.', schema: summaries } },
  },
  retryDead: {
    ...DEAD,
    id: 'retryDeadLetters',
    summary: 'Dead tickets go back to `queued`: all, some, or those of one class',
    body: { schema: retryDeadSchema, required: false },
    answers: { 202: { description: 'How many are queued again.', schema: retried } },
  },
} as const satisfies Record<string, Operation>;
