import type { SetupQuestion } from '../core/helpdesk-setup.ts';
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

/** The ways to sign in; each needs all its parts. */
const WAYS = [
  ['ZENDESK_OAUTH_CLIENT_ID', 'ZENDESK_OAUTH_CLIENT_SECRET'],
  ['ZENDESK_OAUTH_TOKEN'],
  ['ZENDESK_EMAIL', 'ZENDESK_API_TOKEN'],
] as const;

function readCredentials(env: EnvReader): ZendeskCredentials {
  const given = new Map(WAYS.flat().map((name) => [name, env.credential(name)] as const));
  reportSignIn(env, (name) => given.get(name) !== undefined);
  const value = (name: (typeof WAYS)[number][number]): string => given.get(name) ?? '';
  if (value('ZENDESK_OAUTH_TOKEN') !== '') return { kind: 'token', token: value('ZENDESK_OAUTH_TOKEN') };
  if (value('ZENDESK_API_TOKEN') !== '')
    return { kind: 'api_token', email: value('ZENDESK_EMAIL'), apiToken: value('ZENDESK_API_TOKEN') };
  return {
    kind: 'client',
    clientId: value('ZENDESK_OAUTH_CLIENT_ID'),
    clientSecret: value('ZENDESK_OAUTH_CLIENT_SECRET'),
  };
}

/** Exactly one way, and whole. */
function reportSignIn(env: EnvReader, isSet: (name: (typeof WAYS)[number][number]) => boolean): void {
  const begun = WAYS.filter((way) => way.some(isSet));
  if (begun.length === 0)
    env.problem(
      'ZENDESK_OAUTH_CLIENT_ID',
      'is missing (with ZENDESK_OAUTH_CLIENT_SECRET; or set ZENDESK_OAUTH_TOKEN, or ZENDESK_EMAIL and ZENDESK_API_TOKEN)',
    );
  for (const [index, way] of begun.entries()) {
    const present = way.filter(isSet);
    for (const name of way) if (!isSet(name)) env.problem(name, `is missing beside ${present.join(', ')}`);
    if (index > 0 && present[0] !== undefined) env.problem(present[0], 'is a second way to sign in: set one only');
  }
}

export function authorizationOf(
  { baseUrl, credentials }: ZendeskSettings,
  http: HttpOptions,
  deps: Pick<HelpdeskDeps, 'warn'>,
  scope?: string,
): Authorization {
  switch (credentials.kind) {
    case 'client':
      return oauthAuthorization(baseUrl, credentials, http, scope);
    case 'token':
      return fixedAuthorization(`Bearer ${credentials.token}`);
    case 'api_token':
      deps.warn?.(
        'ZENDESK_API_TOKEN stops working on 2027-04-30, when Zendesk ends API tokens: move to ZENDESK_OAUTH_CLIENT_ID and ZENDESK_OAUTH_CLIENT_SECRET.',
      );
      return apiTokenAuthorization(credentials.email, credentials.apiToken);
  }
}

const OTHER_WAYS = ['ZENDESK_OAUTH_TOKEN', 'ZENDESK_API_TOKEN'];

export const ZENDESK_QUESTIONS: readonly SetupQuestion[] = [
  { variable: 'ZENDESK_BASE_URL', question: 'Your Zendesk, e.g. https://acme.zendesk.com', secret: false },
  {
    variable: 'ZENDESK_OAUTH_CLIENT_ID',
    question: 'Identifier of the OAuth client (Admin Center → Apps and integrations → APIs → OAuth clients)',
    secret: false,
    unless: OTHER_WAYS,
  },
  {
    variable: 'ZENDESK_OAUTH_CLIENT_SECRET',
    question: 'Secret of that OAuth client',
    secret: true,
    unless: OTHER_WAYS,
  },
];
