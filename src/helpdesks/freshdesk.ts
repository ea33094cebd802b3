import { UpstreamError } from '../core/errors.ts';
import type { Conversation, Helpdesk, LookRequest, PostLook, PostRequest } from '../core/helpdesk.ts';
import type { Lane } from '../core/ticket.ts';
import { assertTicketId, shaped, since, verdictOn } from './answer.ts';
import {
  explainFreshdesk,
  type FreshdeskBudget,
  type FreshdeskRoute,
  freshdeskTeacher,
  nextPage,
} from './freshdesk-errors.ts';
import { createFreshdeskKnowledge } from './freshdesk-knowledge.ts';
import { createFreshdeskLists } from './freshdesk-lists.ts';
import { FRESHDESK_QUESTIONS, type FreshdeskSettings, freshdeskSettings, givenToken } from './freshdesk-settings.ts';
import { createFreshdeskSetup } from './freshdesk-setup.ts';
import * as shapes from './freshdesk-shapes.ts';
import { parseFreshdeskWebhook } from './freshdesk-webhook.ts';
import type { HelpdeskDeps, HelpdeskModule } from './helpdesk-module.ts';
import { ambiguousPost, type Answer } from './http-call.ts';
import { renderNote } from './note-html.ts';
import { createPacedFetch } from './paced-fetch.ts';
import { limitsOf, publicPostGuard, countedLooks } from './posting.ts';
import { assertUpstreamAllowed } from './settings.ts';
import { secretMatches } from './signature.ts';
import type { Step } from './turn-line.ts';

const NAME = 'freshdesk';

/** `include=conversations` shows so many, from the oldest on (row 15). */
const INCLUDED_ENTRIES = 10;
const PAGE_SIZE = 100;
/** Entries beyond 3,000 are left: nobody reads them, and each page costs a call. */
const MAX_PAGES = 30;
/** Newest entries a conversation is handed on with. */
const MAX_MESSAGES = 100;

/**
 * Credits of a ticket with its conversation. There is nothing to save in bulk: lists hold no conversations and no
 * description unless it is included, at two credits a page, and show no ticket by its id.
 */
const VIEW_CREDITS = 2;
/** A ticket of a batch is viewed twice, for the draft and before the note. */
const CREDITS_PER_TICKET = 2 * VIEW_CREDITS + 1;

export const freshdesk: HelpdeskModule<FreshdeskSettings> = {
  name: NAME,
  enabledBy: 'FRESHDESK_BASE_URL',
  settings: freshdeskSettings,
  create: createFreshdesk,
  webhookSecretIn: 'FRESHDESK_WEBHOOK_TOKEN',
  webhookSecretBy: 'us',
  questions: FRESHDESK_QUESTIONS,
  createSetup: createFreshdeskSetup,
};

interface Turn {
  readonly step: Step;
  readonly lane: Lane | undefined;
}

interface Call {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  readonly path: string;
  readonly route: FreshdeskRoute;
  readonly turn: Turn;
  readonly cost?: number;
  readonly body?: unknown;
  readonly aboutTicket?: boolean;
  readonly mayStart?: (() => boolean) | undefined;
  /** Limits of ours that it counts against besides. */
  readonly within?: readonly FreshdeskBudget[];
}

/** A ticket with all its entries, or with those from some page on. */
interface Fetched {
  readonly ticket: shapes.FreshdeskTicket;
  readonly entries: readonly shapes.FreshdeskConversation[];
}

