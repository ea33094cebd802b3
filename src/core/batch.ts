import type { ErrorClass } from './errors.ts';
import type { TicketFilter } from './helpdesk.ts';

/** `canary`: only the first tickets go, to see how it works out. `cancelling`: notes that are being written arrive. */
export type BatchState = 'canary' | 'running' | 'paused' | 'cancelling' | 'cancelled' | 'completed';

/** Nothing more happens to it, unless somebody resumes or retries it. */
export function isOver({ state }: { readonly state: BatchState }): boolean {
  return state === 'completed' || state === 'cancelled';
}

/** How its drafts are bought: at once, at half price when the model has room (`flex`), or within a day (`economy`). */
export const BATCH_LANES = ['standard', 'flex', 'economy'] as const;

export type BatchLane = (typeof BATCH_LANES)[number];

export interface Canary {
  /** Tickets of the first phase. */
  readonly size: number;
  /** 0 to 1: above it the batch pauses. */
  readonly maxErrorRate: number;
}

export const DEFAULT_CANARY: Canary = { size: 20, maxErrorRate: 0.1 };

/** What a batch is made of and how it is to run. */
export interface NewBatch {
  readonly helpdesk: string;
  readonly name: string | null;
  /** All of them, or those of the filter's first page. */
  readonly ticketIds: readonly string[];
  /** Where more ids come from; null when `ticketIds` is all. */
  readonly source: BatchSource | null;
  readonly post: 'auto' | 'hold';
  readonly lane: BatchLane;
  /** Leave out tickets that have a current draft. */
  readonly skipDrafted: boolean;
  readonly canary: Canary | null;
  /** The batch stops before it spends more. */
  readonly budgetUsd: number | null;
}

/** A walk over the helpdesk's own list. */
export interface BatchSource {
  readonly filter: TicketFilter;
  /** Where the walk goes on; null when it is over. */
  readonly cursor: string | null;
}

export interface CreatedBatch {
  readonly id: string;
  readonly total: number;
  /** Ids given twice, or with live work already. */
  readonly duplicates: readonly string[];
  /** How many were left out because they have a current draft. */
  readonly skippedDrafted: number;
}

/** Why a batch stands still although nobody paused it by hand. */
export interface BatchStop {
  /** A sentence for the operator. */
  readonly reason: string;
  readonly errorClass: ErrorClass | null;
}

/** How the tickets of a batch have come out; counts are of all of them. */
export interface Outcomes {
  readonly processed: number;
  readonly failed: number;
  /** Counts when an operator last said "go on": what was then is forgiven. */
  readonly forgiven: { readonly processed: number; readonly failed: number };
}

/** How far a ramp-up has come. */
export interface RampUp extends Outcomes {
  readonly canary: Canary;
  /** How many tickets may have begun; grows with each phase. */
  readonly target: number;
  readonly total: number;
  /** More tickets are to come: `total` is what is known so far. */
  readonly growing: boolean;
}

export type RampDecision =
  | { readonly kind: 'wait' }
  /** Null: all may go. */
  | { readonly kind: 'open'; readonly target: number | null }
  | { readonly kind: 'stop'; readonly reason: string };

/** Second phase of a ramp-up, as a share of the batch. */
const SECOND_PHASE = 0.1;

/** So many tickets judged say enough about a batch of any size. */
const TELLING = 100;

/**
 * Judges a phase of a ramp-up: pure. Stops as soon as the phase cannot succeed any more, opens the next one when all of
 * its tickets are through.
 */
export function judgeCanary(ramp: RampUp): RampDecision {
  const { canary, target, total, growing, processed } = ramp;
  const { seen, bad } = sinceForgiven(ramp);
  const end = growing ? target : Math.min(target, total);
  const phase = Math.max(1, end - ramp.forgiven.processed);
  if (bad > canary.maxErrorRate * phase) {
    const reason = `Canary: ${bad} of the first ${Math.max(seen, bad)} tickets died, more than ${percent(canary.maxErrorRate)} of ${phase}. See what went wrong (its errors), then resume or cancel.`;
    return { kind: 'stop', reason };
  }
  if (processed < end) return { kind: 'wait' };
  return { kind: 'open', target: nextTarget(ramp) };
}

/**
 * The first phase, then a tenth, then all. While the list goes on nobody knows a tenth of what: then it is one of what
 * is known, or twice what went well so far, until that is telling. Waiting for the list instead might be for ever: it
 * is read on only while there is room for more tickets.
 */
function nextTarget({ target, total, growing }: RampUp): number | null {
  const tenth = Math.ceil(total * SECOND_PHASE);
  if (target < tenth) return tenth;
  return growing && target < TELLING ? target * 2 : null;
}

/** So many tickets dead and not one through: the batch stops, whether it began with a canary or not. */
const HOPELESS = 20;

/** Something is wrong that hits every ticket, whatever its class says: pure. */
export function isHopeless(outcomes: Outcomes): boolean {
  const { seen, bad } = sinceForgiven(outcomes);
  return bad >= HOPELESS && bad === seen;
}

function sinceForgiven({ processed, failed, forgiven }: Outcomes): { seen: number; bad: number } {
  return { seen: processed - forgiven.processed, bad: failed - forgiven.failed };
}

function percent(share: number): string {
  return `${Math.round(share * 1000) / 10} %`;
}
