import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ConfigError, type Env, readConfig } from '../../src/config.ts';
import { tokenOfSetting } from '../../src/core/admin-token.ts';
import { sha256 } from '../../src/core/clock.ts';

/** Random, so good on any address. */
const STRONG = 'Q2hhbmdlX4e9cXz81bTq0LrVw7uYp3sKdfA1';

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
  it.each([
    ['https://grafana.acme.com/trace/{traceId}', true],
    ['http://localhost:16686/trace/{traceId}?uiFind=x', true],
    ['https://grafana.acme.com/trace/', false],
    ['javascript:alert({traceId})', false],
    ['grafana.acme.com/{traceId}', false],
    ['https://a.com/{traceId}"><b>', false],
  ])('NOTE_TRACE_LINK=%s is taken: %s', (link, taken) => {
    const problems = problemsOf({ ...GOOD, NOTE_TRACE_LINK: link });
    expect(problems.length).toBe(taken ? 0 : 1);
    expect(problems.every((problem) => problem.startsWith('NOTE_TRACE_LINK must be'))).toBe(true);
  });

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
      maskPersonalData: false,
      retentionDays: 30,
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
    ['ADMIN_TOKEN', { ADMIN_TOKEN: 'changeme'.repeat(4), HOST: '0.0.0.0' }],
    ['ADMIN_TOKEN', { ADMIN_TOKEN: 'x'.repeat(40), HOST: '::' }],
    ['ADMIN_TOKEN', { ADMIN_TOKEN: `${STRONG},a-long-random-string-of-32-characters-or-more`, HOST: '0.0.0.0' }],
    ['ADMIN_TOKENS_FILE', { ADMIN_TOKENS_FILE: '/nowhere/tokens' }],
    ['ZENDESK_WEBHOOK_SECRET', { ZENDESK_WEBHOOK_SECRET: ' ' }],
    ['ZENDESK_WEBHOOK_SECRET', { ADMIN_TOKEN: STRONG, HOST: '0.0.0.0', ZENDESK_WEBHOOK_SECRET: 'changeme-changeme' }],
    ['ZENDESK_WEBHOOK_SECRET', { ZENDESK_WEBHOOK_SECRET: 'dGhpc19zZWNyZXRfaXNfZm9yX3Rlc3Rpbmdfb25seQ==' }],
    ['OPENAI_API_KEY', { OPENAI_API_KEY: undefined }],
    ['OPENAI_BASE_URL', { OPENAI_BASE_URL: 'http://10.0.0.5/v1' }],
    ['OPENAI_BASE_URL', { OPENAI_BASE_URL: 'file:///etc/passwd' }],
    ['ZENDESK_BASE_URL', { ZENDESK_BASE_URL: 'http://169.254.169.254' }],
    ['GUIDELINES_FILE', { GUIDELINES_FILE: '/nowhere/guidelines.md' }],
    ['MASK_PERSONAL_DATA', { MASK_PERSONAL_DATA: 'yes' }],
    ['LLM_DAILY_BUDGET_USD', { LLM_DAILY_BUDGET_USD: '0' }],
    ['LLM_DAILY_BUDGET_USD', { LLM_DAILY_BUDGET_USD: '5 dollars' }],
    ['RECONCILE_EVERY_MINUTES', { RECONCILE_EVERY_MINUTES: '-1' }],
    ['KNOWLEDGE_SYNC_MINUTES', { KNOWLEDGE_SYNC_MINUTES: 'hourly' }],
    ['KNOWLEDGE_RETENTION_DAYS', { KNOWLEDGE_RETENTION_DAYS: '0' }],
    ['no helpdesk is configured', { ZENDESK_BASE_URL: undefined }],
    ['FRESHDESK_API_KEY', { FRESHDESK_API_KEY: 'but no address' }],
    ['LINK_HOSTS', { LINK_HOSTS: 'https://help.acme.example/' }],
    ['LINK_HOSTS', { LINK_HOSTS: 'help.acme.example,' }],
    ['LINK_HOSTS', { LINK_HOSTS: '*' }],
    ['RETRY_MAX_MS', { RETRY_BASE_MS: '5000', RETRY_MAX_MS: '10' }],
    ['GUIDELINES_FILE', { GUIDELINES_FILE: '/nowhere/guidelines.md', PORT: 'x' }],
  ])('D11: refuses a bad %s: %o', (name, change) => {
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
    expect(config).toMatchObject({ adminTokens: ['first', 'second'].map(tokenOfSetting), port: 8787 });
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

describe('ADMIN_TOKENS_FILE', () => {
  let folder: string;
  let path: string;
  const write = (text: string, mode = 0o600): Env => {
    writeFileSync(path, text);
    chmodSync(path, mode);
    return { ...GOOD, ADMIN_TOKENS_FILE: path };
  };
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'draftdesk-'));
    path = join(folder, 'tokens');
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it('adds named tokens to those of ADMIN_TOKEN, or stands alone', () => {
    const alice = { name: 'alice', role: 'viewer', digest: sha256('token of alice') };
    const env = write(`alice viewer sha256:${alice.digest}\n`);
    expect(readConfig(env)).toMatchObject({
      adminTokens: [tokenOfSetting('short-is-fine-on-loopback', 0), alice],
      warnings: [],
    });
    expect(readConfig({ ...env, ADMIN_TOKEN: undefined }).adminTokens).toEqual([alice]);
  });

  it('names bad lines by their number, and a token that stands there by mistake by nothing', () => {
    const env = write(`# ours\nalice viewer token-canary\nbob operator sha256:${sha256('x')}\ncarol root canary\n`);
    expect(problemsOf(env)).toEqual([
      expect.stringMatching(/^ADMIN_TOKENS_FILE line 2 /),
      expect.stringMatching(/^ADMIN_TOKENS_FILE line 4 /),
    ]);
    expect(problemsOf(env).join()).not.toContain('canary');
    expect(problemsOf(write('#\n'))).toEqual(['ADMIN_TOKENS_FILE holds no token']);
  });

  it('does not guess the role of a token that stands in both', () => {
    const env = write(`alice viewer sha256:${sha256('short-is-fine-on-loopback')}\n`);
    expect(problemsOf(env)).toEqual(['ADMIN_TOKENS_FILE has under alice a token that ADMIN_TOKEN has too']);
  });

  it.each([0o644, 0o604, 0o602, 0o620, 0o660])('warns of mode %o', (mode) => {
    const env = write(`alice viewer sha256:${sha256('x')}\n`, mode);
    expect(readConfig(env).warnings).toEqual([expect.stringMatching(/^ADMIN_TOKENS_FILE .*chmod 600/)]);
  });
});

