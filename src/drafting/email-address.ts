import { isDigit, isLetter, isWordPart, type TextReader } from './text-reader.ts';

const USER_INFO_MAX = 128;

/** The address around the sign at `at`, not reaching back over `done`; null: there is none. */
export function emailAround(
  reader: TextReader,
  at: number,
  done: number,
): readonly [start: number, end: number] | null {
  let start = at;
  while (start > done && isLocalPart(reader.at(start - 1))) start -= 1;
  while (start < at && !isWordPart(reader.at(start))) start += 1;
  const end = start === at ? -1 : domainEnd(reader, at + 1);
  return end < 0 ? null : [start, end];
}

function isLocalPart(code: number): boolean {
  return isWordPart(code) || (code > 0 && code < 0x80 && "._+-%'~".includes(String.fromCharCode(code)));
}

/** A domain has a dot, and behind one of its dots a word of two letters or more (RFC 1123; IDN in any script). */
function domainEnd(reader: TextReader, from: number): number {
  let end = -1;
  let label = 0;
  let letters = 0;
  let dots = 0;
  for (let index = from; ; index += 1) {
    const code = reader.at(index);
    if (isLetter(code)) letters += 1;
    if (isLetter(code) || isDigit(code) || (code === 0x2d && label > 0)) {
      label += 1;
      continue;
    }
    const dashed = reader.at(index - 1) === 0x2d;
    if (dots > 0 && label >= 2 && letters === label && !dashed) end = index;
    if (dots > 0 && reader.text.startsWith('xn--', index - label)) end = index;
    if (code !== 0x2e || label === 0) return end;
    dots += 1;
    label = 0;
    letters = 0;
  }
}

/** `https://user:password@host`: where the user begins; -1 when there is no password before this sign. */
export function userInfoStart(reader: TextReader, at: number, done: number): number {
  let colon = false;
  for (let index = at - 1; index >= done && index > at - USER_INFO_MAX; index -= 1) {
    const code = reader.at(index);
    if (code <= 0x20 || code === 0x40) return -1;
    if (code === 0x3a) colon = true;
    if (code === 0x2f) {
      const opens = reader.text.slice(Math.max(0, index - 2), index + 1) === '://';
      return opens && colon ? index + 1 : -1;
    }
  }
  return -1;
}
