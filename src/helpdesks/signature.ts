import { createHash, createHmac, timingSafeEqual } from 'node:crypto';

/** How a vendor writes the HMAC of what it signs. Four families cover all helpdesks known (other-helpdesks.md §2). */
export interface HmacScheme {
  readonly algorithm: 'sha256' | 'sha1';
  readonly encoding: 'base64' | 'hex';
  /** Stands before the digest in the header, e.g. `sha256=`. */
  readonly prefix?: string;
}

/**
 * Is `given` the signature of `signed` (its parts one after the other) under one of the secrets? Compares the strict
 * text form: decoders accept junk, missing padding and other alphabets for the same bytes. Constant time, never throws.
 */
export function hmacMatches(
  scheme: HmacScheme,
  secrets: readonly string[],
  signed: readonly (string | Uint8Array)[],
  given: string | null,
): boolean {
  const expected = secrets.filter(isUsable).map((secret) => {
    const hmac = createHmac(scheme.algorithm, secret);
    for (const part of signed) hmac.update(part);
    return (scheme.prefix ?? '') + hmac.digest(scheme.encoding);
  });
  return anyEqual(expected, given);
}

/** Is `given` one of the secrets? Constant time, never throws. */
export function secretMatches(secrets: readonly string[], given: string | null): boolean {
  return anyEqual(secrets.filter(isUsable), given);
}

/** An empty key is no secret: anybody can sign with it. */
function isUsable(secret: string): boolean {
  return secret.length > 0;
}

/** Looks at every candidate, so that the time does not tell which one matched. */
function anyEqual(candidates: readonly string[], given: string | null): boolean {
  if (given === null || given === '') return false;
  const wanted = digest(given);
  let found = false;
  for (const candidate of candidates) {
    if (timingSafeEqual(digest(candidate), wanted)) found = true;
  }
  return found;
}

/** Equal lengths for `timingSafeEqual`, which throws on unequal ones. */
function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

const ISO_STAMP = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,9})?Z$/;

/** Epoch ms of a strict ISO 8601 UTC stamp (`2021-03-25T05:09:27Z`); null for anything else `Date.parse` would take. */
export function parseIsoStamp(value: string | null): number | null {
  if (value === null || !ISO_STAMP.test(value)) return null;
  const at = Date.parse(value);
  return Number.isNaN(at) ? null : at;
}
