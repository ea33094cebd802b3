import { expect, test } from 'vitest';
import { ADVICE } from '../../src/core/advice.ts';
import { ERROR_CLASSES } from '../../src/core/errors.ts';

test('every class of error has advice of its own, in whole sentences', () => {
  expect(Object.keys(ADVICE).toSorted()).toEqual([...ERROR_CLASSES].toSorted());
  const sentences = Object.values(ADVICE);
  expect(new Set(sentences).size).toBe(sentences.length);
  for (const sentence of sentences) expect(sentence).toMatch(/^[A-Z].{20,}[.!]$/);
});
