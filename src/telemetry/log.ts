import { pino } from 'pino';
import type { Clock } from '../core/clock.ts';
import { stdoutWriter } from './stdout-writer.ts';

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

/** All that a line may carry besides time, level and message: ids, classes and numbers. What is not here is not written. */
const FIELDS = [
  'trace_id',
  'span_id',
  'url',
  'helpdesk',
  'ticketId',
  'batchId',
  'stage',
  'number',
  'outcome',
  'status',
  'state',
  'reason',
  'rule',
  'action',
  'category',
  'version',
  'scope',
  'by',
  'kind',
  'detail',
  'where',
  'error',
  'errorClass',
  'model',
  'count',
  'total',
  'imported',
  'updated',
  'removed',
  'promptTokens',
  'cachedTokens',
  'completionTokens',
  'costUsd',
  'durationMs',
  'waitedMs',
  'delayMs',
  'totalMs',
] as const;

export type LogFields = { readonly [Name in (typeof FIELDS)[number]]?: string | number | null };

/** JSON lines, one per call. Never throws, never blocks. */
export interface Log {
  write(level: LogLevel, message: string, fields: LogFields): void;
  /** Resolves when what was written is out, or after half a second when nobody reads. */
  flush(): Promise<void>;
}

export interface LogOptions {
  /** `silent` writes nothing. */
  readonly level: LogLevel | 'fatal' | 'trace' | 'silent';
  readonly clock: Clock;
  /** Where in a trace the caller is. */
  readonly currentSpan?: () => { readonly traceId: string; readonly spanId: string } | null;
  /** Takes one line with its line feed; false when it has no room now. Standard output when not given. */
  readonly write?: (line: string) => boolean;
}

/** Longest text of a field, in UTF-16 units: sentences of ours are shorter. */
const TEXT_MAX = 500;

/** The log of the service. Lines that find no room are dropped and counted; the count is the first line after. */
export function createLogger({ level, clock, write, currentSpan = () => null }: LogOptions): Log {
  const writer = write === undefined ? stdoutWriter(clock) : { write, flush: async () => undefined };
  const timestamp = (): string => `,"time":"${new Date(clock.now()).toISOString()}"`;
  let dropped = 0;
  const destination = {
    write(line: string): void {
      if (dropped > 0) {
        const notice = `{"level":"warn"${timestamp()},"count":${dropped},"msg":"log lines dropped"}\n`;
        if (writer.write(notice)) dropped = 0;
      }
      if (dropped > 0 || !writer.write(line)) dropped += 1;
    },
  };
  const logger = pino(
    { level, base: null, timestamp, formatters: { level: (label) => ({ level: label }) } },
    destination,
  );
  return {
    write: (lineLevel, message, fields) => {
      if (logger.isLevelEnabled(lineLevel)) logger[lineLevel](allowed(placed(fields, currentSpan())), message);
    },
    flush: () => writer.flush(),
  };
}

/** With the ids of the trace and span it was written in; a line about a ticket of another trace keeps that one's. */
function placed(fields: LogFields, span: { readonly traceId: string; readonly spanId: string } | null): LogFields {
  if (span === null || (fields.trace_id ?? span.traceId) !== span.traceId) return fields;
  return { trace_id: span.traceId, span_id: span.spanId, ...fields };
}

function allowed(fields: LogFields): Record<string, string | number> {
  const line: Record<string, string | number> = {};
  for (const name of FIELDS) {
    const value = fields[name];
    if (typeof value === 'string') line[name] = printable(value);
    else if (typeof value === 'number') line[name] = value;
  }
  return line;
}

/** JSON escapes C0 controls; these too move cursors, reverse text or hide it in a terminal. */
const UNPRINTABLE = /[\p{Default_Ignorable_Code_Point}\p{Cf}\u007f-\u009f\u2028\u2029]/gu;

function printable(text: string): string {
  return text.slice(0, TEXT_MAX).toWellFormed().replace(UNPRINTABLE, '\ufffd');
}
