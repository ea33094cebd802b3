import type { Breathe } from '../core/breathe.ts';
import { sha256 } from '../core/clock.ts';
import type { Article, CannedReply, SolvedTicket } from '../core/knowledge-base.ts';
import { visibleText } from '../core/visible-text.ts';
import { linkKey } from '../knowledge/article-links.ts';
import { joined } from '../knowledge/embedded-text.ts';
import { idKey } from '../knowledge/memory.ts';
import { readMessage, tidy } from '../knowledge/message.ts';
import { articleGrams, cannedWords, passageWords, solvedWords } from '../knowledge/query.ts';
import { sectionsOf } from '../knowledge/sections.ts';
import { withinPair } from '../knowledge/within-pair.ts';
import type { ArticleRow, CannedRow, PassageRow, SolvedRow } from './knowledge-tables.ts';

/** A new way to read texts makes every item another one, so that the next pass over a source reads it again. */
const READING = 1;

const ID_MAX = 300;
const TITLE_MAX = 500;
const URL_MAX = 2000;
/** Of an agent's answer so much is kept: material for drafts. */
const REPLY_MAX = 6000;
const LINKS_MAX = 50;

export interface PreparedArticle {
  readonly row: ArticleRow;
  readonly passages: readonly Omit<PassageRow, 'article'>[];
}

/** A sentence that says why it cannot be taken, or null. */
export function faultOf({ id }: { readonly id: string }): string | null {
  if (id.trim() === '') return 'It has no id.';
  return id.length > ID_MAX ? `Its id is longer than ${ID_MAX} characters.` : null;
}

export function hashOfItem(item: Article | SolvedTicket | CannedReply): string {
  return sha256(JSON.stringify([READING, item]));
}

/** By what an erased customer is known: `knowledge_erased`. */
export function customerDigest(customer: string): string {
  return sha256(`customer ${customer}`);
}

/** Answers a sentence where there is nothing to be found by. */
export async function prepareArticle(
  source: string,
  article: Article,
  { hash, breathe }: { readonly hash: string; readonly breathe: Breathe },
): Promise<PreparedArticle | string> {
  const title = line(article.title);
  const sections = await sectionsOf(article.body, breathe);
  if (title === '' && sections.length === 0) return 'It has neither a title nor text.';
  const passages: Omit<PassageRow, 'article'>[] = [];
  for (const { heading, text } of sections.length > 0 ? sections : [{ heading: '', text: '' }]) {
    passages.push({ heading, text, words: passageWords(title, heading, text) });
    await breathe();
  }
  const url = article.url !== null && article.url.length <= URL_MAX ? article.url : null;
  const restricted = article.restricted ? 1 : 0;
  const { id: articleId, locale, updatedAt } = article;
  const shown = sections.map(({ heading, text }) => `${heading}\n${text}`).join('\n');
  const row: Omit<ArticleRow, 'grams'> = {
    articleId,
    locale: locale ?? '',
    source,
    title,
    url,
    restricted,
    updatedAt,
    hash,
  };
  return { row: { ...row, grams: articleGrams(title, shown) }, passages };
}

/** `question`: what an embedding model would be given of it. */
export function prepareSolved(
  source: string,
  solved: SolvedTicket,
  hash: string,
): { readonly row: SolvedRow; readonly question: string } | string {
  const subject = subjectOf(solved);
  const question = readMessage(solved.description).text;
  const answer = readMessage(solved.reply);
  const links = linksOf(solved.articles, answer.links);
  if (subject === '' && question === '') return 'It asks nothing: subject and description are empty.';
  if (answer.text === '' && links.length === 0) return 'It has no answer.';
  const row: SolvedRow = {
    ticketId: solved.id,
    source,
    customer: solved.customer,
    solvedAt: solved.solvedAt,
    subject,
    reply: withinPair(answer.text, REPLY_MAX),
    links: JSON.stringify(links),
    words: solvedWords(subject, question, answer.text),
    hash,
  };
  return { row, question: joined(subject, question) };
}

/** A ticket's subject as it is kept. */
export function subjectOf({ subject }: Pick<SolvedTicket, 'subject'>): string {
  return line(readMessage(subject).text);
}

export function prepareCanned(
  source: string,
  { id, title, body, updatedAt }: CannedReply,
  hash: string,
): CannedRow | string {
  const plain = { title: line(title), body: withinPair(readMessage(body).text, REPLY_MAX) };
  if (plain.body === '') return 'It has no text.';
  return { cannedId: id, source, ...plain, updatedAt, words: cannedWords(plain.title, plain.body), hash };
}

function linksOf(articles: readonly string[] | null, links: readonly string[]): readonly string[] {
  const names = articles?.map(idKey) ?? links.flatMap((link) => linkKey(link) ?? []);
  return [...new Set(names)].slice(0, LINKS_MAX);
}

function line(text: string): string {
  return withinPair(tidy(visibleText(text)).replaceAll('\n', ' '), TITLE_MAX);
}
