import type { FileRunProgress } from '../file-run.ts';
import { formatCount, formatDuration, formatTable, formatUsd, paint, type ProgressPicture } from './progress-view.ts';
import { type Ledger, placeOf } from './run-ledger.ts';
import type { TicketFile } from './ticket-file.ts';

const PROBLEMS_SHOWN = 20;

/** Lines that are left out, each by its number. */
export function printProblems(stream: NodeJS.WriteStream, input: string, file: TicketFile): void {
  const lines = [
    ...file.problems.map(({ line, problem }) => ({ line, text: problem })),
    ...file.duplicates.map(({ line, firstLine }) => ({ line, text: `has the id of line ${firstLine}; left out` })),
  ].toSorted((a, b) => a.line - b.line);
  for (const { line, text } of lines.slice(0, PROBLEMS_SHOWN)) stream.write(`${input}:${line} ${text}\n`);
  if (lines.length > PROBLEMS_SHOWN) stream.write(`… and ${lines.length - PROBLEMS_SHOWN} more such lines\n`);
}

/** A run as it is now. */
export function toPicture(progress: FileRunProgress, ledger: Ledger, stopping: boolean): ProgressPicture {
  const { busy, workers, ratePerMinute, pace, llm, totals, priceKnown, waitingFor } = progress;
  const { total, done, drafted, skipped, dead } = ledger;
  const spent = `${formatCount(totals.promptTokens + totals.completionTokens)} tokens${priceKnown ? ` · ${formatUsd(totals.costUsd)}` : ''}`;
  return {
    total,
    done,
    segments: [
      { label: 'drafted', colour: 'green', glyph: '█', count: drafted },
      { label: 'skipped', colour: 'gray', glyph: '█', count: skipped },
      { label: 'dead', colour: 'red', glyph: '█', count: dead },
      { label: 'drafting', colour: 'blue', glyph: '▒', count: Math.min(busy, total - done) },
    ],
    ratePerMinute,
    etaSeconds: pace.draftsPerMinute === 0 ? null : ((total - done) * 60) / pace.draftsPerMinute,
    details: [
      `workers ${busy}/${workers} · spent ${spent}`,
      `in the last minute ${formatCount(llm.usedRequests)}/${formatCount(llm.requestsPerMinute)} requests, ${formatCount(llm.usedTokens)}/${formatCount(llm.tokensPerMinute)} tokens reserved`,
    ],
    warnings: [
      ...(stopping && busy > 0 ? [`finishing ${busy} calls under way; Ctrl-C again drops them`] : []),
      ...(waitingFor === null ? [] : [`waiting: ${waitingFor}`]),
      ...ledger.failures().map(({ errorClass, count, example }) => `${count} ${errorClass}, e.g. ${placeOf(example)}`),
    ],
  };
}

/** What a run came to. */
export interface RunReport {
  readonly input: string;
  readonly out: string;
  readonly file: TicketFile;
  readonly ledger: Ledger;
  /** Lines drafted anew because their text is not what it was. */
  readonly changed: number;
  /** Results that an earlier run had paid for. */
  readonly earlier: number;
  readonly progress: FileRunProgress;
  /** Why it stopped before its end, and what to do: sentences; null when it did not. */
  readonly halted: string | null;
  readonly elapsedMs: number;
  readonly database: string;
  readonly faults: readonly string[];
}

/** What a run that cannot go on by itself says. */
export function sentenceOf({ errorClass }: Halt, budgetUsd: number | undefined): string {
  if (errorClass === 'batch_budget' && budgetUsd !== undefined)
    return `--budget-usd ${budgetUsd} has no room for another call. The same command with a larger one goes on.`;
  if (errorClass === 'budget_exhausted')
    return 'LLM_DAILY_BUDGET_USD, of which files may use 80 %, has no room for another call. From 00:00 UTC the same command goes on.';
  return 'Every ticket so far has died: see the causes above. Mend that; the same command with --retry goes on.';
}

type Halt = NonNullable<FileRunProgress['halted']>;

