import { type Handler, Hono } from 'hono';
import type { Clock } from '../core/clock.ts';
import type { Readiness, ServiceControl } from '../core/service-control.ts';
import { described } from './operation.ts';
import { methodNotAllowed, problemResponse } from './problem.ts';
import { jsonResponse } from './responses.ts';
import { healthApi } from './service-api.ts';

/** Anybody may ask and each check writes to the disk: one answer serves all who ask within this time, ms. */
const FRESH_MS = 1_000;

const UNKNOWN: Readiness = { ready: false, checks: { service: 'the checks themselves have failed' } };

/** The one way to ask, for all who ask over HTTP. */
export function createReadinessCheck({
  control,
  clock,
}: {
  readonly control: ServiceControl;
  readonly clock: Clock;
}): () => Promise<Readiness> {
  let asked: { readonly at: number; readonly readiness: Promise<Readiness> } | null = null;

  return () => {
    const now = clock.steady();
    if (asked === null || now - asked.at >= FRESH_MS)
      asked = { at: now, readiness: control.readiness().catch(() => UNKNOWN) };
    return asked.readiness;
  };
}

/** `/healthz`: the process is up. `/readyz`: it can do its work. */
export function createHealth(ask: () => Promise<Readiness>): Hono {
  const getOnly: Handler = () => methodNotAllowed(['GET']);
  return new Hono()
    .get(
      '/healthz',
      described(healthApi.health, () => jsonResponse({ status: 'ok' })),
    )
    .all('/healthz', getOnly)
    .get(
      '/readyz',
      described(healthApi.ready, async () => {
        const { ready, checks } = await ask();
        // a bad credential is no reason to turn webhooks away: they wait in the outbox
        const status = Object.values(checks).every((check) => check === 'ok') ? 'ok' : 'degraded';
        if (ready) return jsonResponse({ status, checks });
        return problemResponse('unavailable', 'The service cannot do its work now.', { members: { checks } });
      }),
    )
    .all('/readyz', getOnly);
}
