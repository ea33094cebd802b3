import { stripVTControlCharacters, styleText } from 'node:util';
import type { Progress } from '../core/service-control.ts';
import { isFinal, TICKET_STATUSES, type TicketStatus } from '../core/ticket.ts';

/** Redraws a few lines in place on a terminal; prints a plain line every few seconds elsewhere. */
export interface ProgressView {
  update(progress: Progress, elapsedMs: number): void;
}

const BAR_WIDTH = 44;
const PLAIN_EVERY_MS = 2000;

/** Segments of the bar, in the order they are drawn: colour, glyph, and the statuses they stand for. */
const SEGMENTS = [
  { label: 'posted', colour: 'green', glyph: '█', statuses: ['posted', 'accepted', 'edited', 'discarded'] },
  { label: 'skipped', colour: 'gray', glyph: '█', statuses: ['skipped', 'cancelled'] },
  { label: 'dead', colour: 'red', glyph: '█', statuses: ['dead'] },
  { label: 'posting', colour: 'cyan', glyph: '▓', statuses: ['posting', 'drafted'] },
  { label: 'drafting', colour: 'blue', glyph: '▒', statuses: ['drafting'] },
  { label: 'retrying', colour: 'yellow', glyph: '▒', statuses: ['retrying'] },
] as const satisfies readonly { label: string; colour: string; glyph: string; statuses: readonly TicketStatus[] }[];

export function createProgressView(stream: NodeJS.WriteStream, total: number): ProgressView {
  const live = stream.isTTY && process.env['NO_COLOR'] === undefined;
  return live ? liveView(stream, total) : plainView(stream, total);
}