describe('settings for people to look at', () => {
  const shown = (env: Env) => new Map(readConfig(env).shown.map((setting) => [setting.name, setting]));

  it('are those that are set and those that have a default', () => {
    const settings = shown({ ...GOOD, WORKER_CONCURRENCY: '12', LLM_MODEL: 'gpt-6-luna' });
    expect(settings.get('WORKER_CONCURRENCY')).toEqual({ name: 'WORKER_CONCURRENCY', value: '12', isDefault: false });
    expect(settings.get('PORT')).toEqual({ name: 'PORT', value: '8787', isDefault: true });
    expect(settings.get('GUIDELINES_FILE')).toEqual({ name: 'GUIDELINES_FILE', value: null, isDefault: true });
    expect(settings.get('ZENDESK_BASE_URL')?.value).toBe('https://acme.zendesk.com');
    expect(settings.get('LLM_MODEL')?.value).toBe('gpt-6-luna');
  });

  it('hold no secret but its last two characters, of a short one not even those', () => {
    const env = {
      ...GOOD,
      ADMIN_TOKEN: `tiny,${STRONG}`,
      OTEL_EXPORTER_OTLP_HEADERS: 'authorization=Bearer otel-canary',
      EMBEDDINGS_MODEL: 'vectors',
      EMBEDDINGS_API_KEY: 'embeddings-canary',
    };
    const settings = shown(env);
    expect(settings.get('ADMIN_TOKEN')?.value).toBe('set (…, …A1)');
    expect(settings.get('OPENAI_API_KEY')?.value).toBe('set (…ry)');
    expect(settings.get('EMBEDDINGS_MODEL')?.value).toBe('vectors');
    expect(settings.get('EMBEDDINGS_API_KEY')?.value).toBe('set (…ry)');
    const text = JSON.stringify([...settings.values()]);
    expect(text).not.toContain('canary');
    expect(text).not.toContain(STRONG);
    expect(text).not.toContain('tiny');
  });
});
