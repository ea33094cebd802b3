import * as z from 'zod';
import { UpstreamError } from '../core/errors.ts';
import { covers } from '../core/message-order.ts';
import type { Message, PostLook } from '../core/helpdesk.ts';
import { decimalIdOf } from './webhook-body.ts';

/** An id as our ports know it: REST speaks numbers, events speak strings. */
export const id = z.union([z.number(), z.string().min(1)]).transform(String);

/** Fields we can do without: whatever is there instead of the documented type counts as not there. */
export const lenient = {
  id: id.nullish().catch(null),
  text: z.string().nullish().catch(null),
  flag: z.boolean().nullish().catch(null),
  count: z.number().nullish().catch(null),
};

/** Epoch ms of an API time; 0 when it is none. */
export const time = z.string().transform((text) => {
  const at = Date.parse(text);
  return Number.isNaN(at) ? 0 : at;
});

/** Checks an answer's shape. Throws `invalid_response`, without any of its content. */
export function shaped<T>(schema: z.ZodType<T>, json: unknown, upstream: string): T {
  const parsed = schema.safeParse(json);
  if (parsed.success) return parsed.data;
  const where = parsed.error.issues[0]?.path.join('.') ?? '';
  throw new UpstreamError('invalid_response', `${upstream} answered in a shape we do not know (at "${where}").`, {
    upstream,
  });
}

/** Only ids reach a path: anything else cannot exist at the vendor. */
export function assertTicketId(ticketId: string, upstream: string): void {
  if (decimalIdOf(ticketId) !== null) return;
  throw new UpstreamError('gone', `${upstream} has no ticket with such an id.`, { upstream, reason: 'not_found' });
}

/** What was said after the message the draft has seen last. */
export function since(messages: readonly Message[], seenMessageId: string | null): readonly Message[] {
  if (seenMessageId === null) return [];
  const at = messages.findLastIndex((message) => message.id === seenMessageId);
  if (at >= 0) return messages.slice(at + 1);
  return messages.filter((message) => /^\d+$/.test(message.id) && !covers(seenMessageId, message.id));
}

/** The last word since the draft decides; null when nothing was said. */
export function verdictOn(newer: readonly Message[]): PostLook | null {
  const last = newer.at(-1);
  if (last === undefined) return null;
  return { kind: last.author === 'agent' ? 'answered' : 'outdated' };
}

/** Orders by time, and by id within one second. */
export function byTime(one: { id: string; createdAt: number }, other: { id: string; createdAt: number }): number {
  if (one.createdAt !== other.createdAt) return one.createdAt - other.createdAt;
  return one.id.length - other.id.length || (one.id < other.id ? -1 : one.id > other.id ? 1 : 0);
}
