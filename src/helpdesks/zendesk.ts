import { UpstreamError } from '../core/errors.ts';
import type { Conversation, Helpdesk, LookRequest, PostLook, PostRequest } from '../core/helpdesk.ts';
import type { Lane } from '../core/ticket.ts';
import { assertTicketId, shaped, since, verdictOn } from './answer.ts';
import type { HelpdeskDeps, HelpdeskModule } from './helpdesk-module.ts';
import { ambiguousPost, type Answer } from './http-call.ts';
import { countPlaceholders, renderNote } from './note-html.ts';
import { createPacedFetch, type PacedCall } from './paced-fetch.ts';
import { limitsOf, publicPostGuard, countedLooks } from './posting.ts';
import { assertUpstreamAllowed } from './settings.ts';
import type { Step } from './turn-line.ts';
import {
  explainZendesk,
  learnZendesk,
  refusedByZendesk,
  type ZendeskBudget,
  ZENDESK_FIXED_LIMITS,
} from './zendesk-errors.ts';
import { createZendeskKnowledge } from './zendesk-knowledge.ts';
import { createZendeskLists } from './zendesk-lists.ts';
import { authorizationOf, ZENDESK_QUESTIONS, type ZendeskSettings, zendeskSettings } from './zendesk-settings.ts';
import { createZendeskSetup } from './zendesk-setup.ts';
import * as shapes from './zendesk-shapes.ts';
import { zendeskWebhookFindings } from './zendesk-webhook-findings.ts';
import {
  createZendeskTickets,
  type FetchedTicket,
  isSettled,
  STAMP_SETTLE_MS,
  type ZendeskRead,
} from './zendesk-tickets.ts';
import { parseZendeskWebhook, zendeskVerifier } from './zendesk-webhook.ts';

const NAME = 'zendesk';

/** After an ambiguous write: stamps have whole seconds, so a late write shows after two (reliability.md §2). */
const AMBIGUOUS_WAIT_MS = 2_500;

/**
 * Requests that a ticket of a batch takes: its comments and the note are a call each, what comes before either is read
 * for up to a hundred tickets at once (332 calls counted for 160 tickets at the limits of a small account).
 */
const REQUESTS_PER_TICKET = 2.1;

export const zendesk: HelpdeskModule<ZendeskSettings> = {
  name: NAME,
  enabledBy: 'ZENDESK_BASE_URL',
  settings: zendeskSettings,
  create: createZendesk,
  webhookSecretIn: 'ZENDESK_WEBHOOK_SECRET',
  webhookSecretBy: 'vendor',
  questions: ZENDESK_QUESTIONS,
  createSetup: createZendeskSetup,
};

