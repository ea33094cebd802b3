/*
 * Names of the OpenTelemetry conventions that we use. Copied, because the package that holds them marks all of `gen_ai`
 * as deprecated ("moved"), see llm-and-otel.md B1. Ours begin with `draftdesk.`.
 */

export const GEN_AI = {
  operation: 'gen_ai.operation.name',
  provider: 'gen_ai.provider.name',
  requestModel: 'gen_ai.request.model',
  maxTokens: 'gen_ai.request.max_tokens',
  outputType: 'gen_ai.output.type',
  responseId: 'gen_ai.response.id',
  responseModel: 'gen_ai.response.model',
  finishReasons: 'gen_ai.response.finish_reasons',
  inputTokens: 'gen_ai.usage.input_tokens',
  outputTokens: 'gen_ai.usage.output_tokens',
  cachedTokens: 'gen_ai.usage.cache_read.input_tokens',
  reasoningTokens: 'gen_ai.usage.reasoning.output_tokens',
  tokenType: 'gen_ai.token.type',
  systemInstructions: 'gen_ai.system_instructions',
  inputMessages: 'gen_ai.input.messages',
  outputMessages: 'gen_ai.output.messages',
} as const;

/** The log event of a call that failed. */
export const LLM_EXCEPTION = 'gen_ai.client.operation.exception';

export const EXCEPTION = { type: 'exception.type' } as const;

export const OPENAI = {
  apiType: 'openai.api.type',
  requestTier: 'openai.request.service_tier',
  responseTier: 'openai.response.service_tier',
  fingerprint: 'openai.response.system_fingerprint',
} as const;

export const HTTP = {
  method: 'http.request.method',
  route: 'http.route',
  status: 'http.response.status_code',
  path: 'url.path',
  scheme: 'url.scheme',
  url: 'url.full',
} as const;

export const SERVER = { address: 'server.address', port: 'server.port' } as const;

export const MESSAGING = {
  system: 'messaging.system',
  operation: 'messaging.operation.name',
  operationType: 'messaging.operation.type',
  destination: 'messaging.destination.name',
  messageId: 'messaging.message.id',
  clientId: 'messaging.client.id',
  conversationId: 'messaging.message.conversation_id',
} as const;

export const ERROR_TYPE = 'error.type';

export const OURS = {
  helpdesk: 'draftdesk.helpdesk',
  ticketId: 'draftdesk.ticket.id',
  stage: 'draftdesk.stage',
  lane: 'draftdesk.lane',
  attempt: 'draftdesk.attempt',
  deliveryAttempt: 'draftdesk.delivery.attempt',
  outcome: 'draftdesk.outcome',
  retryDelayMs: 'draftdesk.retry.delay_ms',
  queuedMs: 'draftdesk.queue.wait_ms',
  waitedMs: 'draftdesk.limiter.wait_ms',
  limit: 'draftdesk.limiter.limit',
  estimatedTokens: 'draftdesk.tokens.estimated',
  costUsd: 'draftdesk.llm.cost_usd',
  requestId: 'draftdesk.llm.request_id',
  processingMs: 'draftdesk.llm.processing_ms',
  accepted: 'draftdesk.outbox.result',
  look: 'draftdesk.look',
  batchId: 'draftdesk.batch.id',
  batchSize: 'draftdesk.batch.size',
  batchOutcome: 'draftdesk.batch.outcome',
  itemOutcome: 'draftdesk.item.outcome',
  status: 'draftdesk.status',
  link: 'draftdesk.link',
} as const;

/** The outbox as a message system, for the messaging conventions (llm-and-otel.md B2). */
export const OUTBOX = {
  [MESSAGING.system]: 'draftdesk_outbox',
  [MESSAGING.destination]: 'ticket.outbox',
} as const;
