import * as z from 'zod';
import { type FieldProblem, RequestError, type RequestErrorCode } from '../core/errors.ts';
import { OutboxUnavailable } from '../core/outbox.ts';
import { jsonResponse } from './responses.ts';

export type ProblemCode = RequestErrorCode | 'too_many_requests' | 'internal';

/** The one table from what went wrong to a status (RFC 9457: with `about:blank` the title is the status's own). */
const PROBLEMS: Readonly<Record<ProblemCode, { readonly status: number; readonly title: string }>> = {
  malformed: { status: 400, title: 'Bad Request' },
  unauthorized: { status: 401, title: 'Unauthorized' },
  forbidden: { status: 403, title: 'Forbidden' },
  not_found: { status: 404, title: 'Not Found' },
  method_not_allowed: { status: 405, title: 'Method Not Allowed' },
  request_timeout: { status: 408, title: 'Request Timeout' },
  conflict: { status: 409, title: 'Conflict' },
  too_large: { status: 413, title: 'Content Too Large' },
  unsupported_type: { status: 415, title: 'Unsupported Media Type' },
  too_many_requests: { status: 429, title: 'Too Many Requests' },
  internal: { status: 500, title: 'Internal Server Error' },
  unavailable: { status: 503, title: 'Service Unavailable' },
};

export const PROBLEM_CODES = Object.keys(PROBLEMS) as ProblemCode[];

/** The body of every answer that is a problem. */
export const problemSchema = z
  .object({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    detail: z.string().meta({ description: 'What is wrong, for a person.' }),
    code: z.string().meta({ description: 'What is wrong, for a program.' }),
    errors: z
      .array(z.object({ path: z.string(), message: z.string() }))
      .exactOptional()
      .meta({ description: 'One for each field or parameter that is wrong.' }),
    state: z.string().exactOptional().meta({ description: 'With 409: the status or state that is in the way.' }),
    requestId: z.string().exactOptional().meta({ description: 'With 500: look for it in the log.' }),
    checks: z.record(z.string(), z.string()).exactOptional().meta({ description: 'With 503 of /readyz.' }),
  })
  .meta({
    id: 'Problem',
    description: 'RFC 9457 problem details.',
    examples: [
      {
        type: 'about:blank',
        title: 'Bad Request',
        status: 400,
        detail: 'The body is not valid.',
        code: 'malformed',
        errors: [{ path: 'ticketIds[3]', message: 'must be a decimal id, as a string or an integer' }],
      },
    ],
  });

/** Zendesk takes a `Retry-After` below one minute only. */
const RETRY_AFTER_MAX_SECONDS = 59;
const RETRY_AFTER_DEFAULT_SECONDS = 10;

export interface ProblemOptions {
  readonly fields?: readonly FieldProblem[];
  /** With `unavailable` and `too_many_requests`; 10 when not given, never outside 1 … 59. */
  readonly retryAfterSeconds?: number | null;
  readonly headers?: Readonly<Record<string, string>>;
  /** More members of the problem object. */
  readonly members?: Readonly<Record<string, unknown>>;
}

/** An RFC 9457 answer. `detail` is a fixed sentence or made of our own words: input is never echoed. */
export function problemResponse(code: ProblemCode, detail: string, options: ProblemOptions = {}): Response {
  const { status, title } = PROBLEMS[code];
  const { fields = [], members } = options;
  const body = {
    type: 'about:blank',
    title,
    status,
    detail,
    code,
    ...(fields.length === 0 ? {} : { errors: fields }),
    ...members,
  };
  return jsonResponse(body, status, {
    'Content-Type': 'application/problem+json',
    ...(code === 'unavailable' || code === 'too_many_requests'
      ? { 'Retry-After': retryAfter(options.retryAfterSeconds) }
      : {}),
    ...options.headers,
  });
}

/** The status a code is answered with. */
export function statusOf(code: ProblemCode): number {
  return PROBLEMS[code].status;
}

export function titleOf(code: ProblemCode): string {
  return PROBLEMS[code].title;
}

/** The code of an answer with this status; the status itself where none has it. */
export function codeOf(status: number): string {
  const entry = Object.entries(PROBLEMS).find(([, problem]) => problem.status === status);
  return entry?.[0] ?? String(status);
}

function retryAfter(seconds: number | null | undefined): string {
  const wanted = Math.ceil(seconds ?? RETRY_AFTER_DEFAULT_SECONDS);
  return String(Math.min(Math.max(wanted, 1), RETRY_AFTER_MAX_SECONDS));
}

/** The answer to an error somebody meant the caller to see; null for a fault of our own. */
export function problemOf(error: unknown): Response | null {
  if (error instanceof RequestError) {
    const { code, message, fields, retryAfterSeconds } = error;
    return problemResponse(code, message, { fields, retryAfterSeconds });
  }
  if (error instanceof OutboxUnavailable) return problemResponse('unavailable', STORE_REFUSES);
  return null;
}

export const STORE_REFUSES = 'The database cannot be written now. Nothing has changed; try again.';

/** A wrong method on a known path. */
export function methodNotAllowed(methods: readonly string[]): Response {
  const allow = methods.flatMap((method) => (method === 'GET' ? ['GET', 'HEAD'] : [method])).join(', ');
  return problemResponse('method_not_allowed', `This path takes ${allow}.`, { headers: { Allow: allow } });
}

/** What a fault may say in a log: the error's class and the system's or driver's own code, never its message. */
export function faultName(error: unknown): string {
  if (!(error instanceof Error)) return typeof error;
  const code: unknown = 'code' in error ? error.code : undefined;
  return typeof code === 'string' && /^[A-Z0-9_]{1,60}$/.test(code) ? `${error.name} ${code}` : error.name;
}
