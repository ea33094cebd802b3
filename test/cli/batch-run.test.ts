import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'csv-parse/sync';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { seededRandom, systemClock } from '../../src/core/clock.ts';
import { createLlmSimulator, type LlmSimulator } from '../../src/sandbox/openai.ts';
import { listen, type ListeningServer } from '../../src/sandbox/server.ts';
import { type ProgramRun, startProgram } from './program.ts';

/* The program as a user runs it, against the LLM simulator on a socket. */

interface Line {
  readonly id: string | number;
  readonly status: string;
  readonly draft: string | null;
  readonly error: string | null;
  readonly attempts: number;
  readonly durationMs: number;
  readonly review: { readonly verdict: string } | null;
}

describe('draftdesk batch run', () => {
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

  const start = (
    args: readonly string[],
    env: Readonly<Record<string, string>> = {},
    under: readonly string[] = [],
  ): ProgramRun => {
    const run = startProgram(['batch', 'run', ...args], {
      cwd: folder,
      under,
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
  const write = (name: string, text: string): void => writeFileSync(join(folder, name), text);
  const read = (name: string): string => readFileSync(join(folder, name), 'utf8');
  const lines = (name = 'out.jsonl'): Line[] =>
    read(name)
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line) as Line);
  const ids = (): string[] => lines().map(({ id }) => String(id));
  const ticket = (n: number, text = 'Where is my parcel, please?'): string =>
    JSON.stringify({ id: `T-${n}`, subject: `Question ${n}`, description: text });
  const tickets = (count: number): string => Array.from({ length: count }, (_, n) => `${ticket(n)}\n`).join('');

  it('drafts every line, names the broken ones, counts an id once, and pays nothing when run again', async () => {
    write(
      'in.jsonl',
      `\uFEFF${ticket(1)}\r\nnonsense\n\n{"id":"x"}\n{"id":7,"subject":"Seven","description":"<p>Is it <b>open</b>?</p>"}\n${ticket(1)}\n{"id":"e","subject":"","description":" "}\n{"id":"Ü","subject":"Ä","description":"ö"}`,
    );
    const first = await start(['in.jsonl', '--out', 'out.jsonl']).ended;
    expect(first.stderr).toBe(
      'in.jsonl:2 is not JSON\nin.jsonl:4 needs "subject" and "description", both text\nin.jsonl:6 has the id of line 1; left out\n',
    );
    expect(first.code).toBe(1);
    const found = new Map(lines().map((line) => [line.id, line]));
    expect([...found.keys()].map(String).toSorted()).toEqual(['7', 'T-1', 'e', 'Ü']);
    expect(found.get(7)).toMatchObject({ status: 'drafted', error: null, attempts: 1 });
    expect(found.get(7)?.draft).toContain('Seven');
    expect(found.get('e')).toMatchObject({ status: 'skipped', draft: null, error: 'The ticket has no text.' });
    const fields = ['id', 'status', 'draft', 'error', 'attempts', 'durationMs'];
    fields.push('sources', 'unproven', 'versions', 'review');
    expect(Object.keys(found.get('T-1') ?? {})).toEqual(fields);
    expect(llm.stats().answered).toBe(3);
    const before = read('out.jsonl');
    await start(['in.jsonl', '--out', 'out.jsonl']).ended;
    expect(read('out.jsonl')).toBe(before);
    expect(llm.stats().answered).toBe(3);
  });

  it('goes on after SIGKILL: no line twice, none missing, none paid twice but what was in flight', async () => {
    await server.close();
    await serve(40);
    const total = 120;
    write('in.jsonl', tickets(total));
    for (const goal of [15, 50]) {
      const run = start(['in.jsonl', '--out', 'out.jsonl']);
      while (!existsSync(join(folder, 'out.jsonl')) || read('out.jsonl').split('\n').length <= goal) {
        await systemClock().sleep(5);
      }
      run.child.kill('SIGKILL');
      await run.ended;
    }
    // as a disk leaves it that lost the end of the last write
    truncateSync(join(folder, 'out.jsonl'), statSync(join(folder, 'out.jsonl')).size - 9);
    expect((await start(['in.jsonl', '--out', 'out.jsonl']).ended).code).toBe(0);
    expect(ids().toSorted()).toEqual(Array.from({ length: total }, (_, n) => `T-${n}`).toSorted());
    expect(llm.stats().answered).toBeLessThanOrEqual(total + 2 * 8);
  }, 60_000);

  it('ends with 130 on SIGINT, lets paid calls finish, says how to go on, and pays nothing twice', async () => {
    await server.close();
    await serve(60);
    write('in.jsonl', tickets(80));
    const run = start(['in.jsonl', '--out', 'out.jsonl']);
    while (!existsSync(join(folder, 'out.jsonl')) || read('out.jsonl').split('\n').length <= 10) {
      await systemClock().sleep(5);
    }
    run.child.kill('SIGINT');
    const { code, stdout } = await run.ended;
    expect(code).toBe(130);
    expect(stdout).toMatch(/Run the same command again/);
    expect(llm.stats().answered).toBe(lines().length);
    expect((await start(['in.jsonl', '--out', 'out.jsonl']).ended).code).toBe(0);
    expect(new Set(ids()).size).toBe(80);
    expect(ids()).toHaveLength(80);
    expect(llm.stats().answered).toBe(80);
  }, 60_000);

  it('drafts anew only what was changed or added, wherever the lines stand', async () => {
    write('in.jsonl', tickets(4));
    await start(['in.jsonl', '--out', 'out.jsonl']).ended;
    write(
      'in.jsonl',
      `${ticket(9)}\n${ticket(3)}\n${ticket(2, 'Another text. Do you ship?')}\n${ticket(1)}\n${ticket(0)}\n`,
    );
    const { code, stdout } = await start(['in.jsonl', '--out', 'out.jsonl', '--json']).ended;
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ tickets: 5, drafted: 5, changed: 1, earlier: 3 });
    expect(ids().toSorted()).toEqual(['T-0', 'T-1', 'T-2', 'T-3', 'T-9']);
    expect(llm.stats().answered).toBe(6);
  });

  it('writes the answers again when they are lost, without paying', async () => {
    write('in.jsonl', tickets(3));
    await start(['in.jsonl', '--out', 'out.jsonl']).ended;
    rmSync(join(folder, 'out.jsonl'));
    await start(['in.jsonl', '--out', 'out.jsonl']).ended;
    expect(ids().toSorted()).toEqual(['T-0', 'T-1', 'T-2']);
    expect(llm.stats().answered).toBe(3);
  });

  it('does not write over an edited answer unless told to', async () => {
    write('in.jsonl', tickets(2));
    await start(['in.jsonl', '--out', 'out.jsonl']).ended;
    const ours = read('out.jsonl');
    const edited = ours.replace('Hello', 'Good morning');
    write('out.jsonl', edited);
    const { code, stderr } = await start(['in.jsonl', '--out', 'out.jsonl']).ended;
    expect(code).toBe(1);
    expect(stderr).toMatch(/^error: Line 1 of out\.jsonl is not what .*--force/);
    expect(read('out.jsonl')).toBe(edited);
    await start(['in.jsonl', '--out', 'out.jsonl', '--force']).ended;
    expect(read('out.jsonl').split('\n').toSorted()).toEqual(ours.split('\n').toSorted());
    expect(llm.stats().answered).toBe(2);
  });

  it('does a part with --limit, and the rest later', async () => {
    write('in.jsonl', tickets(5));
    await start(['in.jsonl', '--out', 'out.jsonl', '--limit', '2']).ended;
    expect(ids().toSorted()).toEqual(['T-0', 'T-1']);
    await start(['in.jsonl', '--out', 'out.jsonl']).ended;
    expect(ids()).toHaveLength(5);
    expect(llm.stats().answered).toBe(5);
  });

  it('tries dead tickets again with --retry, and only then', async () => {
    write('in.jsonl', tickets(3));
    const env = { MAX_ATTEMPTS: '1' };
    llm.faults.failNext('server_error', ({ path }) => path.endsWith('/chat/completions'));
    const first = await start(['in.jsonl', '--out', 'out.jsonl'], env).ended;
    expect(first.code).toBe(1);
    expect(first.stdout).toMatch(/1 server_error, e\.g\. line \d/);
    expect(lines().filter(({ status }) => status === 'dead')).toMatchObject([{ draft: null, attempts: 1 }]);
    expect((await start(['in.jsonl', '--out', 'out.jsonl'], env).ended).code).toBe(1);
    expect((await start(['in.jsonl', '--out', 'out.jsonl', '--retry'], env).ended).code).toBe(0);
    expect(lines().map(({ status }) => status)).toEqual(['drafted', 'drafted', 'drafted']);
    expect(new Set(ids()).size).toBe(3);
  });

  it('reads and writes CSV: quotes, lines in fields, byte order mark, a stray quote', async () => {
    write(
      'in.csv',
      '\uFEFFSubject;ID;Description;Other\r\nOne;1;"Is it open?\r\nI ask; ""today"".";x\r\nTwo;2;a 5" disk;x\r\nThree;3;short\r\nFour;4;"Yes or no?";x\r\n',
    );
    const { stderr, code } = await start(['in.csv', '--out', 'out.csv']).ended;
    expect(stderr).toMatch(/^in\.csv:4 .*quote.*\nin\.csv:5 has 3 columns instead of 4\n$/);
    expect(code).toBe(1);
    const rows = parse(read('out.csv'), { columns: true }) as Record<string, string>[];
    expect(rows.map(({ id, status }) => `${id} ${status}`).toSorted()).toEqual(['1 drafted', '4 drafted']);
    expect(llm.prompts.join('\n')).toContain('I ask; "today".');
    const before = read('out.csv');
    // a write that was cut off within a quoted field
    appendFileSync(join(folder, 'out.csv'), '9,drafted,"Hello\n\nthank');
    await start(['in.csv', '--out', 'out.csv']).ended;
    expect(read('out.csv')).toBe(before);
    expect(llm.stats().answered).toBe(2);
  });

  it('has REVIEW_MODEL judge each draft and revises once, and pays for no step twice when it is killed', async () => {
    write('in.jsonl', tickets(40));
    const env = { REVIEW_MODEL: 'gpt-5.4-mini' };
    const first = start(['in.jsonl', '--out', 'out.jsonl'], env);
    const reviewed = (): number => llm.stats().byModel['gpt-5.4-mini'] ?? 0;
    while (reviewed() < 10) await new Promise((resolve) => setTimeout(resolve, 5));
    first.child.kill('SIGKILL');
    await first.ended;
    const { code } = await start(['in.jsonl', '--out', 'out.jsonl'], env).ended;
    expect(code).toBe(0);
    const verdicts = lines().map(({ review }) => review?.verdict);
    const revised = verdicts.filter((verdict) => verdict === 'revised').length;
    expect(revised).toBeGreaterThan(0);
    expect(verdicts.filter((verdict) => verdict === 'passed').length + revised).toBe(40);
    // what was in hand when it was killed may be asked for twice
    expect(reviewed()).toBeLessThanOrEqual(40 + 8);
    expect(llm.stats().answered).toBeLessThanOrEqual(40 + 40 + revised + 8);
  });

  it('counts reviews and one revision in five in its estimate', async () => {
    write('in.jsonl', tickets(100));
    const estimate = async (env: Record<string, string> = {}) => {
      const { stdout } = await start(['in.jsonl', '--dry-run', '--json'], env).ended;
      return JSON.parse(stdout) as { promptTokens: number; costUsd: number; review: unknown };
    };
    const [plain, reviewed] = [await estimate(), await estimate({ REVIEW_MODEL: 'gpt-5.4-mini' })];
    expect([plain.review, reviewed.review]).toEqual([null, { model: 'gpt-5.4-mini', revisions: 20 }]);
    expect(reviewed.promptTokens).toBeGreaterThan(2 * plain.promptTokens);
    expect(reviewed.costUsd).toBeGreaterThan(1.5 * plain.costUsd);
    const { stdout } = await start(['in.jsonl', '--dry-run'], { REVIEW_MODEL: 'gpt-5.4-mini' }).ended;
    expect(stdout).toContain('each draft by gpt-5.4-mini; 20 written anew (assumed)');
    expect(llm.stats().answered).toBe(0);
  });

  it('estimates without a call, and leaves out what is done', async () => {
    write('in.jsonl', tickets(10));
    const env = { LLM_REQUESTS_PER_MINUTE: '2' };
    const dry = await start(['in.jsonl', '--dry-run', '--json'], env).ended;
    expect(dry.code).toBe(0);
    const estimate = JSON.parse(dry.stdout) as { promptTokens: number; costUsd: number };
    expect(estimate).toMatchObject({ tickets: 10, minutes: 5, bound: 'llm.requests' });
    expect(estimate.promptTokens).toBeGreaterThan(1000);
    expect(estimate.costUsd).toBeGreaterThan(0);
    expect(llm.stats().requests).toBe(0);
    await start(['in.jsonl', '--out', 'out.jsonl', '--limit', '4']).ended;
    const rest = await start(['in.jsonl', '--out', 'out.jsonl', '--dry-run', '--json'], env).ended;
    expect(JSON.parse(rest.stdout)).toMatchObject({ tickets: 6 });
    expect(llm.stats().requests).toBe(4);
  });

  it('ends at --budget-usd without spending more, counts earlier runs, and goes on with a larger one', async () => {
    write('in.jsonl', tickets(60));
    const run = async (args: readonly string[], env = {}) => {
      const { code, stdout } = await start(['in.jsonl', '--out', 'out.jsonl', '--json', ...args], env).ended;
      return { code, ...(JSON.parse(stdout) as { done: number; costUsd: number; stopped: string | null }) };
    };
    const first = await run(['--budget-usd', '0.003']);
    expect(first).toMatchObject({ code: 75, stopped: expect.stringMatching(/--budget-usd 0\.003 .*larger/) });
    expect(first.done).toBeGreaterThan(0);
    expect(first.costUsd).toBeLessThanOrEqual(0.003);
    expect(await run(['--budget-usd', '0.003'])).toMatchObject({ code: 75, done: first.done, costUsd: 0 });
    const daily = await run([], { LLM_DAILY_BUDGET_USD: '0.005', WORKER_CONCURRENCY: '1' });
    expect(daily).toMatchObject({ code: 75, stopped: expect.stringMatching(/LLM_DAILY_BUDGET_USD.*00:00 UTC/) });
    expect(first.costUsd + daily.costUsd).toBeLessThanOrEqual(0.005 * 0.8);
    expect(await run(['--budget-usd', '1'])).toMatchObject({ code: 0, done: 60, stopped: null });
    expect(new Set(ids()).size).toBe(60);
    expect(llm.stats().answered).toBe(60);
  }, 60_000);

  it('refuses a budget where no price is known', async () => {
    write('in.jsonl', tickets(1));
    const { code, stderr } = await start(['in.jsonl', '--out', 'out.jsonl', '--budget-usd', '1'], {
      LLM_MODEL: 'own-model',
    }).ended;
    expect(code).toBe(78);
    expect(stderr).toMatch(/^error: --budget-usd means nothing: the price of LLM_MODEL is not known\.$/m);
    expect(llm.stats().requests).toBe(0);
  });

  it('asks at the flex price, also for what an earlier run has left', async () => {
    write('in.jsonl', tickets(30));
    await start(['in.jsonl', '--out', 'out.jsonl', '--budget-usd', '0.002'], { WORKER_CONCURRENCY: '1' }).ended;
    const before = llm.stats().answered;
    expect(before).toBeGreaterThan(0);
    expect(llm.stats().flex).toBe(0);
    expect((await start(['in.jsonl', '--out', 'out.jsonl', '--lane', 'flex']).ended).code).toBe(0);
    expect(llm.stats().flex).toBe(30 - before);
  });

  it('ends when every ticket dies, says why, and goes on with --retry', async () => {
    write('in.jsonl', tickets(80));
    llm.overload(llm.models[0] ?? '', true);
    const { code, stdout } = await start(['in.jsonl', '--out', 'out.jsonl'], { MAX_ATTEMPTS: '1' }).ended;
    expect(code).toBe(1);
    expect(stdout).toMatch(/✗ \d+ \w+, e\.g\. line \d+: [^]*Every ticket so far has died.*--retry/);
    expect(llm.stats().requests).toBeLessThan(80);
    llm.overload(llm.models[0] ?? '', false);
    expect((await start(['in.jsonl', '--out', 'out.jsonl', '--retry']).ended).code).toBe(0);
    expect(new Set(ids()).size).toBe(80);
    expect(lines().every(({ status }) => status === 'drafted')).toBe(true);
  }, 60_000);

  it('stops with 78 at a refused key, and goes on with a good one', async () => {
    write('in.jsonl', tickets(3));
    const refused = await start(['in.jsonl', '--out', 'out.jsonl'], { OPENAI_API_KEY: 'sk-canary' }).ended;
    expect(refused.code).toBe(78);
    expect(refused.stderr).toMatch(/401/);
    expect(refused.stderr).not.toContain('canary');
    expect((await start(['in.jsonl', '--out', 'out.jsonl']).ended).code).toBe(0);
  });

  it('names every wrong setting, needs none of a helpdesk', async () => {
    write('in.jsonl', tickets(1));
    const { code, stderr } = await start(['in.jsonl', '--out', 'out.jsonl'], {
      OPENAI_BASE_URL: 'http://10.0.0.5/v1',
      WORKER_CONCURRENCY: 'x',
    }).ended;
    expect(code).toBe(78);
    expect(stderr).toMatch(/OPENAI_BASE_URL[^]*WORKER_CONCURRENCY|WORKER_CONCURRENCY[^]*OPENAI_BASE_URL/);
    expect(stderr).not.toMatch(/ADMIN_TOKEN|helpdesk/);
  });

  it('a disk that breaks ends it with 74 and one sentence, and the next run goes on', async () => {
    write('in.jsonl', tickets(400));
    // in blocks of 1 KiB (bash): nothing grows beyond 1 MB
    const run = start(['in.jsonl', '--out', 'out.jsonl'], {}, [
      'bash',
      '--norc',
      '-c',
      'ulimit -f 1000; exec "$@"',
      'bash',
    ]);
    const { code, stderr } = await run.ended;
    expect(code).toBe(74);
    expect(stderr).toMatch(/^error: \S+ cannot be .*\((SQLITE_IOERR_WRITE|EFBIG)\).*\n$/);
    expect(ids().length).toBeGreaterThan(0);
    expect((await start(['in.jsonl', '--out', 'out.jsonl']).ended).code).toBe(0);
    expect(new Set(ids()).size).toBe(400);
    expect(ids()).toHaveLength(400);
  });

  it('a disk that cannot be written at the start is 74 and one sentence too', async () => {
    write('in.jsonl', tickets(400));
    const limited = ['bash', '--norc', '-c', 'ulimit -f 20; exec "$@"', 'bash'];
    const { code, stderr } = await start(['in.jsonl', '--out', 'out.jsonl'], {}, limited).ended;
    expect(stderr).toMatch(/^error: .*out\.jsonl.*cannot be (read or )?written.*\n$/);
    expect(code).toBe(74);
    expect(llm.stats().requests).toBe(0);
  });

  it.each<[string, readonly string[], RegExp]>([
    ['a missing file', ['none.jsonl', '--out', 'o.jsonl'], /none\.jsonl cannot be read \(ENOENT\)/],
    ['an empty file', ['empty.jsonl', '--out', 'o.jsonl'], /is empty/],
    ['another format', ['in.txt', '--out', 'o.jsonl'], /must end with/],
    ['a folder', ['folder.jsonl', '--out', 'o.jsonl'], /is not a file/],
    ['no --out', ['in.jsonl'], /--out FILE/],
    ['itself as --out', ['in.jsonl', '--out', './in.jsonl'], /another file/],
    ['no folder for --out', ['in.jsonl', '--out', 'no/o.jsonl'], /folder no .*does not exist/],
    ['a stranger as --out', ['in.jsonl', '--out', 'strange.jsonl'], /--force/],
    ['a CSV without its columns', ['in.csv', '--out', 'o.jsonl'], /id, subject, description; subject is missing/],
  ])('refuses %s in one sentence, and makes nothing', async (_, args, message) => {
    write('in.jsonl', tickets(1));
    write('in.txt', '');
    write('empty.jsonl', '');
    write('in.csv', 'id,description\n1,x\n');
    write('strange.jsonl', '{"mine":true}\n');
    mkdirSync(join(folder, 'folder.jsonl'));
    const { code, stderr } = await start(args).ended;
    expect(code).toBeGreaterThan(0);
    expect(stderr).toMatch(message);
    expect(stderr.trim().split('\n')).toHaveLength(1);
    expect(existsSync(join(folder, '.o.jsonl.draftdesk.db'))).toBe(false);
    expect(read('strange.jsonl')).toBe('{"mine":true}\n');
  });
});
