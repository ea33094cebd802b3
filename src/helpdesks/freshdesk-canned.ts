import * as z from 'zod';
import type { CannedReply } from '../core/knowledge-base.ts';
import type { KnowledgePage, KnowledgeSource } from '../core/knowledge-source.ts';
import { shaped } from './answer.ts';
import { nextPage } from './freshdesk-errors.ts';
import type { FreshdeskReader } from './freshdesk-knowledge.ts';
import * as shapes from './freshdesk-knowledge-shapes.ts';
import { readPlace } from './knowledge-place.ts';

const NAME = 'freshdesk';

/** Folders that are still to be read, and the page of the first, from 1. */
const place = z.object({ folders: z.array(z.string()), page: z.number().int().min(1) });

type Place = z.output<typeof place>;

/** Canned responses of all folders but personal ones: all of them at each pass. */
export function createFreshdeskCanned(read: FreshdeskReader): KnowledgeSource<'canned'> {
  /** Whether a folder's list holds the texts is not documented. */
  async function whole(listed: shapes.FreshdeskCanned, signal: AbortSignal): Promise<CannedReply | null> {
    const bare = bodyOf(listed) === null;
    const path = `/canned_responses/${listed.id}`;
    const full = bare ? shaped(shapes.cannedAnswer, (await read({ path, route: 'other' }, signal)).json, NAME) : listed;
    const body = bodyOf(full);
    const { id, title, updated_at: updatedAt } = full;
    return body === null ? null : { id: `${NAME}/${id}`, title: title ?? '', body, updatedAt: updatedAt ?? null };
  }

  async function begin(signal: AbortSignal): Promise<KnowledgePage<CannedReply>> {
    const { json } = await read({ path: '/canned_response_folders', route: 'other' }, signal);
    const shared = shaped(shapes.cannedFoldersAnswer, json, NAME).filter(({ personal }) => personal !== true);
    return pageOf({ folders: shared.map(({ id }) => id), page: 1 }, [], true);
  }

  async function step({ folders, page }: Place, signal: AbortSignal): Promise<KnowledgePage<CannedReply>> {
    const [folder = '', ...rest] = folders;
    const path = `/canned_response_folders/${folder}/responses?per_page=100&page=${page}`;
    const { json, headers } = await read({ path, route: 'other' }, signal);
    const items: CannedReply[] = [];
    for (const listed of shaped(shapes.cannedListAnswer, json, NAME)) {
      const canned = await whole(listed, signal);
      if (canned !== null) items.push(canned);
    }
    const more = nextPage(headers) !== null;
    return pageOf(more ? { folders, page: page + 1 } : { folders: rest, page: 1 }, items, false);
  }

  return ({ cursor, signal }) => {
    const at = readPlace(place, cursor);
    return at === null || at.folders.length === 0 ? begin(signal) : step(at, signal);
  };
}

function pageOf(at: Place, items: readonly CannedReply[], begins: boolean): KnowledgePage<CannedReply> {
  const done = at.folders.length === 0;
  return { begins, items, gone: [], nextCursor: JSON.stringify(at), done, complete: done };
}

function bodyOf({ content, content_html: html }: shapes.FreshdeskCanned): string | null {
  return [html, content].find((text) => typeof text === 'string' && text.trim() !== '') ?? null;
}
