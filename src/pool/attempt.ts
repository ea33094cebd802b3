import type { Random } from '../core/clock.ts';
import { describeFault, type ErrorClass, errorName, type SkipReason, UpstreamError } from '../core/errors.ts';
import {
  type AttemptTiming,
  type ClaimedJob,
  type JobOutcome,
  optionalFailure,
  type Outbox,
  OutboxUnavailable,
  type ReportResult,
} from '../core/outbox.ts';
import { asUpstreamError, decide, isToBeLeftOut } from '../core/retry-policy.ts';
import type { TicketStatus } from '../core/ticket.ts';
import type { Gate } from './gate.ts';
import { isOptional, withoutReview } from './review-stage.ts';
import { refOf, type StageDeps, type StageFunction, type StageRun } from './stage-run.ts';
import { STAGES } from './stage-table.ts';
import { LostClaim } from './stages.ts';
import { type HealthDeps, proves, tellFailure, tellServed, tellSuccess } from './upstream-health.ts';

export interface AttemptDeps extends StageDeps, HealthDeps {
  readonly outbox: Outbox;
  readonly gate: Gate;
  readonly random: Random;
}

interface Judged {
  readonly outcome: JobOutcome;
  readonly error: UpstreamError | null;
  readonly pauseScope: string | null;
  /** Why, where the error alone does not say it. */
  readonly pauseReason?: string | null;
}

/** How long between tries to store a result that the outbox refuses, ms. */
const STORE_AGAIN_MS = 500;

export interface AttemptRequest {
  readonly job: ClaimedJob;
  readonly signal: AbortSignal;
  /** What to do; by default the job's own stage. */
  readonly stage?: StageFunction;
  /** Gates it goes through; by default those of its stage. */
  readonly scopes?: readonly string[];
  /** Epoch ms: when it began, if that was before now. */
  readonly startedAt?: number;
}

/** One try of one stage, from claim to report. Never rejects. */
export function runAttempt(request: AttemptRequest, deps: AttemptDeps): Promise<void> {
  const { job, stage } = request;
  const { observer, clock } = deps;
  const start = {
    ticket: refOf(job),
    claim: job,
    stage: job.stage,
    number: job.stageAttempt,
    lane: job.lane,
    batchId: job.batchId,
    queuedMs: stage === undefined ? Math.max(0, clock.steady() - job.readyAt) : null,
  };
  return observer.during(start, () => attempt(request, deps));
}

async function attempt(request: AttemptRequest, deps: AttemptDeps): Promise<void> {
  const { job, signal, stage = STAGES[job.stage], scopes = scopesOf(job, deps.gate) } = request;
  const { startedAt = deps.clock.now() } = request;
  const from = deps.clock.steady() - Math.max(0, deps.clock.now() - startedAt);
  for (const scope of scopes) deps.gate.begin(scope);
  const run: StageRun = {
    job,
    signal,
    onTrial: job.tier === 'economy' && scopes.includes('llm'),
    postInDoubt: job.postIntendedAt !== null,
    spent: null,
    served: (askedAt) => tellServed(job, askedAt, deps),
    release: () => undefined,
  };
  const judged = await work(run, { stage, scopes, from }, deps);
  await stopOthers(job, judged, deps).catch((error: unknown) =>
    deps.observer.fault({ where: 'gate', error: errorName(error) }),
  );
  const timing = { startedAt, durationMs: deps.clock.steady() - from, spent: run.spent };
  const result = await store(job, judged.outcome, timing, signal, deps);
  // what was read before something joined is not what the next try is about
  if (result !== 'ok') deps.searcher?.handOver.drop(job.jobId);
  run.release();
  for (const scope of scopes) await endScope(scope, job, judged, deps);
  tell(job, judged, timing, result, deps);
}

