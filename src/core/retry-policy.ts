import type { Random } from './clock.ts';
import { type ErrorClass, errorName, type SkipReason, UpstreamError } from './errors.ts';

export interface RetrySettings {
  /** Counted failures of one stage before the ticket is dead. */
  readonly maxAttempts: number;
  readonly baseMs: number;
  readonly maxMs: number;
}

/** What follows from a failed try. */
export type Decision =
  | {
      readonly kind: 'retry';
      readonly delayMs: number;
      readonly countsAsAttempt: boolean;
      /** `pause`: the same would happen to every ticket, so stop taking work that needs this upstream. */
      readonly pauseScope: string | null;
    }
  | { readonly kind: 'dead'; readonly pauseScope: string | null }
  | { readonly kind: 'skip'; readonly reason: SkipReason };

interface Rule {
  readonly retry: boolean;
  /** False: waiting our turn is no failure of the ticket. */
  readonly counts: boolean;
  /** Every ticket would fail alike. */
  readonly pauses: boolean;
}

const AGAIN: Rule = { retry: true, counts: true, pauses: false };
const WAIT: Rule = { retry: true, counts: false, pauses: false };
const NEVER: Rule = { retry: false, counts: true, pauses: false };
const STOP: Rule = { retry: true, counts: false, pauses: true };

/** The only place that judges error classes (llm-and-otel.md A3; helpdesks.md 2.5, F2). */
const RULES: Readonly<Record<ErrorClass, Rule>> = {
  rate_limited: WAIT,
  slow_down: WAIT,
  cancelled: WAIT,
  batch_budget: WAIT,
  auth: STOP,
  quota_exhausted: STOP,
  budget_exhausted: STOP,
  model_not_found: STOP,
  posting_stopped: STOP,
  conflict: AGAIN,
  connection: AGAIN,
  server_error: AGAIN,
  overloaded: AGAIN,
  flex_unavailable: AGAIN,
  invalid_response: AGAIN,
  ambiguous_post: AGAIN,
  internal: AGAIN,
  // the server may have worked, and billed, each time: MAX_ATTEMPTS bounds that bill
  timeout: AGAIN,
  response_truncated: AGAIN,
  invalid_output: AGAIN,
  output_truncated: AGAIN,
  forbidden: NEVER,
  invalid_request: NEVER,
  redirect: NEVER,
  response_too_large: NEVER,
  request_too_large: NEVER,
  context_length: NEVER,
  content_filter: NEVER,
  refusal: NEVER,
  crash_loop: NEVER,
  gone: NEVER,
  posted_public: { retry: false, counts: true, pauses: true },
};

/**
 * What to do about an error: pure. `failures` counts this stage's earlier failures that counted.
 * Full-jitter exponential backoff; a server's Retry-After wins
 * (https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/).
 */
export function decide(
  error: UpstreamError,
  { failures, ambiguousWaitMs }: { readonly failures: number; readonly ambiguousWaitMs: number },
  settings: RetrySettings,
  random: Random,
): Decision {
  if (error.errorClass === 'gone') return { kind: 'skip', reason: error.reason ?? 'not_found' };
  const rule = ruleOf(error);
  const pauseScope = rule.pauses ? error.upstream : null;
  const spent = rule.counts && failures + 1 >= settings.maxAttempts;
  if (!rule.retry || spent) return { kind: 'dead', pauseScope };
  return {
    kind: 'retry',
    delayMs: delay(error, failures, ambiguousWaitMs, settings, random),
    countsAsAttempt: rule.counts,
    pauseScope,
  };
}

function ruleOf(error: UpstreamError): Rule {
  // A helpdesk may forbid one ticket; a model that is forbidden is forbidden for all.
  return error.errorClass === 'forbidden' && error.upstream === 'llm' ? STOP : RULES[error.errorClass];
}

function delay(
  error: UpstreamError,
  failures: number,
  ambiguousWaitMs: number,
  { baseMs, maxMs }: RetrySettings,
  random: Random,
): number {
  if (error.errorClass === 'cancelled') return 0;
  const ceiling = Math.min(maxMs, baseMs * 2 ** failures);
  // Those told to come back at the same moment must not all come back at the same moment.
  if (error.retryAfterMs !== null) return error.retryAfterMs + random() * Math.min(baseMs, 1000);
  const backoff = random() * ceiling;
  return error.errorClass === 'ambiguous_post' ? Math.max(backoff, ambiguousWaitMs) : backoff;
}

/** Any thrown value as an error with a class; what is not an upstream's is `internal`. */
export function asUpstreamError(error: unknown): UpstreamError {
  if (error instanceof UpstreamError) return error;
  return new UpstreamError(
    'internal',
    `A fault inside Draftdesk (${errorName(error)}). See the log; retry the ticket after the fix.`,
    {
      upstream: 'draftdesk',
      cause: error,
    },
  );
}
