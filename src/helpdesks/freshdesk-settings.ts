import type { SetupQuestion } from '../core/helpdesk-setup.ts';
import { isLoopback } from '../core/upstream-url.ts';
import { envSchema } from './settings.ts';

export interface FreshdeskSettings {
  readonly baseUrl: string;
  readonly apiKey: string;
  readonly webhookTokens: readonly string[];
  readonly requestsPerMinute: number;
}

export const freshdeskSettings = envSchema((env): FreshdeskSettings => {
  const baseUrl = env.baseUrl('FRESHDESK_BASE_URL');
  if (isVanityAddress(baseUrl))
    env.problem(
      'FRESHDESK_BASE_URL',
      'must be https://<name>.freshdesk.com: the API does not answer under own domains',
    );
  const apiKey = env.credential('FRESHDESK_API_KEY');
  if (apiKey === undefined) env.problem('FRESHDESK_API_KEY', 'is missing');
  return {
    baseUrl,
    apiKey: apiKey ?? '',
    webhookTokens: env.secrets('FRESHDESK_WEBHOOK_TOKEN'),
    requestsPerMinute: env.positiveInteger('FRESHDESK_REQUESTS_PER_MINUTE', 100),
  };
});

/** Over https only the vendor's own host answers (helpdesks.md F3); plain http is a simulator or a proxy. */
function isVanityAddress(value: string): boolean {
  const url = URL.parse(value);
  if (url === null || url.protocol !== 'https:' || isLoopback(value)) return false;
  return !url.hostname.endsWith('.freshdesk.com');
}

/** The secret of a rule's webhook: a header of its own, or the password of Basic auth (helpdesks.md F1.1). */
export function givenToken(headers: Headers): string | null {
  const token = headers.get('x-draftdesk-token');
  if (token !== null) return token;
  const basic = /^basic ([A-Za-z0-9+/]+={0,2})$/i.exec(headers.get('authorization') ?? '');
  if (basic === null) return null;
  const pair = Buffer.from(basic[1] ?? '', 'base64').toString('utf8');
  const colon = pair.indexOf(':');
  return colon < 0 ? null : pair.slice(colon + 1);
}

export const FRESHDESK_QUESTIONS: readonly SetupQuestion[] = [
  { variable: 'FRESHDESK_BASE_URL', question: 'Your Freshdesk, e.g. https://acme.freshdesk.com', secret: false },
  {
    variable: 'FRESHDESK_API_KEY',
    question: 'API key of the agent who writes the notes (profile picture → Profile settings → Your API key)',
    secret: true,
  },
];
