import { marked } from 'marked';
import { afterEach, expect, it, vi } from 'vitest';
import { readMessage } from '../../src/knowledge/message.ts';
import { sectionsOf } from '../../src/knowledge/sections.ts';

const breathe = async (): Promise<void> => undefined;

afterEach(() => {
  vi.restoreAllMocks();
});

/** How many places the parser's stack of open elements moves: its work, and what grows with the depth. */
async function moved(read: () => unknown): Promise<number> {
  let places = 0;
  const { unshift } = Array.prototype;
  vi.spyOn(Array.prototype, 'unshift').mockImplementation(function (this: unknown[], ...items: unknown[]) {
    places += this.length;
    return unshift.apply(this, items);
  });
  await read();
  vi.restoreAllMocks();
  return places;
}

it.each(['<div>', '<b>', '<p></p><i>', '<div hidden>'])(
  'reads what is nested without an end in proportion to its length: %s',
  async (tag) => {
    const page = (count: number): string => `<p>first</p>${tag.repeat(count)}last`;
    const [some, twice] = [
      await moved(() => sectionsOf(page(20_000), breathe)),
      await moved(() => sectionsOf(page(40_000), breathe)),
    ];
    expect(twice).toBeLessThan(2.2 * some);
    expect(await moved(() => readMessage(page(12_000)))).toBeLessThan(some);
  },
);

it('still shows what stands in the depth, and a heading ends with it', async () => {
  const [first, second] = await sectionsOf(`<h2>Top${'<b>'.repeat(5000)}deep</b><p>words</p>`, breathe);
  expect([first?.heading, first?.text]).toEqual(['Top', 'deep\nwords']);
  expect(second).toBeUndefined();
  expect(readMessage(`<p>a</p>${'<div>'.repeat(5000)}b`).text).toBe('a\n\nb');
});

it.each([
  ['_a', '_a'],
  ['**a', '**a'],
  ['>', '>'],
  ['a table', '|a|b|\n'],
  ['[a](', '[a]('],
])('gives the Markdown parser no more than a few kilobytes at once: %s', async (_, piece) => {
  const parse = vi.spyOn(marked, 'parse');
  await sectionsOf(`# Title\n\n${piece.repeat(40_000)}`, breathe);
  expect(parse.mock.calls.length).toBeGreaterThan(5);
  expect(Math.max(...parse.mock.calls.map(([text]) => text.length))).toBeLessThanOrEqual(4096);
});

it('parts a long table between its lines', async () => {
  const rows = Array.from({ length: 600 }, (_, row) => `| row ${row} | ${'x'.repeat(20)} |`).join('\n');
  const parse = vi.spyOn(marked, 'parse');
  const sections = await sectionsOf(`# Table\n\n| a | b |\n| - | - |\n${rows}\n`, breathe);
  for (const [text] of parse.mock.calls) expect(text).toMatch(/(^|\n)$/);
  const read = sections.map(({ text }) => text).join('\n');
  expect(read).toMatch(/row 0\b[^]*row 599\b/);
});
