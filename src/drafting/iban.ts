import { digitOf, isLetter, isSpace, isWordPart, type TextReader } from './text-reader.ts';

/** How long the IBANs of each country are (ISO 13616 registry, release 99). */
const LENGTHS = new Map(
  (
    'AD24AE23AL28AT20AZ28BA20BE16BG22BH22BI27BR29BY28CH21CR22CY28CZ24DE22DJ27DK18DO28EE20EG29ES24FI18FK18FO18FR27' +
    'GB22GE22GI23GL18GR27GT28HN28HR21HU28IE22IL23IQ23IS26IT27JO30KW30KZ20LB28LC32LI21LT20LU20LV21LY25MC27MD24ME22' +
    'MK19MN20MR27MT31MU30NI28NL18NO15OM23PK24PL28PS29PT25QA29RO24RS22RU33SA24SC31SD18SE24SI19SK24SM27SO23ST25SV28' +
    'TL23TN24TR26UA29VA22VG24XK20YE30'
  )
    .match(/[A-Z]{2}\d{2}/g)
    ?.map((entry) => [entry.slice(0, 2), Number(entry.slice(2))] as const),
);

/** The end of the IBAN that begins here, in groups or in one, by its country's length and its check digits; else -1. */
export function ibanEnd(reader: TextReader, start: number): number {
  if (digitOf(reader.at(start + 2)) < 0 || digitOf(reader.at(start + 3)) < 0) return -1;
  const length = LENGTHS.get(reader.text.slice(start, start + 2).toUpperCase());
  if (length === undefined) return -1;
  const values: number[] = [];
  let index = start;
  for (; values.length < length; index += 1) {
    const code = reader.at(index);
    const gap = isSpace(code) || code === 0x2d;
    // one space or dash between two characters
    if (gap && isWordPart(reader.at(index + 1)) && index > start) continue;
    const value = valueOf(code);
    if (value < 0) return -1;
    values.push(value);
  }
  if (isWordPart(reader.at(index))) return -1;
  return remainder([...values.slice(4), ...values.slice(0, 4)]) === 1 ? index : -1;
}

/** Letters count from 10 on (ISO 7064, mod 97-10). */
function valueOf(code: number): number {
  const digit = digitOf(code);
  if (digit >= 0) return digit;
  return code < 0x80 && isLetter(code) ? (code & 0x1f) + 9 : -1;
}

function remainder(values: readonly number[]): number {
  return values.reduce((sum, value) => (sum * (value < 10 ? 10 : 100) + value) % 97, 0);
}
