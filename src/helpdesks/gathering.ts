import type { Clock } from '../core/clock.ts';
import { UpstreamError } from '../core/errors.ts';

/** How long the first who asks waits for company, ms. Whoever comes while the call waits for its turn joins as well. */
const GATHER_MS = 5;

/** `look` is more urgent than `read`, and takes reads along. */
export type GatherStep = 'look' | 'read';

export interface GatheringOptions<T> {
  readonly upstream: string;
  readonly clock: Clock;
  /** Ids in one call at most. */
  readonly maxIds: number;
  /** One call for all of them; `ids` is to be asked as late as can be: who comes before is in it. */
  send(ids: () => readonly string[], step: GatherStep, signal: AbortSignal): Promise<ReadonlyMap<string, T>>;
}

export interface Gathering<T> {
  /** What the joint call answers for this id; undefined when its answer lacks it. */
  ask(id: string, step: GatherStep, signal: AbortSignal): Promise<T | undefined>;
}

interface Member<T> {
  readonly id: string;
  readonly resolve: (found: T | undefined) => void;
  readonly reject: (error: unknown) => void;
}

/** A joint call that has not begun. */
interface Party<T> {
  readonly step: GatherStep;
  readonly members: Set<Member<T>>;
  /** Aborted when everybody has left. */
  readonly left: AbortController;
  /** Ends the wait for company. */
  readonly full: AbortController;
}

/** Makes one call of what several callers ask for within a few milliseconds. An aborted caller leaves the others. */
export function createGathering<T>(options: GatheringOptions<T>): Gathering<T> {
  const open = new Set<Party<T>>();

  function partyFor(step: GatherStep): Party<T> {
    for (const party of open) if (party.step === step || party.step === 'look') return party;
    const party: Party<T> = { step, members: new Set(), left: new AbortController(), full: new AbortController() };
    open.add(party);
    void hold(party);
    return party;
  }

  async function hold(party: Party<T>): Promise<void> {
    await options.clock.sleep(GATHER_MS, AbortSignal.any([party.full.signal, party.left.signal]));
    const ids = (): readonly string[] => {
      open.delete(party);
      return [...new Set(Array.from(party.members, ({ id }) => id))];
    };
    try {
      const found = await options.send(ids, party.step, party.left.signal);
      for (const { id, resolve } of party.members) resolve(found.get(id));
    } catch (error) {
      for (const { reject } of party.members) reject(ownCopy(error));
    } finally {
      open.delete(party);
    }
  }

  function leave(party: Party<T>, member: Member<T>): void {
    party.members.delete(member);
    if (party.members.size > 0) return;
    open.delete(party);
    party.left.abort();
  }

  return {
    ask: (id, step, signal) =>
      new Promise((resolve, reject) => {
        const stopped = (): UpstreamError =>
          new UpstreamError('cancelled', `Stopped during a call to ${options.upstream}.`, {
            upstream: options.upstream,
          });
        if (signal.aborted) {
          reject(stopped());
          return;
        }
        const party = partyFor(step);
        const onAbort = (): void => {
          leave(party, member);
          reject(stopped());
        };
        const over = (): void => signal.removeEventListener('abort', onAbort);
        const member: Member<T> = {
          id,
          resolve: (found) => {
            over();
            resolve(found);
          },
          reject: (error) => {
            over();
            reject(error);
          },
        };
        signal.addEventListener('abort', onAbort, { once: true });
        party.members.add(member);
        if (party.members.size < options.maxIds) return;
        open.delete(party);
        party.full.abort();
      }),
  };
}

/** Everybody gets an error to himself: they are kept, counted and thrown again in different places. */
function ownCopy(error: unknown): unknown {
  if (!(error instanceof UpstreamError)) return error;
  const { errorClass, message, upstream, status, retryAfterMs, reason } = error;
  return new UpstreamError(errorClass, message, {
    upstream,
    ...(status === null ? {} : { status }),
    ...(retryAfterMs === null ? {} : { retryAfterMs }),
    ...(reason === null ? {} : { reason }),
    cause: error,
  });
}
