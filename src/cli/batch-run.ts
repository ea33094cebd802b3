import { type FileRunConfig, readFileRunConfig } from '../config.ts';
import { type Clock, systemClock } from '../core/clock.ts';
import type { ServiceTier } from '../core/language-model.ts';
import { type FileRun, type FileRunParts, openFileRun } from '../file-run.ts';
import { estimateRun } from './batch-run-estimate.ts';
import { printProblems, printSummary, type RunReport, sentenceOf, summaryJson, toPicture } from './batch-run-view.ts';
import { CommandError, EXIT, exitOf } from './command-error.ts';
import { type DraftFile, openDraftFile } from './draft-file.ts';
import { recordOf } from './draft-record.ts';
import { readEnvironment } from './environment.ts';
import { formatOf } from './file-records.ts';
import { packagePath } from './package-path.ts';
import { createProgressView } from './progress-view.ts';
import { checkOut, databaseOf } from './run-files.ts';
import { createLedger, isResult, type Ledger } from './run-ledger.ts';
import { createStopper, type Stopper } from './stopper.ts';
import { openTicketFile, type TicketFile } from './ticket-file.ts';
import { jsonLine } from './shown.ts';

export interface BatchRunOptions {
  readonly out?: string;
  readonly dryRun?: true;
  readonly retry?: true;
  readonly force?: true;
  readonly json?: true;
  readonly limit?: number;
  readonly concurrency?: number;
  readonly guidelines?: string;
  readonly budgetUsd?: number;
  readonly lane?: ServiceTier;
}

const LOOK_EVERY_MS = 200;
/** How long calls under way may take once the run is to stop: they are paid for. */
const GRACE_MS = 10_000;
/** Of these a run does not recover by waiting: somebody must change a setting. */
const HOPELESS = new Set(['auth', 'forbidden', 'model_not_found']);

/** Drafts the tickets of a file. Answers the exit code; throws `CommandError` and `ConfigError`. */
export async function runBatchFile(input: string, options: BatchRunOptions): Promise<number> {
  const clock = systemClock();
  const config = readFileRunConfig({
    ...readEnvironment(),
    ...(options.guidelines === undefined ? {} : { GUIDELINES_FILE: options.guidelines }),
    ...(options.concurrency === undefined ? {} : { WORKER_CONCURRENCY: String(options.concurrency) }),
  });
  const limit = options.limit ?? Number.POSITIVE_INFINITY;
  if (formatOf(input) === null) throw new CommandError(`${input} must end with .jsonl, .ndjson or .csv.`);
  const stop = createStopper();
  const onChanged = (): void =>
    stop.fail(new CommandError(`${input} was changed while it was read. Run the same command again: it goes on.`));
  await using file = await openTicketFile(input, { limit, receivedAt: clock.now(), onChanged });
  printProblems(process.stderr, input, file);
  if (file.tickets.size === 0) {
    throw new CommandError(file.problems.length === 0 ? `${input} is empty.` : `${input} holds no tickets.`);
  }
  if (options.dryRun === true)
    return await estimateRun(file, {
      config,
      limit,
      out: options.out,
      json: options.json === true,
      tier: options.lane ?? 'standard',
    });
  return await draft({ input, out: checkOut(input, options), file, config, clock, stop, options });
}

interface Parts {
  readonly input: string;
  readonly out: string;
  readonly file: TicketFile;
  readonly config: FileRunConfig;
  readonly clock: Clock;
  readonly stop: Stopper;
  readonly options: BatchRunOptions;
}

