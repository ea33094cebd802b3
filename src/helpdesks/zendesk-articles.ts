import * as z from 'zod';
import type { Clock } from '../core/clock.ts';
import { UpstreamError } from '../core/errors.ts';
import type { Article } from '../core/knowledge-base.ts';
import type { KnowledgePage, KnowledgeSource } from '../core/knowledge-source.ts';
import { shaped } from './answer.ts';
import { localeTag, readPlace } from './knowledge-place.ts';
import * as shapes from './zendesk-knowledge-shapes.ts';
import type { ZendeskReader } from './zendesk-tickets.ts';

const NAME = 'zendesk';
const PAGE_SIZE = 100;
/** Articles can be long, and have many languages: a page that is too large is asked for in halves, down to this. */
const SMALLEST_PAGE = 5;

/**
 * Archived articles and deleted translations are told nowhere: the changes leave them out
 * (https://github.com/dust-tt/dust/issues/8656). So all is listed once a day, ms.
 */
const FULL_EVERY_MS = 24 * 3_600_000;
/** Clocks differ: changes are asked for from so much earlier, s. */
const OVERLAP_S = 300;

const place = z.object({
  mode: z.enum(['rest', 'list', 'changes']),
  /** Of the list. */
  after: z.string().nullable(),
  /** Changes from here on, epoch s. */
  since: z.number(),
  /** This pass has listed all there is. */
  full: z.boolean(),
  /** When all was listed last, epoch ms. */
  fullAt: z.number(),
});

type Place = z.output<typeof place>;
type Page = KnowledgePage<Article>;

const BUDGETS = ['guide', 'knowledge'] as const;

/**
 * Articles in all their languages. Once a day all of them, at any other time what has changed; and what changes while
 * all are listed is read at the end of the list, because it may have moved to a page that had gone by.
 */
export function createZendeskArticles(read: ZendeskReader, baseUrl: string, clock: Clock): KnowledgeSource<'articles'> {
  async function get(path: string, query: Record<string, string>, signal: AbortSignal): Promise<unknown> {
    const full = `/help_center${path}?${new URLSearchParams(query).toString()}`;
    return (await read({ path: full, step: 'list', lane: 'batch', budgets: BUDGETS }, signal)).json;
  }

  /** Not every list has them inside. */
  async function translationsOf(article: shapes.ZendeskArticle, signal: AbortSignal): Promise<Translations> {
    if (article.translations !== undefined) return article.translations;
    const json = await get(`/articles/${article.id}/translations.json`, { 'page[size]': String(PAGE_SIZE) }, signal);
    return shaped(shapes.translationsAnswer, json, NAME).translations;
  }

  async function readAll(
    articles: readonly shapes.ZendeskArticle[],
    { full }: Place,
    signal: AbortSignal,
  ): Promise<Pick<Page, 'items' | 'gone'>> {
    const items: Article[] = [];
    const gone: string[] = [];
    for (const article of articles) {
      const translations = await translationsOf(article, signal);
      const published = publishedOf(article, translations, baseUrl);
      items.push(...published);
      // one that was withdrawn must go, and an article goes with all of them; a full pass lists what stays
      const withdrawn = published.length === 0 || (!full && published.length < translations.length);
      if (withdrawn) gone.push(`${NAME}/${article.id}`);
    }
    return { items, gone };
  }

  let pageSize = PAGE_SIZE;

  async function listed(after: string | null, signal: AbortSignal): Promise<unknown> {
    const from = after === null ? {} : { 'page[after]': after };
    // by age: an article that is edited keeps its place
    const order = { sort_by: 'created_at', sort_order: 'asc' };
    const query = { 'page[size]': String(pageSize), include: 'translations', ...order, ...from };
    try {
      return await get('/articles.json', query, signal);
    } catch (error) {
      const tooLarge = error instanceof UpstreamError && error.errorClass === 'response_too_large';
      if (!tooLarge || pageSize <= SMALLEST_PAGE) throw error;
      pageSize = Math.ceil(pageSize / 2);
      return listed(after, signal);
    }
  }

  async function list(at: Place, begins: boolean, signal: AbortSignal): Promise<Page> {
    const { articles, meta } = shaped(shapes.articlesAnswer, await listed(at.after, signal), NAME);
    const after = meta?.has_more === true ? (meta.after_cursor ?? null) : null;
    const next: Place = { ...at, after, mode: after === null ? 'changes' : 'list' };
    const found = await readAll(articles, at, signal);
    return { begins, ...found, nextCursor: JSON.stringify(next), done: false, complete: false };
  }

  async function changes(at: Place, begins: boolean, signal: AbortSignal): Promise<Page> {
    const query = { start_time: String(at.since), include: 'translations' };
    const json = await get('/incremental/articles.json', query, signal);
    const { articles, end_time: end, next_page: more } = shaped(shapes.changedArticlesAnswer, json, NAME);
    // an end that does not move on would be read for ever; and one was seen in 1970
    const moves = typeof end === 'number' && end > at.since;
    const done = articles.length === 0 || !moves || typeof more !== 'string';
    const since = moves ? (done ? Math.max(at.since, end - OVERLAP_S) : end) : at.since;
    const next: Place = { ...at, mode: done ? 'rest' : 'changes', since };
    const found = await readAll(articles, at, signal);
    return { begins, ...found, nextCursor: JSON.stringify(next), done, complete: done && at.full };
  }

  return ({ cursor, signal }) => {
    const now = clock.now();
    const found = readPlace(place, cursor);
    if (found === null || (found.mode === 'rest' && now - found.fullAt >= FULL_EVERY_MS)) {
      const since = Math.floor(now / 1000) - OVERLAP_S;
      return list({ mode: 'list', after: null, since, full: true, fullAt: now }, true, signal);
    }
    if (found.mode === 'list') return list(found, false, signal);
    const begins = found.mode === 'rest';
    return changes(begins ? { ...found, mode: 'changes', full: false } : found, begins, signal);
  };
}

type Translations = readonly shapes.ZendeskTranslation[];

/** An article as the knowledge base has it, once for each language in which it is published. */
function publishedOf(article: shapes.ZendeskArticle, translations: Translations, baseUrl: string): Article[] {
  // what does not say that it is for everybody is not
  const restricted = article.user_segment_id !== null || (article.user_segment_ids ?? []).length > 0;
  const base = { id: `${NAME}/${article.id}`, restricted };
  return translations
    .filter(({ draft, hidden }) => draft !== true && hidden !== true)
    .map((one) => ({
      ...base,
      locale: localeTag(one.locale),
      title: one.title ?? article.title ?? '',
      body: one.body ?? '',
      url: one.html_url ?? urlOf(article, one.locale, baseUrl),
      updatedAt: one.updated_at ?? article.updated_at ?? null,
    }));
}

/** The page of a translation: where the vendor does not tell, by id alone, which it completes itself. */
function urlOf(article: shapes.ZendeskArticle, locale: string, baseUrl: string): string {
  if (article.locale === locale && typeof article.html_url === 'string') return article.html_url;
  const origin = URL.parse(article.html_url ?? '')?.origin ?? baseUrl;
  return `${origin}/hc/${locale}/articles/${article.id}`;
}
