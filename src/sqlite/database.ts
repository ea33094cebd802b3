import { mkdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import Database from 'better-sqlite3';

export type Connection = Database.Database;

/** The database cannot be used; the message names the file and the cure, and the service does not start. */
export class DatabaseRefused extends Error {
  override readonly name = 'DatabaseRefused';
}

export interface DatabaseOptions {
  /** A file path, or `:memory:`. */
  readonly path: string;
  /** The folder drizzle-kit writes to. */
  readonly migrationsFolder: string;
}

/**
 * Opens the file as its only user, durable (`synchronous=FULL`), and brings its tables up to date. Throws
 * `DatabaseRefused`; never re-creates a file that is there.
 */
export function openDatabase(options: DatabaseOptions): Connection {
  const { path } = options;
  const migrations = readJournal(options.migrationsFolder);
  let connection: Connection | undefined;
  try {
    if (path !== ':memory:') mkdirSync(dirname(path), { recursive: true });
    connection = new Database(path);
    lock(connection);
    const version = inspect(connection, path, migrations.length);
    makeDurable(connection);
    migrate(connection, migrations.slice(version), options.migrationsFolder);
    assertDurable(connection, path);
    return connection;
  } catch (error) {
    connection?.close();
    throw refusal(error, path);
  }
}

/** Our one process owns the file: a second one is refused with SQLITE_BUSY instead of corrupting promises. */
function lock(connection: Connection): void {
  connection.pragma('busy_timeout = 500');
  connection.pragma('locking_mode = EXCLUSIVE');
}

function makeDurable(connection: Connection): void {
  connection.pragma('journal_mode = WAL');
  // WAL alone means NORMAL in this build, which loses acknowledged webhooks in a power cut (reliability.md §0.1).
  connection.pragma('synchronous = FULL');
  connection.pragma('fullfsync = ON');
  connection.pragma('foreign_keys = ON');
  connection.pragma('journal_size_limit = 67108864');
  connection.pragma('trusted_schema = OFF');
  connection.pragma('cell_size_check = ON');
  connection.pragma('temp_store = MEMORY');
  // what is erased is gone from the file too; costs nothing measurable (bench: webhooks, pipeline)
  connection.pragma('secure_delete = ON');
}

/** The pragma answers 2 on a fresh file whatever is in force, so it is read after the first write only. */
function assertDurable(connection: Connection, path: string): void {
  connection
    .prepare(`INSERT INTO meta (key, value) VALUES ('opened', '1') ON CONFLICT (key) DO UPDATE SET value = value + 1`)
    .run();
  const synchronous = connection.pragma('synchronous', { simple: true });
  if (typeof synchronous !== 'number' || synchronous < 2) {
    throw new DatabaseRefused(
      `${path}: SQLite runs with synchronous=${String(synchronous)}, less than FULL; webhooks would not be safe`,
    );
  }
}

interface JournalEntry {
  readonly idx: number;
  readonly tag: string;
}

function readJournal(migrationsFolder: string): readonly JournalEntry[] {
  const text = readFileSync(join(migrationsFolder, 'meta', '_journal.json'), 'utf8');
  return (JSON.parse(text) as { entries: JournalEntry[] }).entries;
}

/** Whose file is it, and how far is it? Changes nothing. Answers how many migrations it has had. */
function inspect(connection: Connection, path: string, known: number): number {
  const version = Number(connection.pragma('user_version', { simple: true }));
  if (version > known) {
    throw new DatabaseRefused(
      `${path} was written by a newer Draftdesk (schema ${version}, this one knows ${known}). ` +
        'Start the newer version, or point DATABASE_URL at another file.',
    );
  }
  const tables = connection.prepare(`SELECT count(*) FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%'`).pluck().get();
  if (version === 0 && tables !== 0) {
    throw new DatabaseRefused(
      `${path} is a SQLite file of another program. Point DATABASE_URL at a file of Draftdesk's own.`,
    );
  }
  return version;
}

/** One transaction per file, the version inside it. */
function migrate(connection: Connection, missing: readonly JournalEntry[], migrationsFolder: string): void {
  for (const entry of missing) {
    const script = readFileSync(join(migrationsFolder, `${entry.tag}.sql`), 'utf8');
    connection
      .transaction(() => {
        for (const statement of script.split('--> statement-breakpoint')) connection.exec(statement);
        connection.pragma(`user_version = ${entry.idx + 1}`);
      })
      .immediate();
  }
}

const CURES: Readonly<Record<string, string>> = {
  SQLITE_BUSY: 'is in use by another process. Stop that one first: one Draftdesk owns one file.',
  SQLITE_NOTADB:
    'is not a SQLite database (or is encrypted). Restore it from a backup, or point DATABASE_URL elsewhere.',
  SQLITE_CORRUPT: 'is damaged. Restore it from a backup; Draftdesk does not start over an old file.',
  SQLITE_READONLY: 'cannot be written. Give the user that runs Draftdesk write access to it and to its folder.',
  SQLITE_CANTOPEN:
    'cannot be opened. Check that the folder exists and that the user that runs Draftdesk may write there.',
  SQLITE_FULL: 'cannot be written: the disk is full. Free some space and start again.',
  SQLITE_IOERR: 'cannot be read or written: the disk reports an I/O error.',
};

function refusal(error: unknown, path: string): Error {
  if (error instanceof DatabaseRefused) return error;
  if (error instanceof Database.SqliteError) {
    const cure = Object.entries(CURES).find(([code]) => error.code.startsWith(code))?.[1];
    return new DatabaseRefused(`${path} ${cure ?? `cannot be used (${error.code})`}`, { cause: error });
  }
  const code = (error as NodeJS.ErrnoException).code;
  if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS' || code === 'ENOTDIR' || code === 'EEXIST') {
    return new DatabaseRefused(`${path} cannot be opened (${code}). Check its folder and the rights on it.`, {
      cause: error,
    });
  }
  return error instanceof Error ? error : new Error(String(error));
}
