import { RequestError } from '../core/errors.ts';

export type JsonObject = Readonly<Record<string, unknown>>;

/** The webhook's JSON as an object; undefined when it is not JSON or not an object. */
export function jsonObject(body: Uint8Array): JsonObject | undefined {
  let value: unknown;
  try {
    // a byte order mark is dropped here; the signature was over the bytes
    value = JSON.parse(bodyText(body));
  } catch {
    return undefined;
  }
  return asObject(value);
}

export function asObject(value: unknown): JsonObject | undefined {
  return isObject(value) ? value : undefined;
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function bodyText(body: Uint8Array): string {
  return new TextDecoder().decode(body);
}

const DECIMAL_ID = /^[1-9]\d{0,15}$/;

/**
 * An id written as a decimal string or as an integer, from 1 to 2^53-1; null for anything else. Beyond that
 * `JSON.parse` answers a neighbouring number.
 */
export function decimalIdOf(value: unknown): string | null {
  const text = typeof value === 'number' ? String(value) : value;
  if (typeof text !== 'string' || !DECIMAL_ID.test(text)) return null;
  return Number.isSafeInteger(Number(text)) ? text : null;
}

/** A genuine webhook that we cannot read. `detail` is for the admin who set it up. */
export function malformed(detail: string): RequestError {
  return new RequestError('malformed', detail);
}
