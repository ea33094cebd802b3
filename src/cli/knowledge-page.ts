import { Parser } from 'htmlparser2';
import { parse } from 'yaml';

/** What a page says of an article, as it stands there: the service judges it. What it leaves out comes from its path. */
export interface PageFields {
  readonly title: unknown;
  readonly body: string;
  readonly id?: unknown;
  readonly url?: unknown;
  readonly locale?: unknown;
  readonly updatedAt?: unknown;
}

/** Markdown or HTML, by the path's ending; `name` is its title where it has none. Answers a sentence where it cannot be read. */
export function readPage(text: string, path: string, name: string): PageFields | string {
  const title = name.replaceAll(/[-_]+/g, ' ');
  return /\.html?$/i.test(path) ? readHtml(text, title) : readMarkdown(text, title);
}

/** https://jekyllrb.com/docs/front-matter/ */
const FRONT_MATTER = /(?<![^])---[ \t]*\r?\n([^]*?)^(?:---|\.\.\.)[ \t]*(?:\r?\n|$)/m;
const KNOWN = ['id', 'title', 'url', 'locale', 'updatedAt'] as const;

function readMarkdown(text: string, untitled: string): PageFields | string {
  const front = text.startsWith('---') ? FRONT_MATTER.exec(text) : null;
  const body = front === null ? text : text.slice(front[0].length);
  const given = front === null ? {} : readYaml(front[1] ?? '');
  if (given === null) return 'What stands between --- at its top is not YAML of names and values.';
  const title = given['title'] ?? /^#[ \t]+(.+?)[ \t#]*$/m.exec(body)?.[1] ?? untitled;
  const known = KNOWN.filter((name) => (given[name] ?? null) !== null).map((name) => [name, given[name]] as const);
  return { ...Object.fromEntries(known), title: typeof title === 'number' ? String(title) : title, body };
}

function readYaml(text: string): Readonly<Record<string, unknown>> | null {
  try {
    const value: unknown = parse(text, { logLevel: 'error' });
    if (value === null) return {};
    return typeof value === 'object' && !Array.isArray(value) ? (value as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}

/** The title, and of the page what is its main part, where it says so. */
function readHtml(html: string, untitled: string): PageFields {
  const texts: Record<string, string> = {};
  const parts: Record<string, [from: number, to: number]> = {};
  let inside: string | null = null;
  const parser = new Parser({
    onopentag: (name) => {
      if ((name === 'title' || name === 'h1') && texts[name] === undefined) {
        inside = name;
        texts[name] = '';
      }
      if (name === 'main' || name === 'body') parts[name] ??= [parser.endIndex + 1, html.length];
    },
    ontext: (text) => {
      if (inside !== null) texts[inside] += text;
    },
    onclosetag: (name) => {
      if (name === inside) inside = null;
      const part = parts[name];
      if (part !== undefined && part[1] === html.length) part[1] = parser.startIndex;
    },
  });
  parser.end(html);
  const [from, to] = parts['main'] ?? parts['body'] ?? [0, html.length];
  const title = [texts['title'], texts['h1']].map((text) => text?.replaceAll(/\s+/g, ' ').trim()).find(Boolean);
  return { title: title ?? untitled, body: html.slice(from, to) };
}
