import type { HelpdeskDemand } from './helpdesk.ts';
import type { Pace } from './pace-meter.ts';
import type { StatusCounts } from './ticket-reader.ts';

export interface EtaParts {
  readonly counts: StatusCounts;
  /** With `hold` a drafted ticket is done. */
  readonly post: 'auto' | 'hold';
  readonly pace: Pace;
  readonly demand: readonly HelpdeskDemand[];
}

/** So many that wait for another try at once are no accident: there will be as many at the end. */
const MANY_RETRIES = 10;

/**
 * Seconds until a batch is done; null when nothing moves. First the drafts are made, at the pace of late, and such notes
 * written as the helpdesk's limits leave room for beside them; then the notes that are left, for which all room is free.
 * Both no faster than the limits: what was measured may be a burst.
 */
export function etaSeconds({ counts, post, pace, demand }: EtaParts): number | null {
  const { queued, drafting, retrying, posting } = counts;
  if (queued + drafting + retrying + posting === 0) return 0;
  // nobody counts which stage they come again in: once no drafts are made any more it is the second
  const noteRetries = post === 'auto' && queued + drafting === 0 && pace.draftsLately === 0 ? retrying : 0;
  const undrafted = queued + drafting + retrying - noteRetries;
  const drafts = Math.min(pace.draftsPerMinute, ...demand.map(mostDrafts));
  if (undrafted > 0 && drafts === 0) return null;
  const draftMinutes = undrafted === 0 ? 0 : undrafted / drafts;
  const beside = Math.min(pace.notesPerMinute, ...demand.map((each) => notesBeside(each, drafts)));
  const wanted = posting + noteRetries + (post === 'hold' ? 0 : undrafted * notedShare(counts));
  const notes = Math.max(0, wanted - beside * draftMinutes);
  const alone = Math.min(pace.notesPerMinute + pace.draftsLately, ...demand.map((each) => notesBeside(each, 0)));
  if (notes > 0 && alone === 0) return null;
  const noteMinutes = notes === 0 ? 0 : notes / alone;
  return Math.ceil(
    Math.max(
      60 * (draftMinutes + noteMinutes),
      // where many come again, the last ones will have to wait, too
      60 * draftMinutes * ((queued + drafting) / undrafted || 0) +
        pace.retrySeconds * Math.min(1, retrying / MANY_RETRIES),
      retrying === 0 ? 0 : pace.retrySeconds,
    ),
  );
}

/** Drafts a minute that a limit allows if no notes were written. */
function mostDrafts({ perMinute, perTicket, perNote }: HelpdeskDemand): number {
  return perTicket > perNote ? perMinute / (perTicket - perNote) : Number.POSITIVE_INFINITY;
}

/** Notes a minute that a limit allows while so many drafts are made. */
function notesBeside({ perMinute, perTicket, perNote }: HelpdeskDemand, drafts: number): number {
  return perNote > 0 ? (perMinute - drafts * (perTicket - perNote)) / perNote : Number.POSITIVE_INFINITY;
}

/** Of the tickets that are drafted, or over without a draft: what share gets a note. */
function notedShare({ posting, posted, accepted, edited, discarded, skipped, dead }: StatusCounts): number {
  const noted = posting + posted + accepted + edited + discarded;
  return noted + skipped + dead === 0 ? 1 : noted / (noted + skipped + dead);
}
