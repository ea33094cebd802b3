import { type Clock, type Random, sha256 } from '../core/clock.ts';
import { EMBEDDED_AT_ONCE, type EmbeddingModel, type Embeddings } from '../core/embedding-model.ts';
import { type ErrorClass, UpstreamError } from '../core/errors.ts';
import type { Observer } from '../core/observer.ts';
import type { RateBudget } from '../core/rate-budget.ts';
import { asUpstreamError, decide, type RetrySettings } from '../core/retry-policy.ts';
import type { SpendGuard } from '../core/spend-guard.ts';
import type { QuestionEmbedder, VectorStore } from '../core/vector-store.ts';
import { settled } from '../drafting/ask-model.ts';
import { createMask } from '../drafting/mask.ts';
import { estimateTokens } from '../drafting/token-estimate.ts';

/** A ticket waits no longer for its question's vector, ms: it can do without. */
const QUESTION_MAX_MS = 2_000;
/** Questions that are remembered, so that the next try of a ticket does not pay again; of 2 kB each. */
const QUESTIONS_KEPT = 500;
/** After a failure no question is asked for so long at first, and at most, ms. */
const REST_MIN_MS = 1_000;
const REST: RetrySettings = { maxAttempts: Number.POSITIVE_INFINITY, baseMs: 5_000, maxMs: 60_000 };

export interface EmbedderOptions {
  readonly model: EmbeddingModel;
  readonly budget: RateBudget;
  readonly spending: Pick<SpendGuard, 'reserve'>;
  /** Puts a cost into the accounts. */
  readonly spend: VectorStore['spend'];
  /** MASK_PERSONAL_DATA: placeholders in the place of personal data, as in prompts. */
  readonly maskPersonalData: boolean;
  readonly clock: Clock;
  readonly random: Random;
  readonly observer: Pick<Observer, 'embedding' | 'fault'>;
}

export interface Embedder extends QuestionEmbedder {
  readonly model: string;
  /** Vectors of texts for the knowledge base, behind the questions of tickets. Throws what the budgets and the model throw. */
  texts(texts: readonly string[], signal: AbortSignal): Promise<readonly Float32Array[]>;
}

/** How an embedding model is called: inside its rate budget and the day's money, questions of tickets first. */
export function createEmbedder(options: EmbedderOptions): Embedder {
  const { model, budget, spending, spend, maskPersonalData, clock, random, observer } = options;
  const remembered = new Map<string, Float32Array>();
  const asking = new Map<string, Promise<Float32Array | null>>();
  let failures = 0;
  let rests: { readonly until: number; readonly errorClass: ErrorClass } | null = null;

  async function call(
    purpose: Parameters<Observer['embedding']>[0]['purpose'],
    given: readonly string[],
    signal: AbortSignal,
  ): Promise<readonly Float32Array[]> {
    const texts = maskPersonalData ? given.map((text) => createMask([]).hide(text)) : given;
    const lane = purpose === 'question' ? 'live' : 'batch';
    const promptTokens = texts.reduce((sum, text) => sum + estimateTokens(text), 0);
    const startedAt = clock.steady();
    let waitedMs = 0;
    const report = (errorClass: ErrorClass | null, spent: Partial<Embeddings> | null): void =>
      observer.embedding({
        model: model.model,
        purpose,
        texts: texts.length,
        errorClass,
        durationMs: clock.steady() - startedAt - waitedMs,
        waitedMs,
        promptTokens: spent?.usage?.promptTokens ?? 0,
        costUsd: spent?.costUsd ?? null,
      });
    const usd = model.costUsd(promptTokens);
    let release = (): void => undefined;
    try {
      release = await spending.reserve({ helpdesk: '', requesterId: null, batchId: null, lane, usd }, signal);
      const grant = await budget.acquire({ promptTokens, maxOutputTokens: 0, lane }, signal);
      waitedMs = grant.waitedMs;
      const answer = await settled(grant, budget, () => model.embed(texts, signal));
      report(null, answer);
      await pay(answer.costUsd);
      return answer.vectors;
    } catch (thrown) {
      const error = signal.aborted ? whyStopped(signal) : asUpstreamError(thrown);
      const spent = 'costUsd' in error ? (error as Partial<Embeddings>) : null;
      report(error.errorClass, spent);
      await pay(spent?.costUsd ?? null);
      throw error;
    } finally {
      release();
    }
  }

  /** What is paid for is used, also when the accounts cannot be written. */
  async function pay(costUsd: number | null): Promise<void> {
    if (costUsd === null || costUsd === 0) return;
    await spend(costUsd).catch((error: unknown) =>
      observer.fault({ where: 'embedding', error: asUpstreamError(error).errorClass }),
    );
  }

  async function ask(text: string): Promise<Float32Array | null> {
    if (rests !== null && clock.steady() < rests.until) {
      observer.embedding({ ...NO_CALL, model: model.model, purpose: 'question', errorClass: rests.errorClass });
      return null;
    }
    const abort = new AbortController();
    const cancel = clock.after(QUESTION_MAX_MS, () => abort.abort(tooLate()));
    try {
      const [vector = null] = await call('question', [text], abort.signal);
      failures = 0;
      rests = null;
      return vector;
    } catch (thrown) {
      rest(asUpstreamError(thrown));
      return null;
    } finally {
      cancel();
    }
  }

  /** While the model is away, tickets do not wait for it one after the other. What is wrong with one text is its own. */
  function rest(error: UpstreamError): void {
    const decision = decide(error, { failures, ambiguousWaitMs: 0 }, REST, random);
    if (decision.kind === 'skip' || (decision.kind === 'dead' && decision.pauseScope === null)) return;
    failures += 1;
    const isStopped = decision.kind === 'dead' || decision.pauseScope !== null;
    const restMs = isStopped ? REST.maxMs : Math.max(REST_MIN_MS, decision.delayMs);
    rests = { until: clock.steady() + restMs, errorClass: error.errorClass };
  }

  return {
    model: model.model,
    space: maskPersonalData ? `${model.space} masked` : model.space,
    texts: (texts, signal) => call('filling', texts.slice(0, EMBEDDED_AT_ONCE), signal),
    question: async (text) => {
      const key = sha256(text);
      const known = remembered.get(key);
      if (known !== undefined) return known;
      const asked = asking.get(key) ?? ask(text).finally(() => asking.delete(key));
      asking.set(key, asked);
      const vector = await asked;
      if (vector !== null) remembered.set(key, vector);
      const [oldest] = remembered.keys();
      if (remembered.size > QUESTIONS_KEPT && oldest !== undefined) remembered.delete(oldest);
      return vector;
    },
  };
}

const NO_CALL = { texts: 0, durationMs: 0, waitedMs: 0, promptTokens: 0, costUsd: null } as const;

function whyStopped({ reason }: AbortSignal): UpstreamError {
  if (reason instanceof UpstreamError) return reason;
  return new UpstreamError('cancelled', 'Stopped while waiting for the embedding model.', { upstream: 'llm' });
}

function tooLate(): UpstreamError {
  return new UpstreamError('timeout', `The embedding model did not answer within ${QUESTION_MAX_MS} ms.`, {
    upstream: 'llm',
  });
}
