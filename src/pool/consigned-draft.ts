import type { BatchResult } from '../core/batch-model.ts';
import type { ConsignedJob } from '../core/consignment.ts';
import { type Completion, LanguageModelError } from '../core/language-model.ts';
import type { ErrorClass } from '../core/errors.ts';
import type { JobOutcome } from '../core/outbox.ts';
import { finishDraft, NOTHING_USED } from '../drafting/finish-draft.ts';
import { preparePrompt } from '../drafting/prepare-prompt.ts';
import type { Packer } from './consignment-packer.ts';
import type { Material } from './hand-over.ts';
import { fateOf, refOf, type StageDeps, type StageRun } from './stage-run.ts';

/** The first half of a draft in the economy lane: its prompt goes into a consignment, its price is reserved. */
export async function consignDraft(
  run: StageRun,
  material: Material,
  deps: StageDeps & { packer: Packer },
): Promise<JobOutcome> {
  const { jobId, helpdesk, batchId, lane } = run.job;
  const { conversation, evidence, asked, fetchedAt, facts } = material;
  if (batchId === null) throw new Error('the economy lane is for batches');
  const prepared = preparePrompt(conversation, deps.team, { evidence, asked });
  const { prompt, promptTokens, knownText, placeholders, grounding, versions, plan, cut } = prepared;
  const { model } = deps.routes.preferred;
  const completionTokens = prompt.maxOutputTokens;
  const most = { promptTokens, cachedTokens: 0, completionTokens };
  const usd = model.costUsd(most, 'batch');
  const request = { helpdesk, requesterId: facts.requesterId, batchId, lane, usd };
  const release = await deps.spending.reserve(request, run.signal);
  const packed = deps.packer.add(batchId, { customId: jobId, prompt });
  run.release = () => {
    release();
    packed.stored();
  };
  return {
    kind: 'consigned',
    consignment: packed.key,
    context: {
      conversationVersion: conversation.version,
      seenMessageId: conversation.messages.at(-1)?.id ?? null,
      fetchedAt,
      startedAt: deps.clock.now() - (deps.clock.steady() - fetchedAt),
      knownText,
      placeholders,
      grounding,
      versions,
      plan,
      cut,
      model: model.model,
      usd,
    },
    facts,
  };
}

/** The second half: what the provider's answer comes to. Throws what makes no draft. */
export function finishConsigned(
  run: StageRun,
  { context, outcome }: Pick<ConsignedJob, 'context'> & Pick<BatchResult, 'outcome'>,
  deps: Pick<StageDeps, 'observer' | 'clock' | 'postFindings' | 'reviewer'>,
): JobOutcome {
  const { job } = run;
  const { usage, costUsd } = outcome;
  if (usage !== null) run.spent = { usage, costUsd, waitedMs: 0 };
  const tell = (errorClass: ErrorClass | null): void =>
    deps.observer.llmCall({
      ticket: refOf(job),
      model: context.model,
      tier: 'batch',
      errorClass,
      durationMs: deps.clock.now() - context.startedAt,
      waitedMs: 0,
      estimatedTokens: null,
      ...(usage ?? NOTHING_USED),
      costUsd,
    });
  const draft = told(() => finishDraft(outcome, context), outcome, tell);
  const { conversationVersion, seenMessageId, fetchedAt } = context;
  const fate = fateOf(draft, job, { plan: context.plan, ...deps });
  return { kind: 'drafted', draft, conversationVersion, seenMessageId, fetchedAt, ...fate };
}

function told<T>(
  finish: () => T,
  outcome: Completion | LanguageModelError,
  tell: (errorClass: ErrorClass | null) => void,
): T {
  try {
    const draft = finish();
    tell(outcome instanceof LanguageModelError ? outcome.errorClass : null);
    return draft;
  } catch (error) {
    tell(error instanceof LanguageModelError ? error.errorClass : 'internal');
    throw error;
  }
}
