import { randomUUID } from 'node:crypto';
import { type Context, Hono } from 'hono';
import type { Clock, Random } from '../core/clock.ts';
import type { SimulatorEnv } from './faults.ts';
import { llmError, type LlmErrorBody } from './openai-errors.ts';

/** How long the steps of a batch take, ms. */
export interface BatchTimes {
  readonly validatingMs: number;
  /** For all its lines together, however many; one that takes longer than the window expires. */
  readonly runningMs: number;
  readonly finalizingMs: number;
  readonly cancellingMs: number;
  readonly windowMs: number;
}

const TIMES: BatchTimes = {
  validatingMs: 1000,
  runningMs: 5000,
  finalizingMs: 1000,
  cancellingMs: 1000,
  windowMs: 86_400_000,
};

/** What the chat endpoint would have answered. */
export interface LineAnswer {
  readonly status: number;
  readonly body: object;
}

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
}

type Env = { Bindings: SimulatorEnv };

interface StoredFile {
  readonly id: string;
  readonly name: string;
  readonly purpose: string;
  readonly createdAt: number;
  readonly text: string;
}

interface Line {
  readonly customId: string;
  readonly body: unknown;
}

interface LineError {
  readonly code: string;
  readonly message: string;
  readonly line: number;
  readonly param: null;
}

type Status =
  | 'validating'
  | 'failed'
  | 'in_progress'
  | 'finalizing'
  | 'completed'
  | 'expired'
  | 'cancelling'
  | 'cancelled';

interface Job {
  readonly id: string;
  readonly inputFileId: string;
  readonly metadata: unknown;
  readonly createdAt: number;
  readonly lines: readonly Line[];
  readonly errors: readonly LineError[];
  cancelledAt: number | null;
  /** Made when the batch is over. */
  result: { readonly outputFileId: string | null; readonly errorFileId: string | null; readonly failed: number } | null;
}

interface State {
  readonly options: BatchApiOptions;
  readonly times: BatchTimes;
  readonly files: Map<string, StoredFile>;
  readonly jobs: Map<string, Job>;
  readonly counts: { files: number; batches: number; lines: number };
}

const MAX_LINES = 50_000;
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
  app.get('/files/:id', (c) => withFile(c, state, (file) => c.json(fileObject(file))));
  app.get('/files/:id/content', (c) => withFile(c, state, (file) => c.body(file.text)));
  app.post('/batches', (c) => createBatch(c, state));
  app.get('/batches', (c) => listBatches(c, state));
  app.get('/batches/:id', (c) => withJob(c, state, (job) => c.json(batchObject(job, state))));
  app.post('/batches/:id/cancel', (c) => withJob(c, state, (job) => cancelBatch(c, state, job)));
  return { app, stats: () => ({ ...state.counts }) };
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

