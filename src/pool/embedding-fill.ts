import type { Clock, Random } from '../core/clock.ts';
import { EMBEDDED_AT_ONCE } from '../core/embedding-model.ts';
import { errorName, type UpstreamError } from '../core/errors.ts';
import type { Observer } from '../core/observer.ts';
import { asUpstreamError, decide, type RetrySettings } from '../core/retry-policy.ts';
import type { EmbeddingProgress, Unembedded, VectorStore } from '../core/vector-store.ts';
import type { Embedder } from './embedder.ts';
import { repeat } from './repeat.ts';

/** How often texts without a vector are looked for, ms. */
const EVERY_MS = 2_000;
/** Nobody waits for it: it tries again for ever, further and further apart. */
const RETRY: RetrySettings = { maxAttempts: Number.POSITIVE_INFINITY, baseMs: 2_000, maxMs: 300_000 };
/** So many texts refused one after the other, and none taken: that is not the texts' fault. */
const REFUSED_IN_A_ROW = 5;
/** Refused texts that are remembered; more are asked for again. */
const REFUSED_MAX = 5_000;

export interface EmbeddingFillOptions {
  readonly embedder: Pick<Embedder, 'model' | 'texts'>;
  readonly vectors: VectorStore;
  readonly clock: Clock;
  readonly random: Random;
  readonly observer: Observer;
}

export interface EmbeddingFill {
  progress(): EmbeddingProgress;
  start(): void;
  /** Resolves when nothing is under way any more. */
  stop(): Promise<void>;
}

/** Makes the vectors that are missing, a group at a time, whenever there are any. What is made is kept at once. */
export function createEmbeddingFill(options: EmbeddingFillOptions): EmbeddingFill {
  const { embedder, vectors, clock, random, observer } = options;
  const stopping = new AbortController();
  const { signal } = stopping;
  const refused = new Set<string>();
  let state: EmbeddingProgress['state'] = 'stopped';
  let error: string | null = null;
  let said: string | null = null;
  let inARow = 0;
  let unsaved: ReadonlyMap<string, Float32Array> | null = null;
  let running: Promise<void> = Promise.resolve();
  let cancel = (): void => undefined;

  /** Made and paid for: what the disk has refused is offered to it again, and not asked for. */
  async function save(): Promise<void> {
    if (unsaved === null) return;
    await vectors.put(unsaved);
    unsaved = null;
    error = said = null;
  }

  async function make(some: readonly Unembedded[]): Promise<void> {
    const made = await embedder.texts(
      some.map(({ text }) => text),
      signal,
    );
    inARow = 0;
    unsaved = new Map(some.flatMap(({ digest }, at) => (made[at] === undefined ? [] : [[digest, made[at]] as const])));
    await save();
  }

  /** A text that the model will not take must not keep the others from theirs: each is asked for by itself then. */
  async function makeAll(some: readonly Unembedded[]): Promise<void> {
    try {
      await make(some);
    } catch (thrown) {
      const failure = asUpstreamError(thrown);
      const [first] = some;
      if (first === undefined || !isItsOwnFault(failure)) throw failure;
      if (some.length === 1) return refuse(first, failure);
      for (const one of some) if (!signal.aborted) await makeAll([one]);
    }
  }

  function refuse({ digest }: Unembedded, failure: UpstreamError): void {
    inARow += 1;
    if (inARow >= REFUSED_IN_A_ROW) throw failure;
    error = failure.message;
    if (refused.size < REFUSED_MAX) refused.add(digest);
  }

  function isItsOwnFault(failure: UpstreamError): boolean {
    const { kind, pauseScope } = judge(failure, 0);
    return kind === 'dead' && pauseScope === null;
  }

  function judge(failure: UpstreamError, failures: number) {
    const decision = decide(failure, { failures, ambiguousWaitMs: 0 }, RETRY, random);
    return decision.kind === 'skip' ? ({ kind: 'dead', pauseScope: null } as const) : decision;
  }

  async function fill(): Promise<void> {
    for (let failures = 0; !signal.aborted;) {
      await save();
      const some = await vectors.missing(EMBEDDED_AT_ONCE, refused);
      if (some.length === 0) {
        state = 'full';
        return;
      }
      state = 'filling';
      try {
        await makeAll(some);
        failures = 0;
      } catch (thrown) {
        if (signal.aborted) return;
        state = 'waiting';
        await clock.sleep(tell(asUpstreamError(thrown), failures), signal);
        failures += 1;
      }
    }
  }

  /** Says once what does not pass by itself; answers how long to wait. */
  function tell(failure: UpstreamError, failures: number): number {
    const decision = judge(failure, failures);
    error = failure.message;
    if (decision.kind === 'retry' && decision.pauseScope === null) return decision.delayMs;
    if (error !== said) observer.alarm({ kind: 'embeddings', detail: error });
    said = error;
    return RETRY.maxMs;
  }

  const round = (): Promise<void> =>
    (running = fill().catch((thrown: unknown) => {
      // the disk refuses: the next round looks again
      state = 'waiting';
      error = asUpstreamError(thrown).message;
      observer.fault({ where: 'embeddings', error: errorName(thrown) });
    }));

  return {
    progress: () => ({ model: embedder.model, state, refused: refused.size, error, ...vectors.counts() }),
    start: () => {
      cancel = repeat({ clock, observer, where: 'embeddings', everyMs: EVERY_MS }, () => running.then(round));
      void round();
    },
    stop: async () => {
      stopping.abort();
      cancel();
      await running;
      state = 'stopped';
    },
  };
}
