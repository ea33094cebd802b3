import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { readFileRunConfig, readReplayRules } from '../config.ts';
import { seededRandom, systemClock } from '../core/clock.ts';
import { RequestError } from '../core/errors.ts';
import type { ServiceTier } from '../core/language-model.ts';
import type { RuleSet } from '../core/rules.ts';
import { changeSince, regressions, type ReplayResult, worstOf } from '../core/replay-result.ts';
import {
  openPast,
  type Past,
  type PastFiles,
  type PastTicket,
  plainOf,
  replayId,
  replayVersions,
} from '../replay-past.ts';
import { CommandError, EXIT, exitOf, systemCode } from './command-error.ts';
import { readEnvironment } from './environment.ts';
import { formatOf } from './file-records.ts';
import { openUpload } from './knowledge-import.ts';
import { packagePath } from './package-path.ts';
import { draftPast, type PastDrafting } from './replay-draft.ts';
import { estimateReplay } from './replay-estimate.ts';
import type { ReplayComparison } from './replay-figures.ts';
import { openReplayFolder, type ReplayFolder } from './replay-folder.ts';
import { type ReplayPair, reportPage } from './replay-page.ts';
import { printReplay, replayJson, type ReplayReport } from './replay-view.ts';
import { jsonLine, shown } from './shown.ts';
import { createStopper, type Stopper } from './stopper.ts';

export interface ReplayOptions {
  readonly solved: string;
  readonly articles?: string;
  readonly out?: string;
  readonly sample: number;
  /** Needed unless it is a dry run. */
  readonly budgetUsd?: number;
  readonly model?: string;
  readonly guidelines?: string;
  readonly config?: string;
  readonly against?: string;
  readonly maxRegress: number;
  readonly lane?: ServiceTier;
  readonly concurrency?: number;
  readonly dryRun?: true;
  readonly show?: true;
  readonly json?: true;
}

const WORST = 10;
const PROBLEMS_SHOWN = 20;

/** Drafts past tickets again. Answers the exit code; throws `CommandError` and `ConfigError`. */
export async function runReplay(options: ReplayOptions): Promise<number> {
  if (options.dryRun !== true && options.budgetUsd === undefined)
    throw new CommandError('Say what it may cost: --budget-usd N (or --dry-run for an estimate).', EXIT.usage);
  const { solved } = options;
  const environment = environmentOf(options);
  const config = readFileRunConfig(environment);
  const rules = readReplayRules(environment);
  await checkFiles(options);
  const clock = systemClock();
  const folder = openReplayFolder(options.out ?? `${solved}.replay`);
  const stop = createStopper();
  if (options.json !== true) process.stderr.write(`Reading ${solved} …\n`);
  await using past = await openFiles(options, folder, stop);
  await printProblems(options, past);
  if (past.tickets.length === 0) throw new CommandError(`${solved} holds no ticket with a question and an answer.`);
  for (const line of untold(rules, past.tickets)) process.stderr.write(`${line}\n`);
  const versions = replayVersions(config, rules.version, past.digest);
  const id = replayId(config, versions);
  const drafting: PastDrafting = { past, config, rules, stop, clock, databasePath: folder.databasePath(id) };
  if (options.dryRun === true) return await estimateReplay(drafting, options);
  const last = lastOf(folder, id, options.against);
  const drafts = await draftPast(drafting, options);
  if (drafts.exitCode !== null) return drafts.exitCode;
  const now: ReplayResult = { id, endedAt: clock.now(), versions, tickets: drafts.tickets };
  folder.saveResult(now);
  const change = changeSince(last?.tickets ?? [], now.tickets, seededRandom(1));
  const comparison: ReplayComparison = { now, last, change, regressions: regressions(change, options.maxRegress) };
  const pairs = pairsOf(comparison, past, drafts.bodyOf);
  const time = new Date(now.endedAt).toISOString();
  folder.saveReport(id, reportPage({ ...comparison, pairs, time }));
  const report: ReplayReport = { ...comparison, pairs, earlier: drafts.earlier, reportPath: folder.reportPath(id) };
  if (options.json === true) process.stdout.write(jsonLine(replayJson(report)));
  else printReplay(process.stdout, report, options.show === true);
  const failed = now.tickets.some(({ outcome }) => outcome === 'failed');
  return failed || comparison.regressions.length > 0 ? EXIT.failed : 0;
}