function newId(prefix: string): string {
  return `${prefix}${randomUUID().replaceAll('-', '')}`;
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

function withJob(c: Context<Env>, { jobs }: State, then: (job: Job) => Response): Response {
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
  const { lines, errors } = readLines(file.text);
  const id = newId('batch_');
  const createdAt = state.options.clock.now();
  const job: Job = { id, inputFileId: file.id, metadata, createdAt, lines, errors, cancelledAt: null, result: null };
  state.jobs.set(id, job);
  state.counts.batches += 1;
  return c.json(batchObject(job, state));
}

/** What the provider's validation says about a file. */
function readLines(text: string): { lines: Line[]; errors: LineError[] } {
  const lines: Line[] = [];
  const errors: LineError[] = [];
  const seen = new Set<string>();
  const models = new Set<string>();
  const refuse = (line: number, code: string, message: string): void => {
    errors.push({ code, message, line, param: null });
  };
  for (const [index, row] of text.split('\n').entries()) {
    if (row.trim() === '') continue;
    const line = parse(row);
    const body = line?.['body'];
    const customId = line?.['custom_id'];
    if (line === null) refuse(index + 1, 'invalid_json_line', 'This line is not parseable as valid JSON.');
    else if (typeof customId !== 'string' || customId === '' || customId.length > 64) {
      refuse(index + 1, 'missing_required_parameter', "Missing required parameter: 'custom_id'.");
    } else if (seen.has(customId))
      refuse(index + 1, 'duplicate_custom_id', 'The custom_id of this line is not unique.');
    else if (line['method'] !== 'POST') refuse(index + 1, 'invalid_method', 'The method must be POST.');
    else if (line['url'] !== '/v1/chat/completions')
      refuse(index + 1, 'mismatched_url', 'The url is not the endpoint.');
    else lines.push({ customId, body });
    if (typeof customId === 'string') seen.add(customId);
    if (typeof body === 'object' && body !== null && 'model' in body) models.add(String(body.model));
  }
  if (models.size > 1) refuse(1, 'mismatched_model', 'All lines of a batch must name the same model.');
  if (lines.length === 0 && errors.length === 0) refuse(1, 'empty_file', 'The input file is empty.');
  if (lines.length > MAX_LINES) refuse(MAX_LINES + 1, 'too_many_tasks', 'The batch has too many lines.');
  return { lines, errors };
}

function parse(row: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(row);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}

function listBatches(c: Context<Env>, state: State): Response {
  const limit = Number(c.req.query('limit') ?? 20);
  // newest first
  const all = [...state.jobs.values()].toReversed();
  const after = c.req.query('after');
  const start = after === undefined ? 0 : all.findIndex(({ id }) => id === after) + 1;
  const page = all.slice(start, start + limit);
  return c.json({
    object: 'list',
    data: page.map((job) => batchObject(job, state)),
    first_id: page[0]?.id ?? null,
    last_id: page.at(-1)?.id ?? null,
    has_more: start + limit < all.length,
  });
}

function cancelBatch(c: Context<Env>, state: State, job: Job): Response {
  const { status } = progress(job, state);
  if (status === 'cancelling') return c.json(batchObject(job, state));
  if (status !== 'validating' && status !== 'in_progress') {
    return fail(c, llmError(409, `Cannot cancel a batch with status '${status}'.`));
  }
  job.cancelledAt = state.options.clock.now();
  return c.json(batchObject(job, state));
}

/** Where a batch stands, and how many of its lines were got to. */
function progress(job: Job, { options, times }: State): { status: Status; done: number } {
  const age = options.clock.now() - job.createdAt;
  const doneAt = (at: number): number => {
    const share = times.runningMs === 0 ? 1 : (at - times.validatingMs) / times.runningMs;
    return at < times.validatingMs ? 0 : Math.floor(Math.min(1, share) * job.lines.length);
  };
  if (job.cancelledAt !== null) {
    const cancelledAge = job.cancelledAt - job.createdAt;
    const over = age >= cancelledAge + times.cancellingMs;
    return { status: over ? 'cancelled' : 'cancelling', done: doneAt(cancelledAge) };
  }
  if (age < times.validatingMs) return { status: 'validating', done: 0 };
  if (job.errors.length > 0) return { status: 'failed', done: 0 };
  const runsUntil = times.validatingMs + times.runningMs;
  if (age >= times.windowMs && runsUntil > times.windowMs) return { status: 'expired', done: doneAt(times.windowMs) };
  if (age < runsUntil) return { status: 'in_progress', done: doneAt(age) };
  return { status: age < runsUntil + times.finalizingMs ? 'finalizing' : 'completed', done: job.lines.length };
}

function batchObject(job: Job, state: State): object {
  const { status, done } = progress(job, state);
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

/** Answers what was got to, in any order; what was not got to goes to the error file. Once. */
function finish(job: Job, { status, done }: { status: Status; done: number }, state: State): void {
  if (job.result !== null) return;
  const { answer, random } = state.options;
  const output: string[] = [];
  const errors: string[] = [];
  for (const { customId, body } of job.lines.slice(0, done)) {
    const { status: code, body: answered } = answer(customId, body);
    const response = { status_code: code, request_id: newId('req_'), body: answered };
    (code === 200 ? output : errors).push(resultLine(customId, response, null));
  }
  const failed = errors.length;
  state.counts.lines += output.length;
  const error =
    status === 'expired'
      ? { code: 'batch_expired', message: 'This request could not be executed before the completion window expired.' }
      : { code: 'batch_cancelled', message: 'This request was not executed because the batch was cancelled.' };
  for (const { customId } of job.lines.slice(done)) errors.push(resultLine(customId, null, error));
  const keep = (rows: string[], name: string): string | null =>
    rows.length === 0
      ? null
      : keepFile(state, { name, purpose: 'batch_output', text: shuffled(rows, random).join('') }).id;
  job.result = {
    outputFileId: keep(output, `${job.id}_output.jsonl`),
    errorFileId: keep(errors, `${job.id}_error.jsonl`),
    failed,
  };
}

function resultLine(customId: string, response: object | null, error: object | null): string {
  return `${JSON.stringify({ id: newId('batch_req_'), custom_id: customId, response, error })}\n`;
}

/** Fisher-Yates. */
function shuffled(rows: readonly string[], random: Random): string[] {
  const mixed = [...rows];
  for (let index = mixed.length - 1; index > 0; index -= 1) {
    const other = Math.floor(random() * (index + 1));
    [mixed[index], mixed[other]] = [mixed[other] ?? '', mixed[index] ?? ''];
  }
  return mixed;
}

function seconds(ms: number): number {
  return Math.floor(ms / 1000);
}
