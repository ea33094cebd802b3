import { readFileSync } from 'node:fs';
import { Command, InvalidArgumentError, Option } from 'commander';
import { isOver } from '../core/batch.ts';
import type { Estimate } from '../core/estimate.ts';
import type { BatchStatus } from './batch-state.ts';
import { watchBatch } from './batch-watch.ts';
import { CommandError, EXIT, guarded, systemCode } from './command-error.ts';
import { share, usd, wholeNumber } from './options.ts';
import { formatCount, formatDuration, formatTable, formatUsd } from './progress-view.ts';
import { connect } from './service-client.ts';
import { jsonLine } from './shown.ts';

interface StartOptions {
  readonly helpdesk: string;
  readonly ids?: readonly string[];
  readonly idsFile?: string;
  readonly status?: readonly string[];
  readonly tag?: readonly string[];
  readonly group?: string;
  readonly createdSince?: string;
  readonly createdUntil?: string;
  readonly updatedSince?: string;
  readonly updatedUntil?: string;
  readonly name?: string;
  readonly hold?: true;
  readonly canary?: number | true;
  readonly maxErrorRate?: number;
  readonly budgetUsd?: number;
  readonly lane?: 'standard' | 'flex' | 'economy';
  readonly skipDrafted: boolean;
  readonly dryRun?: true;
  readonly watch?: true;
  readonly json?: true;
}

/** INTERFACE.md's own example. */
const CANARY = { size: 20, maxErrorRate: 0.1 };

export function startCommand(): Command {
  return new Command('start')
    .description('Starts a batch at a running service: for ticket ids, or for what a filter finds at the helpdesk.')
    .requiredOption('--helpdesk <name>', 'zendesk, freshdesk')
    .option('--ids <list>', 'ticket ids, comma separated', list)
    .option('--ids-file <file>', 'ticket ids, one a line')
    .option('--status <list>', 'filter: any of these, e.g. open,pending', list)
    .option('--tag <tag>', 'filter: has this tag; may be repeated', collect)
    .option('--group <id>', 'filter: group of agents')
    .option('--created-since <time>', 'filter: from then on, e.g. 2026-11-01 or 2026-11-01T08:00:00Z', time)
    .option('--created-until <time>', 'filter: before then', time)
    .option('--updated-since <time>', 'filter: changed since then', time)
    .option('--updated-until <time>', 'filter: not changed after', time)
    .option('--name <text>', 'what to call it')
    .option('--hold', 'draft only; batch release posts')
    .addOption(
      new Option('--canary [size]', 'begin with so many tickets (20) and pause if they fail').argParser(wholeNumber),
    )
    .addOption(new Option('--max-error-rate <rate>', 'of the canary, 0 to 1 (0.1)').argParser(share))
    .addOption(new Option('--budget-usd <usd>', 'stop before it spends more').argParser(usd))
    .addOption(
      new Option('--lane <lane>', 'how drafts are bought: economy within a day, at half the price').choices([
        'standard',
        'flex',
        'economy',
      ]),
    )
    .option('--no-skip-drafted', 'draft again what has a current draft')
    .option('--dry-run', 'say what it would take; nothing is stored, no model is called')
    .option('--watch', 'follow it until it is over')
    .option('--json', 'answers as JSON')
    .addHelpText(
      'after',
      `
Examples:
  $ draftdesk batch start --helpdesk zendesk --status open,pending --dry-run
  $ draftdesk batch start --helpdesk zendesk --tag backlog --canary --watch
  $ draftdesk batch start --helpdesk freshdesk --ids-file ids.txt --lane economy`,
    )
    .action(guarded(start));
}

async function start(options: StartOptions): Promise<number> {
  const client = connect();
  const body = bodyOf(options);
  const json = options.json === true;
  if (options.dryRun === true) {
    const estimate = await client.post<Estimate>('/admin/batches', body);
    process.stdout.write(json ? jsonLine(estimate) : describe(estimate));
    return 0;
  }
  const batch = await client.post<Created>('/admin/batches', body);
  process.stdout.write(json ? jsonLine(batch) : describeCreated(batch));
  if (options.watch === true) return await watchBatch(client, batch.id, json);
  if (!json && !isOver(batch)) process.stdout.write(`  draftdesk batch watch ${batch.id} follows it.\n`);
  return 0;
}

