import { afterEach, describe, expect, it } from 'vitest';
import { adminClient, PATIENT, startVendors, type Vendors } from '../support/harness.ts';
import { type OtlpReceiver, type ReceivedSpan, startOtlpReceiver } from '../support/otlp-receiver.ts';
import { type ServiceProcess, startServiceProcess } from '../support/service-process.ts';

/* What leaves the process, as a collector sees it. Runs the bundle. */

/** Must be found nowhere outside: what a customer wrote, who it is, and what we hold secret. */
const CANARIES = ['canarysubject', 'canarytext', 'Canaryname', 'canary@', 'an-admin-token-of-more'];

let vendors: Vendors | undefined;
let otlp: OtlpReceiver | undefined;
let service: ServiceProcess | undefined;
afterEach(async () => {
  await service?.kill();
  await otlp?.[Symbol.asyncDispose]();
  await vendors?.[Symbol.asyncDispose]();
});

const serve = (env: Readonly<Record<string, string>> = {}): ServiceProcess => {
  if (vendors === undefined || otlp === undefined) throw new Error('nothing to serve');
  const all = { ...vendors.env, ...PATIENT, LOG_LEVEL: 'debug', ...otlp.env, ...env };
  service = startServiceProcess(all, { cwd: vendors.folder });
  return service;
};

const addTicket = ({ zendesk }: Vendors): string =>
  zendesk.addTicket({
    subject: 'canarysubject',
    html: '<p>canarytext: where is my parcel?</p>',
    requester: { name: 'Canaryname Smith', email: 'canary@example.com' },
  });

const NONE: readonly ReceivedSpan[] = [];
const named = (spans: readonly ReceivedSpan[], name: string): readonly ReceivedSpan[] =>
  spans.filter((span) => span.name === name);

