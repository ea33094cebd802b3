/** Longest wait a server may impose on us, ms: beyond it a human would rather see an error. */
const RETRY_AFTER_MAX_MS = 15 * 60_000;

/**
 * Reads a `Retry-After` value (RFC 9110 §10.2.3: seconds or an HTTP date). Answers ms, 0 … 15 min, or null for
 * anything that is neither, so that the caller's own backoff applies.
 */
export function parseRetryAfter(value: string | null | undefined, nowMs: number): number | null {
  if (value === null || value === undefined) return null;
  const text = value.trim();
  if (/^\d+(\.\d+)?$/.test(text)) return Math.min(Number(text) * 1000, RETRY_AFTER_MAX_MS);
  // Date.parse takes far more than HTTP dates; only the IMF-fixdate form is meant
  if (!/^[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT$/.test(text)) return null;
  const at = Date.parse(text);
  if (Number.isNaN(at)) return null;
  return Math.min(Math.max(at - nowMs, 0), RETRY_AFTER_MAX_MS);
}
