import { Hono, type MiddlewareHandler } from 'hono';
import { type AdminApp, type AdminEnv, adminRoute } from './admin-auth.ts';
import { described, type Operation } from './operation.ts';
import { methodNotAllowed } from './problem.ts';
import { textResponse } from './responses.ts';
import { metricsApi } from './service-api.ts';

const PROMETHEUS = 'text/plain; version=0.0.4; charset=utf-8';

export interface MetricsSource {
  /** In the Prometheus text format. */
  readonly text: () => Promise<string>;
  /** Anybody may read them. */
  readonly public: boolean;
}

/** `GET /metrics`, for an admin token of any role unless it is public. */
export function createMetrics({ text, public: isPublic }: MetricsSource, auth: MiddlewareHandler<AdminEnv>): Hono {
  const operation: Operation = isPublic ? { ...metricsApi, access: 'public' } : metricsApi;
  const answer = described(operation, async (): Promise<Response> => textResponse(await text(), PROMETHEUS));
  if (isPublic) return new Hono().get('/metrics', answer).all('/metrics', () => methodNotAllowed(['GET']));
  const guarded: AdminApp = new Hono<AdminEnv>();
  guarded.use('/metrics', auth);
  adminRoute(guarded, '/metrics', { GET: answer });
  return guarded as unknown as Hono;
}
