import { type Logger, type Meter, trace, type Tracer } from '@opentelemetry/api';
import { MeterProvider } from '@opentelemetry/sdk-metrics';
import type { Clock } from '../core/clock.ts';
import type { Helpdesk } from '../core/helpdesk.ts';
import type { LanguageModel } from '../core/language-model.ts';
import type { Observer } from '../core/observer.ts';
import type { Outbox, WorkOrigin } from '../core/outbox.ts';
import type { BatchSummary } from '../core/ticket-reader.ts';
import { probeFetch } from './client-probe.ts';
import { addGauges, type GaugeSources } from './gauges.ts';
import { createInstruments } from './instruments.ts';
import { createMetricsObserver, type LlmAddress } from './metrics-observer.ts';
import { ScrapeReader } from './prometheus.ts';
import { probeServer } from './server-probe.ts';
import type { PlannedIds } from './trace-ids.ts';
import { traceHelpdesk } from './traced-helpdesk.ts';
import { traceModel } from './traced-model.ts';
import { traceOutbox, traceparentFor } from './traced-outbox.ts';
import { createTraceObserver } from './trace-observer.ts';
import type { Tracing } from './tracing.ts';

/** An OpenTelemetry SDK that runs, as the OTEL_* variables want it. */
export interface TelemetrySdk {
  readonly meter: Meter;
  /** Collects the same metrics for `GET /metrics`. */
  readonly scrape: ScrapeReader;
  /** Null: traces are not wanted. */
  readonly tracer: Tracer | null;
  readonly logger: Logger;
  readonly ids: PlannedIds;
  readonly captureContent: boolean;
  /** Sends what is left, for a few seconds at most. Never rejects. */
  shutdown(): Promise<void>;
}

export interface TelemetryOptions {
  /** Null: nothing is exported; metrics are still there for `GET /metrics`. */
  readonly sdk: TelemetrySdk | null;
  readonly llm: LlmAddress;
  readonly clock: Clock;
  readonly findBatch: (id: string) => BatchSummary | null;
}

/** Everything that looks at the service at work: an observer, and wrappers for what it does. Without traces they are nothing. */
export interface Telemetry {
  readonly observers: readonly Observer[];
  fetch(send: typeof fetch): typeof fetch;
  server: <H extends Parameters<typeof probeServer>[0]>(handler: H, routes: readonly string[]) => H;
  model(model: LanguageModel): LanguageModel;
  helpdesk(helpdesk: Helpdesk): Helpdesk;
  outbox<T extends Outbox>(outbox: T): T;
  /** For work that no webhook brings; undefined without traces. */
  readonly traceparentFor: ((origin: WorkOrigin) => string) | undefined;
  /** From now on states are read when somebody asks; answers the removal. */
  watch(sources: GaugeSources): () => void;
  /** In the Prometheus text format. */
  text(): Promise<string>;
}

export function createTelemetry({ sdk, llm, clock, findBatch }: TelemetryOptions): Telemetry {
  const { meter, scrape } = sdk ?? meterAlone();
  const instruments = createInstruments(meter);
  const tracer = sdk?.tracer ?? null;
  const tracing: Tracing | null = sdk === null || tracer === null ? null : { ...sdk, tracer, clock, llm };
  const probe = { instruments, tracer, clock };
  const counting = createMetricsObserver(instruments, llm, clock);
  return {
    observers: tracing === null ? [counting] : [createTraceObserver(tracing, findBatch), counting],
    fetch: (send) => probeFetch(send, probe),
    server: (handler, routes) => probeServer(handler, routes, probe),
    model: (model) => (tracing === null ? model : traceModel(model, tracing)),
    helpdesk: (helpdesk) => (tracing === null ? helpdesk : traceHelpdesk(helpdesk, tracing)),
    outbox: (outbox) => (tracing === null ? outbox : traceOutbox(outbox, tracing)),
    traceparentFor: tracing === null ? undefined : (origin) => traceparentFor(origin, tracing),
    watch: (sources) => addGauges(meter, sources),
    text: () => scrape.text(),
  };
}

function meterAlone(): { readonly meter: Meter; readonly scrape: ScrapeReader } {
  const scrape = new ScrapeReader();
  const provider = new MeterProvider({ readers: [scrape] });
  return { meter: provider.getMeter('draftdesk'), scrape };
}

/** Where in a trace the caller is: for log lines. */
export function currentSpan(): { readonly traceId: string; readonly spanId: string } | null {
  const place = trace.getActiveSpan()?.spanContext();
  return place !== undefined && trace.isSpanContextValid(place) ? place : null;
}
