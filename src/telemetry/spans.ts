import { context, type Context, type HrTime, type Span, SpanStatusCode, trace } from '@opentelemetry/api';
import { errorName, UpstreamError } from '../core/errors.ts';
import { ERROR_TYPE } from './names.ts';

/** Epoch ms as a span takes it: a plain number could be taken for time since the process started. */
export function timeOf(ms: number): HrTime {
  return [Math.floor(ms / 1000), Math.round((ms % 1000) * 1e6)];
}

/** Runs work inside a span and ends it. */
export async function inSpan<T>(span: Span, work: () => Promise<T>, parent: Context = context.active()): Promise<T> {
  try {
    return await context.with(trace.setSpan(parent, span), work);
  } catch (error) {
    markFailed(span, error);
    throw error;
  } finally {
    span.end();
  }
}

/** The class of an error, never its message; null for what we stopped on purpose: that has not failed (llm-and-otel.md B3). */
export function failureOf(error: unknown): string | null {
  const type = error instanceof UpstreamError ? error.errorClass : errorName(error);
  return type === 'cancelled' || type === 'AbortError' ? null : type;
}

export function markFailed(span: Span, error: unknown): void {
  const type = failureOf(error);
  if (type === null) return;
  span.setAttribute(ERROR_TYPE, type);
  span.setStatus({ code: SpanStatusCode.ERROR });
}
