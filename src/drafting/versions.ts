import { createHash } from 'node:crypto';
import type { DraftVersions } from '../core/ticket.ts';
import { DRAFT_SCHEMA } from './draft-schema.ts';
import { INSTRUCTIONS, MASKED } from './instructions.ts';
import { REVIEW_PROMPT } from './review-prompt.ts';
import { SEARCH_PROMPT } from './search-words.ts';
import { wishText } from './wish-text.ts';

/** Wishes that have all that rules can put into a prompt, but for what stands in their file. */
const WISHES = [
  { guidelines: '', findingOnly: true, categories: [] },
  {
    guidelines: '',
    findingOnly: true,
    categories: [{ name: '', description: '', guidelines: '', findingOnly: false }],
  },
];

/** Those of a search and a review count too: a draft owes them as much, where there are any. */
const PROMPT_VERSION = hash(
  INSTRUCTIONS + MASKED + WISHES.map(wishText).join('') + JSON.stringify(DRAFT_SCHEMA) + REVIEW_PROMPT + SEARCH_PROMPT,
);

/** What a draft is made with, as far as it is known before a model answers. */
export function versionsOf(
  guidelines: string,
  { rules, knowledge }: Pick<DraftVersions, 'rules' | 'knowledge'>,
): Omit<DraftVersions, 'model'> {
  const own = guidelines.trim();
  return { prompt: PROMPT_VERSION, guidelines: own === '' ? null : hash(own), rules, knowledge };
}

function hash(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 12);
}