async function draft(parts: Parts): Promise<number> {
  const { out, file, config, clock, stop, options } = parts;
  const limit = options.limit ?? Number.POSITIVE_INFINITY;
  const faults: string[] = [];
  let answers: DraftFile | null = null;
  const ledger = createLedger(
    Math.min(limit, file.tickets.size),
    (ticketId) => (file.tickets.get(ticketId)?.ordinal ?? limit) < limit,
    (ticketId) => exampleOf(ticketId, file, run),
  );
  await using run: FileRun = openRun(config, {
    databasePath: databaseOf(out),
    migrationsFolder: packagePath('migrations', 'sqlite'),
    tier: options.lane ?? 'standard',
    budgetUsd: options.budgetUsd ?? null,
    helpdesk: file.helpdesk,
    onFinished: (ticketId, status, reason) => {
      if (!ledger.settle(ticketId, { status, reason })) return;
      try {
        answers?.append(recordOf(ticketId, file, run));
      } catch (error) {
        stop.fail(error);
      }
      if (ledger.done === ledger.total) stop.finish();
    },
    onPaused: (errorClass) => {
      if (HOPELESS.has(errorClass)) stop.fail(errorClass);
    },
    onBroken: ({ sentence }) => stop.fail(new CommandError(sentence, EXIT.disk)),
    onFault: (where, error) => faults.push(`${where}: ${error}`),
  });
  if (options.budgetUsd !== undefined && !run.progress().priceKnown) {
    throw new CommandError('--budget-usd means nothing: the price of LLM_MODEL is not known.', EXIT.config);
  }
  const startedAt = clock.steady();
  const { missing, changed, outFile } = await onSoundDisk(run, out, () => prepare(parts, run, ledger));
  answers = outFile;
  const earlier = ledger.done;
  await onSoundDisk(run, out, () => run.enqueue(missing));
  if (ledger.done < ledger.total) await work(parts, run, ledger);
  answers.close();
  const progress = run.progress();
  const halted = ledger.done < ledger.total && !stop.signalled() ? progress.halted : null;
  const report: RunReport = {
    ...parts,
    ledger,
    changed,
    earlier,
    progress,
    halted: halted === null ? null : sentenceOf(halted, options.budgetUsd),
    elapsedMs: clock.steady() - startedAt,
    database: databaseOf(out),
    faults,
  };
  const failure = stop.failure();
  if (failure !== null) throw explain(failure, run);
  if (options.json === true) process.stdout.write(jsonLine(summaryJson(report)));
  else printSummary(process.stdout, report);
  if (halted !== null) return halted.errorClass === null ? EXIT.failed : EXIT.unfinished;
  if (ledger.done < ledger.total) return EXIT.interrupted;
  return ledger.dead > 0 || file.problems.length > 0 ? EXIT.failed : 0;
}

function openRun(config: FileRunConfig, parts: FileRunParts): FileRun {
  try {
    return openFileRun(config, parts);
  } catch (error) {
    throw new CommandError(error instanceof Error ? error.message : String(error), exitOf(error), { cause: error });
  }
}

/** Before the run has begun nobody waits for a disk that refuses. */
async function onSoundDisk<T>(run: FileRun, out: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const fault = run.fault();
    if (fault === null) throw error;
    const what = `${databaseOf(out)} cannot be written (${fault.code}).`;
    throw new CommandError(`${what} See to the disk, then run the same command again.`, EXIT.disk, { cause: error });
  }
}

/** Brings ledger and answers up to what is known already; tells what is still to be queued. */
async function prepare({ out, file, options }: Parts, run: FileRun, ledger: Ledger) {
  const waiting = new Set<string>();
  const again = new Set<string>();
  for (const ticket of run.tickets()) {
    const { ticketId, status } = ticket;
    if (!file.tickets.has(ticketId)) continue;
    if (status === 'dead' && options.retry === true) again.add(ticketId);
    else if (isResult(ticket)) ledger.settle(ticketId, ticket);
    else if (status !== 'cancelled' && status !== 'skipped') waiting.add(ticketId);
  }
  await run.retryDead([...again]);

  const written = new Set<string>();
  const idsOf = new Map(Array.from(file.tickets, ([ticketId, { id }]) => [String(id), ticketId]));
  let changed = 0;
  const outFile = await openDraftFile(out, {
    force: options.force === true,
    judge: (id, is) => {
      const ticketId = idsOf.get(id);
      if (ticketId === undefined || written.has(ticketId)) return 'foreign';
      const known = run.ticket(ticketId);
      if (known === null || !isResult(known)) {
        if (!again.has(ticketId)) changed += 1;
        return 'drop';
      }
      if (!is(recordOf(ticketId, file, run))) return 'foreign';
      written.add(ticketId);
      return 'keep';
    },
  });
  const missing: string[] = [];
  for (const [ticketId, { ordinal }] of file.tickets) {
    if (ordinal >= ledger.total) break;
    if (ledger.isDone(ticketId)) {
      if (!written.has(ticketId)) outFile.append(recordOf(ticketId, file, run));
    } else if (!waiting.has(ticketId) && !again.has(ticketId)) missing.push(ticketId);
  }
  return { missing, changed, outFile };
}

/** Until every ticket has its result, or the run is to stop. */
async function work({ clock, stop, input, file, options }: Parts, run: FileRun, ledger: Ledger): Promise<void> {
  const view = options.json === true ? null : createProgressView(process.stdout);
  if (view !== null) process.stdout.write(`\n  ${ledger.total} of ${file.tickets.size} tickets of ${input}\n\n`);
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
function explain(failure: unknown, run: FileRun): unknown {
  if (typeof failure !== 'string') return failure;
  const reason = run.progress().waitingFor ?? failure;
  return new CommandError(
    `${reason} Mend that and run the same command again: it goes on where it stopped.`,
    EXIT.config,
  );
}

function exampleOf(ticketId: string, file: TicketFile, run: FileRun) {
  const { line = 0, id = '' } = file.tickets.get(ticketId) ?? {};
  return { line, id, error: run.ticket(ticketId)?.error ?? '' };
}
