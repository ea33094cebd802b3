import type { Clock } from '../core/clock.ts';
import type { Helpdesk } from '../core/helpdesk.ts';
import type { Observer } from '../core/observer.ts';
import type { Outbox } from '../core/outbox.ts';
import { asUpstreamError } from '../core/retry-policy.ts';
import type { TicketReader } from '../core/ticket-reader.ts';
import type { Gate } from './gate.ts';
import { repeat } from './repeat.ts';

/** A webhook may be on its way for so long: younger changes are left to it, ms. */
const YOUNG_MS = 2 * 60_000;
/** Lists lag behind, and clocks differ: each sweep reaches back so far before the last one, ms. */
const OVERLAP_MS = 5 * 60_000;
/** A service that was down for longer than this catches up with so much, ms: Freshdesk gives up on a webhook after 95 min. */
const LOOK_BACK_MAX_MS = 7 * 24 * 3_600_000;

export interface SweepOptions {
  readonly outbox: Pick<Outbox, 'ingestMissed'>;
  readonly reader: Pick<TicketReader, 'lastEventAt'>;
  readonly helpdesks: ReadonlyMap<string, Helpdesk>;
  readonly gate: Gate;
  readonly clock: Clock;
  readonly observer: Observer;
  readonly everyMinutes: number;
}

export interface Sweep {
  start(): void;
  stop(): void;
}

/** Looks from time to time for tickets whose webhook never came, with the vendor's own list, and gives them work. */
export function createSweep(options: SweepOptions): Sweep {
  const { outbox, reader, helpdesks, gate, clock, observer, everyMinutes } = options;
  const everyMs = everyMinutes * 60_000;
  const sweptUntil = new Map<string, number>();
  const stop = new AbortController();
  let cancel = (): void => undefined;

  /** From where: the last sweep of this process, else the last event before it went down. */
  const sinceOf = (name: string): number => {
    const now = clock.now();
    const known = sweptUntil.get(name) ?? reader.lastEventAt(name) ?? now - everyMs;
    return Math.max(now - LOOK_BACK_MAX_MS, Math.min(known, now - YOUNG_MS) - OVERLAP_MS);
  };

  const sweep = async (helpdesk: Helpdesk): Promise<void> => {
    const until = clock.now() - YOUNG_MS;
    const updatedSince = sinceOf(helpdesk.name);
    let listed = 0;
    let found = 0;
    let refused = 0;
    for (let cursor: string | null = null; ;) {
      const page = await helpdesk.listTickets({ updatedSince }, cursor, stop.signal);
      const old = page.tickets.filter(({ updatedAt }) => updatedAt <= until);
      listed += old.length;
      const stored = await outbox.ingestMissed(helpdesk.name, old);
      found += stored.found;
      refused += stored.refused;
      cursor = page.nextCursor;
      if (cursor === null || stop.signal.aborted) break;
    }
    if (refused === 0) sweptUntil.set(helpdesk.name, until);
    else {
      // the next sweep, or the first of the next process, reaches back to where this one began
      sweptUntil.set(helpdesk.name, sweptUntil.get(helpdesk.name) ?? updatedSince + OVERLAP_MS);
      const detail = `${helpdesk.name}: the outbox is full, ${refused} tickets wait for the next sweep`;
      observer.alarm({ kind: 'sweep_failed', detail });
    }
    observer.sweep({ helpdesk: helpdesk.name, listed, found });
  };

  const round = async (): Promise<void> => {
    for (const helpdesk of helpdesks.values()) {
      if (gate.allowance(helpdesk.name) <= 0) continue;
      await sweep(helpdesk).catch((thrown: unknown) => {
        const { errorClass, message } = asUpstreamError(thrown);
        // the next sweep reaches back to where the last good one ended
        if (errorClass !== 'cancelled')
          observer.alarm({ kind: 'sweep_failed', detail: `${helpdesk.name}: ${message}` });
      });
    }
  };

  return {
    start: () => {
      if (everyMs > 0) cancel = repeat({ clock, observer, where: 'sweep', everyMs }, round);
    },
    stop: () => {
      stop.abort();
      cancel();
    },
  };
}
