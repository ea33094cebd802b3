import type { ErrorClass } from './errors.ts';
import type { Completion, LanguageModelError, Prompt } from './language-model.ts';

/** One request of a batch, under an id of ours: at most 64 characters, used once in a batch. */
export interface BatchLine {
  readonly customId: string;
  readonly prompt: Prompt;
}

export type BatchJobState =
  | 'validating'
  | 'running'
  | 'finalizing'
  | 'completed'
  | 'failed'
  | 'expired'
  | 'cancelling'
  | 'cancelled';

export interface BatchJobStatus {
  readonly id: string;
  readonly state: BatchJobState;
  readonly counts: { readonly total: number; readonly completed: number; readonly failed: number };
  /** Why the whole batch was refused, for people; empty unless `failed`. */
  readonly errors: readonly string[];
  /** The same for the retry policy: `rate_limited` when the provider's queue is full. Null unless `failed`. */
  readonly errorClass: ErrorClass | null;
  /** It is over and there may be results: all of them, or those that were ready when it expired or was cancelled. */
  readonly outputReady: boolean;
}

/** What came of one line. `customId` is null only for a line of the results that nobody can read. */
export interface BatchResult {
  readonly customId: string | null;
  /** The error has a class; `cancelled` and `timeout` (expired) mean that the provider did not get to it. */
  readonly outcome: Completion | LanguageModelError;
}

/**
 * A model behind a provider's Batch API: half the price, within 24 hours. Never retries. Throws `LanguageModelError`;
 * `invalid_request` where the server has no Batch API.
 */
export interface BatchModel {
  readonly model: string;
  /** Of one batch. */
  readonly maxLines: number;
  readonly maxBytes: number;
  /** What a line takes of `maxBytes`. */
  lineBytes(line: BatchLine): number;
  /**
   * Sends lines off under a key of ours (at most 512 characters). Throws `request_too_large` for more than one batch may
   * hold, and what `lines` throws. After any failure but `request_too_large` the batch may exist all the same: ask `find`
   * before sending it again, or it is paid for twice.
   */
  submit(
    key: string,
    lines: Iterable<BatchLine> | AsyncIterable<BatchLine>,
    signal: AbortSignal,
  ): Promise<{ id: string }>;
  /** The newest batch that was sent off under this key; null when there is none. */
  find(key: string, signal: AbortSignal): Promise<{ id: string } | null>;
  /** Deletes what was uploaded under this key and never became a batch: it holds the texts of tickets. */
  discard(key: string, signal: AbortSignal): Promise<void>;
  status(id: string, signal: AbortSignal): Promise<BatchJobStatus>;
  /**
   * What is there of the results, one by one as they are read, in no order, each id once. Lines that were not got to may
   * be missing. Throws when the download breaks; reading again gives the same results. Of what the provider has lost
   * it throws at the end, after all that is there.
   */
  results(id: string, signal: AbortSignal): AsyncIterable<BatchResult>;
  /** Asks to stop; what is done by then stays and is billed. A batch that is over stays as it is. */
  cancel(id: string, signal: AbortSignal): Promise<void>;
  /** Deletes the files of a batch that is over: they hold the texts of tickets. There are no results afterwards. */
  forget(id: string, signal: AbortSignal): Promise<void>;
}
