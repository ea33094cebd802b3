import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
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

  it('has an import table that bites, in every folder', () => {
    const folder = mkdtempSync(join(tmpdir(), 'draftdesk-'));
    cpSync(join(root, '.oxlintrc.json'), join(folder, '.oxlintrc.json'));
    const violations: Readonly<Record<string, readonly string[]>> = {
      core: ['zod', '../http/app.ts', 'node:fs'],
      sqlite: ['hono', '../pool/pool.ts'],
      knowledge: ['drizzle-orm', '../sqlite/outbox.ts'],
      helpdesks: ['openai', '../llms/index.ts'],
      llms: ['hono', '../http/app.ts'],
      drafting: ['openai', '../helpdesks/index.ts'],
      pool: ['@opentelemetry/api', '../sqlite/outbox.ts'],
      http: ['better-sqlite3', '../sqlite/outbox.ts'],
      'http/console': ['better-sqlite3', '../../sqlite/outbox.ts', '../../main.ts'],
      telemetry: ['zod', '../pool/pool.ts'],
      sandbox: ['../helpdesks/index.ts', '../core/ticket.ts'],
      cli: ['zod', '../pool/pool.ts'],
    };
    for (const [name, imports] of Object.entries(violations)) {
      mkdirSync(join(folder, 'src', name), { recursive: true });
      const text = imports
        .map((from, index) => `import * as x${index} from '${from}';\nexport { x${index} };`)
        .join('\n');
      writeFileSync(join(folder, 'src', name, 'violation.ts'), text);
    }
    const { stdout } = spawnSync(join(root, 'node_modules/.bin/oxlint'), ['--format=unix'], {
      cwd: folder,
      encoding: 'utf8',
    });
    rmSync(folder, { recursive: true });
    const found = Object.keys(violations).map((name) => {
      const lines = stdout
        .split('\n')
        .filter((line) => line.includes(`src/${name}/violation.ts`) && line.includes('restricted-imports'));
      return [name, lines.length];
    });
    expect(found).toEqual(Object.entries(violations).map(([name, imports]) => [name, imports.length]));
  });

  it('keeps every source file readable in one go', () => {
    const files = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' }).filter((file) =>
      /\.tsx?$/.test(file),
    );
    const long = files.filter((file) => readFileSync(join(root, 'src', file), 'utf8').split('\n').length > 600);
    expect(long).toEqual([]);
  });

  // `import { z }` keeps all of it in the bundle, its fifty languages too: 7 MB of the idle memory
  it('imports zod so that what nobody uses is left out of the bundle', () => {
    const files = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' }).filter((file) =>
      /\.tsx?$/.test(file),
    );
    const whole = files.filter((file) =>
      readFileSync(join(root, 'src', file), 'utf8').includes("import { z } from 'zod'"),
    );
    expect(whole).toEqual([]);
  });

  // V8 keeps a file with one other character at two bytes a character: 3 MB of the idle memory
  it('bundles to ASCII, so that the code takes one byte a character in memory', () => {
    const files = readdirSync(join(root, 'dist')).filter((file) => file.endsWith('.js'));
    expect(files).toContain('draftdesk.js');
    expect(files.filter((file) => /[^\0-\x7f]/.test(readFileSync(join(root, 'dist', file), 'latin1')))).toEqual([]);
  });
});
