import { type BatchLane, type BatchState, isOver } from '../../core/batch.ts';
import type { BatchProgress } from '../../core/service-control.ts';
import type { BatchSummary } from '../../core/ticket-reader.ts';
import { visibleText } from '../../core/visible-text.ts';
import type { Tone } from './components.tsx';
import { count, duration } from './words.ts';

export const STATE_TONE: Readonly<Record<BatchState, Tone>> = {
  canary: 'busy',
  running: 'busy',
  paused: 'wait',
  cancelling: 'wait',
  cancelled: 'still',
  completed: 'good',
};

/** Its own, or when it was started. */
export function batchName({ name, createdAt }: Pick<BatchSummary, 'name' | 'createdAt'>): string {
  if (name !== null) return visibleText(name);
  return `Batch of ${new Date(createdAt).toISOString().slice(0, 16).replace('T', ' ')} UTC`;
}

/** How the ramp-up stands; null for a batch without one. */
export function canaryVerdict({ canary, state, processed, failed }: BatchProgress): string | null {
  if (canary === null) return null;
  const bound = `at most ${Math.round(canary.maxErrorRate * 1000) / 10} % may fail`;
  if (canary.target === null) return `Passed: all tickets may go (${bound})`;
  if (isOver({ state })) return `Was at the first ${canary.target} when the batch ended`;
  const so = `${processed} of the first ${canary.target} through, ${failed} failed; ${bound}`;
  return state === 'paused' ? `Stopped: ${so}` : `Judging: ${so}`;
}

/** How long it will still take. */
export function etaWords(batch: Pick<BatchProgress, 'state' | 'etaSeconds'>): string {
  if (isOver(batch)) return 'over';
  if (batch.etaSeconds === null) return batch.state === 'paused' ? 'paused' : 'not known yet';
  return batch.etaSeconds < 120 ? `${batch.etaSeconds} s` : duration(batch.etaSeconds * 1000);
}

/** How the drafts of a batch are bought. */
export const LANE_WORDS: Readonly<Record<BatchLane, string>> = {
  standard: 'standard: at once',
  flex: 'flex: half the price when the model has room',
  economy: 'economy: half the price, within a day',
};

/** What became of a batch that was just started. */
export function startedWords(created: {
  readonly total: number;
  readonly duplicates: readonly string[];
  readonly skippedDrafted: number;
}): string {
  const { total, duplicates, skippedDrafted } = created;
  return [
    `Started with ${count(total, 'ticket')}.`,
    ...(duplicates.length === 0 ? [] : [`${count(duplicates.length, 'id')} came twice or had work already.`]),
    ...(skippedDrafted === 0 ? [] : [`${count(skippedDrafted, 'ticket')} had a current draft and were left out.`]),
  ].join(' ');
}
