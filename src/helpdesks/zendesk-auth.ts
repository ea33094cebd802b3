import * as z from 'zod';
import type { Clock } from '../core/clock.ts';
import { UpstreamError } from '../core/errors.ts';
import { type HttpOptions, sendCall } from './http-call.ts';
import { leavable } from './leavable.ts';

/** How our API calls say who we are. */
export interface Authorization {
  /** The value of the `Authorization` header. */
  header(signal: AbortSignal): Promise<string>;
  /** That header was refused with 401. True: another one can be had, try once more. */
  refused(header: string): boolean;
}

export function fixedAuthorization(header: string): Authorization {
  return { header: () => Promise.resolve(header), refused: () => false };
}

/** An API token in the name of one user (helpdesks.md 2.1). */
export function apiTokenAuthorization(email: string, token: string): Authorization {
  return fixedAuthorization(`Basic ${Buffer.from(`${email}/token:${token}`).toString('base64')}`);
}

export interface OAuthClient {
  readonly clientId: string;
  readonly clientSecret: string;
}

/** Audits need the global read scope, so that narrower ones do not do (helpdesks.md 2.1). */
const SERVICE_SCOPE = 'read tickets:write';
/** The longest life Zendesk grants, s; without the wish, new clients get 30 minutes. */
const WANTED_LIFE_SECONDS = 172_800;
const DEFAULT_LIFE_SECONDS = 1_800;
/** Renew this share of the life before its end. */
const RENEW_EARLY_SHARE = 0.1;

const tokenAnswer = z.object({
  access_token: z.string().regex(/^[\x21-\x7e]+$/),
  expires_in: z.number().positive().nullish(),
});

interface Token {
  readonly header: string;
  /** Clock.steady ms. */
  readonly renewAt: number;
}

/**
 * OAuth client credentials: a token is asked for when the first call needs one, and again before it expires or once it
 * was refused; one request at a time, shared by all who wait. There is no refresh token (helpdesks.md 2.1).
 */
export function oauthAuthorization(
  baseUrl: string,
  client: OAuthClient,
  http: HttpOptions,
  scope = SERVICE_SCOPE,
): Authorization {
  let current: Token | null = null;
  let renewal: Promise<Token> | null = null;

  const renew = async (): Promise<Token> => {
    try {
      current = await requestToken(baseUrl, { ...client, scope }, http);
      return current;
    } finally {
      renewal = null;
    }
  };

  return {
    header: async (signal) => {
      if (current !== null && http.clock.steady() < current.renewAt) return current.header;
      renewal ??= renew();
      const left = (): UpstreamError =>
        new UpstreamError('cancelled', `Stopped while waiting for a token of ${http.upstream}.`, {
          upstream: http.upstream,
        });
      return (await leavable(renewal, signal, left)).header;
    },
    refused: (header) => {
      // somebody else may have renewed it since
      if (current?.header === header) current = null;
      return true;
    },
  };
}

/** Not tied to any caller's signal: others may wait for the same token. Its own timeout ends it. */
async function requestToken(
  baseUrl: string,
  client: OAuthClient & { readonly scope: string },
  http: HttpOptions,
): Promise<Token> {
  const body = {
    grant_type: 'client_credentials',
    client_id: client.clientId,
    client_secret: client.clientSecret,
    scope: client.scope,
    expires_in: WANTED_LIFE_SECONDS,
  };
  const url = `${baseUrl}/oauth/tokens`;
  try {
    const never = new AbortController().signal;
    const { json } = await sendCall({ method: 'POST', url, headers: {}, body }, http, never);
    return asToken(json, http);
  } catch (error) {
    throw error instanceof UpstreamError ? refusedClient(error, client.scope) : error;
  }
}

function asToken(json: unknown, { upstream, clock }: HttpOptions): Token {
  const answer = tokenAnswer.safeParse(json);
  if (!answer.success)
    throw new UpstreamError('invalid_response', `${upstream} answered our token request without a token.`, {
      upstream,
    });
  const lifeMs = (answer.data.expires_in ?? DEFAULT_LIFE_SECONDS) * 1000;
  return { header: `Bearer ${answer.data.access_token}`, renewAt: renewAt(clock, lifeMs) };
}

function renewAt(clock: Clock, lifeMs: number): number {
  return clock.steady() + lifeMs * (1 - RENEW_EARLY_SHARE);
}

/** `invalid_client`, `invalid_scope` and the like come as 400, 401 or 403: all mean the client is not set up right. */
function refusedClient(error: UpstreamError, scope: string): UpstreamError {
  if (error.status === null || ![400, 401, 403, 422].includes(error.status)) return error;
  return new UpstreamError(
    'auth',
    `${error.upstream} refused ZENDESK_OAUTH_CLIENT_ID and ZENDESK_OAUTH_CLIENT_SECRET, or its client lacks the scope "${scope}" (${error.status}).`,
    { upstream: error.upstream, status: error.status, cause: error },
  );
}
