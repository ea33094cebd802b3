import type { MakeBackup } from '../core/backup.ts';
import type { StoreReport } from '../core/store-report.ts';
import { type AdminApp, adminRoute } from './admin-auth.ts';
import { jsonResponse, streamResponse } from './responses.ts';

export interface BackupDeps {
  readonly makeBackup: MakeBackup;
  /** What the open database is like. */
  readonly inspectStore: () => StoreReport;
}

/** A copy of the database, whole: for operators, and in the audit log. And how it is, for `draftdesk doctor`. */
export function addBackupRoute(app: AdminApp, { makeBackup, inspectStore }: BackupDeps): void {
  adminRoute(app, '/database', { GET: () => jsonResponse(inspectStore()) });
  adminRoute(app, '/backup', {
    POST: async () => {
      const { bytes, stream } = await makeBackup();
      return streamResponse(stream, 'application/vnd.sqlite3', { 'Content-Length': String(bytes) });
    },
  });
}