/** For scripts: one object. */
export function summaryJson(report: RunReport): object {
  const { ledger, file, progress, changed, earlier, out, elapsedMs } = report;
  const { promptTokens, completionTokens, costUsd } = progress.totals;
  return {
    tickets: ledger.total,
    done: ledger.done,
    drafted: ledger.drafted,
    skipped: ledger.skipped,
    dead: ledger.dead,
    errors: ledger.failures(),
    brokenLines: file.problems.map(({ line }) => line),
    duplicateLines: file.duplicates.map(({ line }) => line),
    changed,
    earlier,
    promptTokens,
    completionTokens,
    costUsd: progress.priceKnown ? costUsd : null,
    stopped: report.halted,
    minutes: elapsedMs / 60_000,
    out,
  };
}

/** For people. */
export function printSummary(stream: NodeJS.WriteStream, report: RunReport): void {
  const { ledger, file, progress, changed, earlier, out, elapsedMs } = report;
  const { totals, priceKnown } = progress;
  const tokens = `${formatCount(totals.promptTokens)} prompt + ${formatCount(totals.completionTokens)} completion`;
  const left = [
    ...(file.problems.length > 0 ? [`${file.problems.length} broken`] : []),
    ...(file.duplicates.length > 0 ? [`${file.duplicates.length} with an id that came before`] : []),
  ];
  const skippedBy = Array.from(ledger.skippedBy, ([reason, count]) => `${count} ${reason}`).join(', ');
  const rows: [string, string][] = [
    [
      'tickets',
      `${formatCount(ledger.total)}${earlier > 0 ? `   (${formatCount(earlier)} were done before: not paid again)` : ''}`,
    ],
    ...(changed > 0
      ? [['changed', `${formatCount(changed)}   (their text was another in the last run)`] as [string, string]]
      : []),
    ...(left.length > 0 ? [['left out', `${left.join(', ')}`] as [string, string]] : []),
    ['drafted', formatCount(ledger.drafted)],
    ['skipped', `${formatCount(ledger.skipped)}${ledger.skipped > 0 ? `   (${skippedBy})` : ''}`],
    ['dead', formatCount(ledger.dead)],
    [
      'LLM',
      `${formatCount(totals.llmCalls)} calls, ${tokens} tokens, ${priceKnown ? formatUsd(totals.costUsd) : 'price not known'}`,
    ],
    ['duration', formatDuration(elapsedMs)],
    ['drafts', out],
  ];
  stream.write(`\n${formatTable(stream, rows)}\n`);
  for (const { errorClass, count, example } of ledger.failures()) {
    stream.write(`  ${paint(stream, 'red', '✗')} ${count} ${errorClass}, e.g. ${placeOf(example)}: ${example.error}\n`);
  }
  for (const fault of new Set(report.faults))
    stream.write(`  ${paint(stream, 'red', '✗')} a fault of Draftdesk's own: ${fault}\n`);
  stream.write(`  ${verdict(stream, report)}\n`);
}

function verdict(stream: NodeJS.WriteStream, { ledger, file, database, halted }: RunReport): string {
  if (halted !== null) {
    const done = `${formatCount(ledger.done)} of ${formatCount(ledger.total)} done.`;
    return paint(stream, 'yellow', `stopped with ${done} ${halted} Nothing is paid twice.`);
  }
  if (ledger.done < ledger.total) {
    return paint(
      stream,
      'yellow',
      `interrupted with ${formatCount(ledger.done)} of ${formatCount(ledger.total)} done. Run the same command again to go on; nothing is paid twice.`,
    );
  }
  if (ledger.dead > 0)
    return paint(
      stream,
      'red',
      `${formatCount(ledger.dead)} without a draft: the same command with --retry tries them again`,
    );
  if (file.problems.length > 0) return paint(stream, 'yellow', 'done, but for the broken lines');
  return `${paint(stream, 'green', '✓ done')}. ${paint(stream, 'gray', `${database} remembers what is paid for; delete it when you are done with this file.`)}`;
}
