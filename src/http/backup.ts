import type { MakeBackup } from '../core/backup.ts';
import { type AdminApp, adminRoute } from './admin-auth.ts';
import { streamResponse } from './responses.ts';

/** A copy of the database, whole: for operators, and in the audit log. */
export function addBackupRoute(app: AdminApp, { makeBackup }: { readonly makeBackup: MakeBackup }): void {
  adminRoute(app, '/backup', {
    POST: async () => {
      const { bytes, stream } = await makeBackup();
      return streamResponse(stream, 'application/vnd.sqlite3', { 'Content-Length': String(bytes) });
    },
  });
}
