import { randomUUID } from 'node:crypto';
import { type Context, Hono, type MiddlewareHandler } from 'hono';
import type { Clock, Random } from '../core/clock.ts';
import {
  createFaultPlan,
  type FaultPlan,
  type FaultProfile,
  type FaultRates,
  type ServerFetch,
  type SimulatorEnv,
  type TransportFault,
  withFaults,
} from './faults.ts';
import {
  type Answer,
  estimateTokens,
  fitToSchema,
  obeyAttacker,
  type ReadTicket,
  readTicket,
  writeAnswer,
} from './llm-answer.ts';
import { type LlmErrorBody, llmError, LLM_FAULT_ANSWERS } from './openai-errors.ts';
import { type LimitVerdict, type TokenBucket, tokenBucket } from './rate-limits.ts';

/** Faults of an LLM API beside those of any server: refusals to work, and answers that are no use. */
export type LlmFault =
  | TransportFault
  | 'rate_limited'
  | 'slow_down'
  | 'insufficient_quota'
  | 'overloaded'
  | 'malformed_json'
  | 'wrong_schema'
  | 'length'
  | 'refusal'
  | 'content_filter'
  | 'huge';

/** Random faults: only such as a repeated call cures. */
const LLM_FAULTS: Readonly<Record<FaultProfile, FaultRates<LlmFault>>> = {
  off: {},
  mild: {
    rate_limited: 0.005,
    server_error: 0.01,
    overloaded: 0.005,
    reset: 0.01,
    cut: 0.005,
    malformed_json: 0.005,
    wrong_schema: 0.005,
    hang: 0.001,
  },
  heavy: {
    rate_limited: 0.02,
    slow_down: 0.005,
    server_error: 0.04,
    overloaded: 0.02,
    reset: 0.04,
    cut: 0.02,
    malformed_json: 0.02,
    wrong_schema: 0.02,
    hang: 0.005,
  },
};

export interface LlmSimulatorOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly apiKey?: string;
  readonly models?: readonly string[];
  /** Defaults lift the limits. */
  readonly requestsPerMinute?: number;
  readonly tokensPerMinute?: number;
  /** Depth of both buckets in seconds of their rate: 60 allows a minute's worth at once, 1 only a second's. Default 60. */
  readonly burstSeconds?: number;
  /** Gives back tokens that were charged up front and not used. Default false. */
  readonly refundUnused?: boolean;
  /** Mean of the log-normal answer time; 0 answers at once. Default 0. */
  readonly latencyMs?: number;
  readonly contextTokens?: number;
  readonly faults?: FaultProfile | FaultRates<LlmFault>;
  /** From this request on (the first is 1) the account has no credit, until `heal`. */
  readonly quotaAfter?: number;
  /** Does what tickets tell it to. */
  readonly obeyAttackers?: boolean;
  /** How to find the ticket in the last user message. */
  readonly readTicket?: (userMessage: string) => ReadTicket;
}

export interface LlmStats {
  /** Calls of the chat endpoint that arrived, refused ones too. */
  readonly requests: number;
  readonly answered: number;
  readonly rateLimited: number;
  readonly promptTokens: number;
  readonly completionTokens: number;
  readonly maxInFlight: number;
}

export interface LlmSimulator {
  readonly fetch: ServerFetch;
  readonly faults: FaultPlan<LlmFault>;
  readonly apiKey: string;
  readonly models: readonly string[];
  /** The account has credit again, for good. */
  heal(): void;
  stats(): LlmStats;
  /** The user messages of the last hundred answered requests, newest last: what the model was told. */
  readonly prompts: readonly string[];
}

type Env = { Bindings: SimulatorEnv };

interface ChatRequest {
  readonly model: string;
  readonly system: string;
  readonly user: string;
  readonly maxOutputTokens: number;
  readonly schema: unknown;
}

interface Parts {
  readonly options: LlmSimulatorOptions;
  readonly apiKey: string;
  readonly models: readonly string[];
  readonly requests: TokenBucket;
  readonly tokens: TokenBucket;
  readonly prompts: string[];
  /** System prompts seen: what a prompt cache would hold. */
  readonly cached: Set<string>;
  readonly counts: {
    requests: number;
    answered: number;
    rateLimited: number;
    promptTokens: number;
    completionTokens: number;
  };
  healed: boolean;
}

const LIFTED = 1e9;
const PROMPTS_KEPT = 100;

