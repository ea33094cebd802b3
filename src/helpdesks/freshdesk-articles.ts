import * as z from 'zod';
import { UpstreamError } from '../core/errors.ts';
import type { Article } from '../core/knowledge-base.ts';
import type { KnowledgePage, KnowledgeSource } from '../core/knowledge-source.ts';
import { shaped } from './answer.ts';
import { nextPage } from './freshdesk-errors.ts';
import type { FreshdeskReader } from './freshdesk-knowledge.ts';
import * as shapes from './freshdesk-knowledge-shapes.ts';
import type { Answer } from './http-call.ts';
import { localeTag, readPlace } from './knowledge-place.ts';

const NAME = 'freshdesk';
const PUBLISHED = 2;
const FOR_EVERYBODY = 1;

const place = z.object({
  /** Folders that are still to be read, in each language. */
  queue: z.array(z.object({ folder: z.string(), language: z.string().nullable(), restricted: z.boolean() })),
  /** Of the first of them, from 1. */
  page: z.number().int().min(1),
  /** False when something could not be seen: then nothing may be taken for gone. */
  whole: z.boolean(),
});

type Place = z.output<typeof place>;

/**
 * Published solution articles in all languages, folder by folder. The API tells no changes, so each pass reads all: a
 * call for each category, and one for each folder and language.
 */
export function createFreshdeskArticles(read: FreshdeskReader, baseUrl: string): KnowledgeSource<'articles'> {
  const get = (path: string, signal: AbortSignal): Promise<Answer> => read({ path, route: 'other' }, signal);

  /** Only an admin's key sees the languages, and only some plans have any: else there is the first one. */
  async function languages(signal: AbortSignal): Promise<readonly (string | null)[]> {
    try {
      const { json } = await get('/settings/helpdesk', signal);
      const settings = shaped(shapes.helpdeskSettingsAnswer, json, NAME);
      return [null, ...settings.supported_languages.filter((language) => language !== settings.primary_language)];
    } catch (error) {
      if (isHidden(error)) return [null];
      throw error;
    }
  }

  async function foldersBelow(path: string, signal: AbortSignal): Promise<shapes.FreshdeskFolder[]> {
    const folders = shaped(shapes.foldersAnswer, (await get(path, signal)).json, NAME);
    const inner: shapes.FreshdeskFolder[] = [];
    for (const { id, sub_folders_count: count } of folders)
      if ((count ?? 0) > 0) inner.push(...(await foldersBelow(`/solutions/folders/${id}/subfolders`, signal)));
    return [...folders, ...inner];
  }

  /** Where there is something to read. Whether a category lists the folders inside its folders is not documented. */
  async function begin(signal: AbortSignal): Promise<KnowledgePage<Article>> {
    const folders = new Map<string, shapes.FreshdeskFolder>();
    const categories = shaped(shapes.categoriesAnswer, (await get('/solutions/categories', signal)).json, NAME);
    for (const { id } of categories) {
      const found = await foldersBelow(`/solutions/categories/${id}/folders`, signal);
      for (const folder of found) folders.set(folder.id, folder);
    }
    const tongues = await languages(signal);
    const queue = [...folders.values()].flatMap(({ id, visibility }) =>
      tongues.map((language) => ({ folder: id, language, restricted: visibility !== FOR_EVERYBODY })),
    );
    return pageOf({ queue, page: 1, whole: true }, [], true);
  }

  async function step(at: Place, signal: AbortSignal): Promise<KnowledgePage<Article>> {
    const [first, ...rest] = at.queue;
    if (first === undefined) return pageOf(at, [], false);
    const { folder, language, restricted } = first;
    const path = `/solutions/folders/${folder}/articles${language === null ? '' : `/${language}`}`;
    try {
      const { json, headers } = await get(`${path}?per_page=100&page=${at.page}`, signal);
      const found = shaped(shapes.articlesAnswer, json, NAME).filter(({ status }) => status === PUBLISHED);
      const items = found.map((article) => articleOf(article, { language, restricted, baseUrl }));
      const more = nextPage(headers) !== null;
      return pageOf(more ? { ...at, page: at.page + 1 } : { ...at, queue: rest, page: 1 }, items, false);
    } catch (error) {
      if (!isHidden(error)) throw error;
      return pageOf({ queue: rest, page: 1, whole: false }, [], false);
    }
  }

  return ({ cursor, signal }) => {
    const at = readPlace(place, cursor);
    return at === null || at.queue.length === 0 ? begin(signal) : step(at, signal);
  };
}

function pageOf(at: Place, items: readonly Article[], begins: boolean): KnowledgePage<Article> {
  const done = at.queue.length === 0;
  return { begins, items, gone: [], nextCursor: JSON.stringify(at), done, complete: done && at.whole };
}

/** Not for this key, not in this plan, or not there any more. */
function isHidden(error: unknown): boolean {
  return error instanceof UpstreamError && (error.status === 403 || error.status === 404);
}

interface Shelf {
  readonly language: string | null;
  readonly restricted: boolean;
  readonly baseUrl: string;
}

function articleOf(found: shapes.FreshdeskArticle, { language, restricted, baseUrl }: Shelf): Article {
  const spoken = language ?? found.hierarchy?.find(({ data }) => typeof data?.language === 'string')?.data?.language;
  return {
    id: `${NAME}/${found.id}`,
    locale: localeTag(spoken),
    title: found.title ?? '',
    body: found.description ?? '',
    // the portal completes an address by id; another language than the first stands before it
    url: `${baseUrl}${language === null ? '' : `/${language}`}/support/solutions/articles/${found.id}`,
    updatedAt: found.updated_at ?? null,
    restricted,
  };
}
