import { APIError, type OpenAI } from 'openai';
import * as z from 'zod';
import type { BatchJobState, BatchJobStatus, BatchResult } from '../core/batch-model.ts';
import type { Clock } from '../core/clock.ts';
import type { ErrorClass } from '../core/errors.ts';
import { type Completion, LanguageModelError } from '../core/language-model.ts';
import type { TextLine } from './lines.ts';
import { readCompletion } from './openai-completion.ts';
import { asLanguageModelError } from './openai-errors.ts';

const STATES: Readonly<Record<OpenAI.Batch['status'], BatchJobState>> = {
  validating: 'validating',
  in_progress: 'running',
  finalizing: 'finalizing',
  completed: 'completed',
  failed: 'failed',
  expired: 'expired',
  cancelling: 'cancelling',
  cancelled: 'cancelled',
};

const READY: ReadonlySet<BatchJobState> = new Set(['completed', 'expired', 'cancelled']);

/** Sentences about a refused batch; a file of ten thousand bad lines has ten thousand errors. */
const SENTENCES_MAX = 10;

/** Throws `LanguageModelError('invalid_response')` for a state that nobody knows. */
export function readStatus(batch: OpenAI.Batch): BatchJobStatus {
  const { request_counts } = batch;
  const state = Object.hasOwn(STATES, batch.status) ? STATES[batch.status] : null;
  if (state === null) throw new LanguageModelError('invalid_response', 'The state of the batch is none that we know.');
  const errors = state === 'failed' ? (batch.errors?.data ?? []) : [];
  const codes = errors.map(({ code }) => code ?? '');
  return {
    id: batch.id,
    state,
    counts: {
      total: request_counts?.total ?? 0,
      completed: request_counts?.completed ?? 0,
      failed: request_counts?.failed ?? 0,
    },
    errors: sentences(errors),
    errorClass: state === 'failed' ? classOf(codes) : null,
    outputReady: READY.has(state),
  };
}

function sentences(errors: readonly OpenAI.BatchError[]): string[] {
  const told = errors.slice(0, SENTENCES_MAX).map(({ code, line }) => {
    const what = typeof line === 'number' ? `line ${line} of the batch` : 'the batch';
    return `The provider refused ${what} (${wordOf(code)}).`;
  });
  const left = errors.length - told.length;
  return left === 0 ? told : [...told, `… and ${left} more.`];
}

/** Codes are words; anything else might repeat what we sent. */
function wordOf(code: unknown): string {
  return typeof code === 'string' && /^[a-z0-9_]{1,60}$/i.test(code) ? code : 'no reason given';
}

/** What the codes of a refused batch mean; all others are a fault in what we sent. */
const CLASSES: Readonly<Record<string, ErrorClass>> = {
  // the provider's own queue: tokens waiting in all batches of a model
  token_limit_exceeded: 'rate_limited',
  rate_limit_exceeded: 'rate_limited',
  billing_hard_limit_reached: 'quota_exhausted',
  insufficient_quota: 'quota_exhausted',
  model_not_found: 'model_not_found',
};

function classOf(codes: readonly string[]): ErrorClass {
  const known = codes.find((code) => Object.hasOwn(CLASSES, code));
  return (known === undefined ? undefined : CLASSES[known]) ?? 'invalid_request';
}

/** Only what we read. */
const lineShape = z.object({
  custom_id: z.string().min(1),
  response: z.object({ status_code: z.number().int(), body: z.unknown() }).nullish(),
  error: z.object({ code: z.string().nullish() }).nullish(),
});

type ReadLine = (line: TextLine, file: string) => BatchResult | null;

/** Reads the lines of one batch's results; of an id that comes again, the first counts and the others are null. */
export function createBatchReader(model: string, clock: Clock): ReadLine {
  const seen = new Set<string>();
  return ({ text, number }, file) => {
    const parsed = lineShape.safeParse(parseJson(text));
    if (!parsed.success) {
      const message = `Line ${number} of the batch's ${file} cannot be read.`;
      return { customId: null, outcome: new LanguageModelError('invalid_response', message) };
    }
    const { custom_id, response, error } = parsed.data;
    if (seen.has(custom_id)) return null;
    seen.add(custom_id);
    const outcome = response ? readResponse(response, { model, clock }) : notDone(error?.code);
    return { customId: custom_id, outcome };
  };
}

function parseJson(text: string | null): unknown {
  try {
    return JSON.parse(text ?? '');
  } catch {
    return undefined;
  }
}

/** The same answer, and the same errors, as of a call of its own. */
function readResponse(
  { status_code, body }: { status_code: number; body?: unknown },
  { model, clock }: { model: string; clock: Clock },
): Completion | LanguageModelError {
  try {
    if (status_code >= 200 && status_code < 300) return readCompletion(body, { model, limits: null, tier: 'batch' });
    const fault = typeof body === 'object' && body !== null ? body : {};
    throw asLanguageModelError(APIError.generate(status_code, fault, undefined, new Headers()), clock.now());
  } catch (error) {
    if (error instanceof LanguageModelError) return error;
    throw error;
  }
}

function notDone(code: string | null | undefined): LanguageModelError {
  if (code === 'batch_expired') {
    return new LanguageModelError(
      'timeout',
      'The provider did not get to this ticket within the 24 hours of its batch.',
    );
  }
  if (code === 'batch_cancelled') {
    return new LanguageModelError('cancelled', 'The batch was cancelled before the provider got to this ticket.');
  }
  return new LanguageModelError('server_error', `The provider failed on this ticket (${wordOf(code)}).`);
}
