import type { Clock } from '../core/clock.ts';
import type { Lane } from '../core/ticket.ts';
import type { CallBudget } from './call-budget.ts';

/** In this order: what was begun is finished before something new is, and lists (sweeps, filters) go last. */
const STEPS = ['post', 'look', 'read', 'list'] as const;

export type Step = (typeof STEPS)[number];

/** Live calls of any step go before those of a batch. 0 first; bottleneck takes 0 to 9. */
export function priorityOf(step: Step, lane: Lane = 'live'): number {
  if (step === 'list') return 2 * STEPS.length;
  return STEPS.indexOf(step) + (lane === 'live' ? 0 : STEPS.length);
}

/** A call that waits for room in all its budgets. */
export interface Turn {
  readonly budgets: readonly CallBudget[];
  readonly cost: number;
  readonly priority: number;
  /** Its turn has come; the budgets have been charged. Must not enter the line itself. */
  start(): void;
}

export interface TurnLine {
  /** Starts the turn now or when there is room. The answer takes it out of the line again: in constant time. */
  enter(turn: Turn): () => void;
  /** Budgets have changed: somebody may start, or has to wait longer. */
  review(): void;
  /** Turns that wait for this budget. */
  waitingFor(budget: CallBudget): number;
}

interface Place {
  readonly turn: Turn;
  before: Place | null;
  after: Place | null;
}

/** First in, first out, among turns of one priority that need the same budgets. */
interface Queue {
  readonly budgets: readonly CallBudget[];
  readonly priority: number;
  first: Place | null;
  last: Place | null;
  length: number;
}

/**
 * Who waits for an account's limits, in the order of priority: who comes first holds what he lacks room in against all
 * behind him, and nothing else. Bottleneck's own queue could neither be left nor hold back one call among several
 * limits.
 */
export function createTurnLine(clock: Clock): TurnLine {
  const queues: Queue[] = [];
  let alarm: { readonly at: number; readonly stop: AbortController } | null = null;

  function queueOf({ budgets, priority }: Turn): Queue {
    const same = (queue: Queue): boolean =>
      queue.priority === priority &&
      queue.budgets.length === budgets.length &&
      queue.budgets.every((budget, index) => budget === budgets[index]);
    const known = queues.find(same);
    if (known !== undefined) return known;
    const queue: Queue = { budgets, priority, first: null, last: null, length: 0 };
    queues.push(queue);
    queues.sort((one, other) => one.priority - other.priority);
    return queue;
  }

  function remove(queue: Queue, place: Place): void {
    if (place.before === null) queue.first = place.after;
    else place.before.after = place.after;
    if (place.after === null) queue.last = place.before;
    else place.after.before = place.before;
    queue.length -= 1;
  }

  /** Starts all who have room. Answers in how many ms the next one will; null when nobody waits. */
  function startAll(): number | null {
    const held = new Set<CallBudget>();
    let next: number | null = null;
    for (const queue of queues) {
      for (let place = queue.first; place !== null; place = queue.first) {
        const { turn } = place;
        const lacking = queue.budgets.filter((budget) => held.has(budget) || !budget.has(turn.cost));
        if (lacking.length > 0) {
          for (const budget of lacking) held.add(budget);
          const ms = Math.max(...lacking.map((budget) => budget.msUntil(turn.cost)));
          next = Math.min(next ?? ms, ms);
          break;
        }
        remove(queue, place);
        for (const budget of queue.budgets) budget.take(turn.cost);
        turn.start();
      }
    }
    return next;
  }

  /** One timer while somebody waits; a quiet line keeps no process alive. */
  function review(): void {
    const ms = startAll();
    const at = ms === null ? null : clock.steady() + Math.max(1, Math.ceil(ms));
    // a timer that rings a little early costs less than a new one
    if (at !== null && alarm !== null && alarm.at <= at + 1) return;
    alarm?.stop.abort();
    alarm = null;
    if (at !== null) wakeAt(at);
  }

  function wakeAt(at: number): void {
    const mine = { at, stop: new AbortController() };
    alarm = mine;
    void clock.sleep(at - clock.steady(), mine.stop.signal).then(() => {
      if (alarm !== mine) return;
      alarm = null;
      review();
    });
  }

  return {
    review,
    enter: (turn) => {
      const queue = queueOf(turn);
      const place: Place = { turn, before: queue.last, after: null };
      if (queue.last === null) queue.first = place;
      else queue.last.after = place;
      queue.last = place;
      queue.length += 1;
      // behind others nothing can start that could not before
      if (place.before === null) review();
      return () => {
        remove(queue, place);
        // who moves up needs the same as who left, unless it is less
        const moved = place.before === null ? place.after : place;
        if (moved === null || moved.turn.cost < turn.cost) review();
      };
    },
    waitingFor: (budget) => queues.reduce((sum, queue) => sum + (queue.budgets.includes(budget) ? queue.length : 0), 0),
  };
}
