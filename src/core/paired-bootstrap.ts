import type { Random } from './clock.ts';

/** A mean, and between what the mean of all such tickets lies, 95 times of 100. */
export interface Difference {
  readonly mean: number;
  readonly low: number;
  readonly high: number;
  /** How many pairs it rests on. */
  readonly pairs: number;
}

const DRAWS = 2_000;
const TAIL = 0.025;

/** The mean of differences of pairs with its percentile bootstrap interval (Efron 1979); null without any. */
export function meanDifference(differences: readonly number[], random: Random): Difference | null {
  if (differences.length === 0) return null;
  const means = Array.from({ length: DRAWS }, () => {
    let sum = 0;
    for (let drawn = 0; drawn < differences.length; drawn += 1) {
      sum += differences[Math.floor(random() * differences.length)] ?? 0;
    }
    return sum / differences.length;
  }).toSorted((a, b) => a - b);
  return {
    mean: differences.reduce((sum, one) => sum + one, 0) / differences.length,
    low: means[Math.floor(DRAWS * TAIL)] ?? 0,
    high: means[Math.ceil(DRAWS * (1 - TAIL)) - 1] ?? 0,
    pairs: differences.length,
  };
}
