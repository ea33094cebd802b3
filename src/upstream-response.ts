import type { IncomingMessage } from 'node:http';

/** Final statuses that have no body (https://fetch.spec.whatwg.org/#null-body-status). */
const BODYLESS = new Set([204, 205, 304]);

/** What has come as a fetch response. Throws `RangeError` for a status that fetch does not know. */
export function toResponse(message: IncomingMessage): Response {
  const status = message.statusCode ?? 0;
  if (status < 200 || status > 599) throw new RangeError(`a response has no status ${status}`);
  const headers = new Headers();
  for (let at = 0; at < message.rawHeaders.length; at += 2) {
    headers.append(message.rawHeaders[at] ?? '', message.rawHeaders[at + 1] ?? '');
  }
  if (!BODYLESS.has(status)) return new UpstreamResponse(message, status, headers);
  message.resume();
  return new Response(null, { status, headers });
}

/**
 * A response whose text, which is all that most callers want, comes straight from the socket: through the streams that a
 * `Response` is made of, reading it costs more than the call itself. Whoever wants anything else gets such a one.
 */
class UpstreamResponse implements Response {
  readonly status: number;
  readonly headers: Headers;
  readonly ok: boolean;
  readonly statusText = '';
  readonly redirected = false;
  readonly type = 'default';
  readonly url = '';
  readonly #message: IncomingMessage;
  #streamed: Response | null = null;
  #read = false;

  constructor(message: IncomingMessage, status: number, headers: Headers) {
    this.#message = message;
    // whoever reads it is told; nobody may be reading yet
    message.on('error', () => undefined);
    this.status = status;
    this.headers = headers;
    this.ok = status < 300;
  }

  get #whole(): Response {
    const { status, headers } = this;
    return (this.#streamed ??= new Response(toStream(this.#message), { status, headers }));
  }

  get body(): Response['body'] {
    return this.#whole.body;
  }

  get bodyUsed(): boolean {
    return this.#read || this.#streamed?.bodyUsed === true;
  }

  async text(): Promise<string> {
    if (this.#streamed !== null) return this.#streamed.text();
    if (this.#read) throw new TypeError('the body has been read');
    this.#read = true;
    return readText(this.#message);
  }

  async json(): Promise<unknown> {
    return JSON.parse(await this.text()) as unknown;
  }

  arrayBuffer(): Promise<ArrayBuffer> {
    return this.#whole.arrayBuffer();
  }

  blob(): Promise<Blob> {
    return this.#whole.blob();
  }

  bytes(): ReturnType<Response['bytes']> {
    return this.#whole.bytes();
  }

  formData(): Promise<FormData> {
    return this.#whole.formData();
  }

  clone(): Response {
    return this.#whole.clone();
  }
}

/** A connection that breaks ends the body with fetch's own "terminated". */
function terminated(cause: Error): TypeError {
  return new TypeError('terminated', { cause });
}

/** It broke before anybody was reading: no event will tell. */
function isBroken(message: IncomingMessage): boolean {
  return message.destroyed && !message.readableEnded;
}

function readText(message: IncomingMessage): Promise<string> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    message.on('data', (chunk: Buffer) => chunks.push(chunk));
    message.on('end', () => {
      const [first] = chunks;
      const all = first !== undefined && chunks.length === 1 ? first : Buffer.concat(chunks);
      const text = all.toString('utf8');
      // as fetch does
      resolve(text.startsWith('\uFEFF') ? text.slice(1) : text);
    });
    message.on('error', (error) => reject(terminated(error)));
    if (isBroken(message)) reject(terminated(message.errored ?? new Error('aborted')));
  });
}

/** Reads no further ahead than somebody takes. */
function toStream(message: IncomingMessage): ReadableStream<Uint8Array> {
  let over = false;
  return new ReadableStream<Uint8Array>({
    start(controller) {
      message.on('data', (chunk: Buffer) => {
        if (over) return;
        controller.enqueue(new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength));
        if ((controller.desiredSize ?? 0) <= 0) message.pause();
      });
      message.on('end', () => {
        if (!over) controller.close();
        over = true;
      });
      message.on('error', (error) => {
        if (!over) controller.error(terminated(error));
        over = true;
      });
      if (isBroken(message)) controller.error(terminated(message.errored ?? new Error('aborted')));
    },
    pull: () => void message.resume(),
    cancel: () => {
      over = true;
      message.destroy();
    },
  });
}
