import { afterEach, describe, expect, it } from 'vitest';
import type { BatchLine, BatchResult } from '../../src/core/batch-model.ts';
import { seededRandom } from '../../src/core/clock.ts';
import { type Completion, LanguageModelError, type Prompt } from '../../src/core/language-model.ts';
import { openai } from '../../src/llms/openai.ts';
import { createLlmSimulator, type LlmSimulatorOptions } from '../../src/sandbox/openai.ts';
import { listen } from '../../src/sandbox/server.ts';
import { createUpstreamFetch } from '../../src/upstream-fetch.ts';
import { collect } from '../support/collect.ts';
import { fakeClock } from '../support/fake-clock.ts';

const never = new AbortController().signal;
const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((server) => server.close()));
});

const promptOf = (subject: string): Prompt => ({
  system: 'You draft replies.',
  user: `<subject>${subject}</subject>\nIt has not arrived, and nobody told me anything.`,
  schema: { name: 'draft', schema: { type: 'object', properties: { reply: { type: 'string' } } } },
  maxOutputTokens: 500,
});
const linesOf = (count: number): BatchLine[] =>
  Array.from({ length: count }, (_, index) => ({ customId: `t${index}`, prompt: promptOf(`Ticket ${index}`) }));

/** The adapter over real sockets and the service's own fetch; only the clock is not real. */
async function setUp(options: Partial<LlmSimulatorOptions> = {}) {
  const clock = fakeClock();
  const simulator = createLlmSimulator({ clock, random: seededRandom(5), ...options });
  const server = await listen(simulator.fetch);
  open.push(server);
  const settings = openai.settings.parse({ OPENAI_BASE_URL: `${server.url}/v1`, OPENAI_API_KEY: simulator.apiKey });
  const deps = { fetch: createUpstreamFetch(), clock, allowInsecureUpstreams: false };
  return { clock, simulator, batches: openai.createBatchModel(settings, deps), llm: openai.create(settings, deps) };
}

type Answer = (url: string, init: RequestInit | undefined) => Response | Promise<Response>;

/** The adapter against one function. */
function withServer(answer: Answer) {
  const clock = fakeClock();
  const settings = openai.settings.parse({ OPENAI_API_KEY: 'sk-test', LLM_TIMEOUT_MS: '5000' });
  const fakeFetch: typeof fetch = async (input, init) =>
    await answer(input instanceof Request ? input.url : input.toString(), init);
  const deps = { fetch: fakeFetch, clock, allowInsecureUpstreams: false };
  return { clock, batches: openai.createBatchModel(settings, deps) };
}

async function failure(run: Promise<unknown>): Promise<LanguageModelError> {
  const error = await run.catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(LanguageModelError);
  return error as LanguageModelError;
}

function errorsIn(results: readonly BatchResult[]): Record<string, string> {
  return Object.fromEntries(
    results.flatMap(({ customId, outcome }) =>
      outcome instanceof LanguageModelError ? [[customId ?? 'null', outcome.errorClass]] : [],
    ),
  );
}

