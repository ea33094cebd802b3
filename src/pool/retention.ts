import type { Clock } from '../core/clock.ts';
import { errorName } from '../core/errors.ts';
import type { Observer } from '../core/observer.ts';
import type { Outbox } from '../core/outbox.ts';
import { repeat } from './repeat.ts';

/** How often old texts are looked for, ms. */
const EVERY_MS = 3_600_000;
/** How often to see whether it is quiet, ms. */
const TIDY_MS = 60_000;
const DAY_MS = 24 * 3_600_000;

export interface RetentionOptions {
  readonly outbox: Pick<Outbox, 'removeTexts' | 'tidy'>;
  readonly clock: Clock;
  readonly observer: Observer;
  /** RETENTION_DAYS. */
  readonly days: number;
  /** Nobody waits for a ticket at this moment. */
  readonly isQuiet: () => boolean;
}

export interface Retention {
  start(): void;
  /** Resolves when nothing is under way any more. */
  stop(): Promise<void>;
}

/** Removes the texts of finished tickets when they have grown old, at the start and every hour; tidies up when it is quiet. */
export function createRetention({ outbox, clock, observer, days, isQuiet }: RetentionOptions): Retention {
  let cancels: (() => void)[] = [];
  const stopping = new AbortController();
  let last: Promise<void> = Promise.resolve();
  const round = async (): Promise<void> => {
    await outbox.removeTexts(clock.now() - days * DAY_MS, stopping.signal);
  };
  const run = (): Promise<void> =>
    (last = round().catch((error: unknown) => observer.fault({ where: 'retention', error: errorName(error) })));
  return {
    start: () => {
      const repeating = { clock, observer, where: 'retention' };
      cancels = [
        repeat({ ...repeating, everyMs: EVERY_MS }, run),
        repeat({ ...repeating, everyMs: TIDY_MS }, () => (isQuiet() ? outbox.tidy() : undefined)),
      ];
      void run();
    },
    stop: async () => {
      stopping.abort();
      for (const cancel of cancels) cancel();
      await last;
    },
  };
}
