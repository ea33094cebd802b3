import { errorName } from '../core/errors.ts';
import type { Claim, ClaimedJob, ClaimOffer, Stage } from '../core/outbox.ts';
import { BATCH_DRAFTS } from '../core/spend-guard.ts';
import { type AttemptDeps, runAttempt } from './attempt.ts';
import { repeat } from './repeat.ts';

export interface PoolOptions extends AttemptDeps {
  /** Tickets in flight at most. */
  readonly concurrency: number;
  /** How often to look for work nobody announced, ms. */
  readonly pollMs?: number;
  /** How often to renew the leases, ms. */
  readonly beatMs?: number;
}

/** The worker pool: drains the outbox, never claims more than it can start. */
export interface Pool {
  start(): void;
  /** Takes no more work, lets what runs finish for `graceMs`, then aborts it: it goes back without losing an attempt. */
  stop(graceMs: number): Promise<void>;
  /** Aborts jobs that were cancelled in the outbox. */
  abort(claims: readonly Claim[]): void;
  /** Looks for work now. */
  wake(): void;
  busy(): number;
  readonly concurrency: number;
  /** False when the loop that claims has not come round for long: the service is not ready then. */
  alive(): boolean;
}

interface Running {
  readonly job: ClaimedJob;
  readonly controller: AbortController;
  readonly done: Promise<void>;
}

/** The claiming loop has stalled when it did not come round for so long, ms. */
const STALLED_MS = 15_000;

/** Each ends a call, its sockets and its try: 200 in one turn of the event loop would hold it for 60 ms. */
const ABORTS_AT_ONCE = 20;

export function createPool(options: PoolOptions): Pool {
  const { outbox, clock, gate, helpdesks, routes, reviewer, observer, concurrency } = options;
  const { pollMs = 250, beatMs = 1000 } = options;
  // those that an earlier life has left go on without
  const withReviews = reviewer !== undefined || outbox.hasReviews;
  const running = new Map<string, Running>();
  let stopping = false;
  let pumping = false;
  let pumped: Promise<void> = Promise.resolve();
  let wanted = false;
  let lastRound = clock.steady();
  let cancelTimers: (() => void)[] = [];

  /** What could be started now, per stage and helpdesk. */
  const makeOffers = (free: number): ClaimOffer[] => {
    // Drafts that would only wait out the provider's pause would keep notes from being posted.
    const batches = gate.allowance(BATCH_DRAFTS) > 0;
    const economy = options.packer?.room() ?? 0;
    const modelRoom = Math.min(free, gate.allowance('llm'));
    const draftRoom = Math.min(modelRoom, routes.canTake());
    const reviewRoom = Math.min(modelRoom, reviewer?.routes.canTake() ?? free);
    return [...helpdesks.values()].flatMap((helpdesk) => {
      const allowed = Math.min(free, gate.allowance(helpdesk.name));
      const offer = (stage: Stage, room: number): ClaimOffer => ({
        stage,
        helpdesk: helpdesk.name,
        limit: Math.min(allowed, room),
        batches,
      });
      const offers: ClaimOffer[] = [
        { ...offer('post', helpdesk.room()), batches: true },
        ...(withReviews ? [offer('revise', draftRoom), offer('review', reviewRoom)] : []),
        { ...offer('draft', draftRoom), economy },
      ];
      return offers.filter(({ limit }) => limit > 0);
    });
  };

  const begin = (job: ClaimedJob): void => {
    const controller = new AbortController();
    const key = keyOf(job);
    const done = runAttempt({ job, signal: controller.signal }, options).finally(() => {
      running.delete(key);
      wake();
    });
    running.set(key, { job, controller, done });
    // claimed while the service began to stop: hand it back
    if (stopping) controller.abort();
  };

  const round = async (): Promise<void> => {
    const free = concurrency - running.size;
    if (stopping || free <= 0) return;
    const offers = makeOffers(free);
    if (offers.length === 0) return;
    const jobs = await outbox.claim(offers, free);
    jobs.forEach(begin);
  };

  /** One loop at a time; a wake-up during a round makes another round. */
  const pump = async (): Promise<void> => {
    pumping = true;
    try {
      while (wanted && !stopping) {
        wanted = false;
        await round();
        lastRound = clock.steady();
      }
    } catch (error) {
      observer.fault({ where: 'claim', error: errorName(error) });
    } finally {
      pumping = false;
    }
  };

  const wake = (): void => {
    wanted = true;
    if (!pumping) pumped = pump();
  };

  const beat = async (): Promise<void> => {
    const held = [...running.values()].map(({ job }) => job);
    if (held.length > 0) abort(await outbox.heartbeat(held));
    if ((await outbox.reclaimExpired()) > 0) wake();
    // what a restart, or a disk that refused, has left undone
    await outbox.tendBatches();
  };

  const abort = (claims: readonly Claim[]): void => {
    for (const claim of claims.slice(0, ABORTS_AT_ONCE)) running.get(keyOf(claim))?.controller.abort();
    if (claims.length > ABORTS_AT_ONCE) clock.after(0, () => abort(claims.slice(ABORTS_AT_ONCE)));
  };

  return {
    concurrency,
    start: () => {
      cancelTimers.push(outbox.onWake(wake));
      cancelTimers.push(repeat({ clock, observer, where: 'pool', everyMs: pollMs }, wake));
      cancelTimers.push(repeat({ clock, observer, where: 'pool', everyMs: beatMs }, beat));
      wake();
    },
    stop: async (graceMs) => {
      stopping = true;
      await pumped;
      const all = (): Promise<unknown> => Promise.all([...running.values()].map(({ done }) => done));
      const over = new AbortController();
      await Promise.race([all(), clock.sleep(graceMs, over.signal)]);
      over.abort();
      for (const { controller } of running.values()) controller.abort();
      await all();
      for (const cancel of cancelTimers) cancel();
      cancelTimers = [];
    },
    abort,
    wake,
    busy: () => running.size,
    alive: () => clock.steady() - lastRound < STALLED_MS,
  };
}

function keyOf(claim: Claim): string {
  return `${claim.jobId} ${claim.attempt}`;
}
