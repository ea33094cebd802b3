import { PrometheusSerializer } from '@opentelemetry/exporter-prometheus';
import { type CollectionResult, MetricReader, type ResourceMetrics } from '@opentelemetry/sdk-metrics';

/** Collects when it is asked, for `GET /metrics`. */
export class ScrapeReader extends MetricReader {
  /** The Prometheus text format. Throws what a callback threw. */
  async text(): Promise<string> {
    const { resourceMetrics, errors }: CollectionResult = await this.collect();
    if (errors.length > 0) throw errors[0];
    return new PrometheusSerializer('', false, undefined, true, true).serialize(withUnits(resourceMetrics));
  }

  protected override onForceFlush(): Promise<void> {
    return Promise.resolve();
  }

  protected override onShutdown(): Promise<void> {
    return Promise.resolve();
  }
}

const SUFFIXES: Readonly<Record<string, string>> = { s: 'seconds', By: 'bytes', USD: 'USD' };

/**
 * The serializer writes names without their unit; every way from OTLP to Prometheus adds it. So do we: a dashboard fits
 * both (https://opentelemetry.io/docs/specs/otel/compatibility/prometheus_and_openmetrics/).
 */
function withUnits(metrics: ResourceMetrics): ResourceMetrics {
  return {
    ...metrics,
    scopeMetrics: metrics.scopeMetrics.map((scope) => ({
      ...scope,
      metrics: scope.metrics.map((metric) => {
        const { name, unit } = metric.descriptor;
        const suffix = SUFFIXES[unit];
        // without its unit there is no "# UNIT" line, which is OpenMetrics' and not this format's
        const descriptor = { ...metric.descriptor, name: suffix === undefined ? name : `${name}.${suffix}`, unit: '' };
        return { ...metric, descriptor };
      }),
    })),
  };
}
