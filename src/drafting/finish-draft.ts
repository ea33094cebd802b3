import { type Completion, LanguageModelError, type TokenUsage } from '../core/language-model.ts';
import type { Draft } from '../core/ticket.ts';
import { checkDraft } from './check-draft.ts';
import type { Placeholders } from './mask.ts';

/** What is known of a draft before its answer comes. */
export interface DraftContext {
  /** `PreparedPrompt.knownText`. */
  readonly knownText: string;
  /** `PreparedPrompt.placeholders`; also missing in what an earlier version has stored. */
  readonly placeholders?: Placeholders | null;
  /** See `Draft.cut`. */
  readonly cut: string | null;
  /** The model that was asked. */
  readonly model: string;
}

/** For calls that tell no usage. */
export const NOTHING_USED: TokenUsage = { promptTokens: 0, cachedTokens: 0, completionTokens: 0 };

/**
 * The second half of a draft: reads what came of the call. Throws the error itself, unless the model or its filter
 * declined: that makes a draft with a finding. Throws `LanguageModelError('invalid_output')` for an answer that is no
 * draft.
 */
export function finishDraft(result: Completion | LanguageModelError, context: DraftContext): Draft {
  const { knownText, placeholders = null, cut, model } = context;
  if (result instanceof LanguageModelError) return declinedDraft(result, { cut, model });
  const answer = checkDraft(result, { knownText, placeholders });
  return { ...answer, sources: [], model: result.model, ...result.usage, costUsd: result.costUsd, cut, review: null };
}

/** A model or its filter that declines is an answer for the agent, not a failure: it would decline again. */
function declinedDraft(error: LanguageModelError, { cut, model }: Pick<DraftContext, 'cut' | 'model'>): Draft {
  const { errorClass, usage, costUsd } = error;
  if (errorClass !== 'refusal' && errorClass !== 'content_filter') throw error;
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
    review: null,
  };
}
