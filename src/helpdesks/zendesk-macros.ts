import * as z from 'zod';
import type { CannedReply } from '../core/knowledge-base.ts';
import type { KnowledgeSource } from '../core/knowledge-source.ts';
import { shaped } from './answer.ts';
import { readPlace } from './knowledge-place.ts';
import * as shapes from './zendesk-knowledge-shapes.ts';
import type { ZendeskReader } from './zendesk-tickets.ts';

const NAME = 'zendesk';

/** The list's own cursor; null: the next pass. */
const place = z.object({ after: z.string().nullable() });

/** Active macros that everybody may use and that say something to the customer: all of them at each pass, a hundred a call. */
export function createZendeskMacros(read: ZendeskReader): KnowledgeSource<'canned'> {
  return async ({ cursor, signal }) => {
    const after = readPlace(place, cursor)?.after ?? null;
    const from = after === null ? {} : { 'page[after]': after };
    const query = new URLSearchParams({ active: 'true', 'page[size]': '100', ...from });
    const path = `/macros.json?${query.toString()}`;
    const { json } = await read({ path, step: 'list', lane: 'batch', budgets: ['requests', 'knowledge'] }, signal);
    const { macros, meta } = shaped(shapes.macrosAnswer, json, NAME);
    const next = meta?.has_more === true ? (meta.after_cursor ?? null) : null;
    const items = macros.flatMap((macro) => cannedOf(macro) ?? []);
    const nextCursor = JSON.stringify({ after: next });
    return { begins: after === null, items, gone: [], nextCursor, done: next === null, complete: next === null };
  };
}

function cannedOf({ id, title, active, updated_at, restriction, actions }: shapes.ZendeskMacro): CannedReply | null {
  const personal = restriction?.type?.toLowerCase() === 'user';
  const internal = actions.some(({ field, value }) => field === 'comment_mode_is_public' && String(value) === 'false');
  const body = commentOf(actions, 'comment_value_html') ?? commentOf(actions, 'comment_value');
  if (active === false || personal || internal || body === null) return null;
  return { id: `${NAME}/${id}`, title: title ?? '', body, updatedAt: updated_at ?? null };
}

/** The text that a macro writes: alone, or after the channel it is for (`["channel:all", "Hello"]`). */
function commentOf(actions: shapes.ZendeskMacro['actions'], field: string): string | null {
  const value = actions.find((action) => action.field === field)?.value;
  const text: unknown = Array.isArray(value) ? value.at(-1) : value;
  return typeof text === 'string' && text.trim() !== '' ? text : null;
}
