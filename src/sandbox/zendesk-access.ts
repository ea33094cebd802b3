import { randomBytes } from 'node:crypto';
import type { Context } from 'hono';
import type { Clock } from '../core/clock.ts';
import { type LimitVerdict, type WindowLimit, windowLimit } from './rate-limits.ts';

/** Which credentials a simulated Zendesk takes. */
export interface ZendeskCredentials {
  readonly clientId: string;
  readonly clientSecret: string;
  /** Scopes the OAuth client was registered with. */
  readonly clientScopes: readonly string[];
  /** A bearer token that never expires. */
  readonly oauthToken: string;
  readonly email: string;
  readonly apiToken: string;
}

export const ZENDESK_CREDENTIALS: ZendeskCredentials = {
  clientId: 'draftdesk',
  clientSecret: 'zendesk-simulator-client-secret',
  clientScopes: ['read', 'tickets:write', 'write', 'tickets:read', 'webhooks:write', 'triggers:write'],
  oauthToken: 'zendesk-simulator-oauth-token',
  email: 'draftdesk@acme.example',
  apiToken: 'zendesk-simulator-api-token',
};

type Identity =
  | { readonly kind: 'agent'; readonly scopes: readonly string[] | 'all' }
  | { readonly kind: 'none' | 'bad_token' };

export interface ZendeskAccess {
  /** `POST /oauth/tokens`. */
  issueToken(c: Context): Promise<Response>;
  identify(authorization: string | undefined): Identity;
  /** Every token issued so far stops working, as when the admin behind the client loses access. */
  revokeTokens(): void;
  tokensIssued(): number;
}

/** The default lifetime for clients made after 2026-04-30 (helpdesks.md 2.1). */
const DEFAULT_EXPIRES_IN = 1800;
const FAMILIES = ['tickets', 'users', 'webhooks', 'triggers'];
const KNOWN_SCOPES = new Set(['read', 'write', ...FAMILIES.flatMap((family) => [`${family}:read`, `${family}:write`])]);

export function createZendeskAccess(clock: Clock, credentials: ZendeskCredentials): ZendeskAccess {
  const tokens = new Map<string, { expiresAt: number; scopes: string[] }>();
  let issued = 0;

  return {
    tokensIssued: () => issued,
    revokeTokens: () => tokens.clear(),
    async issueToken(c) {
      const form = await tokenRequest(c);
      const refusal = refuseTokenRequest(form, credentials);
      if (refusal !== null)
        return c.json({ error: refusal.error, error_description: refusal.description }, refusal.status);
      const scope = typeof form['scope'] === 'string' ? form['scope'] : 'read';
      const expiresIn = form['expires_in'] === undefined ? DEFAULT_EXPIRES_IN : Number(form['expires_in']);
      const token = randomBytes(24).toString('hex');
      tokens.set(token, { expiresAt: clock.now() + expiresIn * 1000, scopes: scope.split(' ') });
      issued += 1;
      return c.json({ access_token: token, token_type: 'bearer', scope, expires_in: expiresIn });
    },
    identify(authorization) {
      const [scheme, value = ''] = (authorization ?? '').split(' ', 2);
      if (scheme === 'Bearer') {
        if (value === credentials.oauthToken) return { kind: 'agent', scopes: 'all' };
        const token = tokens.get(value);
        if (token === undefined || token.expiresAt <= clock.now()) return { kind: 'bad_token' };
        return { kind: 'agent', scopes: token.scopes };
      }
      const expected = `${credentials.email}/token:${credentials.apiToken}`;
      const matches = scheme === 'Basic' && Buffer.from(value, 'base64').toString() === expected;
      return matches ? { kind: 'agent', scopes: 'all' } : { kind: 'none' };
    },
  };
}

async function tokenRequest(c: Context): Promise<Record<string, unknown>> {
  const json = c.req.header('content-type')?.startsWith('application/json') === true;
  return json ? await c.req.json<Record<string, unknown>>().catch(() => ({})) : await c.req.parseBody();
}

interface TokenRefusal {
  readonly status: 400 | 401;
  readonly error: string;
  readonly description: string;
}

function refuseTokenRequest(form: Record<string, unknown>, credentials: ZendeskCredentials): TokenRefusal | null {
  if (form['grant_type'] !== 'client_credentials') {
    return {
      status: 400,
      error: 'unsupported_grant_type',
      description: 'The authorization grant type is not supported.',
    };
  }
  if (form['client_id'] !== credentials.clientId || form['client_secret'] !== credentials.clientSecret) {
    return { status: 401, error: 'invalid_client', description: 'Client authentication failed.' };
  }
  // a name nobody knows yields a token that opens nothing; a known one outside the client's list is refused
  const scopes = typeof form['scope'] === 'string' ? form['scope'].split(' ') : [];
  if (scopes.some((scope) => KNOWN_SCOPES.has(scope) && !credentials.clientScopes.includes(scope))) {
    return {
      status: 400,
      error: 'invalid_scope',
      description: 'The requested scope is invalid, unknown, or malformed.',
    };
  }
  const expiresIn = form['expires_in'] === undefined ? DEFAULT_EXPIRES_IN : Number(form['expires_in']);
  if (!(expiresIn >= 300 && expiresIn <= 172_800)) {
    return { status: 400, error: 'invalid_request', description: 'expires_in must be between 300 and 172800.' };
  }
  return null;
}

