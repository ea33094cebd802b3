import { z } from 'zod';
import type { Explanation, HttpCall } from './http-call.ts';
import type { Lesson } from './paced-fetch.ts';

/** What Zendesk's error bodies and headers tell beyond the status (helpdesks.md 2.2, 2.5). */
export type ZendeskBudget = 'requests' | 'update';

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

/** Account-wide headers have had three spellings; the update bucket has its own (helpdesks.md 2.2, 5). */
export function learnZendesk(headers: Headers): readonly Lesson<ZendeskBudget>[] {
  const account = {
    total: first(headers, ['x-rate-limit', 'ratelimit-limit', 'rate-limit']),
    remaining: first(headers, ['x-rate-limit-remaining', 'ratelimit-remaining', 'rate-limit-remaining']),
    resets: first(headers, ['ratelimit-reset', 'rate-limit-reset']),
  };
  return [
    ...lessons('requests', account),
    ...lessons('update', bucket(headers.get('zendesk-ratelimit-tickets-update'))),
  ];
}

interface Bucket {
  readonly total: number | null;
  readonly remaining: number | null;
  /** Seconds. */
  readonly resets: number | null;
}

function lessons(budget: ZendeskBudget, { total, remaining, resets }: Bucket): readonly Lesson<ZendeskBudget>[] {
  const found: Lesson<ZendeskBudget>[] = [];
  if (total !== null && total > 0) found.push({ budget, perMinute: total });
  if (remaining === 0 && resets !== null)
    found.push({ budget, exhaustedForMs: Math.min(resets, MAX_RESET_SECONDS) * 1000 });
  return found;
}

/** `total=100; remaining=99; resets=41` */
function bucket(value: string | null): Bucket {
  const field = (name: string): number | null => {
    const match = new RegExp(`(?:^|;)\\s*${name}=(\\d{1,9})\\s*(?:;|$)`).exec(value ?? '');
    return match === null ? null : Number(match[1]);
  };
  return { total: field('total'), remaining: field('remaining'), resets: field('resets') };
}

function first(headers: Headers, names: readonly string[]): number | null {
  for (const name of names) {
    const value = headers.get(name);
    if (value !== null && /^\d{1,9}$/.test(value)) return Number(value);
  }
  return null;
}
