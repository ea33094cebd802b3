import { randomBytes } from 'node:crypto';
import { type SpanContext, type TraceState, TraceFlags } from '@opentelemetry/api';
import { isTraceparent, sha256, traceIdOf } from '../core/clock.ts';

/** A place in a trace that any process can name, also one that comes after a crash. */
export interface KnownPlace {
  readonly traceId: string;
  readonly spanId: string;
}

/**
 * Gives spans their ids: by chance, but for those whose place must be known without being stored. Such are tries of a
 * job, so that a later one can link to an earlier one of a process that was killed, and the start of a batch.
 */
export class PlannedIds {
  #planned: Partial<KnownPlace> = {};

  /** `start` starts one span, at once, and it gets these ids (the trace id only where it has no parent). */
  plan<T>(ids: Partial<KnownPlace>, start: () => T): T {
    this.#planned = ids;
    try {
      return start();
    } finally {
      this.#planned = {};
    }
  }

  generateTraceId(): string {
    return this.#planned.traceId ?? randomBytes(16).toString('hex');
  }

  generateSpanId(): string {
    return this.#planned.spanId ?? randomBytes(8).toString('hex');
  }
}

/** The span of one try; `rest`: its second half, after the provider's Batch API. */
export function attemptSpanId(jobId: string, attempt: number, part: 'whole' | 'rest' = 'whole'): string {
  return sha256(`${part} ${jobId} ${attempt}`).slice(0, 16);
}

export function batchPlace(batchId: string): KnownPlace {
  const digest = sha256(`batch ${batchId}`);
  return { traceId: digest.slice(0, 32), spanId: digest.slice(32, 48) };
}

export function remoteContext(place: KnownPlace, traceFlags: number = TraceFlags.SAMPLED): SpanContext {
  return { ...place, traceFlags, isRemote: true };
}

/** The place that a stored traceparent names; null for one that is none. */
export function readTraceparent(traceparent: string): SpanContext | null {
  if (!isTraceparent(traceparent)) return null;
  const place = { traceId: traceIdOf(traceparent), spanId: traceparent.slice(36, 52) };
  return remoteContext(place, Number.parseInt(traceparent.slice(53), 16));
}

export function writeTraceparent({ traceId, spanId, traceFlags }: SpanContext & { traceState?: TraceState }): string {
  return `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, '0')}`;
}
