import type { Clock } from '../core/clock.ts';
import { type LlmErrorBody, llmError } from './openai-errors.ts';
import { type LimitVerdict, type TokenBucket, tokenBucket } from './rate-limits.ts';

export interface ModelLimitsOptions {
  readonly clock: Clock;
  /** Of each model; defaults lift the limits. */
  readonly requestsPerMinute?: number;
  readonly tokensPerMinute?: number;
  /** For models whose limits differ. */
  readonly limitsByModel?: Readonly<
    Record<string, { readonly requestsPerMinute: number; readonly tokensPerMinute: number }>
  >;
  /** Depth of both buckets in seconds of their rate: 60 allows a minute's worth at once, 1 only a second's. Default 60. */
  readonly burstSeconds?: number;
}

export interface CallBuckets {
  readonly requests: TokenBucket;
  readonly tokens: TokenBucket;
}

/** The buckets of each model: an account's limits are per model. */
export interface ModelLimits {
  of(model: string): CallBuckets;
}

const LIFTED = 1e9;

export function createModelLimits(options: ModelLimitsOptions): ModelLimits {
  const { clock, limitsByModel = {}, burstSeconds = 60 } = options;
  const bucket = (perMinute: number): TokenBucket =>
    tokenBucket(clock, { perMinute, burst: (perMinute * burstSeconds) / 60 });
  const known = new Map<string, CallBuckets>();
  return {
    of: (model) => {
      const buckets = known.get(model);
      if (buckets !== undefined) return buckets;
      const { requestsPerMinute = LIFTED, tokensPerMinute = LIFTED } = limitsByModel[model] ?? options;
      const made = { requests: bucket(requestsPerMinute), tokens: bucket(tokensPerMinute) };
      known.set(model, made);
      return made;
    },
  };
}

export interface CallCost {
  readonly model: string;
  readonly promptTokens: number;
  readonly maxOutputTokens: number;
}

/** Takes the request and its tokens up front; what is refused has counted as a request all the same. */
export function takeCall(
  { requests, tokens }: CallBuckets,
  { model, promptTokens, maxOutputTokens }: CallCost,
): LlmErrorBody | null {
  const cost = promptTokens + maxOutputTokens;
  const ofRequests = requests.check(1);
  const ofTokens = tokens.check(cost);
  const fits = cost <= ofTokens.limit;
  const allowed = ofRequests.allowed && ofTokens.allowed && fits;
  requests.charge(1);
  if (allowed) {
    tokens.charge(cost);
    return null;
  }

  const byTokens = ofRequests.allowed;
  const verdict: LimitVerdict = byTokens ? ofTokens : ofRequests;
  const kind = byTokens ? 'tokens per min (TPM)' : 'requests per min (RPM)';
  const used = `Limit ${verdict.limit}, ${fits ? `Used ${verdict.limit - verdict.remaining}, ` : ''}Requested ${byTokens ? cost : 1}`;
  if (!fits) {
    const message = `Request too large for ${model} on ${kind}: ${used}. The input or output tokens must be reduced in order to run successfully.`;
    return llmError(429, message, { type: 'tokens', code: 'rate_limit_exceeded' });
  }
  // asked after the charge: refused requests have made the wait longer
  const waitMs = byTokens ? verdict.waitMs : requests.check(1).waitMs;
  const message = `Rate limit reached for ${model} on ${kind}: ${used}. Please try again in ${goDuration(waitMs)}.`;
  const retry = { 'retry-after': String(Math.ceil(waitMs / 1000)), 'retry-after-ms': String(waitMs) };
  return llmError(429, message, {
    type: byTokens ? 'tokens' : 'requests',
    code: 'rate_limit_exceeded',
    headers: retry,
  });
}

export function limitHeaders({ requests, tokens }: CallBuckets): Record<string, string> {
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
