import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { adminClient, startVendors, type Vendors } from '../support/harness.ts';
import { type ServiceProcess, startServiceProcess } from '../support/service-process.ts';
import { finished } from '../support/finished.ts';

/* The bundled program as a process: signals, exit codes, SIGKILL. `npm test` bundles first. */

const program = fileURLToPath(new URL('../../dist/draftdesk.js', import.meta.url));

describe('the program', () => {
  let vendors: Vendors;
  let env: Record<string, string>;
  const running: ServiceProcess[] = [];

  beforeEach(async () => {
    vendors = await startVendors();
    env = { ...vendors.env, LOG_LEVEL: 'info' };
  });
  afterEach(async () => {
    await Promise.all(running.splice(0).map((one) => one.kill()));
    await vendors[Symbol.asyncDispose]();
  });
  const serve = (overrides: Record<string, string> = {}): ServiceProcess => {
    const process = startServiceProcess({ ...env, ...overrides }, { cwd: vendors.folder });
    running.push(process);
    return process;
  };

  it('stops with 78 and one message when a setting is wrong', async () => {
    const { exited, stderr, lines } = serve({ PORT: 'x', ADMIN_TOKEN: '', OPENAI_API_KEY: 'canary key' });
    expect((await exited)[0]).toBe(78);
    expect(stderr()).toMatch(/PORT must be/);
    expect(stderr()).toMatch(/ADMIN_TOKEN is required/);
    expect(stderr()).not.toContain('canary');
    expect(lines).toEqual([]);
  });

  it('D11 stops with 78 on a public address with a token or a secret that can be guessed, and prints neither', async () => {
    const { exited, stderr } = serve({
      HOST: '0.0.0.0',
      ADMIN_TOKEN: 'changeme'.repeat(4),
      FRESHDESK_WEBHOOK_TOKEN: 'changeme-changeme',
    });
    expect((await exited)[0]).toBe(78);
    expect(stderr()).toMatch(/ADMIN_TOKEN can be guessed/);
    expect(stderr()).toMatch(/FRESHDESK_WEBHOOK_TOKEN can be guessed/);
    expect(stderr()).not.toContain('changeme');
  });

  it('reads .env, and the environment goes before it', async () => {
    writeFileSync(join(vendors.folder, '.env'), 'PORT=bad\nMAX_ATTEMPTS=bad\n');
    const { exited, stderr } = serve();
    expect((await exited)[0]).toBe(78);
    expect(stderr()).toMatch(/MAX_ATTEMPTS/);
    expect(stderr()).not.toMatch(/PORT/);
  });

  it('says in one sentence that another process has the database', async () => {
    await serve().listening();
    const second = serve();
    expect((await second.exited)[0]).toBe(1);
    expect(second.stderr()).toMatch(/in use by another process/);
    expect(second.stderr().trim().split('\n')).toHaveLength(1);
  });

  it.each(['SIGTERM', 'SIGINT', 'SIGHUP'] as const)('ends with 0 on %s', async (signal) => {
    const process = serve();
    await process.listening();
    process.child.kill(signal);
    expect((await process.exited)[0]).toBe(0);
    expect(process.lines.at(-1)).toContain('"msg":"stopped"');
  });

  it('leaves nobody behind when only npm gets the signal', async () => {
    const folder = fileURLToPath(new URL('../..', import.meta.url));
    const npm = spawn('npm', ['start', '--silent'], { cwd: folder, env: { ...process.env, ...env } });
    const lines = createInterface({ input: npm.stdout });
    const url = await new Promise<string>((resolve) => {
      lines.on('line', (line) => {
        const entry = JSON.parse(line) as { msg?: string; url?: string };
        if (entry.msg === 'listening' && entry.url !== undefined) resolve(entry.url);
      });
    });
    npm.kill('SIGTERM');
    await once(npm, 'close');
    await expect(fetch(`${url}/healthz`)).rejects.toThrow();
  });

  it('survives SIGKILL in the middle of a drain: every acknowledged ticket ends in one note', async () => {
    const total = 80;
    let process = serve();
    let url = await process.listening();
    const calls = Array.from({ length: total }, (_, index) => {
      const id = vendors.zendesk.addTicket({
        subject: `Question ${index}`,
        html: '<p>Where is my parcel, please?</p>',
      });
      return vendors.zendesk.webhookFor(id, 'ticket.created');
    });
    const answers = await Promise.all(calls.map((call) => adminClient(url).webhook('zendesk', call)));
    expect(new Set(answers.map((answer) => answer.status))).toEqual(new Set([202]));
    for (const goal of [10, 30, 50]) {
      await adminClient(url).until((counts) => finished(counts) >= goal);
      await process.kill();
      process = serve();
      url = await process.listening();
    }
    await adminClient(url).until((counts) => finished(counts) === total);
    expect(vendors.zendesk.ticketIds().map((id) => vendors.zendesk.notes(id).length)).toEqual(
      Array.from({ length: total }, () => 1),
    );
    expect(await adminClient(url).statuses()).toMatchObject({ posted: total });
    // bought twice at most what was in flight at a kill
    expect(vendors.llm.stats().answered).toBeLessThanOrEqual(total + 3 * 8);
  }, 60_000);
});

