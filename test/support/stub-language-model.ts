import type { Completion, LanguageModel, Prompt } from '../../src/core/language-model.ts';

export interface StubLanguageModel extends LanguageModel {
  readonly calls: { complete: number; probe: number; inFlight: number; mostInFlight: number };
  script: {
    complete?: (prompt: Prompt, signal: AbortSignal) => Promise<Completion> | undefined;
    probe?: () => Promise<void>;
  };
}

export function makeCompletion(overrides: Partial<Completion> = {}): Completion {
  return {
    text: JSON.stringify({
      reply: 'We have corrected it.',
      language: 'en',
      confidence: 0.9,
      questions: [],
      no_draft_reason: null,
    }),
    model: 'gpt-6-luna',
    usage: { promptTokens: 400, cachedTokens: 0, completionTokens: 60 },
    limits: null,
    costUsd: 0.0001,
    ...overrides,
  };
}

/** A model in memory, for tests of the pool. */
export function stubLanguageModel(): StubLanguageModel {
  const calls = { complete: 0, probe: 0, inFlight: 0, mostInFlight: 0 };
  const script: StubLanguageModel['script'] = {};
  return {
    model: 'gpt-6-luna',
    calls,
    script,
    complete: async (prompt, signal) => {
      calls.complete += 1;
      calls.inFlight += 1;
      calls.mostInFlight = Math.max(calls.mostInFlight, calls.inFlight);
      try {
        return (await script.complete?.(prompt, signal)) ?? makeCompletion();
      } finally {
        calls.inFlight -= 1;
      }
    },
    costUsd: ({ promptTokens, completionTokens }) => (promptTokens + 5 * completionTokens) / 1e6,
    probe: async () => {
      calls.probe += 1;
      await script.probe?.();
    },
  };
}
