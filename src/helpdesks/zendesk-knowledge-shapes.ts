import * as z from 'zod';
import { id, lenient, time } from './answer.ts';

// What of Zendesk's help centre and macros we read.
// https://developer.zendesk.com/api-reference/help_center/help-center-api/articles/ and …/translations/;
// https://developer.zendesk.com/api-reference/ticketing/business-rules/macros/

const maybeTime = time.nullish().catch(null);

const translation = z.object({
  locale: z.string(),
  title: lenient.text,
  body: lenient.text,
  draft: lenient.flag,
  hidden: lenient.flag,
  html_url: lenient.text,
  updated_at: maybeTime,
});

const article = z.object({
  id,
  locale: lenient.text,
  title: lenient.text,
  body: lenient.text,
  draft: lenient.flag,
  html_url: lenient.text,
  updated_at: maybeTime,
  /** Null: everybody. */
  user_segment_id: z.union([z.number(), z.string()]).nullish(),
  user_segment_ids: z.array(z.unknown()).nullish().catch(null),
  /** With `include=translations`, inside the article. */
  translations: z.array(translation).optional().catch(undefined),
});

const meta = z.object({ has_more: lenient.flag, after_cursor: lenient.text }).nullish().catch(null);

export const articlesAnswer = z.object({ articles: z.array(article), meta });

/** The incremental list: pages by time, not by cursor. */
export const changedArticlesAnswer = z.object({
  articles: z.array(article),
  /** Of the newest article on the page, epoch s; it was seen as 1 where there is none. */
  end_time: lenient.count,
  next_page: lenient.text,
});

export const translationsAnswer = z.object({ translations: z.array(translation), meta });

const macro = z.object({
  id,
  title: lenient.text,
  active: lenient.flag,
  updated_at: maybeTime,
  /** Null: everybody; of type `User`: one agent's own. */
  restriction: z.object({ type: lenient.text }).nullish().catch(null),
  actions: z.array(z.object({ field: lenient.text, value: z.unknown() })).catch([]),
});

export const macrosAnswer = z.object({ macros: z.array(macro), meta });

export type ZendeskArticle = z.output<typeof article>;
export type ZendeskTranslation = z.output<typeof translation>;
export type ZendeskMacro = z.output<typeof macro>;
