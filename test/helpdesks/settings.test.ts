import { describe, expect, it } from 'vitest';
import { freshdesk } from '../../src/helpdesks/freshdesk.ts';
import type { HelpdeskModule } from '../../src/helpdesks/helpdesk-module.ts';
import { helpdesks } from '../../src/helpdesks/index.ts';
import { zendesk } from '../../src/helpdesks/zendesk.ts';

const ZENDESK = {
  ZENDESK_BASE_URL: 'https://acme.zendesk.com/',
  ZENDESK_OAUTH_CLIENT_ID: 'draftdesk',
  ZENDESK_OAUTH_CLIENT_SECRET: 'client-secret-of-ours',
  ZENDESK_WEBHOOK_SECRET: 'webhook-secret-one,webhook-secret-two',
};
const FRESHDESK = {
  FRESHDESK_BASE_URL: 'https://acme.freshdesk.com',
  FRESHDESK_API_KEY: 'key-of-an-agent',
  FRESHDESK_WEBHOOK_TOKEN: 'webhook-token-of-ours',
};

type Env = Readonly<Record<string, string | undefined>>;

function problems(module: HelpdeskModule, env: Env): string[] {
  const parsed = module.settings.safeParse(env);
  return parsed.success ? [] : parsed.error.issues.map((issue) => `${issue.path.join('.')} ${issue.message}`);
}

describe('the registry', () => {
  it('lists both helpdesks with distinct names', () => {
    expect(helpdesks.map(({ name, enabledBy }) => [name, enabledBy])).toEqual([
      ['zendesk', 'ZENDESK_BASE_URL'],
      ['freshdesk', 'FRESHDESK_BASE_URL'],
    ]);
  });
});

