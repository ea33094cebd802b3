import type { Observer } from '../../src/core/observer.ts';
import { silentObserver } from '../../src/core/observer.ts';

type Event = Exclude<keyof Observer, 'during'>;
type Recorded = { [Name in Event]: { readonly name: Name } & Parameters<Observer[Name]>[0] }[Event];

/** Keeps every event, in order. */
export interface RecordingObserver extends Observer {
  readonly events: Recorded[];
}

export function recordingObserver(): RecordingObserver {
  const events: Recorded[] = [];
  const names = Object.keys(silentObserver) as (keyof Observer)[];
  const record = Object.fromEntries(
    names.map((name) => [name, (event: object) => void events.push({ name, ...event } as Recorded)]),
  );
  return { ...(record as unknown as Observer), during: (_, work) => work(), events };
}
