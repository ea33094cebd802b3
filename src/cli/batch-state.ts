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
  readonly canary?: { readonly phase: string | number; readonly target: number } | null;
  readonly waitingFor?: readonly string[];
  readonly errors?: readonly {
    readonly errorClass: string;
    readonly count: number;
    readonly example: { readonly ticketId: string; readonly error: string } | null;
  }[];
  readonly spent?: {
    readonly promptTokens: number;
    readonly completionTokens: number;
    readonly costUsd: number | null;
    readonly forecastUsd: number | null;
  };
}

export function isOver({ state }: BatchStatus): boolean {
  return state === 'completed' || state === 'cancelled';
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
  const { counts, state, reason, canary, waitingFor = [], errors = [] } = batch;
  const canaryText = canary ? ` · canary ${canary.phase} of ${formatCount(canary.target)}` : '';
  const asked = [batch.lane, batch.post === 'hold' ? 'held' : undefined].filter((word) => word !== undefined);
  return {
    total: batch.total,
    done: batch.processed,
    segments: SEGMENTS.map(({ statuses, ...segment }) => ({
      ...segment,
      count: statuses.reduce((sum, status) => sum + (counts[status] ?? 0), 0),
    })),
    ratePerMinute: batch.ratePerMinute,
    etaSeconds: batch.etaSeconds,
    details: [[`${state}${canaryText}`, ...asked, ...spentOf(batch)].join(' · ')],
    warnings: [
      ...(reason ? [`${state}: ${reason}`] : []),
      ...(waitingFor.length === 0 ? [] : [`waiting for ${waitingFor.join(', ')}`]),
      ...errors.map(
        ({ errorClass, count, example }) =>
          `${count} ${errorClass}${example ? `, e.g. ticket ${example.ticketId}: ${example.error}` : ''}`,
      ),
    ],
  };
}

function spentOf({ spent, budgetUsd }: BatchStatus): string[] {
  if (spent === undefined) return [];
  const tokens = `${formatCount(spent.promptTokens + spent.completionTokens)} tokens`;
  if (spent.costUsd === null) return [tokens];
  const forecast = spent.forecastUsd === null ? '' : ` of about ${formatUsd(spent.forecastUsd)}`;
  const budget = budgetUsd ? ` (budget ${formatUsd(budgetUsd)})` : '';
  return [tokens, `${formatUsd(spent.costUsd)}${forecast}${budget}`];
}

/** One line per batch. */
export function describeBatch({ id, name, state, total, processed, failed, createdAt }: BatchStatus): string {
  return `${id}  ${state.padEnd(10)}  ${`${processed}/${total}`.padStart(13)}  ${String(failed).padStart(5)} dead  ${createdAt.slice(0, 16)}Z  ${name ?? ''}`.trimEnd();
}
