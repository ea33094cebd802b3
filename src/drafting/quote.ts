/**
 * Finds quotes by their words, so that case, spaces, line breaks, punctuation and typographic signs do not matter, and
 * half a word proves nothing ("supported" in "unsupported").
 */

/** What a quote needs to prove anything: "the" stands everywhere. */
const LETTERS_MIN = 15;
const WORDS_MIN = 3;
/** Of scripts without spaces each character is a word, and says more. */
const CHARACTERS_MIN = 8;
/** Parts between ellipses: more of them, or shorter ones, could be stitched to say anything. */
const PARTS_MAX = 3;
/** More of one quote is not read. */
const QUOTE_MAX_CHARACTERS = 1_000;

/** A mark of what was taken out, an ellipsis, a character of a script without spaces, a word, or a sign that changes what is said. */
const TOKEN =
  /\[(?:…|\.{3})\]|…|\.{3,}|[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}]|[\p{L}\p{M}\p{N}]+(?:['’.,][\p{L}\p{M}\p{N}]+)*|[%€$£¥+=<>@#&]/gu;
const DENSE = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}]/u;
const WORD = /[\p{L}\p{N}]/u;

interface Token {
  readonly word: string;
  readonly start: number;
  readonly end: number;
}

export interface FoundQuote {
  /** As it stands in the source; null: it does not. */
  readonly text: string | null;
  /** Words looked at: a small multiple of the words of both texts (reliability.md promise 15). */
  readonly steps: number;
}

/** Where a quote stands in its source, as the source has it; parts that an ellipsis joins in their order. */
export function findQuote(source: string, quote: string): FoundQuote {
  const words = tokensOf(source).filter(({ word }) => word !== '…');
  const parts = partsOf(tokensOf(quote.slice(0, QUOTE_MAX_CHARACTERS)));
  let steps = words.length;
  if (parts.length === 0 || parts.length > PARTS_MAX || !parts.every(says)) return { text: null, steps };
  const found: string[] = [];
  let from = 0;
  for (const part of parts) {
    const search = indexOfWords(words, part, from);
    steps += search.steps;
    const first = words[search.index];
    const last = words[search.index + part.length - 1];
    if (first === undefined || last === undefined) return { text: null, steps };
    found.push(source.slice(first.start, last.end));
    from = search.index + part.length;
  }
  return { text: found.join(' … '), steps };
}

function tokensOf(text: string): readonly Token[] {
  return Array.from(text.matchAll(TOKEN), (match) => {
    const [written] = match;
    const start = match.index;
    return { word: plain(written), start, end: start + written.length };
  });
}

function plain(written: string): string {
  if (written.startsWith('[')) return '[…]';
  if (/^(?:…|\.{3,})$/.test(written)) return '…';
  return written.normalize('NFKC').toLowerCase().replaceAll('’', "'");
}

function partsOf(tokens: readonly Token[]): string[][] {
  const parts: string[][] = [[]];
  for (const { word } of tokens) {
    if (word === '…') parts.push([]);
    else parts.at(-1)?.push(word);
  }
  return parts.filter((part) => part.length > 0);
}

function says(part: readonly string[]): boolean {
  const words = part.filter((word) => WORD.test(word));
  const letters = words.join('').length;
  if (words.filter((word) => DENSE.test(word)).length >= CHARACTERS_MIN) return true;
  return words.length >= WORDS_MIN && letters >= LETTERS_MIN;
}

/** Knuth, Morris and Pratt: no text makes it slow. `index` is past the end where the words do not follow each other. */
function indexOfWords(
  words: readonly Token[],
  wanted: readonly string[],
  from: number,
): { readonly index: number; readonly steps: number } {
  const borders = bordersOf(wanted);
  let steps = 2 * wanted.length;
  let matched = 0;
  for (let at = from; at < words.length; at += 1) {
    steps += 1;
    while (matched > 0 && words[at]?.word !== wanted[matched]) {
      matched = borders[matched - 1] ?? 0;
      steps += 1;
    }
    if (words[at]?.word === wanted[matched]) matched += 1;
    if (matched === wanted.length) return { index: at - matched + 1, steps };
  }
  return { index: words.length, steps };
}

/** For each beginning of a pattern: how long its longest own beginning is that is its end, too. */
function bordersOf(wanted: readonly string[]): readonly number[] {
  const borders = [0];
  let matched = 0;
  for (let at = 1; at < wanted.length; at += 1) {
    while (matched > 0 && wanted[at] !== wanted[matched]) matched = borders[matched - 1] ?? 0;
    if (wanted[at] === wanted[matched]) matched += 1;
    borders.push(matched);
  }
  return borders;
}
