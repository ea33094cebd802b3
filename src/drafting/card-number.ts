import type { DigitGroup } from './digit-groups.ts';

const CARD_MAX_DIGITS = 19;

/** First digits and lengths that card networks give out (ISO/IEC 7812 and the networks' published ranges). */
const NETWORKS = [
  { from: '4', to: '4', lengths: [13, 16, 19] },
  { from: '34', to: '34', lengths: [15] },
  { from: '37', to: '37', lengths: [15] },
  { from: '300', to: '305', lengths: [14, 16, 19] },
  { from: '3528', to: '3589', lengths: [16, 19] },
  { from: '36', to: '36', lengths: [14, 16, 19] },
  { from: '38', to: '39', lengths: [14, 16, 19] },
  { from: '2221', to: '2720', lengths: [16] },
  { from: '50', to: '50', lengths: [16, 19] },
  { from: '51', to: '55', lengths: [16] },
  { from: '56', to: '58', lengths: [16, 19] },
  { from: '60', to: '69', lengths: [16, 19] },
  { from: '62', to: '62', lengths: [17, 18] },
] as const;

/**
 * How many groups, from this one on, are a card number: all digits in one, or groups of three digits and more behind one
 * of four, with the same sign between them. 0: none.
 */
export function cardGroups(groups: readonly DigitGroup[], first: number): number {
  let digits = '';
  for (let count = 1; first + count <= groups.length; count += 1) {
    const group = groups[first + count - 1];
    if (group === undefined || (count > 1 && !continues(groups, first, count))) return 0;
    digits += group.digits;
    if (digits.length > CARD_MAX_DIGITS) return 0;
    if (digits.length >= 13 && isCard(digits) && !continues(groups, first, count + 1)) return count;
    if (count === 1 && digits.length < 13 && digits.length !== 4) return 0;
  }
  return 0;
}

function continues(groups: readonly DigitGroup[], first: number, count: number): boolean {
  const group = groups[first + count - 1];
  const before = groups[first + 1];
  if (group === undefined || before === undefined) return false;
  const { gap } = group;
  return gap.length === 1 && gap === before.gap && gap !== '/' && group.digits.length >= 3 && group.digits.length <= 12;
}

function isCard(digits: string): boolean {
  const known = NETWORKS.some(({ from, to, lengths }) => {
    const start = digits.slice(0, from.length);
    return start >= from && start <= to && (lengths as readonly number[]).includes(digits.length);
  });
  return known && luhn(digits);
}

/** ISO/IEC 7812-1, annex B. */
function luhn(digits: string): boolean {
  let sum = 0;
  for (let index = 0; index < digits.length; index += 1) {
    const digit = digits.charCodeAt(digits.length - 1 - index) - 0x30;
    const doubled = index % 2 === 1 ? digit * 2 : digit;
    sum += doubled > 9 ? doubled - 9 : doubled;
  }
  return sum % 10 === 0;
}
