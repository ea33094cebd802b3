import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import Database from 'better-sqlite3';
import { CHECKED_MAX_BYTES } from './inspect.ts';
import { type Disk, watchDisk } from './disk.ts';

export type Connection = Database.Database & {
  readonly disk: Disk;
  /** Sentences for the operator about what was found wrong with a file that can be used all the same. */
  readonly findings: readonly string[];
};

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
  let connection: Database.Database | undefined;
  try {
    if (path !== ':memory:') mkdirSync(dirname(path), { recursive: true });
    const files = lookAtFiles(path);
    connection = new Database(path);
    lock(connection);
    const version = inspect(connection, path, migrations.length);
    makeDurable(connection);
    if (files.size <= CHECKED_MAX_BYTES) assertWhole(connection);
    migrate(connection, migrations.slice(version), options.migrationsFolder);
    assertDurable(connection, path);
    rmSync(birthMark(path), { force: true });
    const findings = markRunning(connection) && !files.hasLog ? [lostLog(path)] : [];
    const disk = watchDisk(connection, path);
    closeInOrder(connection, disk);
    return Object.assign(connection, { disk, findings });
  } catch (error) {
    connection?.close();
    throw refusal(error, path);
  }
}

/** Stands beside a file that is being made for the first time: only then may it be empty. */
function birthMark(path: string): string {
  return `${path}-new`;
}

interface Files {
  /** Bytes; 0 for a new file. */
  readonly size: number;
  /** The write-ahead log is there, whatever is in it. */
  readonly hasLog: boolean;
}

/** Throws `DatabaseRefused` for an empty file that was not left by a first start that broke off. */
function lookAtFiles(path: string): Files {
  if (path === ':memory:') return { size: 0, hasLog: false };
  const file = statSync(path, { throwIfNoEntry: false });
  if (file === undefined) {
    writeFileSync(birthMark(path), '', { flush: true });
    // customers' texts: for nobody else's eyes; the files beside it get the same mode
    writeFileSync(path, '', { mode: 0o600 });
  } else if (file.size === 0 && !['-wal', '-journal', '-new'].some((suffix) => existsSync(path + suffix))) {
    throw new DatabaseRefused(
      `${path} is empty (0 bytes). Restore a backup; or, if there was nothing in it, remove it and start again.`,
    );
  }
  return { size: file?.size ?? 0, hasLog: existsSync(`${path}-wal`) };
}

/** Throws as a damaged file does: SQLite itself would find out only when it needs the page. */
function assertWhole(connection: Database.Database): void {
  const found = connection.pragma('quick_check(1)', { simple: true });
  if (found !== 'ok') throw new Database.SqliteError(String(found), 'SQLITE_CORRUPT');
}

/**
 * Notes in the file itself that it is in use: as long as it says so there is a log beside it. Answers whether it said
 * so already, which means that the last process did not close it.
 */
function markRunning(connection: Database.Database): boolean {
  const before = connection.prepare(`SELECT value FROM meta WHERE key = 'running'`).pluck().get();
  if (before === '1') return true;
  setRunning(connection, '1');
  connection.pragma('wal_checkpoint(PASSIVE)');
  return false;
}

/** `1` while a process has the file open, `0` in a file that was closed, or made as a backup. */
export function setRunning(connection: Database.Database, value: '0' | '1'): void {
  connection
    .prepare(
      `INSERT INTO meta (key, value) VALUES ('running', ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value`,
    )
    .run(value);
}

function closeInOrder(connection: Database.Database, disk: Disk): void {
  const close = connection.close.bind(connection);
  const inOrder = (): Database.Database => {
    if (!connection.open) return connection;
    try {
      if (disk.fault() === null) setRunning(connection, '0');
    } catch {
      // then it counts as not closed in order
    }
    return close();
  };
  Object.defineProperty(connection, 'close', { value: inOrder, configurable: true, writable: true });
}

function lostLog(path: string): string {
  return (
    `${path} was not closed in order, and the ${basename(path)}-wal that belongs to it is missing: what was written ` +
    'last is lost. If you have that file still, stop Draftdesk, put it back and start again.'
  );
}

