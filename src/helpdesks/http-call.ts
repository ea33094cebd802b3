import { capResponse, ResponseTooLarge } from '../core/capped-response.ts';
import type { Clock } from '../core/clock.ts';
import { type ErrorClass, type SkipReason, UpstreamError } from '../core/errors.ts';
import { parseRetryAfter } from '../core/retry-after.ts';

/** One request to a helpdesk's API. */
export interface HttpCall {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Sent as JSON. */
  readonly body?: unknown;
  /** It changes something: once sent, a failure that does not prove the opposite is `ambiguous_post`. */
  readonly write?: boolean;
  /** It is about one ticket: 404 and 410 mean that ticket is gone. */
  readonly aboutTicket?: boolean;
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  /** Undefined for an empty body. Not yet checked. */
  readonly json: unknown;
}

/** What a vendor's error body adds to its status. */
export interface Explanation {
  readonly errorClass: ErrorClass;
  readonly message: string;
  readonly reason?: SkipReason;
}

export interface HttpOptions {
  /** Who is called, for messages and `UpstreamError.upstream`. */
  readonly upstream: string;
  readonly fetch: typeof fetch;
  readonly clock: Clock;
  readonly timeoutMs: number;
  /** Reads the vendor's own error body (4xx only); null = the table's class is right. */
  readonly explain?: (status: number, json: unknown, call: HttpCall) => Explanation | null;
}

/** Answers larger than this are refused: `fetch` alone would buffer whatever comes. A hundred usual mails stay below. */
const MAX_ANSWER_BYTES = 8 * 1024 * 1024;

/** Failures before the first byte left us: the server cannot have acted. */
const NEVER_SENT = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'ENETUNREACH',
  'EHOSTUNREACH',
  'UND_ERR_CONNECT_TIMEOUT',
  'CERT_HAS_EXPIRED',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'ERR_TLS_CERT_ALTNAME_INVALID',
]);

/**
 * Sends one call and reads its whole answer as JSON, within the time and size limits. Never retries, never follows a
 * redirect (it would carry ticket text and keys to another host). Throws `UpstreamError` for everything that is not a
 * 2xx with JSON or an empty body.
 */
export async function sendCall(call: HttpCall, options: HttpOptions, signal: AbortSignal): Promise<Answer> {
  if (signal.aborted) throw new UpstreamError('cancelled', 'Stopped before the call.', { upstream: options.upstream });
  const abort = new AbortController();
  const onAbort = (): void => abort.abort();
  signal.addEventListener('abort', onAbort, { once: true });
  const progress: Progress = { timedOut: false, reading: false };
  const cancelTimer = options.clock.after(options.timeoutMs, () => {
    progress.timedOut = true;
    abort.abort();
  });
  try {
    return await exchange(call, options, progress, abort.signal);
  } catch (error) {
    const failure = signal.aborted
      ? new UpstreamError('cancelled', `Stopped during a call to ${options.upstream}.`, { upstream: options.upstream })
      : asFailure(error, progress, options);
    throw call.write === true ? doubtful(failure) : failure;
  } finally {
    cancelTimer();
    signal.removeEventListener('abort', onAbort);
  }
}

/** How far a call has come: the same exception means another thing before and after the headers. */
interface Progress {
  timedOut: boolean;
  reading: boolean;
}

async function exchange(
  call: HttpCall,
  options: HttpOptions,
  progress: Progress,
  signal: AbortSignal,
): Promise<Answer> {
  const response = await options.fetch(call.url, {
    method: call.method,
    headers: {
      accept: 'application/json',
      ...(call.body === undefined ? {} : { 'content-type': 'application/json' }),
      ...call.headers,
    },
    ...(call.body === undefined ? {} : { body: JSON.stringify(call.body) }),
    // not 'error': the status then tells a redirect from a broken connection
    redirect: 'manual',
    signal,
  });
  progress.reading = true;
  if (!response.ok) throw await refusal(call, options, response);
  const { status, headers } = response;
  const text = await capResponse(response, MAX_ANSWER_BYTES).text();
  return { status, headers, json: text === '' ? undefined : parse(text, options.upstream) };
}

function parse(text: string, upstream: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new UpstreamError('invalid_response', `${upstream} answered with something that is not JSON.`, { upstream });
  }
}

/** Class and sentence by status, for both vendors (helpdesks.md 2.5, F2). */
const STATUSES: Readonly<Record<number, readonly [ErrorClass, string]>> = {
  400: ['invalid_request', 'refused the request as invalid (400)'],
  401: ['auth', 'refused our credentials (401)'],
  403: ['forbidden', 'does not allow this to our user (403)'],
  404: ['invalid_request', 'knows no such address (404); is the base URL right?'],
  405: ['invalid_request', 'does not allow this here (405)'],
  406: ['invalid_request', 'refused the request format (406)'],
  408: ['timeout', 'gave up waiting for our request (408)'],
  409: ['conflict', 'says the ticket has changed meanwhile (409)'],
  413: ['invalid_request', 'says the request is too large (413)'],
  415: ['invalid_request', 'refused the content type (415)'],
  422: ['invalid_request', 'cannot process the request (422)'],
  429: ['rate_limited', 'asks us to slow down (429)'],
  503: ['overloaded', 'is overloaded or in maintenance (503)'],
};

