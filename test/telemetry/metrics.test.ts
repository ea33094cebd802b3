import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { combineObservers, type Observer } from '../../src/core/observer.ts';
import { createTelemetry, type Telemetry } from '../../src/telemetry/telemetry.ts';
import { TRACEPARENT } from '../support/factories.ts';
import { fakeClock } from '../support/fake-clock.ts';
import { fakeControl, fakeReader } from '../support/fakes.ts';

/* What is counted, with no SDK: `GET /metrics` shows it. */

const ticket = { helpdesk: 'zendesk', ticketId: '5', traceparent: TRACEPARENT };
const claim = { jobId: 'j', attempt: 1, owner: 'o' };
const usage = { promptTokens: 400, cachedTokens: 0, completionTokens: 60 };
const call = {
  ticket,
  model: 'm',
  tier: 'standard',
  durationMs: 700,
  waitedMs: 30,
  estimatedTokens: 900,
  ...usage,
  costUsd: 0.25,
} as const;

const answer = (status: number) => {
  const handler: (request: Request) => Promise<Response> = async () => new Response(null, { status });
  return handler;
};

function setup(): { telemetry: Telemetry; observer: Observer; lines: (name: string) => Promise<string[]> } {
  const telemetry = createTelemetry({
    sdk: null,
    llm: { provider: 'openai', address: 'api.openai.com', port: 443 },
    clock: fakeClock(),
    findBatch: () => null,
  });
  return {
    telemetry,
    observer: combineObservers(telemetry.observers),
    lines: async (name) => (await telemetry.text()).split('\n').filter((line) => line.startsWith(name)),
  };
}

async function tellEverything({ telemetry, observer }: ReturnType<typeof setup>): Promise<void> {
  const start = { ticket, claim, number: 1, lane: 'live', batchId: null, queuedMs: 20 } as const;
  await observer.during({ ...start, stage: 'draft' }, async () => undefined);
  observer.webhook({ helpdesk: 'zendesk', outcome: 'accepted', status: 202, reason: null, ticketId: '5' });
  observer.limiterWait({ limit: 'zendesk.update', waitedMs: 10 });
  observer.attempt({
    ticket,
    batchId: null,
    stage: 'draft',
    number: 1,
    outcome: 'retry',
    errorClass: 'timeout',
    status: null,
    durationMs: 30,
    delayMs: 9,
  });
  observer.llmCall({ ...call, errorClass: null });
  observer.ruled({ ticket, rule: 'r', action: 'draft', skip: null, category: null });
  observer.ticketFinished({ ticket, batchId: 'b', status: 'dead', reason: 'timeout', totalMs: 3 });
  observer.batch({ batchId: 'b', state: 'completed', total: 1, reason: null, createdAt: 0 });
  observer.sweep({ helpdesk: 'zendesk', listed: 3, found: 1 });
  observer.alarm({ kind: 'posted_public', detail: 'x' });
  observer.fault({ where: 'claim', error: 'TypeError' });
  await telemetry.fetch(async () => new Response())('https://acme.zendesk.com/api?query=ada');
  await telemetry.server(answer(200), ['/healthz'])(new Request('http://h/healthz'));
  const limits = {
    llm: { requestsPerMinute: 9, tokensPerMinute: 9, usedRequests: 1, usedTokens: 1, pausedUntil: null },
  };
  const progress = () => ({ ...fakeControl().progress(), limits });
  telemetry.watch({
    progress,
    reader: fakeReader(),
    models: () => [{ model: 'm', inFlight: 1, waiting: 2 }],
    cpuSeconds: () => 1.5,
    rssBytes: () => 100,
  });
}

