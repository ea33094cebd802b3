import { z } from 'zod';
import type { AuditLog, AuditRow } from '../core/audit.ts';
import { type AdminApp, adminRoute } from './admin-auth.ts';
import { openCursor, pageQuery, readQuery, sealCursor } from './input.ts';
import { jsonResponse } from './responses.ts';

const listSchema = z.strictObject(pageQuery);
/** Cursors of this list fit no other. */
const LIST = { list: 'audit' };

/** Who changed what, newest first. */
export function addAuditRoutes(app: AdminApp, { audit }: { readonly audit: AuditLog }): void {
  adminRoute(app, '/audit', {
    GET: (c) => {
      const { limit, cursor } = readQuery(c.req, listSchema);
      const page = audit.rows(limit, openCursor(cursor, LIST));
      return jsonResponse({ items: page.items.map(rowJson), nextCursor: sealCursor(page.nextCursor, LIST) });
    },
  });
}

function rowJson({ id, at, who, role, address, action, subject, outcome, count }: AuditRow): object {
  return { id, at: new Date(at).toISOString(), who, role, address, action, subject, outcome, count };
}
