import type { Clock } from '../core/clock.ts';
import { UpstreamError } from '../core/errors.ts';
import type { Lane } from '../core/ticket.ts';
import { assertTicketId, shaped } from './answer.ts';
import { createGathering, type GatherStep } from './gathering.ts';
import type { Answer } from './http-call.ts';
import type { Step } from './turn-line.ts';
import type { ZendeskBudget } from './zendesk-errors.ts';
import * as shapes from './zendesk-shapes.ts';

const NAME = 'zendesk';

/** So many `show_many` takes (https://developer.zendesk.com/api-reference/ticketing/tickets/tickets/#show-multiple-tickets). */
const SHOW_MANY_MAX = 100;

const INCLUDE = 'include=users,comment_count';

export interface FetchedTicket {
  readonly ticket: shapes.ZendeskTicket;
  readonly requester: shapes.ZendeskUser | undefined;
  readonly users: readonly shapes.ZendeskUser[];
  /** The server's own clock when it answered, epoch ms. */
  readonly serverNow: number;
}

/** How a GET of the adapter is made. */
export interface ZendeskRead {
  readonly path: string | (() => string);
  readonly step: Step;
  readonly lane: Lane | undefined;
  /** 404 means that its ticket is gone. */
  readonly aboutTicket?: boolean;
  /** Limits it counts against, the scarcest first; requests only unless told. */
  readonly budgets?: readonly [ZendeskBudget, ...ZendeskBudget[]];
}

export type ZendeskReader = (request: ZendeskRead, signal: AbortSignal) => Promise<Answer>;

export interface TicketTurn {
  readonly step: GatherStep;
  readonly lane: Lane | undefined;
  /** Never together with others: what a joint answer leaves open must not decide. */
  readonly alone?: boolean;
}

export interface ZendeskTickets {
  /** Tickets of a batch come up to a hundred in one call; throws `gone` for one that is not there. */
  fetch(ticketId: string, turn: TicketTurn, signal: AbortSignal): Promise<FetchedTicket>;
}

export function createZendeskTickets(read: ZendeskReader, clock: Clock): ZendeskTickets {
  const together = createGathering<FetchedTicket>({
    upstream: NAME,
    clock,
    maxIds: SHOW_MANY_MAX,
    send: async (ids, step, signal) => {
      const path = (): string => `/tickets/show_many.json?ids=${ids().join(',')}&${INCLUDE}`;
      try {
        return manyOf(await read({ path, step, lane: 'batch' }, signal), clock);
      } catch (error) {
        // each ticket alone may be small enough
        if (error instanceof UpstreamError && error.errorClass === 'response_too_large') return new Map();
        throw error;
      }
    },
  });

  async function single(ticketId: string, { step, lane }: TicketTurn, signal: AbortSignal): Promise<FetchedTicket> {
    const path = `/tickets/${ticketId}.json?${INCLUDE}`;
    const answer = await read({ path, step, lane, aboutTicket: true }, signal);
    const { ticket, users } = shaped(shapes.ticketAnswer, answer.json, NAME);
    if (ticket.id !== ticketId)
      throw new UpstreamError('invalid_response', 'zendesk answered with another ticket.', { upstream: NAME });
    return fetched(ticket, users, serverTime(answer, clock));
  }

  return {
    fetch: async (ticketId, turn, signal) => {
      assertTicketId(ticketId, NAME);
      const joint = turn.lane === 'batch' && turn.alone !== true;
      const found = joint ? await together.ask(ticketId, turn.step, signal) : undefined;
      // alone it is told why it was missing
      return found ?? single(ticketId, turn, signal);
    },
  };
}

/** A ticket whose shape we do not know is left out, so that it does not fail the others. */
function manyOf(answer: Answer, clock: Clock): Map<string, FetchedTicket> {
  const { tickets, users } = shaped(shapes.manyTicketsAnswer, answer.json, NAME);
  const serverNow = serverTime(answer, clock);
  const byId = new Map(users.map((user) => [user.id, user]));
  const found = new Map<string, FetchedTicket>();
  for (const ticket of tickets) {
    if (ticket === null) continue;
    const requester = byId.get(ticket.requester_id ?? '');
    found.set(ticket.id, fetched(ticket, requester === undefined ? [] : [requester], serverNow));
  }
  return found;
}

function fetched(ticket: shapes.ZendeskTicket, users: readonly shapes.ZendeskUser[], serverNow: number): FetchedTicket {
  return { ticket, users, serverNow, requester: users.find((user) => user.id === ticket.requester_id) };
}

function serverTime({ headers }: Answer, clock: Clock): number {
  const date = Date.parse(headers.get('date') ?? '');
  return Number.isNaN(date) ? clock.now() : date;
}
