import type { TicketDetail } from '../core/ticket.ts';
import type { FileRun } from '../file-run.ts';
import type { DraftRecord } from './draft-file.ts';
import type { TicketFile } from './ticket-file.ts';

/** What the answers say about a ticket that has its result. */
export function recordOf(ticketId: string, file: TicketFile, run: FileRun): DraftRecord {
  const place = file.tickets.get(ticketId);
  const ticket = run.ticket(ticketId);
  if (place === undefined || ticket === null) throw new Error(`ticket ${ticketId} is missing`);
  const { attempts, draft: made } = ticket;
  const from = Math.min(...attempts.map(({ startedAt }) => startedAt));
  const to = Math.max(...attempts.map(({ startedAt, durationMs }) => startedAt + durationMs));
  return {
    id: place.id,
    status: ticket.status,
    draft: made?.body ?? null,
    error: whyNoDraft(ticket),
    attempts: attempts.length,
    durationMs: attempts.length === 0 ? 0 : to - from,
    sources: made?.sources ?? [],
    unproven: made?.unproven ?? [],
    versions: made?.versions ?? null,
    review: made?.review ?? null,
  };
}

function whyNoDraft({ status, reason, error, draft: made }: TicketDetail): string | null {
  if (status !== 'skipped') return status === 'dead' ? error : null;
  return made?.finding ?? (reason === 'no_customer_message' ? 'The ticket has no text.' : reason);
}