/** May a token with these scopes make this request? */
export function scopeAllows(scopes: readonly string[] | 'all', method: string, path: string): boolean {
  if (scopes === 'all') return true;
  if (scopes.some((scope) => !KNOWN_SCOPES.has(scope))) return false;
  const verb = method === 'GET' ? 'read' : 'write';
  const family = FAMILIES.find((name) => path.startsWith(`/api/v2/${name}`)) ?? 'tickets';
  return scopes.includes(verb) || scopes.includes(`${family}:${verb}`);
}

export interface ZendeskLimits {
  /** The plan's API budget. */
  readonly requestsPerMinute: number;
  /** Ticket updates of the whole account, agents' own included. */
  readonly updatesPerMinute: number;
  readonly updatesPerTicketPer10Minutes: number;
  readonly incrementalPerMinute: number;
  readonly listPerMinute: number;
  readonly searchExportPerMinute: number;
}

/** Suite Growth or Professional (helpdesks.md 2.2). */
const VENDOR_LIMITS: ZendeskLimits = {
  requestsPerMinute: 400,
  updatesPerMinute: 100,
  updatesPerTicketPer10Minutes: 30,
  incrementalPerMinute: 10,
  listPerMinute: 100,
  searchExportPerMinute: 100,
};

const LIFTED = 1_000_000;
const LIFTED_LIMITS: ZendeskLimits = {
  requestsPerMinute: LIFTED,
  updatesPerMinute: LIFTED,
  updatesPerTicketPer10Minutes: LIFTED,
  incrementalPerMinute: LIFTED,
  listPerMinute: LIFTED,
  searchExportPerMinute: LIFTED,
};

export type ZendeskLimitOption = 'vendor' | 'lifted' | Partial<ZendeskLimits>;

export interface ZendeskBuckets {
  account(): LimitVerdict;
  /** The help centre's: as much as Support's, counted apart. */
  guide(): LimitVerdict;
  update(): LimitVerdict;
  updateOf(ticketId: number): LimitVerdict;
  incremental(): LimitVerdict;
  list(): LimitVerdict;
  searchExport(): LimitVerdict;
  /** Others update so many tickets a minute. */
  rival(perMinute: number): void;
  rivalsRefused(): number;
}

export function zendeskBuckets(clock: Clock, option: ZendeskLimitOption): ZendeskBuckets {
  const named = option === 'lifted' ? LIFTED_LIMITS : VENDOR_LIMITS;
  const limits = typeof option === 'string' ? named : { ...VENDOR_LIMITS, ...option };
  const account = windowLimit(clock, limits.requestsPerMinute);
  const guide = windowLimit(clock, limits.requestsPerMinute);
  const update = windowLimit(clock, limits.updatesPerMinute);
  const incremental = windowLimit(clock, limits.incrementalPerMinute);
  const list = windowLimit(clock, limits.listPerMinute);
  const searchExport = windowLimit(clock, limits.searchExportPerMinute);
  const perTicket = new Map<number, WindowLimit>();
  return {
    account: () => account.take(),
    guide: () => guide.take(),
    update: () => update.take(),
    incremental: () => incremental.take(),
    list: () => list.take(),
    searchExport: () => searchExport.take(),
    rival(perMinute) {
      account.rival(perMinute);
      update.rival(perMinute);
    },
    rivalsRefused: () => account.rivalsRefused() + update.rivalsRefused(),
    updateOf(ticketId) {
      const limit = perTicket.get(ticketId) ?? windowLimit(clock, limits.updatesPerTicketPer10Minutes, 600_000);
      perTicket.set(ticketId, limit);
      return limit.take();
    },
  };
}

export const seconds = (ms: number): number => Math.max(1, Math.ceil(ms / 1000));

/** The account-wide headers, both spellings of today. */
export function accountLimitHeaders(verdict: LimitVerdict): Record<string, string> {
  return {
    'x-rate-limit': String(verdict.limit),
    'x-rate-limit-remaining': String(verdict.remaining),
    'ratelimit-limit': String(verdict.limit),
    'ratelimit-remaining': String(verdict.remaining),
    'ratelimit-reset': String(seconds(verdict.resetMs)),
  };
}

/** Value of `zendesk-ratelimit-<endpoint>`. */
export function endpointLimitHeader(verdict: LimitVerdict): string {
  return `total=${verdict.limit}; remaining=${verdict.remaining}; resets=${seconds(verdict.resetMs)}`;
}
