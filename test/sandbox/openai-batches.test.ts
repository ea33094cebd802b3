import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../src/core/clock.ts';
import { createLlmSimulator, type LlmSimulatorOptions } from '../../src/sandbox/openai.ts';
import { fakeClock } from '../support/fake-clock.ts';
import { client } from './client.ts';

const DAY_MS = 86_400_000;

function setUp(options: Partial<LlmSimulatorOptions> = {}) {
  const clock = fakeClock();
  const llm = createLlmSimulator({ clock, random: seededRandom(3), ...options });
  const authorization = `Bearer ${llm.apiKey}`;
  const call = client(llm.fetch, { authorization });
  const upload = async (text: string, purpose = 'batch') => {
    const form = new FormData();
    form.set('purpose', purpose);
    form.set('file', new File([text], 'lines.jsonl'));
    const request = new Request('http://sim.test/v1/files', { method: 'POST', headers: { authorization }, body: form });
    return (await (await llm.fetch(request)).json()) as { id: string; bytes: number };
  };
  const start = async (text: string, more: object = {}) => {
    const { id } = await upload(text);
    const body = { input_file_id: id, endpoint: '/v1/chat/completions', completion_window: '24h', ...more };
    return (await call('POST', '/v1/batches', body)).json;
  };
  const read = async (id: string) => (await call('GET', `/v1/batches/${id}`)).json;
  const rows = async (fileId: string) =>
    (await call('GET', `/v1/files/${fileId}/content`)).text
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
  return { clock, llm, call, upload, start, read, rows };
}

function line(customId: string, overrides: object = {}, body: object = {}): string {
  return JSON.stringify({
    custom_id: customId,
    method: 'POST',
    url: '/v1/chat/completions',
    body: {
      model: 'gpt-6-luna',
      messages: [{ role: 'user', content: `Subject: ${customId}\n\nWhere is it?` }],
      ...body,
    },
    ...overrides,
  });
}

const lines = (count: number): string => Array.from({ length: count }, (_, index) => line(`t${index}`)).join('\n');

describe('simulated files', () => {
  it('are listed newest first, by purpose and page by page', async () => {
    const { call, upload } = setUp();
    const ids: string[] = [];
    for (const purpose of ['batch', 'evals', 'batch', 'batch']) ids.push((await upload('x', purpose)).id);
    const [first, , third, fourth] = ids;
    const page = async (query: string) => {
      const { data, has_more } = (await call('GET', `/v1/files?purpose=batch${query}`)).json;
      return { ids: data.map(({ id }: { id: string }) => id), more: has_more };
    };
    expect(await page('')).toEqual({ ids: [fourth, third, first], more: false });
    expect(await page('&limit=2')).toEqual({ ids: [fourth, third], more: true });
    expect(await page(`&limit=2&after=${third}`)).toEqual({ ids: [first], more: false });
    expect((await call('GET', '/v1/files')).json.data).toHaveLength(4);
  });
});

