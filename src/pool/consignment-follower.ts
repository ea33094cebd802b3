import type { BatchJobStatus, BatchResult } from '../core/batch-model.ts';
import type { Consignment } from '../core/consignment.ts';
import { errorName } from '../core/errors.ts';
import { LanguageModelError } from '../core/language-model.ts';
import { findOrDiscard, notSent, QUEUE_WAIT_MS } from './consignment-sender.ts';
import { complain, isFinal } from './consignment-trouble.ts';
import type { EconomyParts } from './economy-parts.ts';

/** Results stored in one turn of the event loop. */
const GROUP = 25;
/** Until the provider's queue may have room again, ms. */
const QUEUE_FULL_MS = 5 * QUEUE_WAIT_MS;

/** Results that the provider does not have are looked for so often: they may only be late. */
const LOOKS_FOR_RESULTS = 3;

type Sent = Consignment & { readonly providerId: string };

/** What is remembered from one look to the next, by key. */
export interface FollowState {
  /** Being recovered. */
  readonly busy: Set<string>;
  /** How often results were not there. */
  readonly misses: Map<string, number>;
}

/** One look at every consignment that is not over and not in the sender's hands. */
export async function followConsignments(parts: EconomyParts, { busy, misses }: FollowState): Promise<void> {
  for (const consignment of parts.consignments.open()) {
    const { key, providerId } = consignment;
    if (parts.stop.aborted) return;
    if (busy.has(key) || parts.isInMemory(key)) continue;
    try {
      if (providerId !== null) await follow({ ...consignment, providerId }, misses, parts);
      else void parts.track(recover(consignment, parts, busy));
    } catch (error) {
      if (!parts.stop.aborted) await complain(error, parts);
    }
  }
}

/** A process before us packed it, and maybe sent it. */
async function recover({ key, sendingAt }: Consignment, parts: EconomyParts, busy: Set<string>): Promise<void> {
  busy.add(key);
  try {
    const found = sendingAt === null ? null : await findOrDiscard(key, parts);
    if (found === null) await parts.giveBack(key, notSent());
    else await parts.consignments.sent(key, found.id);
  } catch (error) {
    if (!parts.stop.aborted) await complain(error, parts);
  } finally {
    busy.delete(key);
  }
}

async function follow(consignment: Sent, misses: FollowState['misses'], parts: EconomyParts): Promise<void> {
  const { key, providerId } = consignment;
  const { model, consignments, stop } = parts;
  const isWaitedFor = (): boolean => consignments.waitingAfter(key, '', 1).length > 0;
  if (isWaitedFor()) {
    const status = await statusOf(providerId, parts);
    const unwanted = consignment.batchState === 'cancelling' || consignment.batchState === 'cancelled';
    if (!isOver(status)) {
      if (unwanted && status.state !== 'cancelling') await model.cancel(providerId, stop);
      return;
    }
    const lost = status.outputReady
      ? await findLost(takeResults(consignment, status, parts), key, misses, parts)
      : null;
    if (status.errorClass === 'rate_limited') parts.holdBack(QUEUE_FULL_MS);
    if (isWaitedFor()) await parts.giveBack(key, lost ?? leftOver(status, unwanted));
    if (isWaitedFor()) return;
  }
  // best effort: what stays there expires at the provider
  await model
    .forget(providerId, stop)
    .catch((error: unknown) => parts.observer.fault({ where: 'economy: delete files', error: errorName(error) }));
  await consignments.close(key);
}

/** Null when all results were read. Throws while they may still come, or come again. */
async function findLost(
  reading: Promise<void>,
  key: string,
  misses: FollowState['misses'],
  parts: EconomyParts,
): Promise<LanguageModelError | null> {
  try {
    await reading;
    misses.delete(key);
    return null;
  } catch (error) {
    if (!isFinal(error, parts)) throw error;
    const looks = (misses.get(key) ?? 0) + 1;
    misses.set(key, looks);
    if (looks < LOOKS_FOR_RESULTS) throw error;
    misses.delete(key);
    const message = "The provider does not give out the results of this ticket's batch (any more).";
    return new LanguageModelError('invalid_response', message, { cause: error });
  }
}

/** A batch that the provider has forgotten brings nothing any more. */
async function statusOf(id: string, { model, stop }: EconomyParts): Promise<BatchJobStatus> {
  try {
    return await model.status(id, stop);
  } catch (error) {
    if (!(error instanceof LanguageModelError) || error.status !== 404) throw error;
    const counts = { total: 0, completed: 0, failed: 0 };
    return { id, state: 'failed', counts, errors: [error.message], errorClass: null, outputReady: false };
  }
}

function isOver({ state, outputReady }: BatchJobStatus): boolean {
  return outputReady || state === 'failed';
}

async function takeResults({ key, providerId }: Sent, status: BatchJobStatus, parts: EconomyParts): Promise<void> {
  let group: BatchResult[] = [];
  const store = async (): Promise<void> => {
    const outcomes = new Map(
      group.flatMap(({ customId, outcome }) => (customId === null ? [] : [[customId, outcome]])),
    );
    group = [];
    const waiting = parts.consignments.waiting(key, [...outcomes.keys()]);
    await Promise.all(
      waiting.map(async (one) => {
        const outcome = outcomes.get(one.job.jobId);
        if (outcome !== undefined) await parts.conclude(one, outcome);
      }),
    );
  };
  try {
    for await (const result of parts.model.results(providerId, parts.stop)) {
      // what the provider did not get to comes back with all that is left
      if (result.outcome instanceof LanguageModelError && isNotDone(result.outcome, status)) continue;
      group.push(result);
      if (group.length >= GROUP) await store();
      if (parts.stop.aborted) return;
    }
  } finally {
    // what was read before the download broke is paid for
    if (!parts.stop.aborted) await store();
  }
}

function isNotDone({ errorClass, usage }: LanguageModelError, { state }: BatchJobStatus): boolean {
  return state !== 'completed' && usage === null && (errorClass === 'cancelled' || errorClass === 'timeout');
}

/** Why a ticket has no answer although its batch is over. Each counts as a try, unless it was our own wish. */
function leftOver({ state, errors, errorClass }: BatchJobStatus, unwanted: boolean): LanguageModelError {
  if (state === 'expired') {
    return new LanguageModelError('timeout', "The provider's batch expired before it got to this ticket.");
  }
  if (state === 'cancelled') {
    const message = "The provider's batch was cancelled before it got to this ticket.";
    return new LanguageModelError(unwanted ? 'cancelled' : 'server_error', message);
  }
  if (state === 'failed') {
    const message = errors[0] ?? "The provider refused this ticket's batch.";
    // one bad line refuses all: the others are worth another try
    if (errorClass === null || errorClass === 'invalid_request') return new LanguageModelError('server_error', message);
    const wait = errorClass === 'rate_limited' ? { retryAfterMs: QUEUE_FULL_MS } : {};
    return new LanguageModelError(errorClass, message, wait);
  }
  return new LanguageModelError('invalid_response', "The results of the provider's batch do not tell of this ticket.");
}
