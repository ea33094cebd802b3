/** A text read character by character, with a count of the reads: what a search takes is proved by it, not by a clock. */
export interface TextReader {
  readonly text: string;
  /** UTF-16 code unit, or -1 outside of the text. */
  at(index: number): number;
  readonly steps: number;
}

export function readText(text: string): TextReader {
  let steps = 0;
  return {
    text,
    at: (index) => {
      steps += 1;
      return index >= 0 && index < text.length ? text.charCodeAt(index) : -1;
    },
    get steps() {
      return steps;
    },
  };
}

/** First digits of the decimal scripts that customers type numbers in: ASCII, Arabic, Persian, Devanagari, full width. */
const ZEROS = [0x30, 0x660, 0x6f0, 0x966, 0xff10] as const;

/** 0 to 9, or -1. */
export function digitOf(code: number): number {
  for (const zero of ZEROS) if (code >= zero && code <= zero + 9) return code - zero;
  return -1;
}

export function isDigit(code: number): boolean {
  return digitOf(code) >= 0;
}

/** Of any script; of those outside the basic plane none is known here. */
export function isLetter(code: number): boolean {
  if (code < 0x80) return (code >= 0x41 && code <= 0x5a) || (code >= 0x61 && code <= 0x7a);
  return /[\p{L}\p{M}]/u.test(String.fromCharCode(code));
}

export function isWordPart(code: number): boolean {
  return isDigit(code) || isLetter(code);
}

export function isSpace(code: number): boolean {
  return code === 0x20 || code === 0xa0 || (code >= 0x2000 && code <= 0x200a) || code === 0x202f;
}
