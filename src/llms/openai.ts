import { OpenAI } from 'openai';
import * as z from 'zod';
import type { LanguageModel } from '../core/language-model.ts';
import type { CallLimits, LanguageModelDeps, LanguageModelModule } from './language-model-module.ts';
import { createOpenAiBatchModel } from './openai-batch.ts';
import { createOpenAiEmbeddings } from './openai-embeddings.ts';
import { createClient, longTimeoutMs, within } from './openai-client.ts';
import { readCompletion, requestBody } from './openai-completion.ts';
import { readLimits } from './openai-headers.ts';
import { openAiSettings, type OpenAiSettings } from './openai-settings.ts';
import { costUsd } from './pricing.ts';

/** Any server that speaks OpenAI's Chat Completions, chosen by its base URL. */
export const openai: LanguageModelModule<OpenAiSettings> = {
  name: 'openai',
  settings: openAiSettings,
  models: ({ model, fallback }) => (fallback === null ? [model] : [model, fallback.model]),
  reviewModel: ({ review }) => review?.model ?? null,
  queryModel: ({ query }) => query?.model ?? null,
  baseUrl: ({ baseUrl }) => baseUrl,
  adminUrl: ({ baseUrl }) =>
    URL.parse(baseUrl)?.hostname === 'api.openai.com' ? 'https://platform.openai.com/api-keys' : null,
  limits: limitsOf,
  create: createOpenAi,
  embeddings: (settings, deps) => {
    const { embeddings, timeoutMs } = settings;
    if (embeddings === null) return null;
    return { model: createOpenAiEmbeddings({ ...embeddings, timeoutMs }, deps), limits: callLimits(embeddings) };
  },
  createBatchModel: createOpenAiBatchModel,
  listModels,
};

function limitsOf({ fallback, review, query, ...first }: OpenAiSettings, model = first.model): CallLimits {
  return callLimits([first, fallback, review, query].find((one) => one?.model === model) ?? first);
}

function callLimits({ requestsPerMinute, tokensPerMinute, configured }: CallLimits): CallLimits {
  return { requestsPerMinute, tokensPerMinute, configured };
}

function createOpenAi(settings: OpenAiSettings, deps: LanguageModelDeps, model = settings.model): LanguageModel {
  const { baseUrl, timeoutMs } = settings;
  const { clock } = deps;
  const client = createClient(settings, deps);
  return {
    model,
    complete: async (prompt, signal) => {
      const { tier = 'standard' } = prompt;
      const bounds = { timeoutMs: tier === 'flex' ? longTimeoutMs(timeoutMs) : timeoutMs, clock, signal, tier };
      const { data, response } = await within(bounds, (ownSignal) =>
        client.chat.completions.create(requestBody(prompt, { baseUrl, model }), { signal: ownSignal }).withResponse(),
      );
      return readCompletion(data, { model, limits: readLimits(response.headers) });
    },
    costUsd: (usage, tier) => costUsd(model, usage, tier),
    probe: (signal) => within({ timeoutMs, clock, signal }, (ownSignal) => probe(client, ownSignal)),
  };
}

const listShape = z.object({ data: z.array(z.object({ id: z.string() })).min(1) });

async function listModels(
  settings: OpenAiSettings,
  deps: LanguageModelDeps,
  signal: AbortSignal,
): Promise<ReadonlySet<string> | null> {
  const client = createClient(settings, deps);
  const bounds = { timeoutMs: settings.timeoutMs, clock: deps.clock, signal };
  const listed = listShape.safeParse(await within(bounds, (ownSignal) => client.get('/models', { signal: ownSignal })));
  return listed.data === undefined ? null : new Set(listed.data.data.map(({ id }) => id));
}

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
