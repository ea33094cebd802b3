import { ces, dan, deu, eng, fra, ita, nld, pol, por, spa, swe } from 'stopword';
import { fnv1a } from '../core/fnv1a.ts';

/** Letters kept of a word: cutting does what a stemmer does, in every language at once (measured: retrieval.md §2). */
const STEM_LENGTH = 6;
/** A word longer than this is a key, a hash or a line of a log. */
const WORD_MAX = 40;

const MARKS = /\p{M}+/gu;
const WORD = /[\p{L}\p{N}]+/gu;
/** Scripts that put no spaces between words: two letters at a time are compared. */
const UNSPACED = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}]/u;
// oxlint-disable-next-line no-control-regex -- asks whether there is anything but ASCII
const ASCII = /^[\u0000-\u007F]*$/;

const LINK = /\b(?:https?:\/\/|www\.)[^\s<>"')\]]+/gi;
const ADDRESS = /[^\s@<>()]{1,64}@[^\s@<>()]{1,200}/g;
const VERSION = /\b\d+(?:\.\d+)+\b/g;
const QUOTED_LINE = /^[ \t]*>.*$/gm;

/** Lower case, without marks. */
export function plainWord(word: string): string {
  const lower = word.toLowerCase();
  return ASCII.test(lower) ? lower : lower.normalize('NFD').replaceAll(MARKS, '');
}

/** Of all languages together: what stands for nothing in one of them is rarely worth much in another. */
const STOP_WORDS = new Set(
  [eng, ita, nld, spa, fra, deu, ces, por, pol, dan, swe].flat().flatMap((word) => plainWord(word).match(WORD) ?? []),
);

/**
 * What a text is searched by, the same for an index and for a query: words without marks and case, cut short, without
 * those that every text has. A link counts as the words of its last segment; addresses, versions and quoted lines do
 * not count.
 */
export function wordsOf(text: string): string[] {
  const words: string[] = [];
  for (const [word] of plainWord(cleaned(text)).matchAll(WORD)) {
    if (UNSPACED.test(word)) for (const pair of pairs(word)) words.push(pair);
    else if (word.length <= WORD_MAX && !STOP_WORDS.has(word)) words.push(word.slice(0, STEM_LENGTH));
  }
  return words;
}

function cleaned(text: string): string {
  return text
    .replaceAll(QUOTED_LINE, ' ')
    .replaceAll(LINK, (link) => slugOf(link))
    .replaceAll(ADDRESS, ' ')
    .replaceAll(VERSION, ' ');
}

/** `…/kb/organize-your-messages?as=u` → `organize-your-messages`. */
export function slugOf(link: string): string {
  const path = link.split(/[?#]/, 1)[0] ?? '';
  return (
    path
      .split('/')
      .slice(3)
      .findLast((segment) => /\p{L}{2}/u.test(segment)) ?? ' '
  );
}

function pairs(word: string): string[] {
  const letters = Array.from(word);
  if (letters.length < 3) return [word];
  return letters.slice(1).map((letter, index) => `${letters[index] ?? ''}${letter}`);
}

/** What the index knows a word by, so that it keeps no word of anybody. */
export const hashOf = fnv1a;

/** Word (as `hashOf` gives it) → how much of it. */
export type WordCounts = Map<number, number>;

export function countWords(counts: WordCounts, words: readonly string[], weight: number): WordCounts {
  for (const word of words) {
    const hash = hashOf(word);
    counts.set(hash, (counts.get(hash) ?? 0) + weight);
  }
  return counts;
}

/** Counts are stored in steps of a quarter, up to 63. */
const STEPS = 4;

/** For a column of the database: five bytes a word. */
export function packCounts(counts: WordCounts): Buffer {
  const packed = Buffer.allocUnsafe(counts.size * 5);
  let at = 0;
  for (const [hash, count] of counts) {
    packed.writeInt32LE(hash, at * 4);
    packed[counts.size * 4 + at] = Math.min(255, Math.max(1, Math.round(count * STEPS)));
    at += 1;
  }
  return packed;
}

export function eachCount(packed: Buffer, visit: (hash: number, count: number) => void): void {
  const size = Math.floor(packed.length / 5);
  for (let at = 0; at < size; at += 1) visit(packed.readInt32LE(at * 4), (packed[size * 4 + at] ?? 0) / STEPS);
}
