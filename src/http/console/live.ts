import type { Clock } from '../../core/clock.ts';
import type { Observer } from '../../core/observer.ts';
import type { ServiceControl } from '../../core/service-control.ts';
import { createEventStream, type Seats, sendEvents } from '../event-stream.ts';
import { faultName, problemResponse } from '../problem.ts';
import type { Pages } from './page.tsx';

interface LiveDeps {
  readonly control: ServiceControl;
  readonly clock: Clock;
  readonly observer: Observer;
  readonly seats: Seats;
}

/** Tells open pages that something has moved; what it is they fetch themselves, each its own part. */
export function addLive(pages: Pages, { control, clock, observer, seats }: LiveDeps): void {
  const events = createEventStream({
    event: 'moved',
    snapshot: () => control.progress(),
    // memory moves also while nothing else does
    watched: ({ memory: _memory, ...rest }) => rest,
    data: ({ total }) => ({ total }),
    stopping: () => control.stopping(),
    onFailure: (error) => observer.fault({ where: 'console events', error: faultName(error) }),
    clock,
    seats,
  });
  pages.send('/live', (c) =>
    control.stopping() ? problemResponse('unavailable', 'The service is stopping.') : sendEvents(c, events),
  );
}
