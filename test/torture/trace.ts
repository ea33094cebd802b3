import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';

/** What a recorded process did that matters in a power cut, in order. */
export type TraceEvent =
  | { readonly kind: 'write'; readonly path: string; readonly offset: number; readonly data: Buffer }
  | { readonly kind: 'truncate'; readonly path: string; readonly size: number }
  | { readonly kind: 'sync'; readonly path: string }
  | { readonly kind: 'unlink'; readonly path: string }
  /** The vendor was told that this ticket is safe. */
  | { readonly kind: 'ack'; readonly ticketId: string };

/** The arguments for strace that make a log `readTrace` understands. */
export function recordTo(log: string): readonly string[] {
  const calls = 'openat,close,pwrite64,write,writev,ftruncate,unlink,fsync,fdatasync';
  return ['strace', '-f', '-qq', '-xx', '-s', '70000', '-e', `trace=${calls}`, '-o', log];
}

const CALL = /^\d+ +(\w+)\((.*)\) += (-?\d+)/s;
const ACK = /"status":"accepted","helpdesk":"\w+","ticketId":"(\d+)"/g;

/** Reads a log of strace: writes to files whose path begins with `prefix`, and acknowledgements on any socket. */
export async function readTrace(log: string, prefix: string): Promise<TraceEvent[]> {
  const events: TraceEvent[] = [];
  const paths = new Map<number, string>();
  const unfinished = new Map<string, string>();
  for await (const raw of createInterface({ input: createReadStream(log) })) {
    const line = joinParts(raw, unfinished);
    const [, name = '', args = '', result = '-1'] = (line === null ? null : CALL.exec(line)) ?? [];
    if (Number(result) < 0) continue;
    const fd = Number.parseInt(args, 10);
    const path = paths.get(fd);
    switch (name) {
      case 'openat': {
        const opened = decode(args).toString();
        if (opened.startsWith(prefix)) paths.set(Number(result), opened);
        break;
      }
      case 'close':
        paths.delete(fd);
        break;
      case 'pwrite64': {
        const offset = Number(/, (\d+)$/.exec(args)?.[1]);
        if (path !== undefined) events.push({ kind: 'write', path, offset, data: decode(args) });
        break;
      }
      case 'ftruncate':
        if (path !== undefined) events.push({ kind: 'truncate', path, size: Number(/, (\d+)$/.exec(args)?.[1]) });
        break;
      case 'fsync':
      case 'fdatasync':
        if (path !== undefined) events.push({ kind: 'sync', path });
        break;
      case 'unlink': {
        const gone = decode(args).toString();
        if (gone.startsWith(prefix)) events.push({ kind: 'unlink', path: gone });
        break;
      }
      case 'write':
      case 'writev':
        for (const [, ticketId = ''] of decode(args).toString('latin1').matchAll(ACK)) {
          events.push({ kind: 'ack', ticketId });
        }
        break;
    }
  }
  return events;
}

/** strace breaks a call in two where another thread makes one meanwhile. */
function joinParts(line: string, unfinished: Map<string, string>): string | null {
  const pid = line.slice(0, line.indexOf(' '));
  if (line.endsWith('<unfinished ...>')) {
    unfinished.set(pid, line.slice(0, -'<unfinished ...>'.length).trimEnd());
    return null;
  }
  const resumed = /^\d+ +<\.\.\. \w+ resumed>(.*)$/s.exec(line);
  return resumed === null ? line : (unfinished.get(pid) ?? '') + (resumed[1] ?? '');
}

/** The bytes of all strings of a call. */
function decode(args: string): Buffer {
  const strings = [...args.matchAll(/"((?:\\x[0-9a-f]{2})*)"/g)].map(([, text = '']) => text.replaceAll('\\x', ''));
  return Buffer.from(strings.join(''), 'hex');
}
