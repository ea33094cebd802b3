import { cardGroups } from './card-number.ts';
import { type DigitGroup, readGroups } from './digit-groups.ts';
import { emailAround, userInfoStart } from './email-address.ts';
import { ibanEnd } from './iban.ts';
import { phoneGroups, phoneStart } from './phone-number.ts';
import { namedSecret, pemEnd, tokenEnd } from './secret.ts';
import { isDigit, isLetter, isWordPart, readText, type TextReader } from './text-reader.ts';

/** `text`: what a customer wrote looks like one of our own placeholders. */
const KINDS = ['email', 'phone', 'name', 'text', 'card number', 'IBAN', 'secret'] as const;

export type PersonalKind = (typeof KINDS)[number];

export interface PersonalValue {
  readonly kind: PersonalKind;
  readonly start: number;
  readonly end: number;
}

export interface PersonalData {
  /** In order, none inside another. */
  readonly values: readonly PersonalValue[];
  /** Characters looked at: a small multiple of the length of any text (reliability.md promise 15). */
  readonly steps: number;
}

const OWN_PLACEHOLDER = new RegExp(`^\\[(?:${KINDS.join('|')})(?: \\d{1,6})?\\]`, 'i');

/** What one look has found, and where the next one begins. */
interface Look {
  readonly values: readonly PersonalValue[];
  readonly next: number;
}

/**
 * Finds personal data in one pass over a text, by rules of our own: the libraries can be frozen by one ticket
 * (reliability.md §6). `names` are those that the helpdesk tells; of one word they may mean anything and are not looked for.
 */
export function findPersonalData(text: string, names: readonly string[] = []): PersonalData {
  const reader = readText(text);
  const known = namesByFirstWord(names);
  const values: PersonalValue[] = [];
  let done = 0;
  for (let at = 0; at < text.length;) {
    const look = lookAt(reader, at, done, known);
    values.push(...look.values);
    done = look.values.at(-1)?.end ?? done;
    at = Math.max(at + 1, look.next);
  }
  return { values, steps: reader.steps };
}

function lookAt(reader: TextReader, at: number, done: number, names: ReadonlyMap<string, readonly string[]>): Look {
  const code = reader.at(at);
  if (code === 0x40 || code === 0xff20) return lookAround(reader, at, done);
  if (isDigit(code)) return lookAtNumber(reader, at);
  if (isLetter(code))
    return isWordPart(reader.at(at - 1)) ? nothing(wordEnd(reader, at)) : lookAtWord(reader, at, names);
  if (code === 0x2d && reader.text.startsWith('-----BEGIN ', at)) return one('secret', at, pemEnd(reader, at), at);
  if (code === 0x5b) {
    const [own] = OWN_PLACEHOLDER.exec(reader.text.slice(at, at + 24)) ?? [];
    return one('text', at, own === undefined ? -1 : at + own.length, at);
  }
  return nothing(at);
}

function lookAround(reader: TextReader, at: number, done: number): Look {
  const userInfo = userInfoStart(reader, at, done);
  if (userInfo >= 0) return one('secret', userInfo, at, at);
  const found = emailAround(reader, at, done);
  return found === null ? nothing(at) : one('email', found[0], found[1], at);
}

function lookAtWord(reader: TextReader, at: number, names: ReadonlyMap<string, readonly string[]>): Look {
  const token = tokenEnd(reader, at);
  if (token.end >= 0) return one('secret', at, token.end, at);
  const iban = ibanEnd(reader, at);
  if (iban >= 0) return one('IBAN', at, iban, at);
  let end = at;
  while (isLetter(reader.at(end))) end += 1;
  const name = nameEnd(reader, at, names.get(reader.text.slice(at, Math.min(end, at + 40)).toLowerCase()) ?? []);
  if (name >= 0) return one('name', at, name, at);
  const secret = namedSecret(reader, at, end);
  if (secret !== null) return one('secret', secret[0], secret[1], end);
  return nothing(Math.max(wordEnd(reader, end), token.skip));
}

/** Cards first; what stands between them may be telephone numbers. */
function lookAtNumber(reader: TextReader, at: number): Look {
  const groups = readGroups(reader, at);
  const last = groups.at(-1)?.end ?? at;
  // digits of a word, a name or an address are none of a number
  if (isGlued(reader, at - 1) || isWordPart(reader.at(last)) || reader.at(last) === 0x40)
    return nothing(wordEnd(reader, last));
  const values: PersonalValue[] = [];
  let rest: DigitGroup[] = [];
  const endPhones = (): void => {
    values.push(...phonesIn(reader, rest));
    rest = [];
  };
  for (let index = 0; index < groups.length;) {
    const count = cardGroups(groups, index);
    const group = groups[index];
    if (group === undefined) break;
    if (count > 0) {
      endPhones();
      values.push({ kind: 'card number', start: group.start, end: groups[index + count - 1]?.end ?? group.end });
    } else {
      if (beginsAnother(group, rest)) endPhones();
      rest.push(group);
    }
    index += Math.max(1, count);
  }
  endPhones();
  return { values, next: last };
}

/** A slash or a wide gap between two numbers, or an area code behind a whole one. */
function beginsAnother({ gap }: DigitGroup, before: readonly DigitGroup[]): boolean {
  if (gap.length > 1 && !/[()]/.test(gap)) return true;
  return gap.includes('(') && before.reduce((sum, { digits }) => sum + digits.length, 0) >= 7;
}

function phonesIn(reader: TextReader, groups: readonly DigitGroup[]): readonly PersonalValue[] {
  const count = phoneGroups(reader, groups);
  const first = groups[0];
  const last = groups[count - 1];
  if (first === undefined || last === undefined || isCode(reader, first.start, groups.at(-1)?.end ?? last.end))
    return [];
  return [{ kind: 'phone', start: phoneStart(reader, first.start), end: last.end }];
}

/** A part of an order number or a version, such as `INV-555-123-4567` or `0301234567-A`. */
function isCode(reader: TextReader, start: number, end: number): boolean {
  const { text } = reader;
  const before = text[start - 1] ?? '';
  const after = text[end] ?? '';
  if (before === '#') return true;
  return (
    ('-_./'.includes(before) && before !== '' && isWordPart(reader.at(start - 2))) ||
    (after === '-' && isLetter(reader.at(end + 1)))
  );
}

function isGlued(reader: TextReader, before: number): boolean {
  const code = reader.at(before);
  return isWordPart(code) || code === 0x5f || code === 0x40;
}

function wordEnd(reader: TextReader, from: number): number {
  let end = from;
  while (isWordPart(reader.at(end))) end += 1;
  return end;
}

function namesByFirstWord(names: readonly string[]): ReadonlyMap<string, readonly string[]> {
  const known = new Map<string, string[]>();
  for (const name of names) {
    const [first = '', second] = name.toLowerCase().split(' ');
    if (second !== undefined) known.set(first, [...(known.get(first) ?? []), name.toLowerCase()]);
  }
  return known;
}

function nameEnd(reader: TextReader, at: number, names: readonly string[]): number {
  for (const name of names) {
    const end = at + name.length;
    if (reader.text.slice(at, end).toLowerCase() === name && !isWordPart(reader.at(end))) return end;
  }
  return -1;
}

function one(kind: PersonalKind, start: number, end: number, otherwise: number): Look {
  return end < 0 ? nothing(otherwise) : { values: [{ kind, start, end }], next: end };
}

function nothing(next: number): Look {
  return { values: [], next };
}
