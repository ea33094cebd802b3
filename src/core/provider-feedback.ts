import { createReadings, enough, ENOUGH_GROUPS, type Group, meanOf } from './header-readings.ts';
import { fitLine, type Line, type Point } from './linear-fit.ts';

const FIT_EVERY_MS = 20;
/** Calls change their order on the way: so much of the rate a single reading may be off. */
const NOISE_MS = 50;
/** A bucket that lacks less than this, in ms of the rate, counts as full: it may be losing what flows in. */
const FULL_MS = 100;
/** Of a call that costs more, in ms of the rate, a server with nothing left does not tell how much it lacks. */
const CENSORED_MS = 150;
const MINUTE_MS = 60_000;
/** So much at once, in ms of the rate, comes only with a new minute. */
const ROLLED_MS = 10_000;
/** Not seen for so long, a server counts by the minute no longer. */
const FORGET_MINUTE_MS = 2.5 * MINUTE_MS;

/** What a call costs in one dimension, by the time it is granted. */
export interface Charge {
  /** Our estimate of a part that is known later (prompt tokens). */
  readonly estimated: number;
  /** A part that is exact (one request, the largest output). */
  readonly fixed: number;
}

/** All that had been granted when a call was granted, the call itself included. */
export interface Mark {
  readonly at: number;
  readonly estimated: number;
  readonly fixed: number;
  readonly unused: number;
  readonly lost: number;
  readonly own: Charge;
}

export interface FeedbackModel {
  /** What flows into the server's bucket, units per ms. */
  readonly perMs: number;
  /** What the server counts over what we estimate. */
  readonly ratio: number;
  /** Share of the unused that we take as given back. */
  readonly refund: number;
  /** What may be coming back beside that, units per ms. */
  readonly spare: number;
}

/**
 * The server's bucket of one dimension, as far as `remaining` headers show it: how much is in it now, and whether it
 * gains (unused output given back) or loses (somebody else uses the key) beside what we know of (queues.md A3).
 */
export interface ProviderFeedback {
  take(charge: Charge, now: number): Mark;
  /** A call has ended and used so much less than its largest output. */
  leave(unused: number, now: number): void;
  /** `remaining` of the headers of the call that was granted at the mark. */
  tell(mark: Mark, remaining: number, now: number): void;
  /** Forgets what was seen, but the depth: something has changed. `empty` when the server has refused a call. */
  reset(now: number, empty: boolean): void;
  /** The most that the bucket was seen to hold; 0 = never told. */
  readonly depth: number;
  /** Where the server counts by the minute: when that ends; null = it refills all the time. */
  minuteEndsAt(now: number): number | null;
  /** What is in the bucket now; null = not known. */
  level(now: number): number | null;
  /** What the bucket gains beside the known flows, units per ms; negative = lost to others; null = not seen long enough. */
  drift(): number | null;
  /** Between which shares of the unused comes back; null = not seen long enough. */
  refundSeen(): { readonly low: number; readonly high: number } | null;
}

