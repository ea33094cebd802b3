import type { OpenAI } from 'openai';
import * as z from 'zod';
import {
  type AnswerFacts,
  type Completion,
  LanguageModelError,
  type PriceTier,
  type Prompt,
  type ProviderLimits,
  type TokenUsage,
} from '../core/language-model.ts';
import { isOpenAiHost, type OpenAiSettings } from './openai-settings.ts';
import { costUsd } from './pricing.ts';

/** The model that is asked, and where. */
export type Addressee = Pick<OpenAiSettings, 'baseUrl' | 'model'>;

/** The body of a chat completion. */
export function requestBody(
  { system, user, schema, maxOutputTokens, tier }: Prompt,
  { baseUrl, model }: Addressee,
): OpenAI.Chat.ChatCompletionCreateParamsNonStreaming {
  const openAi = isOpenAiHost(baseUrl);
  return {
    model,
    messages: [
      { role: 'system', content: system },
      { role: 'user', content: user },
    ],
    response_format: { type: 'json_schema', json_schema: { name: schema.name, strict: true, schema: schema.schema } },
    // Ollama drops max_completion_tokens in silence, OpenAI's newer models refuse max_tokens (llm-and-otel.md A1)
    ...(openAi ? { max_completion_tokens: maxOutputTokens } : { max_tokens: maxOutputTokens }),
    // thinking is billed as output and counts against the limit above; a reply needs little of it
    ...(openAi && /^(gpt-[5-9]|o\d)/.test(model) ? { reasoning_effort: 'low' as const } : {}),
    ...(tier === 'flex' ? { service_tier: tier } : {}),
  };
}

const count = z.number().int().nonnegative().nullish().catch(null);
/** A name, no text. */
const word = z.string().min(1).max(200).nullish().catch(null);

/** Only what we read, forgiving about what servers leave out. */
const answerShape = z.object({
  id: word,
  model: word,
  service_tier: word,
  system_fingerprint: word,
  choices: z
    .array(
      z.object({
        finish_reason: z.string().nullish(),
        message: z.object({ content: z.string().nullish(), refusal: z.string().nullish() }),
      }),
    )
    .min(1),
});

const usageShape = z.object({
  usage: z.object({
    prompt_tokens: count,
    completion_tokens: count,
    prompt_tokens_details: z.object({ cached_tokens: count }).nullish().catch(null),
    completion_tokens_details: z.object({ reasoning_tokens: count }).nullish().catch(null),
  }),
});

function readUsage(data: unknown): TokenUsage | null {
  const parsed = usageShape.safeParse(data);
  if (!parsed.success) return null;
  const { prompt_tokens, completion_tokens, prompt_tokens_details } = parsed.data.usage;
  return {
    promptTokens: prompt_tokens ?? 0,
    cachedTokens: prompt_tokens_details?.cached_tokens ?? 0,
    completionTokens: completion_tokens ?? 0,
  };
}

/**
 * Reads the body of a chat completion. `tier` overrules the one that the answer names. Throws `LanguageModelError`, with
 * what the answer cost, when it is of no use.
 */
export function readCompletion(
  data: unknown,
  { model: asked, limits, tier }: { model: string; limits: ProviderLimits | null; tier?: PriceTier },
): Completion {
  const usage = readUsage(data);
  const answer = answerShape.safeParse(data);
  const model = answer.data?.model ?? asked;
  const served = tier ?? (answer.data?.service_tier === 'flex' ? 'flex' : 'standard');
  const cost = usage === null ? null : (costUsd(model, usage, served) ?? costUsd(asked, usage, served));
  const told = answer.success ? factsOf(answer.data, data) : null;
  const billed = { usage, limits, costUsd: cost, told };
  const choice = answer.data?.choices[0];
  if (choice === undefined) {
    throw new LanguageModelError(
      'invalid_response',
      'The server answered with something that is no completion.',
      billed,
    );
  }
  const { content, refusal } = choice.message;
  if (refusal) throw new LanguageModelError('refusal', 'The model refused to answer this ticket.', billed);
  if (choice.finish_reason === 'content_filter') {
    throw new LanguageModelError('content_filter', "The model's answer was stopped by its content filter.", billed);
  }
  if (choice.finish_reason === 'length') {
    throw new LanguageModelError('output_truncated', "The model's answer was cut at the output limit.", billed);
  }
  if (!content) throw new LanguageModelError('invalid_output', 'The model answered nothing.', billed);
  return { text: content, model, ...(told === null ? {} : { told }), usage: usage ?? NO_USAGE, limits, costUsd: cost };
}

function factsOf(
  { id, model, service_tier, system_fingerprint, choices: [choice] }: z.infer<typeof answerShape>,
  data: unknown,
): AnswerFacts {
  return {
    id: id ?? null,
    model: model ?? null,
    finishReason: choice?.finish_reason ?? null,
    serviceTier: service_tier ?? null,
    fingerprint: system_fingerprint ?? null,
    reasoningTokens: usageShape.safeParse(data).data?.usage.completion_tokens_details?.reasoning_tokens ?? null,
  };
}

/** For servers that do not tell. */
const NO_USAGE: TokenUsage = { promptTokens: 0, cachedTokens: 0, completionTokens: 0 };
