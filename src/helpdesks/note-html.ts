import type { Note, NoteBlock, NoteLink } from '../core/helpdesk.ts';
import { isPlainAddress } from '../core/plain-address.ts';
import { visibleText } from '../core/visible-text.ts';

/** Zendesk cuts a comment at 64 kB in silence (helpdesks.md 2.4); we stay below and say that we cut. */
const NOTE_MAX_BYTES = 60_000;

const CUT_SENTENCE = 'This note was cut here because it was too long.';

/** Starts the last line of every note of ours. */
const REF = 'Draftdesk ref ';

/**
 * Renders a note as HTML that both vendors' sanitisers keep: p, br, ul, li, strong, a, and code around placeholders.
 * Everything else is text. At most 60 kB of UTF-8; the marker line is always last and whole.
 */
export function renderNote(note: Note, maxBytes: number = NOTE_MAX_BYTES): string {
  const last = `<p>${REF}${escapeHtml(note.marker)}</p>`;
  const cutNotice = `<p><strong>${CUT_SENTENCE}</strong></p>`;
  const whole = note.blocks.map(renderBlock);
  if (byteLength(whole.join('') + last) <= maxBytes) return whole.join('') + last;

  let room = maxBytes - byteLength(cutNotice + last);
  let html = '';
  for (const [index, block] of note.blocks.entries()) {
    const rendered = whole[index] ?? '';
    if (byteLength(rendered) > room) {
      html += renderCut(block, room);
      break;
    }
    html += rendered;
    room -= byteLength(rendered);
  }
  return html + cutNotice + last;
}

function renderBlock(block: NoteBlock): string {
  switch (block.kind) {
    case 'heading':
      return `<p><strong>${renderText(block.text)}</strong></p>`;
    case 'paragraph':
      return `<p>${renderText(block.text)}</p>`;
    case 'list':
      return `<ul>${block.items.map((item) => `<li>${renderItem(item)}</li>`).join('')}</ul>`;
  }
}

function renderItem(item: string | NoteLink): string {
  if (typeof item === 'string') return renderText(item);
  const { text, url, below } = item;
  const address = url === null ? '' : `${text === '' ? '' : ': '}${renderLink(url)}`;
  return `${renderText(text)}${address}${below === '' ? '' : `<br>${renderText(below)}`}`;
}

/** The address itself is the text: the vendors' plain text views drop what a link points to. What is no plain address is text. */
function renderLink(url: string): string {
  if (!isPlainAddress(url)) return renderText(url);
  return `<a href="${escapeHtml(url)}">${escapeHtml(url)}</a>`;
}

/** As much of a block as fits: whole list items, or a paragraph up to a character. */
function renderCut(block: NoteBlock, room: number): string {
  if (block.kind === 'list') {
    const items = largest(block.items.length, (count) => fits(block, block.items.slice(0, count), room));
    return items === 0 ? '' : renderBlock({ ...block, items: block.items.slice(0, items) });
  }
  const characters = Array.from(block.text);
  const length = largest(characters.length, (count) => {
    const text = characters.slice(0, count).join('');
    return byteLength(renderBlock({ ...block, text })) <= room;
  });
  return length === 0 ? '' : renderBlock({ ...block, text: characters.slice(0, length).join('') });
}

function fits(block: NoteBlock & { kind: 'list' }, items: readonly (string | NoteLink)[], room: number): boolean {
  return byteLength(renderBlock({ ...block, items })) <= room;
}

/** The largest n of 0 … max for which `good(n)` holds, given that it holds up to some n and not beyond. */
function largest(max: number, good: (n: number) => boolean): number {
  let low = 0;
  let high = max;
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (good(middle)) low = middle;
    else high = middle - 1;
  }
  return low;
}

function byteLength(text: string): number {
  return Buffer.byteLength(text, 'utf8');
}

/**
 * Template placeholders: Zendesk expands them in an agent's comment, except inside `<code>` (helpdesks.md 2.4). An
 * opening without an end nearby may find one further down, so its braces are parted. Bounded, so that a text of
 * nothing but braces costs linear time.
 */
const PLACEHOLDER = /\{\{[^]{0,400}?\}\}+|\{%[^]{0,400}?%\}|\{(?=[{%])/g;

function renderText(text: string): string {
  const clean = visibleText(text);
  let html = '';
  let at = 0;
  for (const match of clean.matchAll(PLACEHOLDER)) {
    const literal = match[0] === '{' ? '{ ' : `<code>${escapeHtml(match[0])}</code>`;
    html += escapeHtml(clean.slice(at, match.index)) + literal;
    at = match.index + match[0].length;
  }
  return (html + escapeHtml(clean.slice(at))).replaceAll('\n', '<br>');
}

/** How many opening braces of placeholders a text has; equal before and after = the vendor expanded none. */
export function countPlaceholders(html: string): number {
  return html.replaceAll('&#123;', '{').split(/\{\{|\{%/).length - 1;
}

const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

export function escapeHtml(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => ESCAPES[character] ?? '');
}

/** Plain text of a vendor as HTML that shows the same. */
export function textAsHtml(text: string): string {
  return `<p>${escapeHtml(text).replaceAll(/\r\n?|\n/g, '<br>')}</p>`;
}

const REF_LINE = /^[\s\u00A0]*(dd-[\w-]{4,64})(?![\w-])/;

/** The marker of a note of ours: the last `Draftdesk ref dd-…` in its HTML, however the vendor has rewritten it. */
export function markerOf(html: string): string | null {
  const at = html.lastIndexOf(REF.trimEnd());
  if (at < 0) return null;
  const after = html
    .slice(at + REF.trimEnd().length, at + 400)
    .replaceAll(/<[^<>]*>/g, '')
    .replaceAll('&nbsp;', ' ');
  return REF_LINE.exec(after)?.[1] ?? null;
}
