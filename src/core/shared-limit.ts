import { createGcra } from './gcra.ts';
import { type Charge, createProviderFeedback, type Mark, type ProviderFeedback } from './provider-feedback.ts';

const MINUTE_MS = 60_000;
/** The server should have so much more left than our own account says, in ms of the rate, where its bucket is that deep. */
const SLACK_MS = 500;
/** Below this share of it somebody else is using the key, and we make room. */
const SLACK_LOW = 0.5;
/** Kept free for what changes its order on the way, ms of the rate. */
const RESERVE_MS = 50;
/** How fast the slack is won back beside others, whose moves we hear of late, and how fast when alone. */
const SETTLE_SHARED_MS = 6_000;
const SETTLE_ALONE_MS = 4_000;
/** A call that costs more, in ms of the rate, leaves little of what a strict server's bucket holds. */
const LARGE_MS = 400;
/** From call to call, how much of the largest is remembered. */
const LATE_KEPT = 0.98;
/** A full bucket loses what flows in: kept so far from it, ms of the rate, it shows whether unused output comes back. */
const OPEN_MS = 250;
/** The last of a minute is not spent: clocks differ. */
const LAST_MS = 3_000;
const SMALLEST_SHARE = 1 / 16;

export interface SharedLimitOptions {
  readonly perMinute: number;
  /** Set by the operator: only ever lowered by what a server tells. */
  readonly configured: boolean;
  readonly burstMs: number;
  readonly startedAt: number;
  /** See FeedbackModel. */
  readonly ratio: () => number;
  readonly refund: () => number;
  readonly spare: () => number;
}

/** What the headers say about one limit; null = not told. */
export interface Told {
  readonly limit: number | null;
  readonly remaining: number | null;
  readonly resetMs: number | null;
}

/** One of the server's limits, whose bucket others may use too: our pace for it, and what its headers teach. */
export interface SharedLimit {
  /** In force, units per minute. */
  readonly limit: number;
  /** A cost above it can never fit: what the operator set, or the largest the server told. */
  readonly largest: number;
  readonly feedback: ProviderFeedback;
  waitFor(cost: number, now: number): number;
  /** A large cost, and for all we know the server's bucket may hold no more than it. */
  tight(cost: number): boolean;
  /** Calls of late were that large. */
  readonly shallow: boolean;
  /** `cost` is what we reserve for the charge. */
  take(charge: Charge, cost: number, now: number): Mark;
  giveBack(amount: number, now: number): void;
  tell(told: Told, mark: Mark, now: number): void;
  /** Refused: what was seen before is void, and the share is learned anew. */
  cut(now: number): void;
  /** At most this share of the limit, whatever the headers say. */
  brake(share: number): void;
  /** Nothing is earned until then. */
  stopUntil(at: number): void;
  /** Its headers tell what is left. */
  readonly told: boolean;
  /** Seen long enough since the last cut to know what is left for us; true as well where nothing is told. */
  seen(): boolean;
}

