import type { UpstreamError } from '../core/errors.ts';
import { covers } from '../core/message-order.ts';
import type { ClaimedJob, JobOutcome, Stage, StoredDraft } from '../core/outbox.ts';
import { askedOf, factsOf, NO_RULES, planTicket, UNRULED } from '../core/rules.ts';
import type { DraftReview } from '../core/ticket.ts';
import { draftReply } from '../drafting/draft-reply.ts';
import { asRevised, reviewDraft } from '../drafting/review-draft.ts';
import { revising } from '../drafting/review-prompt.ts';
import { findEvidence } from './find-evidence.ts';
import type { Material } from './hand-over.ts';
import { modelCalls, tierOf } from './model-calls.ts';
import { restsAs, type Reviewer, type StageDeps, type StageRun } from './stage-run.ts';
import { fetchTicket, helpdeskOf, judge } from './stages.ts';

type Reviewed = Extract<JobOutcome, { kind: 'reviewed' }>;

/** The ticket can do without these: whatever goes wrong, a draft that is paid for gets to its agent. */
export function isOptional(stage: Stage): boolean {
  return stage === 'review' || stage === 'revise';
}

/** A second model judges the draft. */
export async function review(run: StageRun, deps: StageDeps): Promise<JobOutcome> {
  const { job } = run;
  const { reviewer } = deps;
  const draft = draftOf(job);
  if (reviewer === undefined) return goOn(job, null);
  const material = await materialOf(run, deps, reviewer);
  if ('kind' in material) return material;
  const { conversation, evidence, asked, facts } = material;
  const verdict = await reviewDraft({
    conversation,
    team: deps.team,
    draft,
    evidence,
    asked: askedOf(asked, draft.versions?.category ?? null),
    routes: reviewer.routes,
    tier: tierOf(job),
    ...modelCalls(run, facts, deps),
  });
  if (verdict.verdict === 'objected') return { ...goOn(job, verdict), facts, next: 'revise' };
  reviewer.handOver.drop(job.jobId);
  return { ...goOn(job, verdict), facts };
}

/** The draft is written anew, once, after what its review has found. */
export async function revise(run: StageRun, deps: StageDeps): Promise<JobOutcome> {
  const { job } = run;
  const { reviewer, team, routes } = deps;
  const draft = draftOf(job);
  const { review: verdict } = draft;
  if (reviewer === undefined || verdict === null) return goOn(job, null);
  const material = await materialOf(run, deps, reviewer);
  if ('kind' in material) return material;
  const { conversation, evidence, asked, fetchedAt, facts } = material;
  const asking = revising(draft, verdict.problems);
  const request = { conversation, team, evidence, asked, routes, asking, tier: tierOf(job) };
  const made = await draftReply({ ...request, ...modelCalls(run, facts, deps) });
  reviewer.handOver.drop(job.jobId);
  if (made.body === null) return { ...goOn(job, withRemark(verdict, DECLINED)), facts };
  return {
    kind: 'drafted',
    draft: asRevised(made, verdict),
    conversationVersion: conversation.version,
    seenMessageId: conversation.messages.at(-1)?.id ?? null,
    fetchedAt,
    facts,
    next: restsAs(job),
  };
}

/** How the ticket goes on when an optional stage has come to nothing. */
export function withoutReview(run: StageRun, { errorClass, message }: UpstreamError, deps: StageDeps): Reviewed {
  const { job, facts } = run;
  deps.reviewer?.handOver.drop(job.jobId);
  const earlier = job.draft?.review ?? null;
  const model = deps.reviewer?.routes.preferred.model.model ?? '';
  const verdict: DraftReview =
    job.stage === 'revise' && earlier !== null
      ? withRemark(earlier, `The revision did not work: ${message}`)
      : { verdict: 'failed', model, problems: [`The review did not work: ${message}`] };
  return {
    ...goOn(job, verdict),
    failure: { errorClass, error: message },
    ...(facts === undefined ? {} : { facts }),
  };
}

const DECLINED = 'The revision did not work: it came to no reply that may stand.';

function withRemark(verdict: DraftReview, remark: string): DraftReview {
  return { ...verdict, problems: [...verdict.problems, remark] };
}

function goOn(job: ClaimedJob, verdict: DraftReview | null): Reviewed {
  return { kind: 'reviewed', review: verdict, failure: null, next: restsAs(job) };
}

/** An erased one is not claimed: its job has ended. */
function draftOf({ draft, stage }: ClaimedJob): StoredDraft {
  if (draft === null) throw new Error(`a job in stage ${stage} has no draft`);
  return draft;
}

/** What the draft was made from; after a restart it is fetched and searched anew, and may say that the draft is of no use any more. */
async function materialOf(
  run: StageRun,
  deps: StageDeps,
  { handOver }: Reviewer,
): Promise<Material | Extract<JobOutcome, { kind: 'skipped' | 'posted' | 'duplicate' | 'outdated' }>> {
  const { job } = run;
  const known = handOver.find(job.jobId);
  if (known !== null) {
    run.facts = known.facts;
    return known;
  }
  const { conversation, fetchedAt, facts } = await fetchTicket(run, deps);
  const verdict = judge(job, conversation);
  if (verdict !== null) return verdict;
  const newest = conversation.messages.at(-1)?.id ?? null;
  if (!covers(job.draft?.seenMessageId ?? null, newest)) return { kind: 'outdated' };
  // rules that have changed since keep back what is to be drafted, not what is
  const { plan, wish } = planTicket(deps.rules?.() ?? NO_RULES, factsOf(job.helpdesk, conversation));
  const asked = wish === null ? UNRULED : { plan, wish };
  const evidence = await findEvidence(conversation, helpdeskOf(job, deps), deps.knowledge, job.query);
  const material = { conversation, evidence, asked, fetchedAt, facts };
  handOver.keep(job.jobId, material);
  return material;
}
