import type { Clock } from '../core/clock.ts';
import type { Observer } from '../core/observer.ts';
import type { ServiceControl } from '../core/service-control.ts';
import { type AdminApp, adminRoute } from './admin-auth.ts';
import { createEventStream, type Seats, sendEvents } from './event-stream.ts';
import { described } from './operation.ts';
import { faultName, problemResponse } from './problem.ts';
import { jsonResponse } from './responses.ts';
import { progressApi } from './service-api.ts';

interface ProgressDeps {
  readonly control: ServiceControl;
  readonly clock: Clock;
  readonly observer: Observer;
  readonly seats: Seats;
}

/** How the work goes, at once and live; stop and go on. */
export function addProgressRoutes(app: AdminApp, { control, clock, observer, seats }: ProgressDeps): void {
  const events = createEventStream({
    event: 'progress',
    snapshot: () => control.progress(),
    // memory moves also while nothing else does
    watched: ({ memory: _memory, ...rest }) => rest,
    stopping: () => control.stopping(),
    onFailure: (error) => observer.fault({ where: 'progress events', error: faultName(error) }),
    clock,
    seats,
  });
  adminRoute(app, '/progress', { GET: described(progressApi.get, () => jsonResponse(control.progress())) });
  adminRoute(app, '/events', {
    GET: described(progressApi.events, (c) => {
      if (control.stopping()) return problemResponse('unavailable', 'The service is stopping.');
      return sendEvents(c, events);
    }),
  });
  adminRoute(app, '/pause', {
    POST: described(progressApi.pause, async () => {
      await control.pause();
      return jsonResponse(control.progress());
    }),
  });
  adminRoute(app, '/resume', {
    POST: described(progressApi.resume, async () => {
      await control.resume();
      return jsonResponse(control.progress());
    }),
  });
}
