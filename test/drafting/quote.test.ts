import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { findQuote } from '../../src/drafting/quote.ts';

const SOURCE =
  'Hold the “Start” button for 5.5 seconds.\nThe light doesn’t turn green on unsupported models … then call us. Dear […], it costs 20 % more.';
const found = (quote: string, source = SOURCE): string | null => findQuote(source, quote).text;

describe('findQuote', () => {
  it.each([
    ['word for word', 'Hold the “Start” button for 5.5 seconds.', 'Hold the “Start” button for 5.5 seconds'],
    ['another case, other spaces', 'hold  THE start\n button', 'Hold the “Start” button'],
    ['typographic signs', "The light doesn't turn green", 'The light doesn’t turn green'],
    ['full width and NFD', 'Ｈｏｌｄ the “Start” button', 'Hold the “Start” button'],
    ['over a line break', '"5.5 seconds. The light doesn\'t turn"', '5.5 seconds.\nThe light doesn’t turn'],
    [
      'an ellipsis in between',
      'Hold the Start button … doesn’t turn green',
      'Hold the “Start” button … doesn’t turn green',
    ],
    ['an ellipsis at its ends', '... the Start button for 5.5 seconds...', 'the “Start” button for 5.5 seconds'],
    ['the mark of what was taken out', 'Dear [...], it costs 20 % more', 'Dear […], it costs 20 % more'],
  ])('finds %s', (_, quote, text) => {
    expect(found(quote)).toBe(text);
  });

  it.each([
    ['what is not there', 'Press the red button for five seconds'],
    ['too little', 'the'],
    ['too few letters', 'for 5.5 seconds'],
    ['nothing', ' … '],
    ['half a word', 'turn green on supported models'],
    ['another number', 'Hold the Start button for 55 seconds'],
    ['a number cut', 'button for 5 seconds. The light'],
    ['a negation left out', 'The light does turn green on unsupported models'],
    ['a changed sign', 'it costs 20 € more than that'],
    ['parts in the wrong order', 'The light doesn’t turn … Hold the Start button'],
    ['crumbs', 'Hold … the light … green'],
    [
      'too many parts',
      'Hold the Start button … for 5.5 seconds The light … turn green on unsupported … then call us Dear',
    ],
    ['another word in between', 'Hold the big Start button for 5.5 seconds'],
  ])('does not take %s', (_, quote) => {
    expect(found(quote)).toBeNull();
  });

  it('counts characters in scripts without spaces', () => {
    const source = 'ボタンを五秒間押してください。緑のランプが点灯します。';
    expect(found('ボタンを五秒間押して', source)).toBe('ボタンを五秒間押して');
    expect(found('ボタン', source)).toBeNull();
    expect(found('ボタンを十秒間押して', source)).toBeNull();
  });

  it('finds every sentence of any text, and says what stands there', () => {
    const word = fc.stringMatching(/^[a-zäö]{3,9}$/);
    fc.assert(
      fc.property(fc.array(word, { minLength: 12, maxLength: 60 }), fc.nat(), (words, at) => {
        const from = at % (words.length - 8);
        const quote = words.slice(from, from + 8).join(' ');
        const text = found(quote.toUpperCase().replaceAll(' ', '  '), words.join(' '));
        expect(text).toBe(quote);
      }),
    );
  });

  it('takes any text, in a number of steps that is a small multiple of its length (promise 15)', () => {
    const nasty = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 400 }),
      fc
        .array(fc.constantFrom('a', 'a ', 'b ', '… ', '[…] ', '漢', '.', "'", '\uD800', '\u0301'), { maxLength: 600 })
        .map((parts) => parts.join('')),
    );
    fc.assert(
      fc.property(nasty, nasty, (source, quote) => {
        const { text, steps } = findQuote(source, quote);
        expect(steps).toBeLessThanOrEqual(8 * (source.length + quote.length) + 8);
        if (text !== null) for (const part of text.split(' … ')) expect(source).toContain(part);
      }),
      { numRuns: 500 },
    );
    const { steps } = findQuote('ab '.repeat(20_000), `${'ab '.repeat(300)}ba`);
    expect(steps).toBeLessThan(4 * 20_000);
  });
});
