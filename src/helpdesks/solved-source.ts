import * as z from 'zod';
import type { Clock } from '../core/clock.ts';
import { UpstreamError } from '../core/errors.ts';
import type { Helpdesk, TicketFilter } from '../core/helpdesk.ts';
import type { SolvedTicket } from '../core/knowledge-base.ts';
import type { KnowledgePage, KnowledgeRead, KnowledgeSource } from '../core/knowledge-source.ts';
import { isPermanent } from '../core/retry-policy.ts';
import { readPlace } from './knowledge-place.ts';

/** Tickets a page: each costs a call or two, and what was read before a crash is read again. */
const CHUNK = 20;
/** Lists lag behind (the export never tells the last minute) and clocks differ: each pass reaches back so far, ms. */
const OVERLAP_MS = 10 * 60_000;
/** Of tickets read lately, so many are remembered: the overlap does not read them twice. */
const KNOWN_MAX = 500;

/** A ticket and the update of it that was listed, epoch ms. */
const seen = z.tuple([z.string(), z.number()]);

const place = z.object({
  /** Tickets updated since, epoch ms. */
  since: z.number(),
  /** When this pass began, epoch ms; null between two passes. */
  startedAt: z.number().nullable(),
  first: z.boolean(),
  /** The list's own cursor. */
  list: z.string().nullable(),
  listed: z.boolean(),
  queue: z.array(seen),
  known: z.array(seen),
});

type Place = z.output<typeof place>;

export interface SolvedSourceOptions {
  /** The helpdesk's name, before each id. */
  readonly name: string;
  readonly clock: Clock;
  readonly listTickets: Helpdesk['listTickets'];
  /** Statuses in which a ticket is done: the first pass asks for those alone. */
  readonly settled: readonly string[];
  /** Takes some tickets up together, as far as the vendor can; what it answers reads one of them. */
  readonly readTickets: (ids: readonly string[], signal: AbortSignal) => Promise<ReadTicket>;
  /** Ids of tickets that have left the list since, where the vendor lists those. */
  readonly removed?: (since: number, signal: AbortSignal) => Promise<readonly string[]>;
}

/** A ticket with what solved it; null where it is none to learn from. Throws `gone` where it is not there. */
export type ReadTicket = (ticketId: string, signal: AbortSignal) => Promise<SolvedTicket | null>;

/**
 * Solved tickets, by when they were last updated. A page is either a page of the list (what is open again goes) or
 * some tickets of it, read one by one.
 */
export function createSolvedSource(options: SolvedSourceOptions): KnowledgeSource<'solved'> {
  const { name, clock } = options;
  const idOf = (ticketId: string): string => `${name}/${ticketId}`;

  async function list(
    at: Place,
    begins: boolean,
    { wanted = () => true, signal }: Pick<KnowledgeRead, 'wanted' | 'signal'>,
  ): Promise<KnowledgePage<SolvedTicket>> {
    const filter: TicketFilter = { updatedSince: at.since, ...(at.first ? { status: options.settled } : {}) };
    const { tickets, nextCursor } = await options.listTickets(filter, at.list, signal);
    const known = new Set(at.known.map(([id, updatedAt]) => `${id} ${updatedAt}`));
    const settled = tickets.filter(
      ({ open, ticketId, updatedAt }) => !open && wanted(ticketId) && !known.has(`${ticketId} ${updatedAt}`),
    );
    const gone = at.first ? [] : tickets.filter(({ open }) => open).map(({ ticketId }) => idOf(ticketId));
    const queue = settled.map(({ ticketId, updatedAt }): [string, number] => [ticketId, updatedAt]);
    const next = { ...at, list: nextCursor, listed: nextCursor === null, queue };
    return pageOf(next, { begins, items: [], gone }, signal);
  }

  async function read(at: Place, since: number, signal: AbortSignal): Promise<KnowledgePage<SolvedTicket>> {
    const chunk = at.queue.slice(0, CHUNK);
    const ids = chunk.map(([id]) => id);
    const found = await readEach(ids, await options.readTickets(ids, signal), signal);
    const recent = chunk.slice(0, found.read).filter(([, updatedAt]) => updatedAt >= (at.startedAt ?? 0) - OVERLAP_MS);
    const known = [...at.known, ...recent].slice(-KNOWN_MAX);
    const next = { ...at, queue: at.queue.slice(found.read), known };
    // an old ticket whose tags were changed is still an old one
    const items = found.items.filter(({ solvedAt }) => (solvedAt ?? since) >= since);
    return pageOf(next, { begins: false, items, gone: found.gone.map(idOf) }, signal);
  }

  async function pageOf(
    at: Place,
    page: Pick<KnowledgePage<SolvedTicket>, 'begins' | 'items' | 'gone'>,
    signal: AbortSignal,
  ): Promise<KnowledgePage<SolvedTicket>> {
    const done = at.listed && at.queue.length === 0;
    if (!done) return { ...page, nextCursor: JSON.stringify(at), done, complete: false };
    const left = at.first ? [] : ((await options.removed?.(at.since, signal)) ?? []);
    const since = (at.startedAt ?? clock.now()) - OVERLAP_MS;
    const known = at.known.filter(([, updatedAt]) => updatedAt >= since);
    const rest: Place = { since, known, startedAt: null, first: false, list: null, listed: false, queue: [] };
    return {
      ...page,
      gone: [...page.gone, ...left.map(idOf)],
      nextCursor: JSON.stringify(rest),
      done,
      complete: false,
    };
  }

  return (request: KnowledgeRead) => {
    const { cursor, since, signal } = request;
    const found = readPlace(place, cursor);
    const resting: Place = found ?? {
      since,
      startedAt: null,
      first: true,
      list: null,
      listed: false,
      queue: [],
      known: [],
    };
    const begins = resting.startedAt === null;
    const at = begins ? { ...resting, startedAt: clock.now() } : resting;
    return at.queue.length > 0 ? read(at, since, signal) : list(at, begins, request);
  };
}

interface ReadTickets {
  /** How many of them, from the first on. */
  readonly read: number;
  readonly items: readonly SolvedTicket[];
  readonly gone: readonly string[];
}

/** When so many fail, and none goes well, it is not the tickets. */
const ALL_FAIL = 3;

/**
 * One ticket that cannot be read holds up no others: what is not there or forbidden is gone, what is answered in no
 * known shape is left as it is. What was read before an error of another kind is kept: where every fifth call fails no
 * twenty would ever go well. Throws the last error when it is not the tickets.
 */
async function readEach(ids: readonly string[], readTicket: ReadTicket, signal: AbortSignal): Promise<ReadTickets> {
  const items: SolvedTicket[] = [];
  const gone: string[] = [];
  let failed = 0;
  let failure: UpstreamError | null = null;
  for (const [read, id] of ids.entries()) {
    try {
      const solved = await readTicket(id, signal);
      if (solved === null) gone.push(id);
      else items.push(solved);
    } catch (error) {
      if (!(error instanceof UpstreamError)) throw error;
      if (!isOfTicket(error)) {
        if (read === 0 || signal.aborted) throw error;
        return { read, items, gone };
      }
      const isGone = error.errorClass === 'gone' || error.errorClass === 'forbidden';
      if (isGone) gone.push(id);
      else failed += 1;
      failure = error;
    }
  }
  if (failure !== null && failed === ids.length && failed >= ALL_FAIL) throw failure;
  return { read: ids.length, items, gone };
}

function isOfTicket({ errorClass }: UpstreamError): boolean {
  return isPermanent(errorClass) || errorClass === 'invalid_response';
}
