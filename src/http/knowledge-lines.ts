import * as z from 'zod';
import type { TicketTraits } from '../core/helpdesk.ts';
import type { Article, CannedReply, SolvedTicket } from '../core/knowledge-base.ts';
import { PRIORITIES } from '../core/ticket.ts';

/* What a line of an import holds. Fields that are not known are passed over; null is as good as none. */

const ID_MAX = 300;
const ID_HINT = `must be a text of 1 to ${ID_MAX} characters`;
const TIME_HINT = 'must be a time such as 2026-11-24T10:00:00Z';

const needed =
  (otherwise: string) =>
  ({ input }: { readonly input: unknown }): string =>
    input === undefined ? 'is missing' : otherwise;

const text = z.string({ error: needed('must be a text') });
const optionalText = z.string('must be a text').nullish();

/** Helpdesks number theirs. */
const id = z
  .union([z.string().regex(/\S/, ID_HINT).max(ID_MAX, ID_HINT), z.int().nonnegative().transform(String)], {
    error: needed(ID_HINT),
  })
  .meta({ description: 'Unique; the same again replaces what is there.' });

const time = z
  .union([z.iso.datetime({ offset: true }), z.iso.date()], TIME_HINT)
  .transform((stamp) => Date.parse(stamp))
  .nullish();

export const articleLine = z
  .object({
    id,
    title: text,
    body: text.meta({ description: 'HTML or Markdown.' }),
    url: optionalText,
    locale: optionalText.meta({ description: 'BCP 47. Translations share the id.' }),
    updatedAt: time,
  })
  .transform(({ url, locale, updatedAt, ...article }): Article => ({
    ...article,
    url: url ?? null,
    locale: locale || null,
    updatedAt: updatedAt ?? null,
    restricted: false,
  }))
  .meta({
    id: 'KnowledgeArticle',
    description: 'A line of an import: a help article.',
    examples: [
      {
        id: 'reset-password',
        title: 'How to reset your password',
        body: '<h2>On the web</h2><p>Choose “Forgot password” …</p>',
        url: 'https://help.example.com/reset-password',
        locale: 'en',
        updatedAt: '2026-11-24T10:00:00Z',
      },
    ],
  });

/** A name, or a helpdesk's number. */
const label = z.union([z.string(), z.int().transform(String)], 'must be a text').nullish();

const solvedFields = z.object({
  id,
  subject: text,
  description: text.meta({ description: "The customer's first message, HTML, Markdown or text." }),
  reply: text.meta({ description: "The agent's answer." }),
  customer: label.meta({ description: "Who asked: that person's tickets do not vouch for one another." }),
  solvedAt: time,
  articles: z
    .array(id, 'must be a list of article ids')
    .nullish()
    .meta({ description: 'That answer it; without it those that the reply links to.' }),
});

function solvedOf({ customer, solvedAt, articles, ...solved }: z.output<typeof solvedFields>): SolvedTicket {
  return { ...solved, customer: customer || null, solvedAt: solvedAt ?? null, articles: articles ?? null };
}

export const solvedLine = solvedFields.transform(solvedOf).meta({
  id: 'SolvedTicket',
  description: 'A line of an import: a ticket that people have answered.',
  examples: [
    {
      id: '5158',
      subject: 'Cannot sign in',
      description: 'I have forgotten my password.',
      reply: 'See https://help.example.com/reset-password …',
      customer: 'c-17',
      solvedAt: '2026-11-24T10:00:00Z',
      articles: ['reset-password'],
    },
  ],
});

/** A solved ticket of a replay: what rules ask for may stand there too. */
export const pastLine = solvedFields
  .extend({
    brand: label,
    group: label,
    channel: label,
    tags: z.array(z.string(), 'must be a list of texts').nullish(),
    priority: z.enum(PRIORITIES, `must be one of ${PRIORITIES.join(', ')}`).nullish(),
  })
  .transform(({ brand, group, channel, tags, priority, ...solved }): PastLine => {
    const traits = { brand: brand || null, group: group || null, channel: channel || null, tags: tags ?? [] };
    return { ...solvedOf(solved), traits: { ...traits, priority: priority ?? null } };
  });

export interface PastLine extends SolvedTicket {
  readonly traits: TicketTraits;
}

export const cannedLine = z
  .object({ id, title: text, body: text, updatedAt: time })
  .transform(({ updatedAt, ...canned }): CannedReply => ({ ...canned, updatedAt: updatedAt ?? null }))
  .meta({
    id: 'CannedReply',
    description: 'A line of an import: a macro or canned response.',
    examples: [{ id: 'refund', title: 'Refund', body: 'The money is back within five days.' }],
  });

/** What names the item of a line that cannot be taken. */
export const articleKey = z.object({ id, locale: z.string().nullish().catch(null) });
export const itemKey = z.object({ id });