/** An OpenAI-compatible chat API with stateful limits (llm-and-otel.md A and C). */
export function createLlmSimulator(options: LlmSimulatorOptions): LlmSimulator {
  const { clock, random, apiKey = 'sk-simulator-key', burstSeconds = 60 } = options;
  const models = options.models ?? ['gpt-6-luna', 'gpt-5.6-luna', 'gpt-5.4-mini', 'gpt-4.1-mini', 'gpt-4o-mini'];
  const bucket = (perMinute: number): TokenBucket =>
    tokenBucket(clock, { perMinute, burst: (perMinute * burstSeconds) / 60 });
  const parts: Parts = {
    options,
    apiKey,
    models,
    requests: bucket(options.requestsPerMinute ?? LIFTED),
    tokens: bucket(options.tokensPerMinute ?? LIFTED),
    prompts: [],
    cached: new Set(),
    counts: { requests: 0, answered: 0, rateLimited: 0, promptTokens: 0, completionTokens: 0 },
    healed: false,
  };
  const rates = typeof options.faults === 'object' ? options.faults : LLM_FAULTS[options.faults ?? 'off'];
  const faults = createFaultPlan<LlmFault>(rates, random);
  const app = createApp(parts);
  const faulty = withFaults({
    handle: (request, env) => app.fetch(request, env),
    plan: faults,
    clock,
    random,
    isWrite: () => false,
    lateCommitMs: 0,
  });
  let inFlight = 0;
  let maxInFlight = 0;

  return {
    faults,
    apiKey,
    models,
    prompts: parts.prompts,
    async fetch(request, env) {
      inFlight += 1;
      maxInFlight = Math.max(maxInFlight, inFlight);
      try {
        return await faulty(request, env);
      } finally {
        inFlight -= 1;
      }
    },
    heal() {
      parts.healed = true;
    },
    stats: () => ({ ...parts.counts, maxInFlight }),
  };
}

function createApp(parts: Parts): Hono<Env> {
  const app = new Hono<Env>();
  app.use(async (c, next) => {
    const startedAt = parts.options.clock.steady();
    await next();
    c.header('x-request-id', `req_${randomUUID().replaceAll('-', '')}`);
    c.header('openai-version', '2020-10-01');
    c.header('openai-processing-ms', String(Math.round(parts.options.clock.steady() - startedAt)));
  });
  app.use('/v1/*', withKey(parts));
  app.get('/v1/models', (c) => {
    const data = parts.models.map((id) => ({ id, object: 'model', created: 1_780_000_000, owned_by: 'system' }));
    return c.json({ object: 'list', data });
  });
  app.post('/v1/chat/completions', (c) => chat(c, parts));
  app.notFound((c) => fail(c, llmError(404, `Invalid URL (${c.req.method} ${c.req.path})`)));
  return app;
}

function withKey({ apiKey }: Parts): MiddlewareHandler<Env> {
  return async (c, next) => {
    if (c.req.header('authorization') === `Bearer ${apiKey}`) return await next();
    return fail(c, llmError(401, 'Incorrect API key provided.', { code: 'invalid_api_key' }));
  };
}

function fail(c: Context<Env>, error: LlmErrorBody): Response {
  return c.json({ error: error.error }, error.status, { ...error.headers });
}

async function chat(c: Context<Env>, parts: Parts): Promise<Response> {
  const { options, counts } = parts;
  counts.requests += 1;
  const request = readChat(await c.req.json<unknown>().catch(() => undefined));
  if (typeof request === 'string') return fail(c, llmError(400, request));
  const refusal = refuse(request, parts);
  if (refusal !== null) return fail(c, refusal);

  const promptTokens = estimateTokens(request.system) + estimateTokens(request.user) + 8;
  const limited = charge(c, request, promptTokens, parts);
  if (limited !== null) {
    counts.rateLimited += 1;
    return fail(c, limited);
  }
  const { fault } = c.env;
  const broken = LLM_FAULT_ANSWERS.get(fault ?? '');
  if (broken !== undefined) {
    if (broken.status === 429) counts.rateLimited += 1;
    return fail(c, broken);
  }
  const waitMs = latency(options);
  if (waitMs > 0) await options.clock.sleep(waitMs, c.req.raw.signal);
  const output = compose(request, fault, parts);
  if (options.refundUnused === true) parts.tokens.refund(Math.max(0, request.maxOutputTokens - output.tokens));
  return c.json(completion(request, output, promptTokens, parts));
}

