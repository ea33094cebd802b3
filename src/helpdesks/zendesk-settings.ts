import { isLoopback } from '../core/upstream-url.ts';
import type { HelpdeskDeps } from './helpdesk-module.ts';
import type { HttpOptions } from './http-call.ts';
import { type EnvReader, envSchema } from './settings.ts';
import {
  apiTokenAuthorization,
  type Authorization,
  fixedAuthorization,
  oauthAuthorization,
  type OAuthClient,
} from './zendesk-auth.ts';

export type ZendeskCredentials =
  | ({ readonly kind: 'client' } & OAuthClient)
  | { readonly kind: 'token'; readonly token: string }
  | { readonly kind: 'api_token'; readonly email: string; readonly apiToken: string };

export interface ZendeskSettings {
  readonly baseUrl: string;
  readonly credentials: ZendeskCredentials;
  readonly webhookSecrets: readonly string[];
  readonly requestsPerMinute: number;
  readonly updatesPerMinute: number;
}

/** Signs webhooks that are tried before they are saved; printed in Zendesk's documentation, so known to all (row 6). */
const PUBLIC_TEST_SECRET = 'dGhpc19zZWNyZXRfaXNfZm9yX3Rlc3Rpbmdfb25seQ==';

export const zendeskSettings = envSchema((env): ZendeskSettings => {
  const baseUrl = env.baseUrl('ZENDESK_BASE_URL');
  const webhookSecrets = env.secrets('ZENDESK_WEBHOOK_SECRET');
  if (webhookSecrets.includes(PUBLIC_TEST_SECRET) && !isLoopback(baseUrl))
    env.problem('ZENDESK_WEBHOOK_SECRET', "is Zendesk's public test secret: copy the webhook's own signing secret");
  return {
    baseUrl,
    webhookSecrets,
    credentials: readCredentials(env),
    requestsPerMinute: env.positiveInteger('ZENDESK_REQUESTS_PER_MINUTE', 200),
    updatesPerMinute: env.positiveInteger('ZENDESK_UPDATES_PER_MINUTE', 80),
  };
});

/** Exactly one way to sign in, with all its parts. */
function readCredentials(env: EnvReader): ZendeskCredentials {
  const values = {
    ZENDESK_OAUTH_CLIENT_ID: env.credential('ZENDESK_OAUTH_CLIENT_ID'),
    ZENDESK_OAUTH_CLIENT_SECRET: env.credential('ZENDESK_OAUTH_CLIENT_SECRET'),
    ZENDESK_OAUTH_TOKEN: env.credential('ZENDESK_OAUTH_TOKEN'),
    ZENDESK_EMAIL: env.credential('ZENDESK_EMAIL'),
    ZENDESK_API_TOKEN: env.credential('ZENDESK_API_TOKEN'),
  };
  const ways: readonly (readonly (keyof typeof values)[])[] = [
    ['ZENDESK_OAUTH_CLIENT_ID', 'ZENDESK_OAUTH_CLIENT_SECRET'],
    ['ZENDESK_OAUTH_TOKEN'],
    ['ZENDESK_EMAIL', 'ZENDESK_API_TOKEN'],
  ];
  const begun = ways.filter((way) => way.some((name) => values[name] !== undefined));
  if (begun.length === 0)
    env.problem(
      'ZENDESK_OAUTH_CLIENT_ID',
      'is missing (with ZENDESK_OAUTH_CLIENT_SECRET; or set ZENDESK_OAUTH_TOKEN, or ZENDESK_EMAIL and ZENDESK_API_TOKEN)',
    );
  for (const way of begun) {
    for (const name of way) if (values[name] === undefined) env.problem(name, `is missing beside ${begunWith(way)}`);
  }
  for (const way of begun.slice(1)) {
    const name = way.find((part) => values[part] !== undefined);
    if (name !== undefined) env.problem(name, 'is a second way to sign in: set one only');
  }
  function begunWith(way: readonly (keyof typeof values)[]): string {
    return way.filter((name) => values[name] !== undefined).join(', ');
  }
  if (values.ZENDESK_OAUTH_TOKEN !== undefined) return { kind: 'token', token: values.ZENDESK_OAUTH_TOKEN };
  if (values.ZENDESK_API_TOKEN !== undefined)
    return { kind: 'api_token', email: values.ZENDESK_EMAIL ?? '', apiToken: values.ZENDESK_API_TOKEN };
  return {
    kind: 'client',
    clientId: values.ZENDESK_OAUTH_CLIENT_ID ?? '',
    clientSecret: values.ZENDESK_OAUTH_CLIENT_SECRET ?? '',
  };
}

export function authorizationOf(
  { baseUrl, credentials }: ZendeskSettings,
  http: HttpOptions,
  deps: Pick<HelpdeskDeps, 'warn'>,
): Authorization {
  switch (credentials.kind) {
    case 'client':
      return oauthAuthorization(baseUrl, credentials, http);
    case 'token':
      return fixedAuthorization(`Bearer ${credentials.token}`);
    case 'api_token':
      deps.warn?.(
        'ZENDESK_API_TOKEN stops working on 2027-04-30, when Zendesk ends API tokens: move to ZENDESK_OAUTH_CLIENT_ID and ZENDESK_OAUTH_CLIENT_SECRET.',
      );
      return apiTokenAuthorization(credentials.email, credentials.apiToken);
  }
}
