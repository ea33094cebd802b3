import { readFileSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import * as z from 'zod';
import { type AdminToken, parseTokensFile, tokenOfSetting } from './core/admin-token.ts';
import { maskedSecret, type ShownSetting } from './core/shown-setting.ts';
import { isLoopbackHost, isWeakSecret } from './core/weak-secret.ts';
import { NO_RULES, type RuleSet } from './core/rules.ts';
import { helpdesks } from './helpdesks/index.ts';
import { languageModels } from './llms/index.ts';
import { readRulesFile } from './rules-file.ts';

/** The environment is wrong; `problems` lists every variable, `message` is the whole text for the operator. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly problems: readonly string[];

  constructor(problems: readonly string[], what: 'start' | 'connect' = 'start') {
    super(
      `Draftdesk cannot ${what}: ${problems.length === 1 ? 'a setting is' : 'some settings are'} wrong.\n${problems.map((problem) => `  - ${problem}`).join('\n')}`,
    );
    this.problems = problems;
  }
}

export type Env = Readonly<Record<string, string | undefined>>;

/** A module of a registry with the settings it has parsed. */
export interface Chosen<Module extends (typeof helpdesks | typeof languageModels)[number]> {
  readonly module: Module;
  readonly settings: Parameters<Module['create']>[0];
}

export interface Config {
  readonly host: string;
  readonly port: number;
  /** File path of the SQLite database. */
  readonly databasePath: string;
  readonly adminTokens: readonly AdminToken[];
  /** Sentences for the operator about what works but should be mended. */
  readonly warnings: readonly string[];
  /** Every setting that is set or has a default, for people to look at. */
  readonly shown: readonly ShownSetting[];
  /** The team's own guidelines, already read; empty when none are set. */
  readonly guidelines: string;
  /** Where the rules stand; null: there are none. */
  readonly rulesFile: string | null;
  /** As they were at the start. */
  readonly rules: RuleSet;
  /** `host` or `host:port` of every helpdesk, and of `LINK_HOSTS`: drafts may link there. */
  readonly linkHosts: readonly string[];
  readonly postFindings: boolean;
  readonly maskPersonalData: boolean;
  readonly retentionDays: number;
  /** USD of a UTC day; null: no bound. */
  readonly llmDailyBudgetUsd: number | null;
  /** 0: no sweep. */
  readonly reconcileEveryMinutes: number;
  /** 0: only when asked. */
  readonly knowledgeSyncMinutes: number;
  readonly knowledgeJoinSolved: boolean;
  readonly knowledgeRetentionDays: number;
  readonly workerConcurrency: number;
  readonly maxAttempts: number;
  readonly retryBaseMs: number;
  readonly retryMaxMs: number;
  readonly outboxMaxPending: number;
  readonly shutdownGraceMs: number;
  readonly helpdeskTimeoutMs: number;
  readonly ambiguousPostWaitMs: number;
  readonly webhookToleranceSeconds: number;
  readonly allowInsecureUpstreams: boolean;
  /** `GET /metrics` wants no token. */
  readonly metricsPublic: boolean;
  /** Address of a trace with `{traceId}` in it, for the notes; null: no such line. */
  readonly noteTraceLink: string | null;
  readonly logLevel: (typeof LOG_LEVELS)[number];
  readonly helpdesks: readonly Chosen<(typeof helpdesks)[number]>[];
  readonly llm: Chosen<(typeof languageModels)[number]>;
}

function pathOf(databaseUrl: string): string {
  return resolve(databaseUrl.slice('file:'.length));
}

/** Where the database lies, whatever else is set. Throws `ConfigError`. */
export function databasePathOf(env: Env): string {
  const parsed = baseSchema.pick({ DATABASE_URL: true }).safeParse(whatIsSet(env));
  if (parsed.data === undefined) throw new ConfigError(listProblems(parsed.error));
  return pathOf(parsed.data.DATABASE_URL);
}

const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;

const wholeNumber = (min: number, max: number, fallback: number) =>
  z
    .string()
    .regex(/^\d{1,15}$/, `must be a whole number from ${min} to ${max}`)
    .transform(Number)
    .refine((value) => value >= min && value <= max, `must be a whole number from ${min} to ${max}`)
    .default(fallback);

const flag = (fallback: boolean) =>
  z
    .enum(['true', 'false'], 'must be true or false')
    .transform((value) => value === 'true')
    .default(fallback);

const USD_HINT = 'must be an amount in USD above 0, e.g. 25 or 2.50';

const usd = z
  .string()
  .regex(/^\d{1,9}(\.\d{1,6})?$/, USD_HINT)
  .transform(Number)
  .refine((amount) => amount > 0, USD_HINT);

/** Names as they stand in a link, without scheme and path. */
const hostList = z
  .string()
  .transform((value) => value.split(',').map((host) => host.trim().toLowerCase()))
  .refine(
    (hosts) => hosts.every((host) => /^[\p{L}\p{N}-]+(\.[\p{L}\p{N}-]+)+(:\d{1,5})?$/u.test(host)),
    'must be host names, comma separated, e.g. help.acme.com,shop.acme.com',
  );

const TRACE_LINK_HINT =
  'must be an http(s) address with {traceId} in it, e.g. https://grafana.acme.com/trace/{traceId}';

/** It stands in every note as it is. */
const traceLink = z.string().refine((value) => {
  const url = URL.parse(value.replaceAll('{traceId}', '0'));
  return value.includes('{traceId}') && /^https?:$/.test(url?.protocol ?? '') && !/[\s<>"'`]/.test(value);
}, TRACE_LINK_HINT);

const baseSchema = z.object({
  HOST: z.string().min(1, 'must not be empty').default('127.0.0.1'),
  PORT: wholeNumber(0, 65535, 8787),
  DATABASE_URL: z
    .string()
    .refine(
      (value) => value.startsWith('file:') && value.length > 'file:'.length,
      'must be file:PATH, e.g. file:./data/draftdesk.db (Postgres is not supported by this version yet)',
    )
    .default('file:./data/draftdesk.db'),
  ADMIN_TOKEN: z
    .string()
    .transform((value) => value.split(',').map((token) => token.trim()))
    .refine((tokens) => tokens.every((token) => token !== ''), 'must not contain an empty entry')
    .refine(
      (tokens) => tokens.every((token) => /^[\x21-\x7e]*$/.test(token)),
      'must consist of printable ASCII without spaces',
    )
    .optional(),
  ADMIN_TOKENS_FILE: z.string().optional(),
  LLM_DAILY_BUDGET_USD: usd.optional(),
  MASK_PERSONAL_DATA: flag(false),
  RECONCILE_EVERY_MINUTES: wholeNumber(0, 10_080, 0),
  // off: it copies two years of customers' texts, which nobody should find out after an update
  KNOWLEDGE_SYNC_MINUTES: wholeNumber(0, 10_080, 0),
  KNOWLEDGE_JOIN_SOLVED: flag(true),
  KNOWLEDGE_RETENTION_DAYS: wholeNumber(1, 3650, 730),
  RETENTION_DAYS: wholeNumber(1, 3650, 30),
  GUIDELINES_FILE: z.string().optional(),
  DRAFTDESK_CONFIG: z.string().optional(),
  LINK_HOSTS: hostList.optional(),
  POST_FINDINGS: flag(true),
  WORKER_CONCURRENCY: wholeNumber(1, 1000, 10),
  MAX_ATTEMPTS: wholeNumber(1, 100, 5),
  RETRY_BASE_MS: wholeNumber(1, 3_600_000, 1000),
  RETRY_MAX_MS: wholeNumber(1, 3_600_000, 60_000),
  OUTBOX_MAX_PENDING: wholeNumber(1, 100_000_000, 100_000),
  SHUTDOWN_GRACE_MS: wholeNumber(0, 600_000, 5000),
  HELPDESK_TIMEOUT_MS: wholeNumber(100, 600_000, 15_000),
  AMBIGUOUS_POST_WAIT_MS: wholeNumber(0, 3_600_000, 60_000),
  WEBHOOK_TOLERANCE_SECONDS: wholeNumber(1, 86_400, 300),
  ALLOW_INSECURE_UPSTREAMS: flag(false),
  METRICS_PUBLIC: flag(false),
  NOTE_TRACE_LINK: traceLink.optional(),
  LOG_LEVEL: z.enum(LOG_LEVELS, `must be one of ${LOG_LEVELS.join(', ')}`).default('info'),
});

/** What drafting from a file needs of it: no address, no token, no helpdesk. */
const fileRunSchema = baseSchema.pick({
  LLM_DAILY_BUDGET_USD: true,
  MASK_PERSONAL_DATA: true,
  WORKER_CONCURRENCY: true,
  MAX_ATTEMPTS: true,
  RETRY_BASE_MS: true,
  RETRY_MAX_MS: true,
  ALLOW_INSECURE_UPSTREAMS: true,
  LINK_HOSTS: true,
});

/** The settings of `draftdesk batch run`. */
export type FileRunConfig = Pick<
  Config,
  | 'guidelines'
  | 'linkHosts'
  | 'maskPersonalData'
  | 'llmDailyBudgetUsd'
  | 'workerConcurrency'
  | 'maxAttempts'
  | 'retryBaseMs'
  | 'retryMaxMs'
  | 'allowInsecureUpstreams'
  | 'llm'
>;

/** At least so long when somebody else can reach the port (reliability.md §6). */
const PUBLIC_TOKEN_MIN = 32;

/**
 * Reads and checks all settings once. Throws `ConfigError` with every problem at once; no message holds a value.
 */
export function readConfig(env: Env): Config {
  const problems: string[] = [];
  const given = whatIsSet(env);
  const base = baseSchema.safeParse(given);
  problems.push(...listProblems(base.error));
  const chosenHelpdesks = helpdesks
    .filter((module) => module.enabledBy in given)
    .map((module) => ({ module, settings: parseSettings(module.settings, given, problems) }));
  if (chosenHelpdesks.length === 0) {
    problems.push(`no helpdesk is configured: set ${helpdesks.map((module) => module.enabledBy).join(' or ')}`);
  }
  const llm = chooseLanguageModel(given, problems);
  if (base.data !== undefined) problems.push(...weakTokens(base.data), ...crossedRetryTimes(base.data));
  const guidelines = readGuidelines(given['GUIDELINES_FILE'], problems);
  const rules = readRules(given['DRAFTDESK_CONFIG'], problems);
  const filed = readTokensFile(given['ADMIN_TOKENS_FILE'], problems);
  if (given['ADMIN_TOKEN'] === undefined && given['ADMIN_TOKENS_FILE'] === undefined) problems.push(NO_TOKEN);
  const ofSetting = (base.data?.ADMIN_TOKEN ?? []).map(tokenOfSetting);
  problems.push(...inBoth(ofSetting, filed.tokens), ...strayVariables(given));
  if (base.data === undefined || llm === undefined || problems.length > 0) {
    throw new ConfigError([...new Set(problems)]);
  }
  const linkHosts = [
    ...chosenHelpdesks.map(({ module }) => hostOf(given[module.enabledBy])),
    ...(base.data.LINK_HOSTS ?? []),
  ];
  return {
    ...slice(base.data),
    adminTokens: [...ofSetting, ...filed.tokens],
    warnings: filed.warnings,
    shown: shownSettings(given),
    guidelines,
    rulesFile: base.data.DRAFTDESK_CONFIG ?? null,
    rules,
    linkHosts,
    helpdesks: chosenHelpdesks,
    llm,
  };
}

/** The rules that DRAFTDESK_CONFIG names, for a replay. Throws `ConfigError`. */
export function readReplayRules(env: Env): RuleSet {
  const problems: string[] = [];
  const rules = readRules(whatIsSet(env)['DRAFTDESK_CONFIG'], problems);
  if (problems.length > 0) throw new ConfigError(problems);
  return rules;
}

/** As `readConfig`, for drafting from a file: everything that has to do with serving or a helpdesk is left aside. */
export function readFileRunConfig(env: Env): FileRunConfig {
  const problems: string[] = [];
  const given = whatIsSet(env);
  const base = fileRunSchema.safeParse(given);
  problems.push(...listProblems(base.error));
  const llm = chooseLanguageModel(given, problems);
  if (base.data !== undefined) problems.push(...crossedRetryTimes(base.data));
  const guidelines = readGuidelines(given['GUIDELINES_FILE'], problems);
  if (base.data === undefined || llm === undefined || problems.length > 0) {
    throw new ConfigError([...new Set(problems)]);
  }
  return {
    guidelines,
    linkHosts: base.data.LINK_HOSTS ?? [],
    maskPersonalData: base.data.MASK_PERSONAL_DATA,
    llmDailyBudgetUsd: base.data.LLM_DAILY_BUDGET_USD ?? null,
    workerConcurrency: base.data.WORKER_CONCURRENCY,
    maxAttempts: base.data.MAX_ATTEMPTS,
    retryBaseMs: base.data.RETRY_BASE_MS,
    retryMaxMs: base.data.RETRY_MAX_MS,
    allowInsecureUpstreams: base.data.ALLOW_INSECURE_UPSTREAMS,
    llm,
  };
}

function hostOf(baseUrl: string | undefined): string {
  return URL.parse(baseUrl ?? '')?.host ?? '';
}

/** Shown as they are, besides those of `baseSchema`. Whatever is not on a list is taken for a secret. */
const PLAIN = /^((LLM|REVIEW|QUERY)_[A-Z_]+|[A-Z_]+_(MODEL|BASE_URL|EMAIL|CLIENT_ID|PER_MINUTE))$/;

function shownSettings(given: Env): ShownSetting[] {
  const own = Object.entries(baseSchema.shape);
  const ofModules = [...helpdesks, ...languageModels].map(({ name }) => `${name.toUpperCase()}_`);
  const others = Object.keys(given).filter(
    (name) =>
      !(name in baseSchema.shape) &&
      [...ofModules, 'LLM_', 'REVIEW_', 'QUERY_', 'EMBEDDINGS_', 'OTEL_'].some((prefix) => name.startsWith(prefix)),
  );
  return [
    ...own.map(([name, schema]) => shown(name, given[name], schema.safeParse(undefined).data)),
    ...others.toSorted().map((name) => shown(name, given[name], undefined)),
  ];
}

function shown(
  name: string,
  value: string | undefined,
  fallback: ReturnType<(typeof baseSchema.shape)[keyof typeof baseSchema.shape]['parse']>,
): ShownSetting {
  if (value === undefined) return { name, value: fallback === undefined ? null : String(fallback), isDefault: true };
  const plain = (name in baseSchema.shape && name !== 'ADMIN_TOKEN') || PLAIN.test(name);
  return { name, value: plain ? value : maskedSecret(value), isDefault: false };
}

/** An empty line in .env means "not set". */
function whatIsSet(env: Env): Env {
  return Object.fromEntries(Object.entries(env).filter(([, value]) => value !== undefined && value !== ''));
}

function chooseLanguageModel(given: Env, problems: string[]): Config['llm'] | undefined {
  const [module] = languageModels;
  if (module === undefined) throw new Error('the registry of language models is empty');
  const settings = parseSettings(module.settings, given, problems);
  return settings === undefined ? undefined : { module, settings };
}

function crossedRetryTimes(base: Pick<Base, 'RETRY_BASE_MS' | 'RETRY_MAX_MS'>): string[] {
  return base.RETRY_MAX_MS < base.RETRY_BASE_MS ? ['RETRY_MAX_MS must not be less than RETRY_BASE_MS'] : [];
}

type Base = z.infer<typeof baseSchema>;

function slice(
  base: Base,
): Omit<
  Config,
  'adminTokens' | 'warnings' | 'shown' | 'guidelines' | 'rulesFile' | 'rules' | 'linkHosts' | 'helpdesks' | 'llm'
> {
  return {
    host: base.HOST,
    port: base.PORT,
    databasePath: pathOf(base.DATABASE_URL),
    postFindings: base.POST_FINDINGS,
    maskPersonalData: base.MASK_PERSONAL_DATA,
    retentionDays: base.RETENTION_DAYS,
    llmDailyBudgetUsd: base.LLM_DAILY_BUDGET_USD ?? null,
    reconcileEveryMinutes: base.RECONCILE_EVERY_MINUTES,
    knowledgeSyncMinutes: base.KNOWLEDGE_SYNC_MINUTES,
    knowledgeJoinSolved: base.KNOWLEDGE_JOIN_SOLVED,
    knowledgeRetentionDays: base.KNOWLEDGE_RETENTION_DAYS,
    workerConcurrency: base.WORKER_CONCURRENCY,
    maxAttempts: base.MAX_ATTEMPTS,
    retryBaseMs: base.RETRY_BASE_MS,
    retryMaxMs: base.RETRY_MAX_MS,
    outboxMaxPending: base.OUTBOX_MAX_PENDING,
    shutdownGraceMs: base.SHUTDOWN_GRACE_MS,
    helpdeskTimeoutMs: base.HELPDESK_TIMEOUT_MS,
    ambiguousPostWaitMs: base.AMBIGUOUS_POST_WAIT_MS,
    webhookToleranceSeconds: base.WEBHOOK_TOLERANCE_SECONDS,
    allowInsecureUpstreams: base.ALLOW_INSECURE_UPSTREAMS,
    metricsPublic: base.METRICS_PUBLIC,
    noteTraceLink: base.NOTE_TRACE_LINK ?? null,
    logLevel: base.LOG_LEVEL,
  };
}

function parseSettings<T>(schema: z.ZodType<T>, env: Env, problems: string[]): T | undefined {
  const parsed = schema.safeParse(env);
  problems.push(...listProblems(parsed.error));
  return parsed.data;
}

function listProblems(error: z.ZodError | undefined): string[] {
  return (error?.issues ?? []).map((issue) => `${issue.path.join('.')} ${issue.message}`.trim());
}

/** Settings of a helpdesk that is not switched on: somebody forgot its address. */
function strayVariables(given: Env): string[] {
  return helpdesks
    .filter(({ enabledBy }) => !(enabledBy in given))
    .flatMap(({ name, enabledBy }) => {
      const stray = Object.keys(given).find((variable) => variable.startsWith(`${name.toUpperCase()}_`));
      return stray === undefined ? [] : [`${stray} is set, but ${enabledBy} is not`];
    });
}

function weakTokens(base: Base): string[] {
  if (isLoopbackHost(base.HOST)) return [];
  const tokens = base.ADMIN_TOKEN ?? [];
  if (tokens.some((token) => token.length < PUBLIC_TOKEN_MIN))
    return [`ADMIN_TOKEN must be at least ${PUBLIC_TOKEN_MIN} characters each, because HOST is not loopback`];
  if (!tokens.some((token) => isWeakSecret(token, PUBLIC_TOKEN_MIN))) return [];
  return [
    'ADMIN_TOKEN can be guessed (well-known words or few characters), and HOST is not loopback: draftdesk token new',
  ];
}

const NO_TOKEN =
  'ADMIN_TOKEN is required: one or more bearer tokens for the admin API, comma separated (or ADMIN_TOKENS_FILE)';

function readTokensFile(
  path: string | undefined,
  problems: string[],
): { readonly tokens: readonly AdminToken[]; readonly warnings: readonly string[] } {
  if (path === undefined) return { tokens: [], warnings: [] };
  try {
    const file = parseTokensFile(readFileSync(path, 'utf8'));
    problems.push(...file.problems.map((problem) => `ADMIN_TOKENS_FILE ${problem}`));
    return { tokens: file.tokens, warnings: isOpenToOthers(path) ? [OPEN_FILE] : [] };
  } catch (error) {
    problems.push(`ADMIN_TOKENS_FILE cannot be read (${(error as NodeJS.ErrnoException).code ?? 'unknown error'})`);
    return { tokens: [], warnings: [] };
  }
}

/** One token with two roles: neither guess would be right. */
function inBoth(ofSetting: readonly AdminToken[], filed: readonly AdminToken[]): string[] {
  const twice = filed.filter(({ digest }) => ofSetting.some((token) => token.digest === digest));
  return twice.map(({ name }) => `ADMIN_TOKENS_FILE has under ${name} a token that ADMIN_TOKEN has too`);
}

const OPEN_FILE = 'ADMIN_TOKENS_FILE can be read or changed by other users of this machine: chmod 600';

/** Others may do anything with it, or the group may write it. Windows has no such modes. */
function isOpenToOthers(path: string): boolean {
  return process.platform !== 'win32' && (statSync(path).mode & 0o027) !== 0;
}

function readGuidelines(path: string | undefined, problems: string[]): string {
  if (path === undefined) return '';
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    problems.push(`GUIDELINES_FILE cannot be read (${(error as NodeJS.ErrnoException).code ?? 'unknown error'})`);
    return '';
  }
}

function readRules(path: string | undefined, problems: string[]): RuleSet {
  if (path === undefined) return NO_RULES;
  const reading = readRulesFile(path);
  if ('ruleSet' in reading) return reading.ruleSet;
  problems.push(...reading.problems.map((problem) => `DRAFTDESK_CONFIG ${problem}`));
  return NO_RULES;
}
