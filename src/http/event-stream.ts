import type { Clock } from '../core/clock.ts';
import type { AdminContext } from './admin-auth.ts';
import { problemResponse } from './problem.ts';
import { streamResponse } from './responses.ts';

/** Half a second, so that nobody who watches waits longer than one for a change. */
const TICK_MS = 500;
/** A write so often finds peers that have gone without a word, and keeps proxies from closing. */
const PING_MS = 15_000;
/** Who has not read for so long is dropped. */
const STALLED_MS = 60_000;
/** Of all streams together. */
const CLIENTS_MAX = 100;
/** When the stream ends, or breaks, a browser comes back after so long by itself: a restart takes about a second. */
const RECONNECT_MS = 2_000;

/** Places for those who watch, shared by all streams. */
export interface Seats {
  /** False when all are taken. */
  take(): boolean;
  give(): void;
}

export function createSeats(max = CLIENTS_MAX): Seats {
  let taken = 0;
  return {
    take: () => taken < max && ++taken > 0,
    give: () => {
      taken -= 1;
    },
  };
}

export interface EventStreamOptions<T> {
  /** The `event:` field. */
  readonly event: string;
  /** What to send, as JSON. */
  readonly snapshot: () => T;
  /** The part of it that must have changed to be worth sending again. */
  readonly watched: (snapshot: T) => unknown;
  /** What of it is sent; all unless told. */
  readonly data?: (snapshot: T) => unknown;
  /** Nothing follows this snapshot: who has got it is at the end. */
  readonly isLast?: (snapshot: T) => boolean;
  /** Nobody watches (any more). */
  readonly onIdle?: () => void;
  /** True ends all streams. */
  readonly stopping: () => boolean;
  /** The snapshot could not be made: all streams end, and who comes again gets a proper answer. */
  readonly onFailure: (error: unknown) => void;
  readonly seats: Seats;
  readonly clock: Clock;
}

/** Server-sent events (https://html.spec.whatwg.org/multipage/server-sent-events.html) for everybody at once. */
export interface EventStream {
  /**
   * A stream that starts with the snapshot of now; null when there are too many. `drop` cuts the connection of a
   * client that has stopped reading. Throws what `snapshot` throws.
   */
  open(drop?: () => void): ReadableStream<Uint8Array> | null;
}

interface Client {
  readonly controller: ReadableStreamDefaultController<Uint8Array>;
  readonly drop: (() => void) | undefined;
  /** The watched part, as JSON, of what it was sent last. */
  seen: string;
  /** Steady ms of the last write. */
  wroteAt: number;
}

const encoder = new TextEncoder();
const PING = encoder.encode(': ping\n\n');

/** A snapshot as it goes out. */
interface Frame {
  readonly watched: string;
  readonly last: boolean;
  /** Without the empty line at its end. */
  readonly text: string;
  readonly bytes: Uint8Array;
}

/**
 * One snapshot per tick, however many clients. A slow client misses snapshots instead of piling them up: at most one
 * waits for it.
 */
export function createEventStream<T>(options: EventStreamOptions<T>): EventStream {
  const { clock, seats } = options;
  const clients = new Set<Client>();
  let ticking = false;

  const makeFrame = (): Frame => {
    const snapshot = options.snapshot();
    const data = options.data === undefined ? snapshot : options.data(snapshot);
    const text = `event: ${options.event}\ndata: ${JSON.stringify(data)}\n`;
    return {
      watched: JSON.stringify(options.watched(snapshot)),
      last: options.isLast?.(snapshot) ?? false,
      text,
      bytes: encoder.encode(`${text}\n`),
    };
  };

  const forget = (client: Client): void => {
    if (!clients.delete(client)) return;
    seats.give();
    if (clients.size === 0) options.onIdle?.();
  };

  /** What is written already still arrives. */
  const end = (client: Client): void => {
    client.controller.close();
    forget(client);
  };

  const endAll = (): void => clients.forEach(end);

  const drop = (client: Client): void => {
    end(client);
    client.drop?.();
  };

  const serve = (client: Client, { watched, last, bytes }: Frame): void => {
    const now = clock.steady();
    const silentMs = now - client.wroteAt;
    if ((client.controller.desiredSize ?? 0) <= 0) {
      if (silentMs >= STALLED_MS) drop(client);
      return;
    }
    const changed = watched !== client.seen;
    if (!changed && silentMs < PING_MS) return;
    client.controller.enqueue(changed ? bytes : PING);
    client.seen = watched;
    client.wroteAt = now;
    if (last) end(client);
  };

  const tick = (): void => {
    ticking = false;
    if (clients.size === 0) return;
    if (options.stopping()) return endAll();
    try {
      const frame = makeFrame();
      for (const client of clients) serve(client, frame);
    } catch (error) {
      endAll();
      return options.onFailure(error);
    }
    schedule();
  };

  const schedule = (): void => {
    if (ticking || clients.size === 0) return;
    ticking = true;
    clock.after(TICK_MS, tick);
  };

  const begin = (onDrop: (() => void) | undefined): ReadableStream<Uint8Array> | null => {
    const { watched, last, text } = makeFrame();
    if (!last && !seats.take()) return null;
    let client: Client;
    return new ReadableStream<Uint8Array>({
      start(controller) {
        client = { controller, drop: onDrop, seen: watched, wroteAt: clock.steady() };
        controller.enqueue(encoder.encode(`${text}retry: ${RECONNECT_MS}\n\n`));
        if (last) return controller.close();
        clients.add(client);
        schedule();
      },
      cancel: () => forget(client),
    });
  };

  return {
    open(onDrop) {
      try {
        return begin(onDrop);
      } finally {
        if (clients.size === 0) options.onIdle?.();
      }
    },
  };
}

/** Answers with a stream of it; `HEAD` with its headers only. */
export function sendEvents(c: AdminContext, events: EventStream): Response {
  // Hono answers HEAD with GET's headers and forgets the body: nobody would ever end it.
  if (c.req.method === 'HEAD') return streamResponse(null, 'text/event-stream');
  // `env` is undefined where there is no socket.
  const { outgoing }: Partial<typeof c.env> = c.env ?? {};
  const stream = events.open(() => outgoing?.destroy());
  if (stream === null) return problemResponse('unavailable', 'Too many clients are watching already.');
  return streamResponse(stream, 'text/event-stream');
}
