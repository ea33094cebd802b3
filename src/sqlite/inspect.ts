import { existsSync, statSync } from 'node:fs';
import type Database from 'better-sqlite3';
import type { StoreReport } from '../core/store-report.ts';

/** Larger files would hold the event loop for more than 100 ms: 8 ms per 21 MB here. */
export const CHECKED_MAX_BYTES = 256 * 1024 * 1024;

/** What an open database is like; `maxBytes` bounds what is read from end to end. */
export function inspectConnection(connection: Database.Database, maxBytes = CHECKED_MAX_BYTES): StoreReport {
  const pages = Number(connection.pragma('page_count', { simple: true }));
  const bytes = pages * Number(connection.pragma('page_size', { simple: true }));
  const log = `${connection.name}-wal`;
  const check = connection.prepare<[], string>('PRAGMA integrity_check(1)').pluck();
  return {
    path: connection.name,
    bytes,
    walBytes: existsSync(log) ? statSync(log).size : 0,
    tickets: Number(connection.prepare('SELECT count(*) FROM ticket').pluck().get()),
    schema: Number(connection.pragma('user_version', { simple: true })),
    integrity: bytes > maxBytes ? null : (check.get() ?? ''),
  };
}
