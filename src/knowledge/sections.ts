import { marked } from 'marked';
import type { Breathe } from '../core/breathe.ts';
import { tidy } from './message.ts';
import { type PageListener, readHtml } from './read-html.ts';
import { withinPair } from './within-pair.ts';

/** Text under one heading, or a part of it where that is long. */
export interface Section {
  /** Empty before the first one. */
  readonly heading: string;
  /** Plain text. */
  readonly text: string;
}

/** Plain text of an article that is kept; what follows is taken for no help to anybody. */
const TEXT_MAX = 400_000;
/** A passage is to be read, and to be put into a prompt: so many characters. */
const PASSAGE_MAX = 1500;
const HEADING_MAX = 300;
/** Read between two pauses. */
const PIECE = 32_768;
/** The same of Markdown, whose parser takes more than linear time for odd ones. */
const MARKDOWN_PIECE = 4096;
/** Of an article's beginning, by which it is told what it is written in. */
const SAMPLE = 50_000;

/** An article, HTML or Markdown, as passages of plain text. None where it shows no text. */
export async function sectionsOf(body: string, breathe: Breathe): Promise<readonly Section[]> {
  const collected = collectSections();
  const reader = readHtml(collected.listener);
  const written = isMarkdown(body.slice(0, SAMPLE)) ? markdownPieces(withinPair(body, 2 * TEXT_MAX)) : pieces(body);
  for (const piece of written) {
    reader.write(piece);
    await breathe();
    if (collected.isFull()) break;
  }
  reader.end();
  return collected.sections();
}

const BLOCK = /<\/(?:p|div|h[1-6]|li|ul|ol|table|section|article)\s*>|<(?:p|div|br|h[1-6]|ul|ol|table|img)\b/i;

/** HTML may hold anything; Markdown may hold HTML, so that its own headings tell. */
function isMarkdown(body: string): boolean {
  return !BLOCK.test(body) || (!body.trimStart().startsWith('<') && /^#{1,6} \S/m.test(body));
}

function* pieces(text: string): Generator<string> {
  for (let from = 0; from < text.length;) {
    const piece = withinPair(text.slice(from, from + PIECE + 1), PIECE);
    yield piece;
    from += piece.length;
  }
}

/** Parted before headings and empty lines: what spans them (a fenced block, a list) loses its frame, not its words. */
function* markdownPieces(text: string): Generator<string> {
  let piece = '';
  for (const block of text.split(/(?<=\n)(?=#{1,6} )|(?<=\n\n)/)) {
    if (piece.length + block.length > MARKDOWN_PIECE && piece !== '') {
      yield htmlOf(piece);
      piece = '';
    }
    piece += block;
    if (piece.length > MARKDOWN_PIECE) {
      for (const part of lineParts(piece)) yield htmlOf(part);
      piece = '';
    }
  }
  yield htmlOf(piece);
}

/** Parted at the ends of lines, where there are some. */
function* lineParts(text: string): Generator<string> {
  for (let rest = text; rest !== '';) {
    const line = rest.length <= MARKDOWN_PIECE ? rest.length : rest.lastIndexOf('\n', MARKDOWN_PIECE - 1) + 1;
    const part = line > 0 ? rest.slice(0, line) : withinPair(rest, MARKDOWN_PIECE);
    yield part;
    rest = rest.slice(part.length);
  }
}

function htmlOf(markdown: string): string {
  try {
    return marked.parse(markdown, { async: false });
  } catch {
    // nested deeper than its parser can follow: read as it stands
    return markdown.replaceAll('<', '&lt;');
  }
}

function collectSections() {
  const done: Section[] = [];
  let heading = '';
  let text = '';
  let inHeading = false;
  let kept = 0;

  const finish = (): void => {
    const body = tidy(text);
    if (body !== '' || heading !== '') done.push(...passages(heading, body));
    text = '';
  };
  const listener: PageListener = {
    text: (piece) => {
      const even = piece.replaceAll(/[^\S\n]+/g, ' ');
      if (inHeading) heading += heading.length < HEADING_MAX ? even : '';
      else text += even;
      kept += even.length;
      if (text.length > 2 * PIECE) finish();
    },
    edge: (kind) => {
      if (inHeading) heading += ' ';
      else text += kind === 'cell' ? ' ' : kind === 'item' ? '\n- ' : '\n';
      if (text.length > PIECE) finish();
    },
    heading: (place) => {
      if (place === 'begins') {
        finish();
        heading = '';
      } else heading = tidy(heading.replaceAll('\n', ' ')).slice(0, HEADING_MAX);
      inHeading = place === 'begins';
    },
    link: () => undefined,
  };
  return {
    listener,
    isFull: () => kept > TEXT_MAX,
    sections: (): readonly Section[] => {
      finish();
      return done;
    },
  };
}

function passages(heading: string, text: string): Section[] {
  const parts: Section[] = [];
  let rest = text;
  while (rest.length > PASSAGE_MAX) {
    const line = rest.lastIndexOf('\n', PASSAGE_MAX);
    const space = rest.lastIndexOf(' ', PASSAGE_MAX);
    const at = line > PASSAGE_MAX / 3 ? line : space > PASSAGE_MAX / 3 ? space : PASSAGE_MAX;
    const part = withinPair(rest, at);
    parts.push({ heading, text: part.trim() });
    rest = rest.slice(part.length).trimStart();
  }
  return [...parts, { heading, text: rest }];
}
