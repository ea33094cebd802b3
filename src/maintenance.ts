import { existsSync, rmSync } from 'node:fs';
import Database from 'better-sqlite3';
import type { StoreReport } from './core/store-report.ts';
import { copyDatabase } from './sqlite/backup.ts';
import { refusal } from './sqlite/database.ts';
import { inspectConnection } from './sqlite/inspect.ts';

/*
 * What commands do with a database file that no service has open. Always read-only, and leaving beside it what was
 * there: whoever opens it for writing and closes it merges its log, and the next start could not tell that all is there.
 */

/** Throws `DatabaseRefused`, also when a service has the file. Replaces `to`. */
export async function backUpFile(path: string, to: string): Promise<void> {
  await reading(path, async (connection) => {
    try {
      await copyDatabase(connection, to);
    } catch (error) {
      rmSync(to, { force: true });
      throw error;
    }
  });
}

/** Reads a file from end to end. Throws `DatabaseRefused` when it is none of Draftdesk's, or a service has it. */
export async function inspectFile(path: string): Promise<StoreReport & { readonly isLogMissing: boolean }> {
  const hasLog = existsSync(`${path}-wal`);
  return await reading(path, (connection) => {
    const running = connection.prepare(`SELECT value FROM meta WHERE key = 'running'`).pluck().get();
    return {
      ...inspectConnection(connection, Number.POSITIVE_INFINITY),
      isLogMissing: running === '1' && !hasLog,
    };
  });
}

async function reading<T>(path: string, use: (connection: Database.Database) => T | Promise<T>): Promise<T> {
  const made = ['-wal', '-shm'].map((suffix) => path + suffix).filter((name) => !existsSync(name));
  let connection: Database.Database | undefined;
  let isOurs = false;
  try {
    connection = new Database(path, { readonly: true, fileMustExist: true, timeout: 500 });
    connection.pragma('cell_size_check = ON');
    // the first read is what meets the lock of a service
    connection.pragma('user_version');
    isOurs = true;
    return await use(connection);
  } catch (error) {
    throw refusal(error, path);
  } finally {
    connection?.close();
    if (isOurs) for (const name of made) rmSync(name, { force: true });
  }
}
