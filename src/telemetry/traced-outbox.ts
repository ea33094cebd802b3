import { context, type Link, SpanKind, trace } from '@opentelemetry/api';
import { newTraceparent } from '../core/clock.ts';
import type { Outbox, WorkOrigin } from '../core/outbox.ts';
import { MESSAGING, OURS, OUTBOX } from './names.ts';
import { inSpan } from './spans.ts';
import { batchPlace, remoteContext, writeTraceparent } from './trace-ids.ts';
import type { Tracing } from './tracing.ts';

const NAME = 'send ticket.outbox';

function describe(helpdesk: string, ticketId: string) {
  return {
    ...OUTBOX,
    [MESSAGING.operation]: 'send',
    [MESSAGING.operationType]: 'send',
    [MESSAGING.conversationId]: `${helpdesk}/${ticketId}`,
    [OURS.helpdesk]: helpdesk,
    [OURS.ticketId]: ticketId,
  };
}

/** Stores with each event the place in its trace where its work goes on. */
export function traceOutbox<T extends Outbox>(outbox: T, { tracer }: Tracing): T {
  return {
    ...outbox,
    ingest: (request) => {
      const attributes = describe(request.helpdesk, request.event.ticketId);
      const span = tracer.startSpan(NAME, { kind: SpanKind.PRODUCER, attributes });
      return inSpan(span, async () => {
        const result = await outbox.ingest({ ...request, traceparent: writeTraceparent(span.spanContext()) });
        span.setAttribute(OURS.accepted, result);
        return result;
      });
    },
  };
}

/** Begins the trace of a ticket that no webhook brought; one of a batch links to where the batch began. */
export function traceparentFor({ helpdesk, ticketId, batchId }: WorkOrigin, { tracer }: Tracing): string {
  const links: Link[] = [];
  if (batchId !== null)
    links.push({ context: remoteContext(batchPlace(batchId)), attributes: { [OURS.link]: 'batch' } });
  const attributes = { ...describe(helpdesk, ticketId), ...(batchId === null ? {} : { [OURS.batchId]: batchId }) };
  const span = tracer.startSpan(NAME, { kind: SpanKind.PRODUCER, root: true, attributes, links }, context.active());
  span.end();
  const place = span.spanContext();
  return trace.isSpanContextValid(place) ? writeTraceparent(place) : newTraceparent();
}
