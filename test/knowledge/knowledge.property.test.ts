import fc from 'fast-check';
import { expect, it } from 'vitest';
import { gramsOf } from '../../src/knowledge/grams.ts';
import { readMessage } from '../../src/knowledge/message.ts';
import { askedAlso, askedWords } from '../../src/knowledge/query.ts';
import { type Evidence, rankArticles } from '../../src/knowledge/rank.ts';
import { sectionsOf } from '../../src/knowledge/sections.ts';
import { eachCount, packCounts, wordsOf } from '../../src/knowledge/words.ts';

/** Whatever somebody may send: any code units, and pieces that mean something to a reader. */
const PIECES = [
  '<p>',
  '</p>',
  '<b',
  '>',
  '<!--',
  '-->',
  '<![CDATA[',
  '&amp',
  '&#0;',
  '\u0000',
  '\uD800',
  '\uDC00',
  '\u202E',
];
const MORE = [
  '\u200B',
  '😀',
  '漢',
  ' 1.2.3 ',
  ' a@b.c ',
  'http://x.y/z-w',
  '"',
  "'",
  ' OR ',
  '*',
  '\n> ',
  '# ',
  '|a|\n|-|\n',
  '```',
];
const hostile = fc
  .array(fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom(...PIECES, ...MORE), fc.string()), { maxLength: 60 })
  .map((parts) => parts.join(''));

const breathe = async (): Promise<void> => undefined;

it('reads words, pieces and messages of anything, the same each time, and never a capital or a mark', () => {
  fc.assert(
    fc.property(hostile, (text) => {
      const words = wordsOf(text);
      expect(wordsOf(text)).toEqual(words);
      for (const word of words) {
        expect(Array.from(word).length).toBeLessThanOrEqual(6);
        expect(word).toMatch(/^[\p{L}\p{N}]+$/u);
        expect(word).toBe(word.toLowerCase());
      }
      for (const gram of gramsOf(text)) expect(gram).toHaveLength(4);
      const message = readMessage(text);
      expect(readMessage(text)).toEqual(message);
      // oxlint-disable-next-line no-control-regex -- asks for them
      expect(message.text).not.toMatch(/[\u0000\u200B\u202E]/);
      const { words: asked, grams } = askedAlso(askedWords(text, text), text);
      for (const count of [...asked.values(), ...grams.values()]) expect(count).toBeGreaterThan(0);
    }),
  );
});

it('parts anything into passages that can be read and put into a prompt', async () => {
  await fc.assert(
    fc.asyncProperty(hostile, fc.nat(40), async (text, times) => {
      for (const { heading, text: passage } of await sectionsOf(text.repeat(times), breathe)) {
        expect(heading.length).toBeLessThanOrEqual(300);
        expect(passage.length).toBeLessThanOrEqual(1500);
        expect(passage).toBe(passage.trim());
      }
    }),
    { numRuns: 60 },
  );
});

it('keeps every word count through the database, in steps of a quarter', () => {
  const count = fc.integer({ min: 1, max: 255 }).map((steps) => steps / 4);
  const counts = fc
    .array(fc.tuple(fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }), count))
    .map((list) => new Map(list));
  fc.assert(
    fc.property(counts, (given) => {
      const read = new Map<number, number>();
      eachCount(packCounts(given), (hash, many) => read.set(hash, many));
      expect(read).toEqual(given);
    }),
  );
});

const ids = fc.constantFrom('a', 'b', 'c', 'd', 'e');
const scores = fc.array(fc.tuple(ids, fc.double({ min: 0, max: 50, noNaN: true }))).map((list) => new Map(list));
const evidence: fc.Arbitrary<Evidence> = fc.record({
  neighbours: fc.array(
    fc.record({
      likeness: fc.double({ min: 0, max: 2, noNaN: true }),
      articles: fc.uniqueArray(ids, { minLength: 1 }),
    }),
    { maxLength: 50 },
  ),
  history: fc
    .array(fc.tuple(ids, fc.record({ count: fc.nat(10_000), likeness: fc.double({ min: 0, max: 2, noNaN: true }) })))
    .map((list) => new Map(list)),
  associated: scores,
  passage: scores,
  passages: scores,
  title: scores,
  grams: scores,
  echo: scores,
});

it('ranks by shares that are numbers, sum to one and do not depend on the order of the evidence', () => {
  fc.assert(
    fc.property(evidence, (given) => {
      const ranked = rankArticles(given);
      const shares = ranked.map(({ share }) => share);
      for (const share of shares) expect(share).toSatisfy((value: number) => value >= 0 && value <= 1);
      if (ranked.length > 0) expect(shares.reduce((sum, share) => sum + share, 0)).toBeCloseTo(1, 9);
      expect(shares).toEqual(shares.toSorted((a, b) => b - a));
      const turned = Object.fromEntries(
        Object.entries(given).map(([name, value]) => [
          name,
          value instanceof Map ? new Map([...value].toReversed()) : value.toReversed(),
        ]),
      ) as unknown as Evidence;
      const again = new Map(rankArticles(turned).map(({ id, share }) => [id, share]));
      for (const { id, share } of ranked) expect(again.get(id)).toBeCloseTo(share, 9);
    }),
  );
});
