import { digitOf, isDigit, isSpace, type TextReader } from './text-reader.ts';

export interface DigitGroup {
  readonly start: number;
  readonly end: number;
  /** ASCII digits, whatever the script. */
  readonly digits: string;
  /** What stands between the group before and this one; spaces of all kinds as ' ', dashes of all kinds as '-'. */
  readonly gap: string;
}

const GAP_MAX = 3;

/** Groups of digits with no more than spaces, dashes, dots, slashes and brackets between them, the first at `start`. */
export function readGroups(reader: TextReader, start: number): readonly DigitGroup[] {
  const groups: DigitGroup[] = [];
  let gap = '';
  for (let index = start; isDigit(reader.at(index));) {
    const from = index;
    let digits = '';
    for (let value = digitOf(reader.at(index)); value >= 0; value = digitOf(reader.at(index))) {
      digits += String(value);
      index += 1;
    }
    groups.push({ start: from, end: index, digits, gap });
    gap = '';
    for (let sign = signOf(reader.at(index)); sign !== '' && gap.length < GAP_MAX; sign = signOf(reader.at(index))) {
      gap += sign;
      index += 1;
    }
  }
  return groups;
}

function signOf(code: number): string {
  if (isSpace(code)) return ' ';
  if (code === 0x2d || (code >= 0x2010 && code <= 0x2014)) return '-';
  return code > 0 && './()'.includes(String.fromCharCode(code)) ? String.fromCharCode(code) : '';
}
