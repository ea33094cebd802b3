/*
 * By what a link and an article's address are told to be the same. Zendesk and Freshdesk put the article's id into the
 * address, under any host (https://developer.zendesk.com/documentation/help_center/ and
 * https://developers.freshdesk.com/api/#solution-article: `/hc/<locale>/articles/<id>-<slug>`,
 * `/support/solutions/articles/<id>-<slug>`); elsewhere host and path tell.
 */

const BY_ID = [
  ['zendesk', /^(?:\/[^/]+)?\/hc\/(?:[^/]+\/)?articles\/(\d+)/],
  ['freshdesk', /^(?:\/[^/]+)?\/support\/solutions\/articles\/(\d+)/],
] as const;

/** Names what a link points to; null where that can be no article. */
export function linkKey(link: string): string | null {
  const place = placeOf(link);
  if (place === null) return null;
  const keys = keysOf(place);
  return (place.host === null ? keys.at(-1) : keys[0]) ?? null;
}

/** All names of an article with this address: a link may leave out the host. */
export function articleKeys(url: string): readonly string[] {
  const place = placeOf(url);
  return place === null ? [] : keysOf(place);
}

interface Place {
  readonly host: string | null;
  readonly path: string;
}

function keysOf({ host, path }: Place): readonly string[] {
  for (const [name, pattern] of BY_ID) {
    const id = pattern.exec(path)?.[1];
    if (id !== undefined) return [`${name} ${id}`];
  }
  return [`//${host ?? ''}${path}`, path];
}

const NOBODY = 'nobody.invalid';

function placeOf(link: string): Place | null {
  const url = URL.parse(link.trim(), `https://${NOBODY}`);
  if (url === null || !/^https?:$/.test(url.protocol)) return null;
  const path = `/${decoded(url.pathname)
    .toLowerCase()
    .split('/')
    .filter((segment) => segment !== '' && !isLocale(segment))
    .join('/')}`;
  if (path === '/') return null;
  return { host: url.hostname === NOBODY ? null : url.hostname.replace(/^www\./, ''), path };
}

function decoded(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}

const LANGUAGES = new Intl.DisplayNames(['en'], { type: 'language', fallback: 'none' });
const known = new Map<string, boolean>();

/** `de`, `en-us`; not `kb`, which is two letters but no language. */
function isLocale(segment: string): boolean {
  if (!/^[a-z]{2}(?:[-_][a-z]{2,4})?$/.test(segment)) return false;
  const language = segment.slice(0, 2);
  const answer = known.get(language) ?? LANGUAGES.of(language) !== undefined;
  known.set(language, answer);
  return answer;
}
