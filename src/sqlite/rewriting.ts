import { type Connection, isSmall, rewriteFile, truncateLog } from './database.ts';
import type { Times } from './ingest.ts';

/** After old texts were removed the file is rewritten no more often than this, ms: nobody waits for it. */
const EVERY_MS = 24 * 3_600_000;

/** When the database's file is written anew, so that removed texts are gone from all of its bytes. Outside of transactions. */
export function prepareRewriting(connection: Connection) {
  const read = connection.prepare<[string], string>('SELECT value FROM meta WHERE key = ?').pluck();
  const write = connection.prepare(
    'INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value',
  );
  const remove = connection.prepare('DELETE FROM meta WHERE key = ?');
  const timeOf = (key: string): number | null => {
    const value = read.get(key);
    return value === undefined ? null : Number(value);
  };

  const rewrite = ({ wall }: Times): boolean => {
    if (!rewriteFile(connection)) return false;
    write.run('rewritten_at', String(wall));
    remove.run('rewrite_due');
    return true;
  };

  return {
    /** A person was erased. False: the file is too large to be rewritten while others wait; it will be. */
    afterErasure(times: Times): boolean {
      if (isSmall(connection) && rewrite(times)) return true;
      write.run('rewrite_due', String(times.wall));
      truncateLog(connection);
      return false;
    },

    /** Old texts were removed. */
    afterRemoval({ wall }: Times): void {
      const last = timeOf('rewritten_at');
      const due = last === null ? wall : Math.max(wall, last + EVERY_MS);
      write.run('rewrite_due', String(Math.min(due, timeOf('rewrite_due') ?? due)));
      truncateLog(connection);
    },

    /** Nobody waits at this moment. */
    inQuiet(times: Times): void {
      const due = timeOf('rewrite_due');
      if (due !== null && due <= times.wall) rewrite(times);
    },
  };
}
