import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { TICKET_STATUSES, TRANSITIONS } from '../src/core/ticket.ts';
import { helpdesks } from '../src/helpdesks/index.ts';

/* The rules of the house that no linter expresses. */

const root = fileURLToPath(new URL('..', import.meta.url));
const readme = readFileSync(join(root, 'README.md'), 'utf8');

describe('the house', () => {
  it.each(helpdesks.map((module) => module.name))('has a simulator and a contract test for %s', (name) => {
    expect(existsSync(join(root, `src/sandbox/${name}.ts`))).toBe(true);
    expect(existsSync(join(root, `test/contracts/${name}.test.ts`))).toBe(true);
  });

  it('draws the same state machine in README as it runs', () => {
    const arrows = new Set([...readme.matchAll(/^ {2}(\w+) --> (\w+)$/gm)].map(([, from, to]) => `${from} ${to}`));
    const table = new Set(TICKET_STATUSES.flatMap((from) => TRANSITIONS[from].map((to) => `${from} ${to}`)));
    expect(arrows).toEqual(table);
  });

  it('explains every setting in README that the code reads', () => {
    const files = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' });
    const sources = files
      .filter((file) => /(settings|config)\.ts$/.test(file))
      .map((file) => readFileSync(join(root, 'src', file), 'utf8'))
      .join('\n');
    const namesIn = (pattern: RegExp) => [...sources.matchAll(pattern)].map(([, name]) => name ?? '');
    const notYet = new Set(namesIn(/^\s+([A-Z_]+): (?:notYet|z\.literal\()/gm));
    const named = new Set(namesIn(/(?:'|^\s+)([A-Z]{2,}(?:_[A-Z]+)+|HOST|PORT)(?:'|: )/gm));
    const missing = [...named].filter((name) => !notYet.has(name) && !readme.includes(`\`${name}\``));
    expect(named.size).toBeGreaterThan(20);
    expect(missing).toEqual([]);
  });

  it('keeps every source file readable in one go', () => {
    const files = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' }).filter((file) =>
      file.endsWith('.ts'),
    );
    const long = files.filter((file) => readFileSync(join(root, 'src', file), 'utf8').split('\n').length > 600);
    expect(long).toEqual([]);
  });
});