/** What would hit every ticket, or every ticket of the batch, alike stops them before they try. */
async function stopOthers(
  job: ClaimedJob,
  { error, pauseScope, pauseReason }: Judged,
  deps: AttemptDeps,
): Promise<void> {
  if (error === null) return;
  const { errorClass, message } = error;
  if (pauseScope !== null) await deps.gate.close(pauseScope, errorClass, pauseReason ?? message);
  // with a time to wait, only what is on its way stands in the way of the budget
  const overBudget = errorClass === 'batch_budget' && error.retryAfterMs === null;
  if (overBudget && job.batchId !== null) {
    const reason = `${message} To go on, cancel it and start a batch of the same tickets with a larger budgetUsd.`;
    await deps.outbox.pauseBatch(job.batchId, { reason, errorClass });
  }
}

/**
 * What a try needs to be open: its helpdesk, and to write or judge a draft the model. The results of a consignment come within a day;
 * a draft of the economy lane that is let through on trial asks the model itself, to know at once.
 */
function scopesOf(job: ClaimedJob, gate: Gate): readonly string[] {
  const consigns = job.stage === 'draft' && job.tier === 'economy' && gate.allowance('llm') !== 1;
  const asks = job.stage !== 'post' && !consigns;
  return asks ? [job.helpdesk, 'llm'] : [job.helpdesk];
}

async function endScope(scope: string, { stage }: ClaimedJob, judged: Judged, deps: AttemptDeps): Promise<void> {
  const proven = proves(scope, judged.outcome, stage);
  const verdict = judged.pauseScope === scope ? 'failed' : proven ? 'ok' : 'unclear';
  await deps.gate
    .end(scope, verdict)
    .catch((error: unknown) => deps.observer.fault({ where: 'gate', error: errorName(error) }));
}

interface Way extends Required<Pick<AttemptRequest, 'stage' | 'scopes'>> {
  /** Steady ms. */
  readonly from: number;
}

async function work(run: StageRun, { stage, ...way }: Way, deps: AttemptDeps): Promise<Judged> {
  try {
    const outcome = await stage(run, deps);
    tellSuccess({ job: run.job, ...way }, outcome, deps);
    return { outcome, error: null, pauseScope: null };
  } catch (thrown) {
    return judge(thrown, run, way, deps);
  }
}

/** Whatever the last try died of: what an operator must know is that the note may be there. */
const UNSURE = {
  errorClass: 'ambiguous_post',
  error:
    'The note may be on the ticket or not, and looking failed too. Look at the ticket, or retry: that looks first.',
} as const;

async function judge(thrown: unknown, run: StageRun, way: Omit<Way, 'stage'>, deps: AttemptDeps): Promise<Judged> {
  const { job, signal, postInDoubt, facts } = run;
  const mustBeTold = thrown instanceof UpstreamError && thrown.errorClass === 'posted_public';
  const cancelled = signal.aborted || thrown instanceof LostClaim || thrown instanceof OutboxUnavailable;
  if (cancelled && !mustBeTold) {
    const outcome: JobOutcome = {
      kind: 'retry',
      delayMs: 0,
      countsAsAttempt: false,
      postInDoubt,
      errorClass: 'cancelled',
      error: 'Stopped before it was done; goes on by itself.',
    };
    return { outcome, error: null, pauseScope: null };
  }
  const error = asUpstreamError(thrown);
  if (error.errorClass === 'internal')
    deps.observer.fault({ where: `stage ${job.stage}`, error: describeFault(thrown) });
  const ambiguousWaitMs = deps.helpdesks.get(job.helpdesk)?.ambiguousWaitMs ?? 0;
  const { culprit, pauseReason } = await tellFailure({ job, signal, ...way }, error, deps);
  const optional = isOptional(job.stage);
  const tried = { failures: job.failures, ambiguousWaitMs, culprit: optional ? ('ticket' as const) : culprit };
  if (optional && isToBeLeftOut(error, job.failures, deps.retry))
    return { outcome: withoutReview(run, error, deps), error: null, pauseScope: null };
  const decision = decide(error, tried, deps.retry, deps.random);
  if (decision.kind === 'skip')
    return { outcome: { kind: 'skipped', reason: decision.reason }, error: null, pauseScope: null };
  const { errorClass, message, noteId } = error;
  const what = { errorClass, error: message, ...(facts === undefined ? {} : { facts }) };
  const outcome: JobOutcome =
    decision.kind === 'dead'
      ? {
          kind: 'dead',
          ...what,
          ...(postInDoubt && errorClass !== 'posted_public' ? UNSURE : {}),
          ...(noteId === null ? {} : { noteId }),
        }
      : { kind: 'retry', ...what, postInDoubt, delayMs: decision.delayMs, countsAsAttempt: decision.countsAsAttempt };
  return { outcome, error, pauseScope: decision.pauseScope, pauseReason };
}

