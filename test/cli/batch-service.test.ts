import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/core/clock.ts';
import { type RunningService, startTestService, startVendors, type Vendors } from '../support/harness.ts';
import { startProgram } from './program.ts';

/* The commands against the real service, which works for the simulated vendors: everything over sockets. */

interface Shown {
  readonly id: string;
  readonly state: string;
  readonly reason: string | null;
  readonly total: number;
  readonly processed: number;
  readonly counts: Readonly<Record<string, number>>;
  readonly lane: string;
  readonly budgetUsd: number | null;
  readonly spent: { readonly costUsd: number };
  readonly skippedDrafted?: number;
}

describe('draftdesk batch at the real service', () => {
  let vendors: Vendors;
  let running: RunningService;
  let folder: string;

  const serve = async (env: Readonly<Record<string, string>> = {}): Promise<void> => {
    running = await startTestService({ ...vendors.env, ...env });
  };
  beforeEach(async () => {
    vendors = await startVendors();
    folder = mkdtempSync(join(tmpdir(), 'draftdesk-'));
  });
  afterEach(async () => {
    await running[Symbol.asyncDispose]();
    await vendors[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true });
  });

  const tickets = (count: number): string[] =>
    Array.from({ length: count }, (_, index) =>
      vendors.zendesk.addTicket({ subject: `Question ${index}`, html: `<p>Where is my order ${index}?</p>` }),
    );
  const launch = (args: string, env: Readonly<Record<string, string>> = {}) =>
    startProgram(args.split(' '), {
      cwd: folder,
      env: { DRAFTDESK_URL: running.service.url, ADMIN_TOKEN: vendors.env['ADMIN_TOKEN'] ?? '', ...env },
    });
  const run = async (args: string, env: Readonly<Record<string, string>> = {}) => await launch(args, env).ended;
  const objects = (stdout: string): Shown[] =>
    stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Shown);
  const start = async (options: string): Promise<Shown> => {
    const { code, stdout, stderr } = await run(`batch start --helpdesk zendesk --json ${options}`);
    expect(stderr).toBe('');
    expect(code).toBe(0);
    const [batch] = objects(stdout);
    if (batch === undefined) throw new Error('no batch');
    return batch;
  };
  const watch = async (id: string) => {
    const { code, stdout } = await run(`batch watch ${id} --json`);
    const seen = objects(stdout);
    const last = seen.at(-1);
    if (last === undefined) throw new Error('nothing was shown');
    return { code, seen, last };
  };
  const until = async (id: string, wanted: (batch: Shown) => boolean): Promise<Shown> => {
    for await (const batch of running.admin.events<Shown>(`/admin/batches/${id}/events`))
      if (wanted(batch)) return batch;
    throw new Error('the event stream ended');
  };
  const notes = (ids: readonly string[]): number => ids.filter((id) => vendors.zendesk.notes(id).length === 1).length;

  it('starts with a canary, shows it moving in plain lines, and ends with 0', async () => {
    await serve();
    const ids = tickets(40);
    const { code, stdout, stderr } = await run(
      `batch start --helpdesk zendesk --ids ${ids.join(',')} --name backlog --canary 5 --watch`,
    );
    expect(stderr).toBe('');
    expect(code).toBe(0);
    expect(stdout).toMatch(/Batch [\da-f-]{36}: 40 tickets\n[^]*40\/40 .*40 posted[^]*completed: 40 done, 0 dead/);
    expect(notes(ids)).toBe(40);
    const again = await run(`batch start --helpdesk zendesk --ids ${ids.join(',')}`);
    expect(again.stdout).toMatch(/: 0 tickets\n {2}40 left out: they have a current draft \(--no-skip-drafted/);
    expect((await run('batch list')).stdout).toMatch(
      /^batch +state .*\n\S+ +completed +0\/0 .*\n\S+ +completed +40\/40 +0 .*backlog\n$/,
    );
    expect((await run('status')).stdout).toMatch(/posted +40/);
    expect((await run(`status zendesk/${ids[0]}`)).stdout).toMatch(/status +posted since[^]*draft 1 +ok/);
  });

  it('takes a filter with tags and times, and estimates it first', async () => {
    await serve();
    const ids = tickets(12);
    const filter = '--status new,open --created-since 2020-01-01 --created-until 2100-01-01';
    const dry = await run(`batch start --helpdesk zendesk ${filter} --dry-run`);
    expect(dry.stdout).toMatch(/tickets +12\n[^]*bound by +\S+/);
    expect(vendors.llm.stats().requests).toBe(0);
    const none = await run(`batch start --helpdesk zendesk ${filter} --tag unheard-of --dry-run`);
    expect(none.stdout).toMatch(/tickets +0\n[^]*no ticket would be drafted/);
    const { id } = await start(filter);
    expect((await watch(id)).last).toMatchObject({ state: 'completed', total: 12, counts: { posted: 12 } });
    expect(notes(ids)).toBe(12);
  });

  it('holds drafts, hands them out, and releases by confidence and all', async () => {
    await serve();
    const ids = tickets(8);
    const { id } = await start(`--ids ${ids.join(',')} --hold`);
    expect(await watch(id)).toMatchObject({ code: 0, last: { state: 'completed', counts: { drafted: 8, posted: 0 } } });
    await run(`batch results ${id} --out r.ndjson`);
    const results = readFileSync(join(folder, 'r.ndjson'), 'utf8').trim().split('\n');
    expect(results.map((line) => JSON.parse(line) as object)).toEqual(
      ids.map((ticketId) => expect.objectContaining({ id: ticketId, status: 'drafted', draft: expect.any(String) })),
    );
    expect(notes(ids)).toBe(0);
    await run(`batch release ${id} --min-confidence 1`);
    expect((await run(`batch release ${id}`)).code).toBe(0);
    expect((await watch(id)).last.counts).toMatchObject({ drafted: 0, posted: 8 });
    expect(notes(ids)).toBe(8);
  });

  it('keeps to a budget and tells it, buys at the flex price, drafts again when told to', async () => {
    await serve();
    const ids = tickets(30).join(',');
    const { id } = await start(`--ids ${ids} --hold --lane flex --budget-usd 0.001`);
    const stopped = await until(id, ({ state }) => state === 'paused');
    expect(stopped).toMatchObject({ lane: 'flex', budgetUsd: 0.001, reason: expect.stringContaining('budget') });
    expect(stopped.spent.costUsd).toBeLessThanOrEqual(0.001);
    expect(vendors.llm.stats().flex).toBe(vendors.llm.stats().requests);
    const watching = launch(`batch watch ${id}`);
    while (!/paused: .*budget/.test(watching.stdout())) await systemClock().sleep(5);
    watching.child.kill('SIGINT');
    expect(await watching.ended).toMatchObject({
      code: 130,
      stdout: expect.stringMatching(/stands still: draftdesk batch resume/),
    });
    expect((await run(`batch cancel ${id}`)).code).toBe(0);
    const drafted = (await until(id, ({ state }) => state === 'cancelled')).counts;
    const again = await start(`--ids ${ids} --no-skip-drafted --hold`);
    expect(again.total).toBe(30);
    expect((await watch(again.id)).last.counts['drafted']).toBe(30);
    expect(drafted['cancelled']).toBeGreaterThan(0);
  });

  it('pauses, resumes, cancels, retries', async () => {
    await serve({ WORKER_CONCURRENCY: '2', LLM_REQUESTS_PER_MINUTE: '600' });
    const ids = tickets(60);
    const { id } = await start(`--ids ${ids.join(',')}`);
    expect((await run(`batch pause ${id}`)).stdout).toMatch(/ paused /);
    expect((await run(`batch resume ${id}`)).stdout).toMatch(/ running /);
    expect((await run(`batch cancel ${id}`)).stdout).toMatch(/ cancel(ling|led) /);
    const { code, last } = await watch(id);
    expect(code).toBe(0);
    expect(last).toMatchObject({ state: 'cancelled', processed: 60 });
    expect((await run(`batch cancel ${id}`)).code).toBe(0);
    expect(notes(ids)).toBe(last.counts['posted'] ?? 0);
    expect((await run(`batch resume ${id}`)).code).toBe(0);
    await until(id, ({ counts }) => (counts['posted'] ?? 0) > (last.counts['posted'] ?? 0));
  });

  it('watches on when the service has been started again', async () => {
    await serve({ WORKER_CONCURRENCY: '1', LLM_REQUESTS_PER_MINUTE: '600' });
    const ids = tickets(40);
    const { id } = await start(`--ids ${ids.join(',')}`);
    const watching = launch(`batch watch ${id} --json`);
    while (watching.stdout().split('\n').length < 3) await systemClock().sleep(5);
    const { url } = running.service;
    await running[Symbol.asyncDispose]();
    await serve({ PORT: new URL(url).port });
    const { code, stdout, stderr } = await watching.ended;
    expect(stderr).toBe('');
    expect(code).toBe(0);
    expect(objects(stdout).at(-1)).toMatchObject({ state: 'completed', counts: { posted: 40 } });
    expect(notes(ids)).toBe(40);
  });

  it('ends with 1 where tickets died, and retries them by class', async () => {
    await serve({ MAX_ATTEMPTS: '1' });
    const ids = tickets(6);
    vendors.llm.faults.failNext('malformed_json', ({ path }) => path.endsWith('/chat/completions'));
    const { id } = await start(`--ids ${ids.join(',')}`);
    expect(await watch(id)).toMatchObject({ code: 1, last: { counts: { dead: 1, posted: 5 } } });
    const shown = await run(`batch watch ${id}`);
    expect(shown.stdout).toMatch(/dead or tried again: 1 invalid_output[^]*e\.g\. ticket \d+: [^]*batch retry/);
    expect((await run(`batch retry ${id} --error-class timeout`)).code).toBe(0);
    await run(`batch retry ${id} --error-class invalid_output`);
    expect(await watch(id)).toMatchObject({ code: 0, last: { counts: { dead: 0, posted: 6 } } });
  });

  it('says in one sentence what the service refuses', async () => {
    await serve();
    const { id } = await start(`--ids ${tickets(1).join(',')}`);
    await watch(id);
    const told = async (args: string, env = {}) => {
      const { code, stderr } = await run(args, env);
      return `${code} ${stderr}`;
    };
    const startAt = 'batch start --helpdesk';
    expect(await told(`batch resume ${id}`)).toBe('1 error: The batch is completed: resume is not possible.\n');
    expect(await told(`batch cancel ${id}`)).toBe('1 error: The batch is completed.\n');
    expect(await told('batch watch nope')).toBe('1 error: No such batch is known here.\n');
    expect(await told(`${startAt} zendesk --ids 1,x`)).toMatch(
      /^1 error: The body is not valid: ticketIds\[1\] must be .*[^.]\.\n$/,
    );
    expect(await told(`${startAt} zendesk --status nwe`)).toMatch(
      /^1 error: The helpdesk refuses the filter: .*nwe.*[^.]\.\n$/,
    );
    expect(await told(`${startAt} zenddesk --ids 1`)).toBe('1 error: No helpdesk of this name is configured.\n');
    expect(await told(`batch retry ${id} --error-class wrong`)).toMatch(/^1 error: .*errorClass must be one of /);
    expect(await told('batch list', { ADMIN_TOKEN: 'another' })).toMatch(/^78 error: .* refuses ADMIN_TOKEN/);
  });
});