export function createSharedLimit(options: SharedLimitOptions): SharedLimit {
  const { configured, ratio, refund, spare, burstMs } = options;
  const gcra = createGcra({ perMinute: options.perMinute, burstMs });
  let serverLimit = options.perMinute;
  let largest = options.perMinute;
  let share = 1;
  let brake = 1;
  /** The headers decide about our share until it is whole again. */
  let sharing = false;
  let tells = false;
  let largestOfLate = 0;
  const perMs = (): number => serverLimit / MINUTE_MS;
  const feedback = createProviderFeedback(
    () => ({ perMs: perMs(), ratio: ratio(), refund: refund(), spare: spare() }),
    options.startedAt,
  );

  const adopt = (told: Told, now: number): void => {
    if (told.limit === null || told.limit <= 0 || told.limit === serverLimit) return;
    if (told.limit > options.perMinute && !perMinute(told)) return;
    serverLimit = told.limit;
    gcra.limit = configured ? Math.min(options.perMinute, told.limit) : told.limit;
    if (!configured) largest = Math.max(largest, told.limit);
    feedback.reset(now, false);
  };

  /** The server's lead on our account when both are full. */
  const slackFull = (): number => Math.max(0, feedback.depth - (gcra.limit * burstMs) / MINUTE_MS);
  const slackAim = (): number => Math.min(SLACK_MS * perMs(), slackFull());

  const tight = (cost: number): boolean => cost > LARGE_MS * perMs() && feedback.depth <= cost + LARGE_MS * perMs();
  const shallow = (): boolean => tight(largestOfLate);

  const setShare = (next: number): void => {
    share = next;
    sharing = share < 1;
    gcra.share = share * brake;
  };

  /** What is left of the server's minute goes evenly over the rest of it. */
  const spread = (level: number | null, restMs: number): void => {
    if (level === null) return setShare(1);
    const most = 1 + (spare() * MINUTE_MS) / gcra.limit;
    const even = ((level / Math.max(restMs, LAST_MS)) * MINUTE_MS) / gcra.limit;
    setShare(Math.max(SMALLEST_SHARE, Math.min(even, most)));
  };

  /** Compares our account with the server's, and makes ours the lower one of both. */
  const follow = (now: number): void => {
    const minuteEnd = feedback.minuteEndsAt(now);
    const level = feedback.level(now);
    if (minuteEnd !== null) return spread(level, minuteEnd - now);
    if (level === null) return;
    const slack = level - gcra.balance(now);
    const reserve = Math.min(RESERVE_MS * perMs(), slackAim());
    if (slack < reserve) gcra.drain(level - reserve, now);
    // where one call empties the bucket, what remains says nothing about a trend
    if (shallow()) return setShare(1);
    const drift = feedback.drift();
    sharing ||= slack < slackAim() * SLACK_LOW;
    if (drift === null) return;
    const aim = sharing ? slackAim() : Math.max(0, slackFull() - (spare() > 0 ? OPEN_MS * perMs() : 0));
    const gain = Math.min(spare(), drift + (slack - aim) / (sharing ? SETTLE_SHARED_MS : SETTLE_ALONE_MS));
    const left = perMs() + (sharing ? gain : Math.max(0, gain));
    // of a server that allows more than the operator we use no more than the operator allows
    const most = gcra.limit / MINUTE_MS + Math.max(0, gain);
    setShare(Math.max(SMALLEST_SHARE, (Math.min(left, most) * MINUTE_MS) / gcra.limit));
  };

  return {
    get limit() {
      return gcra.limit;
    },
    get largest() {
      return largest;
    },
    feedback,
    tight,
    get shallow() {
      return shallow();
    },
    waitFor: (cost, now) => gcra.waitFor(cost, now, !tight(cost)),
    take: (charge, cost, now) => {
      largestOfLate = Math.max(cost, largestOfLate * LATE_KEPT);
      gcra.take(cost, now);
      return feedback.take(charge, now);
    },
    giveBack: (amount, now) => gcra.giveBack(amount, now),
    tell: (told, mark, now) => {
      adopt(told, now);
      if (told.remaining === null) return;
      tells = true;
      feedback.tell(mark, told.remaining, now);
      follow(now);
    },
    cut: (now) => {
      feedback.reset(now, true);
      sharing = true;
    },
    brake: (next) => {
      brake = next;
      gcra.share = share * brake;
    },
    stopUntil: (at) => gcra.drain(0, at),
    get told() {
      return tells;
    },
    seen: () => !tells || feedback.drift() !== null,
  };
}

/**
 * Is the limit one a minute? Some servers tell requests a day under the same name (console.groq.com/docs/rate-limits);
 * then the bucket takes far longer to be full again than a limit a minute would.
 */
function perMinute({ limit, remaining, resetMs }: Told): boolean {
  if (limit === null || remaining === null || resetMs === null) return true;
  return resetMs <= (2 * MINUTE_MS * (limit - remaining)) / limit + 1000;
}
