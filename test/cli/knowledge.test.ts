import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/core/clock.ts';
import type { SourceProgress } from '../../src/core/knowledge-sync.ts';
import { serveApp } from '../http/serve-app.ts';
import { ADMIN_TOKEN, type TestApp, testApp, type TestAppOptions, VIEWER_TOKEN } from '../http/test-app.ts';
import { NOTHING_FOUND } from '../support/fake-knowledge.ts';
import { startProgram } from './program.ts';

/* The commands as they ship, against the API over a knowledge base in memory. */

let folder: string;
let close: (() => Promise<void>) | null = null;
let address = '';

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'draftdesk-'));
});
afterEach(async () => {
  rmSync(folder, { recursive: true });
  await close?.();
  close = null;
});

async function serve(options: TestAppOptions = {}): Promise<TestApp> {
  const parts = testApp({ timers: systemClock(), ...options });
  const served = await serveApp(parts);
  close = served.close;
  address = `http://127.0.0.1:${served.port}`;
  return parts;
}

const run = (args: readonly string[], token = ADMIN_TOKEN) =>
  startProgram(['knowledge', ...args], { env: { DRAFTDESK_URL: address, ADMIN_TOKEN: token }, cwd: folder }).ended;

function write(path: string, text: string | Buffer): void {
  mkdirSync(dirname(join(folder, path)), { recursive: true });
  writeFileSync(join(folder, path), text);
}

