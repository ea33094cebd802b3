import { seededRandom, systemClock, systemRandom } from '../../src/core/clock.ts';
import { createRateBudget } from '../../src/core/gcra-budget.ts';
import { createLlmSimulator } from '../../src/sandbox/openai.ts';
import { inProcessFetch } from '../../src/sandbox/server.ts';
import { languageModels } from '../../src/llms/index.ts';
import type { Prompt } from '../../src/core/language-model.ts';
import { LanguageModelError } from '../../src/core/language-model.ts';
import type { Figure } from './index.ts';

const CALLS = 2000;
const PER_MINUTE = 6000;
const BURST = 100;
const LATENCY_MS = 300;

const prompt: Prompt = {
  system: 'You draft replies.',
  user: 'Subject: Where is my order?\n\nIt has not arrived.',
  schema: { name: 'draft', schema: { type: 'object', properties: {}, additionalProperties: false } },
  maxOutputTokens: 100,
};

/** 2,000 calls at a strict 6,000 requests a minute: how close to ideal, and how often refused. */
export async function benchLimiter(): Promise<Figure[]> {
  const clock = systemClock();
  const server = createLlmSimulator({
    clock,
    random: seededRandom(1),
    requestsPerMinute: PER_MINUTE,
    burstSeconds: (BURST * 60) / PER_MINUTE,
    latencyMs: LATENCY_MS,
  });
  const [module] = languageModels;
  if (module === undefined) throw new Error('no language model');
  const env = {
    OPENAI_BASE_URL: 'http://127.0.0.1/v1',
    OPENAI_API_KEY: server.apiKey,
    LLM_MODEL: server.models[0] ?? '',
  };
  const llm = module.create(module.settings.parse(env), {
    fetch: inProcessFetch(server.fetch),
    clock,
    allowInsecureUpstreams: false,
  });
  const budget = createRateBudget({
    requestsPerMinute: PER_MINUTE,
    tokensPerMinute: 1e9,
    configured: { requests: true, tokens: true },
    clock,
    random: systemRandom,
  });
  const signal = new AbortController().signal;
  let refused = 0;
  const call = async (): Promise<void> => {
    const grant = await budget.acquire({ promptTokens: 100, maxOutputTokens: 100, lane: 'batch' }, signal);
    try {
      const { usage, limits } = await llm.complete(prompt, signal);
      grant.settle({ usage, limits });
    } catch (error) {
      refused += 1;
      grant.settle({ limits: error instanceof LanguageModelError ? error.limits : null });
    }
  };
  const from = performance.now();
  await Promise.all(Array.from({ length: CALLS }, call));
  const seconds = (performance.now() - from) / 1000;
  // the server's bucket is full at the start, so the first burst costs no time
  const ideal = (CALLS - BURST) / (PER_MINUTE / 60) + LATENCY_MS / 1000;
  const literal = CALLS / (PER_MINUTE / 60);
  return [
    {
      what: `makespan ÷ ideal, ${CALLS} calls at ${PER_MINUTE} requests/min, ${LATENCY_MS} ms`,
      value: `${(seconds / literal).toFixed(3)} of calls ÷ rate (${(seconds / ideal).toFixed(3)} with the server's first burst counted)`,
      aim: '≤ 1.02',
    },
    { what: 'answers 429 in that run', value: String(refused), aim: '0' },
  ];
}
