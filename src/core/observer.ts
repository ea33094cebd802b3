import type { SourceProgress } from './knowledge-sync.ts';
import type { ErrorClass } from './errors.ts';
import type { PriceTier } from './language-model.ts';
import type { BatchChange, Claim, Stage } from './outbox.ts';
import type { Decision } from './rules.ts';
import type { Lane, TicketStatus } from './ticket.ts';

/** Ids that every event about a ticket carries. No subject, no text, no address. */
export interface TicketRef {
  readonly helpdesk: string;
  readonly ticketId: string;
  readonly traceparent: string;
}

/** One try of one stage that begins. */
export interface AttemptStart {
  readonly ticket: TicketRef;
  readonly claim: Claim;
  readonly stage: Stage;
  /** 1-based: which try of this stage. */
  readonly number: number;
  readonly lane: Lane;
  readonly batchId: string | null;
  /** How long it has waited for a worker, ms; null when it goes on after the provider's Batch API. */
  readonly queuedMs: number | null;
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
  /**
   * Runs one try of one stage. Whoever follows work through the process does so around it: what happens inside, also of
   * the events below, belongs to this try. Answers what `work` answers, always and only after it.
   */
  during<T>(start: AttemptStart, work: () => Promise<T>): Promise<T>;
  /** A call to an upstream has waited for its turn, so that a limit of ours is kept. The LLM's is in `llmCall`. */
  limiterWait(event: { readonly limit: string; readonly waitedMs: number }): void;
  /** One try of one stage is over. */
  attempt(event: {
    readonly ticket: TicketRef;
    readonly batchId: string | null;
    readonly stage: Stage;
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
    readonly tier: PriceTier;
    readonly errorClass: ErrorClass | null;
    readonly durationMs: number;
    /** Time spent waiting for the rate budget. */
    readonly waitedMs: number;
    /** What the rate budget was asked for; null where it was not asked. */
    readonly estimatedTokens: number | null;
    readonly promptTokens: number;
    readonly cachedTokens: number;
    readonly completionTokens: number;
    readonly costUsd: number | null;
  }): void;
  /**
   * One call to the embedding model is over, or there was none: with `question` and an error class a search goes on
   * without a vector.
   */
  embedding(event: {
    readonly model: string;
    readonly purpose: 'question' | 'filling';
    /** 0: no call was made, because one has failed a moment ago. */
    readonly texts: number;
    readonly errorClass: ErrorClass | null;
    readonly durationMs: number;
    /** Time spent waiting for the rate budget. */
    readonly waitedMs: number;
    readonly promptTokens: number;
    readonly costUsd: number | null;
  }): void;
  /** Rules have decided about a ticket; `category` is what the model has named. */
  ruled(event: { readonly ticket: TicketRef; readonly category: string | null } & Decision): void;
  /** The rules were read anew, or could not be: then those before are still in force. */
  rulesRead(event: {
    /** Of those in force now. */
    readonly version: string | null;
    readonly rules: number;
    readonly problems: readonly string[];
  }): void;
  /** A source of knowledge was read to its end, and something of it was new, changed or gone. */
  knowledgeRead(
    event: Pick<SourceProgress, 'source' | 'kind' | 'imported' | 'updated' | 'removed'> & {
      readonly durationMs: number;
    },
  ): void;
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

/** What is only told, and answers nothing. */
type Event = Exclude<keyof Observer, 'during'>;

/** Tells every event to all of them, in order; the first is the outermost around a try. */
export function combineObservers(observers: readonly Observer[]): Observer {
  const tell =
    <Name extends Event>(name: Name) =>
    (event: Parameters<Observer[Name]>[0]): void => {
      for (const observer of observers) (observer[name] as (event: Parameters<Observer[Name]>[0]) => void)(event);
    };
  return {
    during: (start, work) => observers.reduceRight((inner, observer) => () => observer.during(start, inner), work)(),
    webhook: tell('webhook'),
    limiterWait: tell('limiterWait'),
    attempt: tell('attempt'),
    llmCall: tell('llmCall'),
    embedding: tell('embedding'),
    ruled: tell('ruled'),
    rulesRead: tell('rulesRead'),
    knowledgeRead: tell('knowledgeRead'),
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
  during: (_, work) => work(),
  webhook: () => undefined,
  limiterWait: () => undefined,
  attempt: () => undefined,
  llmCall: () => undefined,
  embedding: () => undefined,
  ruled: () => undefined,
  rulesRead: () => undefined,
  knowledgeRead: () => undefined,
  ticketFinished: () => undefined,
  paused: () => undefined,
  resumed: () => undefined,
  batch: () => undefined,
  sweep: () => undefined,
  alarm: () => undefined,
  service: () => undefined,
  fault: () => undefined,
};
