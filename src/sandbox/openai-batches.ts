import { type Context, Hono } from 'hono';
import type { Clock, Random } from '../core/clock.ts';
import type { SimulatorEnv } from './faults.ts';
import {
  type BatchJob,
  type BatchProgress,
  type BatchTimes,
  type LineAnswer,
  newId,
  progressOf,
  resultRows,
  shuffled,
  TIMES,
  validateLines,
} from './openai-batch-job.ts';
import { llmError, type LlmErrorBody } from './openai-errors.ts';

export interface BatchApiOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly times: Partial<BatchTimes>;
  readonly answer: (customId: string, body: unknown) => LineAnswer;
}

export interface BatchStats {
  readonly files: number;
  readonly batches: number;
  /** Lines that were answered, and billed. */
  readonly lines: number;
  /** Files that were not deleted. */
  readonly kept: number;
}

type Env = { Bindings: SimulatorEnv };

interface StoredFile {
  readonly id: string;
  readonly name: string;
  readonly purpose: string;
  readonly createdAt: number;
  readonly text: string;
}

interface State {
  readonly options: BatchApiOptions;
  readonly times: BatchTimes;
  readonly files: Map<string, StoredFile>;
  readonly jobs: Map<string, BatchJob>;
  readonly counts: { files: number; batches: number; lines: number };
}

const MAX_BYTES = 200_000_000;

/** Files and batches as OpenAI has them (llm-and-otel.md A6). A batch's state is read off the clock: no timers. */
export function createBatchApi(options: BatchApiOptions): { readonly app: Hono<Env>; stats(): BatchStats } {
  const state: State = {
    options,
    times: { ...TIMES, ...options.times },
    files: new Map(),
    jobs: new Map(),
    counts: { files: 0, batches: 0, lines: 0 },
  };
  const app = new Hono<Env>();
  app.post('/files', (c) => uploadFile(c, state));
  app.get('/files', (c) => listFiles(c, state));
  app.get('/files/:id', (c) => withFile(c, state, (file) => c.json(fileObject(file))));
  app.get('/files/:id/content', (c) => withFile(c, state, (file) => c.body(file.text)));
  app.delete('/files/:id', (c) =>
    withFile(c, state, ({ id }) => {
      state.files.delete(id);
      return c.json({ id, object: 'file', deleted: true });
    }),
  );
  app.post('/batches', (c) => createBatch(c, state));
  app.get('/batches', (c) => listBatches(c, state));
  app.get('/batches/:id', (c) => withJob(c, state, (job) => c.json(batchObject(job, state))));
  app.post('/batches/:id/cancel', (c) => withJob(c, state, (job) => cancelBatch(c, state, job)));
  return { app, stats: () => ({ ...state.counts, kept: state.files.size }) };
}

function fail(c: Context<Env>, { status, error }: LlmErrorBody): Response {
  return c.json({ error }, status);
}

async function uploadFile(c: Context<Env>, state: State): Promise<Response> {
  const form = await c.req.formData().catch(() => null);
  const file = form?.get('file');
  const purpose = form?.get('purpose');
  if (!(file instanceof File) || typeof purpose !== 'string') {
    return fail(c, llmError(400, "'file' and 'purpose' are required properties"));
  }
  if (file.size > MAX_BYTES) return fail(c, llmError(400, 'The file is too large for its purpose.'));
  state.counts.files += 1;
  return c.json(fileObject(keepFile(state, { name: file.name, purpose, text: await file.text() })));
}

function keepFile(state: State, file: Pick<StoredFile, 'name' | 'purpose' | 'text'>): StoredFile {
  const stored = { ...file, id: newId('file-'), createdAt: state.options.clock.now() };
  state.files.set(stored.id, stored);
  return stored;
}

function fileObject({ id, name, purpose, text, createdAt }: StoredFile): object {
  return {
    id,
    object: 'file',
    bytes: new TextEncoder().encode(text).byteLength,
    created_at: seconds(createdAt),
    filename: name,
    purpose,
    status: 'processed',
  };
}

function withFile(c: Context<Env>, { files }: State, then: (file: StoredFile) => Response): Response {
  const file = files.get(c.req.param('id') ?? '');
  return file === undefined ? fail(c, llmError(404, 'No such File object.')) : then(file);
}

function withJob(c: Context<Env>, { jobs }: State, then: (job: BatchJob) => Response): Response {
  const job = jobs.get(c.req.param('id') ?? '');
  return job === undefined ? fail(c, llmError(404, 'No batch found with this id.')) : then(job);
}

