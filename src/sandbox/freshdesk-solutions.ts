import { type Context, Hono } from 'hono';
import type { SimulatorEnv } from './faults.ts';
import type { CentreArticle, CentreMacro, CentreText, HelpCentre } from './help-centre.ts';
import { plainText, stamp } from './html.ts';

// Solutions and canned responses as Freshdesk's API shows them (https://developers.freshdesk.com/api/#solutions).

type Env = { Bindings: SimulatorEnv };

const CATEGORY = 3;
const FOLDERS_FROM = 40;
const EVERYBODY = 1;
const AGENTS = 3;
const SHARED_FOLDER = 10;
const PERSONAL_FOLDER = 11;
const DENIED = { code: 'access_denied', message: 'You are not authorized to perform this action.' };
const NO_FEATURE = { code: 'require_feature', message: 'The Solutions feature is not supported in your plan.' };

/** Lists one page, with the `link` header of the account's other lists; an error is an answer already. */
export type Paging = <Item>(c: Context<Env>, items: readonly Item[], json: (item: Item) => object) => Response;

/** Routes below `/api/v2`. Only an admin's key sees the account's languages. */
export function solutionRoutes(centre: HelpCentre, { admin, page }: { admin: boolean; page: Paging }): Hono<Env> {
  const app = new Hono<Env>();
  app.use('/solutions/*', (c, next) => (centre.licensed ? next() : Promise.resolve(c.json(NO_FEATURE, 403))));
  app.get('/settings/helpdesk', (c) => (admin ? c.json(languagesOf(centre)) : c.json(DENIED, 403)));
  app.get('/solutions/categories', (c) =>
    c.json([{ id: CATEGORY, name: 'Trailhead', description: null, created_at: stamp(0), updated_at: stamp(0) }]),
  );
  app.get('/solutions/categories/:id{[0-9]+}/folders', (c) => c.json(foldersOf(centre)));
  app.get('/solutions/folders/:id{[0-9]+}/subfolders', (c) => c.json([]));
  app.get('/solutions/folders/:id{[0-9]+}/articles/:language?', (c) => listArticles(c, centre, page));
  app.get('/canned_response_folders', (c) =>
    c.json([
      { id: SHARED_FOLDER, name: 'Shared', personal: false, responses_count: cannedIn(centre, SHARED_FOLDER).length },
      {
        id: PERSONAL_FOLDER,
        name: 'Personal',
        personal: true,
        responses_count: cannedIn(centre, PERSONAL_FOLDER).length,
      },
    ]),
  );
  app.get('/canned_response_folders/:id{[0-9]+}/responses', (c) =>
    page(c, cannedIn(centre, Number(c.req.param('id'))), cannedJson),
  );
  return app;
}

const languageOf = (locale: string): string => (locale.startsWith('en') ? 'en' : locale);

function languagesOf({ articles }: HelpCentre): object {
  const spoken = [...articles.values()].flatMap(({ texts }) => texts.map(({ locale }) => languageOf(locale)));
  const supported = [...new Set(spoken)].filter((language) => language !== 'en');
  return { primary_language: 'en', supported_languages: supported, portal_languages: supported };
}

function namesOf({ articles }: HelpCentre): string[] {
  return [...new Set([...articles.values()].map(({ folder }) => folder))];
}

/** A folder is for everybody, or for agents when an article in it is. */
function foldersOf(centre: HelpCentre): object[] {
  const all = [...centre.articles.values()];
  return namesOf(centre).map((name, index) => ({
    id: FOLDERS_FROM + index,
    name,
    description: null,
    parent_folder_id: null,
    hierarchy: hierarchyOf('en'),
    articles_count: all.filter(({ folder }) => folder === name).length,
    sub_folders_count: 0,
    visibility: all.some(({ folder, restricted }) => folder === name && restricted) ? AGENTS : EVERYBODY,
    created_at: stamp(0),
    updated_at: stamp(0),
  }));
}

function hierarchyOf(language: string): object[] {
  return [{ level: 0, type: 'category', data: { id: CATEGORY, name: 'Trailhead', language } }];
}

function listArticles(c: Context<Env>, centre: HelpCentre, page: Paging): Response {
  const folderId = Number(c.req.param('id'));
  const name = namesOf(centre)[folderId - FOLDERS_FROM];
  if (name === undefined) return c.body(null, 404);
  const language = c.req.param('language') ?? 'en';
  const rows = [...centre.articles.values()].flatMap((article) => {
    const text =
      article.folder === name ? article.texts.find(({ locale }) => languageOf(locale) === language) : undefined;
    return text === undefined ? [] : [{ article, text }];
  });
  return page(c, rows, ({ article, text }) => articleJson(article, text, folderId));
}

function articleJson(article: CentreArticle, text: CentreText, folderId: number): object {
  return {
    id: article.id,
    type: 1,
    category_id: CATEGORY,
    folder_id: folderId,
    hierarchy: hierarchyOf(languageOf(text.locale)),
    thumbs_up: 0,
    thumbs_down: 0,
    hits: 0,
    tags: [],
    seo_data: {},
    agent_id: 80014400476,
    title: text.title,
    description: text.html,
    description_text: plainText(text.html),
    status: text.draft ? 1 : 2,
    created_at: stamp(article.createdAt),
    updated_at: stamp(text.updatedAt),
  };
}

function cannedIn({ macros }: HelpCentre, folder: number): CentreMacro[] {
  return [...macros.values()].filter(({ personal, internal, active }) => {
    if (!active || internal) return false;
    return personal === (folder === PERSONAL_FOLDER);
  });
}

function cannedJson({ id, title, html, personal, updatedAt }: CentreMacro): object {
  return {
    id,
    title,
    folder_id: personal ? PERSONAL_FOLDER : SHARED_FOLDER,
    content: plainText(html),
    content_html: html,
    attachments: [],
    created_at: stamp(updatedAt),
    updated_at: stamp(updatedAt),
  };
}
