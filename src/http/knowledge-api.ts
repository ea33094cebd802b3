import * as z from 'zod';
import { KNOWLEDGE_KINDS } from '../core/knowledge-base.ts';
import { once } from './input.ts';
import { articleLine, cannedLine, solvedLine } from './knowledge-lines.ts';
import type { Operation } from './operation.ts';
import { count, time } from './shapes.ts';

/** Longer questions are cut nowhere but refused: they do not fit into a header of 16 KiB anyhow. */
const QUESTION_MAX = 10_000;
const SUBJECT_MAX = 1_000;
const NAME_MAX = 300;
const FOUND_MAX = 50;
const LIMIT_HINT = `must be a whole number from 1 to ${FOUND_MAX}`;
const SOURCE_HINT = 'must be 1 to 60 of a-z, 0-9, dot, dash and underscore, beginning with a letter or digit';

const atMost = (characters: number) => once().max(characters, `must have at most ${characters} characters`);

export const importQuery = z.strictObject({
  source: once()
    .regex(/^[a-z0-9][a-z0-9._-]{0,59}$/, SOURCE_HINT)
    .meta({ description: 'A name for where the lines come from, of your own; stored as `import/<name>`.' })
    .exactOptional(),
  complete: z
    .enum(['true', 'false'], 'must be true or false')
    .meta({
      description:
        'true: the lines are all that this source has. Once all have come, what it had and they do not name is taken out.',
    })
    .exactOptional(),
});

export const searchQuery = z.strictObject({
  subject: atMost(SUBJECT_MAX).default(''),
  q: atMost(QUESTION_MAX).default('').meta({ description: "The customer's words: text or HTML." }),
  customer: atMost(NAME_MAX)
    .meta({ description: "Who asks, as in `customer` of a solved ticket: that person's own tickets do not count." })
    .exactOptional(),
  locale: atMost(NAME_MAX)
    .meta({ description: 'Which translation of an article is wanted; others are found too.' })
    .exactOptional(),
  limit: once()
    .regex(/^[1-9]\d?$/, LIMIT_HINT)
    .transform(Number)
    .refine((limit) => limit <= FOUND_MAX, LIMIT_HINT)
    .default(5)
    .meta({ description: 'How many articles.', type: 'integer', minimum: 1, maximum: FOUND_MAX, default: 5 }),
});

const importAnswer = z
  .object({
    imported: count,
    updated: count,
    rejected: z
      .array(z.object({ line: z.int().min(1), reason: z.string() }))
      .meta({ description: 'The first 1,000 of the lines that could not be taken. The others are in.' }),
    moreRejected: count.exactOptional().meta({ description: 'How many more were rejected than are listed.' }),
    removed: count.nullable().exactOptional().meta({
      description:
        'With `complete=true`: how many were taken out. null: none, because a line could not be read so far as to know its id, or there was none.',
    }),
  })
  .meta({
    id: 'KnowledgeImport',
    description: 'Lines in neither number were there already, unchanged.',
    examples: [{ imported: 190, updated: 2, rejected: [{ line: 17, reason: 'Its title is missing.' }] }],
  });

const share = z.number().min(0).max(1);

const found = z
  .object({
    articles: z.array(
      z.object({
        id: z.string(),
        locale: z.string().nullable(),
        title: z.string(),
        url: z.string().nullable(),
        restricted: z.boolean().meta({ description: "Not for every customer's eyes." }),
        heading: z.string().meta({ description: 'Of the best passage.' }),
        excerpt: z.string().meta({ description: 'The best passage, plain text.' }),
        share: share.meta({ description: 'How much of the evidence speaks for this article.' }),
        votes: count.meta({ description: 'How many similar solved tickets were answered with it.' }),
      }),
    ),
    solved: z.array(z.object({ id: z.string(), subject: z.string(), reply: z.string(), score: z.number() })),
    canned: z.array(z.object({ id: z.string(), title: z.string(), body: z.string(), score: z.number() })),
    version: z.string(),
  })
  .meta({
    id: 'KnowledgeFound',
    examples: [
      {
        articles: [
          {
            id: 'reset-password',
            locale: 'en',
            title: 'How to reset your password',
            url: 'https://help.example.com/reset-password',
            restricted: false,
            heading: 'On the web',
            excerpt: 'Choose “Forgot password” …',
            share: 0.61,
            votes: 4,
          },
        ],
        solved: [{ id: '5158', subject: 'Cannot sign in', reply: 'Choose “Forgot password” …', score: 11.2 }],
        canned: [],
        version: '42',
      },
    ],
  });

const kind = z.enum(KNOWLEDGE_KINDS);
const SYNC_EXAMPLE = {
  source: 'zendesk',
  kind: 'articles',
  state: 'synced',
  listed: 192,
  imported: 0,
  updated: 2,
  removed: 0,
  rejected: 0,
  error: null,
};

