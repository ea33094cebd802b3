import { type FileRunConfig, readFileRunConfig } from '../config.ts';
import { type Clock, systemClock } from '../core/clock.ts';
import type { ServiceTier } from '../core/language-model.ts';
import type { FileRun } from '../file-run.ts';
import { estimateRun } from './batch-run-estimate.ts';
import { printProblems, printSummary, type RunReport, sentenceOf, summaryJson } from './batch-run-view.ts';
import { CommandError, EXIT } from './command-error.ts';
import { type DraftFile, openDraftFile } from './draft-file.ts';
import { recordOf } from './draft-record.ts';
import { readEnvironment } from './environment.ts';
import { formatOf } from './file-records.ts';
import { explain, isHopeless, onSoundDisk, openRun, workOff } from './file-work.ts';
import { packagePath } from './package-path.ts';
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
      if (isHopeless(errorClass)) stop.fail(errorClass);
    },
    onBroken: ({ sentence }) => stop.fail(new CommandError(sentence, EXIT.disk)),
    onFault: (where, error) => faults.push(`${where}: ${error}`),
  });
  if (options.budgetUsd !== undefined && !run.progress().priceKnown) {
    throw new CommandError('--budget-usd means nothing: the price of LLM_MODEL is not known.', EXIT.config);
  }
  const startedAt = clock.steady();
  const { missing, changed, outFile } = await onSoundDisk(run, databaseOf(out), () => prepare(parts, run, ledger));
  answers = outFile;
  const earlier = ledger.done;
  await onSoundDisk(run, databaseOf(out), () => run.enqueue(missing));
  if (ledger.done < ledger.total) {
    const title = `${ledger.total} of ${file.tickets.size} tickets of ${parts.input}`;
    await workOff({ run, ledger, clock, stop, title: options.json === true ? null : title });
  }
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

function exampleOf(ticketId: string, file: TicketFile, run: FileRun) {
  const { line = 0, id = '' } = file.tickets.get(ticketId) ?? {};
  return { line, id, error: run.ticket(ticketId)?.error ?? '' };
}
