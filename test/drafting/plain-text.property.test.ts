import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { visibleText } from '../../src/core/visible-text.ts';
import { plainText } from '../../src/drafting/plain-text.ts';

const FRAGMENTS = [
  '<',
  '>',
  '<p>',
  '</p>',
  '<img ',
  '<a href=',
  '[',
  ']',
  '(',
  ')',
  '![',
  '](',
  '[x]: ',
  '**',
  '__',
  '*',
  '_',
  '`',
  '```',
  '\n',
  ' ',
  '\u00A0',
  '# ',
  '- ',
  'http://',
  'https://evil.example/',
  'https://acme.example/',
  'a',
  '1.',
  '\u001B[',
  '\u001B]',
  '\u009B',
  '\u0007',
  '\u200B',
  '\u202E',
  '\u{E0041}',
  '\r',
  '\t',
  '\uD800',
  '{{',
  '}}',
  '&lt;',
];
const fragments = fc.constantFrom(...FRAGMENTS);
const texts = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 300 }),
  fc.array(fragments, { maxLength: 60 }).map((parts) => parts.join('')),
);

const KNOWN = new Set(['acme.example']);

const FUNCTIONS = {
  visibleText,
  plainText: (text: string) => plainText(text, KNOWN).text,
};

describe.each(Object.entries(FUNCTIONS))('%s of any text', (_, make) => {
  it('has nothing that is not seen', () => {
    fc.assert(
      fc.property(texts, (text) => {
        const made = make(text);
        expect(made.isWellFormed()).toBe(true);
        expect(made).not.toMatch(/(?!\n)\p{Cc}|\p{Bidi_Control}|[\u200B\u2060\uFEFF\u{E0000}-\u{E007F}]/u);
      }),
      { numRuns: 2_000 },
    );
  });

  it('costs no more than in proportion', { timeout: 120_000 }, () => {
    fc.assert(
      fc.property(fc.array(fragments, { minLength: 1, maxLength: 4 }), (parts) => {
        const unit = parts.join('');
        const of = (length: number): string => unit.repeat(Math.ceil(length / unit.length));
        const small = cpuMs(() => make(of(4_000)));
        // 16 times as long: 16 times the cost, with a margin for a machine that is busy; a square would be 256
        expect(cpuMs(() => make(of(64_000)))).toBeLessThan(20 + 64 * small);
      }),
      { numRuns: 150 },
    );
  });
});

describe('visibleText', () => {
  it('changes nothing the second time', () => {
    fc.assert(
      fc.property(texts, (text) => {
        const once = visibleText(text);
        expect(visibleText(once)).toBe(once);
      }),
      { numRuns: 5_000 },
    );
  });
});

describe('plainText', () => {
  // markup within markup may show the second time only: that is text then, and escaped like any other
  it('leaves no link for a second time', () => {
    fc.assert(
      fc.property(texts, (text) => {
        const { text: once } = plainText(text, KNOWN);
        expect(plainText(once, KNOWN).disarmed).toEqual([]);
      }),
      { numRuns: 5_000, examples: [['\u001b[http://https://acme.example/']] },
    );
  });

  it('leaves no link to a host that is not known', () => {
    fc.assert(
      fc.property(texts, (text) => {
        const { text: made } = plainText(text, KNOWN);
        // as programs that turn addresses into links find them
        for (const [url] of made.matchAll(/\bhttps?:\/\/[^\s<>"'()[\]{}|\\^`]+/gi))
          expect(URL.parse(url)?.hostname ?? '').not.toContain('evil');
      }),
      { numRuns: 5_000 },
    );
  });
});

/** The least of three, so that a pause for garbage does not count. */
function cpuMs(work: () => unknown): number {
  const times = [1, 2, 3].map(() => {
    const before = process.cpuUsage();
    work();
    const { user, system } = process.cpuUsage(before);
    return (user + system) / 1000;
  });
  return Math.min(...times);
}
