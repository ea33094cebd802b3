import type { Clock } from './clock.ts';

/** Gives way to whoever waits for the event loop, when it has been long enough since it last did. */
export type Breathe = () => Promise<void>;

/** Work may go on so long without a pause, ms. */
const STRETCH_MS = 8;

/** For work in many small steps: call it between them. */
export function createBreathe(clock: Pick<Clock, 'steady'>): Breathe {
  let since = clock.steady();
  return async () => {
    if (clock.steady() - since < STRETCH_MS) return;
    await new Promise((resolve) => setImmediate(resolve));
    since = clock.steady();
  };
}
