import { isDigit, isLetter, isSpace, type TextReader } from './text-reader.ts';

/** What keys and tokens of well-known services begin with, and how much must follow. */
const PREFIXES: readonly (readonly [prefix: string, more: number])[] = [
  ['sk-', 16],
  ['sk_', 12],
  ['rk_', 12],
  ['pk_', 12],
  ['whsec_', 12],
  ['AKIA', 12],
  ['ASIA', 12],
  ['AIza', 30],
  ['ya29.', 20],
  ['gh', 30],
  ['github_pat_', 20],
  ['glpat-', 16],
  ['xox', 12],
  ['hf_', 20],
  ['npm_', 20],
  ['SG.', 20],
  ['shpat_', 20],
  ['dop_v1_', 20],
  ['eyJ', 20],
];

type Mode = 'password' | 'token' | 'code';

interface Label {
  readonly before?: RegExp;
  readonly mode: Mode;
}

/** By the last word of what a secret is called: what may stand before that word, and how the value must look. */
const LABELS: ReadonlyMap<string, Label> = new Map<string, Label>([
  ...(
    'password passwort kennwort passwd pwd passcode passphrase contraseña contrasena clave wachtwoord heslo senha hasło haslo ' +
    'пароль şifre sifre salasana lösenord adgangskode passord jelszó parolă geslo zaporka'
  )
    .split(' ')
    .map((word): [string, Label] => [word, { mode: 'password' }]),
  ['passe', { before: /mot de $/i, mode: 'password' }],
  ['secret', { mode: 'token' }],
  ['token', { mode: 'token' }],
  ['bearer', { mode: 'token' }],
  ['apikey', { mode: 'token' }],
  [
    'key',
    {
      before: /(?:api|access|secret|private|licen[cs]e|product|activation|recovery|encryption|auth)[ _-]?$/i,
      mode: 'token',
    },
  ],
  ['pin', { mode: 'code' }],
  ['tan', { mode: 'code' }],
  ['cvv', { mode: 'code' }],
  ['cvc', { mode: 'code' }],
  ['code', { before: /(?:pin|security|cvv|cvc|verification|access)[ -]?$/i, mode: 'code' }],
]);

/** What stands behind "password:" in sentences about passwords. */
const WORDS = new Set(
  (
    "i i'm i've it is was the a an my your you we he she no not yes none ok n/a and or but if when what how why this that please " +
    "can can't cannot could must should will would wrong incorrect invalid error failed fail fails required needed reset " +
    'forgot forgotten lost normal oauth oauth2 unknown saved stored changed correct same encrypted plain enter any all in on ' +
    'for from to of with at as by there then also only still now never always after before again empty blank hidden ' +
    'ich das die der den es ist nicht falsch wird kein keine mein wie was wo und oder wenn bitte vergessen ' +
    'je le la les il non mon ma incorrect oublié et ou si el los no mi olvidada y o un una de du des ' +
    'errata sbagliata dimenticata la mia come non het een ik niet verkeerd vergeten mijn já nie się'
  ).split(' '),
);

const VALUE_LOOKED_AT = 64;

/** The end of a key, token or key block that begins here and shows what it is; else -1. `skip`: where to go on then. */
export function tokenEnd(reader: TextReader, start: number): { readonly end: number; readonly skip: number } {
  const { text } = reader;
  const prefix = PREFIXES.find(([begin]) => text.startsWith(begin, start));
  if (prefix === undefined) return { end: -1, skip: start };
  const dots = prefix[0].endsWith('.') || prefix[0] === 'eyJ';
  let index = start;
  let digits = 0;
  for (let code = reader.at(index); isTokenPart(code, dots); code = reader.at(index)) {
    if (isDigit(code)) digits += 1;
    index += 1;
  }
  while (index > start && !/[A-Za-z0-9]/.test(text[index - 1] ?? '')) index -= 1;
  const [begin, more] = prefix;
  const known = begin !== 'gh' || /^gh[opsur]_/.test(text.slice(start, start + 4));
  const isToken = known && digits > 0 && index - start >= begin.length + more;
  return { end: isToken ? index : -1, skip: index };
}

function isTokenPart(code: number, dots: boolean): boolean {
  return code < 0x80 && (isLetter(code) || isDigit(code) || code === 0x2d || code === 0x5f || (dots && code === 0x2e));
}