export function createProviderFeedback(model: () => FeedbackModel, startedAt: number): ProviderFeedback {
  const totals = { estimated: 0, fixed: 0, unused: 0, lost: 0 };
  const readings = createReadings(startedAt);
  let since = Number.NEGATIVE_INFINITY;
  let depth = 0;
  /** The depth rests on something that was told. */
  let shown = false;
  /** What a full bucket would hold more. It is taken for full at the start. */
  let missing = 0;
  let missingAt = startedAt;
  let newest: { readonly mark: Mark; readonly told: number } | null = null;
  let line: Line | null = null;
  let seen = false;
  let fittedAt = Number.NEGATIVE_INFINITY;
  /** When a server that counts by the minute was last seen to begin a new one. */
  let rolledAt: number | null = null;

  /** A server that counts by the minute lets nothing flow in between. */
  const inflow = (): number => (rolledAt === null ? model().perMs : 0);

  /** More has come back than can have flowed in or been left unused: the server has begun a new minute. */
  const hasRolled = (mark: Mark, told: number): boolean => {
    if (newest === null || mark.at <= newest.mark.at) return false;
    const { perMs, ratio } = model();
    const from = newest.mark;
    const charged = (mark.estimated - from.estimated) * ratio + mark.fixed - from.fixed;
    const known = perMs * (mark.at - from.at) + mark.unused - from.unused;
    return told - newest.told + charged > known + ROLLED_MS * perMs;
  };

  /** What the bucket holds, less all that we know has flowed: constant while nobody else takes and nothing comes back. */
  const offset = (seen: Omit<Mark, 'own'>, told: number, refund: number): number => {
    const charged = seen.estimated * model().ratio + seen.fixed;
    return told + charged + seen.lost - refund * seen.unused - inflow() * (seen.at - startedAt);
  };

  /** What flows into a full bucket is lost. */
  const add = (amount: number): void => {
    missing -= amount;
    if (missing >= 0) return;
    totals.lost -= missing;
    missing = 0;
  };

  /** What is lost counts in full, what is gained as far as it is certain and possible. */
  const drift = (): number => {
    if (line === null) return 0;
    if (line.slope < 0) return line.slope;
    return Math.min(model().spare, Math.max(0, line.slope - 2 * line.slopeError));
  };

  const advance = (now: number): void => {
    add(Math.max(0, now - missingAt) * Math.max(0, inflow() + drift()));
    missingAt = now;
  };

  /** A bucket that was found full may have lost what flowed in: what it then tells is no more than a lower bound. */
  const isFull = ({ before, answers }: Group): boolean => before / answers >= depth - FULL_MS * model().perMs;

  const fit = (now: number): void => {
    if (now - fittedAt < FIT_EVERY_MS) return;
    fittedAt = now;
    const { refund } = model();
    const lineOf = (some: readonly Group[]): Line | null =>
      enough(some) ? fitLine(some.map((each) => pointOf(each, (mean) => mean.at, refund))) : null;
    const all = lineOf(readings.groups);
    const gains = all !== null && all.slope > 2 * all.slopeError;
    line = gains ? all : lineOf(readings.groups.filter((each) => !isFull(each)));
    seen = all !== null;
  };

  const pointOf = (each: Group, x: (mean: Omit<Mark, 'own'>) => number, refund: number): Point => {
    const mean = meanOf(each);
    return { x: x(mean), y: offset(mean, each.told / each.answers, refund), weight: each.answers };
  };

  /** The level by the line through what was told and by the newest word, whichever is lower. */
  const estimate = (now: number): void => {
    if (newest === null) return;
    const { refund, perMs } = model();
    let base = offset(newest.mark, newest.told, refund);
    const latest = readings.groups.at(-1);
    if (line !== null && latest !== undefined && !isFull(latest)) {
      const fitted = line.meanY + line.slope * (newest.mark.at - line.meanX);
      base = Math.min(fitted, base + NOISE_MS * perMs);
    }
    base += drift() * (now - newest.mark.at);
    missing = Math.max(0, depth - base + offset({ at: now, ...totals }, 0, refund));
  };

  const forget = (now: number): void => {
    readings.clear();
    since = now;
    newest = null;
    line = null;
    seen = false;
  };

  return {
    take: (own, now) => {
      advance(now);
      totals.estimated += own.estimated;
      totals.fixed += own.fixed;
      add(-own.estimated * model().ratio - own.fixed);
      return { at: now, ...totals, own };
    },
    leave: (unused, now) => {
      advance(now);
      totals.unused += unused;
      add(unused * model().refund);
    },
    tell: (mark, told, now) => {
      if (mark.at < since) return;
      advance(now);
      if (hasRolled(mark, told)) {
        forget(mark.at);
        rolledAt = mark.at;
      }
      const charged = mark.own.estimated * model().ratio + mark.own.fixed;
      if (newest === null || mark.at >= newest.mark.at) newest = { mark, told };
      // a large call may have left a debt, of which nothing is told
      if (told !== 0 || charged < CENSORED_MS * model().perMs) {
        shown = true;
        depth = Math.max(depth, told + charged);
        readings.add(mark, told, told + charged);
      }
      fit(now);
      estimate(now);
    },
    reset: (now, empty) => {
      forget(now);
      if (empty) missing = Number.POSITIVE_INFINITY;
    },
    minuteEndsAt: (now) => {
      if (rolledAt !== null && now - rolledAt > FORGET_MINUTE_MS) {
        rolledAt = null;
        forget(now);
      }
      return rolledAt === null ? null : rolledAt + Math.ceil(Math.max(1, now - rolledAt) / MINUTE_MS) * MINUTE_MS;
    },
    get depth() {
      return depth;
    },
    level: (now) => {
      advance(now);
      const stale =
        rolledAt !== null && newest !== null && minuteOf(now, rolledAt) > minuteOf(newest.mark.at, rolledAt);
      return newest === null || !shown || stale ? null : depth - missing;
    },
    drift: () => (seen ? drift() : null),
    refundSeen: () => {
      const open = readings.groups.filter((each) => !isFull(each));
      const [oldest, latest] = [open[0], open.at(-1)];
      if (oldest === undefined || latest === undefined || open.length < ENOUGH_GROUPS) return null;
      const unused = meanOf(latest).unused - meanOf(oldest).unused;
      if (unused < 4 * NOISE_MS * model().perMs) return null;
      const share = fitLine(open.map((each) => pointOf(each, (mean) => mean.unused, 0)));
      if (share === null) return null;
      return { low: share.slope - 2 * share.slopeError, high: share.slope + 2 * share.slopeError };
    },
  };
}

function minuteOf(at: number, rolledAt: number): number {
  return Math.floor((at - rolledAt) / MINUTE_MS);
}
