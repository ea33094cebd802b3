import type { FakeClock } from './fake-clock.ts';

/** Time in steps, between which timers that are none of the clock's (bottleneck's, a stream's) get their turn too. */
export async function livelyTime(clock: FakeClock, ms: number, stepMs: number): Promise<void> {
  for (let at = 0; at < ms; at += stepMs) {
    await clock.advance(Math.min(stepMs, ms - at));
    for (let turn = 0; turn < 2; turn++) await new Promise((resolve) => setTimeout(resolve, 0));
  }
}
