import type { ErrorClass } from './errors.ts';
import type { BatchChange } from './outbox.ts';
import type { TicketStatus } from './ticket.ts';

/** Ids that every event about a ticket carries. No subject, no text, no address. */
export interface TicketRef {
  readonly helpdesk: string;
  readonly ticketId: string;
  readonly traceparent: string;
}

/**
 * The one seam that feeds logs, metrics, spans, live progress and tests: one method per business event. Arguments are
 * ids, classes and numbers only. Implementations never throw and never block.
 */
export interface Observer {
  /** A webhook was answered. */
  webhook(event: {
    readonly helpdesk: string;
    readonly outcome: 'accepted' | 'duplicate' | 'ignored' | 'refused';
    readonly status: number;
    readonly reason: string | null;
    readonly ticketId: string | null;
  }): void;
  /** One try of one stage is over. */
  attempt(event: {
    readonly ticket: TicketRef;
    readonly batchId: string | null;
    readonly stage: 'draft' | 'post';
    readonly number: number;
    readonly outcome: 'ok' | 'retry' | 'dead' | 'cancelled' | 'lost';
    readonly errorClass: ErrorClass | null;
    readonly status: number | null;
    readonly durationMs: number;
    /** Until the next try; null when there is none. */
    readonly delayMs: number | null;
  }): void;
  /** One call to the LLM is over. */
  llmCall(event: {
    readonly ticket: TicketRef;
    readonly model: string;
    readonly errorClass: ErrorClass | null;
    readonly durationMs: number;
    /** Time spent waiting for the rate budget. */
    readonly waitedMs: number;
    readonly promptTokens: number;
    readonly cachedTokens: number;
    readonly completionTokens: number;
    readonly costUsd: number | null;
  }): void;
  /** A ticket has reached a status in which it rests. */
  ticketFinished(event: {
    readonly ticket: TicketRef;
    readonly batchId: string | null;
    readonly status: TicketStatus;
    readonly reason: string | null;
    /** From the webhook (or batch) to now. */
    readonly totalMs: number;
  }): void;
  /** Work stopped for one scope: `all`, `llm` or a helpdesk's name. */
  paused(event: { readonly scope: string; readonly reason: string }): void;
  resumed(event: { readonly scope: string; readonly by: 'operator' | 'probe' }): void;
  /** A batch has come to another state; `reason` says why it paused by itself. */
  batch(event: BatchChange): void;
  /** A helpdesk's list was looked through for tickets whose webhook never came; `found` got work. */
  sweep(event: { readonly helpdesk: string; readonly listed: number; readonly found: number }): void;
  /** A person must look: a note came back public, the clock is off, … */
  alarm(event: { readonly kind: string; readonly detail: string }): void;
  service(event: { readonly phase: 'listening' | 'stopping' | 'stopped'; readonly url: string | null }): void;
  /** A fault of our own, scrubbed: where it happened and the error's name. */
  fault(event: { readonly where: string; readonly error: string }): void;
}

/** Tells every event to all of them, in order. */
export function combineObservers(observers: readonly Observer[]): Observer {
  const tell =
    <Name extends keyof Observer>(name: Name) =>
    (event: Parameters<Observer[Name]>[0]): void => {
      for (const observer of observers) (observer[name] as (event: Parameters<Observer[Name]>[0]) => void)(event);
    };
  return {
    webhook: tell('webhook'),
    attempt: tell('attempt'),
    llmCall: tell('llmCall'),
    ticketFinished: tell('ticketFinished'),
    paused: tell('paused'),
    resumed: tell('resumed'),
    batch: tell('batch'),
    sweep: tell('sweep'),
    alarm: tell('alarm'),
    service: tell('service'),
    fault: tell('fault'),
  };
}

/** Hears nothing: for tests and as a base for observers that need one event only. */
export const silentObserver: Observer = {
  webhook: () => undefined,
  attempt: () => undefined,
  llmCall: () => undefined,
  ticketFinished: () => undefined,
  paused: () => undefined,
  resumed: () => undefined,
  batch: () => undefined,
  sweep: () => undefined,
  alarm: () => undefined,
  service: () => undefined,
  fault: () => undefined,
};
