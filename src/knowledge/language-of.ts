import { ces, dan, deu, eng, fin, fra, hun, ita, nld, pol, por, spa, swe, tur } from 'stopword';

const WORD = /[\p{L}\p{M}]+/gu;
/** Of a text so much is looked at, characters. */
const READ_MAX = 20_000;
/** Fewer function words than this tell nothing. */
const EVIDENCE_MIN = 2;
/** The best must be so many times better than the next. */
const LEAD = 1.15;

/** Scripts that one language of our customers is written in, each before those it shares letters with. */
const SCRIPTS = [
  ['ja', /[\p{Script=Hiragana}\p{Script=Katakana}]/gu],
  ['ko', /\p{Script=Hangul}/gu],
  ['zh', /\p{Script=Han}/gu],
  ['th', /\p{Script=Thai}/gu],
  ['ru', /\p{Script=Cyrillic}/gu],
  ['el', /\p{Script=Greek}/gu],
  ['ar', /\p{Script=Arabic}/gu],
  ['he', /\p{Script=Hebrew}/gu],
] as const;

const LISTS = { cs: ces, da: dan, de: deu, en: eng, es: spa, fi: fin, fr: fra, hu: hun, it: ita, nl: nld } as const;
const MORE_LISTS = { pl: pol, pt: por, sv: swe, tr: tur } as const;

/** Function word → the languages that have it. */
const LANGUAGES_OF = new Map<string, string[]>();
for (const [language, words] of Object.entries({ ...LISTS, ...MORE_LISTS })) {
  for (const word of words) LANGUAGES_OF.set(word, [...(LANGUAGES_OF.get(word) ?? []), language]);
}

/**
 * Which language a text is in, by its script and its function words; null where they do not tell. Two texts are
 * compared by it: it need not be right about what they are, only say the same of both.
 */
export function languageOf(text: string): string | null {
  const read = text.slice(0, READ_MAX);
  const letters = read.match(/\p{L}/gu)?.length ?? 0;
  for (const [language, script] of SCRIPTS) {
    if ((read.match(script)?.length ?? 0) > letters * 0.2) return language;
  }
  const scores = new Map<string, number>();
  for (const [word] of read.toLowerCase().matchAll(WORD)) {
    const languages = LANGUAGES_OF.get(word) ?? [];
    // a word of many languages speaks for none of them
    for (const language of languages) scores.set(language, (scores.get(language) ?? 0) + 1 / languages.length);
  }
  const [best, next] = [...scores].toSorted(([, a], [, b]) => b - a);
  if (best === undefined || best[1] < EVIDENCE_MIN) return null;
  return next === undefined || best[1] >= next[1] * LEAD ? best[0] : null;
}
