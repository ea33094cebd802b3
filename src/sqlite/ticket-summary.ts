import { traceIdOf } from '../core/clock.ts';
import type { TicketSummary } from '../core/ticket.ts';
import { job, ticket } from './schema.ts';

/** Of a job joined with its ticket. */
export const summaryColumns = {
  jobId: job.id,
  helpdesk: job.helpdesk,
  ticketId: ticket.ticketId,
  status: job.status,
  reason: job.reason,
  batchId: job.batchId,
  subject: ticket.subject,
  createdAt: job.createdAt,
  updatedAt: job.updatedAt,
  errorClass: job.errorClass,
  error: job.error,
  noteId: job.noteId,
  textRemovedAt: job.textRemovedAt,
  traceparent: job.traceparent,
};

export interface SummaryRow extends Omit<TicketSummary, 'traceId'> {
  readonly jobId: string;
  readonly traceparent: string;
}

export function summarize(row: SummaryRow): TicketSummary {
  return {
    helpdesk: row.helpdesk,
    ticketId: row.ticketId,
    status: row.status,
    reason: row.reason,
    batchId: row.batchId,
    subject: row.subject,
    createdAt: row.createdAt,
    updatedAt: row.updatedAt,
    errorClass: row.errorClass,
    error: row.error,
    noteId: row.noteId,
    textRemovedAt: row.textRemovedAt,
    traceId: traceIdOf(row.traceparent),
  };
}
