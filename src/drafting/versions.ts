import { createHash } from 'node:crypto';
import type { DraftVersions } from '../core/ticket.ts';
import { DRAFT_SCHEMA } from './draft-schema.ts';
import { INSTRUCTIONS, MASKED } from './instructions.ts';

const PROMPT_VERSION = hash(INSTRUCTIONS + MASKED + JSON.stringify(DRAFT_SCHEMA));

/** What a draft is made with, as far as it is known before a model answers. */
export function versionsOf(guidelines: string, knowledge: string | null): Omit<DraftVersions, 'model'> {
  const own = guidelines.trim();
  return { prompt: PROMPT_VERSION, guidelines: own === '' ? null : hash(own), rules: null, knowledge };
}

function hash(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 12);
}
