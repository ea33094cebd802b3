import * as z from 'zod';
import { NO_CATEGORY, RULE_ACTIONS } from './core/rules.ts';
import { PRIORITIES } from './core/ticket.ts';

const RULES_MAX = 200;
/** They all stand in every prompt. */
const CATEGORIES_MAX = 30;
const VALUES_MAX = 500;
export const GUIDELINES_MAX_CHARACTERS = 20_000;

const text = (what: string) => z.string(`must be ${what}`);

/** Stands in logs and notes as it is. */
const name = text('a name')
  .trim()
  .regex(/^[\p{L}\p{N}][\p{L}\p{N} ._/-]{0,59}$/u, 'must be 1 to 60 letters, digits, spaces or . _ / -');

/** A share of 100. YAML gives the text that stands there. */
const percent = text('a number from 0 to 100')
  .regex(/^(100|\d{1,2}(\.\d{1,3})?)$/, 'must be a number from 0 to 100, e.g. 25')
  .transform(Number);

const value = text('a word or a list of words').trim().min(1, 'must not be empty').max(200, 'is too long');

/** One value, or several of which one is enough. */
const anyOf = <Each extends z.ZodType<string, string>>(each: Each) =>
  z
    .preprocess((given) => (Array.isArray(given) ? given : [given]), z.array(each).min(1, 'must not be an empty list'))
    .refine((values) => values.length <= VALUES_MAX, `must be at most ${VALUES_MAX}`);

const word = value.toLowerCase();
const language = word
  .transform((tag) => tag.replaceAll('_', '-'))
  .pipe(z.string().regex(/^[a-z]{2,3}(-[a-z0-9]{2,8}){0,3}$/, 'must be a language tag, e.g. de or pt-BR'));

/** What a rule may ask for. */
const when = z.strictObject(
  {
    helpdesk: anyOf(word).optional(),
    brand: anyOf(value).optional(),
    group: anyOf(value).optional(),
    channel: anyOf(word).optional(),
    tag: anyOf(word).optional(),
    language: anyOf(language).optional(),
    priority: anyOf(word.pipe(z.enum(PRIORITIES, `must be one of ${PRIORITIES.join(', ')}`))).optional(),
    category: anyOf(value).optional(),
  },
  'must be a mapping of what a ticket must have',
);

const rule = z.strictObject(
  {
    name,
    when: when.default({}),
    action: z.enum(RULE_ACTIONS, `must be one of ${RULE_ACTIONS.join(', ')}`),
    guidelines: text('text')
      .max(GUIDELINES_MAX_CHARACTERS, `must have at most ${GUIDELINES_MAX_CHARACTERS} characters`)
      .optional(),
    guidelinesFile: text('a path').min(1, 'must not be empty').optional(),
    percent: percent.default(100),
    control: percent.default(0),
  },
  'must be a rule: name, action, …',
);

const category = z.strictObject(
  {
    name: text('a name')
      .regex(/^[a-z0-9][a-z0-9_-]{0,39}$/, 'must be 1 to 40 of a-z, 0-9, _ and -')
      .refine(
        (given) => given !== NO_CATEGORY,
        `must not be “${NO_CATEGORY}”: that is what the model says where none fits`,
      ),
    description: text('one sentence')
      .trim()
      .regex(/^[^\r\n]{1,300}$/, 'must be one sentence of at most 300 characters'),
  },
  'must have a name and a description',
);

export const rulesShape = z.strictObject(
  {
    categories: z
      .array(category, 'must be a list')
      .max(CATEGORIES_MAX, `must be at most ${CATEGORIES_MAX}`)
      .default([]),
    rules: z.array(rule, 'must be a list').max(RULES_MAX, `must be at most ${RULES_MAX}`),
  },
  'the file must be a mapping with “rules”',
);

export type RulesInFile = z.infer<typeof rulesShape>;

/** Keys that may stand in the mapping at a path. */
export function keysAt(path: readonly PropertyKey[]): readonly string[] {
  if (path.includes('when')) return Object.keys(when.shape);
  if (path[0] === 'rules') return Object.keys(rule.shape);
  return Object.keys(path[0] === 'categories' ? category.shape : rulesShape.shape);
}
