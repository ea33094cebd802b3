import { createHash, randomBytes, randomUUID } from 'node:crypto';

/**
 * Time as a parameter. Two readings, because wall clocks jump and monotonic ones mean nothing to other processes:
 * `now` for what is stored or compared with other machines' stamps, `steady` for durations, leases and due times.
 */
export interface Clock {
  /** Wall clock, epoch ms. */
  now(): number;
  /**
   * Epoch ms that never jumps: the wall clock as it was when the process started, advanced by a monotonic timer.
   * What the outbox stores as due times and leases, so that a clock set back or forward moves neither.
   */
  steady(): number;
  /** Resolves after `ms`, or at once when the signal aborts (it never rejects). */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  /** Calls back once after `ms`; returns the cancellation. Does not keep the process alive. */
  after(ms: number, callback: () => void): () => void;
}

/** Uniform in [0, 1). */
export type Random = () => number;

/** The real clock. The only place of the service that touches timers and `Date`. */
export function systemClock(): Clock {
  const startedAt = Date.now();
  const origin = performance.now();
  return {
    now: () => Date.now(),
    steady: () => startedAt + (performance.now() - origin),
    sleep: (ms, signal) =>
      new Promise((resolve) => {
        if (signal?.aborted) {
          resolve();
          return;
        }
        const done = (): void => {
          clearTimeout(timer);
          signal?.removeEventListener('abort', done);
          resolve();
        };
        const timer = setTimeout(done, Math.max(0, ms));
        signal?.addEventListener('abort', done, { once: true });
      }),
    after: (ms, callback) => {
      const timer = setTimeout(callback, Math.max(0, ms));
      timer.unref();
      return () => clearTimeout(timer);
    },
  };
}

/** Randomness of the operating system's generator, uniform in [0, 1). */
export const systemRandom: Random = () => randomBytes(6).readUIntBE(0, 6) / 2 ** 48;

/** A generator with a seed (mulberry32), for simulators and tests that must be replayable. */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

/** Makes ids for jobs, drafts and batches: UUIDv7 text (RFC 9562 §5.7), so that they sort by creation. */
export type NewId = () => string;

export function uuidv7(clock: Clock): NewId {
  let lastMs = 0;
  let sequence = 0;
  return () => {
    const ms = Math.max(Math.floor(clock.now()), lastMs);
    // 12 bits of sequence keep ids made within one millisecond in order (RFC 9562 §6.2, method 1)
    sequence = ms === lastMs ? (sequence + 1) & 0xfff : 0;
    lastMs = ms === lastMs && sequence === 0 ? ms + 1 : ms;
    const time = lastMs.toString(16).padStart(12, '0');
    const tail = randomUUID().slice(18);
    return `${time.slice(0, 8)}-${time.slice(8)}-7${sequence.toString(16).padStart(3, '0')}${tail}`;
  };
}

/** Lower-case hex SHA-256 of text. */
export function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/** A secret that nobody guesses: 256 bits as 43 characters that need no quoting anywhere. */
export function newSecret(): string {
  return randomBytes(32).toString('base64url');
}

/** A W3C `traceparent` with a fresh trace id (https://www.w3.org/TR/trace-context/), sampled. */
export function newTraceparent(): string {
  return `00-${randomBytes(16).toString('hex')}-${randomBytes(8).toString('hex')}-01`;
}

/** The trace id inside a `traceparent`. */
export function traceIdOf(traceparent: string): string {
  return traceparent.slice(3, 35);
}

const TRACEPARENT = /^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/;

export function isTraceparent(value: string): boolean {
  return TRACEPARENT.test(value);
}
