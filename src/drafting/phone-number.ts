import type { DigitGroup } from './digit-groups.ts';
import { isWordPart, type TextReader } from './text-reader.ts';

/** E.164. */
const INTERNATIONAL = { min: 8, max: 15 } as const;
const LABEL_MAX_CHARACTERS = 28;

/** Right before a number they make it a telephone number, whatever its shape. */
const LABEL =
  /(?:^|[^\p{L}])(?:tel|telefon|telefono|teléfono|téléphone|telephone|telefoon|telefone|phone|mobile|mobil|mobiel|móvil|cell|cellulare|celular|handy|portable|gsm|whatsapp|fax|call (?:me|us)|ring me|тел|телефон|電話|电话)(?: ?(?:phone|number|nummer|no|nr|numero|número|at|on|under|is|:|\.|#|-|–|：)){0,3} ?\(?$/iu;

/** A number that begins with these groups, by its shape: how many of them belong to it. 0: it is none. */
export function phoneGroups(reader: TextReader, groups: readonly DigitGroup[]): number {
  const [first] = groups;
  if (first === undefined) return 0;
  const before = signBefore(reader, first.start);
  if (before === '+') return fitting(groups, INTERNATIONAL.min, INTERNATIONAL.max);
  if (holdsDate(groups)) return 0;
  const count = isPhone(groups, before === '(') ? groups.length : 0;
  if (count > 0) return count;
  const label = reader.text.slice(Math.max(0, first.start - LABEL_MAX_CHARACTERS), first.start);
  const version = groups.some(({ gap, digits }) => gap.includes('.') && digits.length < 2);
  return !version && LABEL.test(label) ? fitting(groups, 6, INTERNATIONAL.max) : 0;
}

/** Where it begins, with its plus or bracket. */
export function phoneStart(reader: TextReader, start: number): number {
  const sign = signBefore(reader, start);
  if (sign === '') return start;
  return sign === '+' && reader.text[start - 2] === '(' ? start - 2 : start - 1;
}

/** A plus or an open bracket that belongs to the number. */
function signBefore(reader: TextReader, start: number): '+' | '(' | '' {
  const sign = reader.text[start - 1];
  if (sign === '(') return '(';
  const plus = sign === '+' || sign === '＋';
  return plus && !isWordPart(reader.at(start - 2)) ? '+' : '';
}

/** As many whole groups as stay within `max` digits. */
function fitting(groups: readonly DigitGroup[], min: number, max: number): number {
  let digits = 0;
  let count = 0;
  for (const group of groups) {
    if (digits + group.digits.length > max || group.gap.includes(' / ')) break;
    digits += group.digits.length;
    count += 1;
  }
  return digits >= min ? count : 0;
}

function isPhone(groups: readonly DigitGroup[], bracket: boolean): boolean {
  const [first, second] = groups;
  if (first === undefined) return false;
  const digits = groups.reduce((sum, group) => sum + group.digits.length, 0);
  const lengths = groups.map((group) => group.digits.length).join('-');
  if (bracket && second?.gap.startsWith(')') === true) {
    return digits >= 7 && digits <= 13 && /^(?!19|20\d\d$)\d{1,5}$/.test(first.digits);
  }
  // 00 and the country; with nothing between the digits it may be a number of anything
  if (/^00[1-9]/.test(first.digits)) return digits >= (groups.length > 1 ? 11 : 13) && digits <= 17;
  // Italian mobiles
  if (lengths === '3-7' && first.digits.startsWith('3') && second?.gap === ' ') return true;
  // North America, and who writes like it
  const american = lengths === '3-3-4' || (lengths === '1-3-3-4' && first.digits === '1');
  if (american && /^[2-9]/.test(lengths === '3-3-4' ? first.digits : (second?.digits ?? '')))
    return hasEvenGaps(groups);
  return /^0[1-9]/.test(first.digits) && isNational(groups, digits);
}

/** With the zero in front that calls inside a country begin with. */
function isNational(groups: readonly DigitGroup[], digits: number): boolean {
  if (groups.length === 1) return digits >= 10 && digits <= 12;
  const rest = groups.slice(1);
  const dotted = rest.some(({ gap }) => gap.includes('.'));
  if (dotted && !rest.every((group) => group.gap === '.' && group.digits.length <= 3)) return false;
  const [first] = groups;
  if (rest.filter(({ gap }) => gap.includes('/')).length > 1) return false;
  const firstFits = first !== undefined && first.digits.length <= 6;
  return (
    firstFits && digits >= 9 && digits <= 12 && groups.length <= 6 && rest.every((group) => group.digits.length >= 2)
  );
}

function hasEvenGaps(groups: readonly DigitGroup[]): boolean {
  const gaps = groups.slice(1).map(({ gap }) => gap);
  return (
    gaps.every((gap) => gap !== '' && !gap.includes('/')) &&
    (new Set(gaps).size === 1 || gaps[0]?.includes(')') === true || gaps.length === 3)
  );
}

/** `2026-11-24`, `24.11.2026`, `11/24/26`: such a number is a date with a time behind it, not a telephone. */
function holdsDate(groups: readonly DigitGroup[]): boolean {
  const pairs = groups.length === 5 && groups.every(({ digits }) => digits.length === 2);
  if (pairs) return false;
  return groups.some((group, index) => {
    const [second, third] = [groups[index + 1], groups[index + 2]];
    if (second === undefined || third === undefined || second.gap !== third.gap || !/^[-./]$/.test(second.gap))
      return false;
    const shape = [group, second, third].map(({ digits }) => digits.length).join('-');
    const [a, b, c] = [Number(group.digits), Number(second.digits), Number(third.digits)];
    if (shape === '4-2-2') return b <= 12 && c <= 31;
    return /^[12]-[12]-(2|4)$/.test(shape) && Math.min(a, b) <= 12 && Math.max(a, b) <= 31;
  });
}
