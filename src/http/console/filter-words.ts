import type { TicketFilter } from '../../core/helpdesk.ts';

/** `status open or new, tag billing, created since 2026-11-01`. */
export function filterWords(filter: TicketFilter): string {
  const { status = [], tags = [], group } = filter;
  const dates = [
    ['created since', filter.createdSince],
    ['created before', filter.createdUntil],
    ['changed since', filter.updatedSince],
    ['changed before', filter.updatedUntil],
  ] as const;
  return [
    ...(status.length === 0 ? [] : [`status ${status.join(' or ')}`]),
    ...(tags.length === 0 ? [] : [`tagged ${tags.join(' and ')}`]),
    ...(group === undefined ? [] : [`group ${group}`]),
    ...dates.flatMap(([words, at]) => (at === undefined ? [] : [`${words} ${moment(at)}`])),
  ].join(', ');
}

/** Midnight is a day. */
function moment(at: number): string {
  const text = new Date(at).toISOString();
  return text.endsWith('T00:00:00.000Z') ? text.slice(0, 10) : `${text.slice(0, 16).replace('T', ' ')} UTC`;
}
