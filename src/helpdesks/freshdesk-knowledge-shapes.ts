import * as z from 'zod';
import { id, lenient, time } from './answer.ts';

// What of Freshdesk's solutions and canned responses we read (https://developers.freshdesk.com/api/#solutions,
// #canned_responses).

const maybeTime = time.nullish().catch(null);

/** `GET /settings/helpdesk`: an admin's key may. */
export const helpdeskSettingsAnswer = z.object({
  primary_language: lenient.text,
  supported_languages: z.array(z.string()).catch([]),
});

export const categoriesAnswer = z.array(z.object({ id }));

const folder = z.object({
  id,
  /** 1: everybody; 2 who is logged in, 3 agents, 4 … 7 some of them. */
  visibility: lenient.count,
  sub_folders_count: lenient.count,
});

export const foldersAnswer = z.array(folder);

const article = z.object({
  id,
  title: lenient.text,
  description: lenient.text,
  /** 1 draft, 2 published. */
  status: lenient.count,
  updated_at: maybeTime,
  hierarchy: z
    .array(z.object({ data: z.object({ language: lenient.text }).nullish().catch(null) }))
    .nullish()
    .catch(null),
});

export const articlesAnswer = z.array(article);

export const cannedFoldersAnswer = z.array(z.object({ id, personal: lenient.flag }));

const canned = z.object({
  id,
  title: lenient.text,
  content: lenient.text,
  content_html: lenient.text,
  updated_at: maybeTime,
});

export const cannedAnswer = canned;
export const cannedListAnswer = z.array(canned);

export type FreshdeskFolder = z.output<typeof folder>;
export type FreshdeskArticle = z.output<typeof article>;
export type FreshdeskCanned = z.output<typeof canned>;
