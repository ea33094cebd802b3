import { once } from 'node:events';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { parseEnv } from 'node:util';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { CommandError } from '../../src/cli/command-error.ts';
import type { ConnectJob } from '../../src/cli/connect-job.ts';
import { testConnection } from '../../src/cli/connect-test.ts';
import type { HelpdeskSetup } from '../../src/core/helpdesk-setup.ts';
import { UpstreamError } from '../../src/core/errors.ts';
import type { MadeTrigger, MadeWebhook } from '../../src/sandbox/zendesk-automation.ts';
import { PATIENT, type RunningService, startTestService, startVendors, type Vendors } from '../support/harness.ts';
import { startProgram } from './program.ts';

/* `draftdesk connect` as it ships, against simulated helpdesks on sockets and the real service. */

interface Stage {
  readonly vendors: Vendors;
  /** Settings of the command: none of a secret that it has to find out. */
  readonly env: Record<string, string>;
  run(args: string, env?: Record<string, string>): ReturnType<typeof startProgram>['ended'];
  readonly publicUrl: string;
  service: RunningService;
}

/** A service that runs, and whose address the helpdesk is to learn. */
async function stage(helpdesk: 'zendesk' | 'freshdesk', role: 'agent' | 'admin' = 'admin'): Promise<Stage> {
  const vendors = await startVendors({ role });
  const service = await startTestService({ ...vendors.env, ...PATIENT });
  const publicUrl = service.service.url;
  const own = Object.entries(vendors.env).filter(
    ([name]) => name.startsWith(helpdesk.toUpperCase()) && !/_WEBHOOK_(SECRET|TOKEN)$/.test(name),
  );
  const env = {
    ...Object.fromEntries(own),
    ADMIN_TOKEN: vendors.env['ADMIN_TOKEN'] ?? '',
    DRAFTDESK_URL: publicUrl,
    DRAFTDESK_PUBLIC_URL: publicUrl,
  };
  return {
    vendors,
    env,
    publicUrl,
    service,
    run: (args, more = {}) =>
      startProgram(['connect', ...args.split(' ')], { env: { ...env, ...more }, cwd: vendors.folder }).ended,
  };
}

/** The service again, at the same address, with what `connect` has stored. */
async function restart(at: Stage, stored: NodeJS.Dict<string>): Promise<void> {
  await at.service.service.stop();
  const port = new URL(at.publicUrl).port;
  const settings = { ...at.vendors.env, ...PATIENT, PORT: port } as Record<string, string>;
  for (const [name, value = ''] of Object.entries(stored)) settings[name] = value;
  at.service = await startTestService(settings);
}

async function close(at: Stage): Promise<void> {
  await at.service.service.stop();
  await at.vendors[Symbol.asyncDispose]();
}

const storedIn = ({ vendors }: Stage) => parseEnv(readFileSync(join(vendors.folder, '.env'), 'utf8'));

