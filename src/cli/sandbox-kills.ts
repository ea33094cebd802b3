import type { Clock } from '../core/clock.ts';
import type { Progress } from '../core/service-control.ts';
import type { SandboxService } from './sandbox-service.ts';

type Totals = Progress['sinceStart'];

export interface KillPlan {
  readonly count: number;
  readonly tickets: number;
  /** Nobody is killed before this: a helpdesk that sends a webhook once would not send it again. */
  readonly ready: Promise<unknown>;
  readonly service: Pick<SandboxService, 'kill'>;
  readonly clock: Clock;
}

/** Kills the service again and again, spread over the drain. */
export interface Kills {
  /** Kills it if it is time for that; `finished` tickets of the drain, and what this life of it has done so far. */
  maybe(finished: number, sinceStart: Totals): Promise<void>;
  done(): number;
  /** What all lives have done together, up to a fraction of a second before each end. */
  totals(last: Totals): Totals;
}

export function createKills({ count, tickets, ready, service, clock }: KillPlan): Kills {
  let isReady = false;
  void ready.then(() => (isReady = true));
  const lives: Totals[] = [];
  return {
    maybe: async (finished, sinceStart) => {
      const due = Math.ceil((tickets * (lives.length + 1)) / (count + 1));
      if (!isReady || lives.length >= count || finished < due) return;
      lives.push(sinceStart);
      // not always at the moment of a look
      await clock.sleep((lives.length * 37) % 100);
      await service.kill();
    },
    done: () => lives.length,
    totals: (last) => [...lives, last].reduce(add),
  };
}

function add(one: Totals, other: Totals): Totals {
  return {
    llmCalls: one.llmCalls + other.llmCalls,
    retries: one.retries + other.retries,
    missedWebhooks: one.missedWebhooks + other.missedWebhooks,
    limiterWaitMs: one.limiterWaitMs + other.limiterWaitMs,
    promptTokens: one.promptTokens + other.promptTokens,
    completionTokens: one.completionTokens + other.completionTokens,
    costUsd: one.costUsd + other.costUsd,
  };
}
