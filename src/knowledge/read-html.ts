import { type Handler, Parser } from 'htmlparser2';

/** Told what a page shows, in order. */
export interface PageListener {
  text(text: string): void;
  /** A line, a cell, a paragraph ends or begins. */
  edge(kind: 'cell' | 'line' | 'item'): void;
  heading(place: 'begins' | 'ends'): void;
  link(href: string): void;
}

export interface PageReader {
  write(html: string): void;
  end(): void;
}

const UNSEEN = new Set([
  'script',
  'style',
  'template',
  'title',
  'noscript',
  'object',
  'svg',
  'canvas',
  'iframe',
  'select',
  'textarea',
  'button',
  'video',
  'audio',
]);
const HEADINGS = new Set(['h1', 'h2', 'h3', 'h4', 'h5', 'h6']);
const LINES = new Set([
  'address',
  'article',
  'aside',
  'blockquote',
  'br',
  'dd',
  'details',
  'div',
  'dl',
  'dt',
  'figcaption',
  'figure',
  'footer',
  'header',
  'hr',
  'main',
  'nav',
  'ol',
  'p',
  'pre',
  'section',
  'summary',
  'table',
  'tr',
  'ul',
]);

/** Characters that are parsed at once, and how deep elements may stand in one another after that. */
const PIECE = 4096;
const DEPTH_MAX = 500;

/**
 * Reads HTML piece by piece, so that the largest page can be read with pauses; broken markup is read as a browser would.
 * `skipped` names more elements whose contents do not count. What stands deeper than anybody nests begins anew: the
 * parser's work for a tag grows with its depth.
 */
export function readHtml(listener: PageListener, skipped: ReadonlySet<string> = new Set()): PageReader {
  /** Names of the elements that hide where we are. */
  const hiding: string[] = [];
  let depth = 0;
  let inHeading = false;
  const handler: Partial<Handler> = {
    onopentag: (name, attributes) => {
      depth += 1;
      if (hiding.length > 0 || UNSEEN.has(name) || skipped.has(name) || isHidden(attributes)) {
        hiding.push(name);
        return;
      }
      if (HEADINGS.has(name)) heading('begins');
      else edge(name);
      const { href } = attributes;
      if (name === 'a' && href !== undefined) listener.link(href);
    },
    onclosetag: (name) => {
      depth -= 1;
      if (hiding.length > 0) hiding.pop();
      else if (HEADINGS.has(name)) heading('ends');
      else if (name !== 'li') edge(name);
    },
    ontext: (text) => {
      if (hiding.length === 0) listener.text(text);
    },
  };
  const heading = (place: 'begins' | 'ends'): void => {
    inHeading = place === 'begins';
    listener.heading(place);
  };
  const edge = (name: string): void => {
    if (LINES.has(name)) listener.edge('line');
    else if (name === 'li') listener.edge('item');
    else if (name === 'td' || name === 'th') listener.edge('cell');
  };
  let parser = new Parser(handler);
  let waiting = '';
  const parse = (piece: string): void => {
    parser.write(piece);
    if (depth <= DEPTH_MAX) return;
    parser = new Parser(handler);
    depth = 0;
    if (inHeading) heading('ends');
  };
  return {
    write: (html) => {
      let rest = waiting + html;
      while (rest.length > PIECE) {
        // a tag that is torn would be read as text
        const tag = rest.lastIndexOf('<', PIECE);
        const end = tag > 0 ? tag : PIECE;
        parse(rest.slice(0, end));
        rest = rest.slice(end);
      }
      waiting = rest;
    },
    end: () => {
      parse(waiting);
      waiting = '';
      parser.end();
    },
  };
}

function isHidden({ hidden, style = '' }: Readonly<Record<string, string>>): boolean {
  return hidden !== undefined || /display:\s*none|visibility:\s*hidden/i.test(style);
}
