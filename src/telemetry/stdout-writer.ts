import type { Clock } from '../core/clock.ts';

/** How much may wait for a reader who has stalled, in UTF-16 units and bytes together. */
const WAITING_MAX = 4 * 1024 * 1024;
const FLUSH_MAX_MS = 500;

/** What is needed of `process.stdout`. */
export interface OutputStream {
  readonly writableLength: number;
  write(text: string, done?: (error?: Error | null) => void): boolean;
  listeners(event: 'error'): unknown[];
  on(event: 'error', listener: () => void): unknown;
}

export interface LineWriter {
  /** False when the line was not taken. */
  write(line: string): boolean;
  flush(): Promise<void>;
}

/**
 * Lines to standard output, those of one turn of the event loop in one write. A reader who stalls costs us lines, not
 * the event loop: Node's pipes do not block, and what waits for them is bounded here (reliability.md §0.7).
 */
export function stdoutWriter(clock: Clock, stream: OutputStream = process.stdout): LineWriter {
  if (!stream.listeners('error').includes(ignore)) stream.on('error', ignore);
  let lines: string[] = [];
  let length = 0;

  const send = (): void => {
    if (lines.length > 0) stream.write(lines.join(''));
    lines = [];
    length = 0;
  };

  return {
    write(line) {
      if (length + line.length + stream.writableLength > WAITING_MAX) return false;
      if (lines.length === 0) setImmediate(send);
      lines.push(line);
      length += line.length;
      return true;
    },
    async flush() {
      send();
      const waiting = new AbortController();
      const written = new Promise<void>((resolve) => {
        stream.write('', () => resolve());
      });
      await Promise.race([written, clock.sleep(FLUSH_MAX_MS, waiting.signal)]);
      waiting.abort();
    },
  };
}

/** A reader who has gone (EPIPE) ends the log, not the service. */
function ignore(): void {}
