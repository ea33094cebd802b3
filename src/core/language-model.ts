import { type ErrorClass, UpstreamError, type UpstreamErrorOptions } from './errors.ts';

/** How a call is served: `flex` is slower, may be refused for want of room, and costs half (llm-and-otel.md A6). */
export type ServiceTier = 'standard' | 'flex';

/** What a call is priced by: `batch` is the provider's Batch API. */
export type PriceTier = ServiceTier | 'batch';

/** One request to a model, without any vendor's shape. */
export interface Prompt {
  /** Fixed text and the team's guidelines: the same bytes for every ticket, so that prompt caching works. */
  readonly system: string;
  /** The ticket's part, marked as untrusted data. */
  readonly user: string;
  /** The answer must be JSON of this JSON Schema. */
  readonly schema: { readonly name: string; readonly schema: Readonly<Record<string, unknown>> };
  readonly maxOutputTokens: number;
  /** Default `standard`. */
  readonly tier?: ServiceTier;
}

export interface TokenUsage {
  readonly promptTokens: number;
  readonly cachedTokens: number;
  readonly completionTokens: number;
}

/**
 * What a provider's headers say about its limits; null = not told. The stamps are ours (Clock.steady ms), taken when
 * the answer arrived.
 */
export interface ProviderLimits {
  readonly limitRequests: number | null;
  readonly limitTokens: number | null;
  readonly remainingRequests: number | null;
  readonly remainingTokens: number | null;
  /** ms until the bucket is full again. */
  readonly resetRequestsMs: number | null;
  readonly resetTokensMs: number | null;
}

/** What a server says of an answer, in its own words, where it tells. For traces only. */
export interface AnswerFacts {
  readonly id: string | null;
  readonly model: string | null;
  /** Why the answer ended there. */
  readonly finishReason: string | null;
  /** How it was served. */
  readonly serviceTier: string | null;
  /** Of the backend that served it. */
  readonly fingerprint: string | null;
  /** Of the completion's tokens, those that were thought. */
  readonly reasoningTokens: number | null;
}

export interface Completion {
  readonly text: string;
  /** The model that really answered. */
  readonly model: string;
  readonly told?: AnswerFacts;
  readonly usage: TokenUsage;
  readonly limits: ProviderLimits | null;
  /** USD, by the tier that the answer names; null when the model's price is not known. */
  readonly costUsd: number | null;
}

/** A failed call to a model, with what it cost and what the headers said, where the server told. */
export class LanguageModelError extends UpstreamError {
  readonly usage: TokenUsage | null;
  readonly costUsd: number | null;
  readonly limits: ProviderLimits | null;
  /** Null where no answer came, or none that could be read. */
  readonly told: AnswerFacts | null;

  constructor(
    errorClass: ErrorClass,
    message: string,
    options: Omit<UpstreamErrorOptions, 'upstream'> & {
      readonly usage?: TokenUsage | null;
      readonly costUsd?: number | null;
      readonly limits?: ProviderLimits | null;
      readonly told?: AnswerFacts | null;
    } = {},
  ) {
    super(errorClass, message, { ...options, upstream: 'llm' });
    this.usage = options.usage ?? null;
    this.costUsd = options.costUsd ?? null;
    this.limits = options.limits ?? null;
    this.told = options.told ?? null;
  }
}

/**
 * An LLM behind an API. Never retries, keeps no budget. Throws `LanguageModelError`, also for an
 * answer that was billed but is unusable (refusal, content filter, cut at the output limit). `flex_unavailable` is
 * thrown for prompts of tier `flex` only: the same prompt may be taken as `standard`.
 */
export interface LanguageModel {
  readonly model: string;
  complete(prompt: Prompt, signal: AbortSignal): Promise<Completion>;
  /** USD of a call with this usage (default: at standard price); null when the model's price is not known. */
  costUsd(usage: TokenUsage, tier?: PriceTier): number | null;
  /** Is the key good and the server there? Costs no tokens. Throws `auth`, `connection`, … */
  probe(signal: AbortSignal): Promise<void>;
}
