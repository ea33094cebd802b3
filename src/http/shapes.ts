import * as z from 'zod';
import { ERROR_CLASSES } from '../core/errors.ts';
import { TICKET_STATUSES, type TicketStatus } from '../core/ticket.ts';

/* What several answers of the API are made of. */

export const time = z.iso.datetime();

/** A number of things. */
export const count = z.int().min(0);

export const ticketStatus = z.enum(TICKET_STATUSES).meta({ id: 'TicketStatus', examples: ['posted'] });

export const errorClass = z
  .enum(ERROR_CLASSES)
  .meta({ id: 'ErrorClass', description: 'What went wrong, for a program.', examples: ['timeout'] });

export const statusCounts = z
  .object(Object.fromEntries(TICKET_STATUSES.map((status) => [status, count])))
  .meta({ id: 'StatusCounts', description: 'How many tickets have each status.' });

export function countsExample(counts: Partial<Record<TicketStatus, number>>): Record<string, number> {
  return { ...Object.fromEntries(TICKET_STATUSES.map((status) => [status, 0])), ...counts };
}

/** Of the LLM or of a helpdesk; the LLM's has tokens, a helpdesk's may have updates. */
export const limits = z
  .record(
    z.string(),
    z
      .object({
        requestsPerMinute: z.number(),
        usedRequests: z.number().meta({ description: 'In the last minute.' }),
        pausedUntil: time.nullable().meta({ description: 'The other side has asked us to wait.' }),
        tokensPerMinute: z.number().exactOptional(),
        usedTokens: z.number().exactOptional(),
        waitedMs: z.number().exactOptional().meta({ description: 'All calls together.' }),
        updatesPerMinute: z.number().exactOptional(),
        usedUpdates: z.number().exactOptional(),
        learnedPerMinute: z.number().exactOptional().meta({ description: "The account's own, once it has told." }),
        reserved: z.number().exactOptional().meta({ description: 'What of it stays free for others.' }),
        learnedUpdatesPerMinute: z.number().exactOptional(),
        reservedUpdates: z.number().exactOptional(),
      })
      .meta({ id: 'Limit' }),
  )
  .meta({ id: 'Limits', description: 'By name: `llm` (and `llm:` with each other model), and each helpdesk.' });

export const LIMITS_EXAMPLE = {
  llm: { requestsPerMinute: 500, tokensPerMinute: 200000, usedRequests: 76, usedTokens: 47000, pausedUntil: null },
  zendesk: {
    requestsPerMinute: 200,
    usedRequests: 152,
    waitedMs: 0,
    updatesPerMinute: 80,
    usedUpdates: 76,
    pausedUntil: null,
  },
};

const nextCursor = z
  .string()
  .nullable()
  .meta({ description: 'Goes into `cursor` for the next page; null on the last.' });

/** A page of a list. */
export function pageOf<Item extends z.ZodType>(id: string, item: Item) {
  const items: unknown = item.meta()?.['examples'];
  return z.object({ items: z.array(item), nextCursor }).meta({ id, examples: [{ items, nextCursor: null }] });
}

/** What an event stream sends, for its description. */
export function eventStream(event: string, data: string, more: string) {
  return {
    description: `Server-sent events. Each has as data what ${data}; ${more}`,
    mediaType: 'text/event-stream',
    example: `event: ${event}\ndata: {"…":"as ${data}"}\n\n: ping\n\n`,
  };
}
