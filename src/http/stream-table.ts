import { createEventStream, type EventStream, type EventStreamOptions } from './event-stream.ts';

/** Streams of many things, each shared by all who watch the same one. */
export interface StreamTable {
  of(id: string): EventStream;
  /** How many are watched by somebody. */
  size(): number;
}

/** A stream is kept only while somebody watches it. */
export function createStreamTable<T>(optionsOf: (id: string) => EventStreamOptions<T>): StreamTable {
  const watched = new Map<string, EventStream>();

  const begin = (id: string): EventStream => {
    const onIdle = (): void => void watched.delete(id);
    const stream = createEventStream({ ...optionsOf(id), onIdle });
    watched.set(id, stream);
    return stream;
  };

  return {
    of: (id) => ({ open: (drop) => (watched.get(id) ?? begin(id)).open(drop) }),
    size: () => watched.size,
  };
}
