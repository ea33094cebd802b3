import { traceIdOf } from '../core/clock.ts';
import { UpstreamError } from '../core/errors.ts';
import type { Conversation, Helpdesk, LookRequest, PostLook } from '../core/helpdesk.ts';
import { covers } from '../core/message-order.ts';
import { createModelRoutes } from '../core/model-routes.ts';
import { factsOf, NO_RULES, planTicket } from '../core/rules.ts';
import type { ClaimedJob, JobOutcome } from '../core/outbox.ts';
import { draftReply } from '../drafting/draft-reply.ts';
import { buildNote } from '../core/note.ts';
import { consignDraft } from './consigned-draft.ts';
import { findEvidence } from './find-evidence.ts';
import type { Material } from './hand-over.ts';
import { modelCalls } from './model-calls.ts';
import { query, wantsQuery } from './query-step.ts';
import { fateOf, refOf, type StageDeps, type StageRun } from './stage-run.ts';

/** Fetch the conversation, ask the model, hand the draft to the outbox. */
export async function draft(run: StageRun, deps: StageDeps): Promise<JobOutcome> {
  const { job } = run;
  const { searcher } = deps;
  const read = searcher?.handOver.find(job.jobId) ?? (await readTicket(run, deps));
  if ('kind' in read) return read;
  run.facts = read.facts;
  const { conversation, asked, fetchedAt, facts } = read;
  const helpdesk = helpdeskOf(job, deps);
  const evidence = await findEvidence(conversation, helpdesk, deps.knowledge, job.query);
  const material = { conversation, evidence, asked, fetchedAt, facts };
  if (searcher !== undefined && job.query === null && wantsQuery(evidence, deps.knowledge)) {
    // the search is made anew
    searcher.handOver.keep(job.jobId, { ...material, evidence: null });
    return await query(run, material, searcher, deps);
  }
  searcher?.handOver.drop(job.jobId);
  const { packer } = deps;
  if (job.tier === 'economy' && packer !== undefined && !run.onTrial) {
    return consignDraft(run, material, { ...deps, packer });
  }
  const made = await draftReply({
    conversation,
    team: deps.team,
    evidence,
    asked,
    // the Batch API has the preferred model only: that another is well says nothing
    routes: run.onTrial ? createModelRoutes([deps.routes.preferred], deps.clock) : deps.routes,
    tier: job.tier === 'flex' ? 'flex' : 'standard',
    ...modelCalls(run, facts, deps),
  });
  const fate = fateOf(made, job, { plan: asked.plan, ...deps });
  if (fate.next === 'review') deps.reviewer?.handOver.keep(job.jobId, material);
  return {
    kind: 'drafted',
    draft: made,
    conversationVersion: conversation.version,
    seenMessageId: conversation.messages.at(-1)?.id ?? null,
    fetchedAt,
    facts,
    ...fate,
  };
}

/** What the ticket holds and what the rules want of it, or what it comes to without a draft. */
async function readTicket(run: StageRun, deps: StageDeps): Promise<Omit<Material, 'evidence'> | JobOutcome> {
  const { job } = run;
  const fetched = await fetchTicket(run, deps);
  const { conversation, facts } = fetched;
  const verdict = judge(job, conversation);
  if (verdict !== null) return verdict.kind === 'duplicate' ? verdict : { ...verdict, facts };
  const { plan, wish } = planTicket(deps.rules?.() ?? NO_RULES, factsOf(job.helpdesk, conversation));
  if (wish !== null) return { ...fetched, asked: { plan, wish } };
  const { otherwise } = plan;
  deps.observer.ruled({ ticket: refOf(job), category: null, ...otherwise });
  return { kind: 'skipped', reason: otherwise.skip ?? 'rule', rule: otherwise.rule, facts };
}

/** The conversation as it is now, and since when that is. */
export async function fetchTicket(
  run: StageRun,
  deps: StageDeps,
): Promise<Pick<Material, 'conversation' | 'fetchedAt' | 'facts'>> {
  const { job, signal } = run;
  const fetchedAt = deps.clock.steady();
  const conversation = await helpdeskOf(job, deps).conversation(job.ticketId, signal, job.lane);
  // one that is closed may be known from a minute ago
  if (conversation.unavailable === null) run.served(fetchedAt);
  const facts = { subject: conversation.subject, requesterId: conversation.requesterId };
  run.facts = facts;
  return { conversation, fetchedAt, facts };
}

