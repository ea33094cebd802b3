import { errorName } from '../core/errors.ts';
import { LanguageModelError } from '../core/language-model.ts';
import { asUpstreamError, type Decision, decide } from '../core/retry-policy.ts';
import type { EconomyParts } from './economy-parts.ts';

type Deciding = Pick<EconomyParts, 'retry' | 'random'>;

/** A call about a whole consignment failed: no try of a ticket, and none of them is spent. */
function judge(thrown: unknown, { retry, random }: Deciding): Decision {
  const unlimited = { ...retry, maxAttempts: Number.POSITIVE_INFINITY };
  return decide(asUpstreamError(thrown), { failures: 0, ambiguousWaitMs: 0 }, unlimited, random);
}

/** The next look may succeed; what every call would meet stops the others. */
export async function complain(thrown: unknown, parts: EconomyParts): Promise<void> {
  parts.observer.fault({ where: 'economy', error: errorName(thrown) });
  const decision = judge(thrown, parts);
  if (decision.kind === 'skip' || decision.pauseScope === null) return;
  const { errorClass, message } = asUpstreamError(thrown);
  await parts.gate.close(decision.pauseScope, errorClass, message);
}

/** The provider has answered, and would answer the same for ever. */
export function isFinal(thrown: unknown, parts: Deciding): boolean {
  if (!(thrown instanceof LanguageModelError)) return false;
  const decision = judge(thrown, parts);
  return decision.kind === 'dead' && decision.pauseScope === null;
}
