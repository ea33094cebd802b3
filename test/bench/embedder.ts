import { sha256, systemClock } from '../../src/core/clock.ts';
import { EMBEDDED_AT_ONCE } from '../../src/core/embedding-model.ts';
import type { QuestionEmbedder, VectorStore } from '../../src/core/vector-store.ts';
import { openai } from '../../src/llms/openai.ts';

export interface BenchEmbedder {
  readonly questions: QuestionEmbedder;
  /** Makes all vectors that are missing. */
  fill(vectors: VectorStore | null): Promise<void>;
}

/** The embedding model of the settings, each text asked for once in a run; null without EMBEDDINGS_MODEL. */
export function createBenchEmbedder(env: NodeJS.ProcessEnv): BenchEmbedder | null {
  if (!env['EMBEDDINGS_MODEL']) return null;
  // of the LLM nothing is needed
  const settings = openai.settings.parse({ OPENAI_API_KEY: 'none', ...env });
  const deps = { fetch, clock: systemClock(), allowInsecureUpstreams: env['ALLOW_INSECURE_UPSTREAMS'] === 'true' };
  const made = openai.embeddings(settings, deps);
  if (made === null) return null;
  const { model } = made;
  const known = new Map<string, Float32Array>();
  const signal = new AbortController().signal;
  const learn = async (texts: readonly string[]): Promise<void> => {
    const { vectors } = await model.embed(texts, signal);
    texts.forEach((text, at) => known.set(sha256(text), vectors[at] ?? new Float32Array()));
  };
  return {
    questions: {
      space: model.space,
      question: async (text) => {
        if (!known.has(sha256(text))) await learn([text]);
        return known.get(sha256(text)) ?? null;
      },
    },
    fill: async (vectors) => {
      for (;;) {
        const some = (await vectors?.missing(EMBEDDED_AT_ONCE, new Set())) ?? [];
        if (vectors === null || some.length === 0) return;
        const unknown = some.filter(({ digest }) => !known.has(digest));
        if (unknown.length > 0) await learn(unknown.map(({ text }) => text));
        await vectors.put(new Map(some.map(({ digest }) => [digest, known.get(digest) ?? new Float32Array()])));
      }
    },
  };
}
