import { rmSync, statSync } from 'node:fs';
import Database from 'better-sqlite3';
import { copyDatabase } from './sqlite/backup.ts';
import { refusal } from './sqlite/database.ts';

/*
 * What commands do with a database file that no service has open. Always read-only: whoever opens a file for writing
 * and closes it merges its log, and the next start could not tell that all is there.
 */

/** Throws `DatabaseRefused`, also when a service has the file. Replaces `to`. */
export async function backUpFile(path: string, to: string): Promise<void> {
  const connection = openForReading(path);
  try {
    await copyDatabase(connection, to);
  } catch (error) {
    rmSync(to, { force: true });
    throw refusal(error, path);
  } finally {
    connection.close();
  }
}

/** What a database file is like. */
export interface FileReport {
  readonly bytes: number;
  readonly tickets: number;
  /** How many migrations it has had. */
  readonly schema: number;
  /** What SQLite finds wrong with it; null when it is whole. */
  readonly damage: string | null;
}

/** Reads it from end to end. Throws `DatabaseRefused` when it is no database of Draftdesk's, or a service has it. */
export function inspectFile(path: string): FileReport {
  try {
    const connection = openForReading(path);
    try {
      const found = connection.pragma('integrity_check(1)', { simple: true });
      return {
        bytes: statSync(path).size,
        tickets: Number(connection.prepare('SELECT count(*) FROM ticket').pluck().get()),
        schema: Number(connection.pragma('user_version', { simple: true })),
        damage: found === 'ok' ? null : String(found),
      };
    } finally {
      connection.close();
    }
  } catch (error) {
    throw refusal(error, path);
  }
}

function openForReading(path: string): Database.Database {
  try {
    const connection = new Database(path, { readonly: true, fileMustExist: true, timeout: 500 });
    connection.pragma('cell_size_check = ON');
    // the first read is what meets a lock
    connection.pragma('user_version');
    return connection;
  } catch (error) {
    throw refusal(error, path);
  }
}
