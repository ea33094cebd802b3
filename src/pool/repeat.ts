import type { Clock } from '../core/clock.ts';
import { errorName } from '../core/errors.ts';
import type { Observer } from '../core/observer.ts';

export interface Repeating {
  readonly clock: Clock;
  readonly observer: Observer;
  /** Named in the log when the action fails. */
  readonly where: string;
  readonly everyMs: number;
}

/** Runs the action again and again, without overlapping itself, until the answered function is called. */
export function repeat({ clock, observer, where, everyMs }: Repeating, action: () => Promise<void> | void): () => void {
  let stopped = false;
  let cancel = (): void => undefined;
  const tick = (): void => {
    if (stopped) return;
    cancel = clock.after(everyMs, () => {
      void Promise.resolve()
        .then(action)
        .catch((error: unknown) => observer.fault({ where, error: errorName(error) }))
        .finally(tick);
    });
  };
  tick();
  return () => {
    stopped = true;
    cancel();
  };
}
