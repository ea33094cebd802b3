import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/core/clock.ts';
import { UpstreamError } from '../../src/core/errors.ts';
import { LanguageModelError, type Prompt } from '../../src/core/language-model.ts';
import { combineObservers } from '../../src/core/observer.ts';
import { startSdk } from '../../src/telemetry/sdk.ts';
import { createTelemetry, type Telemetry, type TelemetrySdk } from '../../src/telemetry/telemetry.ts';
import { attemptSpanId } from '../../src/telemetry/trace-ids.ts';
import { TRACEPARENT } from '../support/factories.ts';
import { type OtlpReceiver, type ReceivedSpan, startOtlpReceiver } from '../support/otlp-receiver.ts';
import { stubHelpdesk } from '../support/stub-helpdesk.ts';
import { stubLanguageModel } from '../support/stub-language-model.ts';

/* Failures, waits and retries as spans; the SDK is the real one, the parts around it are not. */

const clock = systemClock();
const prompt: Prompt = { system: 'be kind', user: 'canary', schema: { name: 's', schema: {} }, maxOutputTokens: 9 };
const signal = new AbortController().signal;
const start = {
  ticket: { helpdesk: 'zendesk', ticketId: '5', traceparent: TRACEPARENT },
  claim: { jobId: 'job', attempt: 3, owner: 'o' },
  stage: 'draft',
  number: 2,
  lane: 'live',
  batchId: null,
  queuedMs: 50,
} as const;

let otlp: OtlpReceiver;
let sdk: TelemetrySdk;
let telemetry: Telemetry;
let from = 0;

beforeAll(async () => {
  otlp = await startOtlpReceiver();
  Object.assign(process.env, otlp.env);
  sdk = startSdk(process.env, clock, () => undefined);
  const llm = { provider: 'openai', address: 'api.openai.com', port: 443 };
  telemetry = createTelemetry({ sdk, llm, clock, findBatch: () => null });
});
afterAll(async () => {
  await sdk.shutdown();
  await otlp[Symbol.asyncDispose]();
});
beforeEach(() => {
  from = otlp.spans.length;
});

/** Runs it inside a try and answers the spans that came of it; the try's own ends last. */
async function spansOf(work: () => Promise<unknown>): Promise<readonly ReceivedSpan[]> {
  await combineObservers(telemetry.observers).during(start, work);
  const isOver = ({ name }: ReceivedSpan): boolean => name === 'process ticket.outbox';
  await otlp.until((spans) => spans.slice(from).some(isOver));
  return otlp.spans.slice(from);
}

const find = (spans: readonly ReceivedSpan[], name: string): ReceivedSpan | undefined =>
  spans.find((span) => span.name === name);

const outcome = { batchId: null, ticket: start.ticket, stage: 'draft', number: 2, status: 503, durationMs: 5 } as const;

