import * as z from 'zod';
import type { Conversation } from '../core/helpdesk.ts';
import { type Completion, LanguageModelError } from '../core/language-model.ts';
import type { Draft, DraftReview } from '../core/ticket.ts';
import { type Asker, askModel } from './ask-model.ts';
import { type AnswerContext, parseAnswer, readAs, withoutRefs } from './check-draft.ts';
import { type PrepareOptions, preparePrompt, type TeamSettings } from './prepare-prompt.ts';
import { type JudgedDraft, reviewing } from './review-prompt.ts';

const PROBLEMS_MAX = 5;
const PROBLEM_MAX_CHARACTERS = 500;

const verdictShape = z.object({
  grounded: z.boolean(),
  complete: z.boolean(),
  tone: z.boolean(),
  problems: z.array(z.string()),
});

/** Said where a model objects without a word. */
const UNSAID = {
  grounded: 'The reply states something that stands neither in the ticket nor in what the team has written.',
  complete: 'The reply does not answer everything that was asked.',
  tone: 'The tone or the language of the reply is not right.',
} as const;

export interface ReviewRequest extends Asker, Pick<PrepareOptions, 'evidence' | 'asked'> {
  readonly conversation: Conversation;
  readonly team: TeamSettings;
  /** What is to be judged. */
  readonly draft: JudgedDraft;
}

/**
 * Asks a model whether a draft is grounded, complete and of the right tone, see `askModel`. Throws what that throws, and
 * `LanguageModelError('invalid_output')` for an answer that is no verdict.
 */
export async function reviewDraft({
  conversation,
  team,
  draft,
  evidence = null,
  asked,
  ...asker
}: ReviewRequest): Promise<DraftReview> {
  const prepared = preparePrompt(conversation, team, { evidence, asked, asking: reviewing(draft) });
  const { prompt, promptTokens } = prepared;
  return await askModel(
    {
      prompt,
      promptTokens,
      read: (result) => {
        if (result instanceof LanguageModelError) throw result;
        return readVerdict(result, prepared);
      },
    },
    asker,
  );
}

/** The verdict as plain text, as bounded as the model's other words to the agent. */
function readVerdict(completion: Completion, context: AnswerContext): DraftReview {
  const { grounded, complete, tone, problems } = parseAnswer(verdictShape, completion);
  const judged = { grounded, complete, tone };
  const missed = (['grounded', 'complete', 'tone'] as const).filter((name) => !judged[name]);
  if (missed.length === 0) return { verdict: 'passed', model: completion.model, problems: [] };
  const { read } = readAs(context);
  const told = problems
    .map((problem) => withoutRefs(problem.slice(0, PROBLEM_MAX_CHARACTERS), context.grounding))
    .map((problem) => read(problem).text.replaceAll(/\s+/g, ' '))
    .filter((problem) => problem !== '')
    .slice(0, PROBLEMS_MAX);
  return {
    verdict: 'objected',
    model: completion.model,
    problems: told.length > 0 ? told : missed.map((name) => UNSAID[name]),
  };
}

/** A draft of the second try that says what it was written after. */
export function asRevised(draft: Draft, earlier: DraftReview): Draft {
  return { ...draft, review: { ...earlier, verdict: 'revised' } };
}
