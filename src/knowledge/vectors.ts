import type { Breathe } from '../core/breathe.ts';

/** Of longer vectors the first numbers count: models that make so many put what matters first. */
const LENGTH_MAX = 2048;
/** Vectors of one page: growth copies nothing, and between pages the event loop is free. */
const PAGE = 512;

/** A vector's direction in a byte a number: a quarter of the room, and the cosines the same within .01. */
export function packVector(vector: Float32Array): Buffer {
  const used = vector.subarray(0, LENGTH_MAX);
  const largest = used.reduce((most, value) => Math.max(most, Math.abs(value)), 0) || 1;
  return Buffer.from(Int8Array.from(used, (value) => Math.round((value / largest) * 127)).buffer);
}

export interface Cosines {
  /** How many there are. */
  readonly size: number;
  readonly rows: Int32Array;
  readonly of: Float32Array;
}

/** Rows of a table that are found by the direction of their vectors. */
export interface VectorShelf {
  put(row: number, packed: Buffer): void;
  remove(row: number): void;
  size(): number;
  /** Of all rows with the question; none when its vector has another length. */
  cosines(question: Float32Array, breathe: Breathe): Promise<Cosines>;
}

interface Page {
  readonly numbers: Int8Array;
  readonly norms: Float32Array;
  readonly rows: Int32Array;
}

const GONE = -1;

/** Brute force over bytes: 10,000 vectors of 512 numbers are 5 MB, gone through in some milliseconds. */
export function createVectorShelf(): VectorShelf {
  const pages: Page[] = [];
  const slots = new Map<number, number>();
  const free: number[] = [];
  let used = 0;
  let length = 0;

  const pageAt = (slot: number): Page =>
    (pages[Math.floor(slot / PAGE)] ??= {
      numbers: new Int8Array(PAGE * length),
      norms: new Float32Array(PAGE),
      rows: new Int32Array(PAGE).fill(GONE),
    });

  const remove = (row: number): void => {
    const slot = slots.get(row);
    if (slot === undefined) return;
    slots.delete(row);
    free.push(slot);
    const page = pageAt(slot);
    page.rows[slot % PAGE] = GONE;
    page.numbers.fill(0, (slot % PAGE) * length, ((slot % PAGE) + 1) * length);
  };

  return {
    put: (row, packed) => {
      if (slots.size === 0) {
        // another model may have another length
        pages.length = 0;
        free.length = 0;
        used = 0;
        length = packed.length;
      }
      remove(row);
      const numbers = new Int8Array(packed.buffer, packed.byteOffset, packed.length);
      const norm = normOf(numbers);
      if (numbers.length !== length || norm === 0) return;
      const slot = free.pop() ?? used++;
      const page = pageAt(slot);
      page.numbers.set(numbers, (slot % PAGE) * length);
      page.norms[slot % PAGE] = norm;
      page.rows[slot % PAGE] = row;
      slots.set(row, slot);
    },
    remove,
    size: () => slots.size,
    cosines: async (question, breathe) => {
      const asked = question.slice(0, LENGTH_MAX);
      const rows = new Int32Array(slots.size);
      const of = new Float32Array(slots.size);
      const scale = normOf(asked) || 1;
      if (asked.length !== length) return { size: 0, rows, of };
      let size = 0;
      for (const { numbers, norms, rows: names } of pages) {
        for (let at = 0; at < PAGE; at += 1) {
          const row = names[at] ?? GONE;
          // while it breathed, more may have come
          if (row === GONE || size === of.length) continue;
          rows[size] = row;
          of[size] = dot(numbers, at * length, asked) / (scale * (norms[at] || 1));
          size += 1;
        }
        await breathe();
      }
      return { size, rows, of };
    },
  };
}

/** A loop: as arguments of one call they would be copied. */
function normOf(numbers: Int8Array | Float32Array): number {
  let sum = 0;
  for (const value of numbers) sum += value * value;
  return Math.sqrt(sum);
}

function dot(numbers: Int8Array, from: number, asked: Float32Array): number {
  let sum = 0;
  for (let at = 0; at < asked.length; at += 1) sum += (numbers[from + at] ?? 0) * (asked[at] ?? 0);
  return sum;
}

/**
 * How far each stands out from all, in standard deviations; 0 for what is not above the average. Models differ in what
 * cosine they give to texts that have nothing to do with each other, and in how far the like are from those.
 */
export function standingOut(cosines: Float32Array): Float32Array {
  const count = Math.max(1, cosines.length);
  const mean = cosines.reduce((sum, value) => sum + value, 0) / count;
  const spread = Math.sqrt(cosines.reduce((sum, value) => sum + (value - mean) ** 2, 0) / count);
  return cosines.map((value) => (spread < 1e-6 ? 0 : Math.max(0, (value - mean) / spread)));
}
