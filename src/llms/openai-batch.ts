import { OpenAI, toStreamingFile } from 'openai';
import type { BatchLine, BatchModel, BatchResult } from '../core/batch-model.ts';
import type { Clock } from '../core/clock.ts';
import { LanguageModelError } from '../core/language-model.ts';
import type { LanguageModelDeps } from './language-model-module.ts';
import { createBatchReader, readStatus } from './openai-batch-shapes.ts';
import { createClient, longTimeoutMs, within } from './openai-client.ts';
import { type Addressee, requestBody } from './openai-completion.ts';
import type { OpenAiSettings } from './openai-settings.ts';
import { readLines } from './lines.ts';

/** Of one file (llm-and-otel.md A6). */
const MAX_LINES = 50_000;
const MAX_BYTES = 200_000_000;
/** Longer lines of results are refused: a draft has a few kB. */
const MAX_LINE_CHARACTERS = 4 * 1024 * 1024;
/** Pages of 100 batches that are searched for a key. */
const MAX_PAGES = 100;

const ENDPOINT = '/v1/chat/completions';
/** Our key in the metadata of a batch. */
const KEY = 'draftdesk_key';

/** The Batch API of OpenAI and of servers like it: files of JSON lines, a job over them, files of results. */
export function createOpenAiBatchModel(
  settings: OpenAiSettings,
  deps: LanguageModelDeps,
  model = settings.model,
): BatchModel {
  const client = createClient(settings, deps);
  // results are read line by line, as large as they are
  const downloads = createClient(settings, deps, Number.POSITIVE_INFINITY);
  const to: Addressee = { baseUrl: settings.baseUrl, model };
  const { clock } = deps;
  const bounds = (signal: AbortSignal): Bounds => ({ timeoutMs: settings.timeoutMs, clock, signal });

  return {
    model,
    maxLines: MAX_LINES,
    maxBytes: MAX_BYTES,
    lineBytes: (line) => Buffer.byteLength(lineText(line, to)),
    submit: async (key, lines, signal) => {
      const timeoutMs = longTimeoutMs(settings.timeoutMs);
      const fileId = await upload(
        client,
        { lines: encodeLines(lines, to), name: fileName(key) },
        { ...bounds(signal), timeoutMs },
      );
      try {
        const { id } = await knowingBatches(() =>
          within(bounds(signal), (ownSignal) =>
            client.batches.create(
              { input_file_id: fileId, endpoint: ENDPOINT, completion_window: '24h', metadata: { [KEY]: key } },
              { signal: ownSignal },
            ),
          ),
        );
        return { id };
      } catch (error) {
        // refused for good: the texts of tickets need not stay there
        const refused = error instanceof LanguageModelError && (error.status ?? 500) < 500;
        if (refused) await removeFile(client, fileId, bounds(signal)).catch(() => undefined);
        throw error;
      }
    },
    find: (key, signal) => knowingBatches(() => find(client, key, bounds(signal))),
    discard: (key, signal) => discard(client, key, bounds(signal)),
    status: async (id, signal) => readStatus(await retrieve(client, id, bounds(signal))),
    results: (id, signal) => results({ client, downloads, model }, id, bounds(signal)),
    cancel: (id, signal) => cancel(client, id, bounds(signal)),
    forget: (id, signal) => forget(client, id, bounds(signal)),
  };
}

interface Bounds {
  readonly timeoutMs: number;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

const encoder = new TextEncoder();

function lineText({ customId, prompt }: BatchLine, to: Addressee): string {
  // a batch has its own price; the tier is for calls of their own
  const body = requestBody({ ...prompt, tier: 'standard' }, to);
  const line = { custom_id: customId, method: 'POST', url: ENDPOINT, body };
  return `${JSON.stringify(line)}\n`;
}

async function* encodeLines(
  lines: Iterable<BatchLine> | AsyncIterable<BatchLine>,
  to: Addressee,
): AsyncGenerator<Uint8Array> {
  let count = 0;
  let bytes = 0;
  for await (const line of lines) {
    const encoded = encoder.encode(lineText(line, to));
    count += 1;
    bytes += encoded.byteLength;
    if (count > MAX_LINES || bytes > MAX_BYTES) {
      const message = `A batch may hold at most ${MAX_LINES} tickets and ${MAX_BYTES / 1e6} MB; send it in parts.`;
      throw new LanguageModelError('request_too_large', message);
    }
    yield encoded;
  }
}

/** By it a file is found again of which no batch was made. */
function fileName(key: string): string {
  return `draftdesk-${key.replaceAll(/[^\w-]/g, '_')}.jsonl`;
}

interface Upload {
  readonly lines: AsyncGenerator<Uint8Array>;
  readonly name: string;
}

/** Sends the file as it is made, so that memory stays flat. What the lines throw comes out as it is. */
async function upload(client: OpenAI, { lines, name }: Upload, bounds: Bounds): Promise<string> {
  let broken: { readonly error: unknown } | null = null;
  async function* watched(): AsyncGenerator<Uint8Array> {
    try {
      yield* lines;
    } catch (error) {
      broken = { error };
      throw error;
    }
  }
  const file = toStreamingFile(watched(), name, { type: 'application/jsonl' });
  try {
    const { id } = await knowingBatches(() =>
      within(bounds, (ownSignal) => client.files.create({ file, purpose: 'batch' }, { signal: ownSignal })),
    );
    return id;
  } catch (error) {
    const cause = broken as { readonly error: unknown } | null;
    throw cause === null ? error : cause.error;
  }
}

/** A server that knows no such address has no Batch API. */
async function knowingBatches<T>(call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    if (!(error instanceof LanguageModelError) || (error.status !== 404 && error.status !== 405)) throw error;
    const message = 'The server of OPENAI_BASE_URL has no Batch API; use the lane "standard" or "flex".';
    throw new LanguageModelError('invalid_request', message, { status: error.status, cause: error });
  }
}

