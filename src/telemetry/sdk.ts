import { diag, DiagLogLevel, logs, metrics, trace } from '@opentelemetry/api';
import { OTLPMetricExporter as GrpcMetricExporter } from '@opentelemetry/exporter-metrics-otlp-grpc';
import { OTLPMetricExporter as JsonMetricExporter } from '@opentelemetry/exporter-metrics-otlp-http';
import { OTLPMetricExporter as ProtoMetricExporter } from '@opentelemetry/exporter-metrics-otlp-proto';
import { ConsoleMetricExporter, type IMetricReader, PeriodicExportingMetricReader } from '@opentelemetry/sdk-metrics';
import { NodeSDK } from '@opentelemetry/sdk-node';
import type { Clock } from '../core/clock.ts';
import { ScrapeReader } from './prometheus.ts';
import type { TelemetrySdk } from './telemetry.ts';
import { PlannedIds } from './trace-ids.ts';

type Env = NodeJS.ProcessEnv;

/** At the end of the process: longer than a collector needs, shorter than people wait (llm-and-otel.md B4). */
const SHUTDOWN_MAX_MS = 3_000;
/** A collector that is down is told of once in this time, ms. */
const PROBLEM_EVERY_MS = 60_000;

/**
 * Starts the OpenTelemetry SDK by the OTEL_* variables in `process.env`, which it reads by itself. Where they say nothing,
 * other defaults than its own: a queue that a burst of tickets does not overflow, and only signals whose address is told.
 * Of logs it gets events of the conventions only; log lines go to standard output.
 */
export function startSdk(env: Env, clock: Clock, onProblem: (what: string) => void): TelemetrySdk {
  setDefaults(env);
  const scrape = new ScrapeReader();
  const ids = new PlannedIds();
  const sdk = new NodeSDK({
    idGenerator: ids,
    metricReaders: [scrape, ...metricReaders(env)],
  });
  sdk.start();
  tellProblems(clock, onProblem);
  return {
    meter: metrics.getMeter('draftdesk'),
    scrape,
    tracer: env['OTEL_TRACES_EXPORTER'] === 'none' ? null : trace.getTracer('draftdesk'),
    logger: logs.getLogger('draftdesk'),
    ids,
    captureContent: env['OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT']?.toLowerCase() === 'true',
    shutdown: async () => {
      const late = new AbortController();
      await Promise.race([sdk.shutdown().catch(() => undefined), clock.sleep(SHUTDOWN_MAX_MS, late.signal)]);
      late.abort();
    },
  };
}

function setDefaults(env: Env): void {
  const general = isSet(env, 'OTEL_EXPORTER_OTLP_ENDPOINT');
  const wants = (signal: 'TRACES' | 'METRICS' | 'LOGS'): boolean =>
    general || isSet(env, `OTEL_EXPORTER_OTLP_${signal}_ENDPOINT`);
  env['OTEL_TRACES_EXPORTER'] ||= wants('TRACES') ? 'otlp' : 'none';
  env['OTEL_METRICS_EXPORTER'] ||= wants('METRICS') ? 'otlp' : 'none';
  env['OTEL_LOGS_EXPORTER'] ||= wants('LOGS') ? 'otlp' : 'none';
  env['OTEL_SERVICE_NAME'] ||= /(^|,)\s*service\.name=/.test(env['OTEL_RESOURCE_ATTRIBUTES'] ?? '') ? '' : 'draftdesk';
  env['OTEL_BSP_MAX_QUEUE_SIZE'] ||= '16384';
  env['OTEL_BSP_SCHEDULE_DELAY'] ||= '1000';
  env['OTEL_EXPORTER_OTLP_TIMEOUT'] ||= '3000';
}

function isSet(env: Env, name: string): boolean {
  return (env[name] ?? '') !== '';
}

/** As the SDK would make them; it makes none itself where it is given one, and we need ours beside them. */
function metricReaders(env: Env): IMetricReader[] {
  const wanted = (env['OTEL_METRICS_EXPORTER'] ?? '').split(',').map((name) => name.trim());
  const intervalMs = Number(env['OTEL_METRIC_EXPORT_INTERVAL']) || 60_000;
  const timeoutMs = Number(env['OTEL_METRIC_EXPORT_TIMEOUT']) || 30_000;
  const every = { exportIntervalMillis: intervalMs, exportTimeoutMillis: Math.min(timeoutMs, intervalMs) };
  const readers: IMetricReader[] = [];
  if (wanted.includes('otlp'))
    readers.push(new PeriodicExportingMetricReader({ ...every, exporter: otlpExporter(env) }));
  if (wanted.includes('console'))
    readers.push(new PeriodicExportingMetricReader({ ...every, exporter: new ConsoleMetricExporter() }));
  return readers;
}

function otlpExporter(env: Env): GrpcMetricExporter | JsonMetricExporter | ProtoMetricExporter {
  const protocol = env['OTEL_EXPORTER_OTLP_METRICS_PROTOCOL'] || env['OTEL_EXPORTER_OTLP_PROTOCOL'];
  if (protocol === 'grpc') return new GrpcMetricExporter();
  return protocol === 'http/json' ? new JsonMetricExporter() : new ProtoMetricExporter();
}

/** Without this a collector that is not there is told of nowhere. The SDK's own words may hold anything: they stay out. */
function tellProblems(clock: Clock, onProblem: (what: string) => void): void {
  let quietUntil = 0;
  const tell = (): void => {
    if (clock.steady() < quietUntil) return;
    quietUntil = clock.steady() + PROBLEM_EVERY_MS;
    onProblem('OpenTelemetry cannot export; is the collector at OTEL_EXPORTER_OTLP_ENDPOINT there?');
  };
  const silent = (): void => undefined;
  const logger = { error: tell, warn: silent, info: silent, debug: silent, verbose: silent };
  // with OTEL_LOG_LEVEL set the SDK writes to the console itself: somebody looks for a fault
  if (!isSet(process.env, 'OTEL_LOG_LEVEL')) diag.setLogger(logger, DiagLogLevel.ERROR);
}
