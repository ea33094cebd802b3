import type { ListedTicket } from '../core/helpdesk.ts';
import type { IngestResult, MissedResult } from '../core/outbox.ts';
import type { IngestParts, prepareIngest, Times } from './ingest.ts';
import { isLive } from './jobs.ts';

/** A ticket changed so shortly after we ended with it was changed by our note: helpdesks keep whole seconds. */
const OWN_WRITE_MS = 2_000;

/** What a sweep finds: tickets that changed and nobody told us. Inside a transaction. */
export function prepareMissed({ jobs, traceparentFor }: IngestParts, ingest: ReturnType<typeof prepareIngest>) {
  const isMissed = (helpdesk: string, { ticketId, updatedAt, open }: ListedTicket): boolean => {
    if (!open) return false;
    const known = jobs.ticketOf(helpdesk, ticketId);
    const current = known === undefined ? undefined : jobs.currentOf(known);
    if (current === undefined) return true;
    return !isLive(current) && updatedAt > current.updatedAt + OWN_WRITE_MS;
  };

  return (helpdesk: string, listed: readonly ListedTicket[], times: Times): MissedResult => {
    const results = listed
      .filter((ticket) => isMissed(helpdesk, ticket))
      .map(({ ticketId, updatedAt }): IngestResult => {
        const key = `sweep:${ticketId}:${updatedAt}`;
        const event = { kind: 'event', ticketId, key, messageId: null, priority: null } as const;
        return ingest({ helpdesk, event, traceparent: traceparentFor({ helpdesk, ticketId, batchId: null }) }, times);
      });
    const count = (wanted: IngestResult): number => results.filter((result) => result === wanted).length;
    return { found: count('accepted'), refused: count('full') };
  };
}
