import { seededRandom, systemClock } from '../../src/core/clock.ts';
import { LanguageModelError, type Prompt } from '../../src/core/language-model.ts';
import { estimateTokens } from '../../src/drafting/token-estimate.ts';
import { languageModels } from '../../src/llms/index.ts';
import { createLlmSimulator } from '../../src/sandbox/openai.ts';
import { inProcessFetch } from '../../src/sandbox/server.ts';
import type { Figure } from './index.ts';
import { LIMITERS, type Limits, type Outcome } from './limiters.ts';

const RATES = [500, 6_000, 10_000];
/** A row lasts so long at the limit; a learner needs some calls. */
const SECONDS = 12;
const DEPTH_SECONDS = 1;
const LATENCY_MS = 300;
const MAX_OUTPUT = 400;

/** The limit that decides. */
type Bound = 'requests' | 'tokens' | 'tokens, unused ones come back';

interface Row {
  readonly limiter: string;
  readonly perMinute: number;
  readonly bound: Bound;
}

interface Work {
  readonly prompt: Prompt;
  /** Our estimate; the server counts otherwise. */
  readonly promptTokens: number;
}

/** Requests between some 250 and 1,200 tokens, in ordinary words. */
function workOf(calls: number): Work[] {
  const random = seededRandom(7);
  const words = 'Hello, my order has not arrived yet. Where is it? I have waited two weeks and need it soon.'.split(
    ' ',
  );
  return Array.from({ length: calls }, () => {
    const count = 190 + Math.floor(random() * 720);
    const user = Array.from({ length: count }, () => words[Math.floor(random() * words.length)] ?? '').join(' ');
    const system = 'You draft replies.';
    const schema = { name: 'draft', schema: { type: 'object', properties: {}, additionalProperties: false } };
    return {
      prompt: { system, user, schema, maxOutputTokens: MAX_OUTPUT },
      promptTokens: estimateTokens(system) + estimateTokens(user),
    };
  });
}

function limitsOf({ perMinute, bound }: Row, work: readonly Work[]): Limits {
  const meanTokens = work.reduce((sum, { promptTokens }) => sum + promptTokens, 0) / work.length + MAX_OUTPUT;
  if (bound === 'requests') return { requestsPerMinute: perMinute, tokensPerMinute: 1e9, meanTokens };
  return { requestsPerMinute: perMinute * 4, tokensPerMinute: Math.round(perMinute * meanTokens), meanTokens };
}

interface Measured {
  /** From the start to the arrival of the last call that was taken, over work ÷ limit. */
  readonly ofIdeal: number;
  /** The same, with the server's first full bucket taken off the work. */
  readonly afterBurst: number;
  readonly refused: number;
}

async function measure(row: Row, work: readonly Work[]): Promise<Measured> {
  const limits = limitsOf(row, work);
  const refundUnused = row.bound === 'tokens, unused ones come back';
  const clock = systemClock();
  const server = createLlmSimulator({
    ...limits,
    clock,
    random: seededRandom(1),
    burstSeconds: DEPTH_SECONDS,
    latencyMs: LATENCY_MS,
    refundUnused,
  });
  const env = {
    OPENAI_BASE_URL: 'http://127.0.0.1/v1',
    OPENAI_API_KEY: server.apiKey,
    LLM_MODEL: server.models[0] ?? '',
  };
  const [module] = languageModels;
  if (module === undefined) throw new Error('no language model');
  const fetch = inProcessFetch(server.fetch);
  const llm = module.create(module.settings.parse(env), { fetch, clock, allowInsecureUpstreams: false });
  const limiter = LIMITERS[row.limiter]?.(limits);
  if (limiter === undefined) throw new Error(`no limiter ${row.limiter}`);
  const { signal } = new AbortController();
  let lastArrival = 0;
  /** Tokens that the server took and gave back. */
  const taken: { readonly at: number; readonly tokens: number }[] = [];

  const ask = async ({ prompt }: Work): Promise<Outcome> => {
    const arrival = performance.now();
    try {
      const { usage, limits: told } = await llm.complete(prompt, signal);
      taken.push({ at: arrival, tokens: usage.promptTokens + MAX_OUTPUT });
      if (refundUnused) taken.push({ at: performance.now(), tokens: usage.completionTokens - MAX_OUTPUT });
      lastArrival = Math.max(lastArrival, arrival);
      return { usage, limits: told, retryAfterMs: 0 };
    } catch (error) {
      if (!(error instanceof LanguageModelError) || error.errorClass !== 'rate_limited') throw error;
      return { limits: error.limits, refused: 'rate_limited', retryAfterMs: error.retryAfterMs ?? 1000 };
    }
  };
  const finish = async (each: Work): Promise<void> => {
    const call = { promptTokens: each.promptTokens, maxOutputTokens: MAX_OUTPUT };
    for (;;) {
      const { refused, retryAfterMs } = await limiter.run(call, () => ask(each));
      if (refused === undefined) return;
      await clock.sleep(retryAfterMs);
    }
  };

  const from = performance.now();
  await Promise.all(work.map(finish));
  limiter.close();
  const took = lastArrival - from;
  // what is still to come back when the last call arrives was needed, too
  const charged = taken.reduce((sum, { at, tokens }) => (at <= lastArrival ? sum + tokens : sum), 0);
  const ideal = (first: number): number =>
    Math.max(
      ((work.length - (first * limits.requestsPerMinute) / 60) * 60_000) / limits.requestsPerMinute,
      ((charged - (first * limits.tokensPerMinute) / 60) * 60_000) / limits.tokensPerMinute,
    );
  return {
    ofIdeal: took / ideal(0),
    afterBurst: took / ideal(DEPTH_SECONDS),
    refused: server.stats().rateLimited,
  };
}

/**
 * How close to the limit, and how often refused: a strict server with buckets of a second, over in-process HTTP and real
 * time. The rates of one limiter run side by side, each with a server of its own.
 */
export async function benchLimiter(): Promise<Figure[]> {
  // made before any clock runs
  const works = RATES.map((perMinute) => workOf(Math.round((perMinute * SECONDS) / 60)));
  const figures: Figure[] = [];
  for (const bound of ['requests', 'tokens', 'tokens, unused ones come back'] as const) {
    for (const limiter of Object.keys(LIMITERS)) {
      const rows = RATES.map((perMinute): Row => ({ limiter, perMinute, bound }));
      const measured = await Promise.all(rows.map((row, index) => measure(row, works[index] ?? [])));
      for (const [index, { ofIdeal, afterBurst, refused }] of measured.entries()) {
        figures.push({
          what: `${limiter}: makespan ÷ ideal, ${RATES[index]} calls/min, bound by ${bound}`,
          value: `${ofIdeal.toFixed(3)} (${afterBurst.toFixed(3)} with the server's first burst taken off), ${refused} × 429`,
          aim: limiter === 'draftdesk' ? '≤ 1.02, 0 × 429' : '',
        });
      }
    }
  }
  return figures;
}
