import { describe, expect, it } from 'vitest';
import { LanguageModelError } from '../../src/core/language-model.ts';
import { openai } from '../../src/llms/openai.ts';
import { fakeClock } from '../support/fake-clock.ts';

const never = new AbortController().signal;
const TEXTS = ['How do I pay?', 'Where is it?'];

function modelWith(answer: (body: Record<string, unknown>) => Response | Promise<Response>, env = {}) {
  const sent: { readonly url: string; readonly key: string | null; readonly body: Record<string, unknown> }[] = [];
  const fakeFetch: typeof fetch = async (input, init) => {
    const body = JSON.parse(init?.body as string) as Record<string, unknown>;
    const url = input instanceof Request ? input.url : input.toString();
    sent.push({ url, key: new Headers(init?.headers).get('authorization'), body });
    const signal = init?.signal;
    return await Promise.race([
      answer(body),
      new Promise<never>((_, reject) => signal?.addEventListener('abort', () => reject(signal.reason as Error))),
    ]);
  };
  const clock = fakeClock();
  const all = { OPENAI_API_KEY: 'sk-test', EMBEDDINGS_MODEL: 'text-embedding-3-small', ...env };
  const made = openai.embeddings(openai.settings.parse(all), {
    fetch: fakeFetch,
    clock,
    allowInsecureUpstreams: false,
  });
  if (made === null) throw new Error('no model');
  return { model: made.model, sent, clock };
}

const base64 = (numbers: readonly number[]): string =>
  Buffer.from(Float32Array.from(numbers).buffer).toString('base64');
const answerOf = (embeddings: readonly unknown[], more: object = {}): Response =>
  Response.json({
    object: 'list',
    data: embeddings.map((embedding, index) => ({ object: 'embedding', index, embedding })),
    usage: { prompt_tokens: 1_000_000, total_tokens: 1_000_000 },
    ...more,
  });

async function failure(run: Promise<unknown>): Promise<LanguageModelError> {
  const error = await run.then(
    () => null,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(LanguageModelError);
  return error as LanguageModelError;
}

describe('a call to an embedding model', () => {
  it('sends the texts once, asks for bytes and few dimensions, and tells what it cost', async () => {
    const { model, sent } = modelWith(() => answerOf([base64([1, 0.5]), base64([0, -2])]));
    expect(await model.embed(TEXTS, never)).toEqual({
      vectors: [Float32Array.of(1, 0.5), Float32Array.of(0, -2)],
      usage: { promptTokens: 1_000_000, cachedTokens: 0, completionTokens: 0 },
      limits: null,
      costUsd: 0.02,
    });
    expect(sent).toEqual([
      {
        url: 'https://api.openai.com/v1/embeddings',
        key: 'Bearer sk-test',
        body: { model: 'text-embedding-3-small', input: TEXTS, encoding_format: 'base64', dimensions: 512 },
      },
    ]);
    expect(model.space).toBe('text-embedding-3-small 512');
  });

  it('takes numbers from servers that know no base64, in the order that the indexes say, and asks them for no length', async () => {
    const env = { EMBEDDINGS_MODEL: 'bge-m3', EMBEDDINGS_BASE_URL: 'http://127.0.0.1:8080/v1' };
    const data = [
      { index: 1, embedding: [0, 1] },
      { index: 0, embedding: [1, 0] },
    ];
    const { model, sent } = modelWith(() => Response.json({ data }), env);
    const { vectors, costUsd, usage } = await model.embed(TEXTS, never);
    expect(vectors).toEqual([Float32Array.of(1, 0), Float32Array.of(0, 1)]);
    expect([costUsd, usage.promptTokens]).toEqual([null, 0]);
    expect(sent[0]?.body).toEqual({ model: 'bge-m3', input: TEXTS, encoding_format: 'base64' });
    // the LLM's key is for another host
    expect(sent[0]?.key).toBe('Bearer none');
  });

  it.each([
    ['too few', [[1, 0]]],
    ['too many', [[1], [1], [1]]],
    ['different lengths', [[1, 0], [1]]],
    ['nothing', [[], []]],
    [
      'no direction',
      [
        [1, 0],
        [0, 0],
      ],
    ],
    ['no numbers', [[1, 0], base64([Number.NaN, 1])]],
    ['infinity', [[1, 0], base64([1, Number.POSITIVE_INFINITY])]],
    ['half a number', [base64([1, 0]), base64([1, 0]).slice(0, 4)]],
    ['words', [['a'], ['b']]],
  ])('refuses %s, and knows what it has paid', async (_, embeddings) => {
    const error = await failure(modelWith(() => answerOf(embeddings)).model.embed(TEXTS, never));
    expect(error).toMatchObject({ errorClass: 'invalid_response', costUsd: 0.02 });
  });

  it('refuses two vectors for the same text', async () => {
    const data = TEXTS.map(() => ({ index: 0, embedding: [1] }));
    const error = await failure(modelWith(() => answerOf([], { data })).model.embed(TEXTS, never));
    expect(error.errorClass).toBe('invalid_response');
  });

  it.each([
    [401, 'auth'],
    [404, 'model_not_found'],
    [429, 'rate_limited'],
    [503, 'overloaded'],
  ])('gives %d the class %s', async (status, errorClass) => {
    const answer = () => Response.json({ error: { message: 'secret text' } }, { status });
    const error = await failure(modelWith(answer).model.embed(TEXTS, never));
    expect(error).toMatchObject({ errorClass, status });
    expect(error.message).not.toContain('secret');
  });

  it('gives classes to a page, a cut body, a redirect and a wait', async () => {
    const page = () => new Response('<html>', { status: 502, headers: { 'content-type': 'text/html' } });
    expect((await failure(modelWith(page).model.embed(TEXTS, never))).errorClass).toBe('server_error');
    const cut = () => new Response('{"data":[', { headers: { 'content-type': 'application/json' } });
    expect((await failure(modelWith(cut).model.embed(TEXTS, never))).errorClass).toBe('response_truncated');
    const away = () => new Response(null, { status: 302, headers: { location: 'https://elsewhere.example' } });
    expect((await failure(modelWith(away).model.embed(TEXTS, never))).errorClass).toBe('redirect');
    const wait = () => Response.json({}, { status: 429, headers: { 'retry-after': '7' } });
    expect((await failure(modelWith(wait).model.embed(TEXTS, never))).retryAfterMs).toBe(7000);
    const silent = modelWith(() => new Promise<never>(() => undefined), { LLM_TIMEOUT_MS: '1000' });
    const hung = failure(silent.model.embed(TEXTS, never));
    await silent.clock.advance(1000);
    expect((await hung).errorClass).toBe('timeout');
  });
});
