import { isPlainAddress } from '../core/plain-address.ts';

/** What one link looks like to whoever makes text clickable: with a scheme, with `www.` or `//`, or a name with a path. */
const SCHEMED = String.raw`https?:[\\/]*(?=[\p{L}\p{N}[%])[^\s\\/?#]*(?:\\[^\s/?#]*)?`;
const LABELS = String.raw`(?:[\p{L}\p{N}][\p{L}\p{N}-]{0,62}\.){1,8}`;
const TOP = String.raw`\p{L}[\p{L}\p{N}-]{1,62}(?::\d{1,5})?`;
const BEFORE_NAME = String.raw`(?<![\p{L}\p{N}_@/:.\]%+=&-])`;
const BARE = `${BEFORE_NAME}(?:\\/{2}${LABELS}${TOP}|www\\.${LABELS}${TOP}|${LABELS}${TOP}(?=[/?#][^\\s]))`;

const LINK = new RegExp(`(?<schemed>${SCHEMED})|${BARE}`, 'giu');

/** Names that the team itself has written, with a path or without. */
const NAME = new RegExp(`${SCHEMED}|(?<![\\p{L}\\p{N}_@.-])${LABELS}${TOP}`, 'giu');

/** Other schemes act when clicked too: `ftp://`, `file://`, an app's own; and those that carry their content. */
const OTHER_SCHEME =
  /(?<![a-z0-9+.-])(?![a-z0-9+.-]*h(?:tt|xx)ps?:)([a-z][a-z0-9+.-]{1,30}):([\\/]{2}[^\s/?#]*)|(?<![a-z0-9+.-])(javascript|vbscript|data|file|blob):(?=\S)/gi;

const SHOWN_MAX_CHARACTERS = 100;
const PAGE_MAX_CHARACTERS = 500;

export interface DisarmedText {
  readonly text: string;
  /** As they stand in the text now, shortened. */
  readonly disarmed: readonly string[];
}

/** The hosts that a text names, each as `host` or `host:port`. */
export function hostsIn(text: string): string[] {
  const hosts = Array.from(text.matchAll(NAME), ([name]) => hostOf(name));
  return [...new Set(hosts.filter((host) => host !== null))];
}

/** What a link points to, the same for all ways to write it; null for what is no plain link to a page. */
export function pageOf(url: string): string | null {
  const parsed = isPlainAddress(url) ? URL.parse(url) : null;
  if (parsed === null) return null;
  return `${parsed.host.replace(/^www\./, '')}${parsed.pathname.replace(/\/+$/, '')}${parsed.search}`;
}

/** A text without links to these pages, whatever stands around them, or in another language or under another title. */
export function withoutPages(
  text: string,
  pages: readonly string[],
): { readonly text: string; readonly removed: boolean } {
  const wanted = pages.flatMap((page) => {
    const url = URL.parse(page);
    if (url === null) return [];
    const path = url.pathname.replace(/\/+$/, '').toLowerCase();
    const number = /\/\d{4,}(?=-|$)/.exec(path)?.[0];
    return [
      { host: url.hostname.replace(/^www\./, '').toLowerCase(), ends: number === undefined ? [path] : [path, number] },
    ];
  });
  let removed = false;
  const clean = text.replaceAll(/[^\s<>"“”]{4,}/g, (written) => {
    const lower = decoded(written).toLowerCase();
    const named = wanted.some(
      ({ host, ends }) => lower.includes(host) && ends.some((end) => endsWith(lower, host, end)),
    );
    removed ||= named;
    return named ? '' : written;
  });
  return { text: clean, removed };
}

function endsWith(lower: string, host: string, end: string): boolean {
  if (end === '') return /^[^\p{L}\p{N}]*$/u.test(lower.slice(lower.indexOf(host) + host.length));
  const at = lower.indexOf(end, lower.indexOf(host));
  return at >= 0 && !/^[\p{L}\p{N}_]/u.test(lower.slice(at + end.length));
}

function decoded(written: string): string {
  try {
    return decodeURI(written);
  } catch {
    return written;
  }
}

/**
 * Writes links to hosts that are not in `known`, and to pages that are not in `pages` (`pageOf`), so that nothing turns them into links: `hxxps://evil.example`,
 * `evil[.]example/x`. Bare names without a path stay, as do addresses of mail.
 */
export function disarmLinks(
  text: string,
  known: ReadonlySet<string>,
  pages: ReadonlySet<string> = new Set(),
): DisarmedText {
  const disarmed: string[] = [];
  const tell = (written: string, offset: number, whole: string, length: number): string => {
    const rest = /^\S*/.exec(whole.slice(offset + length, offset + length + SHOWN_MAX_CHARACTERS))?.[0] ?? '';
    const shown = written + rest;
    disarmed.push(shown.length > SHOWN_MAX_CHARACTERS ? `${shown.slice(0, SHOWN_MAX_CHARACTERS)}…` : shown);
    return written;
  };
  const clean = text
    .replaceAll(LINK, (link, schemed: string | undefined, offset: number, whole: string) => {
      const host = hostOf(link);
      if (host !== null && known.has(host)) return link;
      if (pages.size > 0 && pages.has(wholePage(link, offset, whole))) return link;
      const written = schemed === undefined ? link.replaceAll('.', '[.]') : link.replaceAll(/http(?=s?:)/gi, 'hxxp');
      return tell(written, offset, whole, link.length);
    })
    .replaceAll(OTHER_SCHEME, (link, _scheme, place: string | undefined, _other, offset: number, whole: string) => {
      const { length } = place ?? '';
      const written = `${link.slice(0, link.length - length - 1)}[:]${(place ?? '').replaceAll('.', '[.]')}`;
      return tell(written, offset, whole, link.length);
    });
  return { text: clean, disarmed };
}

/** Of a link that begins at `offset`, without the sentence's own signs. */
function wholePage(link: string, offset: number, whole: string): string {
  const written = /^\S*/.exec(whole.slice(offset, offset + link.length + PAGE_MAX_CHARACTERS))?.[0] ?? '';
  return pageOf(written.replace(/[.,;:!?)\]>"'»”]{1,8}$/, '')) ?? '';
}

/**
 * Where a link leads, as `host` or `host:port` without `www.`; null where two readers could differ about that: with a
 * user name, a backslash or a percent sign before the path (`https://acme.example\@evil.example`).
 */
function hostOf(link: string): string | null {
  const scheme = /^https?:/i.exec(link)?.[0] ?? 'https:';
  const authority = link.replace(/^https?:/i, '').replace(/^\/\//, '');
  if (/[\\/@%[]/.test(authority)) return null;
  // the sentence goes on: a quotation mark, a bracket, a full stop
  const name = /^[\p{L}\p{N}.:-]*/u.exec(authority)?.[0].replace(/[.:-]+$/, '') ?? '';
  const host =
    URL.parse(`${scheme}//${name}`)
      ?.host.replace(/\.+$/, '')
      .replace(/^www\./, '') ?? '';
  return host === '' ? null : host;
}
