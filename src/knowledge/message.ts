import { visibleText } from '../core/visible-text.ts';
import { readHtml } from './read-html.ts';
import { withinPair } from './within-pair.ts';

/** More of a message is not read: what it is about stands before. */
const SOURCE_MAX = 60_000;

export interface Message {
  /** Plain text. */
  readonly text: string;
  /** Addresses that it links to, as they are written. */
  readonly links: readonly string[];
}

const TAG = /<\/?[a-z][^<>]*>/i;
const BARE_LINK = /\bhttps?:\/\/[^\s<>"')\]]+/gi;
const QUOTES = new Set(['blockquote']);

/** What somebody wrote, HTML, Markdown or text, as plain text without what it quotes, and where it points to. */
export function readMessage(written: string): Message {
  const source = withinPair(written, SOURCE_MAX);
  if (!TAG.test(source)) return { text: tidy(source), links: linksIn(source) };
  const { text, links } = fromHtml(source, QUOTES);
  // all of it may be a quote
  return text === '' ? fromHtml(source, new Set()) : { text, links };
}

function fromHtml(source: string, skipped: ReadonlySet<string>): Message {
  let text = '';
  const links: string[] = [];
  const reader = readHtml(
    {
      text: (piece) => (text += piece.replaceAll(/[^\S\n]+/g, ' ')),
      edge: (kind) => (text += kind === 'cell' ? ' ' : kind === 'item' ? '\n- ' : '\n'),
      heading: () => (text += '\n'),
      link: (href) => links.push(href),
    },
    skipped,
  );
  reader.write(source);
  reader.end();
  return { text: tidy(text), links: [...links, ...linksIn(text)] };
}

export function linksIn(text: string): readonly string[] {
  return text.match(BARE_LINK)?.map(withoutSigns) ?? [];
}

/** A loop: a pattern would look at each of many dots again. */
function withoutSigns(link: string): string {
  let end = link.length;
  while ('.,;:!?'.includes(link.charAt(end - 1)) && end > 0) end -= 1;
  return link.slice(0, end);
}

export function tidy(text: string): string {
  return visibleText(text)
    .replaceAll(/[^\S\n]+/g, ' ')
    .replaceAll(/ ?\n ?/g, '\n')
    .replaceAll(/\n{3,}/g, '\n\n')
    .replaceAll(/^- *\n+/gm, '- ')
    .trim();
}
