import { type ClaimedJob, OutboxUnavailable, type Spent, type TicketFacts } from '../core/outbox.ts';
import type { Asker, CallReport } from '../drafting/ask-model.ts';
import { refOf, type StageDeps, type StageRun } from './stage-run.ts';

/** What every call to a model in a try goes through: the budgets of money before it, the accounts after it. */
export function modelCalls(
  run: StageRun,
  { requesterId }: TicketFacts,
  deps: StageDeps,
): Pick<Asker, 'lane' | 'clock' | 'signal' | 'beforeCall' | 'atCall' | 'onCall'> {
  const { job, signal } = run;
  const { helpdesk, batchId, lane } = job;
  return {
    lane,
    clock: deps.clock,
    signal,
    beforeCall: async (most, model) => {
      const worst = model.costUsd(most);
      // what an earlier call of this try has cost is not in the accounts yet
      const usd = worst === null ? null : worst + (run.spent?.costUsd ?? 0);
      run.release();
      run.release = await deps.spending.reserve({ helpdesk, requesterId, batchId, lane, usd }, signal);
    },
    atCall: () => {
      // what would be paid for now could not be kept
      const fault = deps.outbox.storeFault();
      if (fault !== null) throw new OutboxUnavailable(fault.sentence);
    },
    onCall: (call, model) => {
      run.spent = addSpent(run.spent, call);
      deps.observer.llmCall({ ticket: refOf(job), model, ...call });
    },
  };
}

/** Of calls beside the draft. Nobody waits for what goes into a batch of the cheaper lanes; the provider's Batch API would take another day. */
export function tierOf({ tier }: ClaimedJob): 'standard' | 'flex' {
  return tier === 'standard' ? 'standard' : 'flex';
}

function addSpent(before: Spent | null, call: CallReport): Spent {
  const { promptTokens, cachedTokens, completionTokens, costUsd, waitedMs } = call;
  const usage = { promptTokens, cachedTokens, completionTokens };
  if (before === null) return { usage, costUsd, waitedMs };
  return {
    usage: {
      promptTokens: before.usage.promptTokens + promptTokens,
      cachedTokens: before.usage.cachedTokens + cachedTokens,
      completionTokens: before.usage.completionTokens + completionTokens,
    },
    costUsd: before.costUsd === null && costUsd === null ? null : (before.costUsd ?? 0) + (costUsd ?? 0),
    waitedMs: before.waitedMs + waitedMs,
  };
}