/** The request as far as it matters here, or what is wrong with it. */
function readChat(input: unknown): ChatRequest | string {
  if (!isRecord(input)) return 'We could not parse the JSON body of your request.';
  const { model, messages, stream } = input;
  if (typeof model !== 'string') return 'you must provide a model parameter';
  if (!Array.isArray(messages) || messages.length === 0) return "Missing required parameter: 'messages'.";
  if (stream === true) return 'Streaming is not simulated.';
  const textOf = (roles: readonly string[]): string[] =>
    messages.filter((one) => isRecord(one) && roles.includes(String(one['role']))).map((one) => contentOf(one));
  const format = isRecord(input['response_format']) ? input['response_format'] : {};
  const jsonSchema = isRecord(format['json_schema']) ? format['json_schema'] : {};
  const limit = input['max_completion_tokens'] ?? input['max_tokens'];
  return {
    model,
    system: textOf(['system', 'developer']).join('\n'),
    user: textOf(['user']).at(-1) ?? '',
    maxOutputTokens: typeof limit === 'number' ? limit : 4096,
    schema: jsonSchema['schema'],
  };
}

function contentOf(message: unknown): string {
  const content = isRecord(message) ? message['content'] : '';
  if (!Array.isArray(content)) return String(content);
  return content
    .map((part: unknown) => (isRecord(part) && typeof part['text'] === 'string' ? part['text'] : ''))
    .join('');
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function refuse(request: ChatRequest, { models, options, counts, healed }: Parts): LlmErrorBody | null {
  if (!models.includes(request.model)) {
    const message = `The model \`${request.model}\` does not exist or you do not have access to it.`;
    return llmError(404, message, { code: 'model_not_found' });
  }
  const contextTokens = options.contextTokens ?? 128_000;
  const tokens = estimateTokens(request.system) + estimateTokens(request.user) + request.maxOutputTokens;
  if (tokens > contextTokens) {
    const message = `This model's maximum context length is ${contextTokens} tokens. However, you requested ${tokens} tokens.`;
    return llmError(400, message, { code: 'context_length_exceeded', param: 'messages' });
  }
  const broke = options.quotaAfter !== undefined && !healed && counts.requests >= options.quotaAfter;
  return broke ? (LLM_FAULT_ANSWERS.get('insufficient_quota') ?? null) : null;
}

/** Takes the request and its tokens up front; what is refused has counted as a request all the same. */
function charge(c: Context<Env>, request: ChatRequest, promptTokens: number, parts: Parts): LlmErrorBody | null {
  const cost = promptTokens + request.maxOutputTokens;
  const ofRequests = parts.requests.check(1);
  const ofTokens = parts.tokens.check(cost);
  const fits = cost <= ofTokens.limit;
  const allowed = ofRequests.allowed && ofTokens.allowed && fits;
  parts.requests.charge(1);
  if (allowed) parts.tokens.charge(cost);
  const headers = limitHeaders(parts);
  for (const [name, value] of Object.entries(headers)) c.header(name, value);
  if (allowed) return null;

  const tokens = ofRequests.allowed;
  const verdict: LimitVerdict = tokens ? ofTokens : ofRequests;
  const kind = tokens ? 'tokens per min (TPM)' : 'requests per min (RPM)';
  const used = `Limit ${verdict.limit}, ${fits ? `Used ${verdict.limit - verdict.remaining}, ` : ''}Requested ${tokens ? cost : 1}`;
  if (!fits) {
    const message = `Request too large for ${request.model} on ${kind}: ${used}. The input or output tokens must be reduced in order to run successfully.`;
    return llmError(429, message, { type: 'tokens', code: 'rate_limit_exceeded' });
  }
  // asked after the charge: refused requests have made the wait longer
  const waitMs = tokens ? verdict.waitMs : parts.requests.check(1).waitMs;
  const message = `Rate limit reached for ${request.model} on ${kind}: ${used}. Please try again in ${goDuration(waitMs)}.`;
  const retry = { 'retry-after': String(Math.ceil(waitMs / 1000)), 'retry-after-ms': String(waitMs) };
  return llmError(429, message, { type: tokens ? 'tokens' : 'requests', code: 'rate_limit_exceeded', headers: retry });
}

function limitHeaders({ requests, tokens }: Parts): Record<string, string> {
  const [ofRequests, ofTokens] = [requests.reading(), tokens.reading()];
  return {
    'x-ratelimit-limit-requests': String(ofRequests.limit),
    'x-ratelimit-limit-tokens': String(ofTokens.limit),
    'x-ratelimit-remaining-requests': String(ofRequests.remaining),
    'x-ratelimit-remaining-tokens': String(ofTokens.remaining),
    'x-ratelimit-reset-requests': goDuration(ofRequests.resetMs),
    'x-ratelimit-reset-tokens': goDuration(ofTokens.resetMs),
  };
}

/** A duration as Go prints it: `0s`, `120ms`, `1.5s`, `6m0s`. */
export function goDuration(ms: number): string {
  if (ms <= 0) return '0s';
  if (ms < 1000) return `${Math.ceil(ms)}ms`;
  const hours = Math.floor(ms / 3_600_000);
  const minutes = Math.floor((ms % 3_600_000) / 60_000);
  const rest = `${Math.round(ms % 60_000) / 1000}s`;
  if (hours > 0) return `${hours}h${minutes}m${rest}`;
  return minutes > 0 ? `${minutes}m${rest}` : rest;
}

/** Log-normal: most answers near the mean, a few much slower. */
function latency({ latencyMs = 0, random }: LlmSimulatorOptions): number {
  if (latencyMs <= 0) return 0;
  const sigma = 0.5;
  const normal = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  return Math.min(latencyMs * 10, Math.exp(Math.log(latencyMs) - sigma ** 2 / 2 + sigma * normal));
}

interface Output {
  readonly content: string | null;
  readonly refusal: string | null;
  readonly finishReason: 'stop' | 'length' | 'content_filter';
  readonly tokens: number;
}

const HUGE_CHARACTERS = 2 * 1024 * 1024;

function compose(request: ChatRequest, fault: string | undefined, parts: Parts): Output {
  const answer = answerOf(request, parts);
  const content =
    request.schema === undefined ? String(answer['reply']) : JSON.stringify(fitToSchema(answer, request.schema));
  const tokens = estimateTokens(content);
  const whole: Output = { content, refusal: null, finishReason: 'stop', tokens };
  switch (fault ?? 'none') {
    case 'malformed_json':
      return { ...whole, content: `Sure! Here is the draft:\n${content.slice(0, -2)}` };
    case 'wrong_schema':
      return { ...whole, content: JSON.stringify({ answer: 'It depends.', score: 'high' }) };
    case 'length':
      return cutAt(content, Math.floor(tokens / 2));
    case 'refusal':
      return { ...whole, content: null, refusal: "I'm sorry, I can't help with that request." };
    case 'content_filter':
      return { ...whole, content: '', finishReason: 'content_filter' };
    case 'huge':
      return { ...whole, content: JSON.stringify({ ...answer, reply: 'x'.repeat(HUGE_CHARACTERS) }) };
    default:
      return tokens > request.maxOutputTokens ? cutAt(content, request.maxOutputTokens) : whole;
  }
}

function answerOf(request: ChatRequest, { options, prompts }: Parts): Answer {
  prompts.push(request.user);
  if (prompts.length > PROMPTS_KEPT) prompts.shift();
  const ticket = (options.readTicket ?? readTicket)(request.user);
  const answer = writeAnswer(ticket, options.random);
  return options.obeyAttackers === true ? obeyAttacker(answer, ticket, request.system) : answer;
}

function cutAt(content: string, tokens: number): Output {
  return { content: content.slice(0, tokens * 4), refusal: null, finishReason: 'length', tokens };
}

function completion(request: ChatRequest, output: Output, promptTokens: number, parts: Parts): object {
  const { counts, cached, options } = parts;
  const systemTokens = estimateTokens(request.system);
  // prompt caching starts at 1,024 tokens and counts in steps of 128
  const hit = systemTokens >= 1024 && cached.has(request.system);
  cached.add(request.system);
  counts.answered += 1;
  counts.promptTokens += promptTokens;
  counts.completionTokens += output.tokens;
  const message = { role: 'assistant', content: output.content, refusal: output.refusal, annotations: [] };
  return {
    id: `chatcmpl-${randomUUID().replaceAll('-', '')}`,
    object: 'chat.completion',
    created: Math.floor(options.clock.now() / 1000),
    // the dated name of what really answered, as OpenAI gives it
    model: `${request.model}-2026-09-22`,
    choices: [{ index: 0, message, logprobs: null, finish_reason: output.finishReason }],
    usage: {
      prompt_tokens: promptTokens,
      completion_tokens: output.tokens,
      total_tokens: promptTokens + output.tokens,
      prompt_tokens_details: { cached_tokens: hit ? Math.floor(systemTokens / 128) * 128 : 0, audio_tokens: 0 },
      completion_tokens_details: { reasoning_tokens: 0, audio_tokens: 0 },
    },
    service_tier: 'default',
    system_fingerprint: null,
  };
}
