import type { Clock, Random } from '../core/clock.ts';
import type { Helpdesk } from '../core/helpdesk.ts';
import type { Observer } from '../core/observer.ts';
import type { Outbox } from '../core/outbox.ts';
import { asUpstreamError, decide, type RetrySettings } from '../core/retry-policy.ts';
import { type BatchWalk, countPending, type TicketReader } from '../core/ticket-reader.ts';
import type { Gate } from './gate.ts';
import { repeat } from './repeat.ts';

/** Tickets of a walk that wait for a worker: below it the next page is fetched, so memory and outbox stay small. */
const AHEAD = 1_000;
const ROUND_MS = 250;

export interface FeederOptions {
  readonly outbox: Pick<Outbox, 'addToBatch' | 'pauseBatch'>;
  readonly reader: Pick<TicketReader, 'walks' | 'counts'>;
  readonly helpdesks: ReadonlyMap<string, Helpdesk>;
  readonly gate: Gate;
  readonly retry: RetrySettings;
  readonly clock: Clock;
  readonly random: Random;
  readonly observer: Observer;
  /** OUTBOX_MAX_PENDING: live tickets must find room. */
  readonly maxPending: number;
}

/** Walks the lists that batches are made from, page by page, as fast as their tickets are worked off. */
export interface BatchFeeder {
  start(): void;
  stop(): void;
}

interface Setback {
  readonly failures: number;
  readonly until: number;
}

export function createBatchFeeder(options: FeederOptions): BatchFeeder {
  const { outbox, reader, helpdesks, gate, clock, observer } = options;
  const setbacks = new Map<string, Setback>();
  const stop = new AbortController();
  let cancel = (): void => undefined;

  const fetchPage = async ({ batchId, helpdesk, filter, cursor }: BatchWalk): Promise<boolean> => {
    const { tickets, nextCursor } = await helpdeskOf(helpdesk).listTickets(filter, cursor, stop.signal);
    await outbox.addToBatch(
      batchId,
      tickets.map(({ ticketId }) => ticketId),
      nextCursor,
    );
    setbacks.delete(batchId);
    return nextCursor !== null;
  };

  const helpdeskOf = (name: string): Helpdesk => {
    const helpdesk = helpdesks.get(name);
    if (helpdesk === undefined) throw new Error(`no helpdesk ${name}`);
    return helpdesk;
  };

  /** A page that fails is asked for again like anything else; what can never work pauses the batch and says why. */
  const fail = async ({ batchId, helpdesk }: BatchWalk, thrown: unknown): Promise<void> => {
    const error = asUpstreamError(thrown);
    if (error.errorClass === 'internal') observer.fault({ where: 'batch feeder', error: error.message });
    const failures = setbacks.get(batchId)?.failures ?? 0;
    const decision = decide(error, { failures, ambiguousWaitMs: 0 }, options.retry, options.random);
    if (decision.kind !== 'skip' && decision.pauseScope !== null) {
      await gate.close(decision.pauseScope, error.errorClass, error.message);
    }
    if (decision.kind === 'retry') {
      setbacks.set(batchId, {
        failures: failures + (decision.countsAsAttempt ? 1 : 0),
        until: clock.steady() + decision.delayMs,
      });
      return;
    }
    setbacks.delete(batchId);
    const reason = `The list of tickets at ${helpdesk} could not be read on: ${error.message}`;
    await outbox.pauseBatch(batchId, { reason, errorClass: error.errorClass });
  };

  const hasRoom = (): boolean => countPending(reader.counts()) + AHEAD <= Math.max(options.maxPending, AHEAD);

  const isReady = ({ batchId, helpdesk, waiting }: BatchWalk): boolean =>
    waiting < AHEAD &&
    hasRoom() &&
    gate.allowance(helpdesk) > 0 &&
    (setbacks.get(batchId)?.until ?? 0) <= clock.steady();

  const round = async (): Promise<void> => {
    for (;;) {
      let more = false;
      for (const walk of reader.walks().filter(isReady)) {
        if (stop.signal.aborted) return;
        try {
          more = (await fetchPage(walk)) || more;
        } catch (error) {
          if (!stop.signal.aborted) await fail(walk, error);
        }
      }
      if (!more) return;
    }
  };

  return {
    start: () => {
      cancel = repeat({ clock, observer, where: 'batch feeder', everyMs: ROUND_MS }, round);
    },
    stop: () => {
      stop.abort();
      cancel();
    },
  };
}
