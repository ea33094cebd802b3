import { createHash } from 'node:crypto';
import { estimateTokens } from './llm-answer.ts';
import { type LlmErrorBody, llmError } from './openai-errors.ts';

/** As OpenAI documents them for `POST /v1/embeddings`. */
const TEXTS_MAX = 2048;
const TEXT_TOKENS_MAX = 8192;
const REQUEST_TOKENS_MAX = 300_000;
/** What `text-embedding-3-small` gives unless told otherwise. */
const DIMENSIONS = 1536;

export interface EmbeddingRequest {
  readonly model: string;
  readonly texts: readonly string[];
  readonly dimensions: number;
  readonly isBase64: boolean;
  readonly tokens: number;
}

/** The request as far as it matters here, or what is wrong with it. */
export function readEmbedding(input: unknown): EmbeddingRequest | LlmErrorBody {
  if (typeof input !== 'object' || input === null)
    return llmError(400, 'We could not parse the JSON body of your request.');
  const {
    model,
    input: given,
    dimensions = DIMENSIONS,
    encoding_format: format = 'float',
  } = input as Record<string, unknown>;
  if (typeof model !== 'string') return llmError(400, 'you must provide a model parameter');
  const texts: unknown[] = Array.isArray(given) ? given : [given];
  if (texts.length === 0 || texts.length > TEXTS_MAX || !texts.every((text) => typeof text === 'string' && text !== ''))
    return llmError(400, "'$.input' is invalid.");
  if (typeof dimensions !== 'number' || !Number.isInteger(dimensions) || dimensions < 1 || dimensions > DIMENSIONS)
    return llmError(400, "Invalid value for 'dimensions'.", { param: 'dimensions' });
  const counts = (texts as string[]).map(estimateTokens);
  const tokens = counts.reduce((sum, count) => sum + count, 0);
  if (counts.some((count) => count > TEXT_TOKENS_MAX)) {
    const message = `This model's maximum context length is ${TEXT_TOKENS_MAX} tokens, however you requested more.`;
    return llmError(400, message, { code: 'context_length_exceeded' });
  }
  if (tokens > REQUEST_TOKENS_MAX)
    return llmError(400, `Requested ${tokens} tokens, max ${REQUEST_TOKENS_MAX} tokens per request`, {
      code: 'max_tokens_per_request',
    });
  return { model, texts: texts as string[], dimensions, isBase64: format === 'base64', tokens };
}

export function embeddingAnswer({ model, texts, dimensions, isBase64, tokens }: EmbeddingRequest): object {
  const data = texts.map((text, index) => {
    const vector = vectorOf(text, dimensions);
    const embedding = isBase64 ? Buffer.from(vector.buffer).toString('base64') : [...vector];
    return { object: 'embedding', index, embedding };
  });
  return { object: 'list', data, model, usage: { prompt_tokens: tokens, total_tokens: tokens } };
}

/** Each word pulls in a direction of its own: texts that share words are near, and the same text is always the same. */
function vectorOf(text: string, dimensions: number): Float32Array {
  const vector = new Float32Array(dimensions);
  for (const word of text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [text]) {
    createHash('sha512')
      .update(word)
      .digest()
      .forEach((byte, at) => {
        const place = (byte * 64 + at * 7) % dimensions;
        vector[place] = (vector[place] ?? 0) + (byte & 1 ? 1 : -1);
      });
  }
  const norm = Math.hypot(...vector) || 1;
  vector.forEach((value, at) => {
    vector[at] = value / norm;
  });
  return vector;
}
