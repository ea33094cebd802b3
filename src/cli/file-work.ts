import type { FileRunConfig } from '../config.ts';
import type { Clock } from '../core/clock.ts';
import { type FileRun, type FileRunParts, openFileRun } from '../file-run.ts';
import { toPicture } from './batch-run-view.ts';
import { CommandError, EXIT, exitOf } from './command-error.ts';
import { createProgressView } from './progress-view.ts';
import type { Ledger } from './run-ledger.ts';
import type { Stopper } from './stopper.ts';

const LOOK_EVERY_MS = 200;
/** How long calls under way may take once the run is to stop: they are paid for. */
const GRACE_MS = 10_000;
/** Of these a run does not recover by waiting: somebody must change a setting. */
const HOPELESS = new Set(['auth', 'forbidden', 'model_not_found']);

export function isHopeless(errorClass: string): boolean {
  return HOPELESS.has(errorClass);
}

/** Throws `CommandError` when the database cannot be used. */
export function openRun(config: FileRunConfig, parts: FileRunParts): FileRun {
  try {
    return openFileRun(config, parts);
  } catch (error) {
    throw new CommandError(error instanceof Error ? error.message : String(error), exitOf(error), { cause: error });
  }
}

/** Before the run has begun nobody waits for a disk that refuses. */
export async function onSoundDisk<T>(run: FileRun, database: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const fault = run.fault();
    if (fault === null) throw error;
    const what = `${database} cannot be written (${fault.code}).`;
    throw new CommandError(`${what} See to the disk, then run the same command again.`, EXIT.disk, { cause: error });
  }
}

export interface Work {
  readonly run: FileRun;
  readonly ledger: Ledger;
  readonly clock: Clock;
  readonly stop: Stopper;
  /** Above the progress bar; null: nothing is shown. */
  readonly title: string | null;
}

/** Until every ticket has its result, or the run is to stop. */
export async function workOff({ run, ledger, clock, stop, title }: Work): Promise<void> {
  const view = title === null ? null : createProgressView(process.stdout);
  if (view !== null) process.stdout.write(`\n  ${title}\n\n`);
  const startedAt = clock.steady();
  const show = (): void =>
    view?.update(toPicture(run.progress(), ledger, stop.signalled()), clock.steady() - startedAt);
  await run.start();
  while (!stop.signal.aborted) {
    show();
    if (run.progress().halted !== null) stop.finish();
    await clock.sleep(LOOK_EVERY_MS, stop.signal);
  }
  let stopped = false;
  const stopping = run.stop(GRACE_MS).finally(() => (stopped = true));
  while (!stopped) {
    show();
    await Promise.race([stopping, clock.sleep(LOOK_EVERY_MS)]);
  }
  show();
}

/** An error class that stopped the run becomes what the model's server said. */
export function explain(failure: unknown, run: FileRun): unknown {
  if (typeof failure !== 'string') return failure;
  const reason = run.progress().waitingFor ?? failure;
  return new CommandError(
    `${reason} Mend that and run the same command again: it goes on where it stopped.`,
    EXIT.config,
  );
}
