import type { KnowledgeKind } from './knowledge-base.ts';

/** How far the reading of one source is. */
export interface SourceProgress {
  /** Helpdesk. */
  readonly source: string;
  readonly kind: KnowledgeKind;
  /** `synced`: read to its end; `paused`: the helpdesk is, the next round goes on; `failed`: see `error`. */
  readonly state: 'reading' | 'synced' | 'paused' | 'failed' | 'stopped';
  /** Of this pass: items that the source listed, and what became of them. */
  readonly listed: number;
  readonly imported: number;
  readonly updated: number;
  readonly removed: number;
  readonly rejected: number;
  /** A sentence. */
  readonly error: string | null;
}

/** Brings the knowledge base up to date with the helpdesks, for `POST /admin/knowledge/sync` and `draftdesk knowledge sync`. */
export interface KnowledgeSyncer {
  /**
   * Reads all sources now, to their end, each from where it was; one that is being read already is joined. `onProgress`
   * hears of each page. Never rejects: what went wrong is in the answer. A first pass may take hours.
   */
  sync(onProgress?: (progress: SourceProgress) => void): Promise<readonly SourceProgress[]>;
  /** Every source with its last or running pass. */
  progress(): readonly SourceProgress[];
}
