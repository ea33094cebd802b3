import type { Clock } from '../core/clock.ts';
import { type Observer, silentObserver } from '../core/observer.ts';
import type { Instruments } from './instruments.ts';
import { ERROR_TYPE, GEN_AI, MESSAGING, OURS, OUTBOX, SERVER } from './names.ts';

/** Where the LLM is, as the GenAI conventions name it. */
export interface LlmAddress {
  /** The flavour of its API: `openai`, `azure.ai.openai`, … */
  readonly provider: string;
  readonly address: string;
  readonly port: number;
}

export function describeLlm(llm: LlmAddress, model: string) {
  return {
    [GEN_AI.operation]: 'chat',
    [GEN_AI.provider]: llm.provider,
    [GEN_AI.requestModel]: model,
    [SERVER.address]: llm.address,
    [SERVER.port]: llm.port,
  };
}

const PROCESS = { ...OUTBOX, [MESSAGING.operation]: 'process' };
const SEND = { ...OUTBOX, [MESSAGING.operation]: 'send' };

/** Counts every business event. */
export function createMetricsObserver(to: Instruments, llm: LlmAddress, clock: Clock): Observer {
  return {
    ...silentObserver,
    during: (start, work) => {
      to.consumed.add(1, { ...PROCESS, [OURS.stage]: start.stage });
      if (start.queuedMs !== null)
        to.queueWait.record(start.queuedMs / 1000, { [OURS.stage]: start.stage, [OURS.lane]: start.lane });
      return work();
    },
    webhook: ({ helpdesk, outcome, reason }) => {
      to.webhooks.add(1, { [OURS.helpdesk]: helpdesk, [OURS.outcome]: outcome, reason: reason ?? '' });
      if (outcome === 'accepted') to.sent.add(1, SEND);
    },
    limiterWait: ({ limit, waitedMs }) => to.limiterWait.record(waitedMs / 1000, { [OURS.limit]: limit }),
    attempt: ({ ticket, stage, outcome, errorClass, durationMs }) => {
      to.attempts.record(durationMs / 1000, {
        ...PROCESS,
        [OURS.helpdesk]: ticket.helpdesk,
        [OURS.stage]: stage,
        [OURS.outcome]: outcome,
        ...errorType(errorClass),
      });
      if (stage !== 'post' && outcome === 'retry') to.llmRetries.add(1, errorType(errorClass));
    },
    llmCall: ({ model, tier, errorClass, durationMs, waitedMs, promptTokens, completionTokens, costUsd }) => {
      const call = describeLlm(llm, model);
      // the provider's Batch API takes hours, and nobody waits
      if (tier !== 'batch') {
        to.llmCalls.record(durationMs / 1000, { ...call, ...errorType(errorClass) });
        to.limiterWait.record(waitedMs / 1000, { [OURS.limit]: 'llm' });
      }
      if (promptTokens > 0) to.llmTokens.record(promptTokens, { ...call, [GEN_AI.tokenType]: 'input' });
      if (completionTokens > 0) to.llmTokens.record(completionTokens, { ...call, [GEN_AI.tokenType]: 'output' });
      if (costUsd !== null) to.llmCost.add(costUsd, { [GEN_AI.requestModel]: model, 'draftdesk.llm.tier': tier });
    },
    embedding: ({ model, texts, errorClass, durationMs, waitedMs, promptTokens, costUsd }) => {
      // at another address than the LLM, perhaps
      const call = { [GEN_AI.operation]: 'embeddings', [GEN_AI.provider]: llm.provider, [GEN_AI.requestModel]: model };
      // no texts: no call, for it has failed a moment ago
      if (texts > 0) {
        to.llmCalls.record(durationMs / 1000, { ...call, ...errorType(errorClass) });
        to.limiterWait.record(waitedMs / 1000, { [OURS.limit]: 'embeddings' });
      }
      if (promptTokens > 0) to.llmTokens.record(promptTokens, { ...call, [GEN_AI.tokenType]: 'input' });
      if (costUsd !== null) to.llmCost.add(costUsd, { [GEN_AI.requestModel]: model, 'draftdesk.llm.tier': 'standard' });
    },
    ruled: ({ ticket, action, skip }) => {
      // off is what a rule says, the others are what its shares come to
      const taken = skip === null ? action : skip === 'rule' ? 'off' : skip;
      to.ruled.add(1, { [OURS.helpdesk]: ticket.helpdesk, action: taken });
    },
    rulesRead: ({ problems }) => {
      if (problems.length > 0) to.alarms.add(1, { kind: 'rules' });
    },
    ticketFinished: ({ ticket, batchId, status, reason, totalMs }) => {
      const how = { [OURS.helpdesk]: ticket.helpdesk, [OURS.status]: status, reason: reason ?? '' };
      to.tickets.add(1, how);
      to.ticketTime.record(totalMs / 1000, { [OURS.helpdesk]: ticket.helpdesk, [OURS.status]: status });
      if (batchId === null) return;
      const item = { [OURS.itemOutcome]: status, ...errorType(status === 'dead' ? reason : null) };
      to.items.add(1, item);
      to.itemTime.record(totalMs / 1000, item);
    },
    batch: ({ state, createdAt }) => {
      if (state === 'completed' || state === 'cancelled')
        to.batches.record(Math.max(0, clock.now() - createdAt) / 1000, { [OURS.batchOutcome]: state });
    },
    sweep: ({ helpdesk, found }) => to.missed.add(found, { [OURS.helpdesk]: helpdesk }),
    alarm: ({ kind }) => to.alarms.add(1, { kind }),
    fault: () => to.faults.add(1),
  };
}

function errorType(errorClass: string | null): { [ERROR_TYPE]?: string } {
  return errorClass === null ? {} : { [ERROR_TYPE]: errorClass };
}
