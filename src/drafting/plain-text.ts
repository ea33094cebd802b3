import { visibleText } from '../core/visible-text.ts';

export interface PlainText {
  readonly text: string;
  /** How many links were disarmed. */
  readonly strangeLinks: number;
}

/** Without the punctuation of the sentence that it ends. */
const URL_PATTERN = /\bhttps?:\/\/[^\s<>"'()[\]{}|\\^`]*[^\s<>"'()[\]{}|\\^`.,;:!?]/gi;

/** Elements that a model may write; what else stands in angle brackets is text. */
const TAGS =
  /<(\/?)(a|abbr|b|blockquote|body|br|button|center|code|details|div|em|embed|font|form|h[1-6]|head|hr|html|i|iframe|img|input|ins|kbd|li|link|meta|object|ol|p|pre|s|script|section|small|span|strong|style|sub|summary|sup|svg|table|tbody|td|th|thead|tr|u|ul|video)(?:[\s/][^<>]{0,2000})?>/gi;

const BREAKING = new Set([
  'blockquote',
  'br',
  'div',
  'h1',
  'h2',
  'h3',
  'h4',
  'h5',
  'h6',
  'hr',
  'li',
  'p',
  'table',
  'tr',
]);

/**
 * What a model wrote, as plain text: markup becomes what it says, images go, and links to hosts that do not occur in
 * `knownText` are written so that nothing turns them into links (a ticket may have told the model to add them).
 */
export function plainText(written: string, knownText: string): PlainText {
  const known = new Set(linksIn(knownText).map(hostOf));
  let strangeLinks = 0;
  const text = withoutMarkup(visibleText(written))
    .replaceAll(URL_PATTERN, (url) => {
      if (known.has(hostOf(url))) return url;
      strangeLinks += 1;
      // also an address within it: without the first scheme that would be the link
      return url.replaceAll(/http(?=s?:\/\/)/gi, 'hxxp');
    })
    .replaceAll(/[ \u00A0]+$/gm, '')
    .replaceAll(/\n{3,}/g, '\n\n')
    .trim();
  return { text, strangeLinks };
}

function withoutMarkup(text: string): string {
  return (
    text
      .replaceAll(/<img\b[^<>]{0,2000}>/gi, '')
      .replaceAll(TAGS, (_, closing: string, name: string) =>
        BREAKING.has(name.toLowerCase()) && (closing === '' || name.toLowerCase() === 'p') ? '\n' : '',
      )
      // images, in line and by reference; then links; then the lines that references point to
      .replaceAll(/!\[[^[\]\n]{0,500}\](?:\([^()\n]{0,2000}\)|\[[^[\]\n]{0,200}\])/g, '')
      .replaceAll(
        /\[([^[\]\n]{1,500})\]\(\s*((?:[^()\s]|\([^()\s]{0,200}\)){0,2000})[^()\n]{0,200}\)/g,
        (_, label: string, url: string) => linkText(label, url),
      )
      .replaceAll(/\[([^[\]\n]{1,500})\]\[[^[\]\n]{0,200}\]/g, '$1')
      .replaceAll(/^ {0,3}\[[^[\]\n]{1,200}\]:[ ]*\S+.*$/gm, '')
      .replaceAll(/<(https?:\/\/[^\s<>]{1,2000})>/gi, '$1')
      .replaceAll(/^ {0,3}(?:```|~~~).*\n?/gm, '')
      .replaceAll(/^ {0,3}#{1,6}[ ]+/gm, '')
      .replaceAll(/^( {0,8})[*+][ ]+/gm, '$1- ')
      .replaceAll(/(\*\*|__)(?=\S)([^\n]{1,1000}?\S)\1/g, '$2')
      .replaceAll(/(?<![\w*])\*(?=[^\s*])([^*\n]{0,500}[^\s*])\*(?![\w*])/g, '$1')
      .replaceAll(/`([^`\n]{1,500})`/g, '$1')
  );
}

function linkText(label: string, url: string): string {
  if (!/^(https?:\/\/|mailto:)/i.test(url) || url === label) return label;
  return `${label} (${url.replace(/^mailto:/i, '')})`;
}

/** Every link that a text writes out. */
export function linksIn(text: string): string[] {
  return Array.from(text.matchAll(URL_PATTERN), ([url]) => url);
}

function hostOf(url: string): string {
  return URL.parse(url)?.hostname ?? '';
}