describe('a simulated batch', () => {
  it('goes through its states on the clock and ends with every line, in another order', async () => {
    const { clock, llm, start, read, rows } = setUp();
    const created = await start(lines(20), { metadata: { key: 'k' } });
    expect(created).toMatchObject({ object: 'batch', status: 'validating', metadata: { key: 'k' } });
    await clock.advance(1000);
    expect(await read(created.id)).toMatchObject({
      status: 'in_progress',
      request_counts: { total: 20, completed: 0 },
    });
    await clock.advance(2500);
    expect((await read(created.id)).request_counts.completed).toBe(10);
    await clock.advance(2500);
    expect(await read(created.id)).toMatchObject({ status: 'finalizing', output_file_id: null });
    await clock.advance(1000);
    const done = await read(created.id);
    expect(done).toMatchObject({
      status: 'completed',
      error_file_id: null,
      request_counts: { completed: 20, failed: 0 },
    });
    const answers = await rows(done.output_file_id);
    const ids = answers.map(({ custom_id }) => String(custom_id));
    const sent = Array.from({ length: 20 }, (_, index) => `t${index}`);
    expect([ids.length, new Set(ids)]).toEqual([20, new Set(sent)]);
    expect(ids).not.toEqual(sent);
    expect(answers[0].response).toMatchObject({ status_code: 200, body: { object: 'chat.completion' } });
    expect(llm.stats()).toMatchObject({ requests: 0, answered: 0, batches: { files: 1, batches: 1, lines: 20 } });
    expect(await rows(done.output_file_id)).toEqual(answers);
  });

  it('puts lines that failed into the error file', async () => {
    const { clock, start, read, rows } = setUp({ batchFault: (id) => (id === 't1' ? 'overloaded' : null) });
    const { id } = await start(`${lines(3)}\n${line('odd', {}, { messages: [] })}`);
    await clock.advance(7000);
    const done = await read(id);
    expect(done.request_counts).toEqual({ total: 4, completed: 2, failed: 2 });
    const failed = await rows(done.error_file_id);
    const byId = Object.fromEntries(failed.map((row) => [row.custom_id, row.response.status_code]));
    expect(byId).toEqual({ t1: 503, odd: 400 });
  });

  it('expires with what was ready', async () => {
    const { clock, start, read, rows } = setUp({ batchTimes: { validatingMs: 0, runningMs: 2 * DAY_MS } });
    const { id } = await start(lines(10));
    await clock.advance(DAY_MS - 1);
    expect((await read(id)).status).toBe('in_progress');
    await clock.advance(1);
    const done = await read(id);
    expect(done).toMatchObject({ status: 'expired', request_counts: { total: 10, completed: 5, failed: 0 } });
    expect(await rows(done.output_file_id)).toHaveLength(5);
    expect(await rows(done.error_file_id)).toEqual(
      Array.from({ length: 5 }, () =>
        expect.objectContaining({ response: null, error: expect.objectContaining({ code: 'batch_expired' }) }),
      ),
    );
  });

  it('is cancelled after a while and keeps what was ready', async () => {
    const { clock, call, start, read, rows } = setUp();
    const { id } = await start(lines(10));
    await clock.advance(3500);
    expect((await call('POST', `/v1/batches/${id}/cancel`)).json.status).toBe('cancelling');
    expect((await call('POST', `/v1/batches/${id}/cancel`)).json.status).toBe('cancelling');
    await clock.advance(1000);
    const done = await read(id);
    expect([done.status, (await rows(done.output_file_id)).length]).toEqual(['cancelled', 5]);
    expect((await call('POST', `/v1/batches/${id}/cancel`)).status).toBe(409);
  });

  it.each([
    ['no JSON', `${line('a')}\n{"cust`, { code: 'invalid_json_line', line: 2 }],
    ['no id', line('a', { custom_id: undefined }), { code: 'missing_required_parameter', line: 1 }],
    ['an id twice', `${line('a')}\n${line('a')}`, { code: 'duplicate_custom_id', line: 2 }],
    ['another address', line('a', { url: '/v1/embeddings' }), { code: 'mismatched_url', line: 1 }],
    ['another method', line('a', { method: 'GET' }), { code: 'invalid_method', line: 1 }],
    ['two models', `${line('a')}\n${line('b', {}, { model: 'gpt-4o-mini' })}`, { code: 'mismatched_model' }],
    ['nothing', '\n', { code: 'empty_file' }],
  ])('fails its validation for %s', async (_, text, error) => {
    const { clock, start, read } = setUp();
    const { id } = await start(text);
    expect((await read(id)).errors).toBeNull();
    await clock.advance(1000);
    expect(await read(id)).toMatchObject({ status: 'failed', output_file_id: null, errors: { data: [error] } });
  });

  it('is found in the list, newest first, in pages', async () => {
    const { call, start } = setUp();
    const ids: string[] = [];
    for (let count = 0; count < 3; count += 1) ids.unshift((await start(lines(1))).id);
    const first = (await call('GET', '/v1/batches?limit=2')).json;
    expect([first.data.map(({ id }: { id: string }) => id), first.has_more]).toEqual([ids.slice(0, 2), true]);
    const second = (await call('GET', `/v1/batches?limit=2&after=${first.last_id}`)).json;
    expect([second.data[0].id, second.data.length, second.has_more]).toEqual([ids[2], 1, false]);
  });

  it('wants a key, a file for batches and a known window', async () => {
    const { call, upload, llm } = setUp();
    const good = { endpoint: '/v1/chat/completions', completion_window: '24h' };
    const other = await upload(lines(1), 'assistants');
    expect((await call('POST', '/v1/batches', { ...good, input_file_id: other.id })).status).toBe(400);
    const { id, bytes } = await upload('ü');
    expect(bytes).toBe(2);
    expect((await call('POST', '/v1/batches', { ...good, input_file_id: id, completion_window: '1h' })).status).toBe(
      400,
    );
    expect((await call('POST', '/v1/files', 'no form')).status).toBe(400);
    expect((await call('GET', '/v1/files/file-none/content')).status).toBe(404);
    expect((await call('GET', '/v1/batches/batch_none')).status).toBe(404);
    const stranger = client(llm.fetch, { authorization: 'Bearer sk-other' });
    expect((await stranger('GET', '/v1/batches')).status).toBe(401);
  });
});
