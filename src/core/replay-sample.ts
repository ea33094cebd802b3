import { sha256 } from './clock.ts';

export interface Candidate {
  readonly id: string;
  /** Null where it is not known. */
  readonly language: string | null;
}

/**
 * Some of many tickets, each language with its share. Chance is made from the ids: the same tickets are chosen each time,
 * nearly the same ones when some are added, and a larger sample holds the smaller.
 */
export function chooseSample(candidates: readonly Candidate[], size: number): ReadonlySet<string> {
  const groups = Map.groupBy(candidates, ({ language }) => language);
  const placed = [...groups.values()].flatMap((group) =>
    group
      .map(({ id }) => ({ id, chance: sha256(`sample ${id}`) }))
      .toSorted(byChance)
      .map((one, rank) => ({ ...one, place: (rank + 0.5) / group.length })),
  );
  const sorted = placed.toSorted((a, b) => a.place - b.place || byChance(a, b));
  return new Set(sorted.slice(0, size).map(({ id }) => id));
}

function byChance(a: { readonly chance: string }, b: { readonly chance: string }): number {
  return a.chance < b.chance ? -1 : 1;
}
