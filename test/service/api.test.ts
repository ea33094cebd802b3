import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import formats from 'ajv-formats';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { tokenLine } from '../../src/core/admin-token.ts';
import { sha256 } from '../../src/core/clock.ts';
import type { BatchProgress } from '../../src/core/service-control.ts';
import { type ApiDocument, type ApiOperation, responseOf } from '../../src/http/openapi.ts';
import { ADMIN_TOKEN, type RunningService, startTestService, startVendors, type Vendors } from '../support/harness.ts';

/* Each operation of /openapi.json is called at the real service, and each answer held against what it promises. */

const VIEWER = 'a-viewer-token-of-more-than-32-characters';
/** A batch is being cancelled for a moment only, and faults are other tests' matter (test/http). */
const HARD_TO_COME_BY = ['retryBatch 409', 'syncKnowledge 409', ' 408', ' 500', ' 503'];
/** More than 256 MiB, or seconds of silence, are for test/http too. */
const IMPORT_TOO_LARGE = /^import\w+ 413$/;

let vendors: Vendors;
let running: RunningService;
let document: ApiDocument;
let validatorOf: (schema: object) => ValidateFunction;
/** `operationId status` of every answer that was seen. */
const seen = new Set<string>();

beforeAll(async () => {
  vendors = await startVendors();
  const file = join(vendors.folder, 'tokens');
  writeFileSync(file, tokenLine({ name: 'vera', role: 'viewer', digest: sha256(VIEWER) }), { mode: 0o600 });
  running = await startTestService({ ...vendors.env, ADMIN_TOKENS_FILE: file });
  document = (await (await fetch(`${running.service.url}/openapi.json`)).json()) as ApiDocument;
  const ajv = new Ajv2020({ strict: false });
  formats.default(ajv);
  ajv.addSchema({ ...(close(document) as object), $id: 'api' });
  validatorOf = (schema) => ajv.compile(JSON.parse(JSON.stringify(schema).replaceAll('"#/', '"api#/')) as object);
});
afterAll(async () => {
  await running[Symbol.asyncDispose]();
  await vendors[Symbol.asyncDispose]();
});

/** Answers may get more fields some day; today each one must be described. */
function close(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(close);
  if (typeof value !== 'object' || value === null) return value;
  const copy = Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, close(inner)]));
  const open = 'properties' in value && 'type' in value && !('additionalProperties' in value);
  return open ? { ...copy, additionalProperties: false } : copy;
}

interface Found {
  readonly method: string;
  readonly path: string;
  readonly operation: ApiOperation;
}

const operations = (): Found[] =>
  Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ method, path, operation })),
  );