describe('the metrics', () => {
  it('are those of docs/metrics.md, by name and kind, and no others', async () => {
    const parts = setup();
    await tellEverything(parts);
    const text = await parts.telemetry.text();
    const emitted = [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name, kind]) => `${name} ${kind}`);
    const doc = readFileSync(new URL('../../docs/metrics.md', import.meta.url), 'utf8');
    const rows = [...doc.matchAll(/^\| `[\w.]+` \| `(\w+)` \| (counter|histogram|gauge) \|/gm)];
    expect(emitted.toSorted()).toEqual(rows.map(([, name, kind]) => `${name} ${kind}`).toSorted());
    expect(emitted.length).toBeGreaterThan(30);
  });

  it('have no label that names a ticket, a batch, a trace or an address', async () => {
    const parts = setup();
    await tellEverything(parts);
    const labels = [...(await parts.telemetry.text()).matchAll(/(\w+)="([^"]*)"/g)];
    const values = new Set(labels.filter(([, name]) => name !== 'le').map(([, , value]) => value ?? ''));
    for (const secret of ['5', 'b', 'j', 'o', TRACEPARENT.slice(3, 35), '/api?query=ada'])
      expect(values).not.toContain(secret);
  });

  it('tell calls to the LLM with their tokens, their cost and the class of their error', async () => {
    const { observer, lines } = setup();
    observer.llmCall({ ...call, errorClass: null });
    observer.llmCall({ ...call, errorClass: 'rate_limited', promptTokens: 0, completionTokens: 0, costUsd: null });
    expect(await lines('gen_ai_client_operation_duration_seconds_count')).toEqual([
      'gen_ai_client_operation_duration_seconds_count{gen_ai_operation_name="chat",gen_ai_provider_name="openai",gen_ai_request_model="m",server_address="api.openai.com",server_port="443"} 1',
      'gen_ai_client_operation_duration_seconds_count{gen_ai_operation_name="chat",gen_ai_provider_name="openai",gen_ai_request_model="m",server_address="api.openai.com",server_port="443",error_type="rate_limited"} 1',
    ]);
    expect(await lines('draftdesk_llm_cost_USD_total')).toEqual([
      'draftdesk_llm_cost_USD_total{gen_ai_request_model="m",draftdesk_llm_tier="standard"} 0.25',
    ]);
    expect(await lines('gen_ai_client_token_usage_sum')).toHaveLength(2);
    // 0.7 s is told from 1.3 s: the buckets are made for seconds
    const buckets = (await lines('gen_ai_client_operation_duration_seconds_bucket')).slice(0, 15);
    expect(buckets.filter((line) => line.endsWith(' 0')).length).toBe(7);
  });

  it('leave the hours of the Batch API out of the times of calls', async () => {
    const { observer, lines } = setup();
    observer.llmCall({ ...call, tier: 'batch', durationMs: 9e6, errorClass: null });
    expect(await lines('gen_ai_client_operation_duration')).toEqual([]);
    expect(await lines('draftdesk_llm_cost_USD_total')).toHaveLength(1);
  });

  it('name a route only where the app has one, whatever strangers ask for', async () => {
    const { telemetry, lines } = setup();
    const handler = telemetry.server(answer(404), ['/admin/tickets/:helpdesk/:ticketId']);
    for (let at = 0; at < 50; at += 1) await handler(new Request(`http://h/no/${at}?q=ada@example.com`));
    await handler(new Request('http://h/admin/tickets/zendesk/5158?x=1'));
    await handler(new Request('http://h/', { method: 'BREW' }));
    expect((await lines('http_server_request_duration_seconds_count')).toSorted()).toEqual([
      'http_server_request_duration_seconds_count{http_request_method="GET",http_response_status_code="404"} 50',
      'http_server_request_duration_seconds_count{http_request_method="GET",http_route="/admin/tickets/:helpdesk/:ticketId",http_response_status_code="404"} 1',
      'http_server_request_duration_seconds_count{http_request_method="_OTHER",http_response_status_code="404"} 1',
    ]);
    expect(await lines('http_server_active_requests')).toEqual([
      'http_server_active_requests{http_request_method="GET"} 0',
      'http_server_active_requests{http_request_method="_OTHER"} 0',
    ]);
  });

  it('tell how calls to upstreams failed: by status, connection, or stopped by us', async () => {
    const { telemetry, lines } = setup();
    const url = 'https://acme.zendesk.com/';
    await telemetry.fetch(async () => new Response(null, { status: 503 }))(url);
    await expect(telemetry.fetch(() => Promise.reject(new TypeError('x')))(url)).rejects.toThrow('x');
    const { signal } = ((stop) => (stop.abort(), stop))(new AbortController());
    await expect(telemetry.fetch(() => Promise.reject(new Error('y')))(url, { signal })).rejects.toThrow('y');
    const types = (await lines('http_client_request_duration_seconds_count')).map(
      (line) => /error_type="(\w+)"/.exec(line)?.[1],
    );
    expect(types).toEqual(['503', 'connection', 'aborted']);
  });

  it('count what rules decide by a few words, and rules that were refused', async () => {
    const parts = setup();
    const decision = { ticket, rule: 'a name that is no label', category: 'refund', action: 'draft' } as const;
    parts.observer.ruled({ ...decision, skip: null });
    parts.observer.ruled({ ...decision, skip: 'control_group' });
    parts.observer.ruled({ ...decision, action: 'off', skip: 'rule' });
    parts.observer.rulesRead({ version: 'v', rules: 1, problems: ['line 3: wrong'] });
    const counted = (await parts.lines('draftdesk_rules_total')).map((line) => /action="(\w+)"/.exec(line)?.[1] ?? '');
    expect(counted.toSorted()).toEqual(['control_group', 'draft', 'off']);
    expect((await parts.lines('draftdesk_rules_total')).join('')).not.toMatch(/no label|refund/);
    expect((await parts.lines('draftdesk_alarms_total')).join('')).toContain('kind="rules"');
  });
});
