/** What people write where a secret is due: our own examples, words of other manuals, keys in a row. */
const WORDS = [
  'changeme',
  'change',
  'replace',
  'insert',
  'please',
  'secret',
  'password',
  'passwort',
  'token',
  'admin',
  'administrator',
  'draftdesk',
  'zendesk',
  'freshdesk',
  'webhook',
  'default',
  'example',
  'sample',
  'dummy',
  'test',
  'your',
  'this',
  'long',
  'random',
  'string',
  'characters',
  'more',
  'letmein',
  'qwertyuiop',
  'qwerty',
  'abcdefghijklmnopqrstuvwxyz',
  '01234567890',
  '1234567890',
  '123456',
];

/** So many different characters are in 32 random hex digits with a chance of 1 - 10^-7. */
const DISTINCT_MIN = 8;

/**
 * Could somebody guess it from a list? True when less than half of the length that is asked for remains without
 * well-known words and separators, or when a few characters repeat.
 */
export function isWeakSecret(secret: string, minLength: number): boolean {
  if (secret.length < minLength) return true;
  const words = WORDS.toSorted((a, b) => b.length - a.length);
  const rest = words.reduce((text, word) => text.replaceAll(word, ''), secret.toLowerCase()).replaceAll(/[-_.\s]/g, '');
  return rest.length < minLength / 2 || new Set(rest).size < DISTINCT_MIN || repeats(secret);
}

/** Is it one short piece again and again? */
function repeats(secret: string): boolean {
  const period = (secret + secret).indexOf(secret, 1);
  return period * 2 <= secret.length;
}

/** Secrets that are known before anybody has chosen them, for where only a digest is at hand. */
export function wellKnownSecrets(): readonly string[] {
  return ['', ...WORDS, ...WORDS.map((word) => word.repeat(2)), ...WORDS.map((word) => word.repeat(4))];
}

/** Can nobody but this machine reach it? */
export function isLoopbackHost(host: string): boolean {
  return /^(localhost|127(\.\d{1,3}){3}|::1)$/.test(host);
}
