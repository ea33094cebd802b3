import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ScriptedAnswer } from '../../src/sandbox/faults.ts';
import { type ProgramRun, startProgram } from '../cli/program.ts';
import { ADMIN_TOKEN, adminClient, startVendors, type Vendors } from '../support/harness.ts';
import { finished } from '../support/finished.ts';

/*
 * Promise 17 of reliability.md: no secret and no customer's text outside the database. The bundled program works through
 * faults at the most talkative log level; then everything it has said is searched.
 */

const TEXTS = {
  subject: 'CANARY-subject',
  body: 'CANARY-body',
  name: 'CANARY-name',
  email: 'canary-mail@customer.example',
  reply: 'CANARY-agent',
} as const;

/** Where it listens, from its log. */
async function urlOf(program: ProgramRun): Promise<string> {
  for (;;) {
    const url = /"url":"(http:[^"]+)"/.exec(program.stdout())?.[1];
    if (url !== undefined) return url;
    await new Promise((resolve) => {
      program.child.stdout?.once('data', resolve);
    });
  }
}

const secretsOf = ({ env }: Vendors): readonly string[] =>
  Object.entries(env)
    .filter(([name]) => /(KEY|SECRET|TOKEN)$/.test(name))
    .map(([, value]) => value);

describe('what the program says', () => {
  let vendors: Vendors;
  let process: ProgramRun;
  let url: string;
  let secrets: readonly string[];
  const errorBodies: string[] = [];
  const statusBodies: string[] = [];

  beforeAll(async () => {
    vendors = await startVendors({ faults: 'heavy', seed: 5, obeyAttackers: 'every' });
    secrets = secretsOf(vendors);
    // vendors that tell us back what we sent, as some do in their errors
    const echo = (status: number): ScriptedAnswer => ({
      status,
      headers: { 'content-type': 'application/json', 'retry-after': '0' },
      body: JSON.stringify({
        error: { message: `${secrets.join(' ')} ${TEXTS.body} ${TEXTS.email}`, code: TEXTS.body, type: secrets[1] },
        message: TEXTS.body,
        description: secrets.join(' '),
      }),
    });
    for (const status of [400, 403, 404, 409, 422, 429, 500, 200, 307]) {
      for (const simulator of [vendors.zendesk, vendors.freshdesk]) {
        simulator.faults.failNext(echo(status), ({ path }) => path.includes('/tickets/'));
      }
    }
    // others would stop all drafting for a while
    for (const status of [400, 409, 422, 429, 500, 200, 307]) {
      vendors.llm.faults.failNext(echo(status), ({ path }) => path.endsWith('/chat/completions'));
    }
    process = startProgram(['serve'], {
      env: { ...vendors.env, LOG_LEVEL: 'debug', MAX_ATTEMPTS: '8', WORKER_CONCURRENCY: '20' },
      cwd: vendors.folder,
    });
    url = await urlOf(process);
    for (const name of ['zendesk', 'freshdesk'] as const) {
      vendors[name].connect({ url: `${url}/webhooks/${name}`, fetch });
      for (let index = 0; index < 25; index += 1) {
        const id = vendors[name].addTicket({
          subject: `${TEXTS.subject} ${index}`,
          html: `<p>${TEXTS.body}, ${TEXTS.email}: where is it?</p>`,
          requester: { name: TEXTS.name, email: TEXTS.email },
        });
        if (index % 10 === 9) vendors[name].agentReply(id, `<p>${TEXTS.reply}</p>`, { public: true });
      }
    }
    const admin = adminClient(url);
    await admin.until((counts) => finished(counts) >= 46);
    await collect();
  }, 90_000);
  afterAll(async () => {
    process.child.kill('SIGKILL');
    await process.ended;
    await vendors[Symbol.asyncDispose]();
  });

  /** Everything that is an error, and everything that shows how the service is. */
  async function collect(): Promise<void> {
    const stray = encodeURIComponent(`${TEXTS.body} ${ADMIN_TOKEN}`);
    const authorization = `Bearer ${ADMIN_TOKEN}`;
    const json = { authorization, 'content-type': 'application/json' };
    const requests: [string, RequestInit][] = [
      [`/nothing/${stray}?token=${stray}`, {}],
      [`/admin/progress?token=${stray}`, {}],
      [`/admin/progress`, { headers: { authorization: `Bearer ${ADMIN_TOKEN}x ${TEXTS.body}` } }],
      [`/admin/tickets?status=${stray}`, { headers: json }],
      [`/admin/tickets?cursor=${stray}`, { headers: json }],
      [`/admin/tickets/zendesk/${stray}`, { headers: json }],
      [`/admin/tickets/${stray}/1`, { headers: json }],
      [`/admin/batches/${stray}`, { headers: json }],
      [
        `/admin/batches`,
        { method: 'POST', headers: json, body: `{"helpdesk":"${TEXTS.body}","ticketIds":["${ADMIN_TOKEN}"` },
      ],
      [
        `/admin/batches`,
        { method: 'POST', headers: json, body: JSON.stringify({ helpdesk: TEXTS.body, ticketIds: [TEXTS.body] }) },
      ],
      [
        `/admin/dead-letters/retry`,
        { method: 'POST', headers: json, body: JSON.stringify({ errorClass: TEXTS.body }) },
      ],
      [`/webhooks/zendesk`, { method: 'POST', headers: json, body: JSON.stringify({ ticket_id: TEXTS.body }) }],
      [
        `/webhooks/freshdesk`,
        {
          method: 'POST',
          headers: { ...json, 'x-draftdesk-token': `${vendors.env['FRESHDESK_WEBHOOK_TOKEN']}x` },
          body: TEXTS.body,
        },
      ],
      [
        `/webhooks/freshdesk`,
        {
          method: 'POST',
          headers: { ...json, 'x-draftdesk-token': vendors.env['FRESHDESK_WEBHOOK_TOKEN'] ?? '' },
          body: `{"${TEXTS.body}":`,
        },
      ],
      [`/webhooks/${stray}`, { method: 'POST', headers: json, body: '{}' }],
    ];
    for (const [path, init] of requests) {
      const response = await fetch(url + path, init);
      expect([path, response.status >= 400]).toEqual([path, true]);
      errorBodies.push(await response.text(), JSON.stringify([...response.headers]));
    }
    for (const path of [
      '/healthz',
      '/readyz',
      '/metrics',
      '/admin/progress',
      '/admin/batches',
      '/admin/dead-letters',
      '/admin/tickets',
    ]) {
      statusBodies.push(await (await fetch(url + path, { headers: { authorization } })).text());
    }
  }

  const found = (text: string, needles: readonly string[]): string[] => needles.filter((one) => text.includes(one));

  it('no secret is in its log, nor any text of a ticket, and the log is not empty', () => {
    const log = process.stdout();
    expect(log.split('\n').length).toBeGreaterThan(200);
    expect(log).toMatch(/"level":"debug"/);
    expect(found(log, [...secrets, ...Object.values(TEXTS), 'As instructed', 'Bearer', 'Basic '])).toEqual([]);
  });

  it('no error body repeats what was sent', () => {
    expect(errorBodies.length).toBeGreaterThan(20);
    expect(found(errorBodies.join('\n'), [...secrets, ...Object.values(TEXTS)])).toEqual([]);
  });

  it('what shows the state of the service tells of tickets their subject, and nothing else', () => {
    const texts = Object.values(TEXTS).filter((text) => text !== TEXTS.subject);
    expect(found(statusBodies.join('\n'), [...secrets, ...texts, 'As instructed'])).toEqual([]);
    expect(statusBodies.at(-1)).toContain(TEXTS.subject);
    expect(found(statusBodies.slice(0, 5).join('\n'), [TEXTS.subject])).toEqual([]);
  });

  it('the database holds no secret', () => {
    const files = readdirSync(vendors.folder).filter((file) => file.startsWith('test.db'));
    const bytes = files.map((file) => readFileSync(join(vendors.folder, file), 'latin1')).join('');
    expect(bytes).toContain(TEXTS.subject);
    expect(found(bytes, secrets)).toEqual([]);
  });

  it('the commands print no secret, and do nothing to a terminal (C7)', async () => {
    const hostile = '\u001B]0;pwned\u0007\u001B[31m\u009B1m\u202E\u{E0041}';
    const id = vendors.zendesk.addTicket({ subject: `Order ${hostile}`, html: `<p>${hostile} where is it?</p>` });
    const admin = adminClient(url);
    await admin.until((counts) => finished(counts) >= 47);
    const env = { DRAFTDESK_URL: url, ADMIN_TOKEN };
    const outputs: string[] = [];
    for (const args of [
      ['status'],
      ['status', '--json'],
      ['status', `zendesk/${id}`],
      ['status', `zendesk/${id}`, '--json'],
      ['batch', 'list'],
      ['status', `zendesk/${TEXTS.body}`],
    ]) {
      const { stdout, stderr } = await startProgram(args, { env, cwd: vendors.folder }).ended;
      outputs.push(stdout, stderr);
    }
    const all = outputs.join('\n');
    expect(found(all, secrets)).toEqual([]);
    expect(all).toMatch(/Order/);
    expect(all).not.toMatch(/(?!\n)\p{Cc}|\p{Default_Ignorable_Code_Point}/u);
    const wrong = await startProgram(['status'], {
      env: { ...env, ADMIN_TOKEN: 'CANARY-wrong-token' },
      cwd: vendors.folder,
    }).ended;
    expect(wrong.code).toBe(78);
    expect(wrong.stdout + wrong.stderr).not.toContain('CANARY');
  }, 30_000);

  it('nothing is on stderr after all that, and it still ends in order', async () => {
    vendors.zendesk.disconnect();
    vendors.freshdesk.disconnect();
    process.child.kill('SIGTERM');
    const { code, stdout, stderr } = await process.ended;
    expect([code, stderr]).toEqual([0, '']);
    expect(found(stdout, [...secrets, ...Object.values(TEXTS)])).toEqual([]);
  });
});

