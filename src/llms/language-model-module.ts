import type { z } from 'zod';
import type { BatchModel } from '../core/batch-model.ts';
import type { Clock } from '../core/clock.ts';
import type { EmbeddingModel } from '../core/embedding-model.ts';
import type { LanguageModel } from '../core/language-model.ts';

/** What every adapter gets from outside. */
export interface LanguageModelDeps {
  readonly fetch: typeof fetch;
  readonly clock: Clock;
  /** Plain http to hosts that are not loopback. */
  readonly allowInsecureUpstreams: boolean;
}

/** The limits one key's calls are paced by. */
export interface CallLimits {
  readonly requestsPerMinute: number;
  readonly tokensPerMinute: number;
  /** Which of them the operator has set; the others are defaults, and give way to what the provider tells. */
  readonly configured: { readonly requests: boolean; readonly tokens: boolean };
}

/** One family of language models, as the registry lists it. */
export interface LanguageModelModule<Settings = unknown> {
  readonly name: string;
  /** Parses the raw environment; each problem's path is the variable's name. Unknown variables are ignored. */
  readonly settings: z.ZodType<Settings>;
  /** Names of the models to use: the preferred one first, then the one that stands in for it, if any. */
  models(settings: Settings): readonly string[];
  /** The model that judges drafts, if any; it may be one of those. */
  reviewModel(settings: Settings): string | null;
  /** The model that says what to look for, if any; it may be one of all those. */
  queryModel(settings: Settings): string | null;
  /** The limits that calls of one of these models keep; of the preferred one by default. */
  limits(settings: Settings, model?: string): CallLimits;
  /** Where it is. */
  baseUrl(settings: Settings): string;
  /** The provider's screen of keys and credit; null for a server that has none we know of. */
  adminUrl(settings: Settings): string | null;
  /**
   * One of these models, by default the preferred one. `settings` is what the schema answered. Throws when they name an
   * address that is not allowed.
   */
  create(settings: Settings, deps: LanguageModelDeps, model?: string): LanguageModel;
  /** The model that makes vectors of texts, with its limits, if the settings name one. Throws as `create`. */
  embeddings(
    settings: Settings,
    deps: LanguageModelDeps,
  ): { readonly model: EmbeddingModel; readonly limits: CallLimits } | null;
  /** Names of the models that the server lists; null when it lists none. Throws what `LanguageModel.probe` throws. */
  listModels(settings: Settings, deps: LanguageModelDeps, signal: AbortSignal): Promise<ReadonlySet<string> | null>;
  /** The same model behind the provider's Batch API. Whether the server has one shows when it is used. */
  createBatchModel(settings: Settings, deps: LanguageModelDeps, model?: string): BatchModel;
}
