export interface LlmErrorBody {
  readonly status: 400 | 401 | 404 | 409 | 429 | 503;
  readonly headers: Readonly<Record<string, string>>;
  readonly error: {
    readonly message: string;
    readonly type: string;
    readonly param: string | null;
    readonly code: string | null;
  };
}

/** An error in OpenAI's envelope. */
export function llmError(
  status: LlmErrorBody['status'],
  message: string,
  details: { type?: string; code?: string; param?: string; headers?: Readonly<Record<string, string>> } = {},
): LlmErrorBody {
  const { type = 'invalid_request_error', code = null, param = null, headers = {} } = details;
  return { status, headers, error: { message, type, param, code } };
}

/** Faults that are a refusal to work, whatever was asked (llm-and-otel.md A3). */
export const LLM_FAULT_ANSWERS: ReadonlyMap<string, LlmErrorBody> = new Map([
  [
    'rate_limited',
    llmError(429, 'Rate limit reached on requests per min (RPM). Please try again in 250ms.', {
      type: 'requests',
      code: 'rate_limit_exceeded',
      headers: { 'retry-after': '1', 'retry-after-ms': '250' },
    }),
  ],
  [
    'slow_down',
    llmError(429, 'Slow down. Your traffic has grown too fast.', { type: 'rate_limit_error', code: 'slow_down' }),
  ],
  [
    'insufficient_quota',
    llmError(429, 'You exceeded your current quota, please check your plan and billing details.', {
      type: 'insufficient_quota',
      code: 'insufficient_quota',
    }),
  ],
  [
    'flex_unavailable',
    llmError(429, 'Resource Unavailable. There is not enough capacity for this request now.', {
      type: 'resource_unavailable',
      code: 'resource_unavailable',
    }),
  ],
  [
    'overloaded',
    llmError(503, 'The server is currently overloaded. Please try again later.', {
      type: 'service_unavailable_error',
      code: 'server_is_overloaded',
    }),
  ],
]);
