import { UpstreamError } from '../core/errors.ts';
import type { Lane } from '../core/ticket.ts';
import { assertTicketId, shaped } from './answer.ts';
import { createGathering, type GatherStep } from './gathering.ts';
import type { HelpdeskDeps } from './helpdesk-module.ts';
import type { Answer } from './http-call.ts';
import { createPrefetch } from './prefetch.ts';
import type { Step } from './turn-line.ts';
import type { ZendeskBudget } from './zendesk-errors.ts';
import * as shapes from './zendesk-shapes.ts';

const NAME = 'zendesk';

/** So many `show_many` takes (https://developer.zendesk.com/api-reference/ticketing/tickets/tickets/#show-multiple-tickets). */
const SHOW_MANY_MAX = 100;

/** Stamps have whole seconds: what changes in a stamp's own second may leave it as it is. It is over after this, ms. */
export const STAMP_SETTLE_MS = 2_000;

/** Tickets whose write met a conflict and that nobody has asked for again, at most. */
const SUSPECTS_MAX = 200;

const INCLUDE = 'include=users,comment_count';

export interface FetchedTicket {
  readonly ticket: shapes.ZendeskTicket;
  readonly requester: shapes.ZendeskUser | undefined;
  readonly users: readonly shapes.ZendeskUser[];
  /** The server's own clock when it answered, epoch ms. */
  readonly serverNow: number;
  /** It did not tell that: `serverNow` is by our wall clock. */
  readonly timeless: boolean;
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
  /** What an earlier call of the batch lane took along, at most a minute old; gone from here after that. */
  kept(ticketId: string, lane: Lane | undefined): FetchedTicket | undefined;
  /** We have written to it, or tried: what is kept is of no use. After a conflict it is fetched alone once. */
  forget(ticketId: string, conflict: boolean): void;
}

export function createZendeskTickets(
  read: ZendeskReader,
  { clock, upcoming = () => [] }: Pick<HelpdeskDeps, 'clock' | 'upcoming'>,
): ZendeskTickets {
  const ahead = createPrefetch<FetchedTicket>(clock, SHOW_MANY_MAX);
  const suspects = new Set<string>();
  const together = createGathering<FetchedTicket>({ upstream: NAME, clock, maxIds: SHOW_MANY_MAX, send: many });

  /** One call for those who ask and for those who will next. */
  async function many(
    ids: () => readonly string[],
    step: GatherStep,
    signal: AbortSignal,
  ): Promise<ReadonlyMap<string, FetchedTicket>> {
    let asked: readonly string[] = [];
    let company: readonly string[] = [];
    const path = (): string => {
      asked = ids();
      company = ahead.company(asked, (limit) => upcoming(step === 'look' ? 'post' : 'draft', limit));
      return `/tickets/show_many.json?ids=${[...asked, ...company].join(',')}&${INCLUDE}`;
    };
    try {
      const found = manyOf(await read({ path, step, lane: 'batch' }, signal), clock);
      for (const id of company) keep(found.get(id));
      return found;
    } catch (error) {
      if (!(error instanceof UpstreamError) || error.errorClass !== 'response_too_large') throw error;
      // each ticket alone may be small enough
      ahead.tooMany(asked.length + company.length);
      return new Map();
    }
  }

  /** Whatever happens to a kept ticket later must show in its stamp. */
  function keep(found: FetchedTicket | undefined): void {
    if (found === undefined || !isSettled(found) || suspects.has(found.ticket.id)) return;
    ahead.keep(found.ticket.id, found);
  }

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
      const joint = !suspects.delete(ticketId) && turn.lane === 'batch' && turn.alone !== true;
      const found = joint ? await together.ask(ticketId, turn.step, signal) : undefined;
      // alone it is told why it was missing
      return found ?? single(ticketId, turn, signal);
    },
    kept: (ticketId, lane) => {
      const found = ahead.take(ticketId);
      return lane === 'batch' ? found : undefined;
    },
    forget: (ticketId, conflict) => {
      ahead.take(ticketId);
      if (conflict && suspects.size < SUSPECTS_MAX) suspects.add(ticketId);
    },
  };
}

/** A ticket whose shape we do not know is left out, so that it does not fail the others. */
function manyOf(answer: Answer, clock: HelpdeskDeps['clock']): Map<string, FetchedTicket> {
  const { tickets, users } = shaped(shapes.manyTicketsAnswer, answer.json, NAME);
  const time = serverTime(answer, clock);
  const byId = new Map(users.map((user) => [user.id, user]));
  const found = new Map<string, FetchedTicket>();
  for (const ticket of tickets) {
    if (ticket === null) continue;
    const requester = byId.get(ticket.requester_id ?? '');
    found.set(ticket.id, fetched(ticket, requester === undefined ? [] : [requester], time));
  }
  return found;
}

type ServerTime = Pick<FetchedTicket, 'serverNow' | 'timeless'>;

function fetched(ticket: shapes.ZendeskTicket, users: readonly shapes.ZendeskUser[], time: ServerTime): FetchedTicket {
  return { ticket, users, ...time, requester: users.find((user) => user.id === ticket.requester_id) };
}

/** The second of its stamp was over when it was fetched. */
export function isSettled({ ticket, serverNow }: FetchedTicket): boolean {
  return serverNow - Date.parse(ticket.updated_at) >= STAMP_SETTLE_MS;
}

function serverTime({ headers }: Answer, clock: HelpdeskDeps['clock']): ServerTime {
  const date = Date.parse(headers.get('date') ?? '');
  const timeless = Number.isNaN(date);
  return { serverNow: timeless ? clock.now() : date, timeless };
}
