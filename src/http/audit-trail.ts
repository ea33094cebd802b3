import type { Next } from 'hono';
import { routePath } from 'hono/route';
import type { AuditEntry, AuditLog } from '../core/audit.ts';
import type { Admin, AdminContext } from './admin-auth.ts';
import { codeOf } from './problem.ts';

/** A request as the audit log shows it: the route's pattern and the ids in the path, never a body. */
export function auditEntry(c: AdminContext, { name, role }: Admin, address: string | null): AuditEntry {
  const route = routePath(c, -1);
  return { who: name, role, address, action: `${c.req.method} ${route}`, subject: idsIn(c.req.path, route) };
}

/**
 * Records the request, then lets it happen, then records how it ended. Throws `OutboxUnavailable` when the first
 * cannot be done: then nothing has happened.
 */
export async function audited(
  c: AdminContext,
  log: {
    readonly audit: AuditLog;
    readonly entry: AuditEntry;
    readonly onFailure: (error: unknown) => void;
    /** Id of what was made, where neither the handler has set it nor the answer's `Location` ends with it. */
    readonly made?: () => string | null;
  },
  next: Next,
): Promise<void> {
  const { audit, entry, onFailure } = log;
  const id = await audit.begin(entry);
  await next();
  const { status, headers } = c.res;
  const outcome = status < 400 ? 'ok' : codeOf(status);
  const made =
    log.made === undefined ? (c.get('made') ?? headers.get('location')?.split('/').at(-1) ?? null) : log.made();
  // it has happened: what the log cannot take changes nothing about the answer
  await audit.end(id, { outcome, subject: entry.subject ?? made }).catch(onFailure);
}

/** What stands where the pattern has names: `zendesk/5158` of `/admin/tickets/:helpdesk/:ticketId/retry`. */
function idsIn(path: string, route: string): string | null {
  const given = path.split('/');
  const ids = route.split('/').flatMap((part, index) => (part.startsWith(':') ? [plain(given[index] ?? '')] : []));
  return ids.length === 0 ? null : ids.join('/');
}

/** Ids are short and plain; whatever else somebody wrote there does not come back out of the log. */
function plain(segment: string): string {
  return segment.slice(0, 100).replaceAll(/[^\w.~@-]/g, '?');
}
