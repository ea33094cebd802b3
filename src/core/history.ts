import type { Clock } from './clock.ts';
import type { ErrorClass } from './errors.ts';
import { type Observer, silentObserver } from './observer.ts';

const MINUTE_MS = 60_000;
/** An hour. */
const MINUTES = 60;

/** Latencies are counted in steps of a quarter: what is told of them is at most an eighth off. */
const STEP = 1.25;
const FIRST_MS = 50;
/** Up to a day; what took longer counts as that. */
const STEPS = Math.ceil(Math.log(86_400_000 / FIRST_MS) / Math.log(STEP));

/** What happened in one minute, of this process. */
export interface HistoryMinute {
  /** Its start, epoch ms. */
  readonly at: number;
  /** Tickets that came to rest, dead ones not included. */
  readonly finished: number;
  readonly dead: number;
  /** From the webhook (or batch) to the posted note, of the half and of the 95 % that were quickest; null: none. */
  readonly p50Ms: number | null;
  readonly p95Ms: number | null;
  /** Tries that failed, by class. */
  readonly errors: ReadonlyMap<ErrorClass, number>;
}

/** The last hour, minute by minute, in constant memory; a restart begins anew. */
export interface History {
  readonly observer: Observer;
  /** Sixty, the oldest first; the last one is still going on. */
  minutes(): readonly HistoryMinute[];
}

interface Slot {
  minute: number;
  finished: number;
  dead: number;
  readonly latencies: Uint32Array;
  readonly errors: Map<ErrorClass, number>;
}

export function createHistory(clock: Clock): History {
  const slots = Array.from({ length: MINUTES }, (): Slot => ({
    minute: -1,
    finished: 0,
    dead: 0,
    latencies: new Uint32Array(STEPS),
    errors: new Map(),
  }));
  const thisMinute = (): number => Math.floor(clock.steady() / MINUTE_MS);

  const slotOfNow = (): Slot => {
    const minute = thisMinute();
    const slot = slots[minute % MINUTES] as Slot;
    if (slot.minute !== minute) {
      Object.assign(slot, { minute, finished: 0, dead: 0 });
      slot.latencies.fill(0);
      slot.errors.clear();
    }
    return slot;
  };

  const observer: Observer = {
    ...silentObserver,
    ticketFinished: ({ status, totalMs }) => {
      const slot = slotOfNow();
      if (status === 'dead') slot.dead += 1;
      else slot.finished += 1;
      const step = stepOf(totalMs);
      if (status === 'posted') slot.latencies[step] = (slot.latencies[step] ?? 0) + 1;
    },
    attempt: ({ errorClass }) => {
      if (errorClass === null) return;
      const { errors } = slotOfNow();
      errors.set(errorClass, (errors.get(errorClass) ?? 0) + 1);
    },
  };

  const read = (minute: number): HistoryMinute => {
    const at = minute * MINUTE_MS;
    const slot = slots[minute % MINUTES] as Slot;
    if (slot.minute !== minute) return { at, finished: 0, dead: 0, p50Ms: null, p95Ms: null, errors: new Map() };
    const { finished, dead, latencies, errors } = slot;
    const [p50Ms, p95Ms] = [quantile(latencies, 0.5), quantile(latencies, 0.95)];
    return { at, finished, dead, p50Ms, p95Ms, errors: new Map(errors) };
  };

  return {
    observer,
    minutes: () => {
      const last = thisMinute();
      return Array.from({ length: MINUTES }, (_, index) => read(last - MINUTES + 1 + index));
    },
  };
}

function stepOf(ms: number): number {
  const step = Math.ceil(Math.log(Math.max(ms, FIRST_MS) / FIRST_MS) / Math.log(STEP));
  return Math.min(STEPS - 1, step);
}

function quantile(latencies: Uint32Array, q: number): number | null {
  const total = latencies.reduce((sum, n) => sum + n, 0);
  if (total === 0) return null;
  let seen = 0;
  const step = latencies.findIndex((n) => (seen += n) >= total * q);
  // the middle of the step
  return Math.round(FIRST_MS * STEP ** (step - 0.5));
}
