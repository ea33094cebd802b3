import type { Demand } from './helpdesk.ts';
import type { StatusCounts } from './ticket-reader.ts';

export interface EtaParts {
  readonly counts: StatusCounts;
  /** With `hold` a drafted ticket is done. */
  readonly post: 'auto' | 'hold';
  /** Tickets that were still to do a moment ago and are done, as measured. */
  readonly ratePerMinute: number;
  readonly demand: readonly Demand[];
}

/**
 * Seconds until a batch is done; null when nothing moves. What was measured may be a burst (of the helpdesk's minute, or
 * from before the notes' limit was met), so it is never less than the notes take that are still to be written.
 */
export function etaSeconds({ counts, post, ratePerMinute, demand }: EtaParts): number | null {
  const before = counts.queued + counts.drafting + counts.retrying;
  const left = before + counts.posting;
  if (left === 0) return 0;
  if (ratePerMinute === 0) return null;
  const noted = counts.posted + counts.accepted + counts.edited + counts.discarded;
  const ended = noted + counts.skipped + counts.dead;
  const notes = post === 'hold' ? counts.posting : counts.posting + before * (ended === 0 ? 1 : noted / ended);
  const minutes = demand
    .filter(({ limit }) => limit.endsWith('.updates'))
    .map(({ perMinute, perTicket }) => (notes * perTicket) / perMinute);
  return Math.ceil(60 * Math.max(left / ratePerMinute, ...minutes));
}
