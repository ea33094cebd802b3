import type { Clock } from '../core/clock.ts';
import { type ErrorClass, UpstreamError } from '../core/errors.ts';
import type { Conversation } from '../core/helpdesk.ts';
import { type Completion, type LanguageModel, LanguageModelError, type TokenUsage } from '../core/language-model.ts';
import type { Observer } from '../core/observer.ts';
import type { BudgetRequest, Grant, RateBudget, Refusal } from '../core/rate-budget.ts';
import type { Draft } from '../core/ticket.ts';
import { checkDraft } from './check-draft.ts';
import { messageText } from './message-text.ts';
import { buildPrompt } from './prompt.ts';

/** One call to the model; `errorClass` is null when it brought a usable draft. */
export type CallReport = Omit<Parameters<Observer['llmCall']>[0], 'ticket' | 'model'>;

export interface DraftRequest {
  readonly conversation: Conversation;
  /** The team's own, Markdown; empty when there are none. */
  readonly guidelines: string;
  readonly llm: LanguageModel;
  readonly budget: RateBudget;
  readonly lane: BudgetRequest['lane'];
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Told once about each call that was made, also when it failed. */
  readonly onCall: (call: CallReport) => void;
}

/** How long everybody waits when the server does not say; one 503 that asks for nothing stops its own ticket only. */
const PAUSE_MS = { rate_limited: 2_000, slow_down: 10_000, overloaded: 0 } as const;

/**
 * Asks the model for a reply to a conversation's newest customer message: one call, inside the rate budget. Throws what
 * the budget and the model throw, and `LanguageModelError('invalid_output')` for an answer that is no draft.
 */
export async function draftReply(request: DraftRequest): Promise<Draft> {
  const { conversation, guidelines, budget, lane, signal, clock } = request;
  const { prompt, promptTokens, cut } = buildPrompt(conversation, guidelines);
  const grant = await budget.acquire({ promptTokens, maxOutputTokens: prompt.maxOutputTokens, lane }, signal);
  const startedAt = clock.steady();
  const report = (errorClass: ErrorClass | null, spent: Spent): void =>
    request.onCall({
      errorClass,
      durationMs: clock.steady() - startedAt,
      waitedMs: grant.waitedMs,
      ...(spent.usage ?? NOTHING_USED),
      costUsd: spent.costUsd,
    });
  try {
    const completion = await settled(grant, budget, () => request.llm.complete(prompt, signal));
    const answer = checkDraft(completion, teamText(conversation, guidelines));
    report(null, completion);
    const { model, usage, costUsd } = completion;
    return { ...answer, sources: [], model, ...usage, costUsd, cut };
  } catch (error) {
    if (!(error instanceof LanguageModelError)) {
      report(error instanceof UpstreamError ? error.errorClass : 'internal', { usage: null, costUsd: null });
      throw error;
    }
    report(error.errorClass, error);
    const declined = declinedDraft(error, request.llm.model, cut);
    if (declined !== null) return declined;
    throw error;
  }
}

/** A model or its filter that declines is an answer for the agent, not a failure: it would decline again. */
function declinedDraft(
  { errorClass, usage, costUsd }: LanguageModelError,
  model: string,
  cut: string | null,
): Draft | null {
  if (errorClass !== 'refusal' && errorClass !== 'content_filter') return null;
  const who =
    errorClass === 'refusal' ? 'The model declined to draft a reply' : "The LLM's content filter stopped the draft";
  return {
    body: null,
    finding: `${who}; please read this ticket yourself.`,
    // BCP 47: undetermined
    language: 'und',
    confidence: 0,
    questions: [],
    sources: [],
    model,
    ...(usage ?? NOTHING_USED),
    costUsd,
    cut,
  };
}

interface Spent {
  readonly usage: TokenUsage | null;
  readonly costUsd: number | null;
}

const NOTHING_USED: TokenUsage = { promptTokens: 0, cachedTokens: 0, completionTokens: 0 };

/** Tells the budget what came of a call, however it ends; a server that asks to wait makes everybody wait. */
async function settled(grant: Grant, budget: RateBudget, call: () => Promise<Completion>): Promise<Completion> {
  try {
    const completion = await call();
    settle(grant, completion, null);
    return completion;
  } catch (error) {
    if (!(error instanceof LanguageModelError)) {
      grant.settle();
      throw error;
    }
    const refused = refusalOf(error);
    // neither a number nor a refusal: there may have been no answer at all
    if (refused === null && error.limits === null && error.usage === null) grant.settle();
    else settle(grant, error, refused);
    if (refused !== null) {
      const pauseMs = error.retryAfterMs ?? PAUSE_MS[refused];
      if (pauseMs > 0) budget.pause(pauseMs, refused);
    }
    throw error;
  }
}

function refusalOf({ errorClass }: LanguageModelError): Refusal | null {
  return errorClass === 'rate_limited' || errorClass === 'slow_down' || errorClass === 'overloaded' ? errorClass : null;
}

type Spending = Pick<LanguageModelError, 'usage' | 'limits'>;

function settle(grant: Grant, { usage, limits }: Spending, refused: Refusal | null): void {
  // a server that tells no usage has not used nothing
  const known = usage !== null && usage.promptTokens > 0;
  grant.settle({ limits, ...(known ? { usage } : {}), ...(refused === null ? {} : { refused }) });
}

/** What the team itself has written, without what it quoted: the hosts named there may be linked in a draft. */
function teamText({ messages }: Conversation, guidelines: string): string {
  const answers = messages.filter(({ author }) => author === 'agent').map(({ html }) => messageText(html).text);
  return [guidelines, ...answers].join('\n');
}
