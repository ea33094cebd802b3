import {
  closeSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  openSync,
  readSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { stringify } from 'csv-stringify/sync';
import type { DraftReview, DraftSource, DraftVersions, TicketStatus } from '../core/ticket.ts';
import { CommandError, EXIT, exitOf, systemCode } from './command-error.ts';
import { type Fields, formatOf, readRecords, type RecordFormat } from './file-records.ts';

/** One line of the answer. */
export interface DraftRecord {
  readonly id: string | number;
  readonly status: TicketStatus;
  readonly draft: string | null;
  /** Why there is no draft, a sentence. */
  readonly error: string | null;
  readonly attempts: number;
  readonly durationMs: number;
  /** As in the API; in JSON lines only. */
  readonly sources: readonly DraftSource[];
  readonly unproven: readonly string[];
  readonly versions: DraftVersions | null;
  readonly review: DraftReview | null;
}

const COLUMNS = ['id', 'status', 'draft', 'error', 'attempts', 'durationMs'] as const satisfies (keyof DraftRecord)[];

/** What is to become of a line that is there already: `foreign` was not written by us, or not like this. */
export type Verdict = 'keep' | 'drop' | 'foreign';

export interface DraftFileOptions {
  /** Asked about each line, in order; `is` compares it with what we would write. */
  readonly judge: (id: string, is: (record: DraftRecord) => boolean) => Verdict;
  /** Foreign lines are dropped instead of refused. */
  readonly force: boolean;
}

/** The answers of a run. Lines go to the system one by one, as they come. */
export interface DraftFile {
  /** Throws `CommandError` when the disk refuses. */
  append(record: DraftRecord): void;
  /** Puts it on the disk. */
  close(): void;
}

/**
 * Opens the answers of an earlier run to go on with them, or new ones. A line that was cut off by a crash goes, lines
 * that are out of date go; the rest stays byte for byte. Throws `CommandError`.
 */
export async function openDraftFile(path: string, options: DraftFileOptions): Promise<DraftFile> {
  const format = formatOf(path) ?? 'jsonl';
  await tidy(path, format, options);
  const file = openSafely(path, 'a');
  if (fstatSync(file).size === 0) write(file, path, headerOf(format));
  return {
    append: (record) => write(file, path, render(record, format)),
    close: () => {
      try {
        fsyncSync(file);
      } catch (error) {
        throw refused(path, error);
      } finally {
        closeSync(file);
      }
    },
  };
}

interface Span {
  readonly start: number;
  readonly length: number;
}

/** Leaves only what is to be kept: a torn end is cut off in place, anything else means a new file in its place. */
async function tidy(path: string, format: RecordFormat, options: DraftFileOptions): Promise<void> {
  const file = openSafely(path, 'a+');
  try {
    const header = Buffer.from(headerOf(format));
    const beginning = Buffer.alloc(header.length);
    const read = readSync(file, beginning, 0, header.length, 0);
    if (!beginning.subarray(0, read).equals(header.subarray(0, read))) {
      if (!options.force) throw foreign(path, 1);
      ftruncateSync(file);
    }
    if (read < header.length) ftruncateSync(file);
    if (fstatSync(file).size <= header.length) return;
    const { spans, dropped, torn } = await sift(path, format, options);
    if (dropped > 0) rewrite(path, file, [{ start: 0, length: header.length }, ...spans]);
    else if (torn !== null) ftruncateSync(file, torn);
  } finally {
    closeSync(file);
  }
}

/** Which lines stay. `torn`: where a line begins that was cut off. */
async function sift(
  path: string,
  format: RecordFormat,
  { judge, force }: DraftFileOptions,
): Promise<{ spans: Span[]; dropped: number; torn: number | null }> {
  const spans: Span[] = [];
  let dropped = 0;
  for await (const { fields, line, ended, start, length } of readRecords(path, COLUMNS)) {
    if (!ended) return { spans, dropped, torn: start };
    const verdict = typeof fields === 'string' ? 'foreign' : judge(String(fields['id']), isLike(fields, format));
    if (verdict === 'foreign' && !force) throw foreign(path, line);
    if (verdict === 'keep') spans.push({ start, length });
    else dropped += 1;
  }
  return { spans, dropped, torn: null };
}

function foreign(path: string, line: number): CommandError {
  return new CommandError(
    `Line ${line} of ${path} is not what Draftdesk has written there. Choose another --out, or say --force to replace it.`,
  );
}

/** Beside it first, then in its place: a crash leaves the one or the other. */
function rewrite(path: string, from: number, spans: readonly Span[]): void {
  const beside = `${path}.tmp`;
  const to = openSafely(beside, 'w');
  try {
    for (const { start, length } of spans) {
      const bytes = Buffer.alloc(length);
      readSync(from, bytes, 0, length, start);
      write(to, beside, bytes);
    }
    fsyncSync(to);
    renameSync(beside, path);
  } catch (error) {
    rmSync(beside, { force: true });
    throw error instanceof CommandError ? error : refused(path, error);
  } finally {
    closeSync(to);
  }
}

function headerOf(format: RecordFormat): string {
  return format === 'csv' ? stringify([COLUMNS]) : '';
}

function render(record: DraftRecord, format: RecordFormat): string {
  if (format === 'csv') return stringify([COLUMNS.map((column) => cellOf(record, column))]);
  const { id, status, draft, error, attempts, durationMs, sources, unproven, versions, review } = record;
  return `${JSON.stringify({ id, status, draft, error, attempts, durationMs, sources, unproven, versions, review })}\n`;
}

/** A spreadsheet takes text that begins so for a formula (https://owasp.org/www-community/attacks/CSV_Injection). */
const FORMULA = /^[=+\-@\t\r]/;

function cellOf(record: DraftRecord, column: (typeof COLUMNS)[number]): string {
  const text = String(record[column] ?? '');
  const strange = (column === 'draft' || column === 'error') && FORMULA.test(text);
  return strange ? `'${text}` : text;
}

function isLike(fields: Fields, format: RecordFormat): (record: DraftRecord) => boolean {
  return (record) =>
    COLUMNS.every((column) =>
      format === 'csv' ? fields[column] === cellOf(record, column) : fields[column] === record[column],
    );
}

function openSafely(path: string, flags: string): number {
  try {
    return openSync(path, flags);
  } catch (error) {
    throw refused(path, error);
  }
}

function write(file: number, path: string, data: string | Buffer): void {
  const bytes = Buffer.from(data);
  try {
    for (let done = 0; done < bytes.length;) done += writeSync(file, bytes, done);
  } catch (error) {
    throw refused(path, error);
  }
}

function refused(path: string, error: unknown): CommandError {
  const exitCode = exitOf(error);
  const cure = exitCode === EXIT.disk ? ' See to the disk and the rights on it, then run the same command again.' : '';
  return new CommandError(`${path} cannot be written (${systemCode(error)}).${cure}`, exitCode, { cause: error });
}
