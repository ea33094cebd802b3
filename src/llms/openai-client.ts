import { OpenAI } from 'openai';
import { capResponse } from '../core/capped-response.ts';
import type { Clock } from '../core/clock.ts';
import { LanguageModelError, type ServiceTier } from '../core/language-model.ts';
import { upstreamUrlProblem } from '../core/upstream-url.ts';
import type { LanguageModelDeps } from './language-model-module.ts';
import { asLanguageModelError } from './openai-errors.ts';
import { type OpenAiSettings, TIMEOUT_MAX_MS } from './openai-settings.ts';

/** Answers larger than this are refused: a draft has a few kB. */
const MAX_ANSWER_BYTES = 4 * 1024 * 1024;
/** Longer than any call of ours may take. */
const SDK_TIMEOUT_MS = TIMEOUT_MAX_MS * 2;

/**
 * The SDK, without retries and redirects, and with nothing read from the environment. Answers larger than
 * `maxAnswerBytes` fail. Throws when the address is not allowed.
 */
export function createClient(
  { apiKey, baseUrl }: Pick<OpenAiSettings, 'apiKey' | 'baseUrl'>,
  deps: LanguageModelDeps,
  maxAnswerBytes = MAX_ANSWER_BYTES,
): OpenAI {
  // the last check before keys and tickets go there, for settings that came by another way than the schema
  const problem = upstreamUrlProblem(baseUrl, deps.allowInsecureUpstreams);
  if (problem !== null) throw new Error(`OPENAI_BASE_URL ${problem}`);
  return new OpenAI({
    // the SDK insists on one; servers without keys ignore it
    apiKey: apiKey ?? 'none',
    baseURL: baseUrl,
    // else the SDK reads them from the environment behind our settings' back
    organization: null,
    project: null,
    adminAPIKey: null,
    webhookSecret: null,
    logLevel: 'off',
    // waiting and trying again are the budget's and the retry policy's
    maxRetries: 0,
    // `within` fires first and covers the body too
    timeout: SDK_TIMEOUT_MS,
    fetch: async (url, init) => {
      // Not followed: a redirect would carry the ticket elsewhere. Not 'error': the status tells it from a broken line.
      const response = await deps.fetch(url, { ...init, redirect: 'manual' });
      return capResponse(response, maxAnswerBytes);
    },
  });
}

/** What is served when there is room, and what is large, may take longer: OpenAI advises 15 min (llm-and-otel.md A6). */
export function longTimeoutMs(timeoutMs: number): number {
  return Math.max(timeoutMs, Math.min(timeoutMs * 10, LONG_TIMEOUT_MAX_MS));
}

const LONG_TIMEOUT_MAX_MS = 900_000;

export interface CallBounds {
  /** From sending the call to the last byte of its answer. */
  readonly timeoutMs: number;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Which tier was asked for: some refusals mean another thing then. */
  readonly tier?: ServiceTier;
}

/** Runs one call within the time limit; whatever goes wrong in it comes out with a class. */
export async function within<T>(
  { timeoutMs, clock, signal, tier = 'standard' }: CallBounds,
  call: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  if (signal.aborted) throw new LanguageModelError('cancelled', 'Stopped before the call to the model.');
  const abort = new AbortController();
  const onAbort = (): void => abort.abort();
  signal.addEventListener('abort', onAbort, { once: true });
  let timedOut = false;
  const cancelTimer = clock.after(timeoutMs, () => {
    timedOut = true;
    abort.abort();
  });
  try {
    return await call(abort.signal);
  } catch (error) {
    if (signal.aborted) throw new LanguageModelError('cancelled', 'Stopped during the call to the model.');
    if (timedOut) throw new LanguageModelError('timeout', `The model did not answer within ${timeoutMs} ms.`);
    throw asLanguageModelError(error, clock.now(), tier);
  } finally {
    cancelTimer();
    signal.removeEventListener('abort', onAbort);
  }
}
