import { createParser, type EventSourceMessage } from 'eventsource-parser';
import { CommandError, EXIT, systemCode } from './command-error.ts';
import { readEnvironment } from './environment.ts';
import { shown } from './shown.ts';

/** The admin API of a running service. Every method throws `CommandError` with a sentence that says what to do. */
export interface ServiceClient {
  get<T>(path: string): Promise<T>;
  post<T>(path: string, body?: object): Promise<T>;
  delete<T>(path: string): Promise<T>;
  /** Sends lines of JSON as they come. */
  upload<T>(path: string, lines: AsyncIterable<Uint8Array>): Promise<T>;
  /** The body as it comes. */
  stream(path: string): Promise<ReadableStream<Uint8Array>>;
  /** What a POST answers with, as it comes; `bytes` is how much there must be. */
  download(path: string): Promise<{ readonly bytes: number; readonly body: ReadableStream<Uint8Array> }>;
  /** Server-sent events, each one's data as JSON; ends when the connection does. */
  events<T>(path: string, signal: AbortSignal): AsyncGenerator<T>;
}

/** The connection broke, or the service is stopping: the same request may succeed later. */
export class ServiceUnreachable extends CommandError {
  /** Nobody listens there. */
  get isSilent(): boolean {
    return this.cause instanceof Error && systemCode(this.cause.cause) === 'ECONNREFUSED';
  }
}

/** The service said no; `status` is its HTTP status. */
export class ServiceRefused extends CommandError {
  readonly status: number;

  constructor(message: string, status: number) {
    super(message);
    this.status = status;
  }
}

/** Where the service is, as far as the settings tell. */
export function serviceUrl(env: NodeJS.ProcessEnv): string {
  return env['DRAFTDESK_URL'] || `http://127.0.0.1:${env['PORT'] || '8787'}`;
}

/** By `DRAFTDESK_URL` and the first of `ADMIN_TOKEN`, from the environment or .env. Throws `CommandError`. */
export function connect(env: NodeJS.ProcessEnv = readEnvironment()): ServiceClient {
  const base = URL.parse(serviceUrl(env));
  const token = env['ADMIN_TOKEN']?.split(',')[0]?.trim();
  if (base === null || !/^https?:$/.test(base.protocol)) {
    throw new CommandError('DRAFTDESK_URL must be an address such as http://127.0.0.1:8787.', EXIT.config);
  }
  if (!token) throw new CommandError('Set ADMIN_TOKEN to the one that the service has.', EXIT.config);
  const root = base.href.replace(/\/+$/, '');

  const call = async (path: string, init: RequestInit = {}, contentType = 'application/json'): Promise<Response> => {
    const headers = { authorization: `Bearer ${token}`, 'content-type': contentType };
    let response: Response;
    try {
      // a token must not follow a redirect to somebody else
      response = await fetch(root + path, { ...init, headers, redirect: 'error' });
    } catch (error) {
      throw unreachable(root, error);
    }
    if (response.ok) return response;
    throw await problemOf(response, root);
  };
  const read = async <T>(response: Response): Promise<T> => {
    try {
      return (await response.json()) as T;
    } catch (error) {
      throw new CommandError(`${root} does not answer like Draftdesk: check DRAFTDESK_URL.`, EXIT.config, {
        cause: error,
      });
    }
  };

  return {
    get: async (path) => await read(await call(path)),
    post: async (path, body = {}) => await read(await call(path, { method: 'POST', body: JSON.stringify(body) })),
    delete: async (path) => await read(await call(path, { method: 'DELETE' })),
    upload: async (path, lines) => {
      // Node's fetch takes what can be iterated; the types are the browser's
      const init = { method: 'POST', body: lines as unknown as ReadableStream, duplex: 'half' } as RequestInit;
      return await read(await call(path, init, 'application/x-ndjson'));
    },
    stream: async (path) => {
      const { body } = await call(path);
      if (body === null) throw new CommandError(`${root} answered with nothing.`);
      return body;
    },
    download: async (path) => {
      const { body, headers } = await call(path, { method: 'POST' });
      const bytes = Number(headers.get('content-length'));
      if (body === null || !(bytes > 0)) throw new CommandError(`${root} answered with nothing.`);
      return { bytes, body };
    },
    async *events<T>(path: string, signal: AbortSignal) {
      const { body } = await call(path, { signal });
      const arrived: EventSourceMessage[] = [];
      const parser = createParser({ onEvent: (event) => arrived.push(event) });
      try {
        for await (const text of (body ?? new ReadableStream()).pipeThrough(new TextDecoderStream())) {
          parser.feed(text);
          for (const { data } of arrived.splice(0)) yield JSON.parse(data) as T;
        }
      } catch (error) {
        throw unreachable(root, error);
      }
    },
  };
}

function unreachable(root: string, error: unknown): ServiceUnreachable {
  const cause = error instanceof Error ? error.cause : undefined;
  const code = (cause as NodeJS.ErrnoException | undefined)?.code ?? 'no answer';
  return new ServiceUnreachable(
    `No service answers at ${root} (${code}). Start it with draftdesk serve, or set DRAFTDESK_URL to where it is.`,
    EXIT.failed,
    { cause: error },
  );
}

interface Problem {
  readonly title?: string;
  readonly detail?: string;
  readonly errors?: readonly { readonly path: string; readonly message: string }[];
}

/** RFC 9457 as one sentence with the paths of the fields. */
async function problemOf(response: Response, root: string): Promise<CommandError> {
  const { status } = response;
  if (status === 401)
    return new CommandError(`${root} refuses ADMIN_TOKEN: set the one that the service has.`, EXIT.config);
  const isProblem = response.headers.get('content-type')?.startsWith('application/problem+json') === true;
  if (!isProblem) {
    return new CommandError(`${root} answered ${status} and not like Draftdesk: check DRAFTDESK_URL.`, EXIT.config);
  }
  const { title = '', detail = title, errors = [] } = (await response.json()) as Problem;
  const fields = errors.map(({ path, message }) => `${path} ${withoutStop(message)}`).join('; ');
  const sentence = shown(fields === '' ? detail : `${withoutStop(detail)}: ${fields}.`);
  return status === 503 ? new ServiceUnreachable(sentence) : new ServiceRefused(sentence, status);
}

/** Sentences are joined into one. */
function withoutStop(sentence: string): string {
  return sentence.replace(/\.$/, '');
}
