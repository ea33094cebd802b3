import { isFinal, type TicketStatus } from '../../src/core/ticket.ts';

/** How many tickets are in a final state. */
export const finished = (counts: Record<TicketStatus, number>): number =>
  Object.entries(counts).reduce((sum, [status, n]) => (isFinal(status as TicketStatus) ? sum + n : sum), 0);
