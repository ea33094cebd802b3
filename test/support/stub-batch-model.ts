import type { BatchJobStatus, BatchLine, BatchModel, BatchResult } from '../../src/core/batch-model.ts';
import { makeCompletion } from './stub-language-model.ts';

export interface StubBatch {
  readonly id: string;
  readonly key: string;
  readonly lines: readonly BatchLine[];
  status: Partial<BatchJobStatus>;
  /** What becomes of each line; null: nothing is told of it. */
  answer: (line: BatchLine) => BatchResult['outcome'] | null;
  cancelled: boolean;
  forgotten: boolean;
}

export interface StubBatchModel extends BatchModel {
  readonly batches: StubBatch[];
  /** Keys whose uploads were deleted. */
  readonly discarded: string[];
  script: {
    /** Before the batch is made, and after: what it throws comes out of `submit`. */
    beforeSubmit?: () => Promise<void>;
    afterSubmit?: () => Promise<void>;
    find?: () => Promise<void>;
    /** After so many results the download breaks. */
    breakAfter?: number;
    /** What comes out of reading results, after them. */
    results?: Error;
  };
  /** Every batch is over. */
  finish(status?: Partial<BatchJobStatus>): void;
}

/** A provider's Batch API in memory, for tests of the pool. */
export function stubBatchModel(): StubBatchModel {
  const batches: StubBatch[] = [];
  const discarded: string[] = [];
  const script: StubBatchModel['script'] = {};
  const byId = (id: string): StubBatch => {
    const found = batches.find((batch) => batch.id === id);
    if (found === undefined) throw new Error(`no batch ${id}`);
    return found;
  };
  return {
    model: 'gpt-6-luna',
    maxLines: 50_000,
    maxBytes: 200_000_000,
    batches,
    discarded,
    script,
    lineBytes: ({ prompt }) => prompt.system.length + prompt.user.length,
    submit: async (key, lines) => {
      await script.beforeSubmit?.();
      const all: BatchLine[] = [];
      for await (const line of lines) all.push(line);
      const id = `batch_${batches.length + 1}`;
      const answer = () => makeCompletion();
      batches.push({ id, key, lines: all, status: {}, answer, cancelled: false, forgotten: false });
      await script.afterSubmit?.();
      return { id };
    },
    find: async (key) => {
      await script.find?.();
      const found = batches.find((batch) => batch.key === key);
      return found === undefined ? null : { id: found.id };
    },
    status: async (id) => ({
      id,
      state: 'running',
      counts: { total: 0, completed: 0, failed: 0 },
      errors: [],
      errorClass: null,
      outputReady: false,
      ...byId(id).status,
    }),
    async *results(id) {
      const { lines, answer } = byId(id);
      let count = 0;
      for (const line of lines) {
        if (count === script.breakAfter) throw new Error('the download broke');
        count += 1;
        const outcome = answer(line);
        if (outcome !== null) yield { customId: line.customId, outcome };
      }
      if (script.results !== undefined) throw script.results;
    },
    discard: async (key) => {
      discarded.push(key);
    },
    cancel: async (id) => {
      byId(id).cancelled = true;
    },
    forget: async (id) => {
      byId(id).forgotten = true;
    },
    finish: (status = { state: 'completed', outputReady: true }) => {
      for (const batch of batches) batch.status = status;
    },
  };
}
