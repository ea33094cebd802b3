import type { HonoRequest } from 'hono';
import * as z from 'zod';
import { sha256 } from '../core/clock.ts';
import { type FieldProblem, RequestError } from '../core/errors.ts';
import { withBody } from './request-body.ts';

/** Enough for 10,000 ids of 20 digits, several times. */
const BODY_LIMITS = { maxBytes: 2 * 1024 * 1024, budget: null };
/** Nobody reads more problems of one request than this. */
const PROBLEMS_MAX = 50;

const PAGE_DEFAULT = 50;
const PAGE_MAX = 500;
const PAGE_HINT = `must be a whole number from 1 to ${PAGE_MAX}`;

/** `limit` and `cursor` of every list. */
export const pageQuery = {
  limit: once()
    .regex(/^[1-9]\d{0,2}$/, PAGE_HINT)
    .transform(Number)
    .refine((limit) => limit <= PAGE_MAX, PAGE_HINT)
    .default(PAGE_DEFAULT)
    .meta({ description: 'How many.', type: 'integer', minimum: 1, maximum: PAGE_MAX, default: PAGE_DEFAULT }),
  cursor: once()
    .min(1, 'must not be empty')
    .max(300, 'is not one of ours')
    .meta({ description: '`nextCursor` of an earlier answer to the same query.' })
    .exactOptional(),
};

/** What tickets are searched for by. */
export const search = once()
  .trim()
  .max(100, 'must have at most 100 characters')
  .meta({ description: 'How the id of a ticket starts, or words of its subject, in any case and as parts of words.' });

/** A query parameter that may be given once. */
export function once() {
  return z.string('must be given once');
}

const TICKET_ID_HINT = 'must be a decimal id, as a string or an integer';

/** Ticket ids of a request: decimal strings or integers, as strings from here on. At most 10,000. */
export const ticketIds = z
  .array(
    z.union(
      [z.string().regex(/^[1-9]\d{0,19}$/, TICKET_ID_HINT), z.number().int().positive().transform(String)],
      TICKET_ID_HINT,
    ),
    'must be a list of ticket ids',
  )
  .min(1, 'must hold at least one id')
  .max(10_000, 'must hold at most 10000 ids');

/** The query, checked. Throws `RequestError('malformed')`, also for a parameter that is unknown or given twice. */
export function readQuery<T>(request: HonoRequest, schema: z.ZodType<T>): T {
  const given = Object.entries(request.queries()).map(([name, values]) => [
    name,
    values.length === 1 ? values[0] : values,
  ]);
  return check(schema, Object.fromEntries(given), 'The query is not valid.');
}

/**
 * The JSON body, checked; no body is `{}`. Throws `RequestError`: `malformed`, or `too_large` past 2 MiB.
 * The content type is not asked for: a bearer token is nothing that a browser would add to a foreign form.
 */
export async function readJson<T>(request: HonoRequest, schema: z.ZodType<T>): Promise<T> {
  const value = await withBody<unknown>(
    request.raw,
    BODY_LIMITS,
    async (body) => parseJson(body),
    (refusal) => {
      if (refusal === 'too_large') throw new RequestError('too_large', 'The body is larger than 2 MiB.');
      throw new RequestError('malformed', 'The body ended before its end.');
    },
  );
  return check(schema, value, 'The body is not valid.');
}

function parseJson(body: Uint8Array): unknown {
  if (body.byteLength === 0) return {};
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body));
  } catch {
    throw new RequestError('malformed', 'The body is not JSON in UTF-8.');
  }
}

function check<T>(schema: z.ZodType<T>, value: unknown, detail: string): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  throw new RequestError('malformed', detail, { fields: result.error.issues.slice(0, PROBLEMS_MAX).map(toField) });
}

/** Zod names unknown keys in its message; nothing of the input goes back out. */
function toField(issue: z.core.$ZodIssue): FieldProblem {
  const path = pathOf(issue.path);
  if (issue.code === 'unrecognized_keys') {
    const [key = ''] = issue.keys;
    const named = /^\w{1,40}$/.test(key) ? pathOf([...issue.path, key]) : path;
    return { path: named, message: 'is not a field or parameter that is known here' };
  }
  return { path, message: issue.code === 'invalid_type' && path === '' ? 'must be a JSON object' : issue.message };
}

/** `ticketIds[3]`, `canary.size`; empty for the whole. */
function pathOf(parts: readonly PropertyKey[]): string {
  const text = parts.map((part) => (typeof part === 'number' ? `[${part}]` : `.${String(part)}`)).join('');
  return text.replace(/^\./, '');
}

/** Ties a cursor to the list it continues, so that one of another query is refused instead of answering nonsense. */
export function sealCursor(cursor: string | null, list: object): string | null {
  return cursor === null ? null : `${cursor}.${listTag(list)}`;
}

/** What `sealCursor` was given. Throws `RequestError('malformed')` for a cursor of another list or of nobody. */
export function openCursor(sealed: string | undefined, list: object): string | undefined {
  if (sealed === undefined) return undefined;
  const dot = sealed.lastIndexOf('.');
  if (dot > 0 && sealed.slice(dot + 1) === listTag(list)) return sealed.slice(0, dot);
  throw new RequestError('malformed', 'The query is not valid.', {
    fields: [{ path: 'cursor', message: 'must be the nextCursor of an earlier answer to the same query' }],
  });
}

function listTag(list: object): string {
  return sha256(JSON.stringify(list)).slice(0, 12);
}
