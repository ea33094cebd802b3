import * as z from 'zod';
import { isLoopback, upstreamUrlProblem } from '../core/upstream-url.ts';
import type { CallLimits } from './language-model-module.ts';

export interface OpenAiSettings extends CallLimits {
  /** Null for servers of one's own that want no key. */
  readonly apiKey: string | null;
  /** Without a slash at its end. */
  readonly baseUrl: string;
  readonly model: string;
  /** The model that stands in while the first is out of quota or overloaded, with limits of its own. */
  readonly fallback: (CallLimits & { readonly model: string }) | null;
  /** The model that judges drafts; limits of its own unless it is one of those above. */
  readonly review: (CallLimits & { readonly model: string }) | null;
  /** The model that says what to look for; limits as those of `review`. */
  readonly query: (CallLimits & { readonly model: string }) | null;
  /** The model that makes vectors of texts, and where; limits of its own. */
  readonly embeddings: (CallLimits & Pick<OpenAiSettings, 'apiKey' | 'baseUrl' | 'model'>) | null;
  /** Of one call, from sending it to the last byte of its answer. */
  readonly timeoutMs: number;
}

type Env = Readonly<Record<string, string | undefined>>;
type Report = (name: string, message: string) => void;

const DEFAULT_BASE_URL = 'https://api.openai.com/v1';
/** Node's timers fire at once for more than 2^31 ms. */
export const TIMEOUT_MAX_MS = 3_600_000;
const DEFAULT_MODEL = 'gpt-6-luna';
type Limits = Omit<CallLimits, 'configured'>;

const DEFAULT_LIMITS: Limits = { requestsPerMinute: 500, tokensPerMinute: 200_000 };

/** Smallest limits of an account where they differ from the default (llm-and-otel.md A6). */
const LIMITS_BY_MODEL: Readonly<Record<string, Limits>> = {
  'gpt-5': { requestsPerMinute: 500, tokensPerMinute: 500_000 },
  'gpt-5-mini': { requestsPerMinute: 500, tokensPerMinute: 500_000 },
  'gpt-5.4-pro': { requestsPerMinute: 500, tokensPerMinute: 30_000 },
};

/** OpenAI's tier 1 for its embedding models (their model pages, read 2026-11); a free account has less, and says so. */
const EMBEDDING_LIMITS: Limits = { requestsPerMinute: 3000, tokensPerMinute: 1_000_000 };

/** Reads the raw environment; every problem is reported at once, under the variable's name and without its value. */
export const openAiSettings: z.ZodType<OpenAiSettings> = z
  .record(z.string(), z.string().optional())
  .transform((env, context) => {
    let problems = 0;
    const settings = read(env, (name, message) => {
      problems += 1;
      context.addIssue({ code: 'custom', path: [name], message });
    });
    return problems === 0 ? settings : z.NEVER;
  });

function read(env: Env, report: Report): OpenAiSettings {
  const baseUrl = readBaseUrl(env, 'OPENAI_BASE_URL', DEFAULT_BASE_URL, report);
  const apiKey = readKey(env, 'OPENAI_API_KEY', report);
  if (apiKey === null && needsKey(baseUrl)) report('OPENAI_API_KEY', 'is missing');
  const model = textOf(env, 'LLM_MODEL') ?? DEFAULT_MODEL;
  const fallback = readFallback(env, model, report);
  const review = readSide(env, 'REVIEW', [model, fallback?.model], report);
  return {
    apiKey,
    baseUrl,
    model,
    fallback,
    review,
    query: readSide(env, 'QUERY', [model, fallback?.model, review?.model], report),
    embeddings: readEmbeddings(env, { apiKey, baseUrl }, report),
    timeoutMs: readTimeout(env, report),
    ...readLimits(env, limitsOf(model), ['LLM_REQUESTS_PER_MINUTE', 'LLM_TOKENS_PER_MINUTE'], report),
  };
}

const FALLBACK_LIMITS = ['LLM_FALLBACK_REQUESTS_PER_MINUTE', 'LLM_FALLBACK_TOKENS_PER_MINUTE'] as const;

function readLimits(
  env: Env,
  { requestsPerMinute, tokensPerMinute }: Limits,
  [requests, tokens]: readonly [requests: string, tokens: string],
  report: Report,
): CallLimits {
  return {
    requestsPerMinute: readInteger(env, requests, requestsPerMinute, report),
    tokensPerMinute: readInteger(env, tokens, tokensPerMinute, report),
    configured: { requests: textOf(env, requests) !== undefined, tokens: textOf(env, tokens) !== undefined },
  };
}

function limitsOf(model: string): Limits {
  return (Object.hasOwn(LIMITS_BY_MODEL, model) ? LIMITS_BY_MODEL[model] : undefined) ?? DEFAULT_LIMITS;
}

