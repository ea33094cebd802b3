import * as z from 'zod';
import type { Prompt } from '../core/language-model.ts';
import { NO_CATEGORY } from '../core/rules.ts';

const DRAFT_PROPERTIES = {
  reply: { type: ['string', 'null'] },
  language: { type: 'string' },
  confidence: { type: 'number' },
  claims: {
    type: 'array',
    items: {
      type: 'object',
      properties: {
        claim: { type: 'string' },
        source: { type: ['string', 'null'] },
        quote: { type: ['string', 'null'] },
      },
      required: ['claim', 'source', 'quote'],
      additionalProperties: false,
    },
  },
  questions: { type: 'array', items: { type: 'string' } },
  missing: { type: 'array', items: { type: 'string' } },
  no_draft_reason: { type: ['string', 'null'] },
};

/** What the model must answer, in OpenAI's strict subset of JSON Schema: every key required, none besides. */
export const DRAFT_SCHEMA: Prompt['schema'] = {
  name: 'draft',
  schema: {
    type: 'object',
    properties: DRAFT_PROPERTIES,
    required: Object.keys(DRAFT_PROPERTIES),
    additionalProperties: false,
  },
};

/** The same with a category to choose: the schema changes only where there are any. */
export function draftSchemaWith(categories: readonly string[]): Prompt['schema'] {
  if (categories.length === 0) return DRAFT_SCHEMA;
  const { name, schema } = DRAFT_SCHEMA;
  return {
    name,
    schema: {
      ...schema,
      properties: { category: { type: 'string', enum: [...categories, NO_CATEGORY] }, ...DRAFT_PROPERTIES },
      required: ['category', ...Object.keys(DRAFT_PROPERTIES)],
    },
  };
}

/** The tag for "undetermined" (RFC 5646 §4.1): better than losing a paid reply over the name of its language. */
const UNDETERMINED = 'und';

const claim = z.object({
  claim: z.string(),
  source: z.string().nullish(),
  quote: z.string().nullish(),
});

/** The same as it is read: answers that an earlier version has asked for have no claims. */
export const answerShape = z.object({
  reply: z.string().nullable(),
  language: z
    .string()
    .regex(/^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,4}$/)
    .catch(UNDETERMINED),
  confidence: z.number().min(0).max(1),
  // a reply is paid for, and worth more than how well it is proved
  claims: z.array(claim).catch([]).default([]),
  questions: z.array(z.string()),
  missing: z.array(z.string()).catch([]).default([]),
  no_draft_reason: z.string().nullish(),
  category: z.string().nullish().catch(null),
});

export type Answer = z.infer<typeof answerShape>;
