import { OpenAI } from 'openai';
import { z } from 'zod';
import { capResponse } from '../core/capped-response.ts';
import {
  type Completion,
  type LanguageModel,
  LanguageModelError,
  type Prompt,
  type ProviderLimits,
  type TokenUsage,
} from '../core/language-model.ts';
import { upstreamUrlProblem } from '../core/upstream-url.ts';
import type { LanguageModelDeps, LanguageModelModule } from './language-model-module.ts';
import { asLanguageModelError } from './openai-errors.ts';
import { readLimits } from './openai-headers.ts';
import { isOpenAiHost, openAiSettings, type OpenAiSettings } from './openai-settings.ts';
import { costUsd } from './pricing.ts';

/** Answers larger than this are refused: a draft has a few kB. */
const MAX_ANSWER_BYTES = 4 * 1024 * 1024;

/** Any server that speaks OpenAI's Chat Completions, chosen by its base URL. */
export const openai: LanguageModelModule<OpenAiSettings> = {
  name: 'openai',
  settings: openAiSettings,
  limits: ({ requestsPerMinute, tokensPerMinute, configured }) => ({ requestsPerMinute, tokensPerMinute, configured }),
  create: createOpenAi,
};

function createOpenAi(settings: OpenAiSettings, deps: LanguageModelDeps): LanguageModel {
  // the last check before keys and tickets go there, for settings that came by another way than the schema
  const problem = upstreamUrlProblem(settings.baseUrl, deps.allowInsecureUpstreams);
  if (problem !== null) throw new Error(`OPENAI_BASE_URL ${problem}`);
  const client = createClient(settings, deps);
  return {
    model: settings.model,
    complete: async (prompt, signal) => {
      const { data, response } = await within(settings, deps, signal, (ownSignal) =>
        client.chat.completions.create(requestBody(prompt, settings), { signal: ownSignal }).withResponse(),
      );
      return readCompletion(data, readLimits(response.headers), settings);
    },
    probe: (signal) => within(settings, deps, signal, (ownSignal) => probe(client, ownSignal)),
  };
}

function createClient({ apiKey, baseUrl, timeoutMs }: OpenAiSettings, deps: LanguageModelDeps): OpenAI {
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
    // ours fires first and covers the body too
    timeout: timeoutMs * 2,
    fetch: async (url, init) => {
      // Not followed: a redirect would carry the ticket elsewhere. Not 'error': the status tells it from a broken line.
      const response = await deps.fetch(url, { ...init, redirect: 'manual' });
      return capResponse(response, MAX_ANSWER_BYTES);
    },
  });
}

/** Runs one call within the time limit; whatever goes wrong in it comes out with a class. */
async function within<T>(
  { timeoutMs }: OpenAiSettings,
  { clock }: LanguageModelDeps,
  signal: AbortSignal,
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
    throw asLanguageModelError(error, clock.now());
  } finally {
    cancelTimer();
    signal.removeEventListener('abort', onAbort);
  }
}

function requestBody(
  { system, user, schema, maxOutputTokens }: Prompt,
  { baseUrl, model }: OpenAiSettings,
): OpenAI.Chat.ChatCompletionCreateParamsNonStreaming {
  const openAi = isOpenAiHost(baseUrl);
  return {
    model,
    messages: [
      { role: 'system', content: system },
      { role: 'user', content: user },
    ],
    response_format: { type: 'json_schema', json_schema: { name: schema.name, strict: true, schema: schema.schema } },
    // Ollama drops max_completion_tokens in silence, OpenAI's newer models refuse max_tokens (llm-and-otel.md A1)
    ...(openAi ? { max_completion_tokens: maxOutputTokens } : { max_tokens: maxOutputTokens }),
    // thinking is billed as output and counts against the limit above; a reply needs little of it
    ...(openAi && /^(gpt-[5-9]|o\d)/.test(model) ? { reasoning_effort: 'low' as const } : {}),
  };
}

const count = z.number().int().nonnegative().nullish().catch(null);

/** Only what we read, forgiving about what servers leave out. */
const answerShape = z.object({
  model: z.string().min(1).nullish().catch(null),
  choices: z
    .array(
      z.object({
        finish_reason: z.string().nullish(),
        message: z.object({ content: z.string().nullish(), refusal: z.string().nullish() }),
      }),
    )
    .min(1),
});

const usageShape = z.object({
  usage: z.object({
    prompt_tokens: count,
    completion_tokens: count,
    prompt_tokens_details: z.object({ cached_tokens: count }).nullish().catch(null),
  }),
});

function readUsage(data: unknown): TokenUsage | null {
  const parsed = usageShape.safeParse(data);
  if (!parsed.success) return null;
  const { prompt_tokens, completion_tokens, prompt_tokens_details } = parsed.data.usage;
  return {
    promptTokens: prompt_tokens ?? 0,
    cachedTokens: prompt_tokens_details?.cached_tokens ?? 0,
    completionTokens: completion_tokens ?? 0,
  };
}

function readCompletion(data: unknown, limits: ProviderLimits | null, settings: OpenAiSettings): Completion {
  const usage = readUsage(data);
  const answer = answerShape.safeParse(data);
  const model = answer.data?.model ?? settings.model;
  const cost = usage === null ? null : (costUsd(model, usage) ?? costUsd(settings.model, usage));
  const billed = { usage, limits, costUsd: cost };
  const choice = answer.data?.choices[0];
  if (choice === undefined) {
    throw new LanguageModelError(
      'invalid_response',
      'The server answered with something that is no completion.',
      billed,
    );
  }
  const { content, refusal } = choice.message;
  if (refusal) throw new LanguageModelError('refusal', 'The model refused to answer this ticket.', billed);
  if (choice.finish_reason === 'content_filter') {
    throw new LanguageModelError('content_filter', "The model's answer was stopped by its content filter.", billed);
  }
  if (choice.finish_reason === 'length') {
    throw new LanguageModelError('output_truncated', "The model's answer was cut at the output limit.", billed);
  }
  if (!content) throw new LanguageModelError('invalid_output', 'The model answered nothing.', billed);
  return { text: content, model, usage: usage ?? NO_USAGE, limits, costUsd: cost };
}

/** For servers that do not tell. */
const NO_USAGE: TokenUsage = { promptTokens: 0, cachedTokens: 0, completionTokens: 0 };

/** Any answer but a refusal of the key shows that the server is there; not every server lists its models. */
async function probe(client: OpenAI, signal: AbortSignal): Promise<void> {
  try {
    const response = await client.get('/models', { signal }).asResponse();
    await response.body?.cancel();
  } catch (error) {
    if (error instanceof OpenAI.APIError && (error.status === 404 || error.status === 405)) return;
    throw error;
  }
}
