import { articleKeys, linkKey } from './article-links.ts';
import { languageOf } from './language-of.ts';
import { idKey } from './memory.ts';
import { linksIn, readMessage } from './message.ts';
import { countWords, type WordCounts, wordsOf } from './words.ts';

/** What people answered. */
export interface PeoplesReply {
  /** HTML, Markdown or text. */
  readonly reply: string;
  /** Ids of the articles that answer it; null: those that the reply links to. */
  readonly articles: readonly string[] | null;
}

/** What a model wrote, plain text, and the articles it rests on. */
export interface DraftedReply {
  readonly body: string;
  readonly articles: readonly { readonly id: string; readonly url: string | null }[];
}

/** How much words tell: those that are in most answers, a greeting or the product's name, tell little. */
export interface WordWeights {
  /** Takes in one more answer. */
  add(reply: string): void;
  of(word: number): number;
}

export function createWordWeights(): WordWeights {
  const answersWith = new Map<number, number>();
  let answers = 0;
  return {
    add: (reply) => {
      answers += 1;
      for (const word of countsOf(readMessage(reply).text).keys())
        answersWith.set(word, (answersWith.get(word) ?? 0) + 1);
    },
    of: (word) => Math.log((answers + 1) / ((answersWith.get(word) ?? 0) + 0.5)),
  };
}

/** Is there anything in it that a draft could be compared with? */
export function hasWords(reply: string): boolean {
  return wordsOf(readMessage(reply).text).length > 0;
}

/** How a draft compares with what people answered: see `ReplayedTicket`. */
export function compareReplies({ body, articles }: DraftedReply, people: PeoplesReply, weights: WordWeights) {
  const answer = readMessage(people.reply);
  const links = new Set(people.articles?.map(idKey) ?? answer.links.flatMap((link) => linkKey(link) ?? []));
  const pointsTo = [
    ...linksIn(body).flatMap(articleKeys),
    ...articles.flatMap(({ id, url }) => [idKey(id), ...(url === null ? [] : articleKeys(url))]),
  ];
  const [ours, theirs] = [languageOf(body), languageOf(answer.text)];
  return {
    similarity: cosine(countsOf(body), countsOf(answer.text), weights),
    sharedLink: links.size === 0 ? null : pointsTo.some((key) => links.has(key)),
    sameLanguage: ours === null || theirs === null ? null : ours === theirs,
    lengthRatio: body.length / Math.max(1, answer.text.length),
  };
}

function countsOf(text: string): WordCounts {
  return countWords(new Map(), wordsOf(text), 1);
}

/** Of the logarithms of the counts: a word said ten times is not ten times the matter. */
function cosine(a: WordCounts, b: WordCounts, weights: WordWeights): number {
  const valueOf = (word: number, count: number): number => (1 + Math.log(count)) * Math.max(0, weights.of(word));
  let product = 0;
  for (const [word, count] of a) {
    const other = b.get(word);
    if (other !== undefined) product += valueOf(word, count) * valueOf(word, other);
  }
  const sizeOf = (counts: WordCounts): number =>
    Math.sqrt([...counts].reduce((sum, [word, count]) => sum + valueOf(word, count) ** 2, 0));
  const size = sizeOf(a) * sizeOf(b);
  return size === 0 ? 0 : Math.min(1, product / size);
}
