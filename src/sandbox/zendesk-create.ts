import type { Context } from 'hono';
import type { Clock } from '../core/clock.ts';
import type { SimulatorEnv } from './faults.ts';
import { originOf } from './helpdesk-simulator.ts';
import { escapeHtml } from './html.ts';
import { ticketJson, type ZendeskAccount } from './zendesk-account.ts';
import type { ZendeskEmit } from './zendesk-people.ts';

interface World {
  readonly account: ZendeskAccount;
  readonly emit: ZendeskEmit;
  readonly options: { readonly clock: Clock };
}

interface NewTicketFields {
  readonly subject?: string;
  readonly comment?: { readonly body?: string };
  readonly tags?: readonly string[];
  readonly requester?: { readonly name: string; readonly email: string };
  readonly requester_id?: number;
  readonly submitter_id?: number;
}

/**
 * `POST /api/v2/tickets`. "The submitter always becomes the author of the first comment"; who that is unless told is not
 * documented: the API's user, which is the harder case for a client.
 */
export async function createTicket(
  c: Context<{ Bindings: SimulatorEnv }>,
  { account, emit, options }: World,
): Promise<Response> {
  const { ticket: fields } = await c.req.json<{ ticket?: NewTicketFields }>();
  if (fields?.comment?.body === undefined) {
    const details = { base: [{ description: 'Description: cannot be blank' }] };
    return c.json({ error: 'RecordInvalid', description: 'Record validation errors', details }, 422);
  }
  const requesterId =
    fields.requester === undefined ? (fields.requester_id ?? account.botId) : account.endUser(fields.requester).id;
  const submitterId = fields.submitter_id ?? account.botId;
  const created = account.createTicket({
    subject: fields.subject ?? '',
    requesterId,
    tags: fields.tags ?? [],
    channel: 'api',
  });
  const comment = account.addComment(created, {
    authorId: submitterId,
    updaterId: account.botId,
    html: `<p>${escapeHtml(fields.comment.body)}</p>`,
    public: true,
    channel: 'api',
  });
  emit('ticket.created', created, comment);
  emit('ticket.comment_added', created, comment);
  emit('trigger', created, comment);
  const ticket = { ...ticketJson(created, originOf(c), options.clock), submitter_id: submitterId };
  return c.json({ ticket }, 201);
}

/** `DELETE /api/v2/tickets/{id}` */
export function deleteTicket(c: Context<{ Bindings: SimulatorEnv }>, { account, emit }: World): Response {
  const ticket = account.visible(Number(c.req.param('id')));
  if (ticket === undefined) return c.json({ error: 'RecordNotFound', description: 'Not found' }, 404);
  ticket.status = 'deleted';
  account.touch(ticket);
  emit('ticket.soft_deleted', ticket);
  return c.body(null, 204);
}
