import { z } from 'zod';
import type { Prompt } from '../core/language-model.ts';

/** What the model must answer, in OpenAI's strict subset of JSON Schema: every key required, none besides. */
export const DRAFT_SCHEMA: Prompt['schema'] = {
  name: 'draft',
  schema: {
    type: 'object',
    properties: {
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
    },
    required: ['reply', 'language', 'confidence', 'claims', 'questions', 'missing', 'no_draft_reason'],
    additionalProperties: false,
  },
};

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
});

export type Answer = z.infer<typeof answerShape>;