/** The same for one batch: the server has forgotten it. */
async function knowing<T>(what: string, call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    if (!(error instanceof LanguageModelError) || error.status !== 404) throw error;
    const message = `The server of OPENAI_BASE_URL does not know ${what} any more.`;
    throw new LanguageModelError('invalid_request', message, { status: 404, cause: error });
  }
}

async function find(client: OpenAI, key: string, bounds: Bounds): Promise<{ id: string } | null> {
  let after: string | undefined;
  for (let page = 0; page < MAX_PAGES; page += 1) {
    const query = { limit: 100, ...(after === undefined ? {} : { after }) };
    const { data, has_more } = await within(bounds, (signal) => client.batches.list(query, { signal }));
    const found = data.find(({ metadata }) => metadata?.[KEY] === key);
    if (found !== undefined) return { id: found.id };
    after = data.at(-1)?.id;
    if (!has_more || after === undefined) return null;
  }
  return null;
}

/** By our name for it. A server that does not list its files (404, 405) cannot be asked. */
async function discard(client: OpenAI, key: string, bounds: Bounds): Promise<void> {
  const name = fileName(key);
  const found: string[] = [];
  let after: string | undefined;
  for (let page = 0; page < MAX_PAGES; page += 1) {
    const { data, has_more } = await listFiles(client, after, bounds);
    found.push(...data.filter(({ filename }) => filename === name).map(({ id }) => id));
    after = data.at(-1)?.id;
    if (!has_more || after === undefined) break;
  }
  for (const id of found) await removeFile(client, id, bounds);
}

async function listFiles(client: OpenAI, after: string | undefined, bounds: Bounds): Promise<FilePage> {
  // newest first, like the batches; far fewer than the 10,000 that a page may hold
  const query = { purpose: 'batch', limit: 1000, ...(after === undefined ? {} : { after }) };
  try {
    return await within(bounds, (signal) => client.files.list(query, { signal }));
  } catch (error) {
    if (!(error instanceof LanguageModelError) || (error.status !== 404 && error.status !== 405)) throw error;
    return { data: [], has_more: false };
  }
}

type FilePage = Pick<OpenAI.FileObjectsPage, 'data' | 'has_more'>;

function retrieve(client: OpenAI, id: string, bounds: Bounds): Promise<OpenAI.Batch> {
  return knowing('this batch', () => within(bounds, (signal) => client.batches.retrieve(id, { signal })));
}

async function cancel(client: OpenAI, id: string, bounds: Bounds): Promise<void> {
  try {
    await knowing('this batch', () => within(bounds, (signal) => client.batches.cancel(id, { signal })));
  } catch (error) {
    // it was over already
    const over = error instanceof LanguageModelError && (error.status === 400 || error.status === 409);
    if (!over || !(readStatus(await retrieve(client, id, bounds)).state in OVER)) throw error;
  }
}

async function forget(client: OpenAI, id: string, bounds: Bounds): Promise<void> {
  const { input_file_id, output_file_id, error_file_id } = await retrieve(client, id, bounds);
  for (const fileId of [input_file_id, output_file_id, error_file_id]) {
    if (fileId) await removeFile(client, fileId, bounds);
  }
}

async function removeFile(client: OpenAI, fileId: string, bounds: Bounds): Promise<void> {
  try {
    await within(bounds, (signal) => client.files.delete(fileId, { signal }));
  } catch (error) {
    // gone already
    if (!(error instanceof LanguageModelError) || error.status !== 404) throw error;
  }
}

const OVER = { completed: true, failed: true, expired: true, cancelled: true, cancelling: true };

interface Source {
  readonly client: OpenAI;
  readonly downloads: OpenAI;
  readonly model: string;
}

async function* results({ client, downloads, model }: Source, id: string, bounds: Bounds): AsyncGenerator<BatchResult> {
  const { output_file_id, error_file_id } = await retrieve(client, id, bounds);
  const read = createBatchReader(model, bounds.clock);
  const files = [
    { name: 'results', fileId: output_file_id },
    { name: 'errors', fileId: error_file_id },
  ];
  let lost: LanguageModelError | null = null;
  for (const { name, fileId } of files) {
    if (!fileId) continue;
    try {
      for await (const line of readLines(download(downloads, fileId, bounds), MAX_LINE_CHARACTERS)) {
        const result = read(line, name);
        if (result !== null) yield result;
      }
    } catch (error) {
      // the other file tells of other tickets
      if (!(error instanceof LanguageModelError) || error.status !== 404) throw error;
      lost = error;
    }
  }
  if (lost !== null) throw lost;
}

/** The bytes of a file as they arrive; the time limit is that of each wait for some. */
async function* download(client: OpenAI, fileId: string, bounds: Bounds): AsyncGenerator<Uint8Array> {
  const response = await knowing('the results of this batch', () =>
    within(bounds, (signal) => client.files.content(fileId, { signal })),
  );
  if (response.body === null) return;
  const reader = response.body.getReader();
  try {
    for (;;) {
      const { done, value } = await within(bounds, (signal) => readSome(reader, signal));
      if (done) return;
      yield value;
    }
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}

type ByteReader = ReadableStreamDefaultReader<Uint8Array<ArrayBuffer>>;

async function readSome(reader: ByteReader, signal: AbortSignal): ReturnType<ByteReader['read']> {
  const stop = (): void => void reader.cancel().catch(() => undefined);
  signal.addEventListener('abort', stop, { once: true });
  try {
    const read = await reader.read();
    // a reader that is cancelled says that the file is over
    signal.throwIfAborted();
    return read;
  } finally {
    signal.removeEventListener('abort', stop);
  }
}
