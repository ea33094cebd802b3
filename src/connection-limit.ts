import { readFileSync } from 'node:fs';

/** Files that the service itself needs open: the database, the log, calls to upstreams, and some to spare. */
const OWN_FILES = 96;
/** A worker has one call under way, and its socket is kept for the next. */
const FILES_PER_WORKER = 2;
const CONNECTIONS_MIN = 16;

/**
 * How many connections may be open at a time, so that a flood of them leaves files for the work; null where the system
 * does not tell its limit. Beyond the limit Node accepts and closes without a word, and calls and the database fail.
 */
export function connectionLimit(workers: number): number | null {
  const files = openFilesLimit();
  return files === null ? null : Math.max(CONNECTIONS_MIN, files - OWN_FILES - FILES_PER_WORKER * workers);
}

/** Linux only (proc(5)); Node has raised the soft limit to the hard one by then. */
function openFilesLimit(): number | null {
  try {
    const digits = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1];
    return digits === undefined ? null : Number(digits);
  } catch {
    return null;
  }
}
