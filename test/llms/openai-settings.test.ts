import { describe, expect, it } from 'vitest';
import { isOpenAiHost, openAiSettings } from '../../src/llms/openai-settings.ts';

const KEY = { OPENAI_API_KEY: 'sk-test' };

function problems(env: Record<string, string>): string[] {
  const parsed = openAiSettings.safeParse(env);
  return (parsed.error?.issues ?? []).map((issue) => issue.path.join('.'));
}

describe('openAiSettings', () => {
  it('has sensible defaults, so that a key is enough', () => {
    expect(openAiSettings.parse(KEY)).toEqual({
      apiKey: 'sk-test',
      baseUrl: 'https://api.openai.com/v1',
      model: 'gpt-6-luna',
      fallback: null,
      review: null,
      query: null,
      embeddings: null,
      timeoutMs: 60_000,
      requestsPerMinute: 500,
      tokensPerMinute: 200_000,
      configured: { requests: false, tokens: false },
    });
  });

  it('takes what is set, over what the model would give', () => {
    const env = {
      ...KEY,
      LLM_MODEL: 'gpt-5-mini',
      LLM_REQUESTS_PER_MINUTE: '6000',
      LLM_TIMEOUT_MS: '1500',
      OPENAI_BASE_URL: 'https://llm.example/v1/',
    };
    expect(openAiSettings.parse(env)).toMatchObject({
      baseUrl: 'https://llm.example/v1',
      timeoutMs: 1500,
      requestsPerMinute: 6000,
      tokensPerMinute: 500_000,
      configured: { requests: true, tokens: false },
    });
  });

  it('gives the fallback model limits of its own', () => {
    const env = { ...KEY, LLM_REQUESTS_PER_MINUTE: '6000', LLM_FALLBACK_MODEL: 'gpt-5-mini' };
    expect(openAiSettings.parse(env).fallback).toEqual({
      model: 'gpt-5-mini',
      requestsPerMinute: 500,
      tokensPerMinute: 500_000,
      configured: { requests: false, tokens: false },
    });
    const limits = { LLM_FALLBACK_REQUESTS_PER_MINUTE: '70', LLM_FALLBACK_TOKENS_PER_MINUTE: '8000' };
    expect(openAiSettings.parse({ ...env, ...limits }).fallback).toMatchObject({
      requestsPerMinute: 70,
      tokensPerMinute: 8000,
    });
  });

  it('gives the model that reviews limits of its own, unless it writes drafts, too', () => {
    expect(openAiSettings.parse(KEY).review).toBeNull();
    const env = { ...KEY, REVIEW_MODEL: 'gpt-5-mini', REVIEW_REQUESTS_PER_MINUTE: '70' };
    expect(openAiSettings.parse(env).review).toMatchObject({
      model: 'gpt-5-mini',
      requestsPerMinute: 70,
      tokensPerMinute: 500_000,
    });
  });

  it('gives the model that says what to look for limits of its own, unless it has another part', () => {
    const env = { ...KEY, QUERY_MODEL: 'gpt-5-mini', QUERY_TOKENS_PER_MINUTE: '70' };
    expect(openAiSettings.parse(env).query).toMatchObject({ model: 'gpt-5-mini', tokensPerMinute: 70 });
    const both = { ...KEY, REVIEW_MODEL: 'gpt-5-mini', QUERY_MODEL: 'gpt-5-mini', REVIEW_REQUESTS_PER_MINUTE: '70' };
    expect(openAiSettings.parse(both).query?.model).toBe('gpt-5-mini');
  });

  it('has embeddings where the LLM is, with limits of their own', () => {
    expect(openAiSettings.parse({ ...KEY, EMBEDDINGS_MODEL: 'text-embedding-3-small' }).embeddings).toEqual({
      model: 'text-embedding-3-small',
      apiKey: 'sk-test',
      baseUrl: 'https://api.openai.com/v1',
      requestsPerMinute: 3000,
      tokensPerMinute: 1_000_000,
      configured: { requests: false, tokens: false },
    });
    const env = { ...KEY, EMBEDDINGS_MODEL: 'm', EMBEDDINGS_TOKENS_PER_MINUTE: '5000' };
    expect(openAiSettings.parse(env).embeddings).toMatchObject({
      tokensPerMinute: 5000,
      configured: { requests: false, tokens: true },
    });
  });

  it.each([
    { address: 'https://api.openai.com/v2', own: {}, apiKey: 'sk-test' },
    { address: 'https://vectors.example/v1', own: {}, apiKey: null },
    { address: 'https://api.openai.com:8443/v1', own: { EMBEDDINGS_API_KEY: 'own' }, apiKey: 'own' },
    { address: 'https://vectors.example/v1', own: { EMBEDDINGS_API_KEY: 'own' }, apiKey: 'own' },
    { address: 'http://127.0.0.1:8080/v1', own: {}, apiKey: null },
  ])('sends $apiKey to $address', ({ address, own, apiKey }) => {
    const env = { ...KEY, EMBEDDINGS_MODEL: 'm', EMBEDDINGS_BASE_URL: address, ...own };
    expect(openAiSettings.parse(env).embeddings).toMatchObject({ baseUrl: address, apiKey });
  });

  it.each([
    { env: { ...KEY, QUERY_TOKENS_PER_MINUTE: '5' }, names: ['QUERY_TOKENS_PER_MINUTE'] },
    {
      env: { ...KEY, REVIEW_MODEL: 'gpt-5-mini', QUERY_MODEL: 'gpt-5-mini', QUERY_TOKENS_PER_MINUTE: '5' },
      names: ['QUERY_TOKENS_PER_MINUTE'],
    },
    { env: {}, names: ['OPENAI_API_KEY'] },
    { env: { ...KEY, EMBEDDINGS_BASE_URL: 'https://vectors.example' }, names: ['EMBEDDINGS_BASE_URL'] },
    { env: { ...KEY, EMBEDDINGS_REQUESTS_PER_MINUTE: '5' }, names: ['EMBEDDINGS_REQUESTS_PER_MINUTE'] },
    { env: { ...KEY, EMBEDDINGS_MODEL: 'm', EMBEDDINGS_API_KEY: 'a b' }, names: ['EMBEDDINGS_API_KEY'] },
    { env: { ...KEY, EMBEDDINGS_MODEL: 'm', EMBEDDINGS_BASE_URL: 'http://10.0.0.5' }, names: ['EMBEDDINGS_BASE_URL'] },
    {
      env: { ...KEY, EMBEDDINGS_MODEL: 'm', EMBEDDINGS_TOKENS_PER_MINUTE: '1e3' },
      names: ['EMBEDDINGS_TOKENS_PER_MINUTE'],
    },
    {
      env: {
        OPENAI_BASE_URL: 'https://llm.example/v1',
        EMBEDDINGS_MODEL: 'm',
        EMBEDDINGS_BASE_URL: 'https://api.openai.com/v1',
      },
      names: ['EMBEDDINGS_API_KEY'],
    },
    { env: { ...KEY, REVIEW_TOKENS_PER_MINUTE: '5' }, names: ['REVIEW_TOKENS_PER_MINUTE'] },
    {
      env: { ...KEY, REVIEW_MODEL: 'gpt-6-luna', REVIEW_TOKENS_PER_MINUTE: '5' },
      names: ['REVIEW_TOKENS_PER_MINUTE'],
    },
    { env: { OPENAI_API_KEY: '  ' }, names: ['OPENAI_API_KEY'] },
    { env: { OPENAI_API_KEY: 'sk\nx' }, names: ['OPENAI_API_KEY'] },
    { env: { ...KEY, LLM_TIMEOUT_MS: '1e3' }, names: ['LLM_TIMEOUT_MS'] },
    { env: { ...KEY, LLM_TIMEOUT_MS: '3000000000' }, names: ['LLM_TIMEOUT_MS'] },
    { env: { ...KEY, LLM_REQUESTS_PER_MINUTE: '0' }, names: ['LLM_REQUESTS_PER_MINUTE'] },
    { env: { ...KEY, LLM_TOKENS_PER_MINUTE: '-5' }, names: ['LLM_TOKENS_PER_MINUTE'] },
    { env: { ...KEY, LLM_FALLBACK_MODEL: 'gpt-6-luna' }, names: ['LLM_FALLBACK_MODEL'] },
    { env: { ...KEY, LLM_FALLBACK_TOKENS_PER_MINUTE: '5' }, names: ['LLM_FALLBACK_TOKENS_PER_MINUTE'] },
    {
      env: { ...KEY, LLM_FALLBACK_MODEL: 'm', LLM_FALLBACK_REQUESTS_PER_MINUTE: 'many' },
      names: ['LLM_FALLBACK_REQUESTS_PER_MINUTE'],
    },
    { env: { ...KEY, OPENAI_BASE_URL: 'http://10.0.0.5/v1' }, names: ['OPENAI_BASE_URL'] },
    { env: { ...KEY, OPENAI_BASE_URL: 'http://169.254.169.254' }, names: ['OPENAI_BASE_URL'] },
    { env: { ...KEY, OPENAI_BASE_URL: 'file:///etc/passwd' }, names: ['OPENAI_BASE_URL'] },
    { env: { ...KEY, OPENAI_BASE_URL: 'https://user:pass@llm.example' }, names: ['OPENAI_BASE_URL'] },
    {
      env: { LLM_TIMEOUT_MS: 'x', LLM_TOKENS_PER_MINUTE: '0x10' },
      names: ['OPENAI_API_KEY', 'LLM_TIMEOUT_MS', 'LLM_TOKENS_PER_MINUTE'],
    },
  ])('reports every bad variable of $env', ({ env, names }) => {
    expect(problems(env)).toEqual(names);
  });

  it.each(['http://127.0.0.1:11434/v1', 'https://llm.example/v1'])('needs no key for %s', (url) => {
    expect(openAiSettings.parse({ OPENAI_BASE_URL: url }).apiKey).toBeNull();
  });

  it('takes plain http in the own network when the operator allows it', () => {
    expect(problems({ OPENAI_BASE_URL: 'http://10.0.0.5/v1', ALLOW_INSECURE_UPSTREAMS: 'true' })).toEqual([]);
  });

  it('repeats no secret in its messages', () => {
    const parsed = openAiSettings.safeParse({ OPENAI_API_KEY: 'sk-very secret' });
    expect(JSON.stringify(parsed.error?.issues)).not.toContain('very');
  });

  it.each([
    ['https://api.openai.com/v1', true],
    ['https://eu.api.openai.com/v1', true],
    ['https://acme.openai.azure.com/openai/v1', true],
    ['https://acme.services.ai.azure.com/openai/v1', true],
    ['https://openai.com.evil.example/v1', false],
    ['https://notopenai.com/v1', false],
    ['http://localhost:8000/v1', false],
  ])('tells OpenAI and Azure from others: %s', (url, expected) => {
    expect(isOpenAiHost(url)).toBe(expected);
  });
});