function createZendesk(settings: ZendeskSettings, deps: HelpdeskDeps): Helpdesk {
  const { clock } = deps;
  assertUpstreamAllowed(settings.baseUrl, deps);
  const http = { upstream: NAME, fetch: deps.fetch, clock, timeoutMs: deps.timeoutMs, explain: explainZendesk };
  const auth = authorizationOf(settings, http, deps);
  const paced = createPacedFetch<ZendeskBudget>({
    ...http,
    random: deps.random,
    budgets: {
      requests: settings.requestsPerMinute,
      guide: settings.requestsPerMinute,
      knowledge: Math.ceil(settings.requestsPerMinute / 2),
      update: settings.updatesPerMinute,
      ...ZENDESK_FIXED_LIMITS,
    },
    learn: learnZendesk,
    refusedBy: refusedByZendesk,
    waited: deps.waited,
  });
  const tickets = createZendeskTickets(read, deps);
  const listTickets = createZendeskLists(read, clock);
  const guard = publicPostGuard(NAME, deps);
  let ownId: string | null = null;
  const looks = countedLooks((request, signal) => look(request, signal));

  type Call = Omit<PacedCall<ZendeskBudget>, 'url' | 'headers'> & { readonly path: ZendeskRead['path'] };

  /** A token that was refused is renewed once; a 401 has changed nothing. */
  async function call({ path, ...rest }: Call, signal: AbortSignal): Promise<Answer> {
    const root = `${settings.baseUrl}/api/v2`;
    const url = typeof path === 'string' ? root + path : (): string => root + path();
    const send = async (authorization: string): Promise<Answer> =>
      paced.call({ ...rest, url, headers: { authorization } }, signal);
    const header = await auth.header(signal);
    try {
      return await send(header);
    } catch (error) {
      if (!(error instanceof UpstreamError) || error.status !== 401 || !auth.refused(header)) throw error;
      return send(await auth.header(signal));
    }
  }

  function read({ budgets = ['requests'], ...request }: ZendeskRead, signal: AbortSignal): Promise<Answer> {
    return call({ method: 'GET', budgets, ...request }, signal);
  }

  /** Whose notes are ours. `/users/me` answers 200 "Anonymous user" without credentials (row 12). */
  async function learnOwnId(signal: AbortSignal): Promise<string> {
    const { json } = await read({ path: '/users/me.json', step: 'look', lane: 'live' }, signal);
    const { id } = shaped(shapes.meAnswer, json, NAME).user;
    if (id === null || id === undefined)
      throw new UpstreamError('auth', 'zendesk answered as to an anonymous user: the credentials are wrong.', {
        upstream: NAME,
        status: 401,
      });
    ownId = id;
    return id;
  }

  /** The newest hundred comments. Fetched after the ticket: a version must never be newer than what was read. */
  async function fetchThread(
    found: FetchedTicket,
    turn: { readonly step: Step; readonly lane: Lane | undefined },
    signal: AbortSignal,
  ): Promise<shapes.Thread & { readonly omitted: number }> {
    const query = new URLSearchParams({ 'page[size]': '100', sort: '-created_at', include: 'users' });
    const path = `/tickets/${found.ticket.id}/comments.json?${query.toString()}`;
    const { json } = await read({ path, ...turn, aboutTicket: true }, signal);
    const { comments, users, meta } = shaped(shapes.commentsAnswer, json, NAME);
    const thread = shapes.readThread(comments, {
      users: new Map([...found.users, ...users].map((user) => [user.id, user])),
      requesterId: found.ticket.requester_id ?? null,
      ownId: ownId ?? (await learnOwnId(signal)),
    });
    const older = (found.ticket.comment_count ?? 0) - comments.length;
    return { ...thread, omitted: meta?.has_more === true ? Math.max(1, older) : 0 };
  }

  async function conversation(ticketId: string, signal: AbortSignal, lane?: Lane): Promise<Conversation> {
    const turn = { step: 'read', lane } as const;
    const found = tickets.kept(ticketId, lane) ?? (await tickets.fetch(ticketId, turn, signal));
    const { ticket, requester } = found;
    const unavailable = shapes.unavailability(ticket, requester);
    const { messages, ownNotes, omitted } =
      unavailable === null ? await fetchThread(found, turn, signal) : { messages: [], ownNotes: [], omitted: 0 };
    return {
      ticketId,
      subject: ticket.subject ?? '',
      requesterId: ticket.requester_id ?? null,
      requesterName: requester?.name ?? null,
      locale: requester?.locale ?? null,
      traits: shapes.traitsOf(ticket),
      unavailable,
      messages,
      ownNotes,
      omitted,
      version: versionOf(ticket),
    };
  }

  /** `waitedOut`: a stamp whose second is over. */
  async function look(request: LookRequest, signal: AbortSignal, waitedOut?: string): Promise<PostLook> {
    const turn = { step: 'look', lane: request.lane } as const;
    const kept = tickets.kept(request.ticketId, request.lane);
    if (kept !== undefined && !request.ambiguous && confirms(kept, request)) return clearOf(kept);
    // what may be old and says anything else is no verdict
    const alone = request.ambiguous || kept !== undefined;
    const found = await tickets.fetch(request.ticketId, { ...turn, alone }, signal);
    const unavailable = shapes.unavailability(found.ticket, found.requester);
    if (!request.ambiguous) {
      if (unavailable !== null) return { kind: 'unavailable', reason: unavailable };
      if (versionOf(found.ticket) === request.version) return clearOf(found);
    }
    const thread = await fetchThread(found, turn, signal);
    const [own, ...doubles] = thread.ownNotes.filter((note) => note.marker === request.marker);
    for (const { noteId } of doubles)
      deps.alarm('double_note', `zendesk ticket ${request.ticketId} has our note twice; the newer is ${noteId}`);
    if (own !== undefined) return { kind: 'posted', noteId: own.noteId };
    const published = thread.published.find((note) => note.marker === request.marker);
    if (published !== undefined) throw guard.close(request.ticketId, published.noteId);
    if (unavailable !== null) return { kind: 'unavailable', reason: unavailable };
    const verdict = verdictOn(since(thread.messages, request.seenMessageId));
    if (verdict !== null) return verdict;
    if (!request.ambiguous || isSettled(found) || found.ticket.updated_at === waitedOut) return clearOf(found);
    if (!found.timeless || waitedOut !== undefined) throw unsettled();
    // it does not tell its time: a stamp that has stood for so long by our own steady clock is over
    await clock.sleep(STAMP_SETTLE_MS, signal);
    return look(request, signal, found.ticket.updated_at);
  }

  async function postPrivateNote(request: PostRequest, signal: AbortSignal): Promise<{ noteId: string }> {
    assertTicketId(request.ticketId, NAME);
    guard.assertOpen();
    const html = renderNote(request.note);
    const body = {
      ticket: {
        comment: { html_body: html, public: false },
        safe_update: true,
        updated_stamp: request.fence,
        metadata: { draftdesk: request.note.marker },
      },
    };
    const write = call(
      {
        method: 'PUT',
        path: `/tickets/${request.ticketId}.json`,
        body,
        write: true,
        aboutTicket: true,
        budgets: ['update', 'requests'],
        step: 'post',
        lane: request.lane,
        mayStart: request.mayStart,
      },
      signal,
    );
    const { json } = await write.catch((error: unknown) => {
      tickets.forget(request.ticketId, error instanceof UpstreamError && error.errorClass === 'conflict');
      throw error;
    });
    tickets.forget(request.ticketId, false);
    return { noteId: readBack(json, request.ticketId, html) };
  }

  /** Unknown keys are ignored with 200, visibility may be inherited: only the audit tells what was written (row 8). */
  function readBack(json: unknown, ticketId: string, sent: string): string {
    const answer = shapes.updateAnswer.safeParse(json);
    const events = answer.success ? answer.data.audit.events : [];
    const comments = events.filter((event) => event.type === 'Comment');
    const published = comments.find((event) => event.public === true);
    if (published !== undefined) throw guard.close(ticketId, published.id ?? null);
    const written = comments.find((event) => event.public === false);
    if (written?.id === null || written?.id === undefined) throw ambiguousPost(NAME, 'invalid_response');
    const stored = written.html_body ?? written.body;
    if (typeof stored === 'string' && countPlaceholders(stored) < countPlaceholders(sent))
      deps.alarm('placeholders_expanded', `zendesk expanded placeholders in our note on ticket ${ticketId}`);
    return written.id;
  }

  // where Zendesk itself leads: Admin Center, and its page of webhooks
  const adminUrl = `${settings.baseUrl}/admin`;
  return {
    name: NAME,
    ambiguousWaitMs: AMBIGUOUS_WAIT_MS,
    authenticate: zendeskVerifier(settings.webhookSecrets, deps),
    parse: parseZendeskWebhook,
    conversation,
    look: looks.look,
    postPrivateNote,
    listTickets,
    knowledge: createZendeskKnowledge({ read, listTickets, baseUrl: settings.baseUrl, clock }),
    probe: async (signal) => {
      await learnOwnId(signal);
    },
    setup: (signal) =>
      zendeskWebhookFindings(async () => {
        const { json } = await read({ path: '/webhooks?page[size]=100', step: 'look', lane: 'live' }, signal);
        return json;
      }, `${adminUrl}/apps-integrations/webhooks/webhooks`),
    adminUrl: `${adminUrl}/home`,
    ticketUrl: (ticketId) => `${settings.baseUrl}/agent/tickets/${ticketId}`,
    room: () => {
      if (paced.snapshot('requests').pausedUntil !== null) return 0;
      return Math.max(0, paced.room('update') - looks.underWay());
    },
    demand: () => [
      { limit: 'zendesk.updates', perMinute: paced.snapshot('update').inForce, perTicket: 1, perNote: 1 },
      {
        limit: 'zendesk.requests',
        perMinute: paced.snapshot('requests').inForce,
        perTicket: REQUESTS_PER_TICKET,
        perNote: REQUESTS_PER_TICKET / 2,
      },
    ],
    limits: () => limitsOf(clock, paced, { requests: 'requests', updates: 'update' }),
  };
}