describe('a batch', () => {
  it('is sent off, followed and read, at half the price', async () => {
    const { clock, batches, llm } = await setUp();
    async function* lazily() {
      yield* linesOf(30);
    }
    const { id } = await batches.submit('key', lazily(), never);
    expect(await batches.status(id, never)).toEqual({
      id,
      state: 'validating',
      counts: { total: 0, completed: 0, failed: 0 },
      errors: [],
      errorClass: null,
      outputReady: false,
    });
    await clock.advance(3500);
    expect(await batches.status(id, never)).toMatchObject({ state: 'running', counts: { total: 30, completed: 15 } });
    await clock.advance(2500);
    expect(await batches.status(id, never)).toMatchObject({ state: 'finalizing', outputReady: false });
    await clock.advance(1000);
    expect(await batches.status(id, never)).toMatchObject({ state: 'completed', outputReady: true });

    const results = await collect(batches.results(id, never));
    expect(new Set(results.map(({ customId }) => customId))).toEqual(new Set(linesOf(30).map((line) => line.customId)));
    const seventh = results.find(({ customId }) => customId === 't7')?.outcome as Completion;
    expect(JSON.parse(seventh.text)).toHaveProperty('reply', expect.stringContaining('Ticket 7'));
    expect(seventh.model).toMatch(/^gpt-6-luna/);
    expect(seventh.costUsd).toBe(llm.costUsd(seventh.usage, 'batch'));
    expect(seventh.costUsd).toBeCloseTo((llm.costUsd(seventh.usage) ?? 0) / 2, 12);
  });

  it('leaves no file at the provider once it is forgotten, and may be forgotten twice', async () => {
    const { clock, batches, simulator } = await setUp({ batchFault: (id) => (id === 't1' ? 'overloaded' : null) });
    const { id } = await batches.submit('key', linesOf(3), never);
    await clock.advance(10_000);
    expect((await batches.status(id, never)).state).toBe('completed');
    expect(simulator.stats().batches.kept).toBe(3);
    await batches.forget(id, never);
    await batches.forget(id, never);
    expect(simulator.stats().batches.kept).toBe(0);
  });

  it('leaves no file at the provider that refuses it', async () => {
    const deleted: string[] = [];
    const { batches } = withServer(async (url, init) => {
      if (init?.method === 'DELETE') deleted.push(url);
      if (!url.endsWith('/files')) return Response.json({ error: { message: 'no' } }, { status: 400 });
      await new Response(init?.body).arrayBuffer();
      return Response.json({ id: 'file-1' });
    });
    await failure(batches.submit('key', linesOf(1), never));
    expect(deleted).toEqual([expect.stringMatching(/\/files\/file-1$/)]);
  });

  it('leaves none of the files that were uploaded under its key once they are discarded', async () => {
    const { batches, simulator } = await setUp();
    await batches.submit('another', linesOf(1), never);
    for (let count = 0; count < 2; count += 1) await batches.submit('key/1', linesOf(1), never);
    expect(simulator.stats().batches.kept).toBe(3);
    await batches.discard('key/1', never);
    expect(simulator.stats().batches.kept).toBe(1);
    await batches.discard('key/1', never);
    await batches.discard('anoth', never);
    expect(simulator.stats().batches.kept).toBe(1);
  });

  it('is looked for on every page of files', async () => {
    const deleted: string[] = [];
    const { batches } = withServer((url, init) => {
      const { pathname, searchParams } = new URL(url);
      if (init?.method === 'DELETE') {
        deleted.push(pathname);
        return Response.json({ deleted: true });
      }
      expect(searchParams.get('purpose')).toBe('batch');
      const second = searchParams.get('after') === 'file-1';
      const file = second ? { id: 'file-2', filename: 'draftdesk-k.jsonl' } : { id: 'file-1', filename: 'other.jsonl' };
      return Response.json({ data: [file], has_more: !second });
    });
    await batches.discard('k', never);
    expect(deleted).toEqual(['/v1/files/file-2']);
  });

  it.each([404, 405])('is nothing to delete where files are not listed (%i)', async (status) => {
    const { batches } = withServer(() => Response.json({ error: { message: 'no' } }, { status }));
    await expect(batches.discard('k', never)).resolves.toBeUndefined();
  });

  it('is found again under its key, so that nobody pays twice', async () => {
    const { batches } = await setUp();
    expect(await batches.find('key 1', never)).toBeNull();
    const { id } = await batches.submit('key 1', linesOf(1), never);
    for (let count = 0; count < 120; count += 1) await batches.submit('another', linesOf(1), never);
    expect(await batches.find('key 1', never)).toEqual({ id });
    expect(await batches.find('key', never)).toBeNull();
  });

  it('tells which lines failed, with the classes of a call of its own', async () => {
    const faults = new Map([
      ['t1', 'overloaded'],
      ['t2', 'insufficient_quota'],
      ['t3', 'refusal'],
      ['t4', 'length'],
    ] as const);
    const { clock, batches } = await setUp({ batchFault: (id) => faults.get(id as 't1') ?? null });
    const { id } = await batches.submit('key', linesOf(6), never);
    await clock.advance(7000);
    const results = await collect(batches.results(id, never));
    expect(results).toHaveLength(6);
    expect(errorsIn(results)).toEqual({
      t1: 'overloaded',
      t2: 'quota_exhausted',
      t3: 'refusal',
      t4: 'output_truncated',
    });
    const refused = results.find(({ customId }) => customId === 't3')?.outcome as LanguageModelError;
    expect(refused.usage?.promptTokens).toBeGreaterThan(10);
    expect(refused.costUsd).toBeGreaterThan(0);
  });

  it('that expired gives what was ready, and says what was not', async () => {
    const { clock, batches } = await setUp({ batchTimes: { validatingMs: 0, runningMs: 2 * 86_400_000 } });
    const { id } = await batches.submit('key', linesOf(4), never);
    await clock.advance(86_400_000);
    expect(await batches.status(id, never)).toMatchObject({ state: 'expired', outputReady: true });
    const results = await collect(batches.results(id, never));
    expect(errorsIn(results)).toEqual({ t2: 'timeout', t3: 'timeout' });
    expect(results).toHaveLength(4);
  });

  it('is cancelled, twice with the same end, and keeps what was ready', async () => {
    const { clock, batches } = await setUp();
    const { id } = await batches.submit('key', linesOf(4), never);
    await clock.advance(3500);
    await batches.cancel(id, never);
    expect((await batches.status(id, never)).state).toBe('cancelling');
    await batches.cancel(id, never);
    await clock.advance(1000);
    await batches.cancel(id, never);
    expect(await batches.status(id, never)).toMatchObject({ state: 'cancelled', outputReady: true });
    const results = await collect(batches.results(id, never));
    expect(errorsIn(results)).toEqual({ t2: 'cancelled', t3: 'cancelled' });
  });

  it('that was refused says why, with ten sentences at most and nothing of the text', async () => {
    const { clock, batches } = await setUp();
    const twice = Array.from({ length: 13 }, () => ({ customId: 'same', prompt: promptOf('Secret matter') }));
    const { id } = await batches.submit('key', twice, never);
    await clock.advance(1000);
    const { errors, ...status } = await batches.status(id, never);
    expect(status).toMatchObject({ state: 'failed', errorClass: 'invalid_request', outputReady: false });
    expect(errors).toHaveLength(11);
    expect(errors[0]).toBe('The provider refused line 2 of the batch (duplicate_custom_id).');
    expect(errors.at(-1)).toBe('… and 2 more.');
    expect(await collect(batches.results(id, never))).toEqual([]);
  });

  it('that nobody knows is an invalid request', async () => {
    const { batches } = await setUp();
    for (const run of [batches.status('batch_0', never), batches.cancel('batch_0', never)]) {
      expect(await failure(run)).toMatchObject({ errorClass: 'invalid_request', status: 404 });
    }
  });
});

