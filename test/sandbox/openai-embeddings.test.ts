import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../src/core/clock.ts';
import { createLlmSimulator, type LlmSimulatorOptions } from '../../src/sandbox/openai.ts';
import { fakeClock } from '../support/fake-clock.ts';
import { client } from './client.ts';

function setUp(options: Partial<LlmSimulatorOptions> = {}) {
  const llm = createLlmSimulator({ clock: fakeClock(), random: seededRandom(3), ...options });
  const call = client(llm.fetch, { authorization: `Bearer ${llm.apiKey}` });
  const embed = (input: unknown, more: object = {}) =>
    call('POST', '/v1/embeddings', { model: 'text-embedding-3-small', input, ...more });
  return { llm, call, embed };
}

const cosine = (one: readonly number[], other: readonly number[]): number =>
  one.reduce((sum, value, at) => sum + value * (other[at] ?? 0), 0);

describe('the embeddings endpoint', () => {
  it('puts like texts near, the same text at the same place, in both formats', async () => {
    const { embed, llm } = setUp();
    const texts = ['my parcel is late', 'the parcel is late again', 'reset a password'];
    const { json, status, headers } = await embed(texts);
    expect(status).toBe(200);
    expect(headers.get('x-ratelimit-limit-tokens')).not.toBeNull();
    const [one, two, three] = json.data.map(({ embedding }: { embedding: number[] }) => embedding);
    expect(one).toHaveLength(1536);
    expect(cosine(one, one)).toBeCloseTo(1, 5);
    expect(cosine(one, two)).toBeGreaterThan(cosine(one, three) + 0.2);
    const bytes = await embed(texts[0], { encoding_format: 'base64' });
    const numbers = new Float32Array(Uint8Array.from(Buffer.from(bytes.json.data[0].embedding, 'base64')).buffer);
    expect([...numbers]).toEqual(one);
    expect((await embed('a', { dimensions: 512 })).json.data[0].embedding).toHaveLength(512);
    expect(json.usage.prompt_tokens).toBeGreaterThan(5);
    expect(llm.stats().embeddings).toMatchObject({ requests: 3, texts: [...texts, texts[0], 'a'] });
  });

  it.each([
    ['no text', [], 400],
    ['an empty text', [''], 400],
    ['too many texts', Array.from({ length: 2049 }, () => 'a'), 400],
    ['a long text', ['word '.repeat(9000)], 400],
    ['too much at once', Array.from({ length: 60 }, () => 'word '.repeat(6000)), 400],
    ['another model', 'a', 404],
  ])('refuses %s', async (what, input, status) => {
    const answer = await setUp().embed(input, what === 'another model' ? { model: 'm' } : {});
    expect(answer.status).toBe(status);
  });

  it('keeps limits and has the faults of chat', async () => {
    const limited = setUp({ requestsPerMinute: 1 });
    await limited.embed('a');
    expect(await limited.embed('a')).toMatchObject({ status: 429, json: { error: { code: 'rate_limit_exceeded' } } });
    const { embed, llm, call } = setUp();
    llm.overload('text-embedding-3-small', true);
    expect((await embed('a')).status).toBe(503);
    const { status } = await call('POST', '/v1/embeddings', {}, { headers: { authorization: 'Bearer wrong' } });
    expect(status).toBe(401);
    expect((await setUp({ faults: { insufficient_quota: 1 } }).embed('a')).status).toBe(429);
  });
});