describe('a try', () => {
  it('goes on in the trace of the row, has waited before it began, and links to the earlier ones', async () => {
    const spans = await spansOf(async () => undefined);
    const tried = find(spans, 'process ticket.outbox');
    expect(tried).toMatchObject({
      traceId: TRACEPARENT.slice(3, 35),
      parentSpanId: TRACEPARENT.slice(36, 52),
      spanId: attemptSpanId('job', 3),
      attributes: { 'draftdesk.attempt': 2, 'draftdesk.delivery.attempt': 3, 'draftdesk.queue.wait_ms': 50 },
    });
    expect(tried?.links.map(({ spanId }) => spanId)).toEqual([attemptSpanId('job', 1), attemptSpanId('job', 2)]);
    const wait = find(spans, 'queue.wait');
    expect(wait?.parentSpanId).toBe(tried?.parentSpanId);
    expect(Math.round((wait?.endMs ?? 0) - (wait?.startMs ?? 0))).toBe(50);
  });

  it('that is tried again has an error type and has not failed; a dead one has', async () => {
    const [observer] = telemetry.observers;
    const retry = { ...outcome, outcome: 'retry', errorClass: 'overloaded', delayMs: 70 } as const;
    const again = find(await spansOf(async () => observer?.attempt(retry)), 'process ticket.outbox');
    expect(again).toMatchObject({
      status: 0,
      attributes: { 'error.type': 'overloaded', 'draftdesk.outcome': 'retry', 'draftdesk.retry.delay_ms': 70 },
    });
    from = otlp.spans.length;
    const dead = { ...outcome, outcome: 'dead', errorClass: 'timeout', delayMs: null } as const;
    const over = find(await spansOf(async () => observer?.attempt(dead)), 'process ticket.outbox');
    expect(over).toMatchObject({ status: 2, attributes: { 'error.type': 'timeout', 'draftdesk.outcome': 'dead' } });
  });

  it('shows what it waited for: the limit of the LLM before the call, those of a helpdesk', async () => {
    const [observer] = telemetry.observers;
    const spans = await spansOf(async () => {
      observer?.limiterWait({ limit: 'zendesk.update', waitedMs: 40 });
      observer?.limiterWait({ limit: 'zendesk.requests', waitedMs: 0.2 });
      const usage = { promptTokens: 1, cachedTokens: 0, completionTokens: 1, costUsd: null };
      const call = { ...usage, ticket: start.ticket, model: 'm', tier: 'standard', errorClass: null } as const;
      observer?.llmCall({ ...call, durationMs: 100, waitedMs: 900, estimatedTokens: 1300 });
    });
    expect(find(spans, 'process ticket.outbox')?.attributes).toMatchObject({
      'messaging.client.id': 'o',
      'draftdesk.limiter.wait_ms': 900,
      'draftdesk.tokens.estimated': 1300,
    });
    const waits = spans.filter(({ name }) => name === 'limiter.wait');
    expect(waits.map(({ attributes }) => attributes)).toEqual([
      { 'draftdesk.limiter.limit': 'zendesk.update', 'draftdesk.limiter.wait_ms': 40 },
      { 'draftdesk.limiter.limit': 'llm', 'draftdesk.limiter.wait_ms': 900 },
    ]);
  });
});

describe('a call to the LLM', () => {
  const chat = async (fail: () => unknown): Promise<ReceivedSpan | undefined> => {
    from = otlp.spans.length;
    const model = stubLanguageModel();
    model.script.complete = () => Promise.reject(fail());
    const spans = await spansOf(() =>
      telemetry
        .model(model)
        .complete(prompt, signal)
        .catch((error: unknown) => error),
    );
    return find(spans, 'chat gpt-6-luna');
  };

  it('that failed says its class and what was billed, not its message', async () => {
    const usage = { promptTokens: 7, cachedTokens: 1, completionTokens: 2 };
    const span = await chat(() => new LanguageModelError('content_filter', 'canary', { usage, costUsd: 0.5 }));
    expect(span).toMatchObject({
      status: 2,
      attributes: { 'error.type': 'content_filter', 'gen_ai.usage.input_tokens': 7, 'draftdesk.llm.cost_usd': 0.5 },
    });
  });

  it('that failed is a log event of its span too, without a message', async () => {
    const span = await chat(() => new LanguageModelError('rate_limited', 'canary'));
    const ofSpan = () => otlp.events.filter(({ spanId }) => spanId === span?.spanId);
    await otlp.until(() => ofSpan().length > 0);
    expect(ofSpan()).toEqual([
      {
        name: 'gen_ai.client.operation.exception',
        severity: 13,
        traceId: span?.traceId,
        spanId: span?.spanId,
        attributes: {
          'gen_ai.operation.name': 'chat',
          'gen_ai.provider.name': 'openai',
          'gen_ai.request.model': 'gpt-6-luna',
          'server.address': 'api.openai.com',
          'server.port': 443,
          'exception.type': 'UpstreamError',
          'error.type': 'rate_limited',
        },
      },
    ]);
  });

  it('says what the server told of the answer, also of one that is of no use', async () => {
    const told = {
      id: 'chatcmpl-1',
      model: 'gpt-6-luna-2026-09-22',
      finishReason: 'length',
      serviceTier: 'priority',
      fingerprint: 'fp_1',
      reasoningTokens: 40,
    };
    const span = await chat(() => new LanguageModelError('output_truncated', 'x', { told }));
    expect(span?.attributes).toMatchObject({
      'gen_ai.response.id': 'chatcmpl-1',
      'gen_ai.response.model': 'gpt-6-luna-2026-09-22',
      'gen_ai.response.finish_reasons': ['length'],
      'gen_ai.usage.reasoning.output_tokens': 40,
      'openai.response.service_tier': 'priority',
      'openai.response.system_fingerprint': 'fp_1',
    });
    expect(span?.attributes).not.toHaveProperty('openai.request.service_tier');
    const silent = { ...told, fingerprint: null, serviceTier: null, reasoningTokens: null };
    const other = await chat(() => new LanguageModelError('output_truncated', 'x', { told: silent }));
    expect(Object.keys(other?.attributes ?? {}).filter((name) => /fingerprint|tier|reasoning/.test(name))).toEqual([]);
  });

  it('that we stopped has not failed', async () => {
    const span = await chat(() => new LanguageModelError('cancelled', 'stopped'));
    expect(span?.status).toBe(0);
    expect(span?.attributes).not.toHaveProperty('error.type');
    // events arrive in their order: this one's would be here before the next
    const failed = await chat(() => new LanguageModelError('timeout', 'x'));
    await otlp.until(() => otlp.events.some(({ spanId }) => spanId === failed?.spanId));
    expect(otlp.events.map(({ spanId }) => spanId)).not.toContain(span?.spanId);
  });

  it('by the Batch API that failed says so', async () => {
    const [observer] = telemetry.observers;
    const usage = { promptTokens: 1, cachedTokens: 0, completionTokens: 1, costUsd: null };
    const call = { ...usage, ticket: start.ticket, model: 'm', tier: 'batch', errorClass: 'refusal' } as const;
    const spans = await spansOf(async () =>
      observer?.llmCall({ ...call, durationMs: 100, waitedMs: 0, estimatedTokens: null }),
    );
    expect(find(spans, 'chat m')).toMatchObject({ status: 2, attributes: { 'error.type': 'refusal' } });
    expect(find(spans, 'process ticket.outbox')?.attributes).not.toHaveProperty('draftdesk.tokens.estimated');
  });
});

