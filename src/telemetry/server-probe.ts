import { context, propagation, ROOT_CONTEXT, type Span, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import type { ProbeParts } from './client-probe.ts';
import { ERROR_TYPE, HTTP } from './names.ts';

type Handler = (request: Request, ...rest: never[]) => Response | Promise<Response>;

const METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);

/** Asked every few seconds by machines: measured, but no traces. */
const UNTRACED = new Set(['/healthz', '/readyz', '/metrics']);

/**
 * Measures requests and makes a server span of each, until its headers are sent (a stream goes on for hours). `routes`
 * are the paths of the app as it declares them: one that is none of them has no name, so strangers cannot invent labels.
 */
export function probeServer<H extends Handler>(
  handler: H,
  routes: readonly string[],
  { instruments, tracer, clock }: ProbeParts,
): H {
  const routeOf = createRouteFinder(routes);
  const probed = (request: Request, ...rest: never[]): Response | Promise<Response> => {
    const method = METHODS.has(request.method) ? request.method : '_OTHER';
    const path = pathOf(request.url);
    const route = routeOf(path);
    const under = { [HTTP.method]: method };
    instruments.activeRequests.add(1, under);
    const from = clock.steady();
    const traced = tracer !== null && (route === null || !UNTRACED.has(route));
    const parent = traced ? callerOf(request) : ROOT_CONTEXT;
    const span = traced
      ? tracer.startSpan(
          route === null ? method : `${method} ${route}`,
          {
            kind: SpanKind.SERVER,
            attributes: {
              ...under,
              [HTTP.scheme]: 'http',
              ...(route === null ? {} : { [HTTP.route]: route, [HTTP.path]: path }),
            },
          },
          parent,
        )
      : null;
    const end = (status: number): void => {
      instruments.activeRequests.add(-1, under);
      const labels = {
        ...under,
        ...(route === null ? {} : { [HTTP.route]: route }),
        [HTTP.status]: status,
        ...(status >= 500 ? { [ERROR_TYPE]: String(status) } : {}),
      };
      instruments.requests.record((clock.steady() - from) / 1000, labels);
      if (span !== null) endSpan(span, status);
    };
    const run = (): Response | Promise<Response> => handler(request, ...rest);
    const answer = span === null ? run() : context.with(trace.setSpan(parent, span), run);
    if (answer instanceof Promise) {
      return answer.then(
        (response) => {
          end(response.status);
          return response;
        },
        (error: unknown) => {
          end(500);
          throw error;
        },
      );
    }
    end(answer.status);
    return answer;
  };
  return probed as H;
}

function callerOf(request: Request) {
  const traceparent = request.headers.get('traceparent');
  if (traceparent === null) return ROOT_CONTEXT;
  return propagation.extract(ROOT_CONTEXT, { traceparent, tracestate: request.headers.get('tracestate') ?? '' });
}

function endSpan(span: Span, status: number): void {
  span.setAttribute(HTTP.status, status);
  // what a caller did wrong is no error of this server
  if (status >= 500) {
    span.setAttribute(ERROR_TYPE, String(status));
    span.setStatus({ code: SpanStatusCode.ERROR });
  }
  span.end();
}

/** `/a/b` of `http://host/a/b?c#d`. */
function pathOf(url: string): string {
  const from = url.indexOf('/', url.indexOf('//') + 2);
  const path = from < 0 ? '/' : url.slice(from);
  const to = path.search(/[?#]/);
  return to < 0 ? path : path.slice(0, to);
}

/** Which of the app's paths (`/webhooks/:helpdesk`) a request's path is; null for none. */
export function createRouteFinder(routes: readonly string[]): (path: string) => string | null {
  const literal = new Set<string>();
  const patterns = new Map<number, { readonly route: string; readonly segments: readonly string[] }[]>();
  for (const route of new Set(routes)) {
    if (route.includes('*')) continue;
    if (!route.includes(':')) literal.add(route);
    else {
      const segments = route.split('/');
      const alike = patterns.get(segments.length) ?? [];
      alike.push({ route, segments });
      patterns.set(segments.length, alike);
    }
  }
  return (path) => {
    if (literal.has(path)) return path;
    const given = path.split('/');
    const fits = (segments: readonly string[]): boolean =>
      segments.every((segment, at) => segment === given[at] || (segment.startsWith(':') && given[at] !== ''));
    return patterns.get(given.length)?.find(({ segments }) => fits(segments))?.route ?? null;
  };
}
