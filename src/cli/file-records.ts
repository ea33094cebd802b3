import { isUtf8 } from 'node:buffer';
import { createReadStream } from 'node:fs';
import { parse } from 'csv-parse/sync';
import { type ByteLine, isBlank, splitLines } from '../core/byte-lines.ts';
import { CommandError } from './command-error.ts';

export type RecordFormat = 'jsonl' | 'csv';

export type Fields = Readonly<Record<string, unknown>>;

/** One record of a file and where it stands, so that its text need not be kept. */
export interface FileRecord {
  /** 1-based number of its first line. */
  readonly line: number;
  /** Bytes. */
  readonly start: number;
  readonly length: number;
  /** False: the file ends within this line, as after a write that was cut off. */
  readonly ended: boolean;
  /** Its fields, or what is wrong with it. */
  readonly fields: Fields | string;
}

/** Turns the bytes of one record into its fields, or says what is wrong with them. */
export type RecordParser = (bytes: Uint8Array) => Fields | string;

/** A line longer than this is not a ticket, bytes. */
const LINE_MAX = 10 * 1024 * 1024;
/** A quoted field that goes on for longer was not meant to be one, bytes. */
const QUOTED_MAX = 1024 * 1024;
const QUOTE = 34;

/** By the name's ending; null for any other. */
export function formatOf(path: string): RecordFormat | null {
  if (/\.(jsonl|ndjson)$/i.test(path)) return 'jsonl';
  return /\.csv$/i.test(path) ? 'csv' : null;
}

/**
 * Reads a file record by record; empty lines are passed over. `onParser` is told how to read single records later on.
 * Throws `CommandError` for a CSV header that lacks one of `columns`, and the system's own error when reading fails.
 */
export async function* readRecords(
  path: string,
  columns: readonly string[],
  onParser: (parser: RecordParser) => void = () => undefined,
): AsyncGenerator<FileRecord> {
  if (formatOf(path) === 'csv') {
    yield* readCsv(path, columns, onParser);
    return;
  }
  onParser(parseJson);
  for await (const line of readLines(path)) {
    if (!isBlank(line)) yield record([line], line.bytes === null ? TOO_LONG : parseJson(line.bytes));
  }
}

const TOO_LONG = `is longer than ${LINE_MAX / 1024 / 1024} MiB`;
const NOT_UTF8 = 'is not UTF-8 text';

function parseJson(bytes: Uint8Array): Fields | string {
  if (!isUtf8(bytes)) return NOT_UTF8;
  try {
    const value: unknown = JSON.parse(Buffer.from(bytes).toString());
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Fields)
      : 'is not a JSON object';
  } catch {
    return 'is not JSON';
  }
}

async function* readCsv(
  path: string,
  columns: readonly string[],
  onParser: (parser: RecordParser) => void,
): AsyncGenerator<FileRecord> {
  let parser: RecordParser | null = null;
  const fits = (bytes: Buffer): boolean => parser === null || typeof parser(bytes) !== 'string';
  for await (const lines of joinQuoted(readLines(path), fits)) {
    const bytes = bytesOf(lines);
    if (parser !== null) {
      yield record(lines, bytes === null ? TOO_LONG : parser(bytes));
      continue;
    }
    parser = csvParser(bytes ?? Buffer.alloc(0), columns, path);
    onParser(parser);
  }
}

/** Reads the header: names in any order and case, separated by comma, semicolon or tab. */
function csvParser(header: Buffer, columns: readonly string[], path: string): RecordParser {
  const text = header.toString();
  const delimiter = [',', ';', '\t'].find((one) => splitCsv(header, one).length > 1) ?? ',';
  const names = splitCsv(header, delimiter).map((name) => name.trim().toLowerCase());
  const missing = columns.filter((column) => !names.includes(column.toLowerCase()));
  if (missing.length > 0 || text.trim() === '') {
    throw new CommandError(
      `${path} needs a first line that names the columns ${columns.join(', ')}; ${missing.join(', ')} is missing.`,
    );
  }
  const positions = columns.map((column) => [column, names.indexOf(column.toLowerCase())] as const);
  return (bytes) => {
    if (!isUtf8(bytes)) return NOT_UTF8;
    const values = splitCsv(bytes, delimiter);
    if (values.length === 0) return 'has a quote that is not closed, or closed too early';
    if (values.length !== names.length) return `has ${values.length} columns instead of ${names.length}`;
    return Object.fromEntries(positions.map(([column, position]) => [column, values[position]]));
  };
}

/** The values of one record; none when its quotes are wrong. */
function splitCsv(bytes: Uint8Array, delimiter: string): readonly string[] {
  try {
    const rows = parse(bytes, { delimiter, bom: true, relax_column_count: true }) as string[][];
    return rows.length === 1 ? (rows[0] ?? []) : [];
  } catch {
    return [];
  }
}

/**
 * Lines that belong to one CSV record: until its quotes are even. Where they never are, or the whole is no record, the
 * first line stands alone as a broken one and the next is tried: one stray quote must not swallow the file.
 */
async function* joinQuoted(
  lines: AsyncGenerator<ByteLine>,
  fits: (bytes: Buffer) => boolean,
): AsyncGenerator<readonly ByteLine[]> {
  let waiting: ByteLine[] = [];
  const next = async (): Promise<ByteLine | undefined> => {
    const line = waiting.shift();
    if (line !== undefined) return line;
    const { value, done } = await lines.next();
    return done === true ? undefined : value;
  };
  for (let first = await next(); first !== undefined; first = await next()) {
    if (isBlank(first)) continue;
    const joined = [first];
    let open = oddQuotes(first);
    let ended = first.ended;
    for (let length = first.length; open && length <= QUOTED_MAX;) {
      const more = await next();
      ended = more !== undefined;
      if (more === undefined) break;
      joined.push(more);
      length += more.length;
      open = open !== oddQuotes(more);
    }
    const bytes = open ? null : bytesOf(joined);
    if (bytes !== null && (joined.length === 1 || fits(bytes))) {
      yield joined;
      continue;
    }
    yield [{ ...first, ended }];
    waiting = [...joined.slice(1), ...waiting];
  }
}

function oddQuotes({ bytes }: ByteLine): boolean {
  let odd = false;
  for (let at = bytes?.indexOf(QUOTE) ?? -1; at >= 0; at = bytes?.indexOf(QUOTE, at + 1) ?? -1) odd = !odd;
  return odd;
}

function bytesOf(lines: readonly ByteLine[]): Buffer | null {
  const parts = lines.map(({ bytes }) => bytes).filter((bytes) => bytes !== null);
  return parts.length < lines.length ? null : Buffer.concat(parts);
}

function record(lines: readonly ByteLine[], fields: Fields | string): FileRecord {
  const first = lines[0];
  const last = lines.at(-1);
  if (first === undefined || last === undefined) throw new Error('a record has a line');
  const length = last.start + last.length - first.start;
  return { line: first.number, start: first.start, length, ended: last.ended, fields };
}

function readLines(path: string): AsyncGenerator<ByteLine> {
  return splitLines(createReadStream(path, { highWaterMark: 256 * 1024 }) as AsyncIterable<Buffer>, LINE_MAX);
}
