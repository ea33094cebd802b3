import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { seededRandom, systemClock } from '../../src/core/clock.ts';
import { createLlmSimulator, type LlmSimulator } from '../../src/sandbox/openai.ts';
import { listen, type ListeningServer } from '../../src/sandbox/server.ts';
import { type ProgramRun, startProgram } from './program.ts';

/* The program as a user runs it, against the LLM simulator on a socket. */

const THINGS = ['printer', 'kettle', 'lamp', 'bicycle', 'radio', 'camera', 'heater', 'mixer', 'drill', 'scanner'];

interface Report {
  readonly run: {
    readonly id: string;
    readonly tickets: number;
    readonly similarity: number;
    readonly linked: number;
    readonly versions: { readonly rules: string | null };
  };
  readonly last: { readonly id: string; readonly similarity: number } | null;
  readonly change: { readonly similarity: { readonly mean: number; readonly pairs: number } | null };
  readonly regressions: readonly string[];
  readonly worst: readonly { readonly id: string }[];
  readonly earlier: number;
  readonly report: string;
}

describe('draftdesk replay', () => {
  let folder: string;
  let llm: LlmSimulator;
  let server: ListeningServer;
  const running: ProgramRun[] = [];

  const serve = async (latencyMs = 0): Promise<void> => {
    llm = createLlmSimulator({ clock: systemClock(), random: seededRandom(1), latencyMs });
    server = await listen(llm.fetch);
  };
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'draftdesk-'));
    await serve();
  });
  afterEach(async () => {
    for (const { child, ended } of running.splice(0)) {
      child.kill('SIGKILL');
      await ended;
    }
    await server.close();
    rmSync(folder, { recursive: true, force: true });
  });

  const start = (args: readonly string[], env: Readonly<Record<string, string>> = {}): ProgramRun => {
    const run = startProgram(['replay', '--solved', 'solved.jsonl', '--budget-usd', '5', ...args], {
      cwd: folder,
      env: {
        OPENAI_BASE_URL: `${server.url}/v1`,
        OPENAI_API_KEY: llm.apiKey,
        LLM_MODEL: llm.models[0] ?? '',
        LLM_REQUESTS_PER_MINUTE: '1000000',
        LLM_TOKENS_PER_MINUTE: '1000000000',
        RETRY_BASE_MS: '10',
        RETRY_MAX_MS: '50',
        WORKER_CONCURRENCY: '8',
        ...env,
      },
    });
    running.push(run);
    return run;
  };
  const replay = async (...args: readonly string[]) => {
    const { code, stdout, stderr } = await start(['--json', ...args]).ended;
    return { code, stderr, ...(JSON.parse(stdout === '' ? '{}' : stdout) as Report) };
  };
  const lines = (name: string, items: readonly object[]): void =>
    writeFileSync(join(folder, name), items.map((item) => `${JSON.stringify(item)}\n`).join(''));
  const day = (n: number): string => new Date(Date.UTC(2026, 0, 1 + n)).toISOString();
  const advice = (thing: string): string =>
    `Take the ${thing} off the mains, clean the ${thing} filter, then press the ${thing} reset switch twice.`;
  /** Many of each thing, answered with what its article says. */
  const solved = (count: number): object[] =>
    Array.from({ length: count }, (_, n) => {
      const thing = THINGS[n % THINGS.length] ?? '';
      const subject = `My ${thing} does not work`;
      const description = `<p>Since yesterday my ${thing} does not start. What can I do about it?</p>`;
      const reply = `${advice(thing)} https://help.example.com/${thing}`;
      return { id: `S-${n}`, subject, description, reply, customer: `c-${n}`, solvedAt: day(n) };
    });
  const articles = (): object[] =>
    THINGS.map((thing) => ({
      id: thing,
      title: `When your ${thing} does not work`,
      body: `<p>${advice(thing)}</p>`,
      url: `https://help.example.com/${thing}`,
    }));

  it('drafts, tells how near drafts come, keeps page and numbers for its owner only, and pays nothing again', async () => {
    lines('solved.jsonl', [...solved(50), { id: 'broken' }]);
    lines('articles.jsonl', articles());
    const first = await replay('--articles', 'articles.jsonl', '--sample', '20');
    expect(first).toMatchObject({ code: 0, run: { tickets: 20, linked: 20 }, last: null, regressions: [], earlier: 0 });
    expect(first.stderr).toContain('solved.jsonl:51 ');
    expect(first.run.similarity).toBeGreaterThan(0.3);
    expect(first.worst).toHaveLength(10);
    expect(llm.stats().answered).toBe(20);
    const page = join(folder, first.report);
    expect(statSync(page).mode & 0o777).toBe(0o600);
    expect(statSync(join(folder, 'solved.jsonl.replay')).mode & 0o777).toBe(0o700);
    expect(readFileSync(page, 'utf8')).toContain('press the');
    const numbers = readFileSync(join(folder, `solved.jsonl.replay/run-${first.run.id}.json`), 'utf8');
    expect(numbers).not.toContain('press the');
    const again = await replay('--articles', 'articles.jsonl', '--sample', '20');
    expect(again).toMatchObject({ code: 0, run: first.run, last: null, earlier: 20 });
    expect(llm.stats().answered).toBe(20);
    expect(await replay('--articles', 'articles.jsonl', '--sample', '30')).toMatchObject({ earlier: 20 });
    expect(llm.stats().answered).toBe(30);
  });

  it('ends with 1 when drafts have become worse than allowed, on the same tickets', async () => {
    lines('solved.jsonl', solved(40));
    lines('articles.jsonl', articles());
    const args = ['--sample', '40'];
    const good = await replay('--articles', 'articles.jsonl', ...args);
    // every answer tells the same: without articles the early tickets have nobody to learn from
    lines('nothing.jsonl', [{ id: 'x', title: 'Opening hours', body: 'We are there from nine to five every day.' }]);
    const bad = await replay('--articles', 'nothing.jsonl', ...args);
    expect(bad.last).toMatchObject({ id: good.run.id, similarity: good.run.similarity });
    expect(bad.change.similarity?.mean).toBeLessThan(-0.02);
    expect(bad).toMatchObject({ code: 1, regressions: [expect.stringMatching(/less like .*0\.02/)] });
    expect(await replay('--articles', 'nothing.jsonl', ...args, '--max-regress', '0.9')).toMatchObject({ code: 0 });
    expect(await replay('--articles', 'articles.jsonl', ...args)).toMatchObject({ code: 0, last: { id: bad.run.id } });
    expect(await replay('--articles', 'articles.jsonl', ...args, '--against', 'abc')).toMatchObject({ code: 2 });
    expect(llm.stats().answered).toBe(80);
  });

  it('knows only what was known before a ticket, and neither itself nor its customer', async () => {
    const ask = { subject: 'My kettle leaks', description: 'Water comes out of my kettle. Why is that so?' };
    lines('solved.jsonl', [
      { id: 'early', ...ask, reply: 'Marmalade answer about kettles.', customer: 'a', solvedAt: day(1) },
      { id: 'same', ...ask, reply: 'Nightingale answer about kettles.', customer: 'me', solvedAt: day(2) },
      { id: 'now', ...ask, reply: 'Porcupine answer about kettles.', customer: 'me', solvedAt: day(3) },
      { id: 'late', ...ask, reply: 'Zeppelin answer about kettles.', customer: 'b', solvedAt: day(4) },
    ]);
    expect(await replay()).toMatchObject({ code: 0, run: { tickets: 4 } });
    const seen = llm.prompts.map((prompt) =>
      ['Marmalade', 'Nightingale', 'Porcupine', 'Zeppelin'].filter((word) => prompt.includes(word)),
    );
    const found = seen.map((words) => words.join(' ')).toSorted((a, b) => a.length - b.length);
    expect(found).toEqual(['', 'Marmalade', 'Marmalade', 'Marmalade Nightingale Porcupine']);
  });

  it('shows a ticket without a time all others, but never its own answer', async () => {
    const ask = { subject: 'My kettle leaks', description: 'Water comes out of my kettle. Why is that so?' };
    lines('solved.jsonl', [
      { id: 'one', ...ask, reply: 'Marmalade answer about kettles.' },
      { id: 'two', ...ask, reply: 'Nightingale answer about kettles.' },
    ]);
    expect(await replay()).toMatchObject({ code: 0, run: { tickets: 2 } });
    const seen = llm.prompts.map((prompt) => ['Marmalade', 'Nightingale'].filter((word) => prompt.includes(word)));
    expect(seen.map((words) => words.join(' ')).toSorted((a, b) => a.length - b.length)).toEqual([
      'Marmalade',
      'Nightingale',
    ]);
  });

  it('drafts by the rules of --config, compares them with the run without, and tells what is wrong with them', async () => {
    lines('solved.jsonl', [
      ...solved(20),
      {
        id: 'de',
        subject: 'Der Drucker geht nicht',
        description: 'Seit gestern startet mein Drucker nicht, und ich weiß nicht, was ich tun kann.',
        reply: 'Bitte drücken Sie den Schalter am Drucker.',
      },
    ]);
    const without = await replay();
    expect(without.run).toMatchObject({ ruledOut: 0, versions: { rules: null } });
    const rules =
      'rules:\n  - { name: german, when: { language: de }, action: off }\n  - { name: all, action: draft }\n';
    writeFileSync(join(folder, 'rules.yaml'), rules);
    const asked = llm.stats().answered;
    const ruled = await replay('--config', 'rules.yaml');
    expect(ruled).toMatchObject({ code: 0, run: { ruledOut: 1, failed: 0 }, last: { id: without.run.id } });
    expect(ruled.run.versions.rules).toMatch(/^[0-9a-f]{12}$/);
    expect(llm.stats().answered).toBe(asked + 20);
    writeFileSync(join(folder, 'rules.yaml'), 'rules: 7\n');
    const wrong = await replay('--config', 'rules.yaml');
    expect(wrong).toMatchObject({ code: 78, stderr: expect.stringContaining('DRAFTDESK_CONFIG') });
  });

  it('lets rules see what the lines say of a ticket, and tells how many do not say what a rule asks for', async () => {
    const traits = [{ channel: 'chat', tags: ['vip'] }, { channel: 'email', priority: 'high' }, {}];
    lines(
      'solved.jsonl',
      solved(9).map((line, n) => ({ ...line, ...traits[n % 3] })),
    );
    writeFileSync(
      join(folder, 'rules.yaml'),
      'rules:\n  - { name: no-chat, when: { channel: chat }, action: off }\n  - { name: urgent, when: { priority: high }, action: off }\n',
    );
    const { run, stderr } = await replay('--config', 'rules.yaml');
    expect(run).toMatchObject({ ruledOut: 6, tickets: 9 });
    expect(stderr).toContain('3 of 9 tickets do not say their channel: no-chat takes none of them.');
    expect(stderr).toContain('6 of 9 tickets do not say their priority: urgent takes none of them.');
    lines('solved.jsonl', [{ ...solved(1)[0], priority: 'now' }]);
    expect(await replay()).toMatchObject({ stderr: expect.stringContaining('priority must be one of') });
  });

  it.each(['REVIEW_MODEL', 'QUERY_MODEL'])('is another run with %s, so that both can be compared', async (name) => {
    lines('solved.jsonl', solved(5));
    const plain = await replay();
    const { code, stdout } = await start(['--json'], { [name]: 'gpt-5.4-mini' }).ended;
    const other = JSON.parse(stdout) as Report;
    expect([code, other.last?.id, other.earlier]).toEqual([0, plain.run.id, 0]);
    expect(other.run.id).not.toBe(plain.run.id);
  });

  it('goes on after SIGKILL and pays nothing twice but what was in flight', async () => {
    await server.close();
    await serve(40);
    lines('solved.jsonl', solved(50));
    const run = start(['--json']);
    while (llm.stats().answered < 15) await systemClock().sleep(5);
    run.child.kill('SIGKILL');
    await run.ended;
    const rest = await replay();
    expect(rest).toMatchObject({ code: 0, run: { tickets: 50 } });
    expect(rest.earlier).toBeGreaterThan(0);
    expect(llm.stats().answered).toBeLessThanOrEqual(50 + 8);
    const paid = llm.stats().answered;
    expect(await replay()).toMatchObject({ code: 0, earlier: 50 });
    expect(llm.stats().answered).toBe(paid);
  }, 60_000);

  it('stops at the budget with 75 and goes on with a larger one; needs one; estimates without a call', async () => {
    lines('solved.jsonl', solved(30));
    mkdirSync(join(folder, 'help'));
    writeFileSync(join(folder, 'help/bad.md'), '---\n- no names\n---\ntext');
    const dry = await start(['--dry-run', '--json', '--articles', 'help']).ended;
    expect(dry.stderr).toMatch(/^bad\.md /);
    expect(JSON.parse((await start(['--dry-run', '--json']).ended).stdout)).toMatchObject({ tickets: 30 });
    expect(llm.stats().requests).toBe(0);
    const stopped = await replay('--budget-usd', '0.003');
    expect(stopped).toMatchObject({ code: 75, stderr: expect.stringMatching(/Stopped with \d+ of 30 .*larger/) });
    expect(await replay()).toMatchObject({ code: 0, run: { tickets: 30 } });
    expect(llm.stats().answered).toBe(30);
  });

  it('shows what strangers wrote as text, on the page and at the terminal', async () => {
    const evil = `<script>alert(1)</script><img src=x onerror=alert(2)> "' &amp; \u202Egnp.exe \u001B[31mred`;
    lines('solved.jsonl', [
      { id: '<b>1</b>\u001B[2J', subject: evil, description: `Text ${evil} and more`, reply: `Answer ${evil} here` },
      { id: '2', subject: evil, description: `Text ${evil} and more`, reply: 'You can press the button on the left.' },
    ]);
    const { stdout, stderr, code } = await start(['--show']).ended;
    expect(code).toBe(0);
    // oxlint-disable-next-line no-control-regex -- looks for them
    expect(`${stdout}${stderr}`).not.toMatch(/[\u001B\u202E]/);
    const path = /(\S+\.html)/.exec(stdout)?.[1] ?? '';
    const page = readFileSync(join(folder, path), 'utf8');
    expect(page).toContain('&#60;b&#62;1&#60;/b&#62;');
    expect(page).not.toMatch(/<(?:script|img|b)\b|[\u202E]/);
    expect(page).toContain(`content="default-src &#39;none&#39;; style-src &#39;sha256-`);
  });
});
