import type { Breathe } from '../core/breathe.ts';
import { eachCount } from './words.ts';

/** BM25: how soon more of the same word counts no more, and how much long texts are held back (retrieval.md §2). */
const K1 = 2;
const B = 0.75;

const PAGE_BITS = 16;
const PAGE = 1 << PAGE_BITS;
const DOCUMENTS_MAX = 1 << 24;

/** Words of a query (as `hashOf` gives them) and what each weighs. */
export type WeightedWords = ReadonlyMap<number, number>;

export interface Scores {
  /** By document number. */
  readonly of: Float32Array;
  /** What a text would score that says all of the query over and over: nothing scores more. */
  readonly best: number;
}

export interface WordIndex {
  /** Takes in a text's words (`packCounts`); answers its number, counted from 0. */
  add(packed: Buffer): number;
  /** How many were ever taken in: documents that are gone keep their number until the index is made anew. */
  size(): number;
  idf(word: number): number;
  /** Numbers of the documents that have this word. */
  visit(word: number, visitor: (document: number) => void): void;
  score(words: WeightedWords, breathe: Breathe): Promise<Scores>;
}

/**
 * An inverted index in memory: 8 bytes a word of a text and 12 a word of the language, nothing for the garbage
 * collector to go through, and nothing but hashes and counts. Its growth copies small tables only: a copy of all would
 * hold the event loop.
 */
export function createWordIndex(): WordIndex {
  let words = createWordTable(1 << 12);
  const postings: Uint32Array[] = [];
  /** Of each posting the one before it with the same word; 0 ends. */
  const links: Uint32Array[] = [];
  let used = 1;
  let lengths = new Float32Array(1024);
  let size = 0;
  let total = 0;

  const post = (slot: number, posting: number): void => {
    const page = used >>> PAGE_BITS;
    const offset = used & (PAGE - 1);
    const into = (postings[page] ??= new Uint32Array(PAGE));
    const link = (links[page] ??= new Uint32Array(PAGE));
    into[offset] = posting;
    link[offset] = words.heads[slot] ?? 0;
    words.heads[slot] = used;
    words.counts[slot] = (words.counts[slot] ?? 0) + 1;
    used += 1;
  };

  const idfOf = (slot: number): number => {
    const having = words.counts[slot] ?? 0;
    return having === 0 ? 0 : Math.log(1 + (size - having + 0.5) / (having + 0.5));
  };

  /** Adds one word's part to the scores. */
  const addWord = (scores: Float32Array, slot: number, factor: number): void => {
    const plain = K1 * (1 - B);
    const byLength = (K1 * B) / (total / size);
    for (let at = words.heads[slot] ?? 0; at !== 0;) {
      const page = at >>> PAGE_BITS;
      const offset = at & (PAGE - 1);
      const posting = postings[page]?.[offset] ?? 0;
      const document = posting >>> 8;
      const count = (posting & 255) / 4;
      const gain = (factor * count) / (count + plain + byLength * (lengths[document] ?? 0));
      scores[document] = (scores[document] ?? 0) + gain;
      at = links[page]?.[offset] ?? 0;
    }
  };

  return {
    add: (packed) => {
      if (size === DOCUMENTS_MAX) throw new RangeError('no room for more texts');
      if (size === lengths.length) lengths = grown(lengths);
      let length = 0;
      eachCount(packed, (hash, count) => {
        if (words.isFull()) words = words.doubled();
        post(words.slotFor(hash), ((size << 8) | Math.round(count * 4)) >>> 0);
        length += count;
      });
      lengths[size] = length;
      total += length;
      size += 1;
      return size - 1;
    },
    size: () => size,
    idf: (word) => idfOf(words.find(word)),
    visit: (word, visitor) => {
      const slot = words.find(word);
      for (let at = slot < 0 ? 0 : (words.heads[slot] ?? 0); at !== 0;) {
        const [page, offset] = [at >>> PAGE_BITS, at & (PAGE - 1)];
        visitor((postings[page]?.[offset] ?? 0) >>> 8);
        at = links[page]?.[offset] ?? 0;
      }
    },
    score: async (query, breathe) => {
      const scores = new Float32Array(size);
      let best = 0;
      for (const [word, weight] of query) {
        const slot = words.find(word);
        if (slot < 0) continue;
        const factor = idfOf(slot) * weight * (K1 + 1);
        best += factor;
        addWord(scores, slot, factor);
        await breathe();
      }
      return { of: scores, best };
    },
  };
}

function grown(numbers: Float32Array<ArrayBuffer>): Float32Array<ArrayBuffer> {
  const larger = new Float32Array(numbers.length * 2);
  larger.set(numbers);
  return larger;
}

/** A hash table with open addressing: where each word's newest posting is, and how many there are. */
function createWordTable(capacity: number) {
  const keys = new Int32Array(capacity);
  const heads = new Uint32Array(capacity);
  const counts = new Uint32Array(capacity);
  let filled = 0;

  /** The word's own slot, or the empty one where it would be. */
  const seek = (word: number): number => {
    let slot = (Math.imul(word, 0x9e3779b1) >>> 0) % capacity;
    while (counts[slot] !== 0 && keys[slot] !== word) slot = (slot + 1) % capacity;
    return slot;
  };
  const table = {
    heads,
    counts,
    isFull: () => filled * 2 >= capacity,
    find: (word: number): number => {
      const slot = seek(word);
      return counts[slot] === 0 ? -1 : slot;
    },
    slotFor: (word: number): number => {
      const slot = seek(word);
      if (counts[slot] === 0) {
        keys[slot] = word;
        filled += 1;
      }
      return slot;
    },
    doubled: () => {
      const larger = createWordTable(capacity * 2);
      keys.forEach((key, slot) => {
        if (counts[slot] === 0) return;
        const to = larger.slotFor(key);
        larger.heads[to] = heads[slot] ?? 0;
        larger.counts[to] = counts[slot] ?? 0;
      });
      return larger;
    },
  };
  return table;
}
