import { errorName } from '../core/errors.ts';
import type { Helpdesk } from '../core/helpdesk.ts';
import { KNOWLEDGE_KINDS, type KnowledgeBase } from '../core/knowledge-base.ts';
import type { KnowledgeSyncer, SourceProgress } from '../core/knowledge-sync.ts';
import type { Observer } from '../core/observer.ts';
import { createSourceReader, type PassOptions, type SourceReader } from './knowledge-pass.ts';
import { repeat } from './repeat.ts';

/** How often old history is looked for, ms. */
const FORGET_EVERY_MS = 3_600_000;
const DAY_MS = 24 * 3_600_000;

export interface KnowledgeSyncOptions extends Omit<PassOptions, 'since' | 'signal' | 'knowledge'> {
  readonly knowledge: PassOptions['knowledge'] & Pick<KnowledgeBase, 'forgetSolved'>;
  readonly helpdesks: ReadonlyMap<string, Helpdesk>;
  readonly observer: Observer;
  /** KNOWLEDGE_SYNC_MINUTES; 0: only when asked. */
  readonly everyMinutes: number;
  /** KNOWLEDGE_RETENTION_DAYS. */
  readonly retentionDays: number;
}

export interface KnowledgeSync extends KnowledgeSyncer {
  /** Begins at once where the last process stopped, and from then on every so many minutes. */
  start(): void;
  /** Resolves when nothing is under way any more. */
  stop(): Promise<void>;
}

type Listener = (progress: SourceProgress) => void;

/** A source, and who reads it and listens at this moment. */
interface Seat {
  readonly reader: SourceReader;
  readonly listeners: Set<Listener>;
  running: Promise<SourceProgress> | null;
  /** What was said last about it: once is enough. */
  said: string | null;
}

/**
 * Keeps the knowledge base up to date with the helpdesks, and its history within its time. Sources are read side by
 * side: a history that takes hours holds up no article. What fails for one says nothing about the others.
 */
export function createKnowledgeSync(options: KnowledgeSyncOptions): KnowledgeSync {
  const { knowledge, clock, observer, everyMinutes, retentionDays } = options;
  const stopping = new AbortController();
  const since = (): number => clock.now() - retentionDays * DAY_MS;
  const seats = readersOf({ ...options, since, signal: stopping.signal });
  let cancels: (() => void)[] = [];
  let forgetting: Promise<void> = Promise.resolve();

  /** What will not pass by itself is said once, and kept in the source's state for whoever asks. */
  function tell(seat: Seat, { state, error }: SourceProgress): void {
    if (state === 'synced') seat.said = null;
    if (error === null || error === seat.said) return;
    seat.said = error;
    observer.alarm({ kind: 'knowledge_sync', detail: `${seat.reader.source}, ${seat.reader.kind}: ${error}` });
  }

  function run(seat: Seat): Promise<SourceProgress> {
    seat.running ??= seat.reader
      .read((progress) => {
        for (const listener of seat.listeners) listener(progress);
      })
      .then((ended) => {
        tell(seat, ended);
        return ended;
      })
      .finally(() => {
        seat.running = null;
      });
    return seat.running;
  }

  async function sync(onProgress?: Listener): Promise<SourceProgress[]> {
    const listener: Listener = (progress) => onProgress?.(progress);
    for (const { listeners } of seats) listeners.add(listener);
    try {
      return await Promise.all(seats.map(run));
    } finally {
      for (const { listeners } of seats) listeners.delete(listener);
    }
  }

  async function forget(): Promise<void> {
    try {
      for (let went = 1; went > 0 && !stopping.signal.aborted;) went = await knowledge.forgetSolved(since());
    } catch (error) {
      observer.fault({ where: 'knowledge-retention', error: errorName(error) });
    }
  }

  return {
    sync,
    progress: () => seats.map(({ reader }) => reader.progress()),
    start: () => {
      const rounds = { clock, observer, where: 'knowledge-sync' };
      const again = (): Promise<void> => (forgetting = forget());
      cancels = [repeat({ ...rounds, everyMs: FORGET_EVERY_MS }, again)];
      void again();
      if (everyMinutes === 0) return;
      const round = async (): Promise<void> => {
        await sync();
      };
      cancels.push(repeat({ ...rounds, everyMs: everyMinutes * 60_000 }, round));
      void round();
    },
    stop: async () => {
      stopping.abort();
      for (const cancel of cancels) cancel();
      await Promise.all([forgetting, ...seats.map(({ running }) => running)]);
    },
  };
}

function readersOf(options: KnowledgeSyncOptions & PassOptions): Seat[] {
  return [...options.helpdesks.values()].flatMap(({ name, knowledge = {} }) =>
    KNOWLEDGE_KINDS.flatMap((kind): Seat[] => {
      const read = knowledge[kind];
      if (read === undefined) return [];
      const reader = createSourceReader(name, kind, read, options);
      return [{ reader, listeners: new Set(), running: null, said: null }];
    }),
  );
}
