import type { Context } from 'hono';
import type { Clock } from '../core/clock.ts';
import { originOf } from './helpdesk-simulator.ts';
import { ticketJson, type ZendeskAccount, type ZendeskTicket } from './zendesk-account.ts';
import { compare, INVALID_PAGINATION, linkWith, pageSize, type SortKey } from './zendesk-lists.ts';

const PAGE_MAX = 1000;
/** A cursor dies after an hour (helpdesks.md 2.6). */
const CURSOR_LIFE_MS = 3_600_000;

interface SearchOptions {
  readonly clock: Clock;
  readonly lagMs: number;
  readonly descending: boolean;
}

/** `GET /api/v2/search/export`, tickets only (helpdesks.md 2.6): sorted by `created_at`, behind by the index's lag. */
export function searchExport(c: Context, account: ZendeskAccount, options: SearchOptions): Response {
  const { clock, lagMs, descending } = options;
  const query = c.req.query('query') ?? '';
  if (c.req.query('filter[type]') !== 'ticket' || /(?:^|\s)type:/.test(query)) return c.json(INVALID_TYPE, 400);
  const size = pageSize(c, PAGE_MAX);
  const after = readCursor(c.req.query('page[after]'), clock);
  if (size === null || after === 'bad') return c.json(INVALID_PAGINATION, 400);

  const terms = parseQuery(query);
  const direction = descending ? -1 : 1;
  const keyOf = (ticket: ZendeskTicket): SortKey => ({ value: seconds(ticket.createdAt), id: ticket.id });
  const found = [...account.tickets.values()]
    .filter((ticket) => ticket.status !== 'deleted' && ticket.createdAt <= clock.now() - lagMs)
    .filter((ticket) => satisfies(ticket, terms))
    .filter((ticket) => after === null || direction * compare(keyOf(ticket), after) > 0)
    .toSorted((a, b) => direction * compare(keyOf(a), keyOf(b)));
  const page = found.slice(0, size);
  const last = page.at(-1);
  const cursor = last === undefined ? null : writeCursor(keyOf(last), clock);
  const more = found.length > page.length;
  return c.json({
    results: page.map((ticket) => ({ ...ticketJson(ticket, originOf(c), clock), result_type: 'ticket' })),
    facets: null,
    meta: { has_more: more, after_cursor: cursor, before_cursor: null },
    links: { prev: null, next: more ? linkWith({ c }, 'page[after]', cursor ?? '') : null },
  });
}

const INVALID_TYPE = {
  error: 'invalid',
  description: 'filter[type] must name one type, and the query none',
};

interface Term {
  readonly field: string;
  readonly operator: string;
  readonly value: string;
}

/** `field:value`, `field<value`, values in quotes where they hold more than a word; other words are text. */
function parseQuery(query: string): Term[] {
  const pattern = /(?:(\w+)(:|<=|>=|<|>))?(?:"([^"]*)"|(\S+))/g;
  return [...query.matchAll(pattern)].map(([, field = 'text', operator = ':', quoted, word]) => ({
    field,
    operator,
    value: quoted ?? word ?? '',
  }));
}

const STATUS_ORDER = ['new', 'open', 'pending', 'hold', 'solved', 'closed'];

/** All fields must hold; of one field that is asked for several values with `:`, any. */
function satisfies(ticket: ZendeskTicket, terms: readonly Term[]): boolean {
  const equals = Map.groupBy(
    terms.filter(({ operator }) => operator === ':'),
    ({ field }) => field,
  );
  return (
    [...equals.values()].every((same) => same.some((term) => holds(ticket, term))) &&
    terms.every((term) => term.operator === ':' || holds(ticket, term))
  );
}

function holds(ticket: ZendeskTicket, { field, operator, value }: Term): boolean {
  switch (field) {
    case 'status':
      return relates(STATUS_ORDER.indexOf(ticket.status), operator, STATUS_ORDER.indexOf(value));
    case 'tags':
      return ticket.tags.includes(value);
    case 'group':
      return String(ticket.groupId) === value;
    case 'created':
      return relates(seconds(ticket.createdAt), operator, seconds(Date.parse(value)));
    case 'updated':
      return relates(seconds(ticket.updatedAt), operator, seconds(Date.parse(value)));
    default:
      return ticket.subject.includes(value);
  }
}

function relates(one: number, operator: string, other: number): boolean {
  switch (operator) {
    case '<':
      return one < other;
    case '<=':
      return one <= other;
    case '>':
      return one > other;
    case '>=':
      return one >= other;
    default:
      return one === other;
  }
}

const seconds = (ms: number): number => Math.floor(ms / 1000);

function writeCursor(key: SortKey, clock: Clock): string {
  return Buffer.from(JSON.stringify([key.value, key.id, clock.now()])).toString('base64url');
}

function readCursor(cursor: string | undefined, clock: Clock): SortKey | null | 'bad' {
  if (cursor === undefined) return null;
  const match = /^\[(\d+),(\d+),(\d+)\]$/.exec(Buffer.from(cursor, 'base64url').toString());
  if (match === null || clock.now() - Number(match[3]) > CURSOR_LIFE_MS) return 'bad';
  return { value: Number(match[1]), id: Number(match[2]) };
}