describe('a fault that nobody caught', () => {
  it.each([
    ['an error', 'throw new Error(text)'],
    ['an error whose message looks like a place', 'throw new Error(`x\\n    at ${text} (file.ts:1:1)`)'],
    ['an error with a strange name', 'throw Object.assign(new Error("x"), { name: text })'],
    ['an error with a cause', 'throw new TypeError("x", { cause: new Error(text) })'],
    ['a text', 'throw text'],
    ['a rejection', 'void Promise.reject(new Error(text))'],
    ['a rejection of an object', 'void Promise.reject({ text })'],
    ['an event nobody hears', 'new (require("node:events"))().emit("error", new Error(text))'],
  ])('%s ends the program with 70 and one line that tells only its kind', async (_what, fault) => {
    await using vendors = await startVendors();
    const preload = join(vendors.folder, 'crash.cjs');
    const text = `CANARY ${secretsOf(vendors).join(' ')}`;
    // once the service runs, which is when it prints
    writeFileSync(
      preload,
      `const text = ${JSON.stringify(text)};
       const write = process.stdout.write.bind(process.stdout);
       process.stdout.write = (chunk, ...rest) => {
         if (String(chunk).includes('"listening"')) setTimeout(() => { ${fault} }, 10);
         return write(chunk, ...rest);
       };`,
    );
    const env = { ...vendors.env, LOG_LEVEL: 'info', NODE_OPTIONS: `--require=${preload}` };
    const { code, stdout, stderr } = await startProgram(['serve'], { env, cwd: vendors.folder }).ended;
    expect(code).toBe(70);
    expect(stderr).toMatch(/^draftdesk: fatal \S.*\n$/);
    expect(stderr.split('\n')).toHaveLength(2);
    for (const secret of ['CANARY', ...secretsOf(vendors)]) expect(stdout + stderr).not.toContain(secret);
  });

  it('in any other command, too', async () => {
    await using vendors = await startVendors();
    const preload = join(vendors.folder, 'crash.cjs');
    const answer = `{ get counts() { throw new Error('CANARY'); } }`;
    writeFileSync(preload, `globalThis.fetch = async () => ({ ok: true, json: async () => (${answer}) });`);
    const env = { DRAFTDESK_URL: 'http://127.0.0.1:1', ADMIN_TOKEN, NODE_OPTIONS: `--require=${preload}` };
    const { code, stdout, stderr } = await startProgram(['status'], { env, cwd: vendors.folder }).ended;
    expect([code, stdout]).toEqual([70, '']);
    expect(stderr).toMatch(/^draftdesk: fatal Error at .*\n$/);
    expect(stderr).not.toContain('CANARY');
  });
});
