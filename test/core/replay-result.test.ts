import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../src/core/clock.ts';
import { changeSince, regressions, type ReplayedTicket, summarise, worstOf } from '../../src/core/replay-result.ts';
import { chooseSample } from '../../src/core/replay-sample.ts';

const ticket = (id: number, similarity: number | null, overrides: Partial<ReplayedTicket> = {}): ReplayedTicket => ({
  id: String(id),
  outcome: similarity === null ? 'declined' : 'drafted',
  similarity,
  sharedLink: null,
  sameLanguage: similarity === null ? null : true,
  lengthRatio: similarity === null ? null : 1,
  unproven: 0,
  costUsd: 0.01,
  ...overrides,
});
const run = (similarityOf: (n: number) => number | null): ReplayedTicket[] =>
  Array.from({ length: 60 }, (_, n) => ticket(n, similarityOf(n)));
const wave = (n: number): number => 0.5 + 0.3 * Math.sin(n);

describe('a replay beside the last one', () => {
  it('is summed up over what it stands on', () => {
    const failed = ticket(4, null, { outcome: 'failed', costUsd: null });
    const linked = [ticket(1, 0.2, { sharedLink: true }), ticket(2, 0.6, { sharedLink: false, unproven: 2 })];
    const ruledOut = ticket(5, null, { outcome: 'ruled_out', costUsd: null });
    expect(summarise([...linked, ticket(3, null), failed, ruledOut])).toMatchObject({
      tickets: 5,
      failed: 1,
      ruledOut: 1,
      declined: 1 / 3,
      similarity: 0.4,
      medianSimilarity: 0.4,
      sharedLink: 0.5,
      linked: 2,
      unproven: 0.5,
      costUsd: 0.03,
    });
    expect(summarise([])).toMatchObject({ tickets: 0, declined: null, similarity: null, costUsd: null });
  });

  it.each([
    ['the same', wave, 0],
    ['a little worse than allowed nowhere', (n: number) => wave(n) - 0.01, 0],
    ['worse', (n: number) => wave(n) - 0.05, 1],
    ['better', (n: number) => wave(n) + 0.05, 0],
    ['worse by a few wild tickets, which may be chance', (n: number) => wave(n) - (n < 1 ? 2 : 0), 0],
    ['declining a third', (n: number) => (n % 3 === 0 ? null : wave(n)), 1],
  ])('is judged: %s', (_, similarityOf, found) => {
    const change = changeSince(run(wave), run(similarityOf), seededRandom(1));
    expect(regressions(change, 0.02)).toHaveLength(found);
  });

  it('compares the tickets that both have an answer for, and only those', () => {
    const out = { outcome: 'ruled_out' } as const;
    const last = [
      ticket(1, 0.5),
      ticket(2, 0.5),
      ticket(3, null),
      ticket(4, null, { outcome: 'failed' }),
      ticket(5, 0.5),
    ];
    const now = [ticket(1, 0.7), ticket(3, 0.9), ticket(4, 0.1), ticket(9, 0.1), ticket(5, null, out)];
    const change = changeSince(last, now, seededRandom(1));
    expect(change.similarity).toMatchObject({ mean: expect.closeTo(0.2), pairs: 1 });
    expect(change.declined).toMatchObject({ mean: -0.5, pairs: 2 });
    expect(changeSince([], now, seededRandom(1))).toEqual({ similarity: null, declined: null });
  });

  it('names the worst first', () => {
    const worst = worstOf([ticket(1, 0.5), ticket(2, null), ticket(3, 0.1), ticket(4, 0.3)], 2);
    expect(worst.map(({ id }) => id)).toEqual(['3', '4']);
  });
});

describe('the sample', () => {
  const tickets = (count: number, language: string | null) =>
    Array.from({ length: count }, (_, n) => ({ id: `${language}-${n}`, language }));

  it('is the same each time, in whatever order, and gives each language its share', () => {
    const all = [...tickets(800, 'en'), ...tickets(150, 'de'), ...tickets(50, null)];
    const chosen = chooseSample(all, 100);
    expect([...chosen].toSorted()).toEqual([...chooseSample(all.toReversed(), 100)].toSorted());
    const shares = ['en', 'de', 'null'].map((name) => [...chosen].filter((id) => id.startsWith(name)).length);
    expect(shares).toEqual([80, 15, 5]);
    expect([...chooseSample(all, 50)].filter((id) => !chosen.has(id))).toEqual([]);
    expect(chooseSample(all, 5000).size).toBe(1000);
  });

  it('stays nearly the same when tickets are added', () => {
    const before = chooseSample(tickets(1000, 'en'), 100);
    const after = chooseSample(tickets(1020, 'en'), 100);
    expect([...after].filter((id) => before.has(id)).length).toBeGreaterThan(90);
  });
});
