import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/core/clock.ts';
import { LanguageModelError, type Prompt } from '../../src/core/language-model.ts';
import { openai } from '../../src/llms/openai.ts';
import { fakeClock } from '../support/fake-clock.ts';

const prompt: Prompt = {
  system: 'fixed text',
  user: 'the ticket',
  schema: { name: 'draft', schema: { type: 'object', properties: {}, additionalProperties: false } },
  maxOutputTokens: 321,
};
const never = new AbortController().signal;

interface Sent {
  readonly url: string;
  readonly headers: Headers;
  readonly redirect: string | undefined;
  readonly body: Record<string, unknown>;
  readonly signal: AbortSignal | null | undefined;
}

/** A model whose server is one function. */
function modelWith(answer: (sent: Sent) => Response | Promise<Response>, env: Record<string, string> = {}) {
  const sent: Sent[] = [];
  const fakeFetch: typeof fetch = async (input, init) => {
    const headers = new Headers(init?.headers);
    const body: unknown = typeof init?.body === 'string' ? JSON.parse(init.body) : {};
    sent.push({
      url: input instanceof Request ? input.url : input.toString(),
      headers,
      redirect: init?.redirect,
      body: body as Record<string, unknown>,
      signal: init?.signal,
    });
    return await answer(sent.at(-1) as Sent);
  };
  const settings = openai.settings.parse({ OPENAI_API_KEY: 'sk-test', ...env });
  const clock = fakeClock();
  const deps = { fetch: fakeFetch, clock, allowInsecureUpstreams: false };
  return { llm: openai.create(settings, deps), sent, clock, deps, settings };
}

function completion(overrides: Record<string, unknown> = {}, message: Record<string, unknown> = {}): object {
  return {
    id: 'chatcmpl-1',
    model: 'gpt-6-luna-2026-09-22',
    choices: [
      {
        index: 0,
        finish_reason: 'stop',
        message: { role: 'assistant', content: '{"a":1}', refusal: null, ...message },
      },
    ],
    usage: {
      prompt_tokens: 1000,
      completion_tokens: 200,
      total_tokens: 1200,
      prompt_tokens_details: { cached_tokens: 600 },
    },
    ...overrides,
  };
}

