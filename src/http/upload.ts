import type { Clock } from '../core/clock.ts';
import { RequestError } from '../core/errors.ts';

export interface UploadLimits {
  readonly maxBytes: number;
  /** Without a byte, ms. */
  readonly idleMs: number;
  /** What must come on the whole once `idleMs` are gone, bytes per ms: byte after byte is a stall as well. */
  readonly bytesPerMs: number;
}

/** 8 KiB a second: the slowest line that somebody works with is faster. */
export const UPLOAD_LIMITS: UploadLimits = { maxBytes: 256 * 1024 * 1024, idleMs: 8_000, bytesPerMs: 8.192 };

/**
 * A large body as it comes, no faster than it is taken. Only the time in which we wait for the client counts. Throws
 * `RequestError`: `too_large`, `request_timeout` for a client that stalls, `malformed` for one that has gone.
 */
export async function* readUpload(
  request: Request,
  clock: Clock,
  { maxBytes, idleMs, bytesPerMs }: UploadLimits = UPLOAD_LIMITS,
): AsyncGenerator<Uint8Array> {
  const tooLarge = new RequestError('too_large', `The body is larger than ${maxBytes / 1024 / 1024} MiB.`);
  if (Number(request.headers.get('content-length')) > maxBytes) throw tooLarge;
  if (request.body === null) return;
  const reader = request.body.getReader();
  let received = 0;
  let waitedMs = 0;
  try {
    for (;;) {
      const from = clock.steady();
      const patienceMs = Math.min(idleMs, idleMs + received / bytesPerMs - waitedMs);
      const { done, value } = await orTooSlow(reader.read(), patienceMs, clock);
      waitedMs += clock.steady() - from;
      if (done) return;
      received += value.byteLength;
      if (received > maxBytes) throw tooLarge;
      yield value;
    }
  } finally {
    reader.cancel().catch(() => undefined);
  }
}

async function orTooSlow<T>(read: Promise<T>, ms: number, clock: Clock): Promise<T> {
  const over = new AbortController();
  const slow = clock.sleep(ms, over.signal).then(() => null);
  try {
    const first = await Promise.race([read.then((value) => ({ value })), slow]);
    if (first !== null) return first.value;
  } catch (cause) {
    throw new RequestError('malformed', 'The body ended before its end.', { cause });
  } finally {
    over.abort();
  }
  read.catch(() => undefined);
  throw new RequestError('request_timeout', 'The body came too slowly.');
}