/** Our one process owns the file: a second one is refused with SQLITE_BUSY instead of corrupting promises. */
function lock(connection: Database.Database): void {
  connection.pragma('busy_timeout = 500');
  connection.pragma('locking_mode = EXCLUSIVE');
}

function makeDurable(connection: Database.Database): void {
  connection.pragma('journal_mode = WAL');
  // WAL alone means NORMAL in this build, which loses acknowledged webhooks in a power cut (reliability.md §0.1).
  connection.pragma('synchronous = FULL');
  connection.pragma('fullfsync = ON');
  connection.pragma('foreign_keys = ON');
  connection.pragma('journal_size_limit = 67108864');
  // what is removed is written over
  connection.pragma('secure_delete = ON');
  connection.pragma('trusted_schema = OFF');
  connection.pragma('cell_size_check = ON');
  connection.pragma('temp_store = MEMORY');
  // KiB. The build's 16,000 fill up with rows that nobody asks for again: 8 MB more after 6,000 tickets, no faster.
  connection.pragma('cache_size = -4000');
}

/** Rewriting takes some 7 ms a MB, in which nothing else is done (reliability.md §d). */
const REWRITTEN_AT_ONCE_MB = 16;

/** Is it small enough to be rewritten at any time? */
export function isSmall(connection: Connection): boolean {
  return sizeMb(connection) <= REWRITTEN_AT_ONCE_MB;
}

function sizeMb(connection: Connection): number {
  const [pages, bytes] = ['page_count', 'page_size'].map((pragma) =>
    Number(connection.pragma(pragma, { simple: true })),
  );
  return ((pages ?? 0) * (bytes ?? 0)) / 1e6;
}

/**
 * Writes the database anew: rows that were moved, before they were removed, have left copies in unused parts of pages,
 * which `secure_delete` does not reach (measured: 1 text in some 10,000). False when the disk refuses.
 */
export function rewriteFile(connection: Connection): boolean {
  try {
    // a large one would not fit into our memory
    if (!isSmall(connection)) connection.pragma('temp_store = FILE');
    connection.exec('VACUUM');
    return truncateLog(connection);
  } catch {
    return false;
  } finally {
    connection.pragma('temp_store = MEMORY');
  }
}

/** Moves the log into the database and cuts it to nothing: older texts lie in it. Not inside a transaction. */
export function truncateLog(connection: Connection): boolean {
  try {
    const [result] = connection.pragma('wal_checkpoint(TRUNCATE)') as { readonly busy: number }[];
    return result?.busy === 0;
  } catch {
    // a disk that is full: the removal itself is safe
    return false;
  }
}

/** The pragma answers 2 on a fresh file whatever is in force, so it is read after the first write only. */
function assertDurable(connection: Database.Database, path: string): void {
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
function inspect(connection: Database.Database, path: string, known: number): number {
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
function migrate(connection: Database.Database, missing: readonly JournalEntry[], migrationsFolder: string): void {
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
  SQLITE_IOERR:
    'cannot be read or written: the disk reports an I/O error. See whether it may be written and what the system log says, then start again.',
};

/** The same from the system, before there is a file that SQLite could open. */
const SYSTEM_CURES: Readonly<Record<string, string | undefined>> = {
  ENOSPC: CURES['SQLITE_FULL'],
  EDQUOT: CURES['SQLITE_FULL'],
  EIO: CURES['SQLITE_IOERR'],
};

/** What the driver or the system says, as a sentence with the path and the cure. */
export function refusal(error: unknown, path: string): Error {
  if (error instanceof DatabaseRefused) return error;
  if (error instanceof Database.SqliteError) {
    const cure = Object.entries(CURES).find(([code]) => error.code.startsWith(code))?.[1];
    return new DatabaseRefused(`${path} ${cure ?? `cannot be used (${error.code})`}`, { cause: error });
  }
  const { code = '' } = error as NodeJS.ErrnoException;
  const cure = SYSTEM_CURES[code];
  if (cure !== undefined) return new DatabaseRefused(`${path} ${cure}`, { cause: error });
  if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS' || code === 'ENOTDIR' || code === 'EEXIST') {
    return new DatabaseRefused(`${path} cannot be opened (${code}). Check its folder and the rights on it.`, {
      cause: error,
    });
  }
  return error instanceof Error ? error : new Error(String(error));
}
