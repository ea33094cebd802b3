import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startProgram } from './program.ts';

/* The commands that talk to a service, against a server that answers what INTERFACE.md says. */

const BATCH = {
  id: 'b1',
  name: 'backlog',
  state: 'running',
  total: 3,
  counts: { queued: 1, posted: 1, dead: 1 },
  processed: 2,
  succeeded: 1,
  failed: 1,
  errorRate: 0.5,
  ratePerMinute: 60,
  etaSeconds: 1,
  createdAt: '2026-11-23T10:00:00.000Z',
  finishedAt: null,
};
const DONE = {
  ...BATCH,
  state: 'completed',
  processed: 3,
  succeeded: 3,
  failed: 0,
  counts: { posted: 3 },
  etaSeconds: 0,
};

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

describe('draftdesk batch at a service', () => {
  let server: Server;
  let url: string;
  let folder: string;
  let asked: { readonly call: string; readonly body: unknown; readonly authorization: string | undefined }[];
  let answers: Record<string, Answer>;

  const json =
    (body: unknown, status = 200): Answer =>
    (_, response) => {
      const type = status < 400 ? 'application/json' : 'application/problem+json';
      response.writeHead(status, { 'content-type': type }).end(JSON.stringify(body));
    };

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'draftdesk-'));
    asked = [];
    answers = {};
    server = createServer((request, response) => {
      void text(request).then((body) => {
        const call = `${request.method} ${request.url}`;
        asked.push({ call, body: body === '' ? null : JSON.parse(body), authorization: request.headers.authorization });
        (answers[call] ?? json({ detail: 'Nothing is here.' }, 404))(request, response);
      });
    });
    await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterEach(() => {
    server.closeAllConnections();
    server.close();
    rmSync(folder, { recursive: true });
  });

  const run = async (args: string, env: Readonly<Record<string, string>> = {}) =>
    await startProgram(args.split(' '), {
      cwd: folder,
      env: { DRAFTDESK_URL: url, ADMIN_TOKEN: 'first-token, second', ...env },
    }).ended;

  it('starts a batch with everything that was said, and with the first token', async () => {
    answers['POST /admin/batches'] = json({ ...BATCH, duplicates: ['2'] }, 202);
    writeFileSync(join(folder, 'ids.txt'), '4\r\n5\n\n');
    const { code, stdout } = await run(
      'batch start --helpdesk zendesk --ids 1,2,2 --ids-file ids.txt --name backlog --hold --canary --budget-usd 2.5 --lane flex --no-skip-drafted',
    );
    expect(code).toBe(0);
    expect(stdout).toMatch(/b1: 3 tickets\n {2}1 left out: given twice/);
    expect(asked).toEqual([
      {
        call: 'POST /admin/batches',
        authorization: 'Bearer first-token',
        body: {
          helpdesk: 'zendesk',
          ticketIds: ['1', '2', '2', '4', '5'],
          name: 'backlog',
          post: 'hold',
          canary: { size: 20, maxErrorRate: 0.1 },
          budgetUsd: 2.5,
          lane: 'flex',
          skipDrafted: false,
        },
      },
    ]);
  });

  it('sends a filter, asks for an estimate', async () => {
    answers['POST /admin/batches'] = json({
      tickets: 10_000,
      promptTokens: 9e6,
      completionTokens: 3e6,
      costUsd: null,
      minutes: 125,
      bound: 'zendesk.updates',
    });
    const { stdout } = await run(
      'batch start --helpdesk zendesk --status open,pending --tag vip --tag eu --created-since 2026-11-01 --dry-run',
    );
    expect(asked[0]?.body).toEqual({
      helpdesk: 'zendesk',
      filter: { status: ['open', 'pending'], tags: ['vip', 'eu'], createdSince: '2026-11-01T00:00:00.000Z' },
      dryRun: true,
    });
    expect(stdout).toMatch(/10,000[^]*2 h 05 min[^]*zendesk\.updates/);
  });

  it.each([
    ['an unknown command', 'batch begin', /unknown command 'begin'/],
    ['no command', 'batch', /Usage: draftdesk batch/],
    ['an unknown option', 'status --nope', /unknown option '--nope'/],
    ['a missing argument', 'batch watch', /missing required argument 'id'/],
    ['a missing option', 'batch start --ids 1', /required option '--helpdesk <name>'/],
    ['a number that is none', 'batch start --helpdesk zendesk --ids 1 --canary x', /whole number from 1/],
    ['a time that is none', 'batch start --helpdesk zendesk --created-since soon', /must be a time such as/],
  ])('exits with 2 for %s', async (_, args, message) => {
    const { code, stderr } = await run(args);
    expect(code).toBe(2);
    expect(stderr).toMatch(message);
    expect(asked).toEqual([]);
  });

  it('exits with 0 when asked for help', async () => {
    const { code, stdout } = await run('batch start --help');
    expect(code).toBe(0);
    expect(stdout).toMatch(/Examples:/);
  });

  it('refuses ids and a filter together, and neither', async () => {
    expect((await run('batch start --helpdesk zendesk')).code).toBe(2);
    expect((await run('batch start --helpdesk zendesk --ids 1 --status open')).code).toBe(2);
    expect(asked).toEqual([]);
  });

  it.each([
    ['pause', 'pause', {}],
    ['resume', 'resume', {}],
    ['cancel', 'cancel', {}],
    ['retry', 'retry --error-class timeout', { errorClass: 'timeout' }],
    ['release', 'release --min-confidence 0.8', { minConfidence: 0.8 }],
  ])('%s', async (action, words, body) => {
    answers[`POST /admin/batches/b1/${action}`] = json(BATCH, 202);
    const [command, ...rest] = words.split(' ');
    const { code, stdout } = await run(['batch', command, 'b1', ...rest].join(' '));
    expect(code).toBe(0);
    expect(asked[0]?.body).toEqual(body);
    expect(stdout).toMatch(/^batch .*\nb1 +running +2\/3 +1 /);
  });

  it('watches over a broken connection until the batch is over', async () => {
    answers['GET /admin/batches/b1'] = json(BATCH);
    let connections = 0;
    answers['GET /admin/batches/b1/events'] = (_, response) => {
      connections += 1;
      const last = connections > 1;
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write(
        `: ping\n\nevent: batch\ndata: ${JSON.stringify(last ? DONE : { ...BATCH, processed: 2 })}\n\n`,
        () => {
          if (!last) response.destroy();
        },
      );
    };
    const { code, stdout } = await run('batch watch b1 --json');
    expect(code).toBe(0);
    expect(connections).toBe(2);
    const seen = stdout
      .trim()
      .split('\n')
      .map((line) => (JSON.parse(line) as { state: string }).state);
    expect(seen).toEqual(['running', 'completed']);
  });

  it('ends a watch with 1 when tickets are dead, and shows what is known', async () => {
    answers['GET /admin/batches/b1'] = json({
      ...BATCH,
      state: 'cancelled',
      reason: 'the budget is spent',
      waitingFor: ['zendesk.updates'],
      errors: [{ errorClass: 'timeout', count: 1, example: { ticketId: '7', error: 'The model did not answer.' } }],
      spent: { promptTokens: 10, completionTokens: 5, costUsd: 0.5, forecastUsd: 1 },
    });
    const { code, stdout } = await run('batch watch b1');
    expect(code).toBe(1);
    expect(stdout).toMatch(
      /zendesk\.updates[^]*1 timeout[^]*timeout, e\.g\. ticket 7: The model did not answer[^]*batch retry b1/,
    );
  });

  it('fetches results and lists batches page by page', async () => {
    answers['GET /admin/batches/b1/results.ndjson'] = (_, response) => void response.end('{"id":"1"}\n{"id":"2"}\n');
    answers['GET /admin/batches?limit=100'] = json({ items: [BATCH], nextCursor: 'n+1' });
    answers['GET /admin/batches?limit=100&cursor=n%2B1'] = json({ items: [{ ...DONE, id: 'b0' }], nextCursor: null });
    expect((await run('batch results b1')).stdout).toBe('{"id":"1"}\n{"id":"2"}\n');
    await run('batch results b1 --out r.ndjson');
    expect(readFileSync(join(folder, 'r.ndjson'), 'utf8')).toBe('{"id":"1"}\n{"id":"2"}\n');
    expect((await run('batch list')).stdout).toMatch(/^batch .*\nb1 .*\nb0 .*\n$/);
  });

  it('says in one sentence what is wrong', async () => {
    answers['POST /admin/batches'] = json(
      {
        title: 'Bad Request',
        detail: 'The body is not valid.',
        errors: [{ path: 'ticketIds[0]', message: 'must be a ticket id' }],
      },
      400,
    );
    answers['GET /admin/progress'] = json({}, 401);
    answers['GET /admin/batches/b1'] = (_, response) => void response.writeHead(502).end('<html>');
    const gone = createServer().listen(0, '127.0.0.1');
    await once(gone, 'listening');
    const closed = `http://127.0.0.1:${(gone.address() as AddressInfo).port}`;
    gone.close();
    const told = async (args: string, env = {}) => (await run(args, env)).stderr;
    expect(await told('batch start --helpdesk zendesk --ids x')).toBe(
      'error: The body is not valid: ticketIds[0] must be a ticket id.\n',
    );
    expect(await told('status')).toMatch(/refuses ADMIN_TOKEN/);
    expect(await told('batch watch b1')).toMatch(/502 .*check DRAFTDESK_URL/);
    expect(await told('batch watch b2')).toBe('error: Nothing is here.\n');
    expect(await told('status', { DRAFTDESK_URL: closed })).toMatch(
      /No service answers .*ECONNREFUSED.*draftdesk serve/,
    );
    expect(await told('status', { ADMIN_TOKEN: '' })).toMatch(/Set ADMIN_TOKEN/);
    expect(await told('status', { DRAFTDESK_URL: 'nonsense' })).toMatch(/DRAFTDESK_URL must be/);
  });
});
