/** A text that lacks a vector. */
export interface Unembedded {
  /** Of the text: equal texts get one vector. */
  readonly digest: string;
  readonly text: string;
}

/** How many passages and solved tickets have a vector. */
export interface VectorCounts {
  readonly wanted: number;
  readonly made: number;
}

/** The vectors of what is known, kept beside it and gone with it. Throws `OutboxUnavailable` when the disk refuses. */
export interface VectorStore {
  /** Texts without a vector of this model, passages first, none of these digests. */
  missing(limit: number, except: ReadonlySet<string>): Promise<readonly Unembedded[]>;
  /** By digest. What has been removed meanwhile is not kept. */
  put(vectors: ReadonlyMap<string, Float32Array>): Promise<void>;
  /** Adds to what was spent today (USD). */
  spend(costUsd: number): Promise<void>;
  counts(): VectorCounts;
}

/** Gives a search the vector of its question. */
export interface QuestionEmbedder {
  /** What vectors must share to be compared. */
  readonly space: string;
  /** Null where it cannot be had in time: the search goes on without. Never rejects. */
  question(text: string): Promise<Float32Array | null>;
}

/** How far the making of vectors is. */
export interface EmbeddingProgress extends VectorCounts {
  readonly model: string;
  /** `waiting`: something has failed, see `error`; `full`: each has one that can have one. */
  readonly state: 'filling' | 'waiting' | 'full' | 'stopped';
  /** Texts that the model will not take. */
  readonly refused: number;
  /** Why the last call failed; a sentence. */
  readonly error: string | null;
}
