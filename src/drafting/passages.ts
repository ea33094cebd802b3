import type { Grounding, Passage } from '../core/grounding.ts';
import type { Found } from '../core/knowledge-base.ts';
import type { KnowledgeRef } from '../core/ticket.ts';
import { visibleText } from '../core/visible-text.ts';
import { impersonal, REMOVED, wordsIn } from './impersonal.ts';
import { pageOf } from './links.ts';
import { plainText } from './plain-text.ts';
import { asData, attribute, plainLine } from './prompt-marks.ts';
import { estimateTokens } from './token-estimate.ts';

/** What is known about a ticket's question. */
export interface Evidence {
  readonly found: Found;
  /** Where agents see a solved ticket. */
  readonly ticketUrl: (id: string) => string | null;
}

/** All passages together: what is beyond costs more than it brings. */
const KNOWLEDGE_MAX_TOKENS = 2_500;
const PASSAGE_MAX_TOKENS = 500;
/** What is left of the budget is not worth a shorter one. */
const PASSAGE_MIN_TOKENS = 60;
/** Mark, id and title of a passage. */
const LABEL_TOKENS = 40;
const READ_MAX_CHARACTERS = 6_000;
const TITLE_MAX_CHARACTERS = 160;
const URL_MAX_CHARACTERS = 500;
/** The best of each kind, in the order in which they get room. */
const ORDER = ['A1', 'A2', 'T1', 'A3', 'M1', 'T2', 'A4', 'T3', 'A5', 'M2'];

interface Choosing {
  readonly guidelines: string;
  /** Takes out what the model must not see of this ticket's people. */
  readonly hide: (text: string) => string;
}

/** The passages that fit the prompt, best first, as the model is to see them. */
export function choosePassages(evidence: Evidence, { guidelines, hide }: Choosing): Grounding {
  const { articles } = evidence.found;
  const known = new Map(candidates(evidence, guidelines).map((one) => [one.ref, one]));
  const chosen: Passage[] = [];
  let left = KNOWLEDGE_MAX_TOKENS;
  for (const ref of ORDER) {
    const one = known.get(ref);
    const room = Math.min(PASSAGE_MAX_TOKENS, left - LABEL_TOKENS);
    if (one === undefined || room < PASSAGE_MIN_TOKENS) continue;
    const text = cutAtSentence(hide(one.text), room);
    if (!/[\p{L}\p{N}]/u.test(text)) continue;
    chosen.push({ ...one, text: asData(text) });
    left -= estimateTokens(text) + LABEL_TOKENS;
  }
  const passages = chosen.toSorted((a, b) => (a.ref < b.ref ? -1 : 1));
  return { passages, bestShare: Math.max(0, ...articles.map(({ share }) => share)) };
}

function candidates({ found, ticketUrl }: Evidence, guidelines: string): Passage[] {
  const { articles, solved, canned } = found;
  const common = wordsIn([
    guidelines,
    ...articles.flatMap(({ title, heading, passage }) => [title, heading, passage]),
    ...canned.flatMap(({ title, body }) => [title, body]),
  ]);
  const pages = new Set(articles.flatMap(({ url, restricted }) => (url === null || restricted ? [] : [pageOf(url)])));
  return [
    ...articles.map(({ id, title, url, restricted, share, votes, passage }, index) => ({
      ref: `A${index + 1}`,
      kind: 'article' as const,
      id,
      title: plainTitle(title) || id,
      url: safeUrl(url),
      restricted,
      share,
      votes,
      text: readable(passage),
    })),
    ...solved.map(({ id, reply }, index) => ({
      ...labelled('ticket', id, plainTitle(`Ticket ${id}`)),
      ref: `T${index + 1}`,
      url: safeUrl(ticketUrl(id)),
      text: impersonal(readable(reply), common, (url) => pages.has(pageOf(url))),
    })),
    ...canned.map(({ id, title, body }, index) => ({
      ...labelled('macro', id, plainTitle(title) || id),
      ref: `M${index + 1}`,
      url: null,
      text: readable(body),
    })),
  ];
}

/** It stands in notes as it is: without markup and links. */
function plainTitle(title: string): string {
  return plainLine(plainText(plainLine(title), NO_HOSTS).text);
}

const NO_HOSTS: ReadonlySet<string> = new Set();

function labelled(kind: KnowledgeRef['kind'], id: string, title: string): Omit<KnowledgeRef, 'url'> {
  return { kind, id, title, restricted: false, share: null, votes: null };
}

/** As anybody sees it; placeholders of a helpdesk's templates would be filled in wherever they are posted. */
function readable(text: string): string {
  return visibleText(text.slice(0, READ_MAX_CHARACTERS))
    .replaceAll(/\{\{[^{}]{0,400}\}\}|\{%[^{}]{0,400}%\}/g, REMOVED)
    .replaceAll(/[ \u00A0]+$/gm, '')
    .replaceAll(/\n{3,}/g, '\n\n')
    .trim();
}

function safeUrl(url: string | null): string | null {
  return url !== null && url.length <= URL_MAX_CHARACTERS && pageOf(url) !== null ? url : null;
}

/** A text of at most `maxTokens` that ends with a sentence, a line or, where there is neither, a word. */
export function cutAtSentence(text: string, maxTokens: number): string {
  let length = text.length;
  for (let tokens = estimateTokens(text); tokens > maxTokens && length > 0;) {
    length = Math.floor(length * Math.min(0.9, maxTokens / tokens));
    tokens = estimateTokens(text.slice(0, length));
  }
  if (length === text.length) return text;
  const head = text.slice(0, length);
  const ends = Array.from(head.matchAll(/[.!?](?=\s)|[。！？\n]/g), ({ index }) => index + 1);
  const end = ends.at(-1) ?? head.lastIndexOf(' ');
  return head
    .slice(0, end > length / 3 ? end : length)
    .toWellFormed()
    .trimEnd();
}

/** As it stands in the prompt, before the ticket. */
export function knowledgeBlock({ passages }: Grounding, hide: (text: string) => string): string {
  if (passages.length === 0) return '<knowledge>\n(nothing was found)\n</knowledge>';
  return ['<knowledge>', ...passages.map((passage) => passageBlock(passage, hide)), '</knowledge>'].join('\n');
}

function passageBlock({ ref, kind, title, url, restricted, text }: Passage, hide: (text: string) => string): string {
  const label = [
    ` id="${ref}"`,
    // the ticket's number tells the model nothing
    kind === 'ticket' ? '' : attribute('title', hide(title), TITLE_MAX_CHARACTERS),
    kind !== 'article' || url === null || restricted ? '' : attribute('url', url, URL_MAX_CHARACTERS),
  ].join('');
  return `<passage${label}>\n${text}\n</passage>`;
}
