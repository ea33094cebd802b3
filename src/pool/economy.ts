import type { ConsignedJob } from '../core/consignment.ts';
import { errorName } from '../core/errors.ts';
import type { JobOutcome } from '../core/outbox.ts';
import { runAttempt } from './attempt.ts';
import { finishConsigned } from './consigned-draft.ts';
import { followConsignments, type FollowState } from './consignment-follower.ts';
import { createPacker, type Packer } from './consignment-packer.ts';
import { sendConsignment } from './consignment-sender.ts';
import type { EconomyOptions, EconomyParts } from './economy-parts.ts';
import { repeat } from './repeat.ts';
import type { StageRun } from './stage-run.ts';

/** How often the provider is asked how far it is, ms. */
const POLL_MS = 30_000;
/** Tickets given back in one turn of the event loop. */
const GIVE_BACK = 50;

/** The economy lane: drafts by the thousand from the provider's Batch API, at half the price and within a day. */
export interface Economy {
  readonly packer: Packer;
  start(): void;
  /** Looks now: a batch was cancelled. */
  wake(): void;
  stop(): Promise<void>;
}

export function createEconomy(options: EconomyOptions): Economy {
  const { consignments, clock, observer, model, newId, pollMs = POLL_MS } = options;
  const stopping = new AbortController();
  const followState: FollowState = { busy: new Set(), misses: new Map() };
  const underWay = new Set<Promise<void>>();
  const track = (work: Promise<void>): Promise<void> => {
    const watched = work
      .catch((error: unknown) => observer.fault({ where: 'economy', error: errorName(error) }))
      .finally(() => underWay.delete(watched));
    underWay.add(watched);
    return watched;
  };

  const end = ({ job, context }: ConsignedJob, stage: (run: StageRun) => Promise<JobOutcome>): Promise<void> =>
    runAttempt({ job, signal: stopping.signal, stage, scopes: [], startedAt: context.startedAt }, options);

  const parts: EconomyParts = {
    ...options,
    stop: stopping.signal,
    holdBack: (ms) => packer.hold(ms),
    track,
    isInMemory: (key) => packer.holds(key),
    conclude: (one, outcome) =>
      end(one, async (run) => finishConsigned(run, { context: one.context, outcome }, options)),
    giveBack: async (key, error) => {
      for (let after = ''; !stopping.signal.aborted;) {
        const some = consignments.waitingAfter(key, after, GIVE_BACK);
        await Promise.all(some.map((one) => end(one, () => Promise.reject(error))));
        const last = some.at(-1);
        if (last === undefined) break;
        after = last.job.jobId;
      }
      const unsent = consignments.open().some((one) => one.key === key && one.providerId === null);
      if (unsent) await consignments.close(key);
    },
  };
  const packer: Packer = createPacker({
    model,
    newId,
    clock,
    observer,
    send: (pack) => track(sendConsignment(pack, parts)),
  });

  let following: Promise<void> | null = null;
  const follow = (): Promise<void> =>
    (following ??= track(
      followConsignments(parts, followState).finally(() => {
        following = null;
      }),
    ));
  let cancel = (): void => undefined;

  return {
    packer,
    start: () => {
      packer.start();
      // what an earlier process has left comes first
      cancel = repeat({ clock, observer, where: 'economy', everyMs: pollMs }, follow);
      void follow();
    },
    wake: () => void follow(),
    stop: async () => {
      packer.stop();
      cancel();
      stopping.abort();
      await Promise.allSettled(underWay);
    },
  };
}
