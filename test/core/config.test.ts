import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ConfigError, type Env, readConfig } from '../../src/config.ts';

const GOOD: Env = {
  ADMIN_TOKEN: 'short-is-fine-on-loopback',
  OPENAI_API_KEY: 'sk-secret-canary',
  ZENDESK_BASE_URL: 'https://acme.zendesk.com',
  ZENDESK_OAUTH_TOKEN: 'token-canary',
  ZENDESK_WEBHOOK_SECRET: 'a-webhook-secret-canary',
};

function problemsOf(env: Env): readonly string[] {
  try {
    readConfig(env);
    return [];
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.problems;
  }
}

describe('the configuration', () => {
  it('has the documented defaults', () => {
    expect(readConfig(GOOD)).toMatchObject({
      host: '127.0.0.1',
      port: 8787,
      workerConcurrency: 10,
      maxAttempts: 5,
      retryBaseMs: 1000,
      retryMaxMs: 60_000,
      outboxMaxPending: 100_000,
      shutdownGraceMs: 5000,
      helpdeskTimeoutMs: 15_000,
      ambiguousPostWaitMs: 60_000,
      webhookToleranceSeconds: 300,
      postFindings: true,
      logLevel: 'info',
    });
  });

  it('names every problem at once, each by its variable, and no value', () => {
    const env = {
      ...GOOD,
      ADMIN_TOKEN: 'one-token,',
      PORT: '80800',
      WORKER_CONCURRENCY: '1e3',
      MAX_ATTEMPTS: '-1',
      LOG_LEVEL: 'loud',
      DATABASE_URL: 'postgres://db-canary',
      ZENDESK_WEBHOOK_SECRET: 'a-webhook-secret-canary,',
      ZENDESK_BASE_URL: 'http://user:password-canary@acme.zendesk.com',
      POST_FINDINGS: 'yes',
    };
    const problems = problemsOf(env);
    for (const name of Object.keys(env)) {
      if (env[name as keyof typeof env] === GOOD[name]) continue;
      expect(
        problems.some((problem) => problem.startsWith(`${name} `)),
        `${name} in\n${problems.join('\n')}`,
      ).toBe(true);
    }
    expect(problems.join('\n')).not.toMatch(/canary/);
  });

  it.each<[string, Env]>([
    ['ADMIN_TOKEN', { ADMIN_TOKEN: undefined }],
    ['ADMIN_TOKEN', { ADMIN_TOKEN: ',' }],
    ['ADMIN_TOKEN', { ADMIN_TOKEN: 'too-short-for-the-world', HOST: '0.0.0.0' }],
    ['ZENDESK_WEBHOOK_SECRET', { ZENDESK_WEBHOOK_SECRET: ' ' }],
    ['ZENDESK_WEBHOOK_SECRET', { ZENDESK_WEBHOOK_SECRET: 'dGhpc19zZWNyZXRfaXNfZm9yX3Rlc3Rpbmdfb25seQ==' }],
    ['OPENAI_API_KEY', { OPENAI_API_KEY: undefined }],
    ['OPENAI_BASE_URL', { OPENAI_BASE_URL: 'http://10.0.0.5/v1' }],
    ['OPENAI_BASE_URL', { OPENAI_BASE_URL: 'file:///etc/passwd' }],
    ['ZENDESK_BASE_URL', { ZENDESK_BASE_URL: 'http://169.254.169.254' }],
    ['GUIDELINES_FILE', { GUIDELINES_FILE: '/nowhere/guidelines.md' }],
    ['MASK_PERSONAL_DATA', { MASK_PERSONAL_DATA: 'true' }],
    ['LLM_DAILY_BUDGET_USD', { LLM_DAILY_BUDGET_USD: '0' }],
    ['LLM_DAILY_BUDGET_USD', { LLM_DAILY_BUDGET_USD: '5 dollars' }],
    ['RECONCILE_EVERY_MINUTES', { RECONCILE_EVERY_MINUTES: '-1' }],
    ['no helpdesk is configured', { ZENDESK_BASE_URL: undefined }],
    ['FRESHDESK_API_KEY', { FRESHDESK_API_KEY: 'but no address' }],
    ['LINK_HOSTS', { LINK_HOSTS: 'https://help.acme.example/' }],
    ['LINK_HOSTS', { LINK_HOSTS: 'help.acme.example,' }],
    ['LINK_HOSTS', { LINK_HOSTS: '*' }],
    ['RETRY_MAX_MS', { RETRY_BASE_MS: '5000', RETRY_MAX_MS: '10' }],
    ['GUIDELINES_FILE', { GUIDELINES_FILE: '/nowhere/guidelines.md', PORT: 'x' }],
  ])('refuses a bad %s: %o', (name, change) => {
    expect(problemsOf({ ...GOOD, ...change }).some((problem) => problem.startsWith(name))).toBe(true);
  });

  it('takes several tokens, an empty line as not set, and insecure addresses when told so', () => {
    const config = readConfig({
      ...GOOD,
      ADMIN_TOKEN: 'first, second',
      PORT: '',
      OPENAI_BASE_URL: 'http://10.0.0.5/v1',
      ALLOW_INSECURE_UPSTREAMS: 'true',
    });
    expect(config).toMatchObject({ adminTokens: ['first', 'second'], port: 8787 });
  });

  it('lets drafts link to the helpdesk and to the hosts that are named', () => {
    expect(readConfig(GOOD).linkHosts).toEqual(['acme.zendesk.com']);
    const { linkHosts } = readConfig({ ...GOOD, LINK_HOSTS: 'Help.acme.example, shop.acme.example:8443' });
    expect(linkHosts).toEqual(['acme.zendesk.com', 'help.acme.example', 'shop.acme.example:8443']);
  });

  it('reads the guidelines', () => {
    const folder = mkdtempSync(join(tmpdir(), 'draftdesk-'));
    writeFileSync(join(folder, 'g.md'), '# Be kind');
    expect(readConfig({ ...GOOD, GUIDELINES_FILE: join(folder, 'g.md') }).guidelines).toBe('# Be kind');
    rmSync(folder, { recursive: true });
  });
});
