import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../src/core/clock.ts';
import { createVectorShelf, packVector, standingOut } from '../../src/knowledge/vectors.ts';

const breathe = (): Promise<void> => Promise.resolve();
const random = seededRandom(5);
const anyVector = (length: number) => Float32Array.from({ length }, () => random() - 0.5);

function cosine(one: Float32Array, other: Float32Array): number {
  const dot = one.reduce((sum, value, at) => sum + value * (other[at] ?? 0), 0);
  return dot / Math.hypot(...one) / Math.hypot(...other);
}

describe('vectors in memory', () => {
  it('have the cosines of the numbers that they were made of, within a hundredth', async () => {
    const shelf = createVectorShelf();
    const vectors = Array.from({ length: 1300 }, () => anyVector(512));
    vectors.forEach((vector, row) => shelf.put(row, packVector(vector)));
    const asked = anyVector(512);
    const { rows, of, size } = await shelf.cosines(asked, breathe);
    expect(size).toBe(1300);
    const off = Array.from(rows, (row, at) => Math.abs((of[at] ?? 0) - cosine(vectors[row] ?? asked, asked)));
    expect(Math.max(...off)).toBeLessThan(0.01);
  });

  it('forget a row, and give its place to another', async () => {
    const shelf = createVectorShelf();
    for (const row of [1, 2, 3]) shelf.put(row, packVector(anyVector(8)));
    shelf.remove(2);
    shelf.remove(9);
    const asked = anyVector(8);
    expect([...(await shelf.cosines(asked, breathe)).rows]).toEqual([1, 3]);
    shelf.put(7, packVector(asked));
    shelf.put(3, packVector(asked.map((value) => -value)));
    const { rows, of } = await shelf.cosines(asked, breathe);
    const byRow = new Map(Array.from(rows, (row, at) => [row, of[at] ?? 0]));
    expect([...byRow.keys()].toSorted((a, b) => a - b)).toEqual([1, 3, 7]);
    expect(byRow.get(7)).toBeCloseTo(1, 2);
    expect(byRow.get(3)).toBeCloseTo(-1, 2);
  });

  it('are compared with none of another length', async () => {
    const shelf = createVectorShelf();
    shelf.put(1, packVector(anyVector(8)));
    shelf.put(2, packVector(anyVector(9)));
    expect(shelf.size()).toBe(1);
    expect((await shelf.cosines(anyVector(9), breathe)).size).toBe(0);
    shelf.remove(1);
    shelf.put(2, packVector(anyVector(9)));
    expect((await shelf.cosines(anyVector(9), breathe)).size).toBe(1);
  });
});

describe('standing out', () => {
  it('counts from the average up, whatever the scale', () => {
    const of = (...cosines: number[]) => [...standingOut(Float32Array.from(cosines))].map((value) => value.toFixed(2));
    expect(of(0.1, 0.1, 0.1, 0.5)).toEqual(of(0.8, 0.8, 0.8, 0.9));
    expect(of(0.1, 0.1, 0.1, 0.5)).toEqual(['0.00', '0.00', '0.00', '1.73']);
    expect(of(0.3, 0.3)).toEqual(['0.00', '0.00']);
    expect(of()).toEqual([]);
  });
});
