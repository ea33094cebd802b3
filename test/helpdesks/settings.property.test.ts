import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { freshdeskSettings } from '../../src/helpdesks/freshdesk-settings.ts';
import { zendeskSettings } from '../../src/helpdesks/zendesk-settings.ts';

const GOOD: Readonly<Record<string, readonly string[]>> = {
  ZENDESK_BASE_URL: ['https://team.zendesk.com', 'https://team.zendesk.com/', 'http://127.0.0.1:8080'],
  ZENDESK_WEBHOOK_SECRET: ['a-secret-of-16-characters', 'a-secret-of-16-characters,another-of-16-characters'],
  ZENDESK_OAUTH_CLIENT_ID: ['a-client'],
  ZENDESK_OAUTH_CLIENT_SECRET: ['its-secret'],
  ZENDESK_OAUTH_TOKEN: ['a-token'],
  ZENDESK_EMAIL: ['bot@team.example'],
  ZENDESK_API_TOKEN: ['an-api-token'],
  ZENDESK_REQUESTS_PER_MINUTE: ['700'],
  ZENDESK_UPDATES_PER_MINUTE: ['100'],
  FRESHDESK_BASE_URL: ['https://team.freshdesk.com'],
  FRESHDESK_API_KEY: ['a-key'],
  FRESHDESK_WEBHOOK_TOKEN: ['a-token-of-16-characters'],
  FRESHDESK_REQUESTS_PER_MINUTE: ['50'],
  ALLOW_INSECURE_UPSTREAMS: ['true', 'false', 'TRUE'],
};

const odd = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 30 }),
  fc.constantFrom(
    '',
    ' ',
    '0',
    '-1',
    '1e3',
    '0x10',
    '12abc',
    'abc,',
    ',',
    'short',
    'http://169.254.169.254',
    'file:///x',
  ),
  fc.constantFrom(
    'https://user:pass@team.zendesk.com',
    'https://team.zendesk.com/api/v2',
    '//x',
    'javascript:alert(1)',
  ),
  fc.webUrl(),
);
const WAYS = [
  ['ZENDESK_OAUTH_CLIENT_ID', 'ZENDESK_OAUTH_CLIENT_SECRET'],
  ['ZENDESK_OAUTH_TOKEN'],
  ['ZENDESK_EMAIL', 'ZENDESK_API_TOKEN'],
];
const names = fc.constantFrom(...Object.keys(GOOD));

/** One way to sign in, all else good; then some of it odd, or gone. */
const environments = fc
  .record({
    way: fc.constantFrom(...WAYS),
    good: fc.record(
      Object.fromEntries(Object.entries(GOOD).map(([name, values]) => [name, fc.constantFrom(...values)])),
    ),
    changes: fc.array(fc.tuple(names, fc.option(odd, { nil: undefined })), { maxLength: 3 }),
  })
  .map(({ way, good, changes }): Record<string, string | undefined> => {
    const others = WAYS.flat().filter((name) => !way.includes(name));
    const signedIn = Object.entries(good).filter(([name]) => !others.includes(name));
    return Object.fromEntries([...signedIn, ...changes]);
  });

describe.each([
  ['zendesk', zendeskSettings],
  ['freshdesk', freshdeskSettings],
])('any environment for %s', (_, schema) => {
  it('gives settings that are safe to use, or problems by the names of variables', () => {
    let accepted = 0;
    fc.assert(
      fc.property(environments, (env) => {
        const read = schema.safeParse(env);
        if (!read.success) {
          for (const { path } of read.error.issues) expect(GOOD).toHaveProperty(String(path[0]));
          return;
        }
        accepted += 1;
        const settings: Readonly<Record<string, unknown>> = { ...read.data };
        const secrets = (settings['webhookSecrets'] ?? settings['webhookTokens']) as string[];
        expect(secrets.length).toBeGreaterThan(0);
        for (const secret of secrets) expect(secret.length).toBeGreaterThanOrEqual(16);
        for (const [name, value] of Object.entries(settings)) {
          if (name.endsWith('PerMinute')) expect(Number.isInteger(value) && Number(value) > 0).toBe(true);
        }
        const url = new URL(String(settings['baseUrl']));
        const loopback = ['127.0.0.1', 'localhost', '[::1]'].includes(url.hostname);
        const allowed = env['ALLOW_INSECURE_UPSTREAMS'] === 'true';
        expect(url.protocol === 'https:' || loopback || allowed).toBe(true);
        expect(url.username + url.password).toBe('');
        expect(String(settings['baseUrl']).endsWith('/')).toBe(false);
      }),
      { numRuns: 2_000 },
    );
    expect(accepted).toBeGreaterThan(10);
  });
});
