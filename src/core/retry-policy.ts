import type { Health } from './circuit.ts';
import type { Random } from './clock.ts';
import { type ErrorClass, errorName, type SkipReason, UpstreamError } from './errors.ts';
import type { Culprit } from './refusals.ts';

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
  /** What it says about who was called: `ill` while it is out of order, `well` when it has answered all the same, `refused` when that may be for one ticket or for all. */
  readonly health: Health;
}

const AGAIN: Rule = { retry: true, counts: true, pauses: false, health: 'well' };
const ILL: Rule = { ...AGAIN, health: 'ill' };
const WAIT: Rule = { retry: true, counts: false, pauses: false, health: 'unclear' };
const NEVER: Rule = { retry: false, counts: true, pauses: false, health: 'well' };
const STOP: Rule = { retry: true, counts: false, pauses: true, health: 'unclear' };

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
  connection: ILL,
  server_error: ILL,
  overloaded: ILL,
  flex_unavailable: { ...AGAIN, health: 'unclear' },
  invalid_response: ILL,
  ambiguous_post: ILL,
  internal: { ...AGAIN, health: 'unclear' },
  // the server may have worked, and billed, each time: MAX_ATTEMPTS bounds that bill, the pauses of an outage the other
  timeout: ILL,
  response_truncated: ILL,
  invalid_output: AGAIN,
  output_truncated: AGAIN,
  forbidden: { ...NEVER, health: 'refused' },
  invalid_request: NEVER,
  redirect: NEVER,
  response_too_large: NEVER,
  request_too_large: NEVER,
  context_length: NEVER,
  content_filter: NEVER,
  refusal: NEVER,
  crash_loop: NEVER,
  gone: NEVER,
  posted_public: { retry: false, counts: true, pauses: true, health: 'unclear' },
};

/** Once an outage is over, those who failed in it come back within so many longest waits: others are tried before. */
const OUTAGE_WAITS = 2;

/** What an error says about the upstream that it names. */
export function healthOf(error: UpstreamError): Health {
  return ruleOf(error).health;
}

/** Would one more failure that counts be the end? */
export function isMortal(failures: number, { maxAttempts }: Pick<RetrySettings, 'maxAttempts'>): boolean {
  return failures + 1 >= maxAttempts;
}

/** Will no retry mend it? */
export function isPermanent(errorClass: ErrorClass): boolean {
  return !RULES[errorClass].retry;
}

export interface FailedTry {
  /** This stage's earlier failures that counted. */
  readonly failures: number;
  readonly ambiguousWaitMs: number;
  /** Who fails: with `upstream` (see `circuit.ts`) the ticket waits for it, like all others. Default `ticket`. */
  readonly culprit?: Culprit;
}

/**
 * What to do about an error: pure.
 * Full-jitter exponential backoff; a server's Retry-After wins
 * (https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/).
 */
export function decide(
  error: UpstreamError,
  { failures, ambiguousWaitMs, culprit = 'ticket' }: FailedTry,
  settings: RetrySettings,
  random: Random,
): Decision {
  if (error.errorClass === 'gone') return { kind: 'skip', reason: error.reason ?? 'not_found' };
  const rule = ruleOf(error);
  const isDoubtful = rule.health === 'ill' || rule.health === 'refused';
  const waits = culprit === 'upstream' && isDoubtful;
  const mayRetry = rule.retry || (culprit !== 'ticket' && isDoubtful);
  const pauseScope = rule.pauses || waits ? error.upstream : null;
  const counts = rule.counts && !waits;
  if (!mayRetry || (counts && isMortal(failures, settings))) return { kind: 'dead', pauseScope };
  const backoff = delay(error, failures, ambiguousWaitMs, settings, random);
  const delayMs = waits ? Math.max(backoff, (1 + random()) * (OUTAGE_WAITS / 2) * settings.maxMs) : backoff;
  return { kind: 'retry', delayMs, countsAsAttempt: counts, pauseScope };
}

/** Of what stops everybody, what stops the drafts as well: the same key, the same budget of the day. */
const SHARED_STOPS: ReadonlySet<ErrorClass> = new Set<ErrorClass>(['auth', 'budget_exhausted']);

/**
 * Asked first where a ticket can do without a stage, namely a review: is that to be left out after this error? A draft
 * that is paid for does not wait until a second model is well again, or until there is money for it.
 */
export function isToBeLeftOut(error: UpstreamError, failures: number, settings: RetrySettings): boolean {
  const { errorClass, upstream, retryAfterMs } = error;
  const rule = ruleOf(error);
  // the ticket is gone, not the model
  if (errorClass === 'gone') return upstream === 'llm';
  if (errorClass === 'batch_budget') return retryAfterMs === null;
  if (rule.pauses && upstream === 'llm') return !SHARED_STOPS.has(errorClass);
  return !rule.retry || (rule.counts && isMortal(failures, settings));
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
