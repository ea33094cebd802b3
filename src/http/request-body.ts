import type { ByteBudget, Place } from './byte-budget.ts';

/** Bodies up to this many bytes are not counted: real webhooks are smaller, and large ones must not crowd them out. */
const FREE_BYTES = 16 * 1024;

/**
 * `too_large` over the limit, said at once when the length is declared · `busy` no room in the budget · `cut` the
 * client went away in the middle.
 */
export type BodyRefusal = 'too_large' | 'busy' | 'cut';

interface BodyLimits {
  readonly maxBytes: number;
  /** Null: they are not counted. */
  readonly budget: ByteBudget | null;
}

/**
 * Reads a request's raw bytes and hands them to `use`; they count against the budget until its promise settles.
 * Answers the refusal instead when there are too many bytes; what is left unread is dropped with the connection.
 */
export async function withBody<T>(
  request: Request,
  { maxBytes, budget }: BodyLimits,
  use: (body: Uint8Array) => Promise<T>,
  refuse: (refusal: BodyRefusal) => T,
): Promise<T> {
  const declared = declaredLength(request);
  if (declared !== null && declared > maxBytes) return refuse('too_large');
  if (declared !== null && declared <= FREE_BYTES) return withSmallBody(request, use, refuse);
  const evicted = new AbortController();
  const place = budget?.enter(declared ?? 0, () => evicted.abort()) ?? null;
  if (budget !== null && place === null) return refuse('busy');
  try {
    const body = await collect(request, { maxBytes, declared, place, evicted: evicted.signal });
    if (typeof body === 'string') return refuse(body);
    place?.settle();
    return await use(body);
  } finally {
    place?.leave();
  }
}

/** The parser holds a client to the length it declared, so that nothing has to be counted: the hot path. */
async function withSmallBody<T>(
  request: Request,
  use: (body: Uint8Array) => Promise<T>,
  refuse: (refusal: BodyRefusal) => T,
): Promise<T> {
  let body: Uint8Array;
  try {
    body = new Uint8Array(await request.arrayBuffer());
  } catch {
    return refuse('cut');
  }
  return use(body);
}

function declaredLength(request: Request): number | null {
  const value = request.headers.get('content-length');
  return value !== null && /^\d{1,15}$/.test(value) ? Number(value) : null;
}

interface Reading {
  readonly maxBytes: number;
  readonly declared: number | null;
  readonly place: Place | null;
  readonly evicted: AbortSignal;
}

async function collect(
  request: Request,
  { maxBytes, declared, place, evicted }: Reading,
): Promise<Uint8Array | BodyRefusal> {
  if (request.body === null) return new Uint8Array(0);
  const reader = request.body.getReader();
  const body = createGrowingBuffer(declared ?? FREE_BYTES);
  const stop = (refusal: BodyRefusal): BodyRefusal => {
    reader.cancel().catch(() => undefined);
    return refusal;
  };
  // a read that waits for a client that sends nothing ends so
  evicted.addEventListener('abort', () => void stop('busy'), { once: true });
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (evicted.aborted) return 'busy';
      if (done) return body.bytes();
      const length = body.append(value);
      if (length > maxBytes) return stop('too_large');
      place?.arrived(value.byteLength);
      if (declared === null && length > FREE_BYTES && place?.grow(value.byteLength) === false) return stop('busy');
    }
  } catch {
    return evicted.aborted ? 'busy' : 'cut';
  }
}

/** One buffer that doubles, not a list of chunks: a megabyte in chunks of one byte would cost a hundred. */
function createGrowingBuffer(expectedBytes: number) {
  let buffer = new Uint8Array(expectedBytes);
  let length = 0;
  return {
    append(chunk: Uint8Array): number {
      const needed = length + chunk.byteLength;
      if (needed > buffer.byteLength) {
        const larger = new Uint8Array(Math.max(needed, buffer.byteLength * 2));
        larger.set(buffer.subarray(0, length));
        buffer = larger;
      }
      buffer.set(chunk, length);
      length = needed;
      return length;
    },
    bytes: (): Uint8Array => buffer.subarray(0, length),
  };
}
