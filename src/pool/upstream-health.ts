import type { Circuit } from '../core/circuit.ts';
import type { UpstreamError } from '../core/errors.ts';
import type { ClaimedJob, JobOutcome, Stage } from '../core/outbox.ts';
import { healthOf, isMortal, type RetrySettings } from '../core/retry-policy.ts';
import type { Gate } from './gate.ts';

export interface HealthDeps {
  readonly gate: Pick<Gate, 'allowance'>;
  readonly retry: RetrySettings;
  /** Tells outages from tickets that fail. */
  readonly circuit: Circuit;
}

/** A try, and the upstreams it needed. */
interface Tried {
  readonly job: ClaimedJob;
  readonly scopes: readonly string[];
}

/** Only a call that went through says that an upstream is well: a ticket may end without any. */
export function proves(scope: string, outcome: JobOutcome, stage: Stage): boolean {
  const { kind } = outcome;
  if (scope === 'llm') return kind === 'drafted' || (kind === 'reviewed' && outcome.failure === null);
  // the others may have had the conversation at hand
  return (stage === 'draft' || stage === 'post') && kind !== 'retry' && kind !== 'dead';
}

/** What a try that brought something says about the upstreams it used. */
export function tellSuccess({ job, scopes }: Tried, outcome: JobOutcome, { circuit }: HealthDeps): void {
  for (const scope of scopes)
    if (proves(scope, outcome, job.stage)) circuit.tell(kindOf(job, scope), 'well', job.ticketId);
}

/** The same of one that failed. Answers why everybody waits, a sentence, when it is the upstream that is out of order. */
export function tellFailure({ job, scopes }: Tried, error: UpstreamError, deps: HealthDeps): string | null {
  const { circuit, gate, retry } = deps;
  const { upstream } = error;
  if (!scopes.includes(upstream)) return null;
  const kind = kindOf(job, upstream);
  circuit.tell(kind, healthOf(error), job.ticketId);
  // the model is asked when the helpdesk has answered
  if (upstream === 'llm') circuit.tell(kindOf(job, job.helpdesk), 'well', job.ticketId);
  const ticket = {
    mortal: isMortal(job.failures, retry),
    waiting: gate.allowance(upstream) < Number.POSITIVE_INFINITY,
  };
  if (healthOf(error) !== 'ill' || !circuit.isOut(kind, ticket)) return null;
  return `${error.message} ${circuit.streak(kind)} tries in a row have failed: tickets wait, and lose no attempt, until one gets through.`;
}

/** Reading may work where writing does not. */
function kindOf({ stage }: ClaimedJob, scope: string): string {
  return `${scope} ${stage}`;
}