describe('sending a batch off', () => {
  it('counts the bytes of a line as it sends them', async () => {
    const { batches, simulator } = await setUp();
    const line: BatchLine = { customId: 'ü', prompt: { ...promptOf('Größe 😀'), tier: 'flex' } };
    expect(batches.lineBytes(line)).toBeGreaterThan(JSON.stringify(line.prompt.schema.schema).length);
    let sent = '';
    const { batches: watched } = withServer(async (url, init) => {
      if (url.endsWith('/files')) sent = await new Response(init?.body ?? null).text();
      return Response.json({ id: 'x' });
    });
    await watched.submit('key', [line], never);
    const json = sent.split('\r\n').find((part) => part.startsWith('{')) ?? '';
    expect(JSON.parse(json)).toMatchObject({ custom_id: 'ü', body: { max_completion_tokens: 500 } });
    expect(json).not.toContain('service_tier');
    expect(Buffer.byteLength(json)).toBe(watched.lineBytes(line));
    expect(simulator.stats().batches.files).toBe(0);
  });

  it.each([
    ['lines', 50_001, 'x'],
    ['bytes', 201, 'x'.repeat(1_000_000)],
  ])('refuses too many %s, and makes no batch', async (_, count, user) => {
    const { batches, simulator } = await setUp();
    const prompt = { ...promptOf(''), user };
    function* many() {
      for (let index = 0; index < count; index += 1) yield { customId: `t${index}`, prompt };
    }
    expect((await failure(batches.submit('key', many(), never))).errorClass).toBe('request_too_large');
    expect(simulator.stats().batches.batches).toBe(0);
  });

  it('hands on what its lines throw', async () => {
    const { batches, simulator } = await setUp();
    async function* broken() {
      yield* linesOf(3);
      throw new RangeError('bug');
    }
    await expect(batches.submit('key', broken(), never)).rejects.toThrow(RangeError);
    expect(simulator.stats().batches.batches).toBe(0);
  });

  it('stops when told to', async () => {
    const { batches, simulator } = await setUp();
    const stop = new AbortController();
    async function* endless() {
      yield* linesOf(3);
      stop.abort();
      yield* linesOf(3);
    }
    expect((await failure(batches.submit('key', endless(), stop.signal))).errorClass).toBe('cancelled');
    expect(simulator.stats().batches.batches).toBe(0);
  });

  it.each([404, 405])('to a server without a Batch API names the setting (%i)', async (status) => {
    const { batches } = withServer(async (_, init) => {
      await new Response(init?.body ?? null).text();
      return Response.json({ error: { message: 'Not Found' } }, { status });
    });
    const error = await failure(batches.submit('key', linesOf(1), never));
    expect(error.errorClass).toBe('invalid_request');
    expect(error.message).toContain('OPENAI_BASE_URL');
    expect((await failure(batches.find('key', never))).errorClass).toBe('invalid_request');
  });
});