describe('one ticket over a restart', () => {
  it('is one trace: webhook, queue, draft, and after SIGKILL the note, with a link back', async () => {
    otlp = await startOtlpReceiver();
    let pause = (): Promise<unknown> => Promise.resolve();
    vendors = await startVendors({ onLlmCall: () => pause() });
    const before = serve();
    let admin = adminClient(await before.listening());
    const first = admin;
    pause = () => first.post('/admin/pause');
    const id = addTicket(vendors);
    await admin.webhook('zendesk', vendors.zendesk.webhookFor(id, 'ticket.created'));
    await admin.until(({ posting }) => posting === 1);
    const isDraft = ({ name, attributes }: ReceivedSpan): boolean =>
      name === 'process ticket.outbox' && attributes['draftdesk.stage'] === 'draft';
    await otlp.until((spans) => spans.some(isDraft));
    await before.kill();

    const after = serve({ NOTE_TRACE_LINK: 'https://grafana.example.com/trace/{traceId}' });
    admin = adminClient(await after.listening());
    await admin.post('/admin/resume');
    await admin.until(({ posted }) => posted === 1);
    const { traceId } = await admin.get<{ traceId: string }>(`/admin/tickets/zendesk/${id}`);
    after.child.kill('SIGTERM');
    expect((await after.exited)[0]).toBe(0);

    expect(vendors.zendesk.notes(id)[0]?.html).toMatch(
      new RegExp(`<p>Trace: https://grafana.example.com/trace/${traceId}</p><p>Draftdesk ref dd-[0-9a-f]+</p></div>$`),
    );
    const trace = otlp.spans.filter((span) => span.traceId === traceId);
    const parentOf = ({ parentSpanId }: ReceivedSpan): string | null =>
      trace.find(({ spanId }) => spanId === parentSpanId)?.name ?? parentSpanId;
    const waits = (span: ReceivedSpan): boolean => span.name === 'limiter.wait' || span.name === 'queue.wait';
    // whoever comes first fetches Zendesk's token
    const isToken = ({ attributes }: ReceivedSpan): boolean => String(attributes['url.full']).includes('/oauth/');
    const tree = trace
      .filter((span) => !waits(span) && !isToken(span))
      .map((span) => `${span.kind} ${span.name} < ${parentOf(span)}`);
    expect(tree.toSorted()).toEqual(
      [
        '2 POST /webhooks/:helpdesk < null',
        '4 send ticket.outbox < POST /webhooks/:helpdesk',
        '5 process ticket.outbox < send ticket.outbox',
        '1 ticket.fetch < process ticket.outbox',
        '3 GET < ticket.fetch',
        '3 GET < ticket.fetch',
        '3 chat gpt-6-luna < process ticket.outbox',
        '3 POST < chat gpt-6-luna',
        '5 process ticket.outbox < send ticket.outbox',
        '1 ticket.look < process ticket.outbox',
        '3 GET < ticket.look',
        '1 note.post < process ticket.outbox',
        '3 PUT < note.post',
      ].toSorted(),
    );
    // the second life has waited for its worker since before it began
    expect(named(trace, 'queue.wait').map(parentOf)).toContain('send ticket.outbox');
    const [draft = NONE[0], note] = named(trace, 'process ticket.outbox');
    expect(draft?.attributes).toMatchObject({
      'messaging.system': 'draftdesk_outbox',
      'messaging.operation.name': 'process',
      'messaging.operation.type': 'process',
      'messaging.destination.name': 'ticket.outbox',
      'messaging.message.id': expect.any(String),
      'draftdesk.helpdesk': 'zendesk',
      'draftdesk.ticket.id': id,
      'draftdesk.attempt': 1,
      'draftdesk.delivery.attempt': 1,
      'draftdesk.outcome': 'ok',
    });
    expect(draft?.resource['service.instance.id']).not.toBe(note?.resource['service.instance.id']);
    expect(note?.links).toMatchObject([
      { traceId, spanId: draft?.spanId, attributes: { 'draftdesk.link': 'earlier attempt' } },
    ]);
    expect(named(trace, 'chat gpt-6-luna')[0]?.attributes).toMatchObject({
      'gen_ai.operation.name': 'chat',
      'gen_ai.provider.name': 'openai',
      'gen_ai.request.model': 'gpt-6-luna',
      'gen_ai.request.max_tokens': expect.any(Number),
      'gen_ai.output.type': 'json',
      'gen_ai.response.model': expect.stringContaining('gpt-6-luna'),
      'gen_ai.response.id': expect.any(String),
      'gen_ai.response.finish_reasons': ['stop'],
      'gen_ai.usage.input_tokens': expect.any(Number),
      'gen_ai.usage.output_tokens': expect.any(Number),
      'gen_ai.usage.cache_read.input_tokens': expect.any(Number),
      'server.address': '127.0.0.1',
      'server.port': expect.any(Number),
      'openai.api.type': 'chat_completions',
      'openai.response.service_tier': 'default',
      'draftdesk.attempt': 1,
      'draftdesk.llm.request_id': expect.any(String),
      'draftdesk.llm.processing_ms': expect.any(Number),
      'draftdesk.llm.cost_usd': expect.any(Number),
    });
    expect(named(trace, 'POST /webhooks/:helpdesk')[0]?.attributes).toEqual({
      'http.request.method': 'POST',
      'http.route': '/webhooks/:helpdesk',
      'http.response.status_code': 202,
      'url.path': '/webhooks/zendesk',
      'url.scheme': 'http',
    });
    expect(trace.every(({ status }) => status === 0)).toBe(true);

    // log lines of both lives name the trace and the span they were written in
    const lines = [...before.lines, ...after.lines].map((line) => JSON.parse(line) as Record<string, unknown>);
    const attempts = lines.filter(({ msg }) => msg === 'attempt');
    expect(attempts.map((line) => [line['trace_id'], line['span_id']])).toEqual([
      [traceId, draft?.spanId],
      [traceId, note?.spanId],
    ]);
    expect(lines.find(({ msg }) => msg === 'webhook accepted')).toMatchObject({ trace_id: traceId });

    for (const canary of [...CANARIES, vendors.llm.apiKey]) expect(otlp.text()).not.toContain(canary);
    expect(otlp.text()).not.toMatch(/"url\.(full|path|query)"[^}]*[?#]/);
    expect(otlp.metrics.get('gen_ai.client.operation.duration')?.points[0]?.bounds?.slice(0, 3)).toEqual([
      0.01, 0.02, 0.04,
    ]);
  }, 60_000);
});

describe('a batch', () => {
  it('begins and ends in two short spans, and each ticket has a trace of its own with a link there', async () => {
    otlp = await startOtlpReceiver();
    vendors = await startVendors();
    const started = serve({ OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT: 'true' });
    const admin = adminClient(await started.listening());
    const ticketIds = [addTicket(vendors), addTicket(vendors)];
    const { body } = await admin.post<{ id: string }>('/admin/batches', { helpdesk: 'zendesk', ticketIds });
    await admin.until(({ posted }) => posted === 2);
    started.child.kill('SIGTERM');
    expect((await started.exited)[0]).toBe(0);

    const { spans } = otlp;
    const [start] = named(spans, 'batch.start');
    expect(start).toMatchObject({ parentSpanId: null, attributes: { 'draftdesk.batch.id': body.id } });
    const [finish] = named(spans, 'batch.finish');
    expect(finish).toMatchObject({
      traceId: start?.traceId,
      parentSpanId: start?.spanId,
      attributes: {
        'draftdesk.batch.size': 2,
        'draftdesk.batch.outcome': 'completed',
        'draftdesk.batch.drafted': 2,
        'draftdesk.batch.failed': 0,
        'draftdesk.batch.cancelled': 0,
        'draftdesk.batch.refused': 0,
      },
    });
    const sends = named(spans, 'send ticket.outbox');
    expect(new Set(sends.map(({ traceId }) => traceId)).size).toBe(2);
    for (const { parentSpanId, links } of sends) {
      expect(parentSpanId).toBeNull();
      expect(links).toMatchObject([{ traceId: start?.traceId, spanId: start?.spanId }]);
    }
    // switched on, the texts are where the conventions put them
    const [chat] = named(spans, 'chat gpt-6-luna');
    expect(chat?.attributes['gen_ai.input.messages']).toContain('canarytext');
    expect(chat?.attributes['gen_ai.output.messages']).toContain('"role":"assistant"');
    expect(chat?.attributes['gen_ai.system_instructions']).toContain('"type":"text"');
    for (const name of ['draftdesk.batch.items', 'draftdesk.batch.duration', 'draftdesk.batch.item.duration'])
      expect(otlp.metrics.has(name)).toBe(true);
  }, 60_000);
});

describe('the variables', () => {
  it('decide how: protobuf, and only what has an address; .env is read too', async () => {
    otlp = await startOtlpReceiver();
    vendors = await startVendors();
    const { OTEL_EXPORTER_OTLP_ENDPOINT: url = '' } = otlp.env;
    const alone = { OTEL_EXPORTER_OTLP_ENDPOINT: '', OTEL_EXPORTER_OTLP_PROTOCOL: 'http/protobuf' };
    const started = serve({ ...alone, OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: `${url}/v1/traces` });
    const admin = adminClient(await started.listening());
    await admin.get('/admin/progress');
    started.child.kill('SIGTERM');
    await started.exited;
    expect([...otlp.requests.keys()]).toEqual(['/v1/traces application/x-protobuf']);
  }, 60_000);

  it('without a collector the service works, says so, and ends in order', async () => {
    otlp = await startOtlpReceiver();
    vendors = await startVendors();
    const started = serve({ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:9', OTEL_EXPORTER_OTLP_TIMEOUT: '300' });
    const admin = adminClient(await started.listening());
    const id = addTicket(vendors);
    await admin.webhook('zendesk', vendors.zendesk.webhookFor(id, 'ticket.created'));
    await admin.until(({ posted }) => posted === 1);
    started.child.kill('SIGTERM');
    expect((await started.exited)[0]).toBe(0);
    expect(started.stderr()).toBe('');
    const alarms = started.lines.filter((line) => line.includes('"kind":"telemetry"'));
    expect(alarms).toHaveLength(1);
  }, 60_000);
});