/** Two comments within one second share a stamp; the count tells them apart. */
function versionOf(ticket: shapes.ZendeskTicket): string {
  return `${ticket.updated_at}/${ticket.comment_count ?? ''}`;
}

function clearOf({ ticket }: FetchedTicket): PostLook {
  return { kind: 'clear', fence: ticket.updated_at };
}

/**
 * A ticket that was fetched up to a minute ago may say that the note can be written, and nothing else. It does when it
 * is in the very version that the draft was made from: that draft has read all there was at that moment, and whatever
 * has happened since (an agent's answer, a reply, a merge) gave the ticket a newer stamp, because the second of the
 * kept one was over when it was fetched. The write carries the kept stamp and `safe_update`: Zendesk refuses it with
 * 409, nothing is written, and the next look is a fresh one of that ticket alone. So at worst an update is wasted.
 */
function confirms(kept: FetchedTicket, { version }: LookRequest): boolean {
  return versionOf(kept.ticket) === version && shapes.unavailability(kept.ticket, kept.requester) === null;
}

/** A late write within the stamp's own second would pass the fence unseen: wait until that second is over. */
function unsettled(): UpstreamError {
  return new UpstreamError('conflict', 'The ticket changed this very second; looking again shortly.', {
    upstream: NAME,
    retryAfterMs: STAMP_SETTLE_MS,
  });
}
