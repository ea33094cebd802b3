import type { Demand } from './helpdesk.ts';
import type { TokenUsage } from './language-model.ts';

/** What a batch would take, without running it (INTERFACE.md, `"dryRun":true`). */
export interface Estimate {
  readonly tickets: number;
  readonly promptTokens: number;
  readonly completionTokens: number;
  /** USD; null when the model's price is not known. */
  readonly costUsd: number | null;
  readonly minutes: number;
  /** The limit that decides, e.g. `zendesk.updates`; null when there is nothing to do. */
  readonly bound: string | null;
  /** False: the filter means more tickets than were counted. */
  readonly complete: boolean;
}

export interface EstimateParts {
  readonly tickets: number;
  readonly complete: boolean;
  /** Of one ticket, on average. */
  readonly usage: TokenUsage;
  /** Every limit that a ticket takes from. */
  readonly demand: readonly Demand[];
  readonly costUsd: (usage: TokenUsage) => number | null;
}

/** Where drafts are reviewed: one in five is taken to be written anew, as long as nobody knows better. */
export const USUAL_REVISIONS = 0.2;

/** What a verdict takes to write, of which most find nothing, tokens. */
export const USUAL_VERDICT_TOKENS = 60;

/** The limit that decides how long so many tickets take, and the minutes; null where nothing limits them. */
export function slowestLimit<Limit extends string>(
  tickets: number,
  demand: readonly (Demand & { readonly limit: Limit })[],
): { readonly limit: Limit; readonly minutes: number } | null {
  const times = demand
    .map(({ limit, perMinute, perTicket }) => ({ limit, minutes: (tickets * perTicket) / perMinute }))
    .toSorted((a, b) => b.minutes - a.minutes);
  return times[0] ?? null;
}

/** Pure: the slowest limit decides how long it takes. */
export function estimate({ tickets, complete, usage, demand, costUsd }: EstimateParts): Estimate {
  const each = costUsd(usage);
  const slowest = slowestLimit(tickets, demand);
  return {
    tickets,
    promptTokens: Math.round(tickets * usage.promptTokens),
    completionTokens: Math.round(tickets * usage.completionTokens),
    costUsd: each === null ? null : tickets * each,
    minutes: Math.ceil((slowest?.minutes ?? 0) * 10) / 10,
    bound: tickets === 0 || slowest === null ? null : slowest.limit,
    complete,
  };
}
