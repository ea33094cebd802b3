/**
 * What went wrong, as a small closed vocabulary. A class is given where an error is born (an adapter, the draft
 * check) and read in one place only, `retry-policy.ts`. It is also what users see as `errorClass`.
 */
export const ERROR_CLASSES = [
  // any upstream
  'rate_limited',
  'auth',
  'forbidden',
  'invalid_request',
  'conflict',
  'timeout',
  'connection',
  'server_error',
  'overloaded',
  'redirect',
  'response_truncated',
  'response_too_large',
  'invalid_response',
  'cancelled',
  // language models
  'slow_down',
  'flex_unavailable',
  'quota_exhausted',
  'request_too_large',
  'context_length',
  'content_filter',
  'model_not_found',
  'output_truncated',
  'invalid_output',
  'refusal',
  // helpdesks
  'gone',
  'ambiguous_post',
  'posted_public',
  'posting_stopped',
  // our own side
  'batch_budget',
  'budget_exhausted',
  'crash_loop',
  'internal',
] as const;

export type ErrorClass = (typeof ERROR_CLASSES)[number];

/** Why a ticket got no note although nothing failed. */
export const SKIP_REASONS = [
  'answered',
  'no_draft',
  'no_customer_message',
  'closed',
  'merged',
  'deleted',
  'spam',
  'archived',
  'suspended',
  'not_found',
  'private',
  'requester_budget',
  'erased',
  'rule',
  'not_in_share',
  'control_group',
] as const;

/** What rules have kept back, and findings that were not wanted: the draft is there, but not for a note. */
const KEPT_BACK: ReadonlySet<string> = new Set(['no_draft', 'rule', 'not_in_share', 'control_group']);

export function isKeptBack(reason: string | null): boolean {
  return reason !== null && KEPT_BACK.has(reason);
}

export type SkipReason = (typeof SKIP_REASONS)[number];

export interface UpstreamErrorOptions {
  /** Who failed: `llm` or a helpdesk's name. */
  readonly upstream: string;
  /** HTTP status, where there was an answer. */
  readonly status?: number;
  /** How long the server asks us to wait, in ms; already parsed and capped. */
  readonly retryAfterMs?: number;
  /** With class `gone`: the reason the ticket is skipped with. */
  readonly reason?: SkipReason;
  /** With class `posted_public`: the note that somebody must look at. */
  readonly noteId?: string;
  readonly cause?: unknown;
}

/**
 * A call to a helpdesk or an LLM failed. `message` is a sentence an operator understands; it holds no ticket text,
 * no secret and no part of the upstream's body.
 */
export class UpstreamError extends Error {
  override readonly name = 'UpstreamError';
  readonly errorClass: ErrorClass;
  readonly upstream: string;
  readonly status: number | null;
  readonly retryAfterMs: number | null;
  readonly reason: SkipReason | null;
  readonly noteId: string | null;

  constructor(errorClass: ErrorClass, message: string, options: UpstreamErrorOptions) {
    super(message, { cause: options.cause });
    this.errorClass = errorClass;
    this.upstream = options.upstream;
    this.status = options.status ?? null;
    this.retryAfterMs = options.retryAfterMs ?? null;
    this.reason = options.reason ?? null;
    this.noteId = options.noteId ?? null;
  }
}

/** What a caller of our own HTTP API did wrong. `http/problem.ts` turns the code into a status. */
export type RequestErrorCode =
  | 'malformed'
  | 'unauthorized'
  | 'forbidden'
  | 'not_found'
  | 'method_not_allowed'
  | 'conflict'
  | 'request_timeout'
  | 'too_large'
  | 'unsupported_type'
  | 'unavailable';

export interface FieldProblem {
  /** JSON path, e.g. `ticketIds[3]`. */
  readonly path: string;
  readonly message: string;
}

export class RequestError extends Error {
  override readonly name = 'RequestError';
  readonly code: RequestErrorCode;
  readonly fields: readonly FieldProblem[];
  /** Seconds for a `Retry-After` header, with `unavailable`. */
  readonly retryAfterSeconds: number | null;

  constructor(
    code: RequestErrorCode,
    detail: string,
    options: { fields?: readonly FieldProblem[]; retryAfterSeconds?: number; cause?: unknown } = {},
  ) {
    super(detail, { cause: options.cause });
    this.code = code;
    this.fields = options.fields ?? [];
    this.retryAfterSeconds = options.retryAfterSeconds ?? null;
  }
}

/** What of a fault may be logged: its name, if it looks like one. Its message might hold ticket text. */
export function errorName(error: unknown): string {
  if (!(error instanceof Error)) return typeof error;
  return /^[\w$.]{1,60}$/.test(error.name) ? error.name : 'Error';
}

/** Name and place of a programming fault, without its message. */
export function describeFault(error: unknown): string {
  if (!(error instanceof Error)) return errorName(error);
  const { message } = error;
  const stack = typeof error.stack === 'string' ? error.stack : '';
  // a message of several lines may have some that look like a place
  const told = message === '' ? 0 : stack.indexOf(message);
  const places = told < 0 ? '' : stack.slice(told + message.length);
  const place = places.split('\n').find((line) => /^\s+at .*:\d+:\d+\)?$/.test(line));
  return `${errorName(error)} ${place?.trim() ?? ''}`.trim();
}