/** Where the value of a secret that this word names begins and ends: `password: x`. Null: it names none. */
export function namedSecret(
  reader: TextReader,
  start: number,
  end: number,
): readonly [start: number, end: number] | null {
  const { text } = reader;
  const label = LABELS.get(text.slice(start, Math.min(end, start + 16)).toLowerCase());
  if (label === undefined) return null;
  if (label.before !== undefined && !label.before.test(text.slice(Math.max(0, start - 14), start))) return null;
  const between = BETWEEN.exec(text.slice(end, end + 32));
  if (between === null) return null;
  const [all, sign, line, verb, , quote = ''] = between;
  const from = end + all.length;
  const quoted = quote !== '';
  // judged by its beginning: reading all of what is no value, for each word before it, would take for ever
  const to = valueEnd(reader, from, quoted, from + VALUE_LOOKED_AT);
  const value = text.slice(from, to);
  if (value === '' || BLANKED_OUT.test(value) || NO_VALUE.test(value)) return null;
  // a sentence about passwords goes on
  if (/^\p{L}+:?$/u.test(value) && /^:? ?[ ]\p{L}/u.test(text.slice(to, to + 4)) && !quoted) return null;
  // on a line of its own it is alone there
  if (line !== undefined && !/^[ ]{0,4}(?:\n|$)/.test(text.slice(to, to + 6))) return null;
  const how = sign !== undefined ? 'sign' : verb !== undefined ? 'verb' : 'gap';
  const named = { mode: label.mode, how, quoted, bearer: end - start === 6 } as const;
  return looksSecret(value, named) ? [from, valueEnd(reader, from, quoted, text.length)] : null;
}

/** Quotes, then a sign, a verb or a gap, then quotes: a bounded piece of text. */
const BETWEEN =
  /^["'`*)\]]{0,2}(?:[ \u00A0]{0,3}([:=：→]|=>|->)[ \u00A0]{0,4}(\n[ ]{0,4})?|[ \u00A0]{1,3}(is|ist|est|es|è|lautet|war|was)[ \u00A0:]{1,3}|([ \u00A0]{1,2}))\*{0,2}(["'`“„«]?)/i;

/** The customer has hidden it. */
const BLANKED_OUT = /^(?:[*•._-]+|[xX]{3,})$/;

/** An address, something in brackets. */
const NO_VALUE = /^(?:https?:|[<[])/i;

interface Named {
  readonly mode: Mode;
  readonly how: 'sign' | 'verb' | 'gap';
  readonly quoted: boolean;
  readonly bearer: boolean;
}

function looksSecret(value: string, { mode, how, quoted, bearer }: Named): boolean {
  const digits = /\d/.test(value);
  if (mode === 'code') return /^\d{3,8}$/.test(value);
  if (mode === 'token') return digits && value.length >= 8 && (how !== 'gap' || (bearer && value.length >= 16));
  // or a count
  if (how === 'gap' || /^\d{1,3}%?$/.test(value)) return false;
  if (how === 'verb')
    return (
      value.length >= 3 &&
      (quoted || /\d{4}|\d\D*\p{L}|\p{L}\D*\d/u.test(value) || /[^\p{L}'’.,;:!?]/u.test(value.slice(0, -1)))
    );
  return !WORDS.has(value.toLowerCase()) && !LABELS.has(value.toLowerCase());
}

/** To the quote that closes, or to the next space without the sentence's own signs; not beyond `limit`. */
function valueEnd(reader: TextReader, from: number, quoted: boolean, limit: number): number {
  for (let index = from; quoted && index < from + VALUE_LOOKED_AT; index += 1) {
    const code = reader.at(index);
    if (code < 0 || code === 0x0a) break;
    if ('"\'`”“»'.includes(String.fromCharCode(code))) return index;
  }
  let index = from;
  while (index < limit && !endsValue(reader.at(index))) index += 1;
  while (index > from && /[,;.)\]}>"'`”»]/.test(reader.text[index - 1] ?? '')) index -= 1;
  return index;
}

function endsValue(code: number): boolean {
  return code < 0 || code === 0x0a || isSpace(code);
}

/** A PEM block's end; of one without an end, as far as it looks like one. -1: none begins here. */
export function pemEnd(reader: TextReader, start: number): number {
  const { text } = reader;
  const begin = /^-----BEGIN [A-Z0-9 ]{0,30}(?:KEY|CERTIFICATE|PGP|PKCS)[A-Z0-9 ]{0,20}-----/.exec(
    text.slice(start, start + 80),
  );
  if (begin === null) return -1;
  for (let index = start + begin[0].length; ; index += 1) {
    const code = reader.at(index);
    if (code < 0) return index;
    if (code === 0x2d && text.startsWith('-----', index)) {
      const [close = ''] = /^-----END [A-Z0-9 ]{0,40}-----/.exec(text.slice(index, index + 60)) ?? [];
      return index + close.length;
    }
    // headers end with an empty line; some mail programs put one behind every line
    const gap = code === 0x0a && reader.at(index + 1) === 0x0a;
    if (gap && !/^\n+(?:[A-Za-z0-9+/=]{16}|-----END )/.test(text.slice(index, index + 40))) return index;
  }
}
