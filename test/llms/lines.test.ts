import { expect, it } from 'vitest';
import { readLines, type TextLine } from '../../src/llms/lines.ts';
import { collect } from '../support/collect.ts';

async function read(text: string, chunkBytes: number, maxCharacters = 100): Promise<TextLine[]> {
  const bytes = new TextEncoder().encode(text);
  async function* chunks() {
    for (let at = 0; at < bytes.length; at += chunkBytes) yield bytes.subarray(at, at + chunkBytes);
  }
  return await collect(readLines(chunks(), maxCharacters));
}

it.each([1, 2, 3, 7, 1000])('reads lines whole, however they arrive (%i bytes at a time)', async (chunkBytes) => {
  expect(await read('grüß\n\n  \nzwei 😀\r\nlast', chunkBytes)).toEqual([
    { number: 1, text: 'grüß' },
    { number: 4, text: 'zwei 😀\r' },
    { number: 5, text: 'last' },
  ]);
});

it.each([1, 4, 1000])(
  'names a line that is too long, and goes on behind it (%i bytes at a time)',
  async (chunkBytes) => {
    expect(await read(`ok\n${'x'.repeat(11)}\nfits too..\n`, chunkBytes, 10)).toEqual([
      { number: 1, text: 'ok' },
      { number: 2, text: null },
      { number: 3, text: 'fits too..' },
    ]);
  },
);

it('has no lines in nothing', async () => {
  expect(await read('', 10)).toEqual([]);
});
