import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'csv-stringify/sync';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { CommandError } from '../../src/cli/command-error.ts';
import { readRecords } from '../../src/cli/file-records.ts';
import { collect } from '../support/collect.ts';

const folder = mkdtempSync(join(tmpdir(), 'draftdesk-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const COLUMNS = ['subject', 'description'];

const fileWith = (name: string, content: string | Uint8Array): string => {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
};

const text = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 40 }),
  fc
    .array(fc.constantFrom('"', '""', ',', ';', '\t', '\n', '\r\n', ' ', 'a', '"a', 'ä', '😀', '\\', "'"), {
      maxLength: 12,
    })
    .map((parts) => parts.join('')),
);
const tickets = fc.array(fc.record({ subject: text, description: text }), { minLength: 1, maxLength: 12 });

describe('records of a file', () => {
  it('come out of JSON lines as they went in', async () => {
    await fc.assert(
      fc.asyncProperty(tickets, fc.boolean(), fc.boolean(), async (written, ends, bom) => {
        const lines = written.map((ticket) => JSON.stringify(ticket)).join('\n') + (ends ? '\n' : '');
        const path = fileWith('t.jsonl', (bom ? '\uFEFF' : '') + lines);
        const read = await collect(readRecords(path, COLUMNS));
        expect(read.map(({ fields }) => fields)).toEqual(written);
        expect(read.at(-1)?.ended).toBe(ends);
      }),
    );
  });

  it('come out of CSV as they went in, whatever their quotes and line breaks', async () => {
    const delimiters = fc.constantFrom(',', ';', '\t');
    await fc.assert(
      fc.asyncProperty(tickets, delimiters, fc.boolean(), async (written, delimiter, bom) => {
        const csv = stringify(written, { header: true, columns: COLUMNS, delimiter, quoted_string: true, bom });
        const read = await collect(readRecords(fileWith('t.csv', csv), COLUMNS));
        expect(read.map(({ fields }) => fields)).toEqual(written);
      }),
      { numRuns: 200 },
    );
  });

  it.each(['jsonl', 'csv'])('of any bytes as %s: parts of the file in order, or a sentence', async (ending) => {
    const pieces = fc.constantFrom(
      '"',
      '\n',
      '\r',
      ',',
      'subject,description\n',
      '{"a":1}\n',
      '{"a',
      '\uFEFF',
      '\u0000',
    );
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 200 }),
      fc.array(pieces, { maxLength: 30 }).map((parts) => Buffer.from(`subject,description\n${parts.join('')}`)),
    );
    await fc.assert(
      fc.asyncProperty(bytes, async (content) => {
        const path = fileWith(`any.${ending}`, content);
        const read = await collect(readRecords(path, COLUMNS)).catch((error: unknown) => {
          if (!(error instanceof CommandError)) throw error;
          return [];
        });
        let at = 0;
        for (const { start, length, line } of read) {
          expect(start).toBeGreaterThanOrEqual(at);
          expect(line).toBeGreaterThan(0);
          at = start + length;
        }
        expect(at).toBeLessThanOrEqual(content.length);
      }),
      { numRuns: 300 },
    );
  });
});