function createFreshdesk(settings: FreshdeskSettings, deps: HelpdeskDeps): Helpdesk {
  const { clock } = deps;
  assertUpstreamAllowed(settings.baseUrl, deps);
  const rate = settings.requestsPerMinute;
  const paced = createPacedFetch<FreshdeskBudget>({
    upstream: NAME,
    fetch: deps.fetch,
    clock,
    timeoutMs: deps.timeoutMs,
    explain: explainFreshdesk,
    random: deps.random,
    budgets: { account: rate, view: rate, note: rate, list: rate, other: rate, knowledge: Math.ceil(rate / 2) },
    learn: freshdeskTeacher(),
    waited: deps.waited,
  });
  const authorization = `Basic ${Buffer.from(`${settings.apiKey}:X`).toString('base64')}`;
  const guard = publicPostGuard(NAME, deps);
  let ownId: string | null = null;
  const looks = countedLooks(look);
  const listTickets = createFreshdeskLists((path, signal) =>
    call({ method: 'GET', path, route: 'list', turn: { step: 'list', lane: undefined } }, signal),
  );

  function call({ path, route, turn, within = [], ...rest }: Call, signal: AbortSignal): Promise<Answer> {
    const url = `${settings.baseUrl}/api/v2${path}`;
    const write = rest.method !== 'GET';
    const budgets = [route, 'account', ...within] as const;
    return paced.call({ ...rest, ...turn, write, url, headers: { authorization }, budgets }, signal);
  }

  async function learnOwnId(signal: AbortSignal): Promise<string> {
    const turn: Turn = { step: 'look', lane: 'live' };
    const { json } = await call({ method: 'GET', path: '/agents/me', route: 'other', turn }, signal);
    ownId = shaped(shapes.agentAnswer, json, NAME).id;
    return ownId;
  }

  /** Ticket and entries for the fewest credits: the include answers both while the thread is short (row 3). */
  async function fetchTicket(ticketId: string, fromEntry: number, turn: Turn, signal: AbortSignal): Promise<Fetched> {
    assertTicketId(ticketId, NAME);
    const path = `/tickets/${ticketId}?include=conversations`;
    const request: Call = { method: 'GET', path, route: 'view', turn, cost: VIEW_CREDITS, aboutTicket: true };
    const ticket = shaped(shapes.ticketAnswer, (await call(request, signal)).json, NAME);
    if (ticket.id !== ticketId)
      throw new UpstreamError('invalid_response', 'freshdesk answered with another ticket.', { upstream: NAME });
    if (shapes.unavailability(ticket) !== null || ticket.conversations.length < INCLUDED_ENTRIES)
      return { ticket, entries: ticket.conversations };
    const firstPage = Math.floor(Math.max(0, fromEntry - 1) / PAGE_SIZE) + 1;
    return { ticket, entries: await fetchPages(ticketId, firstPage, turn, signal) };
  }

  /** Entries are listed oldest first and nothing tells how many there are: pages are read up to the last. */
  async function fetchPages(
    ticketId: string,
    firstPage: number,
    turn: Turn,
    signal: AbortSignal,
  ): Promise<shapes.FreshdeskConversation[]> {
    const entries: shapes.FreshdeskConversation[] = [];
    for (let page = firstPage; page < firstPage + MAX_PAGES; page++) {
      const path = `/tickets/${ticketId}/conversations?per_page=${PAGE_SIZE}&page=${page}`;
      const answer = await call({ method: 'GET', path, route: 'view', turn, aboutTicket: true }, signal);
      const found = shaped(shapes.conversationsAnswer, answer.json, NAME);
      entries.push(...found);
      if (found.length < PAGE_SIZE && nextPage(answer.headers) === null) break;
      if (found.length === 0) break;
    }
    return entries;
  }

  /** Notes with a marker that our own user wrote: an agent may have copied one. */
  async function ownNotes(
    marked: readonly shapes.MarkedNote[],
    signal: AbortSignal,
  ): Promise<readonly shapes.MarkedNote[]> {
    if (marked.length === 0) return [];
    const own = ownId ?? (await learnOwnId(signal));
    return marked.filter((note) => note.userId === own);
  }

  async function conversation(ticketId: string, signal: AbortSignal, lane?: Lane): Promise<Conversation> {
    const { ticket, entries } = await fetchTicket(ticketId, 0, { step: 'read', lane }, signal);
    const thread = shapes.readThread(ticket, entries);
    return {
      ticketId,
      subject: ticket.subject ?? '',
      requesterId: ticket.requester_id ?? null,
      requesterName: null,
      locale: null,
      traits: shapes.traitsOf(ticket),
      unavailable: shapes.unavailability(ticket),
      messages: thread.messages.slice(-MAX_MESSAGES),
      omitted: Math.max(0, thread.messages.length - MAX_MESSAGES),
      ownNotes: (await ownNotes(thread.marked, signal)).map(({ noteId, marker }) => ({ noteId, marker })),
      version: String(entries.length),
    };
  }

  async function look(request: LookRequest, signal: AbortSignal): Promise<PostLook> {
    const from = request.ambiguous ? 0 : Number(request.version) || 0;
    const { ticket, entries } = await fetchTicket(request.ticketId, from, { step: 'look', lane: request.lane }, signal);
    const thread = shapes.readThread(ticket, entries);
    const own = await ownNotes(thread.marked, signal);
    const [posted, ...doubles] = own.filter((note) => note.marker === request.marker);
    if (posted !== undefined) {
      for (const double of doubles) await withdraw(double.noteId, request, signal);
      return { kind: 'posted', noteId: posted.noteId };
    }
    const wanted = thread.published.filter((note) => note.marker === request.marker);
    const [published] = await ownNotes(wanted, signal);
    if (published !== undefined) throw guard.close(request.ticketId, published.noteId);
    const unavailable = shapes.unavailability(ticket);
    if (unavailable !== null) return { kind: 'unavailable', reason: unavailable };
    const verdict = verdictOn(since(thread.messages, request.seenMessageId));
    return verdict ?? { kind: 'clear', fence: replaceable(thread, own) ?? '' };
  }

  /** Two notes of ours say the same: the newer goes, and is reported. The ticket is served either way. */
  async function withdraw(noteId: string, { ticketId, lane }: LookRequest, signal: AbortSignal): Promise<void> {
    let end = 'was deleted';
    try {
      const path = `/conversations/${noteId}`;
      await call({ method: 'DELETE', path, route: 'note', turn: { step: 'post', lane } }, signal);
    } catch (error) {
      if (!(error instanceof UpstreamError) || signal.aborted) throw error;
      if (error.status !== 404) end = 'could not be deleted';
    }
    deps.alarm('double_note', `freshdesk ticket ${ticketId} had our note twice; the newer, ${noteId}, ${end}`);
  }

  async function postPrivateNote(
    { ticketId, note, fence, lane, mayStart }: PostRequest,
    signal: AbortSignal,
  ): Promise<{ noteId: string }> {
    assertTicketId(ticketId, NAME);
    guard.assertOpen();
    const body = renderNote(note);
    const turn: Turn = { step: 'post', lane };
    const change: Call = { method: 'PUT', path: `/conversations/${fence}`, route: 'note', turn, body: { body } };
    const replaced = fence === '' ? null : await replace(change, signal);
    const path = `/tickets/${ticketId}/notes`;
    const request: Call = {
      method: 'POST',
      path,
      route: 'note',
      turn,
      body: { body, private: true },
      aboutTicket: true,
      mayStart,
    };
    const { json } = replaced ?? (await call(request, signal));
    const written = shapes.noteAnswer.safeParse(json);
    if (written.success && written.data.private === false) throw guard.close(ticketId, written.data.id);
    if (!written.success || written.data.private !== true) throw ambiguousPost(NAME, 'invalid_response');
    return { noteId: written.data.id };
  }

  /** Puts the new draft in the place of the stale one (row 11); null when that note cannot be changed any more. */
  async function replace(change: Call, signal: AbortSignal): Promise<Answer | null> {
    try {
      return await call(change, signal);
    } catch (error) {
      const refused = error instanceof UpstreamError && [400, 403, 404, 405].includes(error.status ?? 0);
      if (refused) return null;
      throw error;
    }
  }

  return {
    name: NAME,
    ambiguousWaitMs: deps.ambiguousPostWaitMs,
    authenticate: ({ headers }) => secretMatches(settings.webhookTokens, givenToken(headers)),
    parse: parseFreshdeskWebhook,
    conversation,
    look: looks.look,
    postPrivateNote,
    listTickets,
    knowledge: createFreshdeskKnowledge({
      read: (request, signal) =>
        call({ ...request, method: 'GET', turn: { step: 'list', lane: 'batch' }, within: ['knowledge'] }, signal),
      listTickets,
      baseUrl: settings.baseUrl,
      clock,
    }),
    probe: async (signal) => {
      await learnOwnId(signal);
    },
    adminUrl: `${settings.baseUrl}/a/admin`,
    ticketUrl: (ticketId) => `${settings.baseUrl}/a/tickets/${ticketId}`,
    room: () => {
      if (paced.snapshot('account').pausedUntil !== null) return 0;
      return Math.max(0, paced.room('note') - looks.underWay());
    },
    demand: () => [
      {
        limit: 'freshdesk.requests',
        perMinute: paced.snapshot('account').inForce,
        perTicket: CREDITS_PER_TICKET,
        perNote: CREDITS_PER_TICKET - VIEW_CREDITS,
      },
      {
        limit: 'freshdesk.views',
        perMinute: paced.snapshot('view').inForce,
        perTicket: 2 * VIEW_CREDITS,
        perNote: VIEW_CREDITS,
      },
    ],
    limits: () => limitsOf(clock, paced, { requests: 'account', updates: 'note' }),
  };
}

/** Our last note, if no agent has answered or touched it since: its draft is stale and nobody's work is lost. */
function replaceable(thread: shapes.Thread, own: readonly shapes.MarkedNote[]): string | null {
  const last = own.at(-1);
  if (last === undefined || (last.editedBy !== null && last.editedBy !== last.userId)) return null;
  const answered = thread.messages.some((message) => message.author === 'agent' && message.createdAt >= last.createdAt);
  return answered ? null : last.noteId;
}
