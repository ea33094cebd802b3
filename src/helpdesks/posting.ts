import type { Clock } from '../core/clock.ts';
import { UpstreamError } from '../core/errors.ts';
import type { Helpdesk, LimitSnapshot, PostLook } from '../core/helpdesk.ts';
import type { HelpdeskDeps } from './helpdesk-module.ts';
import type { PacedFetch } from './paced-fetch.ts';

/** Stops all writing of one adapter once a note has come back public. */
export interface PublicPostGuard {
  /** Throws `posting_stopped` when closed: that kills no ticket. */
  assertOpen(): void;
  /** Closes it, sounds the alarm, and answers the error to throw; `noteId` where the answer told it. */
  close(ticketId: string, noteId: string | null): UpstreamError;
}

export function publicPostGuard(upstream: string, deps: Pick<HelpdeskDeps, 'alarm'>): PublicPostGuard {
  let closed = false;
  return {
    assertOpen: () => {
      if (!closed) return;
      const message = `Posting to ${upstream} stopped because a note came back public; restart after finding out why.`;
      throw new UpstreamError('posting_stopped', message, { upstream });
    },
    close: (ticketId, noteId) => {
      closed = true;
      deps.alarm(
        'posted_public',
        `${upstream} made our private note on ticket ${ticketId} public; posting has stopped`,
      );
      const message = `${upstream} made our note public. Check that ticket now; posting to ${upstream} has stopped.`;
      return new UpstreamError('posted_public', message, { upstream, ...(noteId === null ? {} : { noteId }) });
    },
  };
}

/** For a look, a ticket that is gone is an answer and no failure. */
async function unavailableIfGone(looking: Promise<PostLook>): Promise<PostLook> {
  try {
    return await looking;
  } catch (error) {
    if (!(error instanceof UpstreamError) || error.errorClass !== 'gone') throw error;
    return { kind: 'unavailable', reason: error.reason ?? 'not_found' };
  }
}

/** Looks, counted while they are under way: each will want to write soon, so its room is taken already. */
export function countedLooks(look: Helpdesk['look']): { readonly look: Helpdesk['look']; underWay(): number } {
  let underWay = 0;
  return {
    underWay: () => underWay,
    look: async (request, signal) => {
      underWay += 1;
      try {
        return await unavailableIfGone(look(request, signal));
      } finally {
        underWay -= 1;
      }
    },
  };
}

/** Two budgets as progress displays show them; the pause is that of any budget. */
export function limitsOf<Name extends string>(
  clock: Clock,
  paced: Pick<PacedFetch<Name>, 'snapshot' | 'waitedMs' | 'pausedUntil'>,
  names: { readonly requests: Name; readonly updates: Name },
): LimitSnapshot {
  const requests = paced.snapshot(names.requests);
  const updates = paced.snapshot(names.updates);
  const until = paced.pausedUntil();
  return {
    requestsPerMinute: requests.perMinute,
    usedRequests: requests.used,
    waitedMs: Math.round(paced.waitedMs()),
    updatesPerMinute: updates.perMinute,
    usedUpdates: updates.used,
    pausedUntil: until === null ? null : new Date(clock.now() + until - clock.steady()).toISOString(),
    ...(requests.learned === null ? {} : { learnedPerMinute: requests.learned, reserved: requests.reserved }),
    ...(updates.learned === null
      ? {}
      : { learnedUpdatesPerMinute: updates.learned, reservedUpdates: updates.reserved }),
  };
}
