import { expect, it } from 'vitest';
import { type Evidence, rankArticles } from '../../src/knowledge/rank.ts';

const NONE: Evidence = {
  neighbours: [],
  history: new Map(),
  associated: new Map(),
  passage: new Map(),
  passages: new Map(),
  title: new Map(),
  grams: new Map(),
  echo: new Map(),
};

/** Both alike in everything. */
const EVEN: Evidence = {
  ...NONE,
  neighbours: [{ likeness: 0.4, articles: ['a', 'b'] }],
  history: new Map([
    ['a', { count: 20, likeness: 0.1 }],
    ['b', { count: 20, likeness: 0.1 }],
  ]),
  passage: new Map([
    ['a', 3],
    ['b', 3],
  ]),
};

it('is nothing where nothing speaks for anything', () => {
  expect(rankArticles(NONE)).toEqual([]);
});

it('shares what is even evenly, whole', () => {
  const ranked = rankArticles(EVEN);
  expect(ranked.map(({ share, votes }) => [share, votes])).toEqual([
    [0.5, 1],
    [0.5, 1],
  ]);
});

const MORE: Readonly<Record<string, Partial<Evidence>>> = {
  'words that go with it': { associated: new Map([['b', 5]]) },
  'a nearer ticket': { neighbours: [...EVEN.neighbours, { likeness: 0.9, articles: ['b'] }] },
  'more answers with it': { history: new Map([...EVEN.history, ['b', { count: 200, likeness: 0.1 }]]) },
  'its title': { title: new Map([['b', 1]]) },
  'pieces of its words': { grams: new Map([['b', 1]]) },
  'the answers of similar tickets': { echo: new Map([['b', 1]]) },
  'its passages together': { passages: new Map([['b', 1]]) },
};

it.each(Object.keys(MORE))('puts first what %s speaks for', (what) => {
  const [first, second] = rankArticles({ ...EVEN, ...MORE[what] });
  expect(first?.id).toBe('b');
  expect(first?.share).toBeGreaterThan(second?.share ?? 1);
});
