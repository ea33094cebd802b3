import type { MakeBackup } from '../core/backup.ts';
import type { StoreReport } from '../core/store-report.ts';
import { type AdminApp, adminRoute } from './admin-auth.ts';
import { described } from './operation.ts';
import { jsonResponse, streamResponse } from './responses.ts';
import { databaseApi } from './service-api.ts';

export interface BackupDeps {
  readonly makeBackup: MakeBackup;
  /** What the open database is like. */
  readonly inspectStore: () => StoreReport;
}

/** A copy of the database, whole: for operators, and in the audit log. And how it is, for `draftdesk doctor`. */
export function addBackupRoute(app: AdminApp, { makeBackup, inspectStore }: BackupDeps): void {
  adminRoute(app, '/database', { GET: described(databaseApi.inspect, () => jsonResponse(inspectStore())) });
  adminRoute(app, '/backup', {
    POST: described(databaseApi.backup, async () => {
      const { bytes, stream } = await makeBackup();
      return streamResponse(stream, 'application/vnd.sqlite3', { 'Content-Length': String(bytes) });
    }),
  });
}