describe('connect zendesk', () => {
  let at: Stage;
  let secret = '';

  beforeAll(async () => {
    at = await stage('zendesk');
  });
  afterAll(() => close(at));

  it('--dry-run shows what it would do and does nothing', async () => {
    const { code, stdout } = await at.run('zendesk --dry-run');
    expect(code).toBe(0);
    expect(stdout).toMatch(/create {2}webhook “Draftdesk”\n {2}create {2}trigger “Draftdesk: new ticket”/);
    expect(at.vendors.zendesk.automation).toMatchObject({ webhooks: [], triggers: [] });
  });

  it('does nothing when nobody can agree', async () => {
    const { code, stderr } = await at.run('zendesk');
    expect([code, at.vendors.zendesk.automation.webhooks]).toEqual([2, []]);
    expect(stderr).toContain('--yes');
  });

  it('makes webhook and triggers, and stores the secret without showing it', async () => {
    const { code, stdout, stderr } = await at.run('zendesk --yes --write-secret --no-test');
    expect([code, stderr]).toEqual([0, '']);
    const { automation } = at.vendors.zendesk;
    const { webhooks, triggers } = automation;
    expect(webhooks).toMatchObject([
      {
        endpoint: `${at.publicUrl}/webhooks/zendesk`,
        http_method: 'POST',
        request_format: 'json',
        status: 'active',
        subscriptions: ['conditional_ticket_events'],
      },
    ]);
    expect(triggers.map(({ title, active }) => [title, active])).toEqual([
      ['Draftdesk: new ticket', true],
      ['Draftdesk: customer reply', true],
    ]);
    secret = automation.secretOf(webhooks[0]?.id ?? '');
    expect(storedIn(at)).toEqual({ ZENDESK_WEBHOOK_SECRET: secret });
    expect(stdout).not.toContain(secret);
  });

  it('says that a running service has another secret', async () => {
    const { code, stderr } = await at.run('zendesk --yes --timeout 1');
    expect(code).toBe(1);
    expect(stderr).toMatch(/refuses the webhook's secret\. Restart it/);
    expect(at.vendors.zendesk.ticketIds()).toEqual([]);
  });

  it('proves the set-up with the round trip of a test ticket, which is gone afterwards', async () => {
    await restart(at, storedIn(at));
    const { code, stdout, stderr } = await at.run('zendesk --yes --json');
    expect([code, stderr.split('\n').filter((line) => line.startsWith('error'))]).toEqual([0, []]);
    const answer = JSON.parse(stdout) as { test: { ticketId: string; noteId: string } };
    expect(answer).toMatchObject({ changed: [], secret: 'kept', test: { removed: 'deleted' } });
    const { ticketId, noteId } = answer.test;
    const { zendesk } = at.vendors;
    expect(zendesk.notes(ticketId).map(({ id }) => id)).toEqual([noteId]);
    expect(zendesk.publicCommentsByBot(ticketId).filter(({ text }) => !text.includes('test ticket'))).toEqual([]);
    // the next ones of the sort are refused by the API as gone
    const { tickets } = await api<{ tickets: { id: number }[] }>(at, '/api/v2/tickets.json');
    expect(tickets).toEqual([]);
    expect(zendesk.automation.webhooks).toHaveLength(1);
    expect(zendesk.automation.triggers).toHaveLength(2);
  });

  it('--check is content with it', async () => {
    const { code, stdout } = await at.run('zendesk --check');
    expect([code, stdout.split('\n').filter((line) => !line.startsWith('ok'))]).toEqual([0, ['']]);
  });

  describe('--check finds', () => {
    let undo: () => void = () => undefined;
    afterEach(() => undo());
    const breakWebhook = (change: Partial<MadeWebhook>) => (): void =>
      breakOne(at.vendors.zendesk.automation.webhooks, change);
    const breakTrigger = (change: Partial<MadeTrigger>) => (): void =>
      breakOne(at.vendors.zendesk.automation.triggers, change);
    function breakOne<T extends object>([one]: T[], change: Partial<T>): void {
      if (one === undefined) throw new Error('nothing to break');
      const before = { ...one };
      Object.assign(one, change);
      undo = () => void Object.assign(one, before);
    }

    it.each([
      ['a webhook that is off', breakWebhook({ status: 'inactive' }), /BAD {2}webhook “Draftdesk”: is not active/],
      [
        'a webhook that points elsewhere',
        breakWebhook({ endpoint: 'https://old.example/x' }),
        /points to https:\/\/old/,
      ],
      [
        'a trigger that is off',
        breakTrigger({ active: false }),
        /BAD {2}trigger “Draftdesk: new ticket”: is not active/,
      ],
      ['a trigger with other conditions', breakTrigger({ conditions: { all: [], any: [] } }), /has other conditions/],
      [
        'a trigger for another webhook',
        breakTrigger({ actions: [] }),
        /does not notify our webhook, sends another JSON/,
      ],
      ['a trigger that is gone', breakTrigger({ title: 'renamed' }), /trigger “Draftdesk: new ticket”: is not there/],
    ])('%s, and connect mends it', async (_name, break_, said) => {
      break_();
      const { code, stdout } = await at.run('zendesk --check');
      expect(code).toBe(1);
      expect(stdout).toMatch(said);
      expect(stdout).toContain('do: draftdesk connect zendesk\n');
      expect((await at.run('zendesk --yes --no-test --write-secret')).code).toBe(0);
      expect((await at.run('zendesk --check')).code).toBe(0);
      const { triggers } = at.vendors.zendesk.automation;
      triggers.splice(0, triggers.length, ...triggers.filter(({ title }) => title !== 'renamed'));
      undo = () => undefined;
    });

    it('a secret that is not the one of the webhook', async () => {
      const { code, stdout } = await at.run('zendesk --check --json', {
        ZENDESK_WEBHOOK_SECRET: 'a-secret-of-long-ago',
      });
      expect(code).toBe(1);
      expect(JSON.parse(stdout)).toMatchObject({
        ok: false,
        checks: expect.arrayContaining([
          expect.objectContaining({
            name: 'ZENDESK_WEBHOOK_SECRET',
            ok: false,
            todo: expect.stringContaining('--write-secret'),
          }),
        ]),
      });
      expect(stdout).not.toContain(secret);
    });

    it('a service that does not run', async () => {
      const { code, stdout } = await at.run('zendesk --check', { DRAFTDESK_URL: 'http://127.0.0.1:9' });
      expect(code).toBe(1);
      expect(stdout).toMatch(/BAD {2}service: Nobody answers at http:\/\/127\.0\.0\.1:9\/webhooks\/zendesk/);
      expect(stdout).toMatch(/ok {3}public address/);
    });
  });
});

async function api<T>({ env }: Stage, path: string): Promise<T> {
  const headers = { authorization: 'Bearer zendesk-simulator-oauth-token' };
  return (await (await fetch(`${env['ZENDESK_BASE_URL']}${path}`, { headers })).json()) as T;
}

it('connect zendesk with the credentials of an agent tells how to do it by hand', async () => {
  const at = await stage('zendesk', 'agent');
  const { code, stderr } = await at.run('zendesk --yes');
  await close(at);
  expect(code).toBe(1);
  expect(stderr).toContain('DRAFTDESK_SETUP_TOKEN');
  expect(stderr).toContain('{"ticket_id":"{{ticket.id}}","updated_at":"{{ticket.updated_at_with_timestamp}}"}');
  expect(stderr).toContain(`${at.publicUrl}/webhooks/zendesk`);
  expect(existsSync(join(at.vendors.folder, '.env'))).toBe(false);
});

it('connect freshdesk makes the rules with a secret of its own, proves them, and finds one that is off', async () => {
  const at = await stage('freshdesk');
  writeFileSync(join(at.vendors.folder, '.env'), '# mine\n');
  const made = await at.run('freshdesk --yes --no-test');
  expect([made.code, made.stderr]).toEqual([0, '']);
  const stored = storedIn(at);
  expect(stored['FRESHDESK_WEBHOOK_TOKEN']).toMatch(/^[\w-]{43}$/);
  expect(made.stdout).not.toContain(stored['FRESHDESK_WEBHOOK_TOKEN']);
  const { rules } = at.vendors.freshdesk;
  expect(rules.map(({ type, name, performer }) => [type, name, performer?.type])).toEqual([
    [1, 'Draftdesk: new ticket', undefined],
    [4, 'Draftdesk: customer reply', 2],
  ]);
  await restart(at, stored);

  const proved = await at.run('freshdesk --yes --json');
  expect(proved.code).toBe(0);
  const { test } = JSON.parse(proved.stdout) as { test: { ticketId: string; noteId: string } };
  expect(at.vendors.freshdesk.notes(test.ticketId).map(({ id }) => id)).toEqual([test.noteId]);
  expect(at.vendors.freshdesk.repliesSent()).toBe(0);
  expect((await at.run('freshdesk --check')).code).toBe(0);

  if (rules[1] !== undefined) rules[1].active = false;
  const broken = await at.run('freshdesk --check');
  await close(at);
  expect(broken.code).toBe(1);
  expect(broken.stdout).toMatch(/BAD {2}rule “Draftdesk: customer reply”: is switched off/);
});

it('connect freshdesk with an agent’s key prints the rules to paste, and --check still proves the rest', async () => {
  const at = await stage('freshdesk', 'agent');
  const { code, stderr } = await at.run('freshdesk --yes');
  expect(code).toBe(1);
  expect(stderr).toContain('{"ticket_id":"{{ticket.id}}","event":"{{triggered_event}}"}');
  const token = at.vendors.env['FRESHDESK_WEBHOOK_TOKEN'] ?? '';
  const checked = await at.run('freshdesk --check', { FRESHDESK_WEBHOOK_TOKEN: token });
  await close(at);
  expect(checked.code).toBe(0);
  expect(checked.stdout).toMatch(/-- {3}set-up: cannot be read/);
  expect(checked.stdout).toMatch(/ok {3}service\n/);
});

it.each([
  ['zendesk', /Say where the helpdesk reaches Draftdesk/],
  ['zendesk --public-url http://draftdesk.acme.com', /must be https/],
  ['zendesk --public-url https://draftdesk.acme.com/webhooks/zendesk', /must end before/],
  ['jira', /Allowed choices are zendesk, freshdesk/],
])('connect %s is wrong usage', async (args, said) => {
  const { code, stderr } = await startProgram(['connect', ...args.split(' ')], { env: {}, cwd: '/' }).ended;
  expect(code).toBe(2);
  expect(stderr).toMatch(said);
});

describe('the test ticket', () => {
  const refusal = new UpstreamError('invalid_request', 'freshdesk refused the request as invalid (400).', {
    upstream: 'freshdesk',
    status: 400,
  });

  /** A service that takes every webhook and has posted note 9 on ticket 7, which the helpdesk shows or not. */
  async function attempt(change: Partial<HelpdeskSetup>, shown = true): Promise<{ error: unknown; said: string[] }> {
    const server = createServer((request, response) => {
      const posted = JSON.stringify({ status: 'posted', reason: null, noteId: '9', attempts: [] });
      response.writeHead(request.method === 'POST' ? 202 : 200, { 'content-type': 'application/json' }).end(posted);
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const said: string[] = [];
    const setup = {
      sampleWebhook: () => ({ headers: {}, body: '' }),
      createTestTicket: () => Promise.resolve('7'),
      removeTestTicket: () => Promise.resolve('deleted' as const),
      ...change,
    } as unknown as HelpdeskSetup;
    const job = {
      helpdesk: 'freshdesk',
      connection: { setup, hasNote: () => Promise.resolve(shown) },
      env: { DRAFTDESK_URL: `http://127.0.0.1:${port}`, ADMIN_TOKEN: 'x' },
      timeoutMs: 5000,
      say: (line: string) => void said.push(line),
    } as unknown as ConnectJob;
    const error = await testConnection(job, 'secret').catch((thrown: unknown) => thrown);
    server.close();
    return { error, said };
  }

  it('that the helpdesk refuses is not taken for a set-up that failed', async () => {
    const { error } = await attempt({ createTestTicket: () => Promise.reject(refusal) });
    expect(error).toBeInstanceOf(CommandError);
    expect(error).toMatchObject({ message: expect.stringMatching(/^freshdesk takes no test ticket: .*--no-test/) });
  });

  it('that cannot be removed is named', async () => {
    const { error } = await attempt({ removeTestTicket: () => Promise.reject(refusal) });
    expect(error).toMatchObject({ message: expect.stringMatching(/^Test ticket 7 could not be removed .* by hand/) });
  });

  it('without its note fails for that, also when it cannot be removed', async () => {
    const { error, said } = await attempt({ removeTestTicket: () => Promise.reject(refusal) }, false);
    expect(error).toMatchObject({ message: expect.stringMatching(/shows no private note/) });
    expect(said.at(-1)).toMatch(/^Test ticket 7 could not be removed/);
  });
});
