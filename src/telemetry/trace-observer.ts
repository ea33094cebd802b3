import { context, type Link, ROOT_CONTEXT, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import { type AttemptStart, type Observer, silentObserver } from '../core/observer.ts';
import { isOver } from '../core/batch.ts';
import type { BatchSummary } from '../core/ticket-reader.ts';
import { describeLlm } from './metrics-observer.ts';
import { ERROR_TYPE, GEN_AI, MESSAGING, OURS, OUTBOX } from './names.ts';
import { timeOf } from './spans.ts';
import { attemptSpanId, batchPlace, readTraceparent, remoteContext } from './trace-ids.ts';
import { attemptOf, type Tracing, withAttempt } from './tracing.ts';

/** A shorter wait is no wait, ms: it would double the spans and tell nothing. */
const WAIT_MIN_MS = 1;

/** Links to more of the earlier tries than this tell nothing new; a span keeps 128 at most. */
const LINKS_MAX = 16;

/** A state told later than this after the batch was made is no start, but a restart, ms. */
const START_MAX_MS = 60_000;

type BatchLookup = (id: string) => BatchSummary | null;

/**
 * Spans around each try of a job, and for what it waits for. All tries of a ticket go into the trace that its webhook
 * began: the place to go on is in the outbox row, so a restart does not break it. The conventions prefer a link between
 * sender and worker; here one trace is what a person looks for ("why has ticket 5158 no draft?"), one message has one
 * worker at a time, and the trace stays small, so the parent is the sender. Links lead to the earlier tries.
 */
export function createTraceObserver(tracing: Tracing, findBatch: BatchLookup): Observer {
  const { tracer, ids, clock } = tracing;

  const startAttempt = (start: AttemptStart) => {
    const sender = readTraceparent(start.ticket.traceparent);
    const parent = sender === null ? ROOT_CONTEXT : trace.setSpanContext(ROOT_CONTEXT, sender);
    const { jobId, attempt } = start.claim;
    const { queuedMs, ticket } = start;
    const now = clock.now();
    if (queuedMs !== null && queuedMs >= WAIT_MIN_MS) {
      const attributes = { [OURS.stage]: start.stage, [OURS.lane]: start.lane };
      tracer.startSpan('queue.wait', { startTime: timeOf(now - queuedMs), attributes }, parent).end(timeOf(now));
    }
    const links: Link[] = [];
    if (sender !== null) {
      for (let earlier = Math.max(1, attempt - LINKS_MAX); earlier < attempt; earlier += 1) {
        const place = { traceId: sender.traceId, spanId: attemptSpanId(jobId, earlier) };
        links.push({
          context: remoteContext(place, sender.traceFlags),
          attributes: { [OURS.link]: 'earlier attempt', [OURS.deliveryAttempt]: earlier },
        });
      }
    }
    const spanId = attemptSpanId(jobId, attempt, queuedMs === null ? 'rest' : 'whole');
    const attributes = {
      ...OUTBOX,
      [MESSAGING.operation]: 'process',
      [MESSAGING.operationType]: 'process',
      [MESSAGING.messageId]: jobId,
      [MESSAGING.clientId]: start.claim.owner,
      [MESSAGING.conversationId]: `${ticket.helpdesk}/${ticket.ticketId}`,
      [OURS.helpdesk]: ticket.helpdesk,
      [OURS.ticketId]: ticket.ticketId,
      [OURS.stage]: start.stage,
      [OURS.lane]: start.lane,
      [OURS.attempt]: start.number,
      [OURS.deliveryAttempt]: attempt,
      ...(start.batchId === null ? {} : { [OURS.batchId]: start.batchId }),
      ...(queuedMs === null ? {} : { [OURS.queuedMs]: Math.round(queuedMs) }),
    };
    const options = { kind: SpanKind.CONSUMER, attributes, links, startTime: timeOf(now) };
    const span = ids.plan({ spanId }, () => tracer.startSpan('process ticket.outbox', options, parent));
    return { span, inside: withAttempt(trace.setSpan(parent, span), start) };
  };

  const tellWait = (limit: string, waitedMs: number, until: number): void => {
    if (waitedMs < WAIT_MIN_MS || trace.getActiveSpan() === undefined) return;
    const attributes = { [OURS.limit]: limit, [OURS.waitedMs]: Math.round(waitedMs) };
    tracer.startSpan('limiter.wait', { startTime: timeOf(until - waitedMs), attributes }).end(timeOf(until));
  };

  return {
    ...silentObserver,
    during: async (start, work) => {
      const { span, inside } = startAttempt(start);
      try {
        return await context.with(inside, work);
      } finally {
        span.end(timeOf(clock.now()));
      }
    },
    limiterWait: ({ limit, waitedMs }) => tellWait(limit, waitedMs, clock.now()),
    attempt: ({ outcome, errorClass, delayMs }) => {
      const span = trace.getActiveSpan();
      if (span === undefined || attemptOf(context.active()) === undefined) return;
      span.setAttribute(OURS.outcome, outcome);
      if (errorClass !== null) span.setAttribute(ERROR_TYPE, errorClass);
      if (delayMs !== null) span.setAttribute(OURS.retryDelayMs, Math.round(delayMs));
      // what is tried again has not failed (recording-errors of the conventions)
      if (outcome === 'dead') span.setStatus({ code: SpanStatusCode.ERROR });
    },
    llmCall: (call) => {
      const now = clock.now();
      if (call.tier !== 'batch') tellWait('llm', call.waitedMs, now - call.durationMs);
      else {
        const attributes = {
          ...describeLlm(tracing.llm, call.model),
          [GEN_AI.inputTokens]: call.promptTokens,
          [GEN_AI.outputTokens]: call.completionTokens,
          ...(call.errorClass === null ? {} : { [ERROR_TYPE]: call.errorClass }),
        };
        const startTime = timeOf(now - call.durationMs);
        const span = tracer.startSpan(`chat ${call.model}`, { kind: SpanKind.CLIENT, startTime, attributes });
        if (call.errorClass !== null) span.setStatus({ code: SpanStatusCode.ERROR });
        span.end(timeOf(now));
      }
      const tried = trace.getActiveSpan();
      tried?.setAttribute(OURS.waitedMs, Math.round(call.waitedMs));
      if (call.estimatedTokens !== null) tried?.setAttribute(OURS.estimatedTokens, call.estimatedTokens);
      if (call.costUsd !== null) tried?.setAttribute(OURS.costUsd, call.costUsd);
    },
    batch: ({ batchId, state, total, createdAt }) => {
      const place = batchPlace(batchId);
      const now = clock.now();
      const attributes = { [OURS.batchId]: batchId, [OURS.batchSize]: total };
      const begins = (state === 'running' || state === 'canary') && now - createdAt < START_MAX_MS;
      if (begins)
        ids
          .plan(place, () => tracer.startSpan('batch.start', { root: true, attributes, startTime: timeOf(createdAt) }))
          .end(timeOf(now));
      if (!isOver({ state })) return;
      const counts = outcomesOf(findBatch(batchId));
      const parent = trace.setSpanContext(ROOT_CONTEXT, remoteContext(place));
      tracer
        .startSpan('batch.finish', { attributes: { ...attributes, ...counts, [OURS.batchOutcome]: state } }, parent)
        .end();
    },
  };
}

function outcomesOf(batch: BatchSummary | null): Record<string, number> {
  if (batch === null) return {};
  const { posted, accepted, edited, discarded, drafted, dead, cancelled, skipped } = batch.counts;
  return {
    'draftdesk.batch.drafted': posted + accepted + edited + discarded + drafted,
    'draftdesk.batch.failed': dead,
    'draftdesk.batch.cancelled': cancelled,
    'draftdesk.batch.refused': skipped,
  };
}
