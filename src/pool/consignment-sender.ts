import { LanguageModelError } from '../core/language-model.ts';
import { errorName, type UpstreamError } from '../core/errors.ts';
import { OutboxUnavailable } from '../core/outbox.ts';
import { asUpstreamError, decide } from '../core/retry-policy.ts';
import type { Pack } from './consignment-packer.ts';
import { complain } from './consignment-trouble.ts';
import type { EconomyParts } from './economy-parts.ts';

/** After a call whose end is not known the batch may show up late: looked for at these intervals, ms. */
const LOOKS_MS = [0, 5_000, 30_000, 60_000] as const;
/** A provider that refuses for the moment is asked again after this, if it names no time, ms. */
export const QUEUE_WAIT_MS = 60_000;
const DISCARD_TRIES = 3;

/** Sends a consignment once, whatever happens in between. Never rejects. */
export async function sendConsignment(pack: Pack, parts: EconomyParts): Promise<void> {
  const { stop, clock } = parts;
  let failures = 0;
  let mayExist = false;
  while (!stop.aborted) {
    try {
      const found = mayExist ? await findOrDiscard(pack.key, parts) : null;
      if (found !== null) return await parts.consignments.sent(pack.key, found.id);
      const jobIds = await parts.consignments.begin(pack.key);
      const lines = (jobIds ?? []).flatMap((id) => pack.lines.get(id) ?? []);
      if (lines.length === 0) return await parts.giveBack(pack.key, notSent());
      if (failures >= parts.retry.maxAttempts) return await parts.giveBack(pack.key, unreachable());
      mayExist = true;
      const { id } = await parts.model.submit(pack.key, lines, stop);
      return await parts.consignments.sent(pack.key, id);
    } catch (thrown) {
      if (stop.aborted) return;
      const error = asUpstreamError(thrown);
      if (error.errorClass === 'internal') parts.observer.fault({ where: 'economy', error: errorName(thrown) });
      if (isRefusal(error)) {
        mayExist = false;
        if (await refused(pack, error, parts)) return;
      } else if (!(thrown instanceof OutboxUnavailable)) failures += 1;
      await clock.sleep(error.retryAfterMs ?? QUEUE_WAIT_MS / 2, stop);
    }
  }
}

/** What servers say no with. Others, such as 408 or a proxy's 499, may come after the batch was made. */
const REFUSALS = new Set([400, 401, 402, 403, 404, 405, 413, 415, 422, 429]);

/** The server took the call and said no: there is no batch. */
function isRefusal({ status }: UpstreamError): boolean {
  return status !== null && REFUSALS.has(status);
}

/** What any other consignment would meet as well stops the upstream or the batch. False: ask again later. */
async function refused({ key, batchId }: Pack, error: UpstreamError, parts: EconomyParts): Promise<boolean> {
  const decision = decide(error, { failures: 0, ambiguousWaitMs: 0 }, parts.retry, parts.random);
  if (decision.kind === 'retry' && decision.pauseScope === null) return false;
  if (decision.kind === 'retry') await parts.giveBack(key, error);
  else {
    const { errorClass, message } = error;
    await parts.outbox.pauseBatch(batchId, { reason: message, errorClass });
    await parts.giveBack(key, notSent());
  }
  return true;
}

/** The batch of this key, if there is one; if not, the files of a try that came no further are deleted. */
export async function findOrDiscard(key: string, parts: EconomyParts): Promise<{ readonly id: string } | null> {
  const found = await findPatiently(key, parts);
  if (found === null) await discard(key, parts);
  return found;
}

/** Null only when the provider said several times that it has none. Looks until it gets an answer, or is stopped. */
async function findPatiently(key: string, parts: EconomyParts): Promise<{ readonly id: string } | null> {
  const { model, clock, stop } = parts;
  for (const waitMs of LOOKS_MS) {
    await clock.sleep(waitMs, stop);
    for (;;) {
      stop.throwIfAborted();
      try {
        const found = await model.find(key, stop);
        if (found !== null) return found;
        break;
      } catch (error) {
        if (stop.aborted) throw error;
        if (hasNoBatches(error)) break;
        await complain(error, parts);
        await clock.sleep(asUpstreamError(error).retryAfterMs ?? QUEUE_WAIT_MS / 2, stop);
      }
    }
  }
  return null;
}

/** A server that does not know the address of batches holds none; every other refusal says nothing about ours. */
function hasNoBatches(error: unknown): boolean {
  const { status } = asUpstreamError(error);
  return status === 404 || status === 405;
}

/** The provider has just answered a look; a server that keeps refusing to delete must not hold up the tickets. */
async function discard(key: string, { model, clock, stop, observer }: EconomyParts): Promise<void> {
  for (let tries = 0; tries < DISCARD_TRIES; tries += 1) {
    try {
      return await model.discard(key, stop);
    } catch (error) {
      if (stop.aborted) throw error;
      observer.fault({ where: 'economy: delete files', error: errorName(error) });
      await clock.sleep(QUEUE_WAIT_MS / 2, stop);
    }
  }
}

/** Nothing was paid: the ticket is fetched anew when its batch goes on. */
export function notSent(): LanguageModelError {
  return new LanguageModelError('cancelled', 'Not sent to the Batch API yet; goes on by itself.');
}

function unreachable(): LanguageModelError {
  return new LanguageModelError('connection', "The provider's Batch API could not be reached, several times.");
}
