import type { Grounding } from '../core/grounding.ts';
import { type Completion, LanguageModelError, type TokenUsage } from '../core/language-model.ts';
import { decide, type RulePlan, UNRULED } from '../core/rules.ts';
import type { Draft, DraftVersions } from '../core/ticket.ts';
import { checkDraft } from './check-draft.ts';
import { closestOf } from './ground-answer.ts';
import type { Placeholders } from './mask.ts';

/** What is known of a draft before its answer comes. */
export interface DraftContext {
  /** `PreparedPrompt.knownText`. */
  readonly knownText: string;
  /** `PreparedPrompt.placeholders`; also missing in what an earlier version has stored. */
  readonly placeholders?: Placeholders | null;
  /** `PreparedPrompt.grounding`; missing as above. */
  readonly grounding?: Grounding | null;
  /** `PreparedPrompt.versions`; missing as above. */
  readonly versions?: Omit<DraftVersions, 'model'>;
  /** `PreparedPrompt.plan`; missing as above. */
  readonly plan?: RulePlan;
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
  const { knownText, placeholders = null, grounding = null, plan = UNRULED.plan, cut } = context;
  if (result instanceof LanguageModelError) return declinedDraft(result, context);
  const wantsNoReply = (named: string | null): boolean => decide(plan, named).action === 'finding';
  const { category, ...answer } = checkDraft(result, { knownText, placeholders, grounding, wantsNoReply });
  const { model, usage, costUsd } = result;
  return { ...answer, versions: stampOf(context, model, category), model, ...usage, costUsd, cut, review: null };
}

function stampOf({ versions, plan }: DraftContext, model: string, named: string | null): DraftVersions | null {
  if (versions === undefined) return null;
  if (plan === undefined || plan.version === null) return { ...versions, model };
  const { rule } = decide(plan, named);
  const category = named !== null && Object.hasOwn(plan.byCategory, named) ? named : null;
  return { ...versions, model, rule, ...(Object.keys(plan.byCategory).length === 0 ? {} : { category }) };
}

/** A model or its filter that declines is an answer for the agent, not a failure: it would decline again. */
function declinedDraft(error: LanguageModelError, context: DraftContext): Draft {
  const { grounding = null, cut, model } = context;
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
    unproven: [],
    missing: [],
    closest: grounding === null ? [] : closestOf(grounding),
    versions: stampOf(context, model, null),
    model,
    ...(usage ?? NOTHING_USED),
    costUsd,
    cut,
    review: null,
  };
}
