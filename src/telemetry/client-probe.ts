import { context, propagation, type Span, SpanKind, SpanStatusCode, trace, type Tracer } from '@opentelemetry/api';
import type { Clock } from '../core/clock.ts';
import type { Instruments } from './instruments.ts';
import { ERROR_TYPE, HTTP, OURS, SERVER } from './names.ts';
import { chatSpanOf } from './traced-model.ts';

export interface ProbeParts {
  readonly instruments: Pick<Instruments, 'calls' | 'requests' | 'activeRequests'>;
  /** Null: only measured, not traced. */
  readonly tracer: Tracer | null;
  readonly clock: Clock;
}

/**
 * Measures calls to upstreams, and makes a client span of each that belongs to a trace; until the headers of the answer
 * are there. The query is left out: it may hold names and addresses.
 */
export function probeFetch(send: typeof fetch, { instruments, tracer, clock }: ProbeParts): typeof fetch {
  return async (input, init) => {
    const url = new URL(input instanceof Request ? input.url : input);
    const method = init?.method ?? 'GET';
    const labels = { [HTTP.method]: method, [SERVER.address]: url.hostname };
    const span = tracer === null || trace.getActiveSpan() === undefined ? null : startSpan(tracer, method, url);
    const from = clock.steady();
    const end = (result: Record<string, string | number>): void => {
      instruments.calls.record((clock.steady() - from) / 1000, { ...labels, ...result });
      span?.end();
    };
    try {
      const response = await send(input, span === null ? init : withTraceparent(init, span));
      const { status } = response;
      if (span !== null) describeAnswer(span, response);
      end({ [HTTP.status]: status, ...(status >= 400 ? { [ERROR_TYPE]: String(status) } : {}) });
      return response;
    } catch (error) {
      // stopped by us, on purpose or because it took too long: who stopped it tells which
      const type = init?.signal?.aborted === true ? 'aborted' : 'connection';
      if (type === 'connection') {
        span?.setAttribute(ERROR_TYPE, type);
        span?.setStatus({ code: SpanStatusCode.ERROR });
      }
      end({ [ERROR_TYPE]: type });
      throw error;
    }
  };
}

function startSpan(tracer: Tracer, method: string, url: URL): Span {
  const port = Number(url.port) || (url.protocol === 'https:' ? 443 : 80);
  return tracer.startSpan(method, {
    kind: SpanKind.CLIENT,
    attributes: {
      [HTTP.method]: method,
      [HTTP.url]: `${url.origin}${url.pathname}`,
      [SERVER.address]: url.hostname,
      [SERVER.port]: port,
    },
  });
}

/** Our adapters give plain headers, which stay plain: see upstream-fetch.ts. */
function withTraceparent(init: RequestInit | undefined, span: Span): RequestInit {
  const given = init?.headers;
  const isPlain = given === undefined || (!(given instanceof Headers) && !Array.isArray(given));
  const headers: Record<string, string> = isPlain
    ? { ...(given as Record<string, string> | undefined) }
    : Object.fromEntries(new Headers(given));
  propagation.inject(trace.setSpan(context.active(), span), headers);
  return { ...init, headers };
}

function describeAnswer(span: Span, { status, headers }: Response): void {
  span.setAttribute(HTTP.status, status);
  if (status >= 400) {
    span.setAttribute(ERROR_TYPE, String(status));
    span.setStatus({ code: SpanStatusCode.ERROR });
  }
  const chat = chatSpanOf(context.active());
  if (chat === undefined) return;
  const requestId = headers.get('x-request-id') ?? '';
  if (/^[\w-]{1,80}$/.test(requestId)) chat.setAttribute(OURS.requestId, requestId);
  const processingMs = headers.get('openai-processing-ms') ?? '';
  if (/^\d{1,9}$/.test(processingMs)) chat.setAttribute(OURS.processingMs, Number(processingMs));
}