describe('the sandbox', () => {
  it.each(['zendesk', 'freshdesk'])(
    'ends with 0 and a table for %s',
    async (helpdesk) => {
      const folder = mkdtempSync(join(tmpdir(), 'draftdesk-'));
      expect(existsSync(program)).toBe(true);
      const child = spawn(
        process.execPath,
        [program, 'sandbox', '--tickets', '45', '--helpdesk', helpdesk, '--faults', 'off'],
        { cwd: folder },
      );
      let output = '';
      child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
      child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
      const [code] = (await once(child, 'close')) as [number];
      rmSync(folder, { recursive: true });
      expect(output).toMatch(/every ticket reached its expected end/);
      expect(code).toBe(0);
    },
    60_000,
  );

  it.each(['zendesk', 'freshdesk'])(
    'in chaos, its service killed three times: nothing lost, doubled or public at %s',
    async (helpdesk) => {
      const folder = mkdtempSync(join(tmpdir(), 'draftdesk-'));
      const options = ['--chaos', '--tickets', '200', '--kills', '3', '--helpdesk', helpdesk];
      const child = spawn(process.execPath, [program, 'sandbox', ...options], { cwd: folder });
      let output = '';
      child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
      child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
      const [code] = (await once(child, 'close')) as [number];
      rmSync(folder, { recursive: true });
      expect(output).toMatch(/lost 0, doubled 0, public 0/);
      expect(output).toMatch(/3 SIGKILLs of the service/);
      expect(output).toMatch(/every ticket reached its expected end/);
      expect(code).toBe(0);
    },
    120_000,
  );

  it('takes its service with it when it is interrupted, or killed', async () => {
    for (const signal of ['SIGINT', 'SIGKILL'] as const) {
      const child = spawn(process.execPath, [program, 'sandbox', '--tickets', '2000'], { cwd: tmpdir() });
      const url = await new Promise<string>((resolve) => {
        child.stdout.on('data', (chunk: Buffer) => {
          const address = /service at (\S+)/.exec(chunk.toString())?.[1];
          if (address !== undefined) resolve(address);
        });
      });
      child.kill(signal);
      const [code] = (await once(child, 'close')) as [number | null];
      expect(code).toBe(signal === 'SIGINT' ? 130 : null);
      // the service gets its time to stop; then nobody answers any more
      let answers = true;
      while (answers) {
        answers = await fetch(`${url}/healthz`).then(
          async (response) => (await response.arrayBuffer()).byteLength > 0,
          () => false,
        );
      }
    }
  }, 60_000);

  it('says in one line what is wrong with a file', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'draftdesk-'));
    const path = join(folder, 'tickets.jsonl');
    writeFileSync(path, '\uFEFF{"subject":"a","description":"b"}\n{"subject":1}\nnonsense\n');
    const child = spawn(process.execPath, [program, 'sandbox', '--file', path], { cwd: folder });
    let output = '';
    child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
    const [code] = (await once(child, 'close')) as [number];
    rmSync(folder, { recursive: true });
    expect(code).toBe(2);
    expect(output.trim().split('\n')).toHaveLength(2);
    expect(output).toContain('tickets.jsonl:2 needs');
    expect(output).toContain('tickets.jsonl:3 is not JSON');
  });
});
