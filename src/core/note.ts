import { SURE_FROM_SHARE } from './grounding.ts';
import type { Note, NoteBlock, NoteLink } from './helpdesk.ts';
import { isPlainAddress } from './plain-address.ts';
import { reviewBlocks } from './review-words.ts';
import type { Draft, DraftSource, KnowledgeRef } from './ticket.ts';

export interface NoteRequest {
  readonly draft: Draft;
  /** `dd-…` of this note; the adapter writes it as the last line. */
  readonly marker: string;
  /** Marker of the earlier draft that this one takes the place of. */
  readonly replaces: string | null;
  /** Where the trace of this draft is shown; null: nowhere. */
  readonly traceUrl: string | null;
}

/** What is longer makes a note that nobody reads. */
const TITLE_MAX_CHARACTERS = 120;
const QUOTE_MAX_CHARACTERS = 200;
/** Of one source. */
const QUOTES_MAX = 2;
const SOURCES_MAX = 5;

/** The private note that hands a draft to an agent: what it is, the reply ready to copy, why, what to look at. */
export function buildNote({ draft, marker, replaces, traceUrl }: NoteRequest): Note {
  const { body, finding, sources, closest, unproven, missing, questions, cut, review } = draft;
  const blocks: NoteBlock[] = [
    { kind: 'heading', text: title(draft) },
    ...paragraphs(body ?? finding ?? ''),
    ...section('Sources', sourceItems(sources)),
    ...section(
      'Closest articles',
      closest.map((one) => ({ text: described(one), url: linked(one), below: '' })),
    ),
    ...section('Not proven', unproven),
    ...section('Not known', missing),
    ...section(body === null ? 'To ask the customer, or to check' : 'Open questions', questions),
  ];
  blocks.push(...reviewBlocks(review));
  if (cut !== null) blocks.push({ kind: 'paragraph', text: cut });
  if (replaces !== null) {
    blocks.push({ kind: 'paragraph', text: `This draft replaces the earlier one (${replaces}).` });
  }
  if (traceUrl !== null) blocks.push({ kind: 'paragraph', text: `Trace: ${traceUrl}` });
  return { blocks, marker };
}

function title({ body, language, confidence }: Draft): string {
  if (body === null) return 'AI draft: no reply to suggest for this ticket. What was found, please check:';
  return `AI draft: please check it before sending (language ${language}, confidence ${percent(confidence)})`;
}

function paragraphs(text: string): NoteBlock[] {
  return text.split(/\n{2,}/).map((paragraph) => ({ kind: 'paragraph', text: paragraph.trim() }));
}

function section(heading: string, items: readonly (string | NoteLink)[]): NoteBlock[] {
  if (items.length === 0) return [];
  return [
    { kind: 'heading', text: heading },
    { kind: 'list', items },
  ];
}

/** One item a source, with its quotes. */
function sourceItems(sources: readonly DraftSource[]): readonly NoteLink[] {
  const quotes = new Map<string, DraftSource[]>();
  for (const source of sources) {
    const key = `${source.kind} ${source.id}`;
    quotes.set(key, [...(quotes.get(key) ?? []), source]);
  }
  return [...quotes.values()].slice(0, SOURCES_MAX).flatMap((group) => {
    const [first] = group;
    if (first === undefined) return [];
    const below = group.slice(0, QUOTES_MAX).map(({ quote }) => `“${short(quote, QUOTE_MAX_CHARACTERS)}”`);
    return [{ text: described(first), url: linked(first), below: below.join('\n') }];
  });
}

function linked({ url }: KnowledgeRef): string | null {
  return url !== null && isPlainAddress(url) ? url : null;
}

/** What it is, and why it is there. */
function described({ kind, title: name, restricted, share, votes }: KnowledgeRef): string {
  const shown = short(name, TITLE_MAX_CHARACTERS);
  if (kind === 'ticket') return `${shown}, solved, similar`;
  if (kind === 'macro') return `Macro “${shown}”`;
  const why = [
    share === null ? '' : `${share < SURE_FROM_SHARE ? 'perhaps' : 'match'} ${percent(share)}`,
    votes === null || votes === 0 ? '' : votes === 1 ? 'used in 1 similar ticket' : `used in ${votes} similar tickets`,
    restricted ? 'internal: not for the customer' : '',
  ].filter((part) => part !== '');
  return why.length === 0 ? shown : `${shown} (${why.join(', ')})`;
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}

function short(text: string, maxCharacters: number): string {
  const line = text.replaceAll(/\s+/g, ' ').trim();
  return line.length <= maxCharacters ? line : `${line.slice(0, maxCharacters).toWellFormed()}…`;
}
