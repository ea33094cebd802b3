import { Parser } from 'htmlparser2';

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

/**
 * Reads HTML piece by piece, so that the largest page can be read with pauses; broken markup is read as a browser would.
 * `skipped` names more elements whose contents do not count.
 */
export function readHtml(listener: PageListener, skipped: ReadonlySet<string> = new Set()): PageReader {
  /** Names of the elements that hide where we are. */
  const hiding: string[] = [];
  const parser = new Parser({
    onopentag: (name, attributes) => {
      if (hiding.length > 0 || UNSEEN.has(name) || skipped.has(name) || isHidden(attributes)) {
        hiding.push(name);
        return;
      }
      if (HEADINGS.has(name)) listener.heading('begins');
      else edge(name);
      const { href } = attributes;
      if (name === 'a' && href !== undefined) listener.link(href);
    },
    onclosetag: (name) => {
      if (hiding.length > 0) hiding.pop();
      else if (HEADINGS.has(name)) listener.heading('ends');
      else if (name !== 'li') edge(name);
    },
    ontext: (text) => {
      if (hiding.length === 0) listener.text(text);
    },
  });
  const edge = (name: string): void => {
    if (LINES.has(name)) listener.edge('line');
    else if (name === 'li') listener.edge('item');
    else if (name === 'td' || name === 'th') listener.edge('cell');
  };
  return { write: (html) => parser.write(html), end: () => parser.end() };
}

function isHidden({ hidden, style = '' }: Readonly<Record<string, string>>): boolean {
  return hidden !== undefined || /display:\s*none|visibility:\s*hidden/i.test(style);
}
