import { RequestError } from '../core/errors.ts';
import type { Outbox, TicketActionResult } from '../core/outbox.ts';
import type { AttemptRecord, TicketDetail, TicketSummary } from '../core/ticket.ts';
import type { TicketQuery, TicketReader } from '../core/ticket-reader.ts';
import { type AdminApp, type AdminContext, adminRoute, pathParameter } from './admin-auth.ts';
import { openCursor, readJson, readQuery, sealCursor } from './input.ts';
import { described } from './operation.ts';
import { problemResponse } from './problem.ts';
import { jsonResponse } from './responses.ts';
import { deadLettersQuery, retryDeadSchema, ticketListQuery, ticketsApi } from './tickets-api.ts';

interface TicketDeps {
  readonly outbox: Outbox;
  readonly reader: TicketReader;
}

/** Tickets, their status, and what operators do to them one by one. */
export function addTicketRoutes(app: AdminApp, deps: TicketDeps): void {
  adminRoute(app, '/tickets', {
    GET: described(ticketsApi.list, (c) => {
      const { batch, q, ...query } = readQuery(c.req, ticketListQuery);
      return listTickets(deps.reader, 'tickets', {
        ...query,
        ...(batch === undefined ? {} : { batchId: batch }),
        ...(q === undefined ? {} : { search: q }),
      });
    }),
  });
  adminRoute(app, '/tickets/:helpdesk/:ticketId', {
    GET: described(ticketsApi.get, (c) => jsonResponse(ticketJson(findTicket(deps.reader, refOf(c))))),
  });
  adminRoute(app, '/tickets/:helpdesk/:ticketId/retry', {
    POST: described(ticketsApi.retry, async (c) => {
      const ref = refOf(c);
      const result = await deps.outbox.retryTicket(ref.helpdesk, ref.ticketId);
      return actionResponse(deps.reader, ref, result, 'Only a dead, cancelled or skipped ticket can be retried');
    }),
  });
  adminRoute(app, '/tickets/:helpdesk/:ticketId/post', {
    POST: described(ticketsApi.post, async (c) => {
      const ref = refOf(c);
      const result = await deps.outbox.releaseTicket(ref.helpdesk, ref.ticketId);
      return actionResponse(deps.reader, ref, result, 'Only a drafted ticket can be posted');
    }),
  });
  adminRoute(app, '/dead-letters', {
    GET: described(ticketsApi.deadLetters, (c) =>
      listTickets(deps.reader, 'dead-letters', { ...readQuery(c.req, deadLettersQuery), status: 'dead' }),
    ),
  });
  adminRoute(app, '/dead-letters/retry', {
    POST: described(ticketsApi.retryDead, async (c) =>
      jsonResponse({ retried: await deps.outbox.retryDead(await readJson(c.req, retryDeadSchema)) }, 202),
    ),
  });
}

interface Ref {
  readonly helpdesk: string;
  readonly ticketId: string;
}

function refOf(c: AdminContext): Ref {
  return { helpdesk: pathParameter(c, 'helpdesk'), ticketId: pathParameter(c, 'ticketId') };
}

function listTickets(reader: TicketReader, list: string, { limit, cursor, ...filter }: TicketQuery): Response {
  const scope = { list, ...filter };
  const opened = openCursor(cursor, scope);
  const page = reader.tickets({ ...filter, limit, ...(opened === undefined ? {} : { cursor: opened }) });
  return jsonResponse({ items: page.items.map(summaryJson), nextCursor: sealCursor(page.nextCursor, scope) });
}

function findTicket(reader: TicketReader, { helpdesk, ticketId }: Ref): TicketDetail {
  const ticket = reader.ticket(helpdesk, ticketId);
  if (ticket === null) throw new RequestError('not_found', 'No such ticket is known here.');
  return ticket;
}

function actionResponse(reader: TicketReader, ref: Ref, result: TicketActionResult, rule: string): Response {
  if (result.kind === 'conflict') {
    return problemResponse('conflict', `${rule}; this one is ${result.status}.`, { members: { state: result.status } });
  }
  // An unknown ticket is not found here either.
  return jsonResponse(ticketJson(findTicket(reader, ref)), 202);
}

function iso(epochMs: number): string {
  return new Date(epochMs).toISOString();
}

function summaryJson(ticket: TicketSummary): object {
  return {
    helpdesk: ticket.helpdesk,
    ticketId: ticket.ticketId,
    status: ticket.status,
    reason: ticket.reason,
    batchId: ticket.batchId,
    subject: ticket.subject,
    createdAt: iso(ticket.createdAt),
    updatedAt: iso(ticket.updatedAt),
    errorClass: ticket.errorClass,
    error: ticket.error,
    noteId: ticket.noteId,
    textRemovedAt: ticket.textRemovedAt === null ? null : iso(ticket.textRemovedAt),
    traceId: ticket.traceId,
  };
}

/** `GET /admin/tickets/{helpdesk}/{ticketId}`: named fields only, whatever else the store hands over. */
function ticketJson(ticket: TicketDetail): object {
  const { rule, attempts, draft } = ticket;
  return { ...summaryJson(ticket), rule, attempts: attempts.map(attemptJson), draft: draftJson(draft) };
}

function attemptJson(attempt: AttemptRecord): object {
  return {
    stage: attempt.stage,
    number: attempt.number,
    startedAt: iso(attempt.startedAt),
    durationMs: attempt.durationMs,
    outcome: attempt.outcome,
    errorClass: attempt.errorClass,
    error: attempt.error,
    waitedMs: attempt.waitedMs,
  };
}

function draftJson(draft: TicketDetail['draft']): object | null {
  if (draft === null) return null;
  return {
    version: draft.version,
    body: draft.body,
    finding: draft.finding,
    language: draft.language,
    confidence: draft.confidence,
    sources: draft.sources,
    questions: draft.questions,
    unproven: draft.unproven,
    missing: draft.missing,
    closest: draft.closest,
    versions: draft.versions,
    cut: draft.cut,
    review: draft.review,
    model: draft.model,
    promptTokens: draft.promptTokens,
    cachedTokens: draft.cachedTokens,
    completionTokens: draft.completionTokens,
    costUsd: draft.costUsd,
    createdAt: iso(draft.createdAt),
  };
}