describe('calls by HTTP', () => {
  it('carry the trace, leave out the query, and are errors from 400 on', async () => {
    let sent: RequestInit | undefined;
    const send = telemetry.fetch(async (_, init) => {
      sent = init;
      return new Response(null, { status: 429 });
    });
    const url = 'https://user:secret@acme.zendesk.com/api/search?query=canary%40example.com';
    const spans = await spansOf(() => send(url, { method: 'GET', headers: { accept: 'x' } }));
    const span = find(spans, 'GET');
    expect(span).toMatchObject({
      kind: 3,
      status: 2,
      attributes: {
        'url.full': 'https://acme.zendesk.com/api/search',
        'http.response.status_code': 429,
        'error.type': '429',
        'server.port': 443,
      },
    });
    expect(sent?.headers).toEqual({ accept: 'x', traceparent: `00-${span?.traceId}-${span?.spanId}-01` });
  });

  it('outside of any trace make none', async () => {
    await telemetry.fetch(async () => new Response())('https://acme.zendesk.com/probe');
    expect(find(await spansOf(async () => undefined), 'GET')).toBeUndefined();
  });

  it('of a helpdesk stand under the step that makes them', async () => {
    const stub = stubHelpdesk();
    const gone = new UpstreamError('gone', 'canary', { upstream: 'zendesk' });
    const failing = telemetry.helpdesk({ ...stub, conversation: () => Promise.reject(gone) });
    const spans = await spansOf(() => failing.conversation('5', signal).catch((error: unknown) => error));
    expect(find(spans, 'ticket.fetch')).toMatchObject({
      status: 2,
      parentSpanId: attemptSpanId('job', 3),
      attributes: { 'error.type': 'gone', 'draftdesk.ticket.id': '5' },
    });
  });

  it('no text, message or password has left', () => {
    expect(otlp.text()).not.toContain('canary');
    expect(otlp.text()).not.toContain('secret');
    expect(otlp.text()).not.toContain('be kind');
  });
});
