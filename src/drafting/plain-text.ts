import { visibleText } from '../core/visible-text.ts';
import { disarmLinks, withoutPages } from './links.ts';

export interface PlainText {
  readonly text: string;
  /** Links that were disarmed, as they stand in the text now. */
  readonly disarmed: readonly string[];
  /** The text was longer than any reply, and was cut. */
  readonly cut: boolean;
  /** A link was taken out that no customer may get. */
  readonly withheld: boolean;
}

/** Besides those to hosts that are known. */
export interface PageRules {
  /** `pageOf` those that may be linked. */
  readonly allowed: ReadonlySet<string>;
  /** Addresses that must not be named at all. */
  readonly withheld: readonly string[];
}

const NO_PAGES: PageRules = { allowed: new Set(), withheld: [] };

/**
 * More than a model may write for a reply (1,500 tokens), and so little that after it a note has room for what the agent
 * must be told, even if each character takes six when it is escaped. The patterns below see no more than this.
 */
const WRITTEN_MAX_CHARACTERS = 9_000;

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
 * What a model wrote, as plain text: markup becomes what it says, images go, and links to hosts that are not `known`
 * are written so that nothing turns them into links (a ticket may have told the model to add them).
 */
export function plainText(written: string, known: ReadonlySet<string>, pages: PageRules = NO_PAGES): PlainText {
  const cut = written.length > WRITTEN_MAX_CHARACTERS;
  let made = read(cut ? written.slice(0, WRITTEN_MAX_CHARACTERS) : written, known, pages);
  const disarmed = [...made.disarmed];
  // what was taken out of the middle may have put a new link together
  for (let pass = 1; pass < PASSES_MAX; pass += 1) {
    const again = read(made.text, known, pages);
    if (again.disarmed.length === 0) break;
    disarmed.push(...again.disarmed);
    made = { ...again, withheld: made.withheld || again.withheld };
  }
  return { text: made.text, disarmed, cut, withheld: made.withheld };
}

function read(source: string, known: ReadonlySet<string>, pages: PageRules): Omit<PlainText, 'cut'> {
  const open = withoutPages(inert(visibleText(source)), pages.withheld);
  const { text, disarmed } = disarmLinks(open.text, known, pages.allowed);
  return { text: tidy(text), disarmed, withheld: open.removed };
}

function tidy(text: string): string {
  return text
    .replaceAll(/[ \u00A0]+$/gm, '')
    .replaceAll(/\n{3,}/g, '\n\n')
    .trim();
}

const PASSES_MAX = 3;

/** Taking markup out may put together new markup; what is still there after some rounds is broken, not read. */
function inert(text: string): string {
  let before = text;
  for (let pass = 0; pass < PASSES_MAX; pass += 1) {
    const after = withoutMarkup(before);
    if (after === before) return parted(after);
    before = after;
  }
  return parted(before);
}

/** The pairs of characters without which Markdown has neither images nor links. */
function parted(text: string): string {
  return text
    .replaceAll('![', '! [')
    .replaceAll('](', '] (')
    .replaceAll('][', '] [')
    .replaceAll(/^( {0,3}\[[^\n]{0,300}\]):/gm, '$1 :');
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

/** Of a link to mail or a telephone only whom it reaches: what else it carries (`?bcc=…`) nobody would see. */
function linkText(label: string, url: string): string {
  const [, scheme = '', rest = ''] = /^(https?:|mailto:|tel:)(.*)$/i.exec(url) ?? [];
  const target = /^https?:$/i.test(scheme) ? url : (rest.split('?')[0] ?? '');
  return target === '' || target === label ? label : `${label} (${target})`;
}