function readFallback(env: Env, first: string, report: Report): OpenAiSettings['fallback'] {
  const model = textOf(env, 'LLM_FALLBACK_MODEL');
  if (model === undefined) {
    for (const name of FALLBACK_LIMITS) {
      if (textOf(env, name) !== undefined) report(name, 'is set, but LLM_FALLBACK_MODEL is not');
    }
    return null;
  }
  if (model === first) report('LLM_FALLBACK_MODEL', 'must be another model than LLM_MODEL');
  return { model, ...readLimits(env, limitsOf(model), FALLBACK_LIMITS, report) };
}

/** A model beside those that write drafts; one that has a part already shares its limits. */
function readSide(
  env: Env,
  part: 'REVIEW' | 'QUERY',
  others: readonly unknown[],
  report: Report,
): (CallLimits & { readonly model: string }) | null {
  const name = `${part}_MODEL`;
  const limits = [`${part}_REQUESTS_PER_MINUTE`, `${part}_TOKENS_PER_MINUTE`] as const;
  const model = textOf(env, name);
  const problem =
    model === undefined
      ? `is set, but ${name} is not`
      : others.includes(model)
        ? `is set, but ${name} ${part === 'REVIEW' ? 'writes drafts, too' : 'has another part, too'}: its limits are set there`
        : null;
  for (const limit of limits) if (problem !== null && textOf(env, limit) !== undefined) report(limit, problem);
  return model === undefined ? null : { model, ...readLimits(env, limitsOf(model), limits, report) };
}

const EMBEDDING_SETTINGS = [
  'EMBEDDINGS_BASE_URL',
  'EMBEDDINGS_API_KEY',
  'EMBEDDINGS_REQUESTS_PER_MINUTE',
  'EMBEDDINGS_TOKENS_PER_MINUTE',
] as const;

/** Another host does not get the key of the LLM's. */
function readEmbeddings(
  env: Env,
  llm: Pick<OpenAiSettings, 'apiKey' | 'baseUrl'>,
  report: Report,
): OpenAiSettings['embeddings'] {
  const model = textOf(env, 'EMBEDDINGS_MODEL');
  if (model === undefined) {
    for (const name of EMBEDDING_SETTINGS) {
      if (textOf(env, name) !== undefined) report(name, 'is set, but EMBEDDINGS_MODEL is not');
    }
    return null;
  }
  const [addressName, keyName, ...limitNames] = EMBEDDING_SETTINGS;
  const hasOwnAddress = textOf(env, addressName) !== undefined;
  const baseUrl = hasOwnAddress ? readBaseUrl(env, addressName, llm.baseUrl, report) : llm.baseUrl;
  const own = readKey(env, keyName, report);
  const apiKey = own ?? (isSameOrigin(baseUrl, llm.baseUrl) ? llm.apiKey : null);
  if (apiKey === null && hasOwnAddress && needsKey(baseUrl)) report(keyName, 'is missing');
  return { model, apiKey, baseUrl, ...readLimits(env, EMBEDDING_LIMITS, limitNames, report) };
}

function isSameOrigin(one: string, other: string): boolean {
  const origin = URL.parse(one)?.origin;
  return origin !== undefined && origin === URL.parse(other)?.origin;
}

/** A variable set to nothing (`NAME=` in .env) is not set. */
function textOf(env: Env, name: string): string | undefined {
  return env[name]?.trim() || undefined;
}

function readBaseUrl(env: Env, name: string, fallback: string, report: Report): string {
  const value = textOf(env, name) ?? fallback;
  const problem = upstreamUrlProblem(value, textOf(env, 'ALLOW_INSECURE_UPSTREAMS') === 'true');
  if (problem !== null) report(name, problem);
  return value.replace(/\/+$/, '');
}

function readKey(env: Env, name: string, report: Report): string | null {
  const value = textOf(env, name);
  // anything else cannot be an HTTP header
  if (value !== undefined && !/^[\x21-\x7e]+$/.test(value)) report(name, 'must be printable ASCII without spaces');
  return value ?? null;
}

/** Plain digits only: `Number` alone takes '1e3' and '0x10'. */
function readInteger(env: Env, name: string, fallback: number, report: Report): number {
  const value = textOf(env, name);
  if (value === undefined) return fallback;
  if (!/^[1-9]\d{0,11}$/.test(value)) report(name, 'must be a whole number, 1 or more');
  return Number(value);
}

function readTimeout(env: Env, report: Report): number {
  const timeoutMs = readInteger(env, 'LLM_TIMEOUT_MS', 60_000, report);
  if (timeoutMs > TIMEOUT_MAX_MS) report('LLM_TIMEOUT_MS', `must be at most ${TIMEOUT_MAX_MS}`);
  return timeoutMs;
}

function needsKey(baseUrl: string): boolean {
  return !isLoopback(baseUrl) && isOpenAiHost(baseUrl);
}

/**
 * OpenAI itself or Azure: they take `max_completion_tokens` and want a key; other servers may drop the one and not need
 * the other in silence (llm-and-otel.md A1).
 */
export function isOpenAiHost(baseUrl: string): boolean {
  const host = URL.parse(baseUrl)?.hostname ?? '';
  return /(^|\.)openai\.(com|azure\.com|azure\.us)$|\.(cognitiveservices|services\.ai)\.azure\.com$/.test(host);
}
