import { describe, expect, it } from 'vitest';
import type { NoteBlock } from '../../src/core/helpdesk.ts';
import { countPlaceholders, markerOf, renderNote } from '../../src/helpdesks/note-html.ts';

const MARKER = 'dd-abcdefghijkl';
const LAST = `<p>Draftdesk ref ${MARKER}</p>`;
const render = (...blocks: NoteBlock[]): string => renderNote({ blocks, marker: MARKER });
const paragraph = (text: string): string => render({ kind: 'paragraph', text }).slice(0, -LAST.length);

describe('renderNote', () => {
  it('renders headings, paragraphs with line breaks, lists, and the marker last', () => {
    expect(
      render(
        { kind: 'heading', text: 'AI draft' },
        { kind: 'paragraph', text: 'one\ntwo\r\n\r\nthree' },
        { kind: 'list', items: ['a', 'b'] },
      ),
    ).toBe(`<p><strong>AI draft</strong></p><p>one<br>two<br><br>three</p><ul><li>a</li><li>b</li></ul>${LAST}`);
  });

  it('renders links so that plain text shows where they lead', () => {
    const item = { text: 'Start & stop', url: 'https://help.acme.example/1?a=b&c=d', below: '“Hold\nit”' };
    expect(render({ kind: 'list', items: [item, { text: 'x', url: null, below: '' }, 'y'] })).toBe(
      '<ul><li>Start &amp; stop: <a href="https://help.acme.example/1?a=b&amp;c=d">https://help.acme.example/1?a=b&amp;c=d</a><br>“Hold<br>it”</li>' +
        `<li>x</li><li>y</li></ul>${LAST}`,
    );
  });

  it.each([
    'javascript:alert(1)',
    'https://a.example/"onclick=x',
    'https://a.example/<b>',
    'https://a@b.example',
    'https://a.example/{{x}}',
    'https://a.example/\u202Ex',
  ])('makes no link of %j, whoever hands it over', (url) => {
    expect(render({ kind: 'list', items: [{ text: '', url, below: '' }] })).not.toMatch(/<a|<b>|\{\{(?![^<]*<\/code>)/);
  });

  it('lets no markup through (C8)', () => {
    const html = paragraph(`<script>alert(1)</script><img src=x onerror='a'> "q" & &lt;`);
    expect(html).toBe(
      '<p>&lt;script&gt;alert(1)&lt;/script&gt;&lt;img src=x onerror=&#39;a&#39;&gt; &quot;q&quot; &amp; &amp;lt;</p>',
    );
  });

  it.each([
    ['{{ticket.requester.email}}', '<code>{{ticket.requester.email}}</code>'],
    ['a {{x}} b {{ y }}', 'a <code>{{x}}</code> b <code>{{ y }}</code>'],
    ['{% if x %}', '<code>{% if x %}</code>'],
    ['{{{x}}}', '<code>{{{x}}}</code>'],
    ['{{<b>}}', '<code>{{&lt;b&gt;}}</code>'],
    ['{{a\nb}}', '<code>{{a<br>b}}</code>'],
    ['{\u200b{x}}', '<code>{{x}}</code>'],
    ['open {{ only', 'open { { only'],
    ['open {% only', 'open { % only'],
    ['json {"a":{"b":1}}', 'json {&quot;a&quot;:{&quot;b&quot;:1}}'],
  ])('row 9: neutralises the placeholder in %j', (text, expected) => {
    expect(paragraph(text)).toBe(`<p>${expected}</p>`);
  });

  it('row 9: leaves no opening braces outside of code', () => {
    const html = render(
      { kind: 'paragraph', text: `{{${'x'.repeat(500)}}}` },
      { kind: 'list', items: ['{{a', 'b}}', '{{{{', '{%{{%}'] },
    );
    expect(html.replaceAll(/<code>.*?<\/code>/gs, '')).not.toMatch(/\{\{|\{%/);
    expect(countPlaceholders('<code>{{a}}</code> {% x %} &#123;&#123;b}}')).toBe(3);
  });

  it.each([
    ['controls and ANSI escapes', 'a\u0000b\u001b[31mc\u009bd\u007fe', 'abce'],
    ['bidi overrides', 'a\u202eb\u2066c\u200fd', 'abcd'],
    ['zero width', 'a\u200bb\u200cc\u200dd\ufeffe\u2060f', 'abcdef'],
    ['the tag block', `a${String.fromCodePoint(0xe0041, 0xe007f)}b`, 'ab'],
    ['soft hyphens and variation selectors', 'a\u00adb\ufe0fc', 'abc'],
    ['tabs and line separators', 'a\tb\u2028c', 'a b<br>c'],
    ['lone surrogates', 'a\ud800b', 'a\ufffdb'],
  ])('strips what nobody sees: %s (C7)', (_name, text, expected) => {
    expect(paragraph(text)).toBe(`<p>${expected}</p>`);
  });

  it('keeps the joiners that are meant to be seen', () => {
    expect(paragraph('می\u200cخواهم')).toBe('<p>می\u200cخواهم</p>');
    expect(paragraph('👩\u200d👧')).toBe('<p>👩\u200d👧</p>');
  });

  it.each([
    ['one long word', 'x'.repeat(200_000)],
    ['what grows when escaped', '<&"'.repeat(60_000)],
    ['four bytes a character', '😀'.repeat(50_000)],
    ['nothing but braces', '{{'.repeat(60_000)],
  ])('row 9: cuts %s to 60 kB at a character, says so, and keeps the marker', (_name, text) => {
    const html = render({ kind: 'heading', text: 'AI draft' }, { kind: 'paragraph', text });
    const bytes = Buffer.byteLength(html);
    expect(bytes).toBeLessThanOrEqual(60_000);
    expect(bytes).toBeGreaterThan(59_900);
    expect(html).toContain('cut here because it was too long');
    expect(html.endsWith(LAST)).toBe(true);
    expect(html).not.toContain('\ufffd');
    expect(html).not.toMatch(/&[a-z]*$|&[a-z]+</);
  });

  it('cuts a list after a whole item, and drops what comes after the cut', () => {
    const items = Array.from({ length: 100 }, (_, index) => `${index} ${'y'.repeat(1000)}`);
    const html = render({ kind: 'list', items }, { kind: 'paragraph', text: 'too late' });
    expect(Buffer.byteLength(html)).toBeLessThanOrEqual(60_000);
    expect(html).toMatch(/y<\/li><\/ul><p><strong>This note was cut/);
    expect(html).not.toContain('too late');
  });
});

describe('markerOf', () => {
  it.each([
    [LAST, MARKER],
    [`<div>${LAST}</div>\n`, MARKER],
    ['<p>Draftdesk ref&nbsp;dd-abcdefghijkl</p>', MARKER],
    ['<p>Draftdesk ref <span dir="ltr">dd-abcdefghijkl</span></p>', MARKER],
    ['replaces Draftdesk ref dd-000000000000.<br>Draftdesk ref dd-abcdefghijkl', MARKER],
    ['Draftdesk ref dd-abcdefghijkl, see above', MARKER],
    ['Draftdesk ref', null],
    ['dd-abcdefghijkl', null],
    ['Draftdesk ref xx-abcdefghijkl', null],
    ['', null],
  ])('%j → %s', (html, expected) => {
    expect(markerOf(html)).toBe(expected);
  });

  it('takes the last line of a note whose text quotes another marker', () => {
    expect(markerOf(render({ kind: 'paragraph', text: 'Draftdesk ref dd-forgedforged' }))).toBe(MARKER);
  });
});
