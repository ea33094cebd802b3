import type { ProviderLimits } from '../core/language-model.ts';
import { parseRetryAfter } from '../core/retry-after.ts';

/** What the headers say about the limits (llm-and-otel.md A4); null when they say nothing. */
export function readLimits(headers: Headers): ProviderLimits | null {
  const count = (name: string): number | null => readCount(headers.get(`x-ratelimit-${name}`));
  const duration = (name: string): number | null => readDuration(headers.get(`x-ratelimit-${name}`));
  const limits: ProviderLimits = {
    limitRequests: count('limit-requests'),
    limitTokens: count('limit-tokens'),
    remainingRequests: count('remaining-requests'),
    // an account may have a second, tighter limit for the project
    remainingTokens: lowest(count('remaining-tokens'), count('remaining-project-tokens')),
    resetRequestsMs: duration('reset-requests'),
    resetTokensMs: duration('reset-tokens'),
  };
  return Object.values(limits).every((value) => value === null) ? null : limits;
}

/**
 * How long the server wants us to wait, ms. `retry-after-ms` is the exact form of `retry-after`; without either it is
 * the reset of the bucket that is empty (that is when the bucket is *full* again, so the other two go first).
 */
export function readRetryAfter(headers: Headers, nowMs: number): number | null {
  const exact = headers.get('retry-after-ms')?.trim() ?? '';
  // as seconds, so that one parser caps and refuses both
  const told = /^\d+(\.\d+)?$/.test(exact) ? parseRetryAfter((Number(exact) / 1000).toFixed(3), nowMs) : null;
  return told ?? parseRetryAfter(headers.get('retry-after'), nowMs) ?? readReset(headers, nowMs);
}

function readReset(headers: Headers, nowMs: number): number | null {
  const limits = readLimits(headers);
  if (limits === null) return null;
  const waits = [
    limits.remainingRequests === 0 ? limits.resetRequestsMs : null,
    limits.remainingTokens === 0 ? limits.resetTokensMs : null,
  ].filter((wait) => wait !== null);
  return waits.length === 0 ? null : parseRetryAfter((Math.max(...waits) / 1000).toFixed(3), nowMs);
}

/** `60`, `150000`, `30,000`; negative (seen from Azure) and anything else is unknown. */
function readCount(value: string | null): number | null {
  const digits = value?.trim().replaceAll(/(?<=\d),(?=\d{3}\b)/g, '') ?? '';
  return /^\d{1,15}$/.test(digits) ? Number(digits) : null;
}

const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** A duration as Go prints it (`120ms`, `6m0s`, `1m30.5s`), or a bare number of seconds (Azure, LiteLLM), in ms. */
export function readDuration(value: string | null): number | null {
  const text = value?.trim() ?? '';
  if (/^\d+(\.\d+)?$/.test(text)) return Number(text) * 1000;
  if (!/^(\d+(\.\d+)?(ms|s|m|h|d))+$/.test(text)) return null;
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h|d)/g)];
  return parts.reduce((sum, [, amount, unit]) => sum + Number(amount) * (UNIT_MS[unit ?? ''] ?? 0), 0);
}

function lowest(left: number | null, right: number | null): number | null {
  if (left === null || right === null) return left ?? right;
  return Math.min(left, right);
}
