import type { Context, MiddlewareHandler } from 'hono';
import type { Clock } from '../core/clock.ts';
import type { SimulatorEnv } from './faults.ts';
import type { StatsCounter } from './helpdesk-simulator.ts';
import { type WindowLimit, windowLimit } from './rate-limits.ts';

/** Calls a minute. Sub-limits of an endpoint lie inside the account's. */
export interface FreshdeskLimits {
  readonly account: number;
  /** Shared by viewing a ticket and listing its conversations. */
  readonly ticket: number;
  readonly list: number;
}

/** Growth as of 2026-09; the ticket bucket in the proportion that was recorded, 40 to 100 (helpdesks.md F2). */
const VENDOR_LIMITS: FreshdeskLimits = { account: 100, ticket: 40, list: 20 };
const LIFTED_LIMITS: FreshdeskLimits = { account: 1_000_000, ticket: 1_000_000, list: 1_000_000 };

export type FreshdeskLimitOption = 'vendor' | 'lifted' | Partial<FreshdeskLimits>;

type Env = { Bindings: SimulatorEnv };

/** What a request costs and in which bucket. */
interface Charge {
  readonly bucket: keyof FreshdeskLimits;
  readonly credits: number;
}

function chargeOf(c: Context<Env>): Charge {
  const path = new URL(c.req.url).pathname;
  const includes = (c.req.query('include') ?? '').split(',').filter((name) => name !== '').length;
  if (c.req.method !== 'GET') return { bucket: 'account', credits: 1 };
  if (path === '/api/v2/tickets') return { bucket: 'list', credits: 1 + 2 * includes };
  if (/^\/api\/v2\/tickets\/\d+$/.test(path)) return { bucket: 'ticket', credits: 1 + includes };
  if (/^\/api\/v2\/tickets\/\d+\/conversations$/.test(path)) return { bucket: 'ticket', credits: 1 };
  return { bucket: 'account', credits: 1 };
}

export interface FreshdeskBuckets {
  readonly account: WindowLimit;
  readonly ticket: WindowLimit;
  readonly list: WindowLimit;
}

export function freshdeskBuckets(clock: Clock, option: FreshdeskLimitOption): FreshdeskBuckets {
  const named = option === 'lifted' ? LIFTED_LIMITS : VENDOR_LIMITS;
  const limits = typeof option === 'string' ? named : { ...VENDOR_LIMITS, ...option };
  return {
    account: windowLimit(clock, limits.account),
    ticket: windowLimit(clock, limits.ticket),
    list: windowLimit(clock, limits.list),
  };
}

/** Limits per endpoint bucket; every call counts, also one with a wrong key. */
export function freshdeskLimits(options: {
  readonly buckets: FreshdeskBuckets;
  readonly stats: StatsCounter;
  readonly faultRetryAfterSeconds: number;
}): MiddlewareHandler<Env> {
  const { stats, buckets } = options;

  return async (c, next) => {
    const { bucket, credits } = chargeOf(c);
    const ofAccount = buckets.account.take(credits);
    const verdict = bucket === 'account' ? ofAccount : buckets[bucket].take(credits);
    const faulty = c.env.fault === 'rate_limited';
    if (faulty || !ofAccount.allowed || !verdict.allowed) {
      stats.rateLimited();
      const waitMs = Math.max(ofAccount.waitMs, verdict.waitMs);
      const wait = faulty ? options.faultRetryAfterSeconds : Math.max(1, Math.ceil(waitMs / 1000));
      // the documented sample has no X-Ratelimit-* headers here
      return c.json({ message: 'You have exceeded the limit of requests per minute' }, 429, {
        'retry-after': String(wait),
      });
    }
    await next();
    c.header('x-ratelimit-total', String(verdict.limit));
    c.header('x-ratelimit-remaining', String(verdict.remaining));
    c.header('x-ratelimit-used-currentrequest', String(credits));
  };
}

/** Basic auth with the API key as user name; any password. */
export function freshdeskAuth(apiKey: string): MiddlewareHandler<Env> {
  return async (c, next) => {
    const [scheme, value = ''] = (c.req.header('authorization') ?? '').split(' ', 2);
    const [user] = Buffer.from(value, 'base64').toString().split(':', 1);
    if (scheme !== 'Basic' || user !== apiKey) {
      const message = 'You have to be logged in to perform this action.';
      return c.json({ code: 'invalid_credentials', message }, 401);
    }
    return await next();
  };
}

/** JSON in, JSON out, and no doubled slash in the path. */
export const freshdeskManners: MiddlewareHandler<Env> = async (c, next) => {
  const accept = c.req.header('accept') ?? '*/*';
  if (!/\*\/\*|application\/(json|\*)/.test(accept)) return c.body(null, 406);
  const writes = c.req.method === 'POST' || c.req.method === 'PUT';
  if (writes && !/^application\/json\b/i.test(c.req.header('content-type') ?? '')) return c.body(null, 415);
  return await next();
};