describe('knowledge import', () => {
  it('sends lines, sums up, and tells a rejected one by its place', async () => {
    const { knowledge } = await serve();
    write('a.jsonl', '{"id":"a","title":"A","body":"b"}\n{"id":"b","title":"B"}\n');
    write('s.ndjson', '{"id":1,"subject":"s","description":"d","reply":"r"}\n');
    write('c.jsonl', '{"id":"c","title":"C","body":"b"}');
    const { code, stdout, stderr } = await run(
      'import --articles a.jsonl --solved s.ndjson --canned c.jsonl --source mine'.split(' '),
    );
    expect([code, stderr]).toEqual([1, '']);
    expect(stdout).toMatch(/articles\n {2}imported {2}1\n {2}updated {3}0\n {2}rejected {2}1\n/);
    expect(stdout).toContain('  a.jsonl:2: Its body is missing.\n');
    expect(stdout).not.toContain('\u001b');
    for (const kind of ['articles', 'solved', 'canned'] as const)
      expect(knowledge.keys('import/mine', kind)).toHaveLength(1);
  });

  it('streams a large file, and answers JSON for programs', async () => {
    const { knowledge } = await serve();
    const pad = 'x'.repeat(10_000);
    const lines = Array.from({ length: 3_000 }, (_, n) =>
      JSON.stringify({ id: `t${n}`, subject: 's', description: pad, reply: 'r' }),
    );
    write('s.jsonl', lines.join('\n'));
    const { code, stdout, stderr } = await run(['import', '--solved', 's.jsonl', '--json']);
    expect([code, stderr]).toEqual([0, '']);
    expect(JSON.parse(stdout)).toEqual({ solved: { imported: 3_000, updated: 0, rejected: [] } });
    expect(knowledge.keys('import', 'solved')).toHaveLength(3_000);
  });

  it('reads a folder of Markdown and HTML, with locales, and does not leave it', async () => {
    const { knowledge } = await serve();
    write(
      'help/reset.md',
      '---\ntitle: "Reset: how"\nurl: https://h.test/reset\nupdatedAt: 2026-01-02\n---\n# No\ntext',
    );
    write('help/de/reset.md', '# Zurücksetzen ##\n\nText\n---\nnot front matter\n---\n');
    write('help/billing/refund.pt-BR.md', 'no title');
    write(
      'help/qa/odd.html',
      '<head><title>Odd &amp; <b>even</title></head><body><nav>x</nav><main><p>M</p></main></body>',
    );
    write('help/h1.htm', '<body><h1>First <i>one</i></h1><p>B</p></body>');
    write('help/own.md', '---\nid: 17\nlocale: fr\n---\nx');
    write('help/.git/x.md', '# hidden');
    write('help/picture.png', 'x');
    write('outside/secret.md', '# Secret');
    symlinkSync(join(folder, 'outside'), join(folder, 'help/out'));
    symlinkSync(join(folder, 'outside/secret.md'), join(folder, 'help/secret.md'));
    const { code, stdout, stderr } = await run(['import', '--articles', 'help', '--source', 'help']);
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(/imported {2}6\n/);
    const base = { url: null, updatedAt: null, restricted: false };
    expect(Object.fromEntries(knowledge.items('import/help', 'articles'))).toEqual({
      reset: {
        id: 'reset',
        locale: null,
        title: 'Reset: how',
        body: '# No\ntext',
        url: 'https://h.test/reset',
        updatedAt: Date.UTC(2026, 0, 2),
        restricted: false,
      },
      'reset de': {
        ...base,
        id: 'reset',
        locale: 'de',
        title: 'Zurücksetzen',
        body: '# Zurücksetzen ##\n\nText\n---\nnot front matter\n---\n',
      },
      'billing/refund pt-BR': {
        ...base,
        id: 'billing/refund',
        locale: 'pt-BR',
        title: 'refund',
        body: 'no title',
      },
      'qa/odd': { ...base, id: 'qa/odd', locale: null, title: 'Odd & <b>even', body: '<p>M</p>' },
      h1: { ...base, id: 'h1', locale: null, title: 'First one', body: '<h1>First <i>one</i></h1><p>B</p>' },
      '17 fr': { ...base, id: '17', locale: 'fr', title: 'own', body: 'x' },
    });
  });

  it('takes out what has gone from the same folder, keeps what it cannot read, and touches nothing else', async () => {
    const { knowledge } = await serve();
    for (const name of ['a', 'b', 'c']) write(`help/${name}.md`, `# ${name}`);
    write('other/a2.md', '# other');
    await run(['import', '--articles', 'help']);
    await run(['import', '--articles', 'other']);
    const [source = ''] = knowledge
      .summary()
      .sources.map((each) => each.source)
      .filter((name) => name.startsWith('import/help-'));
    expect(knowledge.keys(source, 'articles')).toEqual(['a', 'b', 'c']);
    rmSync(join(folder, 'help/a.md'));
    write('help/b.md', '---\ntitle: [\n---\n');
    const { code, stdout } = await run(['import', '--articles', './help/']);
    expect(code).toBe(1);
    expect(stdout).toMatch(/removed {3}1\n/);
    expect(stdout).toContain('  b.md: What stands between --- at its top is not YAML of names and values.\n');
    expect(knowledge.keys(source, 'articles')).toEqual(['b', 'c']);
    expect(knowledge.summary().sources).toHaveLength(2);
  });

  it.each([
    [['import'], 2, /Name what to import/],
    [['import', '--solved', 'none.jsonl'], 2, /none\.jsonl cannot be read \(ENOENT\)/],
    [['import', '--solved', 'x.csv'], 2, /must be a file of JSON lines/],
    [['import', '--articles', 'empty'], 2, /holds neither Markdown nor HTML/],
    [['import', '--articles', 'a.jsonl', '--source', 'A B'], 1, /source must be 1 to 60 of/],
  ] as const)('%j is told what is wrong', async (args, status, sentence) => {
    await serve();
    write('x.csv', 'id\n');
    write('a.jsonl', '{}');
    mkdirSync(join(folder, 'empty'));
    const { code, stdout, stderr } = await run(args);
    expect([code, stdout]).toEqual([status, '']);
    expect(stderr).toMatch(sentence);
  });

  it('wants an operator', async () => {
    await serve();
    write('a.jsonl', '{"id":"a","title":"A","body":"b"}');
    const { code, stderr } = await run(['import', '--articles', 'a.jsonl'], VIEWER_TOKEN);
    expect([code, stderr]).toEqual([1, expect.stringMatching(/its role is viewer/)]);
  });
});

