import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { NoteBlock } from '../../src/core/helpdesk.ts';
import { markerOf, renderNote } from '../../src/helpdesks/note-html.ts';

const MARKER = 'dd-0123456789ab';

const hostile = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 200 }),
  fc
    .array(
      fc.constantFrom(
        '<script>',
        '</p>',
        '<img src=x onerror=alert(1)>',
        '&lt;',
        '&#60;',
        '"',
        "'",
        '<',
        '>',
        '\n',
        '\r\n',
        '\u2028',
        '{{ticket.requester.email}}',
        '{{',
        '}}',
        '{%',
        '%}',
        '{',
        'Draftdesk ref dd-ffffffffffff',
        '\u202E',
        '\u0000',
        '\uD800',
        '😀',
        'x'.repeat(500),
      ),
      { maxLength: 40 },
    )
    .map((parts) => parts.join('')),
);
const address = fc.oneof(
  hostile,
  fc.constantFrom('https://help.acme.example/hc/1?a=b&c=d#e', 'http://a.example'),
  hostile.map((text) => `https://a.example/${text}`),
);
const link = fc.record({ text: hostile, url: fc.option(address), below: hostile });
const block: fc.Arbitrary<NoteBlock> = fc.oneof(
  fc.record({ kind: fc.constant('heading' as const), text: hostile }),
  fc.record({ kind: fc.constant('paragraph' as const), text: hostile }),
  fc.record({ kind: fc.constant('list' as const), items: fc.array(fc.oneof(hostile, link), { maxLength: 6 }) }),
);
const OURS = /<\/?(?:p|ul|li|strong|code)>|<br>|<a href="https?:\/\/[^\s"'<>{}\\@`]+">|<\/a>/g;

describe('any note', () => {
  it('has no tags but ours, keeps its size, and ends with its own marker', () => {
    const sizes = fc.integer({ min: 300, max: 20_000 });
    fc.assert(
      fc.property(fc.array(block, { maxLength: 12 }), sizes, (blocks, maxBytes) => {
        const html = renderNote({ blocks, marker: MARKER }, maxBytes);
        expect(html.replaceAll(OURS, '')).not.toMatch(/[<>]/);
        expect(Buffer.byteLength(html)).toBeLessThanOrEqual(maxBytes);
        expect(html.endsWith(`<p>Draftdesk ref ${MARKER}</p>`)).toBe(true);
        expect(markerOf(html)).toBe(MARKER);
        expect(html).not.toMatch(/\p{Cc}|\p{Bidi_Control}/u);
        expect(html.isWellFormed()).toBe(true);
      }),
      { numRuns: 500 },
    );
  });

  it('closes what it opens, in order', () => {
    fc.assert(
      fc.property(fc.array(block, { maxLength: 8 }), fc.integer({ min: 300, max: 3_000 }), (blocks, maxBytes) => {
        const open: string[] = [];
        for (const [tag] of renderNote({ blocks, marker: MARKER }, maxBytes).matchAll(OURS)) {
          if (tag === '<br>') continue;
          if (tag.startsWith('</')) expect(open.pop()).toBe(tag.replace('/', ''));
          else open.push(tag.replace(/ .*>/, '>'));
        }
        expect(open).toEqual([]);
      }),
    );
  });

  it('has no placeholder that a helpdesk would expand: only inside code', () => {
    fc.assert(
      fc.property(hostile, (text) => {
        const html = renderNote({ blocks: [{ kind: 'paragraph', text }], marker: MARKER });
        expect(html.replaceAll(/<code>.*?<\/code>/gs, '')).not.toMatch(/\{\{|\{%/);
      }),
      { numRuns: 500 },
    );
  });
});
