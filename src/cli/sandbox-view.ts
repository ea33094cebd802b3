import type { Progress } from '../core/service-control.ts';
import { isFinal, TICKET_STATUSES, type TicketStatus } from '../core/ticket.ts';
import { formatDuration, formatTable, paint, type ProgressPicture, type Segment } from './progress-view.ts';
import type { Verdict } from './sandbox-verdict.ts';

/** Segments of the bar, in the order they are drawn: colour, glyph, and the statuses they stand for. */
const SEGMENTS = [
  { label: 'posted', colour: 'green', glyph: '█', statuses: ['posted', 'accepted', 'edited', 'discarded'] },
  { label: 'skipped', colour: 'gray', glyph: '█', statuses: ['skipped', 'cancelled'] },
  { label: 'dead', colour: 'red', glyph: '█', statuses: ['dead'] },
  { label: 'posting', colour: 'cyan', glyph: '▓', statuses: ['posting', 'drafted'] },
  { label: 'drafting', colour: 'blue', glyph: '▒', statuses: ['drafting'] },
  { label: 'retrying', colour: 'yellow', glyph: '▒', statuses: ['retrying'] },
] as const satisfies readonly (Omit<Segment, 'count'> & { statuses: readonly TicketStatus[] })[];

/** What `GET /admin/progress` answers, as a picture of `total` tickets. */
export function toPicture(progress: Progress, total: number): ProgressPicture {
  const { llm } = progress.limits;
  const limit =
    llm === undefined ? '' : ` · llm ${llm.usedRequests}/${llm.requestsPerMinute} requests in the last minute`;
  return {
    total,
    done: countOf(progress, TICKET_STATUSES.filter(isFinal)),
    segments: SEGMENTS.map(({ statuses, ...segment }) => ({ ...segment, count: countOf(progress, statuses) })),
    ratePerMinute: progress.ratePerMinute,
    etaSeconds: progress.etaSeconds,
    details: [`workers ${progress.workers.busy}/${progress.workers.total}${limit} · ${progress.memory.rssMb} MB`],
    warnings: progress.pauses.map(({ reason }) => `waiting: ${reason}`),
  };
}

/** What the sandbox has counted, on the simulators' side. */
export interface SandboxSummary extends Verdict {
  /** Notes that name what they rest on, and those that say that nothing fits. */
  readonly grounded: { readonly withSources: number; readonly findings: number };
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
  /** SIGKILLs of the service. */
  readonly kills: number;
  /** Faults the simulators made, by kind. */
  readonly faults: Readonly<Record<string, number>>;
  readonly rateLimited: number;
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
      `${count('posted')}   (private notes ${summary.notes}, lost ${summary.lost}, doubled ${summary.doubled}, public ${summary.publicComments})`,
    ],
    [
      'sources',
      `${summary.grounded.withSources} notes name them, ${summary.grounded.findings} are findings: nothing fits`,
    ],
    ['skipped', `${count('skipped')}${count('skipped') > 0 ? `   (${reasons('skipped')})` : ''}`],
    ['dead', `${count('dead')}${count('dead') > 0 ? `   (${reasons('dead')})` : ''}`],
    ...(summary.kills > 0 ? [['kills', `${summary.kills} SIGKILLs of the service`] as [string, string]] : []),
    ['retries', String(progress.sinceStart.retries)],
    ['faults made', faults.length === 0 ? 'none' : faults.join(', ')],
    ['429 answers', String(summary.rateLimited)],
    ['duration', `${summary.seconds.toFixed(1)} s`],
    ['tickets/min', String(Math.round((60 * summary.tickets) / summary.seconds))],
    ['webhook to note', `p50 ${Math.round(summary.latencyP50Ms)} ms, p95 ${Math.round(summary.latencyP95Ms)} ms`],
    [
      'at the rate limit',
      `${formatDuration(progress.sinceStart.limiterWaitMs)} for the LLM, ${formatDuration(helpdeskWaitMs(summary))} for ${summary.helpdesk}, all ${progress.workers.total} workers together`,
    ],
    [
      'LLM',
      `${progress.sinceStart.llmCalls} calls, ${progress.sinceStart.promptTokens + progress.sinceStart.completionTokens} tokens, $${progress.sinceStart.costUsd.toFixed(4)}`,
    ],
    ['peak memory', `${progress.memory.peakRssMb} MB`],
  ];
  stream.write(`\n${formatTable(stream, rows)}\n`);
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

function countOf(progress: Progress, statuses: readonly TicketStatus[]): number {
  return statuses.reduce((sum, status) => sum + progress.counts[status], 0);
}