interface Created extends BatchStatus {
  readonly duplicates?: readonly string[];
  readonly skippedDrafted?: number;
}

function describeCreated({ id, total, listing, duplicates = [], skippedDrafted = 0 }: Created): string {
  const left = [
    ...(duplicates.length > 0 ? [`${formatCount(duplicates.length)} left out: given twice, or in work already`] : []),
    ...(skippedDrafted > 0
      ? [`${formatCount(skippedDrafted)} left out: they have a current draft (--no-skip-drafted drafts again)`]
      : []),
  ].map((line) => `  ${line}\n`);
  const more = listing === true ? ' so far, more are listed' : '';
  return `\n  Batch ${id}: ${formatCount(total)} ticket${total === 1 ? '' : 's'}${more}\n${left.join('')}\n`;
}

function bodyOf(options: StartOptions): object {
  const filter = filterOf(options);
  const ids = [...(options.ids ?? []), ...(options.idsFile === undefined ? [] : readIds(options.idsFile))];
  const hasFilter = Object.keys(filter).length > 0;
  if (hasFilter === ids.length > 0) {
    throw new CommandError(
      'Say which tickets: --ids or --ids-file, or a filter such as --status open; one of the two.',
      EXIT.usage,
    );
  }
  const canary =
    options.canary === undefined && options.maxErrorRate === undefined
      ? undefined
      : {
          size: typeof options.canary === 'number' ? options.canary : CANARY.size,
          maxErrorRate: options.maxErrorRate ?? CANARY.maxErrorRate,
        };
  const body = {
    helpdesk: options.helpdesk,
    ...(hasFilter ? { filter } : { ticketIds: ids }),
    name: options.name,
    post: options.hold === true ? 'hold' : undefined,
    canary,
    budgetUsd: options.budgetUsd,
    lane: options.lane,
    skipDrafted: options.skipDrafted ? undefined : false,
    dryRun: options.dryRun,
  };
  return Object.fromEntries(Object.entries(body).filter(([, value]) => value !== undefined));
}

function filterOf({
  status,
  tag,
  group,
  createdSince,
  createdUntil,
  updatedSince,
  updatedUntil,
}: StartOptions): object {
  const filter = { status, tags: tag, group, createdSince, createdUntil, updatedSince, updatedUntil };
  return Object.fromEntries(Object.entries(filter).filter(([, value]) => value !== undefined));
}

function readIds(path: string): string[] {
  try {
    return list(readFileSync(path, 'utf8').replaceAll(/\s+/g, ','));
  } catch (error) {
    throw new CommandError(`${path} cannot be read (${systemCode(error)}).`, EXIT.usage, { cause: error });
  }
}

function describe({ tickets, promptTokens, completionTokens, costUsd, minutes, bound }: Estimate): string {
  return `\n${formatTable(process.stdout, [
    ['tickets', formatCount(tickets)],
    ['tokens', `${formatCount(promptTokens)} prompt + ${formatCount(completionTokens)} completion`],
    ['cost', costUsd === null ? 'not known for this model' : `about ${formatUsd(costUsd)}`],
    ['time', `about ${formatDuration(minutes * 60_000)}`],
    ['bound by', bound ?? 'nothing: no ticket would be drafted'],
  ])}\n  Nothing was started.\n`;
}

function list(value: string): string[] {
  return value
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');
}

function collect(value: string, before: readonly string[] = []): string[] {
  return [...before, value];
}

function time(value: string): string {
  const ms = /^\d{4}-\d{2}-\d{2}/.test(value) ? Date.parse(value) : Number.NaN;
  if (Number.isNaN(ms)) throw new InvalidArgumentError('must be a time such as 2026-11-01T08:00:00Z');
  return new Date(ms).toISOString();
}
