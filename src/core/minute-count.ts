import type { Clock } from './clock.ts';

const SLOTS = 60;

/** How much was spent in the last 60 s, to the second, in constant memory. */
export interface MinuteCount {
  add(amount: number): void;
  total(): number;
}

export function createMinuteCount(clock: Clock): MinuteCount {
  const amounts = Array.from({ length: SLOTS }, () => 0);
  const seconds = Array.from({ length: SLOTS }, () => 0);
  const now = (): number => Math.floor(clock.steady() / 1000);
  return {
    add: (amount) => {
      const second = now();
      const slot = second % SLOTS;
      const same = seconds[slot] === second;
      amounts[slot] = (same ? (amounts[slot] ?? 0) : 0) + amount;
      seconds[slot] = second;
    },
    total: () => {
      const oldest = now() - SLOTS;
      return amounts.reduce((sum, amount, slot) => ((seconds[slot] ?? 0) > oldest ? sum + amount : sum), 0);
    },
  };
}