function byStatus(status: number): readonly [ErrorClass, string] {
  const known = STATUSES[status];
  if (known !== undefined) return known;
  if (status === 0 || (status >= 300 && status < 400)) return ['redirect', `sent a redirect (${status})`];
  if (status >= 500) return ['server_error', `failed (${status})`];
  if (status >= 400) return ['invalid_request', `refused the request (${status})`];
  return ['invalid_response', `gave a status that makes no sense here (${status})`];
}

async function refusal(call: HttpCall, options: HttpOptions, response: Response): Promise<UpstreamError> {
  const { upstream } = options;
  const { status } = response;
  const { json, cut } = await errorBody(response);
  const retryAfterMs = parseRetryAfter(response.headers.get('retry-after'), options.clock.now());
  const details = { upstream, status, ...(retryAfterMs === null ? {} : { retryAfterMs }) };
  // these mean one thing or another by their body: ask again
  if (cut && NEEDS_BODY.has(status)) {
    return new UpstreamError('response_truncated', `The answer of ${upstream} was cut (${status}).`, details);
  }
  const explained = status >= 400 && status < 500 ? (options.explain?.(status, json, call) ?? null) : null;
  if (explained !== null) {
    const reason = explained.reason === undefined ? {} : { reason: explained.reason };
    return new UpstreamError(explained.errorClass, explained.message, { ...details, ...reason });
  }
  if (call.aboutTicket === true && (status === 404 || status === 410)) {
    return new UpstreamError('gone', `${upstream} has no such ticket (${status}).`, {
      ...details,
      reason: 'not_found',
    });
  }
  const [errorClass, sentence] = byStatus(status);
  return new UpstreamError(errorClass, `${upstream} ${sentence}.`, details);
}

/** A 404 may be a ticket that is gone or a wrong address, a 422 a closed ticket or a fault of ours. */
const NEEDS_BODY = new Set([400, 404, 422]);

/** Without a body, or with HTML, the status alone decides. */
async function errorBody(response: Response): Promise<{ readonly json: unknown; readonly cut: boolean }> {
  const text = await capResponse(response, 64 * 1024)
    .text()
    .catch((error: unknown) => (error instanceof ResponseTooLarge ? '' : null));
  if (text === null) return { json: undefined, cut: true };
  try {
    return { json: JSON.parse(text), cut: false };
  } catch {
    return { json: undefined, cut: false };
  }
}

function asFailure(error: unknown, { timedOut, reading }: Progress, options: HttpOptions): UpstreamError {
  if (error instanceof UpstreamError) return error;
  const { upstream, timeoutMs } = options;
  const details = { upstream, cause: error };
  if (timedOut) return new UpstreamError('timeout', `${upstream} did not answer within ${timeoutMs} ms.`, details);
  if (error instanceof ResponseTooLarge)
    return new UpstreamError('response_too_large', `${upstream} sent more than ${MAX_ANSWER_BYTES} bytes.`, details);
  if (reading) return new UpstreamError('response_truncated', `The answer of ${upstream} was cut.`, details);
  const code = codeOf(error);
  const how = code !== null && NEVER_SENT.has(code) ? `cannot be reached (${code})` : 'closed the connection';
  return new UpstreamError('connection', `${upstream} ${how}.`, details);
}

/** The error code of the system or of undici behind a rejected fetch. */
function codeOf(error: unknown): string | null {
  for (let at = error; at instanceof Error; at = at.cause) {
    if ('code' in at && typeof at.code === 'string') return at.code;
  }
  return null;
}

/** A refusal, or a request that never left, is certain; after any other failure the write may have happened. */
function doubtful(failure: UpstreamError): UpstreamError {
  const { status } = failure;
  const refused = status !== null && status >= 300 && status < 500 && status !== 408;
  if (refused || NEVER_SENT.has(codeOf(failure) ?? '')) return failure;
  return ambiguousPost(failure.upstream, failure.errorClass, failure);
}

/** A write may have happened. `because` is the class of what went wrong. */
export function ambiguousPost(upstream: string, because: ErrorClass, cause?: UpstreamError): UpstreamError {
  const status = cause?.status ?? null;
  const retryAfterMs = cause?.retryAfterMs ?? null;
  return new UpstreamError('ambiguous_post', `A write to ${upstream} may have happened, or not (${because}).`, {
    upstream,
    ...(status === null ? {} : { status }),
    ...(retryAfterMs === null ? {} : { retryAfterMs }),
    cause,
  });
}
