import { RequestError } from '../core/errors.ts';
import type { Page } from '../core/ticket-reader.ts';

/** A page of rows that were asked for one more than `limit`. */
export function page<Row, Item>(
  rows: readonly Row[],
  limit: number,
  idOf: (row: Row) => string,
  toItem: (row: Row) => Item,
): Page<Item> {
  const items = rows.slice(0, limit);
  const last = items.at(-1);
  const nextCursor = rows.length > limit && last !== undefined ? Buffer.from(idOf(last)).toString('base64url') : null;
  return { items: items.map(toItem), nextCursor };
}

/** The job or batch id in a cursor. Throws `RequestError('malformed')` for a cursor that is not ours. */
export function readCursor(cursor: string): string {
  const id = Buffer.from(cursor, 'base64url').toString();
  if (!/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(id)) throw malformedCursor();
  return id;
}

export function malformedCursor(): RequestError {
  return new RequestError('malformed', 'cursor is not one of ours', {
    fields: [{ path: 'cursor', message: 'take it from nextCursor of an earlier answer' }],
  });
}
