import { randomUUID } from 'node:crypto';
import type { Random } from '../core/clock.ts';

/** How long the steps of a batch take, ms. */
export interface BatchTimes {
  readonly validatingMs: number;
  /** For all its lines together, however many; one that takes longer than the window expires. */
  readonly runningMs: number;
  readonly finalizingMs: number;
  readonly cancellingMs: number;
  readonly windowMs: number;
}

export const TIMES: BatchTimes = {
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

export interface BatchJob {
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

export interface BatchProgress {
  readonly status: Status;
  /** Lines that were got to. */
  readonly done: number;
}

const MAX_LINES = 50_000;

/** What the provider's validation says about a file. */
export function validateLines(text: string): { lines: Line[]; errors: LineError[] } {
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

/** Where a batch stands, and how many of its lines were got to. */
export function progressOf(job: BatchJob, times: BatchTimes, now: number): BatchProgress {
  const age = now - job.createdAt;
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

/** Answers what was got to; what was not got to stands among the errors. */
export function resultRows(
  job: BatchJob,
  { status, done }: BatchProgress,
  answer: (customId: string, body: unknown) => LineAnswer,
): { readonly output: readonly string[]; readonly errors: readonly string[]; readonly failed: number } {
  const output: string[] = [];
  const errors: string[] = [];
  for (const { customId, body } of job.lines.slice(0, done)) {
    const { status: code, body: answered } = answer(customId, body);
    const response = { status_code: code, request_id: newId('req_'), body: answered };
    (code === 200 ? output : errors).push(resultLine(customId, response, null));
  }
  const failed = errors.length;
  const error =
    status === 'expired'
      ? { code: 'batch_expired', message: 'This request could not be executed before the completion window expired.' }
      : { code: 'batch_cancelled', message: 'This request was not executed because the batch was cancelled.' };
  for (const { customId } of job.lines.slice(done)) errors.push(resultLine(customId, null, error));
  return { output, errors, failed };
}

export function newId(prefix: string): string {
  return `${prefix}${randomUUID().replaceAll('-', '')}`;
}

function resultLine(customId: string, response: object | null, error: object | null): string {
  return `${JSON.stringify({ id: newId('batch_req_'), custom_id: customId, response, error })}\n`;
}

/** Fisher-Yates. */
export function shuffled(rows: readonly string[], random: Random): string[] {
  const mixed = [...rows];
  for (let index = mixed.length - 1; index > 0; index -= 1) {
    const other = Math.floor(random() * (index + 1));
    [mixed[index], mixed[other]] = [mixed[other] ?? '', mixed[index] ?? ''];
  }
  return mixed;
}
