import type { Clock } from './clock.ts';
import { UpstreamError } from './errors.ts';
import type { Lane } from './ticket.ts';

/** Of the daily budget, what batches may use: the rest is for customers who write today. */
const BATCH_SHARE = 0.8;
/** Of the daily budget, what the tickets of one requester may use. */
const REQUESTER_SHARE = 0.1;

/** Scope of a pause that stops drafting for batches only. */
export const BATCH_DRAFTS = 'batches';

/** A UTC day, `2026-11-24`. */
export function utcDay(epochMs: number): string {
  return new Date(epochMs).toISOString().slice(0, 10);
}

export interface BatchAccount {
  readonly budgetUsd: number | null;
  readonly costUsd: number;
  /** Reserved for its drafts that are on their way in consignments. */
  readonly consignedUsd: number;
}

/** What the accounts say; all in USD. */
export interface Accounts {
  /** Spent on a UTC day: scope '' is all, else `helpdesk requesterId`. */
  spentOn(day: string, scope: string): number;
  batchAccount(batchId: string): BatchAccount | null;
  /** Reserved for all drafts that are on their way in consignments. */
  consignedUsd(): number;
}

export interface SpendRequest {
  readonly helpdesk: string;
  readonly requesterId: string | null;
  readonly batchId: string | null;
  readonly lane: Lane;
  /** The most that the call can cost, USD; null when the model's price is not known. */
  readonly usd: number | null;
}

/** Keeps money inside its bounds: what a call may cost at most is reserved before it is made. */
export interface SpendGuard {
  /**
   * Reserves; answers the release, to be called once the real cost is in the accounts. While only calls in flight stand
   * in the way it waits for them: they may cost less than their worst. Throws what the signal says when it aborts, and
   * `UpstreamError`: `batch_budget` (with `retryAfterMs` while consignments hold the rest), `budget_exhausted` (upstream `batches` or `llm`: what of the day is used up), `gone`
   * with reason `requester_budget`, `request_too_large` (dearer than a whole day's budget).
   */
  reserve(request: SpendRequest, signal: AbortSignal): Promise<() => void>;
  /** Throws `budget_exhausted` while the day's budget for this scope (`batches` or `llm`) is used up. */
  assertOpen(scope: string): void;
}

/** When to ask again for what consignments may leave over, ms: they take hours. */
const CONSIGNED_MS = 60_000;
const CENT = 0.01;

export function createSpendGuard(options: {
  readonly dailyBudgetUsd: number | null;
  readonly accounts: Accounts;
  readonly clock: Clock;
}): SpendGuard {
  const { dailyBudgetUsd, accounts, clock } = options;
  const reserved = new Map<string, number>();
  const refused = new Map<string, number>();
  const waiting = new Set<() => void>();
  const held = (name: string): number => reserved.get(name) ?? 0;
  const hold = (name: string, usd: number): void => {
    const sum = held(name) + usd;
    // sums of many small numbers do not end at zero
    if (sum < 1e-9) reserved.delete(name);
    else reserved.set(name, sum);
  };

  /** Each check throws where even an end of all calls in flight makes no room, and answers false where it may. */
  const fitsBatch = (batchId: string, usd: number): boolean => {
    const account = accounts.batchAccount(batchId);
    if (account === null || account.budgetUsd === null) return true;
    const { budgetUsd, costUsd, consignedUsd } = account;
    const known = costUsd + consignedUsd;
    if (known + usd <= budgetUsd) return known + held(batchId) + usd <= budgetUsd;
    const consigned = costUsd + usd <= budgetUsd;
    const message = `The batch has spent its budget: ${dollars(costUsd)} of ${dollars(budgetUsd)}.`;
    throw new UpstreamError('batch_budget', message, {
      upstream: 'batch',
      ...(consigned ? { retryAfterMs: CONSIGNED_MS } : {}),
    });
  };

  const fitsDay = (scope: string, usd: number): boolean => {
    if (dailyBudgetUsd === null) return true;
    const limit = scope === BATCH_DRAFTS ? dailyBudgetUsd * BATCH_SHARE : dailyBudgetUsd;
    // no day will have room for it: it must not close the scope for the others
    if (usd > limit) throw neverFits(usd, limit, scope);
    const spent = accounts.spentOn(utcDay(clock.now()), '') + accounts.consignedUsd();
    if (spent + usd <= limit) return spent + held('') + usd <= limit;
    refused.set(scope, usd);
    const what = scope === BATCH_DRAFTS ? `the ${BATCH_SHARE * 100} % of it that batches may use are` : 'it is';
    throw new UpstreamError(
      'budget_exhausted',
      `LLM_DAILY_BUDGET_USD is ${dollars(dailyBudgetUsd)} and ${what} used up for today; goes on at 00:00 UTC.`,
      { upstream: scope },
    );
  };

  const fitsRequester = (scope: string, usd: number): boolean => {
    if (dailyBudgetUsd === null) return true;
    const limit = dailyBudgetUsd * REQUESTER_SHARE;
    const spent = accounts.spentOn(utcDay(clock.now()), scope);
    // the first ticket of a day is always drafted
    if (spent === 0 || spent + usd <= limit) return held(scope) === 0 || spent + held(scope) + usd <= limit;
    throw new UpstreamError('gone', 'This requester has used a tenth of LLM_DAILY_BUDGET_USD today.', {
      upstream: 'llm',
      reason: 'requester_budget',
    });
  };

  /** Until a reservation is given back, or the signal aborts. */
  const nextRelease = (signal: AbortSignal): Promise<void> =>
    new Promise((resolve) => {
      const wake = (): void => {
        waiting.delete(wake);
        signal.removeEventListener('abort', wake);
        resolve();
      };
      waiting.add(wake);
      signal.addEventListener('abort', wake);
    });

  return {
    reserve: async ({ helpdesk, requesterId, batchId, lane, usd }, signal) => {
      if (usd === null) return () => undefined;
      const requester = requesterId === null ? null : `${helpdesk} ${requesterId}`;
      const fits = (): boolean =>
        (batchId === null || fitsBatch(batchId, usd)) &&
        fitsDay(lane === 'batch' ? BATCH_DRAFTS : 'llm', usd) &&
        (requester === null || fitsRequester(requester, usd));
      signal.throwIfAborted();
      while (!fits()) {
        await nextRelease(signal);
        signal.throwIfAborted();
      }
      const names = ['', ...(batchId === null ? [] : [batchId]), ...(requester === null ? [] : [requester])];
      for (const name of names) hold(name, usd);
      let released = false;
      return () => {
        if (released) return;
        released = true;
        for (const name of names) hold(name, -usd);
        for (const wake of waiting) wake();
      };
    },
    // open is where the call fits that did not
    assertOpen: (scope) => void fitsDay(scope, refused.get(scope) ?? CENT / 100),
  };
}

function neverFits(usd: number, limit: number, scope: string): UpstreamError {
  const share = scope === BATCH_DRAFTS ? `the ${BATCH_SHARE * 100} % that batches may use of ` : '';
  return new UpstreamError(
    'request_too_large',
    `The call for this ticket may cost up to ${dollars(usd)}, more than ${share}LLM_DAILY_BUDGET_USD (${dollars(limit)}) on a whole day. Raise it, then retry the ticket.`,
    { upstream: 'llm' },
  );
}

function dollars(usd: number): string {
  return `$${usd.toFixed(usd < 1 ? 4 : 2)}`;
}
