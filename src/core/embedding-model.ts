import type { ProviderLimits, TokenUsage } from './language-model.ts';

export interface Embeddings {
  /** One for each text, in their order; all of one length, finite, none of them zero. Any scale. */
  readonly vectors: readonly Float32Array[];
  readonly usage: TokenUsage;
  readonly limits: ProviderLimits | null;
  /** USD; null when the model's price is not known. */
  readonly costUsd: number | null;
}

/**
 * A model that turns texts into vectors: what means the like points the same way. Never retries, keeps no budget. Throws
 * `LanguageModelError`.
 */
export interface EmbeddingModel {
  readonly model: string;
  /** What vectors must share to be compared: the model, and how long they were asked to be. */
  readonly space: string;
  /** `texts`: none of them empty, at most `EMBEDDED_AT_ONCE`. */
  embed(texts: readonly string[], signal: AbortSignal): Promise<Embeddings>;
  /** USD of so many tokens; null when the model's price is not known. */
  costUsd(tokens: number): number | null;
}

/**
 * Texts of one call. OpenAI takes 2,048 with 300,000 tokens (its API reference), but Hugging Face's
 * text-embeddings-inference takes 32 unless told otherwise.
 */
export const EMBEDDED_AT_ONCE = 32;