function liveView(stream: NodeJS.WriteStream, total: number): ProgressView {
  let drawn = 0;
  return {
    update: (progress, elapsedMs) => {
      const lines = picture(progress, total, elapsedMs).map((line) => clip(line, stream.columns));
      stream.write(`${drawn > 0 ? `\u001b[${drawn}A` : ''}${lines.map((line) => `\u001b[2K${line}`).join('\n')}\n`);
      drawn = lines.length;
    },
  };
}

function plainView(stream: NodeJS.WriteStream, total: number): ProgressView {
  let nextAt = 0;
  return {
    update: (progress, elapsedMs) => {
      const done = countOf(progress, TICKET_STATUSES.filter(isFinal));
      if (elapsedMs < nextAt && done < total) return;
      nextAt = elapsedMs + PLAIN_EVERY_MS;
      const parts = SEGMENTS.map(({ label, statuses }) => `${countOf(progress, statuses)} ${label}`);
      stream.write(
        `${seconds(elapsedMs).padStart(6)}  ${done}/${total}  ${parts.join(' · ')}  ${progress.ratePerMinute}/min\n`,
      );
    },
  };
}

function picture(progress: Progress, total: number, elapsedMs: number): string[] {
  const done = countOf(progress, TICKET_STATUSES.filter(isFinal));
  const legend = SEGMENTS.map(
    ({ label, colour, glyph, statuses }) => `${styleText(colour, glyph)} ${countOf(progress, statuses)} ${label}`,
  );
  const { llm } = progress.limits;
  const limit = llm === undefined ? '' : `llm ${llm.usedRequests}/${llm.requestsPerMinute} requests in the last minute`;
  return [
    `  ${bar(progress, total)} ${styleText('bold', `${Math.floor((100 * done) / Math.max(1, total))}%`)}  ${done}/${total}`,
    `  ${legend.join('  ')}`,
    styleText(
      'gray',
      `  ${seconds(elapsedMs)} · ${progress.ratePerMinute} tickets/min · workers ${progress.workers.busy}/${progress.workers.total} · ${limit} · ${progress.memory.rssMb} MB`,
    ),
  ];
}

function bar(progress: Progress, total: number): string {
  let drawn = 0;
  let counted = 0;
  const pieces = SEGMENTS.map(({ colour, glyph, statuses }) => {
    counted += countOf(progress, statuses);
    const until = Math.min(BAR_WIDTH, Math.round((BAR_WIDTH * counted) / Math.max(1, total)));
    const piece = glyph.repeat(Math.max(0, until - drawn));
    drawn = Math.max(drawn, until);
    return styleText(colour, piece);
  });
  return pieces.join('') + styleText('gray', '░'.repeat(BAR_WIDTH - drawn));
}

/** What the sandbox has counted, on the simulators' side. */
export interface SandboxSummary {
  readonly helpdesk: string;
  readonly tickets: number;
  readonly outcomes: readonly {
    readonly status: TicketStatus;
    readonly reason: string | null;
    readonly count: number;
  }[];
  readonly seconds: number;
  readonly latencyP50Ms: number;
  readonly latencyP95Ms: number;
  readonly progress: Progress;
  readonly notes: number;
  readonly doubled: number;
  readonly publicComments: number;
  /** Faults the simulators made, by kind. */
  readonly faults: Readonly<Record<string, number>>;
  readonly rateLimited: number;
  /** What did not end as expected, a sentence each. */
  readonly surprises: readonly string[];
}

const SURPRISES_SHOWN = 10;

/** The table at the end. */
export function printSummary(stream: NodeJS.WriteStream, summary: SandboxSummary): void {
  const { progress } = summary;
  const count = (status: TicketStatus): number =>
    summary.outcomes.filter((outcome) => outcome.status === status).reduce((sum, outcome) => sum + outcome.count, 0);
  const reasons = (status: TicketStatus): string =>
    summary.outcomes
      .filter((outcome) => outcome.status === status)
      .map(({ reason, count: n }) => `${n} ${reason ?? 'no reason'}`)
      .join(', ');
  const faults = Object.entries(summary.faults).map(([kind, n]) => `${n} ${kind.replaceAll('_', ' ')}`);
  const rows: [string, string][] = [
    ['tickets', `${summary.tickets} through a simulated ${summary.helpdesk}`],
    [
      'posted',
      `${count('posted')}   (private notes ${summary.notes}, doubled ${summary.doubled}, public ${summary.publicComments})`,
    ],
    ['skipped', `${count('skipped')}${count('skipped') > 0 ? `   (${reasons('skipped')})` : ''}`],
    ['dead', `${count('dead')}${count('dead') > 0 ? `   (${reasons('dead')})` : ''}`],
    ['retries', String(progress.sinceStart.retries)],
    ['faults made', faults.length === 0 ? 'none' : faults.join(', ')],
    ['429 answers', String(summary.rateLimited)],
    ['duration', `${summary.seconds.toFixed(1)} s`],
    ['tickets/min', String(Math.round((60 * summary.tickets) / summary.seconds))],
    ['webhook to note', `p50 ${Math.round(summary.latencyP50Ms)} ms, p95 ${Math.round(summary.latencyP95Ms)} ms`],
    [
      'at the rate limit',
      `${seconds(progress.sinceStart.limiterWaitMs)} for the LLM, ${seconds(helpdeskWaitMs(summary))} for ${summary.helpdesk}, all ${progress.workers.total} workers together`,
    ],
    [
      'LLM',
      `${progress.sinceStart.llmCalls} calls, ${progress.sinceStart.promptTokens + progress.sinceStart.completionTokens} tokens, $${progress.sinceStart.costUsd.toFixed(4)}`,
    ],
    ['peak memory', `${progress.memory.peakRssMb} MB`],
  ];
  const width = Math.max(...rows.map(([label]) => label.length));
  stream.write(
    `\n${rows.map(([label, value]) => `  ${paint(stream, 'gray', label.padEnd(width))}  ${value}`).join('\n')}\n\n`,
  );
  for (const surprise of summary.surprises.slice(0, SURPRISES_SHOWN))
    stream.write(`  ${paint(stream, 'red', '✗')} ${surprise}\n`);
  if (summary.surprises.length > SURPRISES_SHOWN) {
    stream.write(`  … and ${summary.surprises.length - SURPRISES_SHOWN} more\n`);
  }
  const verdict =
    summary.surprises.length === 0
      ? paint(stream, 'green', '✓ every ticket reached its expected end')
      : paint(stream, 'red', `✗ ${summary.surprises.length} tickets did not end as expected`);
  stream.write(`  ${verdict}\n`);
}

function helpdeskWaitMs({ progress, helpdesk }: SandboxSummary): number {
  const limit = progress.limits[helpdesk];
  return limit !== undefined && 'waitedMs' in limit ? limit.waitedMs : 0;
}

function paint(stream: NodeJS.WriteStream, colour: Parameters<typeof styleText>[0], text: string): string {
  return styleText(colour, text, { stream });
}

function countOf(progress: Progress, statuses: readonly TicketStatus[]): number {
  return statuses.reduce((sum, status) => sum + progress.counts[status], 0);
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}

/** No wider than the terminal, so that moving up by the number of lines meets the right ones. */
function clip(line: string, columns: number): string {
  return stripVTControlCharacters(line).length <= columns ? line : stripVTControlCharacters(line).slice(0, columns - 1);
}
