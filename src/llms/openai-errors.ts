import { APIConnectionTimeoutError, APIError, OpenAIError } from 'openai';
import { ResponseTooLarge } from '../core/capped-response.ts';
import type { ErrorClass } from '../core/errors.ts';
import { LanguageModelError, type ServiceTier } from '../core/language-model.ts';
import { readLimits, readRetryAfter } from './openai-headers.ts';

type Finding = readonly [ErrorClass, string];

/**
 * What the SDK threw, as an error with a class (llm-and-otel.md A3). The status decides first, then the codes, then the
 * message: compatible servers send codes of their own, numbers or none. `tier` is what the call asked for. A misuse of
 * the SDK is returned as it is.
 */
export function asLanguageModelError(error: unknown, nowMs: number, tier: ServiceTier = 'standard'): unknown {
  if (error instanceof LanguageModelError) return error;
  if (inChain(error, ResponseTooLarge)) {
    return new LanguageModelError('response_too_large', 'The model sent more than we are willing to read.', {
      cause: error,
    });
  }
  if (error instanceof APIConnectionTimeoutError) {
    return new LanguageModelError('timeout', 'The model did not answer in time.', { cause: error });
  }
  if (error instanceof APIError) {
    return error.status === undefined ? connectionError(error) : statusError(error, error.status, { nowMs, tier });
  }
  // What breaks while the body is read, the SDK hands through as it comes: `TypeError: terminated`, a `SyntaxError`
  // where the JSON ends early, or what another fetch throws.
  if (error instanceof Error && !(error instanceof OpenAIError)) {
    return new LanguageModelError('response_truncated', 'The answer of the model was cut.', { cause: error });
  }
  return error;
}

function connectionError(error: APIError): LanguageModelError {
  const code = codeOf(error);
  const message = code === null ? 'The model closed the connection.' : `The model cannot be reached (${code}).`;
  return new LanguageModelError('connection', message, { cause: error });
}

function statusError(
  error: APIError,
  status: number,
  { nowMs, tier }: { nowMs: number; tier: ServiceTier },
): LanguageModelError {
  const headers = error.headers ?? new Headers();
  const [errorClass, sentence] = tier === 'flex' && lacksFlex(error, status) ? NO_FLEX : classify(error, status);
  const retryAfterMs = readRetryAfter(headers, nowMs);
  return new LanguageModelError(errorClass, `The model ${sentence} (${status}).`, {
    status,
    limits: readLimits(headers),
    ...(retryAfterMs === null ? {} : { retryAfterMs }),
    cause: error,
  });
}

/** By code, or by type for servers that give no code. */
const OUT_OF_CREDIT = new Set([
  'insufficient_quota',
  'credit_balance_exhausted',
  'organization_spend_limit_exceeded',
  'project_spend_limit_exceeded',
  'organization_usage_limit_exceeded',
  'budget_exceeded',
]);
const QUOTA: Finding = ['quota_exhausted', 'says that the quota or credit is used up'];
const NO_FLEX: Finding = ['flex_unavailable', 'has no room for calls at the flex price now, or never for this model'];
const SLOW_DOWN: Finding = ['slow_down', 'says that our traffic grew too fast'];

const BY_STATUS: Readonly<Record<number, Finding>> = {
  401: ['auth', 'refused our API key'],
  402: QUOTA,
  403: ['forbidden', 'does not allow this to our API key'],
  404: [
    'model_not_found',
    'is not known to the server; are LLM_MODEL, LLM_FALLBACK_MODEL, REVIEW_MODEL, QUERY_MODEL, EMBEDDINGS_MODEL and their addresses right?',
  ],
  408: ['timeout', 'gave up waiting for our request'],
  409: ['conflict', 'reports a conflict'],
  429: ['rate_limited', 'asks us to wait'],
  503: ['overloaded', 'is overloaded'],
  529: ['overloaded', 'is overloaded'],
};

function classify(error: APIError, status: number): Finding {
  // vLLM and LiteLLM repeat the status as code, as a number or as text
  const words = new Set([error.code, error.type].map((word) => String(word ?? '')));
  if (status >= 400 && status < 500 && [...words].some((word) => OUT_OF_CREDIT.has(word))) return QUOTA;
  if (words.has('slow_down')) return SLOW_DOWN;
  if (status === 429 && neverFits(error.message)) return ['request_too_large', 'says the request exceeds its limit'];
  if (status === 400 || status === 413 || status === 422) return classifyInvalid(error, words);
  const known = BY_STATUS[status];
  if (known !== undefined) return known;
  if (status >= 300 && status < 400) return ['redirect', 'answered with a redirect, which is not followed'];
  if (status >= 500) return ['server_error', 'failed'];
  return ['invalid_request', 'refused the request'];
}

function classifyInvalid(error: APIError, words: ReadonlySet<string>): Finding {
  const tooLong = /maximum context length|context (length|window|size)|prompt is too long/i.test(error.message);
  if (words.has('context_length_exceeded') || tooLong) {
    return ['context_length', 'says the conversation is too long for it'];
  }
  if (words.has('content_filter') || words.has('content_policy_violation')) {
    return ['content_filter', 'refused the ticket by its content filter'];
  }
  if (words.has('model_not_found')) return BY_STATUS[404] ?? ['model_not_found', 'is not known'];
  return ['invalid_request', 'refused the request as invalid'];
}

/** What a 429 says that is about our rate, and not about the room for flex calls. */
const RATE_WORDS = new Set(['rate_limit_exceeded', 'rate_limit_error', 'throttling_error', 'slow_down']);

/** OpenAI answers 429 without a word on rates, Azure 400 for models that never have it (llm-and-otel.md A3). */
function lacksFlex(error: APIError, status: number): boolean {
  const words = [error.code, error.type].map((word) => String(word ?? ''));
  if (status === 400) return error.param === 'service_tier' || /service[_ ]tier|\bflex\b/i.test(error.message);
  if (status !== 429 || words.some((word) => RATE_WORDS.has(word) || OUT_OF_CREDIT.has(word))) return false;
  return !/rate limit|request too large/i.test(error.message);
}

/** "Request too large … Limit 30000, Requested 40000": waiting does not help. */
function neverFits(message: string): boolean {
  const numbers = /limit:? ?([\d,]+),? requested:? ?([\d,]+)/i.exec(message);
  const [limit, requested] = [numbers?.[1], numbers?.[2]].map((text) => Number((text ?? '').replaceAll(',', '')));
  return numbers !== null && (requested ?? 0) > (limit ?? 0);
}

/** The code of the system or of undici behind a failed fetch or a cut body. */
function codeOf(error: unknown): string | null {
  for (let at = error; at instanceof Error; at = at.cause) {
    if ('code' in at && typeof at.code === 'string') return at.code;
  }
  return null;
}

function inChain(error: unknown, kind: typeof ResponseTooLarge): boolean {
  for (let at = error; at instanceof Error; at = at.cause) {
    if (at instanceof kind) return true;
  }
  return false;
}