const syncProgress = z.array(
  z.object({
    source: z.string(),
    kind,
    state: z.enum(['reading', 'synced', 'paused', 'failed', 'stopped']),
    listed: count.meta({ description: 'Items that the source has told of in this pass.' }),
    imported: count,
    updated: count,
    removed: count,
    rejected: count,
    error: z.string().nullable(),
  }),
);

const vectors = z.object({
  model: z.string(),
  state: z
    .enum(['filling', 'waiting', 'full', 'stopped'])
    .meta({ description: '`waiting`: the last call failed, see `error`; `full`: each has one that can have one.' }),
  wanted: count.meta({ description: 'Passages of articles and solved tickets.' }),
  made: count.meta({ description: 'How many of those have a vector.' }),
  refused: count.meta({ description: 'Texts that the model will not take.' }),
  error: z.string().nullable(),
});

const summary = z
  .object({
    counts: z.object({ articles: count, solved: count, canned: count }),
    linked: count.meta({
      description: 'Solved tickets that name an article or link somewhere: those whose link is a known article vote.',
    }),
    sources: z.array(
      z.object({
        source: z.string(),
        kind,
        count,
        syncedAt: time.nullable().meta({ description: 'When it was last read to its end.' }),
        error: z.string().nullable().meta({ description: 'Why the last pass did not get there.' }),
      }),
    ),
    sync: syncProgress.meta({ description: 'Each source of a helpdesk, with its last or running pass.' }),
    vectors: vectors.exactOptional().meta({ description: 'Where EMBEDDINGS_MODEL is set.' }),
    version: z.string().meta({ description: 'Changes with every change of what is known.' }),
  })
  .meta({
    id: 'KnowledgeSummary',
    examples: [
      {
        counts: { articles: 192, solved: 9000, canned: 27 },
        linked: 1519,
        sources: [
          { source: 'zendesk', kind: 'articles', count: 192, syncedAt: '2026-11-24T10:00:00.000Z', error: null },
        ],
        sync: [SYNC_EXAMPLE],
        vectors: {
          model: 'text-embedding-3-small',
          state: 'filling',
          wanted: 10_410,
          made: 3_200,
          refused: 0,
          error: null,
        },
        version: '42',
      },
    ],
  });

const syncStarted = z.object({ sync: syncProgress }).meta({
  id: 'KnowledgeSync',
  examples: [{ sync: [{ ...SYNC_EXAMPLE, state: 'reading' }] }],
});

const removedSchema = z.object({ removed: count }).meta({
  id: 'KnowledgeRemoved',
  description: 'Translations count each.',
  examples: [{ removed: 1 }],
});

const KNOWLEDGE = { tag: 'Knowledge', access: 'admin' } as const;

function importing(id: string, what: string, schema: z.ZodType): Operation {
  return {
    ...KNOWLEDGE,
    id,
    summary: `Takes in ${what}`,
    description:
      'Lines are taken in as they come, 256 MiB at most, each up to 8 MiB. A bad line is told by its number, and the others go on. Lines that came before a break are kept, and the same lines may be sent again.',
    query: importQuery,
    body: { schema, required: true, mediaType: 'application/x-ndjson' },
    answers: { 200: { description: 'What became of the lines.', schema: importAnswer } },
    problems: ['request_timeout', 'unsupported_type'],
  };
}

export const knowledgeApi = {
  get: {
    ...KNOWLEDGE,
    id: 'getKnowledge',
    summary: 'What is known, and how far each source has been read',
    answers: { 200: { description: 'As it is now.', schema: summary } },
  },
  articles: importing('importArticles', 'help articles', articleLine),
  solved: importing('importSolved', 'tickets that people have answered', solvedLine),
  canned: importing('importCanned', 'macros and canned responses', cannedLine),
  search: {
    ...KNOWLEDGE,
    id: 'searchKnowledge',
    summary: 'What would be found for a question',
    query: searchQuery,
    answers: { 200: { description: 'Best first.', schema: found } },
    problems: ['unavailable'],
  },
  sync: {
    ...KNOWLEDGE,
    id: 'syncKnowledge',
    summary: 'Reads the help centre, macros and solved tickets of the helpdesks now',
    description: 'It goes on by itself; `GET /admin/knowledge` says how far it is. One that runs already is joined.',
    answers: { 202: { description: 'It has begun.', schema: syncStarted } },
    problems: ['conflict'],
  },
  remove: {
    ...KNOWLEDGE,
    id: 'removeKnowledge',
    summary: 'Takes one item out, in all languages',
    description: 'What a helpdesk still has comes back when it is read as a whole again.',
    parameters: {
      kind: { description: '`articles`, `solved` or `canned`.', example: 'articles' },
      id: { description: 'The id of the item; a slash in it as `%2F`.', example: 'zendesk%2F360001' },
    },
    answers: { 200: { description: 'It is gone.', schema: removedSchema } },
    problems: ['not_found'],
  },
} as const satisfies Record<string, Operation>;
