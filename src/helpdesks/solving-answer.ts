import type { Message } from '../core/helpdesk.ts';
import type { SolvedTicket } from '../core/knowledge-base.ts';
import { markerOf } from './note-html.ts';

/** Less text than this says "you are welcome" or "thanks, it works", characters. */
const SUBSTANCE = 80;
/** A link weighs as much as so many characters: answers name the article, closings rarely do. */
const LINK_WEIGHT = 200;

/** Where a mail quotes what it answers: the classes of the mail programs and of both vendors. */
const QUOTE =
  /<[a-z]+\b[^<>]*\b(?:class|rel)="[^"]*\b(?:gmail_quote|freshdesk_quote|quoted-text|zd-quoted|yahoo_quoted|moz-cite-prefix)\b/i;

/** What an agent's redaction leaves in the place of the text (helpdesks.md 3). */
const REDACTED = '▇';

export interface SolvedPair {
  readonly description: string;
  readonly reply: string;
  /** Of the reply, epoch ms. */
  readonly answeredAt: number;
}

/**
 * What the customer asked and what solved it; null where people gave no public answer, or where something was redacted.
 *
 * The answer is looked for from the end, because an earlier one has not ended the conversation. Agent messages between
 * two questions of the customer belong together (a "thanks" is no question): of those it is the weightiest, so that
 * neither "you are welcome" nor a closing macro that comes after the answer is taken for it.
 */
export function solvedPair(messages: readonly Message[]): SolvedPair | null {
  if (messages.some(({ html }) => html.includes(REDACTED))) return null;
  const first = messages.findIndex(({ author }) => author === 'customer');
  if (first < 0) return null;
  const answer = turnsAfter(messages.slice(first)).map(weightiest).findLast(isSubstantial);
  const [description, reply] = [messages[first]?.html ?? '', withoutQuote(answer?.html ?? '')];
  return answer === undefined ? null : { description, reply, answeredAt: answer.createdAt };
}

/** A ticket of a helpdesk as something to learn from, see `solvedPair`. */
export function solvedTicket(
  helpdesk: string,
  ticket: { readonly id: string; readonly subject?: string | null | undefined; readonly requester_id?: unknown },
  messages: readonly Message[],
): SolvedTicket | null {
  const pair = solvedPair(messages);
  if (pair === null) return null;
  return {
    id: `${helpdesk}/${ticket.id}`,
    subject: ticket.subject ?? '',
    description: pair.description,
    reply: pair.reply,
    customer: typeof ticket.requester_id === 'string' ? `${helpdesk}/${ticket.requester_id}` : null,
    solvedAt: pair.answeredAt,
    articles: null,
  };
}

/** The agents' messages after each question of the customer. */
function turnsAfter(messages: readonly Message[]): Message[][] {
  const turns: Message[][] = [];
  for (const [index, message] of messages.entries()) {
    if (message.author === 'agent') {
      if (message.public && markerOf(message.html) === null) turns.at(-1)?.push(message);
    } else if (index === 0 || asksAgain(message)) turns.push([]);
  }
  return turns;
}

function asksAgain({ html }: Message): boolean {
  const text = textOf(html);
  return lengthOf(text) >= SUBSTANCE || /[?？؟]/.test(text);
}

function weightiest(turn: readonly Message[]): Message | undefined {
  return turn.toSorted((one, other) => weight(other) - weight(one))[0];
}

function isSubstantial(message: Message | undefined): boolean {
  return message !== undefined && weight(message) >= SUBSTANCE;
}

function weight({ html }: Message): number {
  const own = withoutQuote(html);
  return lengthOf(textOf(own)) + (/https?:\/\//.test(own) ? LINK_WEIGHT : 0);
}

function withoutQuote(html: string): string {
  const at = html.search(QUOTE);
  return at < 0 ? html : html.slice(0, at);
}

/** Chinese, Japanese and Korean say in one character what takes three elsewhere. */
function lengthOf(text: string): number {
  const dense = text.match(/[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}]/gu) ?? [];
  return text.length + 2 * dense.length;
}

/** Good enough to measure; what the text says is read elsewhere. */
function textOf(html: string): string {
  return withoutQuote(html)
    .replaceAll(/<[^<>]*>|&nbsp;/g, ' ')
    .replaceAll(/\s+/g, ' ')
    .trim();
}