it('knowledge search shows what would be found, with nothing that a terminal obeys', async () => {
  const { knowledge } = await serve();
  knowledge.found = NOTHING_FOUND;
  expect((await run(['search', 'x'])).stdout).toBe('Nothing is found for that.\n');
  knowledge.search = async ({ text, subject, limit }) => ({
    articles: [
      {
        id: 'a',
        locale: null,
        title: `\u001b[2JAbout ${text} ${subject} ${limit}`,
        url: 'https://h.test/a',
        restricted: false,
        heading: 'H',
        passage: 'p'.repeat(400),
        share: 0.612,
        votes: 1,
      },
    ],
    solved: [{ id: '5158', subject: 'S', reply: 'R\nR', score: 2 }],
    canned: [],
    version: '7',
  });
  const { code, stdout } = await run(['search', 'sign', 'in', '--subject', 'Help', '--limit', '3']);
  expect(code).toBe(0);
  expect(stdout).toBe(
    `\n  About sign in Help 3 (a)  61 % of the evidence, 1 vote\n    https://h.test/a\n    H\n    ${'p'.repeat(300)}…\n\n  S (5158)  solved ticket\n    R R\n\n`,
  );
  expect(JSON.parse((await run(['search', 'x', '--json'])).stdout)).toMatchObject({ version: '7' });
  expect((await run(['search', 'ü'.repeat(6_000)])).code).toBe(2);
});

describe('knowledge sync', () => {
  const pass = (state: SourceProgress['state'], listed: number, error: string | null = null): SourceProgress => {
    const none = { imported: 0, updated: 0, removed: 0, rejected: 0 };
    return { source: 'zendesk', kind: 'articles', state, listed, ...none, error };
  };
  /** Each look at it is one step further. */
  const stepping = (...steps: SourceProgress[]) => {
    let at = -1;
    const progress = () => [steps[Math.min(Math.max(at, 0), steps.length - 1)] ?? pass('stopped', 0)];
    return {
      sync: async () => [],
      progress: () => {
        at += 1;
        return progress();
      },
    };
  };

  it('follows it to its end', async () => {
    await serve({
      knowledgeSync: stepping(pass('stopped', 0), pass('reading', 0), pass('reading', 100), pass('synced', 192)),
    });
    const { code, stdout } = await run(['sync']);
    expect([code, stdout.trim().split(/\n */)]).toEqual([
      0,
      ['zendesk articles  reading', 'zendesk articles  reading, 100 listed', 'zendesk articles  synced, 192 listed'],
    ]);
  });

  it('says why a source was not read, as JSON too', async () => {
    await serve({ knowledgeSync: stepping(pass('failed', 3, 'No permission.')) });
    const { code, stdout } = await run(['sync']);
    expect([code, stdout]).toEqual([1, '  zendesk articles  failed, 3 listed, No permission.\n']);
    const json = await run(['sync', '--json', '--no-wait']);
    expect([json.code, JSON.parse(json.stdout)]).toEqual([0, { sync: [pass('failed', 3, 'No permission.')] }]);
  });

  it('says that there is nothing to read', async () => {
    await serve();
    const { code, stderr } = await run(['sync']);
    expect([code, stderr]).toEqual([1, expect.stringMatching(/^error: No helpdesk is configured/)]);
  });
});

it('knowledge status shows counts and sources, and begins with what to do', async () => {
  const vectors = { model: 'm', state: 'waiting', wanted: 9_800, made: 12, refused: 1, error: 'It broke.' } as const;
  const { knowledge } = await serve({ embeddings: { progress: () => vectors } });
  expect((await run(['status'])).stdout).toMatch(/^Nothing is known yet\. .*knowledge import/);
  knowledge.summary = () => ({
    counts: { articles: 192, solved: 9_000, canned: 0 },
    linked: 1_519,
    sources: [
      { source: 'zendesk', kind: 'articles', count: 192, cursor: null, syncedAt: 0, error: null },
      { source: 'import', kind: 'solved', count: 9_000, cursor: null, syncedAt: null, error: 'It broke.' },
    ],
    version: '42',
  });
  const { code, stdout } = await run(['status']);
  expect(code).toBe(0);
  expect(stdout).toContain('solved tickets    9,000, 1,519 of them with a link\n');
  expect(stdout).toContain('zendesk articles  192, read to its end at 1970-01-01T00:00:00.000Z\n');
  expect(stdout).toContain('import solved     9,000; It broke.\n');
  expect(stdout).toContain('vectors           12 of 9,800 by m, waiting, 1 refused, It broke.\n');
});