interface CallOptions {
  readonly in?: Readonly<Record<string, string>>;
  readonly query?: string;
  readonly body?: unknown;
  readonly token?: string | null;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Calls it and checks status, media type and body against the description. Streams are read up to the first event. */
async function call(id: string, status: number, options: CallOptions = {}): Promise<unknown> {
  const found = operations().find(({ operation }) => operation.operationId === id);
  if (found === undefined) throw new Error(`no ${id}`);
  const { token = ADMIN_TOKEN, query = '', body, headers } = options;
  const values: Readonly<Record<string, string>> = {
    helpdesk: 'zendesk',
    ticketId: '1',
    id: 'b',
    kind: 'articles',
    ...options.in,
  };
  const path = found.path.replaceAll(/\{(\w+)\}/g, (_, name: string) => values[name] ?? '');
  const response = await fetch(`${running.service.url}${path}${query}`, {
    method: found.method.toUpperCase(),
    headers: { ...(token === null ? {} : { authorization: `Bearer ${token}` }), ...headers },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  const mediaType = response.headers.get('content-type')?.split(';')[0] ?? '';
  const text = mediaType === 'text/event-stream' ? await firstEvent(response) : await response.text();
  expect([id, response.status], text).toEqual([id, status]);
  const promised = found.operation.responses[String(status)];
  if (promised === undefined) throw new Error(`${id} does not promise ${status}`);
  const { content = {}, headers: promisedHeaders = {} } = responseOf(document, promised);
  expect(Object.keys(content)).toEqual([mediaType]);
  for (const name of Object.keys(promisedHeaders)) expect(response.headers.get(name)).toMatch(/^\d+$/);
  seen.add(`${id} ${status}`);
  const isJson = mediaType.endsWith('json') && !mediaType.includes('ndjson');
  const answer: unknown = isJson ? JSON.parse(text) : text;
  const validate = validatorOf(content[mediaType]?.schema ?? {});
  expect([id, status, validate(answer), validate.errors]).toEqual([id, status, true, null]);
  return answer;
}

async function firstEvent(response: Response): Promise<string> {
  let text = '';
  for await (const chunk of (response.body ?? new ReadableStream()).pipeThrough(new TextDecoderStream())) {
    text += chunk;
    if (text.includes('\n\n')) break;
  }
  return text;
}

/** The data of the first event, against what the operation of the same object promises. */
function checkEvent(text: unknown, name: string, object: string): void {
  const [, event, data = ''] = /^event: (\w+)\ndata: (.*)\n(?:retry: \d+\n)?\n/.exec(String(text)) ?? [];
  const validate = validatorOf({ $ref: `#/components/schemas/${object}` });
  expect([event, validate(JSON.parse(data)), validate.errors]).toEqual([name, true, null]);
}

const addTicket = (): string => vendors.zendesk.addTicket({ subject: 'Hello', html: '<p>Do you ship to Norway?</p>' });

async function webhook(status: number, { body, headers }: { readonly body: string; readonly headers: object }) {
  return call('receiveWebhook', status, { token: null, body, headers: { ...headers } });
}

async function batchThat(id: string, wanted: (batch: BatchProgress) => boolean): Promise<void> {
  for await (const batch of running.admin.events<BatchProgress>(`/admin/batches/${id}/events`)) {
    if (wanted(batch)) return;
  }
}

describe('the API does what its description says', () => {
  it('webhooks and tickets', async () => {
    const id = addTicket();
    const genuine = vendors.zendesk.webhookFor(id, 'ticket.created');
    await webhook(202, genuine);
    await webhook(202, vendors.zendesk.webhookFor(id, 'ticket.created'));
    await webhook(401, { ...genuine, body: genuine.body.replace(id, '9') });
    await webhook(415, { ...genuine, headers: { 'content-type': 'text/plain' } });
    await webhook(413, { ...genuine, body: 'x'.repeat(2 ** 20 + 1) });
    const token = { 'content-type': 'application/json', 'x-draftdesk-token': vendors.freshdesk.webhookToken };
    const freshdesk = { in: { helpdesk: 'freshdesk' }, token: null, headers: token };
    await call('receiveWebhook', 400, { ...freshdesk, body: '{' });
    await call('receiveWebhook', 202, {
      ...freshdesk,
      body: { ticket_id: '7', event: '{status:from:Open:to:Closed}' },
    });
    await call('receiveWebhook', 404, { in: { helpdesk: 'other' }, token: null, body: {} });
    await running.admin.until((counts) => counts.posted === 1);

    await call('listTickets', 200, { query: '?status=posted&limit=1' });
    await call('getTicket', 200, { in: { ticketId: id } });
    await call('retryTicket', 409, { in: { ticketId: id } });
    await call('postTicket', 409, { in: { ticketId: id } });
  });

  it('batches', async () => {
    const ids = [addTicket(), addTicket()];
    const given = { helpdesk: 'zendesk', ticketIds: ids };
    await call('createBatch', 200, { body: { ...given, dryRun: true } });
    const { id } = (await call('createBatch', 202, { body: { ...given, post: 'hold' } })) as { id: string };
    const one = { in: { id } };
    await batchThat(id, ({ counts }) => counts.drafted === 2);
    await call('getBatch', 200, one);
    await call('listBatches', 200);
    await call('getBatchResults', 200, one);
    await call('postTicket', 202, { in: { ticketId: ids[0] ?? '' } });
    await call('releaseBatch', 202, one);
    await batchThat(id, ({ state }) => state === 'completed');
    checkEvent(await call('watchBatch', 200, one), 'batch', 'Batch');
    for (const action of ['cancelBatch', 'pauseBatch', 'resumeBatch']) await call(action, 409, one);
    await call('retryBatch', 202, one);

    await call('pause', 200);
    const filter = { status: ['new', 'open'], createdSince: '2020-01-01T00:00:00Z' };
    const canary = { size: 1, maxErrorRate: 0.5 };
    const body = { helpdesk: 'zendesk', filter, canary, budgetUsd: 5, skipDrafted: false, name: 'By filter' };
    const second = { in: { id: ((await call('createBatch', 202, { body })) as { id: string }).id } };
    for (const action of ['pauseBatch', 'resumeBatch', 'cancelBatch', 'resumeBatch', 'cancelBatch'])
      await call(action, 202, second);
    await call('releaseBatch', 409, second);
    await call('resume', 200);
  });

  it('the service, people and the audit log', async () => {
    await call('getProgress', 200);
    checkEvent(await call('watchProgress', 200), 'progress', 'Progress');
    await call('listAuditRows', 200, { query: '?limit=500' });
    await call('getMetrics', 200);
    await call('inspectDatabase', 200);
    await call('makeBackup', 200);
    await call('eraseRequester', 200, { in: { id: '361' } });
    for (const id of ['getHealth', 'getReadiness', 'getOpenApi', 'getDocs']) await call(id, 200, { token: null });
  });

  it('knowledge', async () => {
    const solved = { id: '1', subject: 'Norway', description: 'Do you ship to Norway?', reply: 'We do ship there.' };
    const lines = {
      importArticles: { id: 'shipping', title: 'Shipping', body: '<p>We ship to Norway.</p>' },
      importSolved: { ...solved, articles: ['shipping'] },
      importCanned: { id: 'hello', title: 'Hello', body: 'Hello!' },
    };
    for (const [id, line] of Object.entries(lines)) {
      const body = `${JSON.stringify(line)}\n{`;
      const rejected = [{ line: 2, reason: 'It is not JSON.' }];
      expect(await call(id, 200, { body })).toEqual({ imported: 1, updated: 0, rejected });
      expect(await call(id, 200, { body, query: '?complete=true&source=x' })).toMatchObject({ removed: null });
      await call(id, 415, { body, headers: { 'content-encoding': 'gzip' } });
    }
    const found = await call('searchKnowledge', 200, { query: '?q=Do+you+ship+to+Norway&limit=1' });
    expect(found).toMatchObject({ articles: [{ id: 'shipping', votes: 1 }], solved: [{ id: '1' }] });
    expect(await call('getKnowledge', 200)).toMatchObject({ counts: { articles: 1, solved: 1, canned: 1 } });
    await call('syncKnowledge', 202);
    expect(await call('removeKnowledge', 200, { in: { id: 'hello', kind: 'canned' } })).toEqual({ removed: 1 });
  });

  it('dead letters', async () => {
    vendors.zendesk.publishNextNote();
    const ticketId = addTicket();
    await webhook(202, vendors.zendesk.webhookFor(ticketId, 'ticket.created'));
    await running.admin.until((counts) => counts.dead === 1);
    await call('getTicket', 200, { in: { ticketId } });
    const { items } = (await call('listDeadLetters', 200)) as { items: object[] };
    expect(items).toMatchObject([{ ticketId, status: 'dead' }]);
    await call('pause', 200);
    await call('retryTicket', 202, { in: { ticketId } });
    await call('retryDeadLetters', 202, { body: { errorClass: 'timeout' } });
    await call('resume', 200);
  });

  it('refusals, of every operation that promises them', async () => {
    for (const { operation } of operations()) {
      const { operationId: id, responses, requestBody, security } = operation;
      if (security.length === 0) continue;
      await call(id, 401, { token: null });
      if ('403' in responses) await call(id, 403, { token: VIEWER });
      if ('404' in responses) {
        const body = id === 'createBatch' ? { helpdesk: 'other', ticketIds: ['1'] } : undefined;
        await call(id, 404, { in: { helpdesk: 'other', id: 'unknown' }, body });
      }
      const isJson = requestBody !== undefined && 'application/json' in requestBody.content;
      if ('400' in responses) await call(id, 400, isJson ? { body: { other: 1 } } : { query: '?other=1' });
      if (isJson) await call(id, 413, { body: ' '.repeat(2 * 2 ** 20 + 1) });
    }
    const wrong = { headers: { authorization: 'Bearer wrong' } };
    while ((await fetch(`${running.service.url}/admin/progress`, wrong)).status !== 429);
    for (const { operation } of operations())
      if ('429' in operation.responses) await call(operation.operationId, 429, { token: 'wrong' });
  });

  it('nothing is promised that was not seen', () => {
    const promised = operations().flatMap(({ operation: { operationId, responses } }) =>
      Object.keys(responses).map((status) => `${operationId} ${status}`),
    );
    const unseen = promised.filter(
      (each) => !seen.has(each) && !IMPORT_TOO_LARGE.test(each) && !HARD_TO_COME_BY.some((code) => each.endsWith(code)),
    );
    expect(unseen).toEqual([]);
  });
});
