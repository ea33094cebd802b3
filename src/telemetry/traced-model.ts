import { errorName } from '../core/errors.ts';
import { context, createContextKey, type Context, type Span, SpanKind, trace } from '@opentelemetry/api';
import {
  type AnswerFacts,
  type Completion,
  type LanguageModel,
  LanguageModelError,
  type Prompt,
} from '../core/language-model.ts';
import { describeLlm } from './metrics-observer.ts';
import { GEN_AI, OPENAI, OURS } from './names.ts';
import { failureOf, inSpan } from './spans.ts';
import { tellException } from './llm-exception.ts';
import { attemptOf, type Tracing } from './tracing.ts';

const CHAT = createContextKey('draftdesk chat span');

/** The span of the call to the LLM that is being made. */
export function chatSpanOf(from: Context): Span | undefined {
  return from.getValue(CHAT) as Span | undefined;
}

/** One client span per call, by the GenAI conventions (llm-and-otel.md B1). Texts only when that is switched on. */
export function traceModel(model: LanguageModel, tracing: Tracing): LanguageModel {
  return {
    ...model,
    complete: (prompt, signal) => {
      const span = tracing.tracer.startSpan(`chat ${model.model}`, {
        kind: SpanKind.CLIENT,
        attributes: {
          ...describeLlm(tracing.llm, model.model),
          [GEN_AI.outputType]: 'json',
          [GEN_AI.maxTokens]: prompt.maxOutputTokens,
          [OPENAI.apiType]: 'chat_completions',
          // only where the request says it
          ...(prompt.tier === 'flex' ? { [OPENAI.requestTier]: 'flex' } : {}),
          [OURS.attempt]: attemptOf(context.active())?.number ?? 1,
        },
      });
      const inside = trace.setSpan(context.active(), span).setValue(CHAT, span);
      const call = async (): Promise<Completion> => {
        try {
          const completion = await model.complete(prompt, signal);
          describeAnswer(span, completion);
          if (tracing.captureContent) addContent(span, prompt, completion);
          return completion;
        } catch (error) {
          if (error instanceof LanguageModelError) {
            describeUsage(span, error);
            describeFacts(span, error.told);
          }
          const errorType = failureOf(error);
          if (errorType !== null) tellException(tracing, { model: model.model, errorType, thrown: errorName(error) });
          if (tracing.captureContent) addContent(span, prompt, null);
          throw error;
        }
      };
      return inSpan(span, call, inside);
    },
  };
}

function describeAnswer(span: Span, completion: Completion): void {
  describeFacts(span, completion.told ?? null);
  span.setAttribute(GEN_AI.responseModel, completion.model);
  describeUsage(span, completion);
}

/** What the server has not told has no attribute. */
function describeFacts(span: Span, told: AnswerFacts | null): void {
  if (told === null) return;
  const facts = {
    [GEN_AI.responseId]: told.id,
    [GEN_AI.responseModel]: told.model,
    [GEN_AI.finishReasons]: told.finishReason === null ? null : [told.finishReason],
    [GEN_AI.reasoningTokens]: told.reasoningTokens,
    [OPENAI.responseTier]: told.serviceTier,
    [OPENAI.fingerprint]: told.fingerprint,
  };
  for (const [name, value] of Object.entries(facts)) if (value !== null) span.setAttribute(name, value);
}

function describeUsage(span: Span, { usage, costUsd }: Pick<LanguageModelError, 'usage' | 'costUsd'>): void {
  if (usage !== null) {
    span.setAttribute(GEN_AI.inputTokens, usage.promptTokens);
    span.setAttribute(GEN_AI.outputTokens, usage.completionTokens);
    span.setAttribute(GEN_AI.cachedTokens, usage.cachedTokens);
  }
  if (costUsd !== null) span.setAttribute(OURS.costUsd, costUsd);
}

function addContent(span: Span, { system, user }: Prompt, completion: Completion | null): void {
  const text = (content: string) => ({ type: 'text', content });
  span.setAttribute(GEN_AI.systemInstructions, JSON.stringify([text(system)]));
  span.setAttribute(GEN_AI.inputMessages, JSON.stringify([{ role: 'user', parts: [text(user)] }]));
  if (completion === null) return;
  const answer = { role: 'assistant', parts: [text(completion.text)], finish_reason: completion.told?.finishReason };
  span.setAttribute(GEN_AI.outputMessages, JSON.stringify([answer]));
}
