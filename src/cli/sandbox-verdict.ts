import type { ErrorClass } from '../core/errors.ts';
import { isPermanent } from '../core/retry-policy.ts';
import { isFinal, type TicketStatus } from '../core/ticket.ts';
import type { HelpdeskSimulator } from '../sandbox/helpdesk-simulator.ts';
import type { SampleTicket } from '../sandbox/tickets.ts';
import { shown } from './shown.ts';

/** A ticket as handed in. */
export interface Case {
  readonly sample: SampleTicket;
  readonly ticketId: string;
}

/** What the service says became of it. */
export interface Listed {
  readonly ticketId: string;
  readonly status: TicketStatus;
  readonly reason: string | null;
  readonly errorClass: ErrorClass | null;
}

export interface Verdict {
  /** Private notes of ours. */
  readonly notes: number;
  /** Tickets that the service does not know, has not brought to an end, or says are posted and have no note. */
  readonly lost: number;
  /** Tickets with two notes of ours. */
  readonly doubled: number;
  readonly publicComments: number;
  /** What did not end as expected, a sentence each. */
  readonly surprises: readonly string[];
}

/** Of a run in which one request in five fails so many may die, if no retry could have saved them. */
const DEAD_SHARE_MAX = 0.01;

/** From both sides: what the service says, and what the helpdesk has. */
export function judge(
  cases: readonly Case[],
  listed: ReadonlyMap<string, Listed>,
  simulator: HelpdeskSimulator,
  { chaos }: { readonly chaos: boolean },
): Verdict {
  const noteCounts = cases.map(({ ticketId }) => ownNotes(simulator, ticketId));
  const isLost = ({ ticketId }: Case): boolean => {
    const ticket = listed.get(ticketId);
    if (ticket === undefined || !isFinal(ticket.status)) return true;
    return ticket.status === 'posted' && ownNotes(simulator, ticketId) === 0;
  };
  const dead = [...listed.values()].filter(({ status }) => status === 'dead').length;
  const tooManyDead =
    chaos && dead >= cases.length * DEAD_SHARE_MAX ? [`${dead} of ${cases.length} tickets are dead`] : [];
  return {
    notes: noteCounts.reduce((sum, count) => sum + count, 0),
    lost: cases.filter(isLost).length,
    doubled: noteCounts.filter((count) => count > 1).length,
    publicComments: cases.reduce((sum, { ticketId }) => sum + simulator.publicCommentsByBot(ticketId).length, 0),
    surprises: [...tooManyDead, ...cases.flatMap((one) => surpriseOf(one, listed.get(one.ticketId), simulator, chaos))],
  };
}

function surpriseOf(
  { sample, ticketId }: Case,
  ticket: Listed | undefined,
  simulator: HelpdeskSimulator,
  chaos: boolean,
): string[] {
  if (ticket === undefined) return [`ticket ${ticketId} is unknown to the service`];
  const notes = ownNotes(simulator, ticketId);
  const { status, errorClass } = ticket;
  const end = status === 'skipped' ? `skipped:${ticket.reason}` : status;
  const excused = chaos && status === 'dead' && errorClass !== null && isPermanent(errorClass);
  const problems: string[] = [];
  if (!excused && !sample.expect.some((expected) => expected === end))
    problems.push(`ended ${end} (${errorClass ?? '-'}), expected ${sample.expect.join(' or ')}`);
  if (notes > 1) problems.push(`has ${notes} notes`);
  if (status === 'posted' && notes === 0) problems.push('is posted but has no note');
  if (simulator.publicCommentsByBot(ticketId).length > 0) problems.push('has a PUBLIC comment of ours');
  return problems.map((problem) => `ticket ${ticketId} “${shown(sample.subject.slice(0, 40))}” ${problem}`);
}

/** Without what a proxy has sent twice: that is a fault of the simulator's, not the service's. */
function ownNotes(simulator: HelpdeskSimulator, ticketId: string): number {
  return simulator.notes(ticketId).filter(({ resent }) => !resent).length;
}
