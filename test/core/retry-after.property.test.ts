import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseRetryAfter } from '../../src/core/retry-after.ts';

const NOW = Date.UTC(2026, 10, 23, 10, 0, 0);
const MOST_MS = 15 * 60_000;

describe('Retry-After', () => {
  it('is null or from 0 to 15 minutes, whatever the server sends', () => {
    const texts = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.double().map(String),
      fc.date({ noInvalidDate: true }).map((date) => date.toUTCString()),
      fc.constantFrom('', ' ', '-1', '1e9', '0x10', 'NaN', 'Infinity', '1,5', '99999999999999999999999', '2026-11-24'),
    );
    fc.assert(
      fc.property(texts, (text) => {
        const waitMs = parseRetryAfter(text, NOW);
        if (waitMs === null) return;
        expect(waitMs).toBeGreaterThanOrEqual(0);
        expect(waitMs).toBeLessThanOrEqual(MOST_MS);
      }),
      { numRuns: 1_000 },
    );
  });

  it('reads seconds', () => {
    fc.assert(
      fc.property(fc.nat(), (seconds) => {
        expect(parseRetryAfter(` ${seconds} `, NOW)).toBe(Math.min(seconds * 1000, MOST_MS));
      }),
    );
  });

  it('reads the dates of HTTP, past and future', () => {
    fc.assert(
      fc.property(fc.integer({ min: -86_400, max: 86_400 }), (seconds) => {
        const date = new Date(NOW + seconds * 1000).toUTCString();
        expect(parseRetryAfter(date, NOW)).toBe(Math.min(Math.max(seconds * 1000, 0), MOST_MS));
      }),
    );
  });
});
