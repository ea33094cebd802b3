import { randomUUID } from 'node:crypto';
import { type Context, Hono, type MiddlewareHandler } from 'hono';
import type { Random } from '../core/clock.ts';
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
  estimateTokens,
  fitToSchema,
  givesOrders,
  obeyAttacker,
  type ReadTicket,
  readTicket,
  writeAnswer,
  writeVerdict,
} from './llm-answer.ts';
import { type LlmErrorBody, llmError, LLM_FAULT_ANSWERS } from './openai-errors.ts';
import { embeddingAnswer, readEmbedding } from './openai-embeddings.ts';
import type { BatchTimes, LineAnswer } from './openai-batch-job.ts';
import { type BatchStats, createBatchApi } from './openai-batches.ts';
import {
  createModelLimits,
  limitHeaders,
  type ModelLimits,
  type ModelLimitsOptions,
  takeCall,
} from './openai-limits.ts';

/** Faults of an LLM API beside those of any server: refusals to work, and answers that are no use. */
export type LlmFault =
  | TransportFault
  | 'rate_limited'
  | 'slow_down'
  | 'insufficient_quota'
  | 'overloaded'
  | 'flex_unavailable'
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
  chaos: {
    rate_limited: 0.005,
    server_error: 0.06,
    overloaded: 0.01,
    reset: 0.05,
    cut: 0.025,
    malformed_json: 0.02,
    wrong_schema: 0.02,
    hang: 0.01,
  },
};

export interface LlmSimulatorOptions extends ModelLimitsOptions {
  readonly random: Random;
  readonly apiKey?: string;
  readonly models?: readonly string[];
  /** Gives back tokens that were charged up front and not used. Default false. */
  readonly refundUnused?: boolean;
  /** Mean of the log-normal answer time; 0 answers at once. Default 0. */
  readonly latencyMs?: number;
  readonly contextTokens?: number;
  readonly faults?: FaultProfile | FaultRates<LlmFault>;
  /** From this request on (the first is 1) the account has no credit, until `heal`. */
  readonly quotaAfter?: number;
  /** How long batches take. */
  readonly batchTimes?: Partial<BatchTimes>;
  /** What goes wrong with a line of a batch. */
  readonly batchFault?: (customId: string) => LlmFault | null;
  /** Does what tickets tell it to; with `every` it takes each ticket for an attack. */
  readonly obeyAttackers?: boolean | 'every';
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
  /** Calls of the chat endpoint that were served at the flex price. */
  readonly flex: number;
  /** Calls of the chat endpoint that arrived, by model. */
  readonly byModel: Readonly<Record<string, number>>;
  /** Calls of the embeddings endpoint that could be read, and all texts in them. */
  readonly embeddings: { readonly requests: number; readonly texts: readonly string[] };
  readonly batches: BatchStats;
}

export interface LlmSimulator {
  readonly fetch: ServerFetch;
  readonly faults: FaultPlan<LlmFault>;
  readonly apiKey: string;
  readonly models: readonly string[];
  /** The account has credit again, for good. */
  heal(): void;
  /** From now on (or no longer) every call to this model is answered with 503. */
  overload(model: string, on: boolean): void;
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
  readonly schemaName: unknown;
  readonly flex: boolean;
}

interface Parts {
  readonly options: LlmSimulatorOptions;
  readonly apiKey: string;
  readonly models: readonly string[];
  readonly limits: ModelLimits;
  readonly overloaded: Set<string>;
  readonly prompts: string[];
  /** System prompts seen: what a prompt cache would hold. */
  readonly cached: Set<string>;
  readonly counts: {
    requests: number;
    answered: number;
    rateLimited: number;
    promptTokens: number;
    completionTokens: number;
    flex: number;
    readonly byModel: Record<string, number>;
    readonly embeddings: { requests: number; readonly texts: string[] };
  };
  healed: boolean;
}

const PROMPTS_KEPT = 100;
const EMBEDDING_MODELS: readonly string[] = ['text-embedding-3-small', 'text-embedding-3-large'];

