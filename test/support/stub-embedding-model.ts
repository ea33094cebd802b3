import type { EmbeddingModel } from '../../src/core/embedding-model.ts';

export interface StubEmbeddingModel extends EmbeddingModel {
  /** The texts of each call. */
  readonly calls: (readonly string[])[];
  script: { embed?: (texts: readonly string[], signal: AbortSignal) => Promise<void> | undefined };
}

/** Words that mean the same, for tests: each group has a direction of its own. */
const MEANINGS = [
  ['zip', 'zipper', 'fastener', 'teeth'],
  ['tent', 'shelter', 'poles'],
  ['router', 'lights', 'network'],
];

/** What points to the meanings that the text has, and a little to where its letters say. */
export function stubVector(text: string): Float32Array {
  const words = new Set(text.toLowerCase().match(/[a-z]+/g));
  const vector = new Float32Array(MEANINGS.length + 4);
  MEANINGS.forEach((meaning, at) => {
    vector[at] = meaning.filter((word) => words.has(word)).length;
  });
  for (const sign of text) {
    const at = MEANINGS.length + ((sign.codePointAt(0) ?? 0) % 4);
    vector[at] = (vector[at] ?? 0) + 1 / (10 * text.length);
  }
  return vector;
}

/** An embedding model in memory: a token a text, a dollar a million. */
export function stubEmbeddingModel(space = 'stub'): StubEmbeddingModel {
  const calls: StubEmbeddingModel['calls'] = [];
  const script: StubEmbeddingModel['script'] = {};
  const costUsd = (tokens: number): number => tokens / 1e6;
  return {
    model: 'stub',
    space,
    calls,
    script,
    costUsd,
    embed: async (texts, signal) => {
      calls.push(texts);
      await script.embed?.(texts, signal);
      const usage = { promptTokens: texts.length, cachedTokens: 0, completionTokens: 0 };
      return { vectors: texts.map(stubVector), usage, limits: null, costUsd: costUsd(texts.length) };
    },
  };
}
