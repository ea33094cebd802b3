import type { Clock } from '../core/clock.ts';
import type { Helpdesk } from '../core/helpdesk.ts';
import type { KnowledgeBase } from '../core/knowledge-base.ts';
import type { ModelRoutes } from '../core/model-routes.ts';
import type { Observer, TicketRef } from '../core/observer.ts';
import type { ClaimedJob, JobOutcome, Outbox, Spent, TicketFacts } from '../core/outbox.ts';
import { decide, type RulePlan, type RuleSet, UNRULED } from '../core/rules.ts';
import type { SpendGuard } from '../core/spend-guard.ts';
import type { Draft } from '../core/ticket.ts';
import type { TeamSettings } from '../drafting/prepare-prompt.ts';
import type { Packer } from './consignment-packer.ts';
import type { HandOver } from './hand-over.ts';

/** Who judges drafts before they go on (REVIEW_MODEL). */
export interface Reviewer {
  /** One model, which never rests. */
  readonly routes: ModelRoutes;
  readonly handOver: HandOver;
}

/** Who says what to look for where little is known (QUERY_MODEL). */
export interface Searcher {
  /** One model, which never rests. */
  readonly routes: ModelRoutes;
  readonly handOver: HandOver;
}

export interface StageDeps {
  readonly helpdesks: ReadonlyMap<string, Helpdesk>;
  readonly routes: ModelRoutes;
  readonly spending: SpendGuard;
  readonly outbox: Pick<Outbox, 'intendPost' | 'holds' | 'storeFault'>;
  readonly clock: Clock;
  readonly observer: Observer;
  readonly team: TeamSettings;
  /** What the team has written; not given: drafts rest on the ticket and on what is generally known. */
  readonly knowledge?: Pick<KnowledgeBase, 'search' | 'summary'> | undefined;
  /** Those in force; not given: there are none. A try goes by those that it began with. */
  readonly rules?: () => RuleSet;
  /** False: where the model has no draft, nothing is posted and the ticket is skipped. */
  readonly postFindings: boolean;
  /** Address of a trace with `{traceId}` in it, for the notes; null or not given: no such line. */
  readonly noteTraceLink?: string | null;
  /** Takes the drafts of the economy lane; without one there is no such lane. */
  readonly packer?: Packer;
  /** Without one there are no reviews. */
  readonly reviewer?: Reviewer;
  /** Without one the ticket's own words are all that is looked for. */
  readonly searcher?: Searcher;
}

/** One try of one stage, as far as the stage itself knows it. */
export interface StageRun {
  readonly job: ClaimedJob;
  readonly signal: AbortSignal;
  /** A draft of the economy lane that shows whether the model is well again. */
  readonly onTrial: boolean;
  /** A write of ours may have landed, or may yet. Kept here so that it is known however the try ends. */
  postInDoubt: boolean;
  /** Known once the conversation is fetched. */
  facts?: TicketFacts;
  /** What the LLM has charged for so far. */
  spent: Spent | null;
  /** The helpdesk has answered what it was asked at this steady ms. */
  readonly served: (askedAt: number) => void;
  /** Gives back what was reserved of budgets, once the cost is in the accounts. */
  release: () => void;
}

export type StageFunction = (run: StageRun, deps: StageDeps) => Promise<JobOutcome>;

/**
 * What becomes of a draft: what the rules say, else what its batch says; where there is a second model, that judges it
 * first. A rule that asks for a finding gets it posted whatever `postFindings` is.
 */
export function fateOf(
  { body, versions }: Draft,
  job: ClaimedJob,
  { plan = UNRULED.plan, observer, postFindings, reviewer }: FateDeps,
): Pick<Extract<JobOutcome, { kind: 'drafted' }>, 'next' | 'reason' | 'hold'> {
  const category = versions?.category ?? null;
  const decision = decide(plan, category);
  const { action, skip } = decision;
  if (plan.version !== null) observer.ruled({ ticket: refOf(job), category, ...decision });
  if (skip !== null) return { next: 'skip', reason: skip };
  if (body === null && action !== 'finding' && !postFindings) return { next: 'skip' };
  const rest = action === 'hold' ? 'hold' : restsAs(job);
  return body === null || reviewer === undefined ? { next: rest } : { next: 'review', hold: rest === 'hold' };
}

/** What becomes of a draft that nobody changes any more. */
export function restsAs({ post: wanted }: ClaimedJob): 'hold' | 'post' {
  return wanted === 'hold' ? 'hold' : 'post';
}

interface FateDeps extends Pick<StageDeps, 'observer' | 'postFindings' | 'reviewer'> {
  /** Missing in what an earlier version has stored. */
  readonly plan?: RulePlan | undefined;
}

export function refOf(job: ClaimedJob): TicketRef {
  return { helpdesk: job.helpdesk, ticketId: job.ticketId, traceparent: job.traceparent };
}
