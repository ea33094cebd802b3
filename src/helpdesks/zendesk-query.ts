import type { TicketFilter } from '../core/helpdesk.ts';
import { assertGroup, isoSeconds, wrongFilter } from './ticket-filter.ts';

const NAME = 'zendesk';

/** In the order that `status<…` goes by (https://support.zendesk.com/hc/en-us/articles/4408886879258). */
const STATUSES = ['new', 'open', 'pending', 'hold', 'solved', 'closed'];
const UNSOLVED = STATUSES.slice(0, 4);

/** Throws `invalid_request` for what Zendesk cannot mean. */
export function assertZendeskFilter(filter: TicketFilter): void {
  const unknown = filter.status?.find((word) => !STATUSES.includes(word));
  if (unknown !== undefined)
    throw wrongFilter(NAME, 'status', `has "${unknown.slice(0, 40)}", which is none of ${STATUSES.join(', ')}`);
  // such tags cannot be: Zendesk parts them at white space; and a quote would end the term of a query
  if (filter.tags?.some((tag) => tag === '' || /[\s"\\\p{Cc}]/u.test(tag)) === true)
    throw wrongFilter(NAME, 'tags', 'has one that is empty or holds white space, a quote or a backslash');
  assertGroup(filter, NAME);
}

/** Nothing but when the ticket changed: no index is needed for that, and none is asked. */
export function isSweep({ status, tags, group, createdSince, createdUntil }: TicketFilter): boolean {
  const any = (list: readonly string[] | undefined): boolean => list !== undefined && list.length > 0;
  return !any(status) && !any(tags) && group === undefined && createdSince === undefined && createdUntil === undefined;
}

/**
 * The filter as a search query: only terms whose meaning is beyond doubt, so that it finds all that is meant and perhaps
 * more; the rows are sieved again. `bounds` are those of `created`, epoch ms.
 */
export function searchQuery(filter: TicketFilter, bounds: { readonly from?: number; readonly to?: number }): string {
  const from = Math.max(filter.createdSince ?? 0, bounds.from ?? 0);
  const until = Math.min(filter.createdUntil ?? Infinity, bounds.to === undefined ? Infinity : bounds.to + 1000);
  return [
    ...statusTerm(filter.status ?? []),
    ...(filter.tags ?? []).map((tag) => `tags:${/^[\w-]+$/.test(tag) ? tag : `"${tag}"`}`),
    ...(filter.group === undefined ? [] : [`group:${filter.group}`]),
    ...timeTerms('created', from, until),
    ...timeTerms('updated', filter.updatedSince ?? 0, filter.updatedUntil ?? Infinity),
  ].join(' ');
}

function statusTerm(status: readonly string[]): string[] {
  if (status.length === 1) return [`status:${status[0]}`];
  return status.length > 1 && status.every((word) => UNSOLVED.includes(word)) ? ['status<solved'] : [];
}

function timeTerms(field: string, from: number, until: number): string[] {
  return [
    ...(from > 0 ? [`${field}>=${isoSeconds(from)}`] : []),
    ...(Number.isFinite(until) ? [`${field}<${isoSeconds(Math.ceil(until / 1000) * 1000)}`] : []),
  ];
}
