/** Calls that the mean looks back on, roughly. */
const MEMORY = 200;
/** Calls before the mean is believed. */
const ENOUGH = 10;
const MARGIN = 1.01;

/** How many tokens a server counts for a prompt, over our estimate of them. */
export interface PromptRatio {
  learn(estimated: number, counted: number): void;
  mean(): number;
  /** The same; null until enough calls have been seen. */
  learned(): number | null;
  /** For reservations: the mean and a margin; what is still missing is owed when a call is settled. */
  reserved(): number;
  /** For a call that fills a whole bucket, where nothing evens out: the highest of late. */
  highest(): number;
}

export function createPromptRatio(): PromptRatio {
  let calls = 0;
  let estimates = 0;
  let counts = 0;
  let most = 0;
  const mean = (): number => (calls < ENOUGH ? 1 : counts / estimates);
  return {
    learn: (estimated, counted) => {
      if (estimated <= 0) return;
      const kept = 1 - 1 / MEMORY;
      calls += 1;
      most = Math.max(counted / estimated, most * kept);
      estimates = estimates * kept + estimated;
      counts = counts * kept + counted;
    },
    mean,
    learned: () => (calls < ENOUGH ? null : mean()),
    reserved: () => (calls < ENOUGH ? 1 : mean() * MARGIN),
    highest: () => (calls < ENOUGH ? 1 : Math.max(most, mean()) * MARGIN),
  };
}
