import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

/* Every row of the attack list (reliability.md §c) is named by a test. */

const ROWS = { A: 17, B: 13, C: 14, D: 13, E: 13 } as const;

const root = fileURLToPath(new URL('..', import.meta.url));
const folders = [
  'attacks',
  'contracts',
  'core',
  'drafting',
  'helpdesks',
  'http',
  'llms',
  'pool',
  'service',
  'sqlite',
  'telemetry',
];

/** Texts in quotes, without what stands in comments: the names of tests and of the rows of their tables. */
function textsOf(source: string): string[] {
  const code = source.replaceAll(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, '');
  return [...code.matchAll(/'([^'\n]*)'|"([^"\n]*)"|`([^`]*)`/g)].map(([, ...texts]) => texts.join(''));
}

const named = new Set(
  folders
    .flatMap((folder) =>
      readdirSync(join(root, folder))
        .filter((file) => file.endsWith('.ts') && file !== 'attack-list.test.ts')
        .map((file) => readFileSync(join(root, folder, file), 'utf8')),
    )
    .flatMap(textsOf)
    // `A5 …`, `A5: …`, `A8, A9 …`, `… (A5)`, `(B6, A17)`
    .filter((text) =>
      /^(promise \d+, )?[A-E]\d{1,2}[:, ]|\([A-E]\d{1,2}[,)]|, [A-E]\d{1,2}\)|; [A-E]\d{1,2} /.test(text),
    )
    .flatMap((text) => text.match(/\b[A-E]\d{1,2}\b/g) ?? []),
);

const rows = Object.entries(ROWS).flatMap(([group, count]) =>
  Array.from({ length: count }, (_, index) => `${group}${index + 1}`),
);

it('has a test for every row of the attack list', () => {
  expect(rows.filter((row) => !named.has(row))).toEqual([]);
});
