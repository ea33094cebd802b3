import type { Explanation, HttpCall } from './http-call.ts';
import type { Lesson, PacedCall } from './paced-fetch.ts';

/** Freshdesk counts per kind of endpoint, on top of the account's total (helpdesks.md F2, Limits). */
export type FreshdeskRoute = 'view' | 'note' | 'list' | 'other';
export type FreshdeskBudget = 'account' | FreshdeskRoute;

/** A spam or deleted ticket answers writes with 405 (helpdesks.md F2, Errors). */
export function explainFreshdesk(status: number, _json: unknown, call: HttpCall): Explanation | null {
  if (status !== 405 || call.aboutTicket !== true) return null;
  return { errorClass: 'gone', reason: 'deleted', message: 'The ticket is deleted or spam at freshdesk (405).' };
}

/** The headers speak of the route that was called, never of the account. */
export function learnFreshdesk(headers: Headers, call: PacedCall<FreshdeskBudget>): readonly Lesson<FreshdeskBudget>[] {
  const total = headers.get('x-ratelimit-total');
  if (total === null || !/^[1-9]\d{0,8}$/.test(total)) return [];
  return [{ budget: call.budgets[0], perMinute: Number(total) }];
}

/** The address in `link: <…>;rel="next"`; null on the last page. */
export function nextPage(headers: Headers): string | null {
  return /<([^<>]*)>\s*;\s*rel="?next"?/.exec(headers.get('link') ?? '')?.[1] ?? null;
}
