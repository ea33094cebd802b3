import { NOT_ASKED } from '../file-run.ts';
import { isFinal, type TicketStatus } from '../core/ticket.ts';

/** A class of failures, with one of them to look at. */
export interface Failure {
  readonly errorClass: string;
  readonly count: number;
  readonly example: {
    /** Null: it comes from no line that can be told. */
    readonly line: number | null;
    readonly id: string | number;
    readonly error: string;
  };
}

/** How far a run is: what came of each ticket it was asked for. */
export interface Ledger {
  readonly total: number;
  /** Those with a result, of this run or an earlier one. */
  readonly done: number;
  readonly drafted: number;
  readonly skipped: number;
  readonly dead: number;
  readonly skippedBy: ReadonlyMap<string, number>;
  /** Most frequent first. */
  failures(): readonly Failure[];
  isDone(ticketId: string): boolean;
  /** A ticket has a result now; false when it had one, or was not asked for. */
  settle(ticketId: string, result: Result): boolean;
}

export interface Result {
  readonly status: TicketStatus;
  readonly reason: string | null;
}

/** A result that stays: what was skipped only because nobody asked for it is none. */
export function isResult({ status, reason }: Result): boolean {
  if (status === 'skipped') return reason !== NOT_ASKED;
  return status === 'drafted' || (isFinal(status) && status !== 'cancelled');
}

/** `isAsked`: is this ticket part of the run? `example` is asked once per class of failures. */
export function createLedger(
  total: number,
  isAsked: (ticketId: string) => boolean,
  example: (ticketId: string) => Failure['example'],
): Ledger {
  const done = new Set<string>();
  const skippedBy = new Map<string, number>();
  const failures = new Map<string, { count: number; readonly example: Failure['example'] }>();
  const counts = { drafted: 0, skipped: 0, dead: 0 };

  return {
    total,
    get done() {
      return done.size;
    },
    get drafted() {
      return counts.drafted;
    },
    get skipped() {
      return counts.skipped;
    },
    get dead() {
      return counts.dead;
    },
    skippedBy,
    failures: () =>
      Array.from(failures, ([errorClass, failure]) => ({ errorClass, ...failure })).toSorted(
        (a, b) => b.count - a.count,
      ),
    isDone: (ticketId) => done.has(ticketId),
    settle: (ticketId, result) => {
      if (!isAsked(ticketId) || !isResult(result) || done.has(ticketId)) return false;
      done.add(ticketId);
      const reason = result.reason ?? 'unknown';
      if (result.status === 'dead') {
        counts.dead += 1;
        const failure = failures.get(reason) ?? { count: 0, example: example(ticketId) };
        failure.count += 1;
        failures.set(reason, failure);
      } else if (result.status === 'skipped') {
        counts.skipped += 1;
        skippedBy.set(reason, (skippedBy.get(reason) ?? 0) + 1);
      } else counts.drafted += 1;
      return true;
    },
  };
}

/** Where to look for an example. */
export function placeOf({ line, id }: Failure['example']): string {
  return line === null ? `ticket ${id}` : `line ${line}`;
}
