import Database from 'better-sqlite3';
import { OutboxUnavailable } from '../core/outbox.ts';
import type { StoreFault } from '../core/store-fault.ts';

/**
 * What is known about the disk under a connection. From the first error of the disk on nothing is written, until a
 * write on trial has gone through: so a small write that still fits does not say that all is well.
 */
export interface Disk {
  fault(): StoreFault | null;
  /** Writes something small, or on trial after a fault something larger, and answers what is wrong. */
  check(): StoreFault | null;
  /** Throws `OutboxUnavailable` while there is a fault. */
  assertSound(): void;
  /** What a failed write means for who asked for it. */
  refusal(error: unknown): Error;
  /** Told when a fault begins and when it is over. */
  onChange(listener: (fault: StoreFault | null) => void): () => void;
}

/** Ends the process: the file or what we hold of it is not what it was. */
const LASTING = ['SQLITE_IOERR', 'SQLITE_CORRUPT', 'SQLITE_NOTADB', 'SQLITE_READONLY_DBMOVED'];
/** Passes when somebody makes room or gives back the right to write. BUSY cannot be: the file is ours alone. */
const PASSING = ['SQLITE_FULL', 'SQLITE_READONLY', 'SQLITE_CANTOPEN', 'SQLITE_NOMEM', 'SQLITE_BUSY', 'SQLITE_LOCKED'];

const SENTENCES: Readonly<Record<string, string>> = {
  SQLITE_FULL: 'the disk is full. Free some space; work goes on by itself then',
  SQLITE_IOERR: 'the disk reports an I/O error. Look at the system log and the disk, then start again',
  SQLITE_CORRUPT: 'the file is damaged. Stop, keep the damaged file, and restore a backup',
  SQLITE_NOTADB: 'the file is no database any more. Restore a backup',
  SQLITE_READONLY: 'the file has become read-only. Work goes on by itself when it may be written again',
};

/** Characters written on trial: a ticket with its draft takes less. */
const TRIAL_SIZE = 65_536;

/** Notices what the disk does to any statement of the connection from now on. */
export function watchDisk(connection: Database.Database, path: string): Disk {
  const listeners = new Set<(fault: StoreFault | null) => void>();
  let fault: StoreFault | null = null;

  const change = (next: StoreFault | null): void => {
    if (fault?.lasting === true || fault?.code === next?.code) return;
    fault = next;
    for (const listener of listeners) listener(next);
  };
  const notice = (error: unknown): void => {
    const found = faultOf(error, path);
    if (found !== null) change(found);
  };
  watchStatements(connection, notice);

  let touch: Database.Statement | undefined;
  const put = (size: number): void => {
    // always another value: one that stays as it is would not be written (measured)
    touch ??= connection.prepare(
      `INSERT INTO meta (key, value) VALUES ('disk', hex(randomblob(?)))
       ON CONFLICT (key) DO UPDATE SET value = excluded.value`,
    );
    touch.run(size);
  };

  return {
    fault: () => fault,
    check: () => {
      if (fault?.lasting === true) return fault;
      try {
        if (fault !== null) put(TRIAL_SIZE / 2);
        put(8);
        change(null);
      } catch {
        // noticed
      }
      return fault;
    },
    assertSound: () => {
      if (fault !== null) throw new OutboxUnavailable(`the database refuses to write (${fault.code})`);
    },
    refusal: (error) => {
      if (error instanceof Database.SqliteError) {
        return new OutboxUnavailable(`the database refuses to write (${error.code})`, { cause: error });
      }
      return error instanceof Error ? error : new Error(String(error));
    },
    onChange: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

function faultOf(error: unknown, path: string): StoreFault | null {
  if (!(error instanceof Database.SqliteError)) return null;
  const { code } = error;
  const lasting = LASTING.some((prefix) => code.startsWith(prefix));
  if (!lasting && !PASSING.some((prefix) => code.startsWith(prefix))) return null;
  const why = Object.entries(SENTENCES).find(([prefix]) => code.startsWith(prefix))?.[1];
  return { code, lasting, sentence: `${path} cannot be used (${code}): ${why ?? 'the system refuses it'}.` };
}

/** Reads count too: a damaged page may be met by one of them first. */
function watchStatements(connection: Database.Database, notice: (error: unknown) => void): void {
  const prepare = connection.prepare.bind(connection);
  const watched = (source: string): Database.Statement => {
    const statement = prepare(source);
    for (const method of ['run', 'get', 'all'] as const) {
      const original = statement[method].bind(statement) as (...args: unknown[]) => unknown;
      const noticing = (...args: unknown[]): unknown => {
        try {
          return original(...args);
        } catch (error) {
          notice(error);
          throw error;
        }
      };
      Object.defineProperty(statement, method, { value: noticing, configurable: true, writable: true });
    }
    return statement;
  };
  Object.defineProperty(connection, 'prepare', { value: watched, configurable: true, writable: true });
}
