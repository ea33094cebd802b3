import type { BatchState } from '../core/batch.ts';
import type { TicketStatus } from '../core/ticket.ts';
import { formatCount, formatUsd, type ProgressPicture, type Segment } from './progress-view.ts';

/** `GET /admin/batches/{id}`. What older services do not tell is optional. */
export interface BatchStatus {
  readonly id: string;
  readonly name: string | null;
  readonly helpdesk?: string;
  readonly state: BatchState;
  readonly total: number;
  readonly counts: Readonly<Partial<Record<TicketStatus, number>>>;
  readonly processed: number;
  readonly succeeded: number;
  readonly failed: number;
  readonly errorRate: number;
  readonly ratePerMinute: number;
  readonly etaSeconds: number | null;
  readonly createdAt: string;
  readonly finishedAt: string | null;
  readonly reason?: string | null;
  readonly post?: 'auto' | 'hold';
  readonly lane?: string;
  readonly budgetUsd?: number | null;
  /** `target`: how many tickets may have begun; null when all may. */
  readonly canary?: { readonly target: number | null } | null;
  /** The helpdesk's list goes on: `total` is what has come so far. */
  readonly listing?: boolean;
  readonly waitingFor?: readonly string[];
  readonly errors?: readonly {
    readonly errorClass: string;
    readonly count: number;
    readonly example: { readonly ticketId: string; readonly error: string | null } | null;
  }[];
  readonly spent?: {
    readonly promptTokens: number;
    readonly completionTokens: number;
    readonly costUsd: number | null;
    readonly forecastUsd: number | null;
  };
}

const SEGMENTS = [
  { label: 'posted', colour: 'green', glyph: '█', statuses: ['posted', 'accepted', 'edited', 'discarded'] },
  { label: 'drafted', colour: 'magenta', glyph: '█', statuses: ['drafted'] },
  { label: 'skipped', colour: 'gray', glyph: '█', statuses: ['skipped'] },
  { label: 'cancelled', colour: 'gray', glyph: '▓', statuses: ['cancelled'] },
  { label: 'dead', colour: 'red', glyph: '█', statuses: ['dead'] },
  { label: 'posting', colour: 'cyan', glyph: '▓', statuses: ['posting'] },
  { label: 'drafting', colour: 'blue', glyph: '▒', statuses: ['drafting'] },
  { label: 'retrying', colour: 'yellow', glyph: '▒', statuses: ['retrying'] },
] as const satisfies readonly (Omit<Segment, 'count'> & { statuses: readonly TicketStatus[] })[];

/** A batch as it is now. */
export function toPicture(batch: BatchStatus): ProgressPicture {
  const { counts, state, reason, waitingFor = [] } = batch;
  return {
    total: batch.total,
    done: batch.processed,
    segments: SEGMENTS.map(({ statuses, ...segment }) => ({
      ...segment,
      count: statuses.reduce((sum, status) => sum + (counts[status] ?? 0), 0),
    })),
    ratePerMinute: batch.ratePerMinute,
    etaSeconds: batch.listing === true ? null : batch.etaSeconds,
    details: [[phaseOf(batch), ...spentOf(batch)].join(' · ')],
    warnings: [
      ...(state === 'paused' ? [`paused: ${reason ?? 'by an operator'}`] : waitsFor(waitingFor)),
      ...troublesOf(batch),
    ],
  };
}

function phaseOf({ state, canary, lane, post, listing }: BatchStatus): string {
  const target = canary?.target ?? null;
  return [
    state === 'canary' && target !== null ? `canary: the first ${formatCount(target)}` : state,
    ...(listing === true ? ['tickets still arrive'] : []),
    ...(lane === undefined || lane === 'standard' ? [] : [lane]),
    ...(post === 'hold' ? ['drafts are held'] : []),
  ].join(' · ');
}

function waitsFor(waitingFor: readonly string[]): string[] {
  return waitingFor.length === 0 ? [] : [`waiting for ${waitingFor.join(', ')}`];
}

const EXAMPLES_SHOWN = 3;

/** All classes in one line, and the most frequent with an example: a terminal is not high. */
function troublesOf({ errors = [], counts }: BatchStatus): string[] {
  if (errors.length === 0) return [];
  const dead = counts.dead ?? 0;
  const all = errors.map(({ errorClass, count }) => `${formatCount(count)} ${errorClass}`).join(' · ');
  const examples = errors.flatMap(({ errorClass, example }) =>
    example === null ? [] : [`  ${errorClass}, e.g. ticket ${example.ticketId}: ${example.error ?? 'no text'}`],
  );
  return [`${dead > 0 ? 'dead or tried again' : 'tried again'}: ${all}`, ...examples.slice(0, EXAMPLES_SHOWN)];
}

function spentOf({ spent, budgetUsd }: BatchStatus): string[] {
  if (spent === undefined) return [];
  const tokens = `${formatCount(spent.promptTokens + spent.completionTokens)} tokens`;
  if (spent.costUsd === null) return [tokens];
  const forecast = spent.forecastUsd === null ? '' : ` of about ${formatUsd(spent.forecastUsd)}`;
  const budget = budgetUsd ? ` (budget ${formatUsd(budgetUsd)})` : '';
  return [tokens, `${formatUsd(spent.costUsd)}${forecast}${budget}`];
}

/** Names the columns of `describeBatch`. */
export const BATCH_COLUMNS = `${'batch'.padEnd(36)}  ${'state'.padEnd(10)}  ${'done'.padStart(13)}  ${'dead'.padStart(5)}  ${'spent'.padStart(8)}  ${'started (UTC)'.padEnd(16)}  name`;

/** One line per batch. */
export function describeBatch(batch: BatchStatus): string {
  const { id, name, state, total, processed, failed, createdAt, spent, listing } = batch;
  const done = `${processed}/${total}${listing === true ? '+' : ''}`;
  const usd = spent?.costUsd === undefined || spent.costUsd === null ? '–' : formatUsd(spent.costUsd);
  const started = createdAt.slice(0, 16).replace('T', ' ');
  return `${id.padEnd(36)}  ${state.padEnd(10)}  ${done.padStart(13)}  ${String(failed).padStart(5)}  ${usd.padStart(8)}  ${started}  ${name ?? ''}`.trimEnd();
}
