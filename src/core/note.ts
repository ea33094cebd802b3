import type { Note, NoteBlock } from './helpdesk.ts';
import { reviewBlocks } from './review-words.ts';
import type { Draft } from './ticket.ts';

export interface NoteRequest {
  readonly draft: Draft;
  /** `dd-…` of this note; the adapter writes it as the last line. */
  readonly marker: string;
  /** Marker of the earlier draft that this one takes the place of. */
  readonly replaces: string | null;
  /** Where the trace of this draft is shown; null: nowhere. */
  readonly traceUrl: string | null;
}

/** The private note that hands a draft to an agent: what it is, the reply ready to copy, what to look at. */
export function buildNote({ draft, marker, replaces, traceUrl }: NoteRequest): Note {
  const blocks: NoteBlock[] = [
    { kind: 'heading', text: title(draft) },
    ...paragraphs(draft.body ?? draft.finding ?? ''),
  ];
  if (draft.questions.length > 0) {
    blocks.push({ kind: 'heading', text: 'Open questions' }, { kind: 'list', items: draft.questions });
  }
  blocks.push(...reviewBlocks(draft.review));
  if (draft.cut !== null) blocks.push({ kind: 'paragraph', text: draft.cut });
  if (replaces !== null) {
    blocks.push({ kind: 'paragraph', text: `This draft replaces the earlier one (${replaces}).` });
  }
  if (traceUrl !== null) blocks.push({ kind: 'paragraph', text: `Trace: ${traceUrl}` });
  return { blocks, marker };
}

function title({ body, language, confidence }: Draft): string {
  if (body === null) return 'AI draft: no reply to suggest for this ticket. What was found, please check:';
  return `AI draft: please check it before sending (language ${language}, confidence ${Math.round(confidence * 100)} %)`;
}

function paragraphs(text: string): NoteBlock[] {
  return text.split(/\n{2,}/).map((paragraph) => ({ kind: 'paragraph', text: paragraph.trim() }));
}
