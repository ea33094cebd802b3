import { errorName } from '../core/errors.ts';
import type { Helpdesk } from '../core/helpdesk.ts';
import { KNOWLEDGE_KINDS, type KnowledgeBase } from '../core/knowledge-base.ts';
import type { KnowledgeSyncer, SourceProgress } from '../core/knowledge-sync.ts';
import type { Observer } from '../core/observer.ts';
import { createSourceReader, type PassOptions, type SourceReader } from './knowledge-pass.ts';
import { repeat } from './repeat.ts';

/** How often newly solved tickets are looked for where nothing is synced, ms. */
const JOIN_EVERY_MS = 3_600_000;
/** How often old history is looked for, ms. */
const FORGET_EVERY_MS = 3_600_000;
const DAY_MS = 24 * 3_600_000;

export interface KnowledgeSyncOptions extends Omit<PassOptions, 'since' | 'signal' | 'knowledge' | 'wanted' | 'place'> {
  readonly knowledge: PassOptions['knowledge'] & Pick<KnowledgeBase, 'forgetSolved' | 'summary'>;
  readonly helpdesks: ReadonlyMap<string, Helpdesk>;
  readonly observer: Observer;
  /** KNOWLEDGE_SYNC_MINUTES; 0: only when asked. */
  readonly everyMinutes: number;
  /** KNOWLEDGE_JOIN_SOLVED: tickets that are known here join the history once they are solved, without a sync too. */
  readonly joinSolved: boolean;
  readonly isKnown: (helpdesk: string, ticketId: string) => boolean;
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
  const { knowledge, clock, observer, everyMinutes, joinSolved, retentionDays } = options;
  const stopping = new AbortController();
  const since = (): number => clock.now() - retentionDays * DAY_MS;
  const seats = readersOf({ ...options, since, signal: stopping.signal });
  const joining = everyMinutes === 0 && joinSolved ? joinersOf({ ...options, since, signal: stopping.signal }) : [];
  let cancels: (() => void)[] = [];
  let forgetting: Promise<void> = Promise.resolve();

  /** What will not pass by itself is said once, and kept in the source's state for whoever asks. */
  function tell(seat: Seat, { state, error }: SourceProgress): void {
    if (state === 'synced') seat.said = null;
    if (error === null || error === seat.said) return;
    seat.said = error;
    observer.alarm({ kind: 'knowledge_sync', detail: `${seat.reader.source}, ${seat.reader.kind}: ${error}` });
  }

  function tellChanges({ source, kind, state, imported, updated, removed }: SourceProgress, durationMs: number): void {
    if (state !== 'synced' || imported + updated + removed === 0) return;
    observer.knowledgeRead({ source, kind, imported, updated, removed, durationMs });
  }

  function run(seat: Seat): Promise<SourceProgress> {
    const beganAt = clock.steady();
    seat.running ??= seat.reader
      .read((progress) => {
        for (const listener of seat.listeners) listener(progress);
      })
      .then((ended) => {
        tell(seat, ended);
        tellChanges(ended, clock.steady() - beganAt);
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

  /** Not into an empty base: whoever has put nothing there wants no texts of customers there. */
  async function join(): Promise<void> {
    const { articles, solved } = knowledge.summary().counts;
    if (articles + solved > 0) await Promise.all(joining.map(run));
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
      if (joining.length > 0) {
        cancels.push(repeat({ ...rounds, everyMs: JOIN_EVERY_MS }, join));
        void join();
      }
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
      await Promise.all([forgetting, ...[...seats, ...joining].map(({ running }) => running)]);
    },
  };
}

/** The same tickets under the same source, but their own place in it: a sync later on reads all that was before, too. */
function joinersOf(options: KnowledgeSyncOptions & PassOptions): Seat[] {
  const { clock, isKnown, helpdesks, knowledge: base } = options;
  return [...helpdesks.values()].flatMap(({ name, knowledge: { solved } = {} }): Seat[] => {
    if (solved === undefined) return [];
    const place = `${name}/joining`;
    // the first time a day back: what is older is a sync's
    const since = (): number =>
      base.syncState(place, 'solved').cursor === null ? clock.now() - DAY_MS : options.since();
    const wanted = (ticketId: string): boolean => isKnown(name, ticketId);
    return [seatOf(createSourceReader(name, 'solved', solved, { ...options, since, wanted, place }))];
  });
}

function readersOf(options: KnowledgeSyncOptions & PassOptions): Seat[] {
  return [...options.helpdesks.values()].flatMap(({ name, knowledge = {} }) =>
    KNOWLEDGE_KINDS.flatMap((kind): Seat[] => {
      const read = knowledge[kind];
      if (read === undefined) return [];
      return [seatOf(createSourceReader(name, kind, read, options))];
    }),
  );
}

function seatOf(reader: SourceReader): Seat {
  return { reader, listeners: new Set(), running: null, said: null };
}