describe('Zendesk settings', () => {
  it('reads a whole environment, with defaults', () => {
    const env = { ...ZENDESK, PATH: '/usr/bin', ZENDESK_OAUTH_TOKEN: '' };
    expect(zendesk.settings.parse(env)).toEqual({
      baseUrl: 'https://acme.zendesk.com',
      credentials: { kind: 'client', clientId: 'draftdesk', clientSecret: 'client-secret-of-ours' },
      webhookSecrets: ['webhook-secret-one', 'webhook-secret-two'],
      requestsPerMinute: 200,
      updatesPerMinute: 80,
    });
  });

  it.each<[string, Env, RegExp[]]>([
    ['an empty entry', { ZENDESK_WEBHOOK_SECRET: 'webhook-secret-one,' }, [/^ZENDESK_WEBHOOK_SECRET .*empty/]],
    ['only a comma', { ZENDESK_WEBHOOK_SECRET: ',' }, [/^ZENDESK_WEBHOOK_SECRET .*empty/]],
    ['only a space', { ZENDESK_WEBHOOK_SECRET: ' ' }, [/^ZENDESK_WEBHOOK_SECRET is missing/]],
    ['no secret', { ZENDESK_WEBHOOK_SECRET: undefined }, [/^ZENDESK_WEBHOOK_SECRET is missing/]],
    ['a short secret', { ZENDESK_WEBHOOK_SECRET: 'short' }, [/^ZENDESK_WEBHOOK_SECRET .*16/]],
    ['exponents', { ZENDESK_REQUESTS_PER_MINUTE: '1e3' }, [/^ZENDESK_REQUESTS_PER_MINUTE/]],
    ['zero', { ZENDESK_UPDATES_PER_MINUTE: '0' }, [/^ZENDESK_UPDATES_PER_MINUTE/]],
    ['half a number', { ZENDESK_UPDATES_PER_MINUTE: '12abc' }, [/^ZENDESK_UPDATES_PER_MINUTE/]],
    ['plain http', { ZENDESK_BASE_URL: 'http://10.0.0.1' }, [/^ZENDESK_BASE_URL/]],
    ['a file', { ZENDESK_BASE_URL: 'file:///etc/passwd' }, [/^ZENDESK_BASE_URL/]],
    ['a user in the URL', { ZENDESK_BASE_URL: 'https://a:b@acme.zendesk.com' }, [/^ZENDESK_BASE_URL/]],
    ['the API path', { ZENDESK_BASE_URL: 'https://acme.zendesk.com/api/v2' }, [/^ZENDESK_BASE_URL/]],
    ['half a client', { ZENDESK_OAUTH_CLIENT_SECRET: undefined }, [/^ZENDESK_OAUTH_CLIENT_SECRET is missing/]],
    ['a second way to sign in', { ZENDESK_OAUTH_TOKEN: 'a-ready-token' }, [/^ZENDESK_OAUTH_TOKEN is a second way/]],
    [
      'an e-mail alone',
      { ZENDESK_OAUTH_CLIENT_ID: undefined, ZENDESK_OAUTH_CLIENT_SECRET: undefined, ZENDESK_EMAIL: 'bot@acme.test' },
      [/^ZENDESK_API_TOKEN is missing/],
    ],
    [
      'no credentials, a bad rate and a bad URL at once',
      {
        ZENDESK_BASE_URL: 'nonsense',
        ZENDESK_OAUTH_CLIENT_ID: undefined,
        ZENDESK_OAUTH_CLIENT_SECRET: undefined,
        ZENDESK_REQUESTS_PER_MINUTE: '-1',
      },
      [/^ZENDESK_BASE_URL/, /^ZENDESK_OAUTH_CLIENT_ID is missing/, /^ZENDESK_REQUESTS_PER_MINUTE/],
    ],
    ['a line break in a token', { ZENDESK_OAUTH_CLIENT_SECRET: 'a\r\nb' }, [/^ZENDESK_OAUTH_CLIENT_SECRET/]],
  ])('names the variable: %s', (_name, change, expected) => {
    const found = problems(zendesk, { ...ZENDESK, ...change });
    expect(found).toHaveLength(expected.length);
    for (const pattern of expected)
      expect(
        found.some((problem) => pattern.test(problem)),
        `${pattern}`,
      ).toBe(true);
  });

  it('row 6: refuses the public test secret unless the base URL is loopback', () => {
    const secret = { ZENDESK_WEBHOOK_SECRET: 'dGhpc19zZWNyZXRfaXNfZm9yX3Rlc3Rpbmdfb25seQ==' };
    expect(problems(zendesk, { ...ZENDESK, ...secret })).toEqual([
      expect.stringContaining("ZENDESK_WEBHOOK_SECRET is Zendesk's public test secret"),
    ]);
    expect(problems(zendesk, { ...ZENDESK, ...secret, ZENDESK_BASE_URL: 'http://127.0.0.1:8080' })).toEqual([]);
  });

  it('allows plain http to another host only when told', () => {
    const env = { ...ZENDESK, ZENDESK_BASE_URL: 'http://zendesk-simulator:8080' };
    expect(problems(zendesk, env)).toHaveLength(1);
    expect(problems(zendesk, { ...env, ALLOW_INSECURE_UPSTREAMS: 'true' })).toEqual([]);
  });

  it('never repeats a value', () => {
    const env = {
      ...ZENDESK,
      ZENDESK_WEBHOOK_SECRET: 'canary',
      ZENDESK_BASE_URL: 'ftp://canary',
      ZENDESK_EMAIL: 'canary canary',
    };
    expect(problems(zendesk, env).join('\n')).not.toContain('canary');
  });
});

describe('Freshdesk settings', () => {
  it('reads a whole environment, with defaults', () => {
    expect(freshdesk.settings.parse({ ...FRESHDESK, FRESHDESK_REQUESTS_PER_MINUTE: '400' })).toEqual({
      baseUrl: 'https://acme.freshdesk.com',
      apiKey: 'key-of-an-agent',
      webhookTokens: ['webhook-token-of-ours'],
      requestsPerMinute: 400,
    });
  });

  it.each<[string, Env, RegExp]>([
    ['no key', { FRESHDESK_API_KEY: undefined }, /^FRESHDESK_API_KEY is missing/],
    ['an empty token entry', { FRESHDESK_WEBHOOK_TOKEN: 'webhook-token-of-ours,' }, /^FRESHDESK_WEBHOOK_TOKEN/],
    ['a vanity domain', { FRESHDESK_BASE_URL: 'https://help.acme.test' }, /^FRESHDESK_BASE_URL .*freshdesk\.com/],
    ['an empty rate is the default', { FRESHDESK_REQUESTS_PER_MINUTE: 'x' }, /^FRESHDESK_REQUESTS_PER_MINUTE/],
  ])('names the variable: %s', (_name, change, expected) => {
    expect(problems(freshdesk, { ...FRESHDESK, ...change })).toEqual([expect.stringMatching(expected)]);
  });
});
