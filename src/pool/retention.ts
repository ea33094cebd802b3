import type { Clock } from '../core/clock.ts';
import { errorName } from '../core/errors.ts';
import type { Observer } from '../core/observer.ts';
import type { Outbox } from '../core/outbox.ts';
import { repeat } from './repeat.ts';

/** How often old texts are looked for, ms. */
const EVERY_MS = 3_600_000;
const DAY_MS = 24 * 3_600_000;

export interface RetentionOptions {
  readonly outbox: Pick<Outbox, 'removeTexts'>;
  readonly clock: Clock;
  readonly observer: Observer;
  /** RETENTION_DAYS. */
  readonly days: number;
}

export interface Retention {
  start(): void;
  /** Resolves when nothing is under way any more. */
  stop(): Promise<void>;
}

/** Removes the texts of finished tickets when they have grown old, at the start and every hour. */
export function createRetention({ outbox, clock, observer, days }: RetentionOptions): Retention {
  let cancel = (): void => undefined;
  const stopping = new AbortController();
  let last: Promise<void> = Promise.resolve();
  const round = async (): Promise<void> => {
    await outbox.removeTexts(clock.now() - days * DAY_MS, stopping.signal);
  };
  const run = (): Promise<void> =>
    (last = round().catch((error: unknown) => observer.fault({ where: 'retention', error: errorName(error) })));
  return {
    start: () => {
      cancel = repeat({ clock, observer, where: 'retention', everyMs: EVERY_MS }, run);
      void run();
    },
    stop: async () => {
      stopping.abort();
      cancel();
      await last;
    },
  };
}
