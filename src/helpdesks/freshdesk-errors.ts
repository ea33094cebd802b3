import * as z from 'zod';
import type { Explanation, HttpCall } from './http-call.ts';
import type { Lesson, PacedCall } from './paced-fetch.ts';

/** Freshdesk counts per kind of endpoint, on top of the account's total (helpdesks.md F2, Limits). */
export type FreshdeskRoute = 'view' | 'note' | 'list' | 'other';
/** `knowledge` is ours: what reading knowledge may take of the account's. */
export type FreshdeskBudget = 'account' | 'knowledge' | FreshdeskRoute;

const coded = z.object({ code: z.string() });

/** 403s that no ticket is spared, whatever it is (helpdesks.md F2, Errors). */
const LOCKED_OUT: Readonly<Record<string, string>> = {
  account_suspended: 'the account is suspended',
  password_lockout: 'our user is locked out',
};

/** A spam or deleted ticket answers writes with 405 (helpdesks.md F2, Errors). */
export function explainFreshdesk(status: number, json: unknown, call: HttpCall): Explanation | null {
  const why = status === 403 ? LOCKED_OUT[coded.safeParse(json).data?.code ?? ''] : undefined;
  if (why !== undefined) return { errorClass: 'auth', message: `freshdesk says that ${why} (403).` };
  if (status !== 405 || call.aboutTicket !== true) return null;
  return { errorClass: 'gone', reason: 'deleted', message: 'The ticket is deleted or spam at freshdesk (405).' };
}

/**
 * The headers speak of the route that was called, never of the account (helpdesks.md F2). A route without a limit of its
 * own tells the account's: `other` has none that is known of, nor has one that tells as high a total.
 */
export function freshdeskTeacher(): (
  headers: Headers,
  call: PacedCall<FreshdeskBudget>,
) => readonly Lesson<FreshdeskBudget>[] {
  let ofAccount = Infinity;
  return (headers, { budgets: [route] }) => {
    const total = count(headers.get('x-ratelimit-total'));
    if (total === undefined || total === 0) return [];
    const remaining = count(headers.get('x-ratelimit-remaining'));
    const told = remaining === undefined ? { total } : { total, remaining };
    if (route === 'other') ofAccount = total;
    return [{ budget: route, ...told }, ...(total >= ofAccount ? [{ budget: 'account' as const, ...told }] : [])];
  };
}

function count(value: string | null): number | undefined {
  return value !== null && /^\d{1,9}$/.test(value) ? Number(value) : undefined;
}

/** The address in `link: <…>;rel="next"`; null on the last page. */
export function nextPage(headers: Headers): string | null {
  return /<([^<>]*)>\s*;\s*rel="?next"?/.exec(headers.get('link') ?? '')?.[1] ?? null;
}