/** An OpenAI-compatible chat API with stateful limits (llm-and-otel.md A and C). */
export function createLlmSimulator(options: LlmSimulatorOptions): LlmSimulator {
  const { clock, random, apiKey = 'sk-simulator-key' } = options;
  const models = options.models ?? ['gpt-6-luna', 'gpt-5.6-luna', 'gpt-5.4-mini', 'gpt-4.1-mini', 'gpt-4o-mini'];
  const parts: Parts = {
    options,
    apiKey,
    models,
    limits: createModelLimits(options),
    overloaded: new Set(),
    prompts: [],
    cached: new Set(),
    counts: {
      requests: 0,
      answered: 0,
      rateLimited: 0,
      promptTokens: 0,
      completionTokens: 0,
      flex: 0,
      byModel: {},
      embeddings: { requests: 0, texts: [] },
    },
    healed: false,
  };
  const rates = typeof options.faults === 'object' ? options.faults : LLM_FAULTS[options.faults ?? 'off'];
  const faults = createFaultPlan<LlmFault>(rates, random);
  const batches = createBatchApi({
    clock,
    random,
    times: options.batchTimes ?? {},
    answer: (customId, body) => answerLine(body, options.batchFault?.(customId) ?? null, parts),
  });
  const app = createApp(parts, batches.app);
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
    overload(model, on) {
      if (on) parts.overloaded.add(model);
      else parts.overloaded.delete(model);
    },
    stats: () => ({ ...parts.counts, byModel: { ...parts.counts.byModel }, maxInFlight, batches: batches.stats() }),
  };
}

function createApp(parts: Parts, batches: Hono<Env>): Hono<Env> {
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
  app.post('/v1/embeddings', (c) => embed(c, parts));
  app.route('/v1', batches);
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
  counts.byModel[request.model] = (counts.byModel[request.model] ?? 0) + 1;
  const refusal = refuse(request, parts);
  if (refusal !== null) return fail(c, refusal);

  const promptTokens = promptTokensOf(request);
  const limits = parts.limits.of(request.model);
  const limited = takeCall(limits, { model: request.model, promptTokens, maxOutputTokens: request.maxOutputTokens });
  for (const [name, value] of Object.entries(limitHeaders(limits))) c.header(name, value);
  if (limited !== null) {
    counts.rateLimited += 1;
    return fail(c, limited);
  }
  const { fault } = c.env;
  const broken = LLM_FAULT_ANSWERS.get(failing(request, fault, parts) ?? '');
  if (broken !== undefined) {
    if (broken.status === 429) counts.rateLimited += 1;
    return fail(c, broken);
  }
  const waitMs = latency(options);
  if (waitMs > 0) await options.clock.sleep(waitMs, c.req.raw.signal);
  const output = compose(request, fault, parts);
  if (options.refundUnused === true) limits.tokens.refund(Math.max(0, request.maxOutputTokens - output.tokens));
  counts.answered += 1;
  if (request.flex) counts.flex += 1;
  return c.json(completion(request, output, promptTokens, parts));
}

/** Limits, quota and faults as for chat; of its own faults only those that are refusals. */
async function embed(c: Context<Env>, parts: Parts): Promise<Response> {
  const { options, counts, models } = parts;
  const request = readEmbedding(await c.req.json<unknown>().catch(() => undefined));
  if ('error' in request) return fail(c, request);
  const { model, texts, tokens } = request;
  counts.embeddings.requests += 1;
  counts.embeddings.texts.push(...texts);
  if (!models.includes(model) && !EMBEDDING_MODELS.includes(model)) return fail(c, unknownModel(model));
  const limits = parts.limits.of(model);
  const limited = takeCall(limits, { model, promptTokens: tokens, maxOutputTokens: 0 });
  for (const [name, value] of Object.entries(limitHeaders(limits))) c.header(name, value);
  const isBroke = options.quotaAfter !== undefined && !parts.healed && counts.requests >= options.quotaAfter;
  const failing = parts.overloaded.has(model) ? 'overloaded' : isBroke ? 'insufficient_quota' : c.env.fault;
  const refusal = limited ?? LLM_FAULT_ANSWERS.get(failing ?? '');
  if (refusal !== undefined && failing !== 'flex_unavailable') {
    if (refusal.status === 429) counts.rateLimited += 1;
    return fail(c, refusal);
  }
  const waitMs = latency(options) / 10;
  if (waitMs > 0) await options.clock.sleep(waitMs, c.req.raw.signal);
  counts.promptTokens += tokens;
  return c.json(embeddingAnswer(request));
}

