import type { MainStage } from '../core/outbox.ts';
import type { Connection } from './database.ts';

/** Tickets of running batches that wait for a worker in this stage, in the order claims hand them out; no retried drafts. */
export function prepareUpcoming(connection: Connection) {
  // drafts of the economy lane are bought by the thousand: no worker will ask for them
  const batchesOf = connection
    .prepare<[string, MainStage], string>(
      `SELECT id FROM batch WHERE helpdesk = ? AND state IN ('canary', 'running') AND (? = 'post' OR lane <> 'economy')
       ORDER BY id`,
    )
    .pluck();
  const waitingOf = connection
    .prepare<[string, MainStage, 0 | 1, number, number], string>(
      `SELECT ticket.ticket_id FROM job JOIN ticket ON ticket.id = job.ticket
       WHERE job.due_at IS NOT NULL AND job.lane = 1 AND job.batch_id = ? AND job.stage = ?
         AND (job.attempt = 0) = ? AND job.due_at <= ?
       ORDER BY job.due_at LIMIT ?`,
    )
    .pluck();

  return (helpdesk: string, stage: MainStage, { limit, now }: { limit: number; now: number }): string[] => {
    const found: string[] = [];
    for (const id of batchesOf.all(helpdesk, stage)) {
      found.push(...waitingOf.all(id, stage, stage === 'draft' ? 1 : 0, now, limit - found.length));
      if (found.length >= limit) break;
    }
    return found;
  };
}
