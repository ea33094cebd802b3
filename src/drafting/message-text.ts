import { compile, type Element, type Formatter, type Selector } from 'html-to-text';
import type { Message } from '../core/helpdesk.ts';
import { visibleText } from '../core/visible-text.ts';
import { trimReply } from './trim-reply.ts';

/** More of one message is not read: it could not be sent to a model anyway. */
const HTML_MAX_CHARACTERS = 200_000;
const DEPTH_MAX = 200;
const URL_MAX_CHARACTERS = 150;

export interface MessageText {
  /** Plain text of what was written in this message. */
  readonly text: string;
  /** The message was too long to be read to its end. */
  readonly cut: boolean;
}

/**
 * A message as its reader saw it: HTML as plain text, without hidden elements, invisible characters, quoted mail and
 * signature. Never trimmed to nothing.
 */
export function messageText(html: string): MessageText {
  const cut = html.length > HTML_MAX_CHARACTERS;
  const source = cut ? html.slice(0, HTML_MAX_CHARACTERS) : html;
  // a mail may be nothing but a quote, e.g. a forwarded one
  const text = tidy(withoutQuotes(source)) || tidy(withQuotes(source));
  return { text: trimReply(text), cut };
}

const read = new WeakMap<Message, MessageText>();

/** The same of a message of a conversation: search, prompt and review ask for it, it is read once. */
export function textOfMessage(message: Message): MessageText {
  const known = read.get(message);
  if (known !== undefined) return known;
  const made = messageText(message.html);
  read.set(message, made);
  return made;
}

function tidy(text: string): string {
  return visibleText(text)
    .replaceAll(/[ \u00A0]+$/gm, '')
    .replaceAll(/\n{3,}/g, '\n\n')
    .trim();
}

/** How mail programs and helpdesks mark what a mail quotes. */
const QUOTES = [
  'blockquote[type=cite]',
  '.gmail_quote',
  '.gmail_extra',
  '.yahoo_quoted',
  '.protonmail_quote',
  '.moz-cite-prefix',
  '.freshdesk_quote',
  '[rel="quoted-text"]',
  '#divRplyFwdMsg',
  '#appendonsend',
  '#OLK_SRC_BODY_SECTION',
];

const SIGNATURES = ['.gmail_signature', '.moz-signature', '#Signature', '#ms-outlook-mobile-signature'];

const UNSEEN = ['[hidden]', 'head', 'title', 'template', 'object', 'svg', 'select', 'textarea', 'button'];

/** html-to-text formatter: an element whose style shows nothing is left out, any other is taken as if it had no style. */
const unlessHidden: Formatter = (element, walk, builder) => {
  const style = element.attribs['style'] ?? '';
  if (hides(style)) return;
  delete element.attribs['style'];
  walk([element], builder);
};

/** Text in the text's own colour is beyond us: it takes a browser to see it. */
function hides(style: string): boolean {
  const plain = style.toLowerCase().replaceAll(/\/\*.*?\*\/|\s/g, '');
  return /(^|;)(display:none|visibility:(hidden|collapse)|mso-hide:all|opacity:0?\.?0*(%|;|!|$)|font-size:0*\.?0*([a-z%]+)?(;|!|$))/.test(
    plain,
  );
}

const placeholder: Formatter = (element, _walk, builder) => {
  if (!isPixel(element)) builder.addInline('[image]');
};

function isPixel({ attribs }: Element): boolean {
  return [attribs['width'], attribs['height']].some((size) => /^[01](px)?$/.test(size?.trim() ?? ''));
}

function shortUrl(url: string): string {
  if (!/^(https?|mailto|tel):/i.test(url)) return '';
  return url.length > URL_MAX_CHARACTERS ? `${url.slice(0, URL_MAX_CHARACTERS)}…` : url;
}

function converter(left_out: readonly string[]): (html: string) => string {
  const selectors: Selector[] = [
    { selector: 'img', format: 'placeholder' },
    { selector: 'a', options: { hideLinkHrefIfSameAsText: true, pathRewrite: shortUrl } },
    { selector: 'blockquote', format: 'block', options: { leadingLineBreaks: 2, trailingLineBreaks: 2 } },
    { selector: 'ul', options: { itemPrefix: '- ' } },
    ...[1, 2, 3, 4, 5, 6].map((level) => ({ selector: `h${level}`, options: { uppercase: false } })),
    { selector: '[style]', format: 'unlessHidden' },
    ...[...UNSEEN, ...left_out].map((selector) => ({ selector, format: 'skip' })),
  ];
  return compile({
    wordwrap: false,
    limits: { maxDepth: DEPTH_MAX, ellipsis: ' […]' },
    formatters: { unlessHidden, placeholder },
    selectors,
  });
}

const withoutQuotes = converter([...QUOTES, ...SIGNATURES]);
const withQuotes = converter(SIGNATURES);
