import { type Context, Hono } from 'hono';
import type { SimulatorEnv } from './faults.ts';
import type { CentreArticle, CentreMacro, CentreText, HelpCentre } from './help-centre.ts';
import { originOf } from './helpdesk-simulator.ts';
import { plainText, stamp } from './html.ts';
import { cursorPage, INVALID_PAGINATION, linkWith } from './zendesk-lists.ts';

// Guide's articles and Support's macros as their APIs show them
// (https://developer.zendesk.com/api-reference/help_center/help-center-api/articles/).

type Env = { Bindings: SimulatorEnv };

const INCREMENTAL_PAGE = 1000;
const NOT_FOUND = { error: 'RecordNotFound', description: 'Not found' };

/** Routes below `/api/v2`. `forbidden` is the account's answer to what its plan does not have. */
export function guideRoutes(centre: HelpCentre, forbidden: object): Hono<Env> {
  const app = new Hono<Env>();
  app.use('/help_center/*', (c, next) => (centre.licensed ? next() : Promise.resolve(c.json(forbidden, 403))));
  app.get('/help_center/articles', (c) => listArticles(c, centre));
  app.get('/help_center/incremental/articles', (c) => changedArticles(c, centre));
  app.get('/help_center/articles/:id{[0-9]+}/translations', (c) => listTranslations(c, centre));
  app.get('/macros', (c) => listMacros(c, centre));
  return app;
}

function listArticles(c: Context<Env>, { articles }: HelpCentre): Response {
  const keyOf = (article: CentreArticle) => ({ value: Math.floor(article.createdAt / 1000), id: article.id });
  const descending = c.req.query('sort_order') === 'desc';
  const page = cursorPage({ c, items: [...articles.values()], keyOf, descending });
  if (page === null) return c.json(INVALID_PAGINATION, 400);
  const translations = c.req.query('include')?.split(',').includes('translations') === true;
  return c.json({
    articles: page.items.map((article) => articleJson(article, originOf(c), translations)),
    ...page.envelope,
  });
}

/** By the time of change, a thousand a page; no sideload of translations here, which is the harder case for a client. */
function changedArticles(c: Context<Env>, { articles }: HelpCentre): Response {
  const start = Number(c.req.query('start_time'));
  if (!Number.isInteger(start)) return c.json({ error: 'invalid start_time' }, 400);
  const second = (article: CentreArticle): number => Math.floor(article.updatedAt / 1000);
  const due = [...articles.values()].filter((article) => second(article) >= start);
  const sorted = due.toSorted((a, b) => a.updatedAt - b.updatedAt || a.id - b.id);
  const page = sorted.slice(0, INCREMENTAL_PAGE);
  const last = page.at(-1);
  // seen so: an empty page ends in 1970 (https://github.com/dust-tt/dust/issues/8656)
  const end = last === undefined ? 1 : second(last);
  return c.json({
    count: sorted.length,
    next_page: sorted.length > page.length ? linkWith({ c }, 'start_time', String(end)) : null,
    end_time: end,
    articles: page.map((article) => articleJson(article, originOf(c), false)),
  });
}

function listTranslations(c: Context<Env>, { articles }: HelpCentre): Response {
  const article = articles.get(Number(c.req.param('id')));
  if (article === undefined) return c.json(NOT_FOUND, 404);
  const keyOf = ({ locale }: CentreText) => ({ value: 0, id: article.texts.findIndex((one) => one.locale === locale) });
  const page = cursorPage({ c, items: article.texts, keyOf, descending: false });
  if (page === null) return c.json(INVALID_PAGINATION, 400);
  return c.json({
    translations: page.items.map((text) => translationJson(article, text, originOf(c))),
    ...page.envelope,
  });
}

function listMacros(c: Context<Env>, { macros }: HelpCentre): Response {
  const active = c.req.query('active');
  const items = [...macros.values()].filter((macro) => active === undefined || String(macro.active) === active);
  const page = cursorPage({ c, items, keyOf: ({ id }) => ({ value: 0, id }), descending: false });
  if (page === null) return c.json(INVALID_PAGINATION, 400);
  return c.json({ macros: page.items.map((macro) => macroJson(macro, originOf(c))), ...page.envelope });
}

/** Locales are lower case in addresses and in answers. */
const localeOf = (locale: string): string => locale.toLowerCase();

function htmlUrl(article: CentreArticle, { locale, title }: CentreText, origin: string): string {
  const slug = title.replaceAll(/[^\p{L}\p{N}]+/gu, '-');
  return `${origin}/hc/${localeOf(locale)}/articles/${article.id}-${slug}`;
}

function articleJson(article: CentreArticle, origin: string, translations: boolean): object {
  const [text] = article.texts;
  if (text === undefined) throw new Error('an article has a text');
  return {
    id: article.id,
    url: `${origin}/api/v2/help_center/${localeOf(text.locale)}/articles/${article.id}.json`,
    html_url: htmlUrl(article, text, origin),
    author_id: 8447388090495,
    comments_disabled: true,
    draft: text.draft,
    promoted: false,
    position: 0,
    vote_sum: 0,
    vote_count: 0,
    section_id: 360_000_010,
    created_at: stamp(article.createdAt),
    updated_at: stamp(article.updatedAt),
    name: text.title,
    title: text.title,
    source_locale: localeOf(text.locale),
    locale: localeOf(text.locale),
    outdated: false,
    outdated_locales: [],
    edited_at: stamp(text.updatedAt),
    user_segment_id: article.restricted ? 360_000_020 : null,
    user_segment_ids: article.restricted ? [360_000_020] : [],
    permission_group_id: 360_000_030,
    content_tag_ids: [],
    label_names: [],
    body: text.html,
    ...(translations ? { translations: article.texts.map((one) => translationJson(article, one, origin)) } : {}),
  };
}

function translationJson(article: CentreArticle, text: CentreText, origin: string): object {
  const locale = localeOf(text.locale);
  return {
    id: article.id * 10 + article.texts.indexOf(text),
    url: `${origin}/api/v2/help_center/articles/${article.id}/translations/${locale}.json`,
    html_url: htmlUrl(article, text, origin),
    source_id: article.id,
    source_type: 'Article',
    locale,
    title: text.title,
    body: text.html,
    outdated: false,
    draft: text.draft,
    hidden: false,
    created_at: stamp(article.createdAt),
    updated_at: stamp(text.updatedAt),
    updated_by_id: 8447388090495,
    created_by_id: 8447388090495,
  };
}

function macroJson(macro: CentreMacro, origin: string): object {
  const text = macro.id % 2 === 0 ? { field: 'comment_value_html', value: macro.html } : plainComment(macro);
  return {
    url: `${origin}/api/v2/macros/${macro.id}.json`,
    id: macro.id,
    title: macro.title,
    active: macro.active,
    updated_at: stamp(macro.updatedAt),
    created_at: stamp(macro.updatedAt),
    default: false,
    position: 9999,
    description: null,
    actions: [
      { field: 'status', value: 'solved' },
      text,
      ...(macro.internal ? [{ field: 'comment_mode_is_public', value: 'false' }] : []),
    ],
    restriction: macro.personal ? { type: 'User', id: 8447388090495 } : null,
  };
}

/** An older macro: plain text, after the channel it is for. */
function plainComment({ html }: CentreMacro): object {
  return { field: 'comment_value', value: ['channel:all', plainText(html)] };
}