/** An overloaded model answers nobody; only flex calls can want for room. */
function failing({ model, flex }: ChatRequest, fault: string | undefined, { overloaded }: Parts): string | undefined {
  if (overloaded.has(model)) return 'overloaded';
  return fault === 'flex_unavailable' && !flex ? undefined : fault;
}

/** What becomes of one line of a batch: no limits per minute, no waiting, all else as in a call of its own. */
function answerLine(body: unknown, fault: LlmFault | null, parts: Parts): LineAnswer {
  const refused = ({ status, error }: LlmErrorBody): LineAnswer => ({ status, body: { error } });
  const request = readChat(body);
  if (typeof request === 'string') return refused(llmError(400, request));
  const refusal = refuse(request, parts) ?? LLM_FAULT_ANSWERS.get(fault ?? '');
  if (refusal !== undefined) return refused(refusal);
  const output = compose(request, fault ?? undefined, parts);
  return { status: 200, body: completion(request, output, promptTokensOf(request), parts) };
}

function promptTokensOf({ system, user }: ChatRequest): number {
  return estimateTokens(system) + estimateTokens(user) + 8;
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
    schemaName: jsonSchema['name'],
    flex: input['service_tier'] === 'flex',
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
  if (!models.includes(request.model)) return unknownModel(request.model);
  const contextTokens = options.contextTokens ?? 128_000;
  const tokens = estimateTokens(request.system) + estimateTokens(request.user) + request.maxOutputTokens;
  if (tokens > contextTokens) {
    const message = `This model's maximum context length is ${contextTokens} tokens. However, you requested ${tokens} tokens.`;
    return llmError(400, message, { code: 'context_length_exceeded', param: 'messages' });
  }
  const broke = options.quotaAfter !== undefined && !healed && counts.requests >= options.quotaAfter;
  return broke ? (LLM_FAULT_ANSWERS.get('insufficient_quota') ?? null) : null;
}

function unknownModel(model: string): LlmErrorBody {
  const message = `The model \`${model}\` does not exist or you do not have access to it.`;
  return llmError(404, message, { code: 'model_not_found' });
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
  const ticket = readAs(request, parts);
  const { random, faults = 'off' } = parts.options;
  const isReview = request.schemaName === 'review';
  const isHostile = isTakenOver(ticket, parts);
  const isSearch = request.schemaName === 'search';
  const answer = isReview
    ? writeVerdict(random, isHostile)
    : isSearch
      ? { words: `${ticket.subject} ${ticket.text}`.slice(0, 200) }
      : writeAnswer(ticket, random, faults !== 'off');
  if (isHostile && !isReview && !isSearch) return takenOver(obeyAttacker(answer, request));
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

/** What the model understands of the request, which is kept for who tests. */
function readAs(request: ChatRequest, { options, prompts }: Parts): ReadTicket {
  prompts.push(request.user);
  if (prompts.length > PROMPTS_KEPT) prompts.shift();
  return (options.readTicket ?? readTicket)(request.user);
}

function isTakenOver(ticket: ReadTicket, { options }: Parts): boolean {
  return options.obeyAttackers === 'every' || (options.obeyAttackers === true && givesOrders(ticket));
}

/** It keeps to no limit either. */
function takenOver(content: string): Output {
  return { content, refusal: null, finishReason: 'stop', tokens: estimateTokens(content) };
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
    service_tier: request.flex ? 'flex' : 'default',
    system_fingerprint: null,
  };
}
