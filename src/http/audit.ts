import type { AuditLog, AuditRow } from '../core/audit.ts';
import { type AdminApp, adminRoute } from './admin-auth.ts';
import { openCursor, readQuery, sealCursor } from './input.ts';
import { described } from './operation.ts';
import { jsonResponse } from './responses.ts';
import { auditApi, auditQuery } from './service-api.ts';

/** Cursors of this list fit no other. */
const LIST = { list: 'audit' };

/** Who changed what, newest first. */
export function addAuditRoutes(app: AdminApp, { audit }: { readonly audit: AuditLog }): void {
  adminRoute(app, '/audit', {
    GET: described(auditApi, (c) => {
      const { limit, cursor } = readQuery(c.req, auditQuery);
      const page = audit.rows(limit, openCursor(cursor, LIST));
      return jsonResponse({ items: page.items.map(rowJson), nextCursor: sealCursor(page.nextCursor, LIST) });
    }),
  });
}

function rowJson({ id, at, who, role, address, action, subject, outcome, count }: AuditRow): object {
  return { id, at: new Date(at).toISOString(), who, role, address, action, subject, outcome, count };
}
