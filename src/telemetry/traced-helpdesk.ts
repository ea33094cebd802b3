import type { Helpdesk } from '../core/helpdesk.ts';
import { OURS } from './names.ts';
import { inSpan } from './spans.ts';
import type { Tracing } from './tracing.ts';

/** Spans around what a ticket costs at its helpdesk: fetch, look, note. */
export function traceHelpdesk(helpdesk: Helpdesk, { tracer }: Tracing): Helpdesk {
  const start = (name: string, ticketId: string) =>
    tracer.startSpan(name, { attributes: { [OURS.helpdesk]: helpdesk.name, [OURS.ticketId]: ticketId } });
  return {
    ...helpdesk,
    conversation: (ticketId, ...rest) =>
      inSpan(start('ticket.fetch', ticketId), () => helpdesk.conversation(ticketId, ...rest)),
    look: (request, signal) => {
      const span = start('ticket.look', request.ticketId);
      return inSpan(span, async () => {
        const found = await helpdesk.look(request, signal);
        span.setAttribute(OURS.look, found.kind);
        return found;
      });
    },
    postPrivateNote: (request, signal) =>
      inSpan(start('note.post', request.ticketId), () => helpdesk.postPrivateNote(request, signal)),
  };
}
