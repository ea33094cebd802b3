import * as z from 'zod';
import { UpstreamError } from '../core/errors.ts';
import type { TicketFilter } from '../core/helpdesk.ts';
import { decimalIdOf } from './webhook-body.ts';

/** What the rows of a vendor's list tell of a ticket, as far as filters ask. */
export interface FilterableTicket {
  readonly status: string;
  readonly tags: readonly string[];
  readonly group: string | null;
  /** Epoch ms. */
  readonly createdAt: number;
  /** Epoch ms. */
  readonly updatedAt: number;
}

/** Does all that is given hold? Vendors' own searches are taken for a first sieve only. */
export function matches(filter: TicketFilter, ticket: FilterableTicket): boolean {
  const { status = [], tags = [], group } = filter;
  const has = new Set(ticket.tags.map((tag) => tag.toLowerCase()));
  return (
    (status.length === 0 || status.includes(ticket.status)) &&
    tags.every((tag) => has.has(tag.toLowerCase())) &&
    (group === undefined || group === ticket.group) &&
    within(ticket.createdAt, filter.createdSince, filter.createdUntil) &&
    within(ticket.updatedAt, filter.updatedSince, filter.updatedUntil)
  );
}

function within(time: number, since = Number.NEGATIVE_INFINITY, until = Number.POSITIVE_INFINITY): boolean {
  return time >= since && time < until;
}

/** Says which field of a filter is wrong. `problem` continues the field's name. */
export function wrongFilter(upstream: string, field: string, problem: string): UpstreamError {
  return new UpstreamError('invalid_request', `The filter's "${field}" ${problem}.`, { upstream });
}

/** Throws for a group that is no id. */
export function assertGroup({ group }: TicketFilter, upstream: string): void {
  if (group !== undefined && decimalIdOf(group) === null)
    throw wrongFilter(upstream, 'group', 'must be the id of a group');
}

/** A refusal of the whole query: the vendor does not say why in words we could hand on, but what was asked is known. */
export function refusedFilter(error: unknown, filter: TicketFilter): unknown {
  if (!(error instanceof UpstreamError) || error.errorClass !== 'invalid_request') return error;
  const { upstream, status } = error;
  const fields = Object.entries(filter).flatMap(([field, value]) => (value === undefined ? [] : [field]));
  const message = `${upstream} refused the filter (${status ?? 'no status'}); look at ${fields.join(', ') || 'the cursor'}.`;
  return new UpstreamError('invalid_request', message, {
    upstream,
    cause: error,
    ...(status === null ? {} : { status }),
  });
}

/** Reads a cursor of ours; throws `invalid_request` for one that is none. */
export function readCursor<T>(schema: z.ZodType<T>, cursor: string, upstream: string): T {
  let json: unknown;
  try {
    json = JSON.parse(cursor);
  } catch {
    json = undefined;
  }
  const parsed = schema.safeParse(json);
  if (parsed.success) return parsed.data;
  throw new UpstreamError('invalid_request', `This is no cursor of ${upstream}'s lists; start from the beginning.`, {
    upstream,
  });
}

/** A time as both vendors' queries take it: whole seconds. */
export function isoSeconds(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`;
}
