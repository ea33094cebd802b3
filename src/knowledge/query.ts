import { translationsOf } from './glossary.ts';
import { gramsOf } from './grams.ts';
import { readMessage } from './message.ts';
import { withinPair } from './within-pair.ts';
import type { WeightedWords, WordIndex } from './word-index.ts';
import { countWords, hashOf, packCounts, type WordCounts, wordsOf } from './words.ts';

/** Of each text so many characters say what it is about; more words make it less like others (retrieval.md §2). */
const SUBJECT_MAX = 300;
const TEXT_MAX = 600;
const REPLY_MAX = 800;
const SECTION_MAX = 1500;
const ARTICLE_MAX = 12_000;
/** Of similar tickets' answers, where they stand for the question. */
const ECHO_MAX = 600;
/** Words of a query that are looked up: the rarest, where there are more. */
const QUERY_WORDS_MAX = 64;
/** What a translation weighs beside the word itself, shared by all of that word. */
const TRANSLATION_WEIGHT = 0.8;

/** The words of a question's subject, and of its text. */
function wordLists(subject: string, text: string): readonly [subject: readonly string[], text: readonly string[]] {
  return [wordsOf(withinPair(subject, SUBJECT_MAX)), wordsOf(withinPair(text, TEXT_MAX))];
}

/** The subject counts twice. */
function countQuestion([subject, text]: ReturnType<typeof wordLists>): WordCounts {
  return countWords(countWords(new Map(), subject, 2), text, 1);
}

/** What a solved ticket is found by: its question, and its answer at half the weight. */
export function solvedWords(subject: string, text: string, reply: string): Buffer {
  const counts = countQuestion(wordLists(subject, text));
  return packCounts(countWords(counts, wordsOf(withinPair(reply, REPLY_MAX)), 0.5));
}

/** What a passage of an article is found by. */
export function passageWords(title: string, heading: string, text: string): Buffer {
  const counts = countWords(new Map(), wordsOf(title), 4);
  countWords(counts, wordsOf(heading), 2);
  return packCounts(countWords(counts, wordsOf(withinPair(text, SECTION_MAX)), 1));
}

/** What a canned reply is found by. */
export function cannedWords(title: string, body: string): Buffer {
  return packCounts(countWords(countWords(new Map(), wordsOf(title), 2), wordsOf(withinPair(body, REPLY_MAX)), 1));
}

/** What an article is found by across languages and compounds. */
export function articleGrams(title: string, text: string): Buffer {
  const counts = countWords(new Map(), gramsOf(title), 4);
  return packCounts(countWords(counts, gramsOf(withinPair(text, ARTICLE_MAX)), 0.25));
}

/** What an article's title alone says. */
export function titleWords(title: string): Buffer {
  return packCounts(countWords(new Map(), wordsOf(title), 1));
}

/** A question as each index wants it. */
export interface AskedWords {
  readonly words: WordCounts;
  readonly grams: WordCounts;
  /** Of its words, what they may be in other languages. */
  readonly translations: ReadonlyMap<number, readonly number[]>;
}

/** The words of a question, of a subject and a text that may be HTML. */
export function askedWords(subject: string, text: string): AskedWords {
  const [title, body] = [readMessage(subject).text, readMessage(text).text];
  const lists = wordLists(title, body);
  const translations = new Map<number, readonly number[]>();
  for (const word of lists.flat()) translations.set(hashOf(word), [...translationsOf(word)].map(hashOf));
  const grams = countWords(new Map(), gramsOf(withinPair(title, SUBJECT_MAX)), 2);
  countWords(grams, gramsOf(withinPair(body, TEXT_MAX)), 1);
  return { words: countQuestion(lists), grams, translations };
}

/** The same question, with what a model would look for besides. */
export function askedAlso({ words, grams, translations }: AskedWords, more: string): AskedWords {
  const text = withinPair(more, TEXT_MAX);
  return {
    words: countWords(new Map(words), wordsOf(text), 1),
    grams: countWords(new Map(grams), gramsOf(text), 1),
    translations,
  };
}

/** A question's words and what they may be in the languages of this index. */
export function withTranslations({ words, translations }: AskedWords, index: WordIndex): WordCounts {
  const all: WordCounts = new Map(words);
  for (const [word, count] of words) {
    const others = (translations.get(word) ?? []).filter((other) => index.idf(other) > 0);
    const part = (TRANSLATION_WEIGHT * count) / Math.sqrt(others.length);
    for (const other of others) all.set(other, (all.get(other) ?? 0) + part);
  }
  return all;
}

/** What similar tickets were answered with, as a question to the articles: the more alike, the more it counts. */
export function echoWords(answers: readonly { readonly reply: string; readonly likeness: number }[]): WordCounts {
  const counts: WordCounts = new Map();
  for (const { reply, likeness } of answers) {
    const words = wordsOf(withinPair(reply, ECHO_MAX));
    countWords(counts, words, (2 * likeness) / Math.sqrt(1 + words.length / 20));
  }
  return counts;
}

/** Those worth looking up in this index. */
export function worthAsking(counts: WordCounts, index: WordIndex): WeightedWords {
  if (counts.size <= QUERY_WORDS_MAX) return counts;
  const byWorth = [...counts].toSorted(([a, n], [b, m]) => index.idf(b) * m - index.idf(a) * n);
  return new Map(byWorth.slice(0, QUERY_WORDS_MAX));
}