async function failure(run: Promise<unknown>): Promise<LanguageModelError> {
  const error = await run.then(
    () => null,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(LanguageModelError);
  return error as LanguageModelError;
}

function errorBody(message: string, code: unknown = null, type = 'invalid_request_error'): object {
  return { error: { message, type, code, param: null } };
}

describe('a call to an OpenAI-compatible model', () => {
  it('sends both parts, the schema and the limit, once, and follows nothing', async () => {
    const { llm, sent } = modelWith(() => Response.json(completion()));
    await llm.complete(prompt, never);
    expect(sent).toHaveLength(1);
    expect(sent[0]?.url).toBe('https://api.openai.com/v1/chat/completions');
    expect(sent[0]?.headers.get('authorization')).toBe('Bearer sk-test');
    expect(sent[0]?.redirect).toBe('manual');
    expect(sent[0]?.body).toEqual({
      model: 'gpt-6-luna',
      messages: [
        { role: 'system', content: 'fixed text' },
        { role: 'user', content: 'the ticket' },
      ],
      response_format: {
        type: 'json_schema',
        json_schema: { name: 'draft', strict: true, schema: prompt.schema.schema },
      },
      max_completion_tokens: 321,
      reasoning_effort: 'low',
    });
  });

  it('makes the other model of the settings, with its limits and its price', async () => {
    const env = { LLM_FALLBACK_MODEL: 'gpt-5.4-mini', LLM_FALLBACK_REQUESTS_PER_MINUTE: '70' };
    const { deps, settings, sent } = modelWith(() => Response.json(completion({ model: null })), env);
    expect(openai.models(settings)).toEqual(['gpt-6-luna', 'gpt-5.4-mini']);
    expect(openai.limits(settings).requestsPerMinute).toBe(500);
    expect(openai.limits(settings, 'gpt-5.4-mini')).toEqual({
      requestsPerMinute: 70,
      tokensPerMinute: 200_000,
      configured: { requests: true, tokens: false },
    });
    const fallback = openai.create(settings, deps, 'gpt-5.4-mini');
    const answer = await fallback.complete(prompt, never);
    expect(sent[0]?.body).toMatchObject({ model: 'gpt-5.4-mini' });
    expect(answer.model).toBe('gpt-5.4-mini');
    expect(answer.costUsd).toBe(fallback.costUsd(answer.usage));
    expect(openai.models(openai.settings.parse({ OPENAI_API_KEY: 'k' }))).toEqual(['gpt-6-luna']);
  });

  it('knows the screen of keys at OpenAI, and none of another server', () => {
    expect(openai.adminUrl(openai.settings.parse({ OPENAI_API_KEY: 'k' }))).toBe(
      'https://platform.openai.com/api-keys',
    );
    const { settings } = modelWith(() => new Response(), { OPENAI_BASE_URL: 'http://127.0.0.1:11434/v1' });
    expect(openai.adminUrl(settings)).toBeNull();
  });

  it('keeps what the server says of an answer, also of one that is of no use', async () => {
    const said = {
      service_tier: 'priority',
      system_fingerprint: 'fp_1',
      usage: { prompt_tokens: 9, completion_tokens: 50, completion_tokens_details: { reasoning_tokens: 40 } },
    };
    const told = { id: expect.any(String), serviceTier: 'priority', fingerprint: 'fp_1', reasoningTokens: 40 };
    const answer = await modelWith(() => Response.json(completion(said))).llm.complete(prompt, never);
    expect(answer.told).toMatchObject({ ...told, finishReason: 'stop' });
    const cut = { ...said, choices: [{ finish_reason: 'length', message: { content: '{"re' } }] };
    const error = await failure(modelWith(() => Response.json(completion(cut))).llm.complete(prompt, never));
    expect(error).toMatchObject({ errorClass: 'output_truncated', told: { ...told, finishReason: 'length' } });
    const odd = { ...said, id: 7, system_fingerprint: 'x'.repeat(201), service_tier: {} };
    const strange = await modelWith(() => Response.json(completion(odd))).llm.complete(prompt, never);
    expect(strange.told).toMatchObject({ id: null, serviceTier: null, fingerprint: null });
  });

  it('asks for flex only when told, and pays by the tier that the answer names', async () => {
    let served: unknown = 'flex';
    const { llm, sent } = modelWith(() => Response.json(completion({ service_tier: served })));
    const flex = await llm.complete({ ...prompt, tier: 'flex' }, never);
    expect(sent[0]?.body).toMatchObject({ service_tier: 'flex' });
    expect(flex.costUsd).toBeCloseTo((llm.costUsd(flex.usage) ?? 0) / 2, 12);
    expect(flex.costUsd).toBe(llm.costUsd(flex.usage, 'flex'));
    for (served of ['default', null, 7]) {
      const standard = await llm.complete({ ...prompt, tier: 'flex' }, never);
      expect(standard.costUsd).toBe(llm.costUsd(standard.usage));
    }
    await llm.complete({ ...prompt, tier: 'standard' }, never);
    expect(sent.at(-1)?.body).not.toHaveProperty('service_tier');
  });

  it.each([
    ['flex_unavailable', 429, errorBody('Resource Unavailable', 'resource_unavailable')],
    ['flex_unavailable', 429, errorBody('No room')],
    ['flex_unavailable', 400, errorBody("service tier 'flex' is not supported for this model")],
    ['rate_limited', 429, errorBody('Rate limit reached', 'rate_limit_exceeded', 'requests')],
    ['rate_limited', 429, errorBody('Rate limit reached for m')],
    ['quota_exhausted', 429, errorBody('No credit', 'insufficient_quota')],
    ['slow_down', 429, errorBody('Slow down', 'slow_down')],
    ['invalid_request', 400, errorBody('bad schema')],
  ])('under flex is %s for status %i with %j, else never flex_unavailable', async (errorClass, status, body) => {
    const { llm } = modelWith(() => Response.json(body, { status }));
    expect((await failure(llm.complete({ ...prompt, tier: 'flex' }, never))).errorClass).toBe(errorClass);
    expect((await failure(llm.complete(prompt, never))).errorClass).not.toBe('flex_unavailable');
  });

  it.each([
    [5_000, 50_000],
    [600_000, 900_000],
    [1_200_000, 1_200_000],
  ])('waits longer for flex: a time limit of %i ms becomes %i ms', async (timeoutMs, expectedMs) => {
    const { llm, clock } = modelWith(
      ({ signal }) =>
        new Promise((_, reject) => {
          signal?.addEventListener('abort', () => reject(new DOMException('stop', 'AbortError')));
        }),
      { LLM_TIMEOUT_MS: String(timeoutMs) },
    );
    const failed = failure(llm.complete({ ...prompt, tier: 'flex' }, never));
    await clock.advance(expectedMs - 1);
    expect(clock.pending()).toBe(1);
    await clock.advance(1);
    expect(await failed).toMatchObject({ errorClass: 'timeout' });
  });

  it('limits the output of other servers in the way they know', async () => {
    const { llm, sent } = modelWith(() => Response.json(completion()), {
      OPENAI_BASE_URL: 'http://127.0.0.1:11434/v1',
    });
    await llm.complete(prompt, never);
    expect(sent[0]?.body).toMatchObject({ max_tokens: 321 });
    expect(sent[0]?.body).not.toHaveProperty('max_completion_tokens');
    expect(sent[0]?.body).not.toHaveProperty('reasoning_effort');
  });

  it('answers text, model, usage, cost and limits', async () => {
    const { llm } = modelWith(() =>
      Response.json(completion(), {
        headers: { 'x-ratelimit-remaining-tokens': '100', 'x-ratelimit-limit-tokens': '200' },
      }),
    );
    const answer = await llm.complete(prompt, never);
    expect(answer).toMatchObject({
      text: '{"a":1}',
      model: 'gpt-6-luna-2026-09-22',
      usage: { promptTokens: 1000, cachedTokens: 600, completionTokens: 200 },
      limits: { remainingTokens: 100, limitTokens: 200, remainingRequests: null },
    });
    expect(answer.costUsd).toBeCloseTo((400 * 0.1 + 600 * 0.01 + 200 * 0.5) / 1e6, 12);
  });

  it.each([
    ['no usage', { usage: null }, { promptTokens: 0, cachedTokens: 0, completionTokens: 0 }, null],
    [
      'only totals',
      { usage: { prompt_tokens: 5, completion_tokens: 2, total_tokens: 7 } },
      { promptTokens: 5, cachedTokens: 0, completionTokens: 2 },
      1.5e-6,
    ],
  ])('forgives %s', async (_, overrides, usage, cost) => {
    const { llm } = modelWith(() => Response.json(completion(overrides)));
    const answer = await llm.complete(prompt, never);
    expect(answer.usage).toEqual(usage);
    if (cost === null) expect(answer.costUsd).toBeNull();
    else expect(answer.costUsd).toBeCloseTo(cost, 12);
  });

  it.each([
    ['refusal', completion({}, { content: null, refusal: "I can't help." })],
    ['content_filter', completion({ choices: [{ finish_reason: 'content_filter', message: { content: '' } }] })],
    ['output_truncated', completion({ choices: [{ finish_reason: 'length', message: { content: '{"re' } }] })],
    ['invalid_output', completion({}, { content: '' })],
    ['invalid_response', completion({ choices: [] })],
  ])('counts what a useless answer cost: %s', async (errorClass, body) => {
    const { llm } = modelWith(() => Response.json(body, { headers: { 'x-ratelimit-remaining-requests': '3' } }));
    const error = await failure(llm.complete(prompt, never));
    expect(error.errorClass).toBe(errorClass);
    expect(error.usage).toEqual({ promptTokens: 1000, cachedTokens: 600, completionTokens: 200 });
    expect(error.costUsd).toBeGreaterThan(0);
    expect(error.limits?.remainingRequests).toBe(3);
  });

  it.each([
    ['rate_limited', 429, errorBody('Rate limit reached', 'rate_limit_exceeded', 'requests')],
    ['rate_limited', 429, errorBody('Rate limit reached', '429', 'throttling_error')],
    ['rate_limited', 429, { error: 'slow' }],
    ['slow_down', 429, errorBody('Slow down', 'slow_down', 'rate_limit_error')],
    ['slow_down', 503, errorBody('Slow down', 'slow_down', 'rate_limit_error')],
    ['quota_exhausted', 429, errorBody('You exceeded your current quota', 'insufficient_quota', 'insufficient_quota')],
    ['quota_exhausted', 429, errorBody('No credit', null, 'insufficient_quota')],
    ['quota_exhausted', 429, errorBody('No credit', 'project_spend_limit_exceeded', 'billing')],
    ['quota_exhausted', 402, errorBody('Pay')],
    ['quota_exhausted', 400, errorBody('Budget has been exceeded', '400', 'budget_exceeded')],
    [
      'request_too_large',
      429,
      errorBody('Request too large for m: Limit 30000, Requested 40,123.', 'rate_limit_exceeded', 'tokens'),
    ],
    [
      'rate_limited',
      429,
      errorBody('Rate limit: Limit 30000, Used 29000, Requested 4000.', 'rate_limit_exceeded', 'tokens'),
    ],
    ['context_length', 400, errorBody('too long', 'context_length_exceeded')],
    [
      'context_length',
      400,
      {
        object: 'error',
        message: "This model's maximum context length is 8192 tokens",
        type: 'BadRequestError',
        code: 400,
      },
    ],
    ['content_filter', 400, errorBody('filtered', 'content_filter')],
    ['model_not_found', 400, errorBody('no such model', 'model_not_found')],
    ['invalid_request', 400, errorBody('bad schema')],
    ['invalid_request', 413, errorBody('too large')],
    ['invalid_request', 422, errorBody('unprocessable')],
    ['auth', 401, errorBody('Incorrect API key provided', 'invalid_api_key')],
    ['forbidden', 403, errorBody('not for you')],
    ['model_not_found', 404, errorBody('The model does not exist', 'model_not_found')],
    ['timeout', 408, errorBody('late')],
    ['conflict', 409, errorBody('lock')],
    ['server_error', 500, errorBody('oops')],
    ['server_error', 502, '<html>Bad gateway</html>'],
    ['server_error', 520, ''],
    ['overloaded', 503, errorBody('overloaded', 'server_is_overloaded', 'service_unavailable_error')],
    ['overloaded', 529, errorBody('overloaded')],
    ['redirect', 302, ''],
    ['redirect', 308, ''],
  ])('is %s for status %i with %j', async (errorClass, status, body) => {
    const { llm, sent } = modelWith(() =>
      typeof body === 'string'
        ? new Response(body, { status, headers: { 'content-type': 'text/html', location: 'https://evil.example/' } })
        : Response.json(body, { status }),
    );
    const error = await failure(llm.complete(prompt, never));
    expect(error).toMatchObject({ errorClass, status, upstream: 'llm' });
    expect(error.message).not.toMatch(/key provided|Requested|html/);
    // whatever it is: never sent again behind the budget's back
    expect(sent).toHaveLength(1);
  });

  it('hands on how long to wait, and what the headers of a refusal say', async () => {
    const { llm } = modelWith(() =>
      Response.json(errorBody('wait', 'rate_limit_exceeded'), {
        status: 429,
        headers: { 'retry-after': '90', 'x-ratelimit-remaining-requests': '0', 'x-ratelimit-reset-requests': '2s' },
      }),
    );
    const error = await failure(llm.complete(prompt, never));
    expect(error.retryAfterMs).toBe(90_000);
    expect(error.limits?.remainingRequests).toBe(0);
  });

  it.each([
    ['invalid_response', () => new Response('<html>hello</html>', { headers: { 'content-type': 'text/html' } })],
    ['invalid_response', () => new Response('', { headers: { 'content-type': 'application/json' } })],
    ['invalid_response', () => Response.json([1, 2])],
    [
      'response_truncated',
      () => new Response('{"choices":[{"mess', { headers: { 'content-type': 'application/json' } }),
    ],
    ['response_too_large', () => Response.json(completion({}, { content: 'x'.repeat(5 * 1024 * 1024) }))],
    [
      'connection',
      () =>
        Promise.reject(
          new TypeError('fetch failed', { cause: Object.assign(new Error('x'), { code: 'ECONNREFUSED' }) }),
        ),
    ],
  ])('is %s for an answer that is none', async (errorClass, answer) => {
    const { llm } = modelWith(answer);
    expect((await failure(llm.complete(prompt, never))).errorClass).toBe(errorClass);
  });

  it('gives up at its own time limit, also in the middle of the body', async () => {
    const clock = fakeClock();
    const stalled: typeof fetch = async (_, init) =>
      new Response(
        new ReadableStream({
          start: (controller) => {
            controller.enqueue(new TextEncoder().encode('{"choices":'));
            init?.signal?.addEventListener('abort', () => controller.error(new DOMException('stop', 'AbortError')));
          },
        }),
        { headers: { 'content-type': 'application/json' } },
      );
    const settings = openai.settings.parse({ OPENAI_API_KEY: 'sk-test', LLM_TIMEOUT_MS: '5000' });
    const llm = openai.create(settings, { fetch: stalled, clock, allowInsecureUpstreams: false });
    const failed = failure(llm.complete(prompt, never));
    await clock.advance(4_999);
    expect(clock.pending()).toBe(1);
    await clock.advance(1);
    expect((await failed).errorClass).toBe('timeout');
    expect(clock.pending()).toBe(0);
  });

  it('stops when told to, before and during a call', async () => {
    const { llm, sent } = modelWith(() => Response.json(completion()));
    expect((await failure(llm.complete(prompt, AbortSignal.abort()))).errorClass).toBe('cancelled');
    expect(sent).toHaveLength(0);
    const stop = new AbortController();
    const hanging = modelWith(async () => {
      stop.abort();
      throw new DOMException('aborted', 'AbortError');
    });
    expect((await failure(hanging.llm.complete(prompt, stop.signal))).errorClass).toBe('cancelled');
  });

  it('refuses to be built for an address that is not allowed', () => {
    const settings = { ...openai.settings.parse({ OPENAI_API_KEY: 'k' }), baseUrl: 'http://10.0.0.5/v1' };
    const deps = { fetch, clock: fakeClock() };
    expect(() => openai.create(settings, { ...deps, allowInsecureUpstreams: false })).toThrow(/OPENAI_BASE_URL/);
    expect(() => openai.create(settings, { ...deps, allowInsecureUpstreams: true })).not.toThrow();
  });
});

describe('the probe', () => {
  it.each([200, 404, 405])('is content with status %i', async (status) => {
    const { llm, sent } = modelWith(() => Response.json({ data: [] }, { status }));
    await llm.probe(never);
    expect(sent[0]?.url).toBe('https://api.openai.com/v1/models');
  });

  it.each([
    [401, 'auth'],
    [403, 'forbidden'],
    [500, 'server_error'],
  ])('fails for status %i with %s', async (status, errorClass) => {
    const { llm } = modelWith(() => Response.json(errorBody('no'), { status }));
    expect((await failure(llm.probe(never))).errorClass).toBe(errorClass);
  });
});

describe('over a real socket', () => {
  let close = (): void => undefined;
  afterEach(() => close());

  async function serve(listener: RequestListener) {
    const server = createServer(listener);
    await new Promise<void>((resolve) => {
      server.listen(0, '127.0.0.1', resolve);
    });
    close = () => {
      server.closeAllConnections();
      server.close();
    };
    const { port } = server.address() as AddressInfo;
    const settings = openai.settings.parse({ OPENAI_BASE_URL: `http://127.0.0.1:${port}/v1`, LLM_TIMEOUT_MS: '2000' });
    return openai.create(settings, { fetch, clock: systemClock(), allowInsecureUpstreams: false });
  }

  it.each<[string, RequestListener]>([
    ['connection', (request) => request.socket.destroy()],
    [
      'response_truncated',
      (_, response) => {
        response.writeHead(200, { 'content-type': 'application/json', 'content-length': '500' });
        response.write('{"choices":[');
        setImmediate(() => response.socket?.destroy());
      },
    ],
    [
      'redirect',
      (_, response) => {
        response.writeHead(307, { location: 'http://127.0.0.1:9/' }).end();
      },
    ],
  ])('is %s', async (errorClass, listener) => {
    const llm = await serve(listener);
    expect((await failure(llm.complete(prompt, never))).errorClass).toBe(errorClass);
  });

  it('is connection when nobody listens', async () => {
    const llm = await serve((_, response) => void response.end());
    close();
    const error = await failure(llm.complete(prompt, never));
    expect(error.errorClass).toBe('connection');
    expect(error.message).toContain('ECONNREFUSED');
  });
});
