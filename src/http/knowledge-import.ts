import { isUtf8 } from 'node:buffer';
import type { z } from 'zod';
import { createBreathe } from '../core/breathe.ts';
import { type ByteLine, isBlank, splitLines } from '../core/byte-lines.ts';
import type { Clock } from '../core/clock.ts';
import { RequestError } from '../core/errors.ts';
import { knowledgeKey, type PutResult } from '../core/knowledge-base.ts';
import { OutboxUnavailable } from '../core/outbox.ts';

/** A line longer than this is no article, bytes. */
const LINE_MAX = 8 * 1024 * 1024;
/** Handed over at a time, whichever is reached first. */
const ITEMS_AT_ONCE = 200;
const BYTES_AT_ONCE = 2 * 1024 * 1024;
/** Nobody mends more lines than this from one answer. */
const REJECTED_MAX = 1_000;
/** What is remembered of a complete import. */
const KEYS_MAX = 200_000;

export interface RejectedLine {
  readonly line: number;
  readonly reason: string;
}

/** What became of the lines; those in neither number were there already, unchanged. */
export interface ImportResult {
  readonly imported: number;
  readonly updated: number;
  readonly rejected: readonly RejectedLine[];
  /** Rejected beyond those that are listed. */
  readonly moreRejected: number;
  /** What the import did not name; null: nothing was taken out for that. */
  readonly removed: number | null;
}

export interface ImportOptions<Item> {
  readonly line: z.ZodType<Item>;
  /** Finds out whose a line is that is no good. */
  readonly key: z.ZodType<{ readonly id: string; readonly locale?: string | null | undefined }>;
  readonly put: (items: readonly Item[]) => Promise<PutResult>;
  /** Takes out all but these, at the end of an import that is complete; null: it is not meant to be. */
  readonly keepOnly: ((keys: ReadonlySet<string>) => Promise<number>) | null;
  readonly clock: Clock;
  readonly stopping: () => boolean;
}

interface Waiting<Item> {
  readonly line: number;
  readonly item: Item;
}

/**
 * Reads lines of JSON as they come and hands their items over by the handful: never more than one and a line are held.
 * What was read before something went wrong is kept, and the `RequestError` that is thrown then says how much that is.
 */
export async function importLines<Item extends { readonly id: string }>(
  chunks: AsyncIterable<Uint8Array>,
  options: ImportOptions<Item>,
): Promise<ImportResult> {
  const { put, keepOnly, clock, stopping } = options;
  const breathe = createBreathe(clock);
  const rejected = createRejected();
  const keys = keepOnly === null ? null : createKeys();
  const sum = { imported: 0, updated: 0 };
  let waiting: Waiting<Item>[] = [];
  let bytes = 0;

  const flush = async (): Promise<void> => {
    if (waiting.length === 0) return;
    const lines = waiting;
    waiting = [];
    bytes = 0;
    const result = await put(lines.map(({ item }) => item));
    sum.imported += result.imported;
    sum.updated += result.updated;
    for (const { index, reason } of result.rejected) rejected.add(lines[index]?.line ?? 0, reason);
  };

  const take = (line: ByteLine): void => {
    const read = readLine(line, options);
    if (typeof read.item === 'string') rejected.add(line.number, read.item);
    else waiting.push({ line: line.number, item: read.item });
    keys?.add(read.key);
    bytes += line.length;
  };

  const readAll = async (): Promise<void> => {
    for await (const line of splitLines(chunks, LINE_MAX)) {
      if (stopping()) throw new RequestError('unavailable', 'The service is stopping.');
      if (!isBlank(line)) take(line);
      if (waiting.length >= ITEMS_AT_ONCE || bytes >= BYTES_AT_ONCE) await flush();
      await breathe();
    }
  };

  try {
    try {
      await readAll();
    } finally {
      await flush();
    }
    const whole = keys?.whole() ?? null;
    const removed = whole === null || keepOnly === null ? null : await keepOnly(whole);
    return { ...sum, ...rejected.read(), removed };
  } catch (error) {
    throw withKept(error, sum);
  }
}

/** The same problem, which says what is in before it. */
function withKept(error: unknown, { imported, updated }: { readonly imported: number; readonly updated: number }) {
  const kept = `What came before is kept: ${imported} imported, ${updated} updated. The same lines may be sent again.`;
  if (error instanceof OutboxUnavailable)
    return new RequestError('unavailable', `The database cannot be written now. ${kept}`, { cause: error });
  if (!(error instanceof RequestError)) return error;
  return new RequestError(error.code, `${error.message} ${kept}`, { cause: error });
}

/** `item` is a sentence where the line is no good; `key` is null where it does not even tell whose it is. */
function readLine<Item extends { readonly id: string }>(
  { bytes }: ByteLine,
  { line, key }: Pick<ImportOptions<Item>, 'line' | 'key'>,
): { readonly item: Item | string; readonly key: string | null } {
  if (bytes === null) return { item: `It is longer than ${LINE_MAX / 1024 / 1024} MiB.`, key: null };
  if (!isUtf8(bytes)) return { item: 'It is not UTF-8 text.', key: null };
  let value: unknown;
  try {
    value = JSON.parse(bytes.toString());
  } catch {
    return { item: 'It is not JSON.', key: null };
  }
  const { success, data, error } = line.safeParse(value);
  if (success) return { item: data, key: knowledgeKey(data) };
  const named = key.safeParse(value);
  return {
    item: reasonOf(error),
    key: named.success ? knowledgeKey({ id: named.data.id, locale: named.data.locale ?? null }) : null,
  };
}

/** The first thing that is wrong; nothing of the line comes back out. */
function reasonOf({ issues: [issue] }: z.ZodError): string {
  const path = issue?.path.map((part) => (typeof part === 'number' ? `[${part}]` : String(part))).join('') ?? '';
  return path === '' ? 'It is not a JSON object.' : `Its ${path} ${issue?.message}.`;
}

function createRejected() {
  const list: RejectedLine[] = [];
  let moreRejected = 0;
  return {
    add: (line: number, reason: string): void => {
      if (list.length < REJECTED_MAX) list.push({ line, reason });
      else moreRejected += 1;
    },
    // a handful is judged after the lines behind it were read
    read: () => ({ rejected: list.toSorted((a, b) => a.line - b.line), moreRejected }),
  };
}

function createKeys() {
  const keys = new Set<string>();
  let unknown = false;
  return {
    add: (key: string | null): void => {
      if (key === null) unknown = true;
      else keys.add(key);
      if (keys.size > KEYS_MAX)
        throw new RequestError('too_large', `With complete=true at most ${KEYS_MAX} items can be sent.`);
    },
    /** Null: a line may have named anything; or there was none, which is a mistake rather than a wish. */
    whole: (): ReadonlySet<string> | null => (unknown || keys.size === 0 ? null : keys),
  };
}
