import * as z from 'zod';
import type { Reading } from './call-budget.ts';
import type { Explanation, HttpCall } from './http-call.ts';
import type { Lesson, PacedCall } from './paced-fetch.ts';

// What Zendesk's error bodies and headers tell beyond the status (helpdesks.md 2.2, 2.5).

/** Endpoints with a limit of their own inside the account's: ticket updates, incremental and search exports, lists. */
type ZendeskEndpoint = 'update' | 'export' | 'search' | 'list';

/**
 * The account's limits: all requests of Support, those of the help centre (a limit of its own), some endpoints; and
 * `knowledge`, ours: what reading knowledge may take of either.
 */
export type ZendeskBudget = 'requests' | 'guide' | 'knowledge' | ZendeskEndpoint;

/** What every account has at least until its headers tell (helpdesks.md 2.2). */
export const ZENDESK_FIXED_LIMITS = { export: 10, search: 100, list: 100 } as const;

const invalidRecord = z.object({
  details: z.record(z.string(), z.array(z.object({ description: z.string() }))),
});
const errorName = z.object({ error: z.string() });

/** Several envelopes exist; what is not recognised keeps the class of its status. */
export function explainZendesk(status: number, json: unknown, call: HttpCall): Explanation | null {
  if (call.aboutTicket !== true) return null;
  if (status === 404) return explainMissing(json);
  return status === 422 ? explainInvalid(json) : null;
}

/** Only Zendesk's own words mean that a ticket is gone: a proxy's page must not skip ten thousand of them. */
function explainMissing(json: unknown): Explanation | null {
  const named = errorName.safeParse(json);
  if (named.success && named.data.error !== 'InvalidEndpoint') return null;
  return { errorClass: 'invalid_request', message: 'zendesk knows no such address (404); is ZENDESK_BASE_URL right?' };
}

function explainInvalid(json: unknown): Explanation | null {
  const record = invalidRecord.safeParse(json);
  if (!record.success) return null;
  const said = Object.values(record.data.details).flatMap((entries) => entries.map((entry) => entry.description));
  if (said.some((text) => text.includes('closed prevents ticket update')))
    return { errorClass: 'gone', reason: 'closed', message: 'zendesk takes no notes on a closed ticket (422).' };
  if (said.some((text) => text.includes('user is suspended')))
    return { errorClass: 'gone', reason: 'suspended', message: 'The requester is suspended at zendesk (422).' };
  return null;
}

/** Longest pause that a header may impose, s: all windows are one minute. */
const MAX_RESET_SECONDS = 60;

const ENDPOINT_HEADERS = {
  update: 'zendesk-ratelimit-tickets-update',
  export: 'zendesk-ratelimit-incremental-exports',
  list: 'zendesk-ratelimit-tickets-index',
} as const;

/** Account-wide headers have had three spellings; endpoints have their own (helpdesks.md 2.2, 5). */
export function learnZendesk(headers: Headers, call: PacedCall<ZendeskBudget>): readonly Lesson<ZendeskBudget>[] {
  const endpoint = call.budgets[0];
  // the same headers, but of another limit: Support and the help centre are counted apart
  if (endpoint === 'guide') return [{ budget: 'guide', ...accountReading(headers) }];
  const lessons: Lesson<ZendeskBudget>[] = [{ budget: 'requests', ...accountReading(headers) }];
  if (isEndpoint(endpoint)) lessons.push({ budget: endpoint, ...endpointReading(headers, endpoint) });
  return lessons;
}

/** Thirty updates in ten minutes are one ticket's own limit: a 429 for it, with room elsewhere, holds up no others. */
export function refusedByZendesk(headers: Headers, call: PacedCall<ZendeskBudget>): ZendeskBudget | null {
  const endpoint = call.budgets[0];
  if (endpoint === 'guide') return 'guide';
  if (accountReading(headers).remaining === 0) return 'requests';
  const { remaining } = isEndpoint(endpoint) ? endpointReading(headers, endpoint) : {};
  return endpoint === 'update' && remaining !== undefined && remaining > 0 ? null : endpoint;
}

function isEndpoint(budget: ZendeskBudget): budget is ZendeskEndpoint {
  return budget in ZENDESK_FIXED_LIMITS || budget === 'update';
}

function accountReading(headers: Headers): Reading {
  return reading({
    total: first(headers, ['ratelimit-limit', 'x-rate-limit', 'rate-limit']),
    remaining: first(headers, ['ratelimit-remaining', 'x-rate-limit-remaining', 'rate-limit-remaining']),
    resets: first(headers, ['ratelimit-reset', 'rate-limit-reset']),
  });
}

/** `total=100; remaining=99; resets=41` */
function endpointReading(headers: Headers, endpoint: ZendeskEndpoint): Reading {
  const value = endpoint === 'search' ? searchHeader(headers) : headers.get(ENDPOINT_HEADERS[endpoint]);
  const fields: Record<string, number | undefined> = {};
  for (const [, name = '', digits] of (value ?? '').matchAll(/(?:^|;)\s*(\w+)=(\d{1,9})\s*(?=;|$)/g)) {
    fields[name] = Number(digits);
  }
  return reading({ total: fields['total'], remaining: fields['remaining'], resets: fields['resets'] });
}

/** How the search export's header ends is not documented. */
function searchHeader(headers: Headers): string | null {
  for (const [name, value] of headers) if (name.startsWith('zendesk-ratelimit-search')) return value;
  return null;
}

interface Told {
  readonly total: number | undefined;
  readonly remaining: number | undefined;
  /** Seconds. */
  readonly resets: number | undefined;
}

function reading({ total, remaining, resets }: Told): Reading {
  return {
    ...(total === undefined ? {} : { total }),
    ...(remaining === undefined ? {} : { remaining }),
    ...(resets === undefined ? {} : { resetsInMs: Math.min(resets, MAX_RESET_SECONDS) * 1000 }),
  };
}

function first(headers: Headers, names: readonly string[]): number | undefined {
  for (const name of names) {
    const value = headers.get(name);
    if (value !== null && /^\d{1,9}$/.test(value)) return Number(value);
  }
  return undefined;
}
