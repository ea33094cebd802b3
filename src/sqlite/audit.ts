import { desc, lt } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/better-sqlite3';
import type { AuditEntry, AuditLog, AuditRow } from '../core/audit.ts';
import type { Clock } from '../core/clock.ts';
import { RequestError } from '../core/errors.ts';
import type { Connection } from './database.ts';
import { createGroupCommit } from './group-commit.ts';
import { audit } from './schema.ts';

/** The audit log on SQLite. Its writes share transactions with one another, not with the outbox's. */
export function openAuditLog(connection: Connection, clock: Clock): AuditLog {
  const db = drizzle({ client: connection });
  const group = createGroupCommit(connection);
  const insert = connection.prepare<[object], never>(
    `INSERT INTO audit (at, who, role, address, action, subject, outcome, count)
     VALUES (@at, @who, @role, @address, @action, @subject, @outcome, @count)`,
  );
  const finish = connection.prepare('UPDATE audit SET outcome = ?, subject = ? WHERE id = ?');
  const write = (entry: AuditEntry, outcome: string | null, count: number): Promise<string> => {
    const row = { ...entry, at: Math.floor(clock.now()), outcome, count };
    return group.write(() => String(insert.run(row).lastInsertRowid));
  };

  return {
    begin: (entry) => write(entry, null, 1),
    end: (id, { outcome, subject }) => group.write(() => void finish.run(outcome, subject, id)),
    record: async (entry, outcome, count) => void (await write(entry, outcome, count)),
    rows: (limit, cursor) => {
      const rows = db
        .select()
        .from(audit)
        .where(cursor === undefined ? undefined : lt(audit.id, readCursor(cursor)))
        .orderBy(desc(audit.id))
        .limit(limit + 1)
        .all();
      const items = rows.slice(0, limit).map((row): AuditRow => ({ ...row, id: String(row.id) }));
      return { items, nextCursor: rows.length > limit ? (items.at(-1)?.id ?? null) : null };
    },
    drain: () => group.drain(),
  };
}

function readCursor(cursor: string): number {
  if (/^[1-9]\d{0,14}$/.test(cursor)) return Number(cursor);
  throw new RequestError('malformed', 'cursor is not one of ours', {
    fields: [{ path: 'cursor', message: 'take it from nextCursor of an earlier answer' }],
  });
}