/** Reasons not to ask the model, from the conversation alone. */
export function judge(
  job: ClaimedJob,
  conversation: Conversation,
): Extract<JobOutcome, { kind: 'skipped' | 'posted' | 'duplicate' }> | null {
  if (conversation.unavailable !== null) return { kind: 'skipped', reason: conversation.unavailable };
  // Ours already: the outbox was restored from a backup, or its answer was lost before a crash.
  const own = conversation.ownNotes.find((note) => note.marker === job.marker);
  if (own !== undefined) return { kind: 'posted', noteId: own.noteId };
  const asked = conversation.messages.findLast((message) => message.author === 'customer');
  if (asked === undefined) return { kind: 'skipped', reason: 'no_customer_message' };
  const { verify } = job;
  const repeats = verify !== null && covers(verify.seenMessageId, asked.id);
  if (repeats && verify.against === 'posted') return { kind: 'duplicate' };
  if (conversation.messages.at(-1)?.author === 'agent') return { kind: 'skipped', reason: 'answered' };
  if (repeats) return { kind: 'duplicate' };
  return null;
}

/** Look, record the intent, write the note (reliability.md §2). */
export async function post(run: StageRun, deps: StageDeps): Promise<JobOutcome> {
  const { job, signal } = run;
  const helpdesk = helpdeskOf(job, deps);
  if (job.draft === null) throw new Error('a job in stage post has no draft');
  const doubtful = job.postIntendedAt !== null;
  if (job.postIntendedAt !== null) {
    const settleMs = job.postIntendedAt + helpdesk.ambiguousWaitMs - deps.clock.steady();
    if (settleMs > 0) return settleFirst(settleMs);
  }
  const lookedAt = deps.clock.steady();
  const asked: LookRequest = {
    ticketId: job.ticketId,
    marker: job.marker,
    version: job.draft.conversationVersion,
    seenMessageId: job.draft.seenMessageId,
    ambiguous: doubtful,
    lane: job.lane,
  };
  const look = await helpdesk.look(asked, signal);
  if (look.kind === 'posted') return { kind: 'posted', noteId: look.noteId };
  if (look.kind === 'answered') return { kind: 'skipped', reason: 'answered' };
  if (look.kind === 'outdated') return { kind: 'outdated' };
  if (look.kind === 'unavailable') return { kind: 'skipped', reason: look.reason };
  // its person was erased while the note was on its way, and it has not arrived
  if (job.draft.body === null && job.draft.finding === null) return { kind: 'skipped', reason: 'erased' };
  if (!(await deps.outbox.intendPost(job, lookedAt))) throw new LostClaim();
  run.postInDoubt = true;
  const note = buildNote({
    draft: job.draft,
    marker: job.marker,
    replaces: job.earlier?.marker ?? null,
    traceUrl: deps.noteTraceLink?.replaceAll('{traceId}', traceIdOf(job.traceparent)) ?? null,
  });
  try {
    const { noteId } = await helpdesk.postPrivateNote(
      { ticketId: job.ticketId, note, fence: look.fence, lane: job.lane, mayStart: () => deps.outbox.holds(job) },
      signal,
    );
    if (!doubtful) return { kind: 'posted', noteId };
    return { kind: 'posted', noteId: await oldest(noteId, () => helpdesk.look({ ...asked, ambiguous: true }, signal)) };
  } catch (error) {
    run.postInDoubt = !isCleanRefusal(error);
    throw error;
  }
}

/**
 * Once more after a write that follows one in doubt: the earlier may have landed in between. The adapter keeps the older
 * note and reports the other; that the look fails makes the note no less posted.
 */
async function oldest(noteId: string, look: () => Promise<PostLook>): Promise<string> {
  try {
    const found = await look();
    return found.kind === 'posted' ? found.noteId : noteId;
  } catch (error) {
    if (error instanceof UpstreamError && error.errorClass === 'posted_public') throw error;
    return noteId;
  }
}

/** The helpdesk said no before it wrote anything. */
function isCleanRefusal(error: unknown): boolean {
  return (
    error instanceof UpstreamError &&
    error.errorClass !== 'ambiguous_post' &&
    error.errorClass !== 'cancelled' &&
    error.errorClass !== 'posted_public'
  );
}

/** A write of an earlier life may still land: come back when it has, without counting that as a failure. */
function settleFirst(delayMs: number): JobOutcome {
  return {
    kind: 'retry',
    delayMs,
    countsAsAttempt: false,
    postInDoubt: true,
    errorClass: 'ambiguous_post',
    error: 'An earlier write of this note may still land; looking again when it must have.',
  };
}

/** The job was cancelled or taken over between look and write. */
export class LostClaim extends Error {
  override readonly name = 'LostClaim';
}

export function helpdeskOf(job: ClaimedJob, deps: StageDeps): Helpdesk {
  const helpdesk = deps.helpdesks.get(job.helpdesk);
  if (helpdesk === undefined) throw new Error(`no helpdesk ${job.helpdesk}`);
  return helpdesk;
}