/** A result that was paid for is kept in memory until the disk takes it: only the end of the process loses it. */
async function store(
  job: ClaimedJob,
  outcome: JobOutcome,
  timing: AttemptTiming,
  signal: AbortSignal,
  deps: AttemptDeps,
): Promise<ReportResult> {
  for (;;) {
    try {
      return await deps.outbox.report(job, outcome, timing);
    } catch (error) {
      deps.observer.fault({ where: 'report', error: errorName(error) });
      if (!(error instanceof OutboxUnavailable)) return giveUp(job, timing, deps);
      if (signal.aborted) return 'lost';
      await deps.clock.sleep(STORE_AGAIN_MS, signal);
    }
  }
}

/** A result that can never be stored must not come round again for ever. */
async function giveUp(job: ClaimedJob, timing: AttemptTiming, deps: AttemptDeps): Promise<ReportResult> {
  const { errorClass, message } = asUpstreamError(new Error('a result that cannot be stored'));
  return deps.outbox.report(job, { kind: 'dead', errorClass, error: message }, timing).catch(() => 'lost' as const);
}

function tell(
  job: ClaimedJob,
  { outcome, error }: Judged,
  timing: AttemptTiming,
  result: ReportResult,
  deps: AttemptDeps,
): void {
  const { observer, clock } = deps;
  // the try goes on at the provider
  if (outcome.kind === 'consigned' && result === 'ok') return;
  const optional = optionalFailure(outcome);
  const errorClass: ErrorClass | null = 'errorClass' in outcome ? outcome.errorClass : (optional?.errorClass ?? null);
  observer.attempt({
    ticket: refOf(job),
    batchId: job.batchId,
    stage: job.stage,
    number: job.stageAttempt,
    outcome: result === 'lost' ? 'lost' : verdictOf(outcome),
    errorClass,
    status: error?.status ?? null,
    durationMs: timing.durationMs,
    delayMs: outcome.kind === 'retry' ? outcome.delayMs : null,
  });
  const status = result === 'ok' ? restingStatus(outcome, job) : null;
  if (status === null) return;
  observer.ticketFinished({
    ticket: refOf(job),
    batchId: job.batchId,
    status,
    reason: reasonOf(outcome) ?? (optional === null ? errorClass : null),
    totalMs: clock.steady() - job.queuedAt,
  });
}

/** Why it was skipped, if it was. */
function reasonOf(outcome: JobOutcome): SkipReason | null {
  if (outcome.kind === 'skipped') return outcome.reason;
  return outcome.kind === 'drafted' && outcome.next === 'skip' ? (outcome.reason ?? 'no_draft') : null;
}

function verdictOf(outcome: JobOutcome): 'ok' | 'retry' | 'dead' | 'cancelled' {
  if (outcome.kind === 'dead' || optionalFailure(outcome) !== null) return 'dead';
  if (outcome.kind !== 'retry') return 'ok';
  return outcome.errorClass === 'cancelled' ? 'cancelled' : 'retry';
}

function restingStatus(outcome: JobOutcome, { verify, post }: ClaimedJob): TicketStatus | null {
  switch (outcome.kind) {
    case 'posted':
    case 'skipped':
    case 'dead':
      return outcome.kind;
    case 'drafted':
      return outcome.next === 'hold' ? 'drafted' : outcome.next === 'skip' ? 'skipped' : null;
    case 'reviewed':
      return outcome.next === 'hold' ? 'drafted' : null;
    case 'duplicate':
      // its own draft is what it was
      return verify?.against !== 'own' ? null : post === 'hold' ? 'drafted' : 'skipped';
    case 'queried':
    case 'consigned':
    case 'outdated':
    case 'retry':
      return null;
  }
}