/** The environment, with what is said at the terminal in its place. */
function environmentOf({ model, guidelines, config, concurrency }: ReplayOptions): NodeJS.ProcessEnv {
  return {
    ...readEnvironment(),
    ...(model === undefined ? {} : { LLM_MODEL: model }),
    ...(guidelines === undefined ? {} : { GUIDELINES_FILE: guidelines }),
    ...(config === undefined ? {} : { DRAFTDESK_CONFIG: config }),
    ...(concurrency === undefined ? {} : { WORKER_CONCURRENCY: String(concurrency) }),
  };
}

const TRAITS = ['brand', 'group', 'channel', 'priority'] as const;

/** What rules ask for and tickets do not say: those rules would take some of them at the helpdesk. */
function untold({ rules }: RuleSet, tickets: readonly PastTicket[]): readonly string[] {
  return TRAITS.flatMap((trait) => {
    const asking = rules.filter(({ when }) => when[trait] !== undefined).map(({ name }) => name);
    const silent = tickets.filter(({ traits }) => traits[trait] === null).length;
    if (asking.length === 0 || silent === 0) return [];
    return [
      `${silent} of ${tickets.length} tickets do not say their ${trait}: ${asking.join(', ')} takes none of them.`,
    ];
  });
}

/** Says no before anything is made. */
async function checkFiles({ solved, articles }: ReplayOptions): Promise<void> {
  if (formatOf(solved) !== 'jsonl')
    throw new CommandError(`${solved} must be a file of JSON lines: .jsonl or .ndjson.`, EXIT.usage);
  const found = await stat(solved).catch((error: unknown) => {
    throw new CommandError(`${solved} cannot be read (${systemCode(error)}).`, EXIT.usage);
  });
  if (!found.isFile()) throw new CommandError(`${solved} is not a file.`, EXIT.usage);
  if (articles !== undefined) await openUpload('articles', articles, undefined);
}

async function openFiles(
  { solved, articles, sample }: ReplayOptions,
  folder: ReplayFolder,
  stop: Stopper,
): Promise<Past> {
  const files: PastFiles = {
    solved: () => createReadStream(solved) as AsyncIterable<Buffer>,
    articles: articles === undefined ? null : () => articleLines(articles),
  };
  try {
    return await openPast(files, {
      databasePath: folder.knowledgePath,
      migrationsFolder: packagePath('migrations', 'sqlite'),
      sample,
      stopping: () => stop.signal.aborted,
    });
  } catch (error) {
    if (stop.signalled()) throw new CommandError('Interrupted while the files were read.', EXIT.interrupted);
    const message = error instanceof RequestError || error instanceof Error ? error.message : String(error);
    throw new CommandError(message, exitOf(error), { cause: error });
  }
}

async function* articleLines(path: string): AsyncGenerator<Uint8Array> {
  yield* (await openUpload('articles', path, undefined)).chunks;
}

async function printProblems({ solved, articles }: ReplayOptions, { rejected }: Past): Promise<void> {
  const upload = articles === undefined ? null : await openUpload('articles', articles, undefined);
  const lines = [
    ...rejected.articles.map(({ line, reason }) => `${shown(upload?.origin(line).place ?? '')} ${shown(reason)}\n`),
    ...rejected.solved.map(({ line, reason }) => `${solved}:${line} ${shown(reason)}\n`),
  ];
  for (const line of lines.slice(0, PROBLEMS_SHOWN)) process.stderr.write(line);
  if (lines.length > PROBLEMS_SHOWN) process.stderr.write(`… and ${lines.length - PROBLEMS_SHOWN} more such lines\n`);
}

/** The run to compare with: the newest other one, or the one that is named. */
function lastOf(folder: ReplayFolder, id: string, against: string | undefined): ReplayResult | null {
  const others = folder.results().filter((result) => result.id !== id);
  if (against === undefined) return others[0] ?? null;
  const named = others.find((result) => result.id === against);
  if (named !== undefined) return named;
  const known = others.map((result) => result.id).join(', ') || 'none';
  throw new CommandError(`There is no other run ${against} here; known: ${known}.`, EXIT.usage);
}

/** The worst, with their texts. */
function pairsOf({ now, last }: ReplayComparison, past: Past, bodyOf: (id: string) => string): readonly ReplayPair[] {
  const solved = new Map(past.tickets.map((ticket) => [ticket.id, ticket]));
  const before = new Map(last?.tickets.map(({ id, similarity }) => [id, similarity]) ?? []);
  return worstOf(now.tickets, WORST).flatMap(({ id, similarity }) => {
    const ticket = solved.get(id);
    if (ticket === undefined) return [];
    const { subject, description, reply } = ticket;
    const texts = { question: plainOf(description), reply: plainOf(reply), draft: bodyOf(id) };
    return [{ id, similarity, lastSimilarity: before.get(id) ?? null, subject, ...texts }];
  });
}
