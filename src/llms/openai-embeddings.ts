import * as z from 'zod';
import type { EmbeddingModel } from '../core/embedding-model.ts';
import { LanguageModelError, type TokenUsage } from '../core/language-model.ts';
import type { LanguageModelDeps } from './language-model-module.ts';
import { createClient, within } from './openai-client.ts';
import { readLimits } from './openai-headers.ts';
import type { OpenAiSettings } from './openai-settings.ts';
import { costUsd } from './pricing.ts';

/** What OpenAI's newer models are asked for: they put what matters first, and a third of it finds nearly as well. */
const DIMENSIONS = 512;

type EmbeddingSettings = Pick<OpenAiSettings, 'apiKey' | 'baseUrl' | 'model' | 'timeoutMs'>;

/** The embeddings endpoint of OpenAI and of servers like it. */
export function createOpenAiEmbeddings(settings: EmbeddingSettings, deps: LanguageModelDeps): EmbeddingModel {
  const { model, timeoutMs } = settings;
  const client = createClient(settings, deps);
  const isShortened = /(^|\/)text-embedding-3-/.test(model);
  const priceOf = (tokens: number): number | null => costUsd(model, usageOf(tokens));
  return {
    model,
    space: isShortened ? `${model} ${DIMENSIONS}` : model,
    costUsd: priceOf,
    embed: async (texts, signal) => {
      const body = {
        model,
        input: [...texts],
        // a quarter of the bytes; servers that do not know it send numbers
        encoding_format: 'base64' as const,
        ...(isShortened ? { dimensions: DIMENSIONS } : {}),
      };
      const bounds = { timeoutMs, clock: deps.clock, signal };
      const { data, response } = await within(bounds, (ownSignal) =>
        client.embeddings.create(body, { signal: ownSignal }).withResponse(),
      );
      const usage = readUsage(data);
      const told = { usage, limits: readLimits(response.headers), costUsd: priceOf(usage.promptTokens) };
      return { ...told, vectors: readVectors(data, texts.length, told) };
    },
  };
}

const answerShape = z.object({
  data: z.array(
    z.object({ index: z.int().nonnegative().nullish(), embedding: z.union([z.string(), z.array(z.number())]) }),
  ),
});

const usageShape = z.object({ usage: z.object({ prompt_tokens: z.int().nonnegative() }) });

function readUsage(data: unknown): TokenUsage {
  return usageOf(usageShape.safeParse(data).data?.usage.prompt_tokens ?? 0);
}

function usageOf(promptTokens: number): TokenUsage {
  return { promptTokens, cachedTokens: 0, completionTokens: 0 };
}

type Told = Pick<LanguageModelError, 'usage' | 'limits' | 'costUsd'>;

/** Throws `invalid_response` for anything but one good vector for each text, all of one length. */
function readVectors(data: unknown, count: number, told: Told): Float32Array[] {
  const refuse = (what: string): never => {
    throw new LanguageModelError('invalid_response', `The embedding model answered with ${what}.`, told);
  };
  const parsed = answerShape.safeParse(data);
  if (parsed.data === undefined) return refuse('something that is no list of vectors');
  const items = parsed.data.data;
  if (items.length !== count) return refuse(`${items.length} vectors for ${count} texts`);
  const vectors: Float32Array[] = [];
  items.forEach(({ index, embedding }, at) => {
    vectors[index ?? at] = typeof embedding === 'string' ? fromBase64(embedding) : Float32Array.from(embedding);
  });
  const length = vectors[0]?.length ?? 0;
  for (let at = 0; at < count; at += 1) {
    const vector = vectors[at];
    if (vector === undefined) return refuse('two vectors for one text');
    if (vector.length !== length) return refuse('vectors of different lengths');
    if (!vector.every((value) => Number.isFinite(value))) return refuse('a vector of other things than numbers');
    if (vector.every((value) => value === 0)) return refuse('a vector without direction');
  }
  return vectors;
}

/** Little-endian floats; what is cut in the middle of one is none. */
function fromBase64(text: string): Float32Array {
  const bytes = Buffer.from(text, 'base64');
  if (bytes.length % 4 !== 0) return new Float32Array();
  return Float32Array.from({ length: bytes.length / 4 }, (_, at) => bytes.readFloatLE(at * 4));
}