async function createBatch(c: Context<Env>, state: State): Promise<Response> {
  const input = await c.req.json<Record<string, unknown>>().catch(() => null);
  const { input_file_id, endpoint, completion_window, metadata = null } = input ?? {};
  const file = state.files.get(String(input_file_id));
  if (file === undefined || file.purpose !== 'batch') return fail(c, llmError(400, 'Invalid input_file_id.'));
  if (endpoint !== '/v1/chat/completions') return fail(c, llmError(400, 'This endpoint is not simulated.'));
  if (completion_window !== '24h') return fail(c, llmError(400, "completion_window must be '24h'."));
  const { lines, errors } = validateLines(file.text);
  const id = newId('batch_');
  const createdAt = state.options.clock.now();
  const job: BatchJob = {
    id,
    inputFileId: file.id,
    metadata,
    createdAt,
    lines,
    errors,
    cancelledAt: null,
    result: null,
  };
  state.jobs.set(id, job);
  state.counts.batches += 1;
  return c.json(batchObject(job, state));
}

function listBatches(c: Context<Env>, state: State): Response {
  return listPage(c, [...state.jobs.values()], { limit: 20, objectOf: (job) => batchObject(job, state) });
}

function listFiles(c: Context<Env>, { files }: State): Response {
  const purpose = c.req.query('purpose');
  const wanted = [...files.values()].filter((file) => purpose === undefined || file.purpose === purpose);
  return listPage(c, wanted, { limit: 10_000, objectOf: fileObject });
}

interface Listing<T> {
  /** Of a page, by default. */
  readonly limit: number;
  readonly objectOf: (item: T) => object;
}

/** Newest first, from behind the id `after`. */
function listPage<T extends { readonly id: string }>(
  c: Context<Env>,
  oldestFirst: readonly T[],
  { limit: usual, objectOf }: Listing<T>,
): Response {
  const limit = Number(c.req.query('limit') ?? usual);
  const all = oldestFirst.toReversed();
  const after = c.req.query('after');
  const start = after === undefined ? 0 : all.findIndex(({ id }) => id === after) + 1;
  const page = all.slice(start, start + limit);
  return c.json({
    object: 'list',
    data: page.map(objectOf),
    first_id: page[0]?.id ?? null,
    last_id: page.at(-1)?.id ?? null,
    has_more: start + limit < all.length,
  });
}

function cancelBatch(c: Context<Env>, state: State, job: BatchJob): Response {
  const { status } = progressOf(job, state.times, state.options.clock.now());
  if (status === 'cancelling') return c.json(batchObject(job, state));
  if (status !== 'validating' && status !== 'in_progress') {
    return fail(c, llmError(409, `Cannot cancel a batch with status '${status}'.`));
  }
  job.cancelledAt = state.options.clock.now();
  return c.json(batchObject(job, state));
}

function batchObject(job: BatchJob, state: State): object {
  const { status, done } = progressOf(job, state.times, state.options.clock.now());
  if (status === 'completed' || status === 'expired' || status === 'cancelled') finish(job, { status, done }, state);
  const failed = job.result?.failed ?? 0;
  return {
    id: job.id,
    object: 'batch',
    endpoint: '/v1/chat/completions',
    errors: status === 'failed' ? { object: 'list', data: job.errors } : null,
    input_file_id: job.inputFileId,
    completion_window: '24h',
    status,
    output_file_id: job.result?.outputFileId ?? null,
    error_file_id: job.result?.errorFileId ?? null,
    created_at: seconds(job.createdAt),
    expires_at: seconds(job.createdAt + state.times.windowMs),
    request_counts:
      status === 'validating' || status === 'failed'
        ? { total: 0, completed: 0, failed: 0 }
        : { total: job.lines.length, completed: done - failed, failed },
    metadata: job.metadata,
  };
}

/** What is over gets its files, once. */
function finish(job: BatchJob, at: BatchProgress, state: State): void {
  if (job.result !== null) return;
  const { answer, random } = state.options;
  const { output, errors, failed } = resultRows(job, at, answer);
  state.counts.lines += output.length;
  const keep = (rows: readonly string[], name: string): string | null =>
    rows.length === 0
      ? null
      : keepFile(state, { name, purpose: 'batch_output', text: shuffled(rows, random).join('') }).id;
  job.result = {
    outputFileId: keep(output, `${job.id}_output.jsonl`),
    errorFileId: keep(errors, `${job.id}_error.jsonl`),
    failed,
  };
}

function seconds(ms: number): number {
  return Math.floor(ms / 1000);
}
