import type { Conversation } from '../core/helpdesk.ts';
import type { RouteUse } from '../core/model-routes.ts';
import type { Draft } from '../core/ticket.ts';
import { type Asker, askModel } from './ask-model.ts';
import { type DraftContext, finishDraft } from './finish-draft.ts';
import { type PrepareOptions, preparePrompt, type PreparedPrompt, type TeamSettings } from './prepare-prompt.ts';

export interface DraftRequest extends Asker, PrepareOptions {
  readonly conversation: Conversation;
  readonly team: TeamSettings;
}

/**
 * Asks a model for a reply to a conversation's newest customer message, see `askModel`. Throws what that throws, and
 * `LanguageModelError('invalid_output')` for an answer that is no draft.
 */
export async function draftReply(request: DraftRequest): Promise<Draft> {
  const prepared = preparePrompt(request.conversation, request.team, request);
  const { prompt, promptTokens } = prepared;
  return await askModel(
    { prompt, promptTokens, read: (result, use) => finishDraft(result, contextOf(use, prepared)) },
    request,
  );
}

/** Who wrote a draft in the place of whom stands in the note, beside what was left out. */
function contextOf({ model, standsInFor }: RouteUse, prepared: PreparedPrompt): DraftContext {
  const { knownText, placeholders, grounding, versions, plan, cut } = prepared;
  const standIn =
    standsInFor === null
      ? null
      : `Written by the fallback model ${model.model}, because ${standsInFor} was not available.`;
  const remarks = [cut, standIn].filter((remark) => remark !== null);
  const told = remarks.length === 0 ? null : remarks.join(' ');
  return { knownText, placeholders, grounding, versions, plan, cut: told, model: model.model };
}
