import type { FileRunConfig } from '../config.ts';
import type { Clock } from '../core/clock.ts';
import type { Conversation } from '../core/helpdesk.ts';
import type { ServiceTier } from '../core/language-model.ts';
import type { RuleSet } from '../core/rules.ts';
import type { ReplayedTicket } from '../core/replay-result.ts';
import type { FileRun } from '../file-run.ts';
import type { Past, PastTicket } from '../replay-past.ts';
import { sentenceOf } from './batch-run-view.ts';
import { CommandError, EXIT } from './command-error.ts';
import { fileHelpdesk, notAsked, ticketIdOf, toConversation } from './file-helpdesk.ts';
import { explain, isHopeless, onSoundDisk, openRun, workOff } from './file-work.ts';
import { packagePath } from './package-path.ts';
import { createLedger, isResult, type Ledger, placeOf } from './run-ledger.ts';
import type { Stopper } from './stopper.ts';

export interface PastDrafting {
  readonly past: Past;
  readonly config: FileRunConfig;
  readonly rules: RuleSet;
  readonly stop: Stopper;
  readonly clock: Clock;
  /** What a run has drafted and paid for. */
  readonly databasePath: string;
}

export interface DraftPastOptions {
  readonly budgetUsd?: number;
  readonly lane?: ServiceTier;
  readonly json?: true;
}

export interface PastDrafts {
  /** Why there is nothing to compare yet, as the command's end; null: every ticket has its result. */
  readonly exitCode: number | null;
  readonly tickets: readonly ReplayedTicket[];
  /** Results that an earlier try had paid for. */
  readonly earlier: number;
  readonly bodyOf: (id: string) => string;
}

/** Drafts the chosen tickets as batch work on a database of their own; what is drafted there already is not paid again. */
export async function draftPast(drafting: PastDrafting, options: DraftPastOptions): Promise<PastDrafts> {
  const { past, stop, clock } = drafting;
  const byTicketId = new Map(past.tickets.map((ticket) => [ticketIdOf(ticket), ticket]));
  const faults: string[] = [];
  const ledger = createLedger(
    byTicketId.size,
    (ticketId) => byTicketId.has(ticketId),
    (ticketId) => ({
      line: null,
      id: byTicketId.get(ticketId)?.id ?? '',
      error: run.ticket(ticketId)?.error ?? '',
    }),
  );
  await using run: FileRun = openRun(drafting.config, {
    ...partsOf(drafting, byTicketId, options),
    onFinished: (ticketId, status, reason) => {
      ledger.settle(ticketId, { status, reason });
      if (ledger.done === ledger.total) stop.finish();
    },
    onPaused: (errorClass) => {
      if (isHopeless(errorClass)) stop.fail(errorClass);
    },
    onBroken: ({ sentence }) => stop.fail(new CommandError(sentence, EXIT.disk)),
    onFault: (where, error) => faults.push(`${where}: ${error}`),
  });
  if (!run.progress().priceKnown)
    throw new CommandError('--budget-usd means nothing: the price of the model is not known.', EXIT.config);
  const missing = await onSoundDisk(run, drafting.databasePath, () => prepare(run, byTicketId, ledger));
  const earlier = ledger.done;
  await onSoundDisk(run, drafting.databasePath, () => run.enqueue(missing));
  const title = `${ledger.total} past tickets of ${past.usable}, each with the knowledge from before it`;
  if (ledger.done < ledger.total)
    await workOff({ run, ledger, clock, stop, title: options.json === true ? null : title });
  const failure = stop.failure();
  if (failure !== null) throw explain(failure, run);
  for (const fault of new Set(faults)) process.stderr.write(`a fault of Draftdesk's own: ${fault}\n`);
  tellFailures(ledger);
  const details = new Map(Array.from(byTicketId, ([ticketId, { id }]) => [id, run.ticket(ticketId)]));
  return {
    exitCode: ledger.done < ledger.total ? tellUnfinished(run, ledger, stop, options) : null,
    tickets: past.tickets.map((ticket) => past.compare(ticket, details.get(ticket.id) ?? null)),
    earlier,
    bodyOf: (id) => details.get(id)?.draft?.body ?? '',
  };
}

/** What a file run of the past needs, but for what it tells. */
export function partsOf(
  { past, rules, clock, databasePath }: PastDrafting,
  byTicketId: ReadonlyMap<string, PastTicket>,
  { budgetUsd, lane = 'standard' }: DraftPastOptions,
) {
  const conversation = async (ticketId: string): Promise<Conversation> => {
    const ticket = byTicketId.get(ticketId);
    // left waiting by a larger sample
    if (ticket === undefined) throw notAsked();
    const { language, solvedAt, traits } = ticket;
    return { ...toConversation(ticketId, ticket, solvedAt ?? clock.now()), locale: language, traits };
  };
  return {
    databasePath,
    migrationsFolder: packagePath('migrations', 'sqlite'),
    tier: lane,
    budgetUsd: budgetUsd ?? null,
    helpdesk: fileHelpdesk(conversation),
    rules,
    knowledge: past.asOf((ticketId) => byTicketId.get(ticketId)),
  };
}

/** Brings the ledger up to what is known already; answers what is still to be queued. */
async function prepare(
  run: FileRun,
  asked: ReadonlyMap<string, PastTicket>,
  ledger: Ledger,
): Promise<readonly string[]> {
  const waiting = new Set<string>();
  const dead: string[] = [];
  for (const ticket of run.tickets()) {
    const { ticketId, status } = ticket;
    if (!asked.has(ticketId)) continue;
    if (status === 'dead') dead.push(ticketId);
    else if (isResult(ticket)) ledger.settle(ticketId, ticket);
    else if (status !== 'cancelled' && status !== 'skipped') waiting.add(ticketId);
  }
  await run.retryDead(dead);
  const under = new Set([...waiting, ...dead]);
  return [...asked.keys()].filter((ticketId) => !ledger.isDone(ticketId) && !under.has(ticketId));
}

function tellFailures(ledger: Ledger): void {
  for (const { errorClass, count, example } of ledger.failures())
    process.stderr.write(`${count} ${errorClass}, e.g. ${placeOf(example)}: ${example.error}\n`);
}

/** Says why it has stopped, and how to go on. */
function tellUnfinished(run: FileRun, ledger: Ledger, stop: Stopper, { budgetUsd }: DraftPastOptions): number {
  const done = `${ledger.done} of ${ledger.total} drafted.`;
  const { halted } = run.progress();
  if (halted !== null && !stop.signalled()) {
    process.stderr.write(`Stopped with ${done} ${sentenceOf(halted, budgetUsd)} Nothing is paid twice.\n`);
    return halted.errorClass === null ? EXIT.failed : EXIT.unfinished;
  }
  process.stderr.write(`Interrupted with ${done} Run the same command again to go on; nothing is paid twice.\n`);
  return EXIT.interrupted;
}
