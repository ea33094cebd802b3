import type { Circuit } from '../core/circuit.ts';
import type { UpstreamError } from '../core/errors.ts';
import type { Culprit } from '../core/refusals.ts';
import type { ClaimedJob, JobOutcome, Stage } from '../core/outbox.ts';
import { healthOf, isMortal, type RetrySettings } from '../core/retry-policy.ts';
import type { Gate } from './gate.ts';

export interface HealthDeps {
  readonly gate: Pick<Gate, 'allowance' | 'ask'>;
  readonly retry: RetrySettings;
  /** Tells outages from tickets that fail. */
  readonly circuit: Circuit;
}

/** A try, and the upstreams it needed. */
interface Tried {
  readonly job: ClaimedJob;
  readonly scopes: readonly string[];
  /** Steady ms of its begin. */
  readonly from: number;
  readonly signal: AbortSignal;
}

/** Whose fault it is that a try failed. */
export interface Diagnosis {
  readonly culprit: Culprit;
  /** Why everybody waits, a sentence; null: nobody does for this. */
  readonly pauseReason: string | null;
}

const OWN_FAULT: Diagnosis = { culprit: 'ticket', pauseReason: null };

/** Only a call that went through says that an upstream is well: a ticket may end without any. */
export function proves(scope: string, outcome: JobOutcome, stage: Stage): boolean {
  const { kind } = outcome;
  if (scope === 'llm')
    return kind === 'drafted' || ((kind === 'reviewed' || kind === 'queried') && outcome.failure === null);
  // the others may have had the conversation at hand
  return (stage === 'draft' || stage === 'post') && kind !== 'retry' && kind !== 'dead';
}

/** The helpdesk has answered what it was asked at this steady ms: known long before the model has answered too. */
export function tellServed(job: ClaimedJob, askedAt: number, { circuit }: Pick<HealthDeps, 'circuit'>): void {
  tellWell(job, job.helpdesk, askedAt, circuit);
}

/** What a try that brought something says about the upstreams it used. */
export function tellSuccess(
  { job, scopes, from }: Omit<Tried, 'signal'>,
  outcome: JobOutcome,
  { circuit }: HealthDeps,
): void {
  for (const scope of scopes) {
    const isTold = scope !== 'llm' && job.stage === 'draft';
    if (!isTold && proves(scope, outcome, job.stage)) tellWell(job, scope, from, circuit);
  }
}

/** The same of one that failed. */
export async function tellFailure(tried: Tried, error: UpstreamError, deps: HealthDeps): Promise<Diagnosis> {
  const { job, scopes, from } = tried;
  const { circuit, gate, retry } = deps;
  const { upstream } = error;
  if (!scopes.includes(upstream)) return OWN_FAULT;
  const health = healthOf(error);
  if (health === 'refused') return judgeRefusal(tried, error, deps);
  if (health === 'well') tellWell(job, upstream, from, circuit);
  const kind = kindOf(job, upstream);
  if (health !== 'ill') return OWN_FAULT;
  circuit.tell(kind, health, job.ticketId);
  const ticket = { mortal: isMortal(job.failures, retry), waiting: isHeldUp(upstream, gate) };
  if (!circuit.isOut(kind, ticket)) return OWN_FAULT;
  const pauseReason = `${error.message} ${circuit.streak(kind)} tries in a row have failed: tickets wait, and lose no attempt, until one gets through.`;
  return { culprit: 'upstream', pauseReason };
}

/** One ticket alone, refused to its end, is no proof: then the credential is asked whether it may do anything at all. */
async function judgeRefusal({ job, signal }: Tried, error: UpstreamError, deps: HealthDeps): Promise<Diagnosis> {
  const { circuit, gate, retry } = deps;
  const { upstream, message } = error;
  const culprit = circuit.refusals.judge(kindOf(job, upstream), job.ticketId, isHeldUp(upstream, gate));
  const everybody: Diagnosis = {
    culprit: 'upstream',
    pauseReason: `${message} No ticket gets through: they wait, and lose no attempt, until one does. Look at our user's role there, the account, and its list of allowed addresses.`,
  };
  if (culprit === 'upstream') return everybody;
  if (culprit === 'ticket' || !isMortal(job.failures, retry)) return { culprit, pauseReason: null };
  const refusal = await gate.ask(upstream, signal);
  return refusal !== null && (healthOf(refusal) === 'refused' || refusal.errorClass === 'auth') ? everybody : OWN_FAULT;
}

function tellWell(job: ClaimedJob, scope: string, askedAt: number, circuit: Circuit): void {
  const kind = kindOf(job, scope);
  circuit.tell(kind, 'well', job.ticketId);
  circuit.refusals.served(kind, askedAt);
}

function isHeldUp(scope: string, gate: HealthDeps['gate']): boolean {
  return gate.allowance(scope) < Number.POSITIVE_INFINITY;
}

/** Reading may work where writing does not. */
function kindOf({ stage }: ClaimedJob, scope: string): string {
  return `${scope} ${stage}`;
}
