/** Bodies up to this many bytes are not counted: real webhooks are smaller, and large ones must not crowd them out. */
const FREE_BYTES = 16 * 1024;

/** Bytes of request bodies held at one moment, over all requests. */
export interface ByteBudget {
  /** False when they do not fit now. */
  take(bytes: number): boolean;
  give(bytes: number): void;
}

export function createByteBudget(maxBytes: number): ByteBudget {
  let held = 0;
  return {
    take: (bytes) => {
      if (held + bytes > maxBytes) return false;
      held += bytes;
      return true;
    },
    give: (bytes) => {
      held -= bytes;
    },
  };
}

/**
 * `too_large` over the limit, said at once when the length is declared · `busy` no room in the budget · `cut` the
 * client went away in the middle.
 */
export type BodyRefusal = 'too_large' | 'busy' | 'cut';

/**
 * Reads a request's raw bytes and hands them to `use`; they count against the budget until its promise settles.
 * Answers the refusal instead when there are too many bytes; what is left unread is dropped with the connection.
 */
export async function withBody<T>(
  request: Request,
  { maxBytes, budget }: { readonly maxBytes: number; readonly budget: ByteBudget },
  use: (body: Uint8Array) => Promise<T>,
  refuse: (refusal: BodyRefusal) => T,
): Promise<T> {
  const declared = declaredLength(request);
  if (declared !== null && declared > maxBytes) return refuse('too_large');
  if (declared !== null && declared <= FREE_BYTES) return withSmallBody(request, use, refuse);
  let taken = 0;
  try {
    const body = await collect(request, maxBytes, (bytes) => {
      if (!budget.take(bytes)) return false;
      taken += bytes;
      return true;
    });
    return typeof body === 'string' ? refuse(body) : await use(body);
  } finally {
    budget.give(taken);
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

async function collect(
  request: Request,
  maxBytes: number,
  take: (bytes: number) => boolean,
): Promise<Uint8Array | BodyRefusal> {
  if (request.body === null) return new Uint8Array(0);
  const reader = request.body.getReader();
  const body = createGrowingBuffer();
  const stop = (refusal: BodyRefusal): BodyRefusal => {
    reader.cancel().catch(() => undefined);
    return refusal;
  };
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return body.bytes();
      const length = body.append(value);
      if (length > maxBytes) return stop('too_large');
      if (length > FREE_BYTES && !take(value.byteLength)) return stop('busy');
    }
  } catch {
    return 'cut';
  }
}

/** One buffer that doubles, not a list of chunks: a megabyte in chunks of one byte would cost a hundred. */
function createGrowingBuffer() {
  let buffer = new Uint8Array(FREE_BYTES);
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
