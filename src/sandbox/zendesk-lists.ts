import type { Context } from 'hono';

/** Values by which a list is sorted; the id breaks ties. */
export interface SortKey {
  readonly value: number;
  readonly id: number;
}

interface ListRequest<Item> {
  readonly c: Context;
  readonly items: readonly Item[];
  readonly keyOf: (item: Item) => SortKey;
  readonly descending: boolean;
}

interface ListPage<Item> {
  readonly items: readonly Item[];
  readonly envelope: object;
}

export const INVALID_PAGINATION = {
  errors: [
    {
      code: 'InvalidPaginationParameter',
      title: 'Invalid pagination parameter',
      detail: 'A pagination parameter is not valid for this resource',
    },
  ],
};

/** Cursor paging, `page[size]`; null when a parameter is wrong. */
export function cursorPage<Item>(request: ListRequest<Item>): ListPage<Item> | null {
  const { c, keyOf, descending } = request;
  const size = pageSize(c, 100);
  if (size === null) return null;
  const after = readCursor(c.req.query('page[after]'));
  if (after === 'bad') return null;
  const direction = descending ? -1 : 1;
  const sorted = request.items.toSorted((a, b) => direction * compare(keyOf(a), keyOf(b)));
  const rest = after === null ? sorted : sorted.filter((item) => direction * compare(keyOf(item), after) > 0);
  const items = rest.slice(0, size);
  const hasMore = rest.length > items.length;
  const [first, last] = [items[0], items.at(-1)];
  const afterCursor = last === undefined ? null : writeCursor(keyOf(last));
  const beforeCursor = first === undefined ? null : writeCursor(keyOf(first));
  const links = { next: hasMore ? linkWith(request, 'page[after]', afterCursor ?? '') : null, prev: null };
  const meta = { has_more: hasMore, after_cursor: afterCursor, before_cursor: beforeCursor };
  return { items, envelope: { meta, links } };
}

/** Offset paging, `page` and `per_page`: what a request without `page[size]` gets. */
export function offsetPage<Item>(request: ListRequest<Item>): ListPage<Item> {
  const { c, keyOf, descending } = request;
  const perPage = Math.min(100, Math.max(1, Number(c.req.query('per_page') ?? 100)));
  const page = Math.max(1, Number(c.req.query('page') ?? 1));
  const direction = descending ? -1 : 1;
  const sorted = request.items.toSorted((a, b) => direction * compare(keyOf(a), keyOf(b)));
  const items = sorted.slice((page - 1) * perPage, page * perPage);
  const more = page * perPage < sorted.length;
  const next = more ? linkWith(request, 'page', String(page + 1)) : null;
  const previous = page > 1 ? linkWith(request, 'page', String(page - 1)) : null;
  return { items, envelope: { count: sorted.length, next_page: next, previous_page: previous } };
}

/** The page size of a cursor list; null when it is none or over `max`. */
export function pageSize(c: Context, max: number): number | null {
  const size = Number(c.req.query('page[size]'));
  return Number.isInteger(size) && size >= 1 && size <= max ? size : null;
}

export function compare(a: SortKey, b: SortKey): number {
  return a.value - b.value || a.id - b.id;
}

export function writeCursor(key: SortKey): string {
  return Buffer.from(`${key.value}||${key.id}`).toString('base64url');
}

export function readCursor(cursor: string | undefined): SortKey | null | 'bad' {
  if (cursor === undefined) return null;
  const match = /^(-?\d+)\|\|(\d+)$/.exec(Buffer.from(cursor, 'base64url').toString());
  return match === null ? 'bad' : { value: Number(match[1]), id: Number(match[2]) };
}

export function linkWith({ c }: { readonly c: Context }, name: string, value: string): string {
  const url = new URL(c.req.url);
  url.searchParams.set(name, value);
  return url.href;
}
