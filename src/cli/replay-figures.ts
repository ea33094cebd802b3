import type { Difference } from '../core/paired-bootstrap.ts';
import { type ReplayChange, type ReplayResult, type ReplaySummary, summarise } from '../core/replay-result.ts';
import { formatUsd } from './progress-view.ts';

/** A run beside the one before it. */
export interface ReplayComparison {
  readonly now: ReplayResult;
  /** Null: this is the first. */
  readonly last: ReplayResult | null;
  readonly change: ReplayChange;
  /** What has become worse than allowed: sentences. */
  readonly regressions: readonly string[];
}

/** One line of the table, as text. */
export interface Figure {
  readonly label: string;
  readonly now: string;
  readonly last: string;
  readonly change: string;
}

/** For terminal and page alike. Of the last run only what this one has too, so that like is compared with like. */
export function figuresOf({ now, last, change }: ReplayComparison): readonly Figure[] {
  const ids = new Set(now.tickets.map(({ id }) => id));
  const common = last?.tickets.filter(({ id }) => ids.has(id)) ?? [];
  const [mine, other] = [summarise(now.tickets), last === null ? null : summarise(common)];
  const row = (label: string, show: (summary: ReplaySummary) => string, difference: string = ''): Figure => ({
    label,
    now: show(mine),
    last: other === null ? '' : show(other),
    change: difference,
  });
  return [
    ...stampsOf(now, last),
    row('tickets', ticketsOf),
    row('similarity', ({ similarity }) => decimal(similarity), changed(change.similarity)),
    row('  median', ({ medianSimilarity }) => decimal(medianSimilarity)),
    row('declined', ({ declined }) => percent(declined), changed(change.declined)),
    row('shared article', ({ sharedLink, linked }) => `${percent(sharedLink)}${linked > 0 ? ` of ${linked}` : ''}`),
    row('same language', ({ sameLanguage }) => percent(sameLanguage)),
    row('length', ({ lengthRatio }) => (lengthRatio === null ? '–' : `× ${lengthRatio.toFixed(2)}`)),
    row('unproven', ({ unproven }) => percent(unproven)),
    row('cost', ({ costUsd }) => (costUsd === null ? '–' : formatUsd(costUsd))),
  ];
}

function ticketsOf({ tickets, failed, ruledOut }: ReplaySummary): string {
  const apart = [
    ...(ruledOut > 0 ? [`${ruledOut} kept back by rules`] : []),
    ...(failed > 0 ? [`${failed} failed`] : []),
  ];
  return [tickets, ...apart].join(', ');
}

/** What each was made with, and whether that is another. */
function stampsOf(now: ReplayResult, last: ReplayResult | null): readonly Figure[] {
  const names = ['model', 'prompt', 'guidelines', 'rules', 'knowledge'] as const;
  return names.flatMap((label): Figure[] => {
    const [mine, other] = [now.versions[label], last?.versions[label] ?? null];
    if (mine === null && other === null) return [];
    const change = last === null || mine === other ? '' : 'changed';
    return [{ label, now: mine ?? 'none', last: last === null ? '' : (other ?? 'none'), change }];
  });
}

function changed(difference: Difference | null): string {
  if (difference === null) return '';
  const { mean, low, high, pairs } = difference;
  return `${signed(mean)} (${signed(low)} to ${signed(high)}, ${pairs} pairs)`;
}

export function decimal(value: number | null): string {
  return value === null ? '–' : value.toFixed(3);
}

function percent(value: number | null): string {
  return value === null ? '–' : `${(value * 100).toFixed(1)} %`;
}

function signed(value: number): string {
  return `${value < 0 ? '−' : '+'}${Math.abs(value).toFixed(3)}`;
}
