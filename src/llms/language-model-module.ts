import type { z } from 'zod';
import type { Clock } from '../core/clock.ts';
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
  /** The limits its calls keep, from the settings. */
  limits(settings: Settings): CallLimits;
  /** `settings` is what the schema answered. Throws when they name an address that is not allowed. */
  create(settings: Settings, deps: LanguageModelDeps): LanguageModel;
}