describe('the state of a batch', () => {
  it.each([
    ['token_limit_exceeded', 'rate_limited'],
    ['insufficient_quota', 'quota_exhausted'],
    ['model_not_found', 'model_not_found'],
    ['Customer Ada wrote: help', 'invalid_request'],
  ])('failed for %s is %s', async (code, errorClass) => {
    const { batches } = withServer(() =>
      Response.json({ id: 'b', status: 'failed', errors: { data: [{ code, message: 'Ada', line: null }] } }),
    );
    const status = await batches.status('b', never);
    expect(status.errorClass).toBe(errorClass);
    expect(status.errors.join()).not.toContain('Ada');
  });

  it('that nobody knows is an invalid response', async () => {
    const { batches } = withServer(() => Response.json({ id: 'b', status: 'resting' }));
    expect((await failure(batches.status('b', never))).errorClass).toBe('invalid_response');
  });
});

describe('reading results', () => {
  const row = (customId: string, response: unknown, error: unknown = null) =>
    JSON.stringify({ id: 'batch_req_1', custom_id: customId, response, error });
  const good = (customId: string, content = '{}') =>
    row(customId, {
      status_code: 200,
      body: {
        model: 'gpt-6-luna',
        choices: [{ finish_reason: 'stop', message: { content } }],
        usage: { prompt_tokens: 1000, completion_tokens: 200 },
        service_tier: 'default',
      },
    });
  const resultsOf = (output: string | null, errors: string | null = null) =>
    withServer((url) => {
      if (url.endsWith('/files/out/content')) return new Response(output);
      if (url.endsWith('/files/err/content')) return new Response(errors);
      return Response.json({
        id: 'b',
        status: 'completed',
        output_file_id: output === null ? null : 'out',
        error_file_id: errors === null ? null : 'err',
      });
    }).batches.results('b', never);

  it('names lines that cannot be read and goes on', async () => {
    const text = `${good('a')}\n{"custom_id":\n\n[1]\n${'x'.repeat(4 * 1024 * 1024 + 1)}\n${good('b')}`;
    const results = await collect(resultsOf(text));
    expect(results.map(({ customId }) => customId)).toEqual(['a', null, null, null, 'b']);
    expect(results.flatMap(({ outcome }) => (outcome instanceof LanguageModelError ? [outcome.message] : []))).toEqual(
      [2, 4, 5].map((line) => `Line ${line} of the batch's results cannot be read.`),
    );
  });

  it.each([
    ['results', [null, row('b', null, { code: 'batch_expired' })], ['b']],
    ['errors', [good('a'), null], ['a']],
  ] as const)('of which the provider has lost the %s throws after it has given the rest', async (_, texts, ids) => {
    const [output, errors] = texts;
    const { batches } = withServer((url) => {
      const text = url.endsWith('/files/out/content') ? output : url.endsWith('/files/err/content') ? errors : '';
      if (text === null) return Response.json({ error: { message: 'No such File object.' } }, { status: 404 });
      if (text !== '') return new Response(text);
      return Response.json({ id: 'b', status: 'completed', output_file_id: 'out', error_file_id: 'err' });
    });
    const seen: (string | null)[] = [];
    const read = async (): Promise<void> => {
      for await (const { customId } of batches.results('b', never)) seen.push(customId);
    };
    expect(await failure(read())).toMatchObject({ errorClass: 'invalid_request', status: 404 });
    expect(seen).toEqual(ids);
  });

  it('takes the first of an id that comes twice, in the other file too', async () => {
    const results = await collect(
      resultsOf(`${good('a', '1')}\n${good('a', '2')}\n`, `${row('a', null, { code: 'batch_expired' })}\n`),
    );
    expect(results.map(({ outcome }) => (outcome as Completion).text)).toEqual(['1']);
  });

  it.each([
    [{ status_code: 400, body: { error: { message: 'long', code: 'context_length_exceeded' } } }, 'context_length'],
    [{ status_code: 429, body: { error: { message: 'wait', code: 'rate_limit_exceeded' } } }, 'rate_limited'],
    [{ status_code: 500, body: null }, 'server_error'],
    [{ status_code: 502, body: '<html>' }, 'server_error'],
    [{ status_code: 0, body: null }, 'connection'],
    [{ status_code: 200, body: { choices: [] } }, 'invalid_response'],
    [null, 'server_error'],
  ])('gives %j the class %s', async (response, errorClass) => {
    const results = await collect(resultsOf(null, row('a', response, { code: 'Customer Ada' })));
    expect(errorsIn(results)).toEqual({ a: errorClass });
    expect(results[0]?.outcome).toMatchObject({ message: expect.not.stringContaining('Ada') as string });
  });

  it('breaks with a class when the download does, or stalls', async () => {
    const stalling = (end: (controller: ReadableStreamDefaultController) => void) =>
      withServer((url) => {
        if (!url.endsWith('/content')) return Response.json({ id: 'b', status: 'completed', output_file_id: 'out' });
        const bytes = new TextEncoder().encode(`${good('a')}\n${good('b').slice(0, 30)}`);
        let sent = false;
        return new Response(
          new ReadableStream({
            pull: (controller) => {
              if (sent) return end(controller);
              sent = true;
              controller.enqueue(bytes);
            },
          }),
        );
      });
    const cut = stalling((controller) => controller.error(new TypeError('terminated')));
    expect((await failure(collect(cut.batches.results('b', never)))).errorClass).toBe('response_truncated');

    const seen: (string | null)[] = [];
    const silent = stalling(() => undefined);
    const reading = failure(
      (async () => {
        for await (const { customId } of silent.batches.results('b', never)) {
          seen.push(customId);
          // a slow reader is no slow server
          await silent.clock.sleep(60_000);
        }
      })(),
    );
    await silent.clock.advance(60_000);
    expect(seen).toEqual(['a']);
    await silent.clock.advance(5000);
    expect((await reading).errorClass).toBe('timeout');
    expect(silent.clock.pending()).toBe(0);
  });

  it('lets go of the connection when nobody reads on', async () => {
    let released = false;
    const { batches } = withServer((url) => {
      if (!url.endsWith('/content')) return Response.json({ id: 'b', status: 'completed', output_file_id: 'out' });
      const bytes = new TextEncoder().encode(`${good('a')}\n`);
      return new Response(
        new ReadableStream({ pull: (controller) => controller.enqueue(bytes), cancel: () => void (released = true) }),
      );
    });
    for await (const { customId } of batches.results('b', never)) {
      expect(customId).toBe('a');
      break;
    }
    expect(released).toBe(true);
  });
});
