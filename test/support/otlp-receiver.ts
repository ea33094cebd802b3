import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A collector in this process: takes OTLP over HTTP as JSON (OTEL_EXPORTER_OTLP_PROTOCOL=http/json) and keeps it. */
export interface OtlpReceiver extends AsyncDisposable {
  /** The variables that point a service here. */
  readonly env: Readonly<Record<string, string>>;
  readonly spans: readonly ReceivedSpan[];
  readonly events: readonly ReceivedEvent[];
  /** The newest export of each metric, by name. */
  readonly metrics: ReadonlyMap<string, ReceivedMetric>;
  /** All bodies that came, as text. */
  readonly text: () => string;
  /** Requests by path and content type, e.g. `/v1/traces application/json`. */
  readonly requests: ReadonlyMap<string, number>;
  /** Resolves with the spans once `wanted` holds for them. */
  until(wanted: (spans: readonly ReceivedSpan[]) => boolean): Promise<readonly ReceivedSpan[]>;
}

export type Attributes = Readonly<Record<string, unknown>>;

export interface ReceivedSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string | null;
  readonly name: string;
  /** As in the protocol: 1 internal, 2 server, 3 client, 4 producer, 5 consumer. */
  readonly kind: number;
  readonly startMs: number;
  readonly endMs: number;
  readonly attributes: Attributes;
  readonly links: readonly { readonly traceId: string; readonly spanId: string; readonly attributes: Attributes }[];
  /** 0 unset, 1 ok, 2 error. */
  readonly status: number;
  readonly resource: Attributes;
}

/** A log record that has a name. */
export interface ReceivedEvent {
  readonly name: string;
  /** 13: warning. */
  readonly severity: number;
  readonly traceId: string;
  readonly spanId: string;
  readonly attributes: Attributes;
}

export interface ReceivedMetric {
  readonly name: string;
  readonly unit: string;
  readonly points: readonly { readonly attributes: Attributes; readonly bounds: readonly number[] | null }[];
}

export async function startOtlpReceiver(): Promise<OtlpReceiver> {
  const spans: ReceivedSpan[] = [];
  const events: ReceivedEvent[] = [];
  const metrics = new Map<string, ReceivedMetric>();
  const requests = new Map<string, number>();
  const bodies: string[] = [];
  const waiting = new Set<() => void>();
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const key = `${request.url} ${request.headers['content-type']}`;
      requests.set(key, (requests.get(key) ?? 0) + 1);
      const body = Buffer.concat(chunks).toString();
      bodies.push(body);
      if (request.headers['content-type'] === 'application/json') {
        const data = JSON.parse(body) as Export;
        spans.push(...readSpans(data));
        events.push(...readEvents(data));
        for (const metric of readMetrics(data)) metrics.set(metric.name, metric);
      }
      response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
      waiting.forEach((look) => look());
    });
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    env: {
      OTEL_EXPORTER_OTLP_ENDPOINT: url,
      OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
      OTEL_BSP_SCHEDULE_DELAY: '20',
      OTEL_BLRP_SCHEDULE_DELAY: '20',
      OTEL_METRIC_EXPORT_INTERVAL: '200',
    },
    spans,
    events,
    metrics,
    requests,
    text: () => bodies.join('\n'),
    until: (wanted) =>
      new Promise((resolve) => {
        const look = (): void => {
          if (!wanted(spans)) return;
          waiting.delete(look);
          resolve(spans);
        };
        waiting.add(look);
        look();
      }),
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

interface KeyValue {
  readonly key: string;
  readonly value: Readonly<Record<string, unknown>>;
}

interface Export {
  readonly resourceSpans?: readonly {
    readonly resource: { readonly attributes: readonly KeyValue[] };
    readonly scopeSpans: readonly { readonly spans: readonly RawSpan[] }[];
  }[];
  readonly resourceLogs?: readonly { readonly scopeLogs: readonly { readonly logRecords: readonly RawEvent[] }[] }[];
  readonly resourceMetrics?: readonly {
    readonly scopeMetrics: readonly { readonly metrics: readonly RawMetric[] }[];
  }[];
}

interface RawSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly kind: number;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly attributes: readonly KeyValue[];
  readonly links?: readonly { traceId: string; spanId: string; attributes: readonly KeyValue[] }[];
  readonly status?: { readonly code?: number };
}

interface RawEvent {
  readonly eventName?: string;
  readonly severityNumber: number;
  readonly traceId: string;
  readonly spanId: string;
  readonly attributes: readonly KeyValue[];
}

interface RawMetric {
  readonly name: string;
  readonly unit: string;
  readonly [kind: string]: unknown;
}

function readSpans({ resourceSpans = [] }: Export): ReceivedSpan[] {
  return resourceSpans.flatMap(({ resource, scopeSpans }) =>
    scopeSpans.flatMap(({ spans }) =>
      spans.map((span) => ({
        traceId: span.traceId,
        spanId: span.spanId,
        parentSpanId: span.parentSpanId ?? null,
        name: span.name,
        kind: span.kind,
        startMs: Number(span.startTimeUnixNano) / 1e6,
        endMs: Number(span.endTimeUnixNano) / 1e6,
        attributes: readAttributes(span.attributes),
        links: (span.links ?? []).map((link) => ({ ...link, attributes: readAttributes(link.attributes) })),
        status: span.status?.code ?? 0,
        resource: readAttributes(resource.attributes),
      })),
    ),
  );
}

function readEvents({ resourceLogs = [] }: Export): ReceivedEvent[] {
  const records = resourceLogs.flatMap(({ scopeLogs }) => scopeLogs.flatMap(({ logRecords }) => logRecords));
  return records.map(({ eventName = '', severityNumber, traceId, spanId, attributes }) => ({
    name: eventName,
    severity: severityNumber,
    traceId,
    spanId,
    attributes: readAttributes(attributes),
  }));
}

function readMetrics({ resourceMetrics = [] }: Export): ReceivedMetric[] {
  return resourceMetrics.flatMap(({ scopeMetrics }) =>
    scopeMetrics.flatMap(({ metrics }) =>
      metrics.map((metric) => {
        const data = (metric['histogram'] ?? metric['sum'] ?? metric['gauge']) as {
          dataPoints: readonly { attributes: readonly KeyValue[]; explicitBounds?: readonly number[] }[];
        };
        const points = data.dataPoints.map(({ attributes, explicitBounds }) => ({
          attributes: readAttributes(attributes),
          bounds: explicitBounds ?? null,
        }));
        return { name: metric.name, unit: metric.unit, points };
      }),
    ),
  );
}

function readAttributes(list: readonly KeyValue[]): Attributes {
  return Object.fromEntries(list.map(({ key, value }) => [key, readValue(value)]));
}

function readValue(value: Readonly<Record<string, unknown>>): unknown {
  const [kind, content] = Object.entries(value)[0] ?? [];
  if (kind === 'intValue') return Number(content);
  if (kind !== 'arrayValue') return content;
  return (content as { values: readonly Readonly<Record<string, unknown>>[] }).values.map(readValue);
}
