import { CITE_FROM_SHARE, type Grounding, type Passage } from '../core/grounding.ts';
import type { DraftSource, KnowledgeRef } from '../core/ticket.ts';
import { visibleText } from '../core/visible-text.ts';
import type { Answer } from './draft-schema.ts';
import { findQuote } from './quote.ts';

const CLAIMS_MAX = 20;
const SOURCES_MAX = 8;
const UNPROVEN_MAX = 10;
const CLAIM_MAX_CHARACTERS = 300;
const CLOSEST_MAX = 3;
const CLOSEST_TITLE_MAX_CHARACTERS = 200;

/** A reply that only asks says no more than this besides, greeting and thanks included; the agent can be no surer of it. */
const ASKING_SAID_MAX_CHARACTERS = 250;
export const ASKING_CONFIDENCE = 0.3;

export interface Proof {
  readonly sources: readonly DraftSource[];
  readonly unproven: readonly string[];
}

/** Looks each quote up in the passage that it names. `read` makes plain text of what a stranger wrote. */
export function prove(claims: Answer['claims'], { passages }: Grounding, read: (written: string) => string): Proof {
  const sources = new Map<string, DraftSource>();
  const unproven = new Set<string>();
  for (const { claim, source, quote } of claims.slice(0, CLAIMS_MAX)) {
    const passage = passages.find(({ ref }) => ref === source?.trim().replaceAll(/[[\]]/g, '').toUpperCase());
    const found = passage === undefined ? null : findQuote(passage.text, visibleText(quote ?? '')).text;
    if (passage !== undefined && found !== null) {
      sources.set(`${passage.ref} ${found}`, { ...refOf(passage), quote: read(found) });
      continue;
    }
    const said = read(claim.slice(0, CLAIM_MAX_CHARACTERS)).replaceAll('\n', ' ');
    if (said !== '') unproven.add(`${said} (${whyNot(passage)})`);
  }
  return { sources: [...sources.values()].slice(0, SOURCES_MAX), unproven: [...unproven].slice(0, UNPROVEN_MAX) };
}

function whyNot(passage: Passage | undefined): string {
  return passage === undefined ? 'no source' : `the quote is not in ${passage.title.slice(0, CLAIM_MAX_CHARACTERS)}`;
}

/** The articles that come nearest, for an agent who gets no draft. */
export function closestOf({ passages }: Grounding): readonly KnowledgeRef[] {
  return passages
    .filter(({ kind }) => kind === 'article')
    .slice(0, CLOSEST_MAX)
    .map(refOf);
}

function refOf({ kind, id, title, url, restricted, share, votes }: Passage): KnowledgeRef {
  return {
    kind,
    id,
    title: title.slice(0, CLOSEST_TITLE_MAX_CHARACTERS).toWellFormed(),
    url,
    restricted,
    share,
    votes,
  };
}

/**
 * What may become of a reply: `draft`, `asks` (it only asks the customer for details, so it needs no proof) or `silent`:
 * nothing that the team has written comes near, and the model could not quote what answers.
 */
export function standing(
  { reply, claims }: Pick<Answer, 'claims'> & { readonly reply: string },
  grounding: Grounding,
  { sources }: Proof,
): 'draft' | 'asks' | 'silent' {
  if (sources.length > 0) return 'draft';
  if (claims.length === 0 && onlyAsks(reply)) return 'asks';
  return grounding.bestShare >= CITE_FROM_SHARE ? 'draft' : 'silent';
}

function onlyAsks(reply: string): boolean {
  const sentences = reply.split(/(?<=[.!?？؟。])\s+|\n+/);
  const said = sentences.filter((sentence) => !/[?？؟]$/.test(sentence));
  return said.length < sentences.length && said.join('').length <= ASKING_SAID_MAX_CHARACTERS && !ADVICE.test(reply);
}

/** A numbered or dashed list, or a link, disarmed or not. */
const ADVICE = /^ *(?:\d{1,2}[.)]|[-•*]) |h(?:tt|xx)ps?:\/\//m;
