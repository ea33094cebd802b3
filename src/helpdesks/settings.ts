import * as z from 'zod';
import { upstreamUrlProblem } from '../core/upstream-url.ts';
import { isLoopbackHost, isWeakSecret } from '../core/weak-secret.ts';

/** Webhook secrets shorter than this can be guessed (reliability.md §6). */
const SECRET_MIN_LENGTH = 16;

/** Reads variables one by one and notes what is wrong; a variable set to nothing (`NAME=` in .env) is not set. */
export interface EnvReader {
  text(name: string): string | undefined;
  required(name: string): string;
  /** Printable ASCII without spaces, as it goes into an HTTP header. */
  credential(name: string): string | undefined;
  /** A whole number from 1 to 9,999,999 in plain digits: `Number` alone takes '' and '1e3'. */
  positiveInteger(name: string, fallback: number): number;
  /**
   * One or more secrets, comma separated so that one can be rotated. An empty entry is an error: an HMAC with an empty
   * key verifies (reliability.md §0.9).
   */
  secrets(name: string): readonly string[];
  /** An upstream's address without a slash at its end: https, or http where that is allowed. */
  baseUrl(name: string): string;
  /** Notes a problem; `message` continues the variable's name. */
  problem(name: string, message: string): void;
}

/** A schema for raw environment records: every problem is reported at once, with the variable's name as its path. */
export function envSchema<T>(read: (env: EnvReader) => T): z.ZodType<T> {
  return z.record(z.string(), z.string().optional()).transform((raw, context) => {
    let problems = 0;
    const value = read(
      envReader(raw, (name, message) => {
        problems += 1;
        context.addIssue({ code: 'custom', path: [name], message });
      }),
    );
    return problems === 0 ? value : z.NEVER;
  });
}

function envReader(raw: Readonly<Record<string, string | undefined>>, problem: EnvReader['problem']): EnvReader {
  const text = (name: string): string | undefined => raw[name]?.trim() || undefined;
  const required = (name: string): string => {
    const value = text(name);
    if (value === undefined) problem(name, 'is missing');
    return value ?? '';
  };
  return {
    text,
    required,
    problem,
    credential: (name) => {
      const value = text(name);
      if (value !== undefined && !/^[\x21-\x7e]+$/.test(value)) problem(name, 'must be printable ASCII without spaces');
      return value;
    },
    positiveInteger: (name, fallback) => {
      const value = text(name);
      if (value === undefined) return fallback;
      if (!/^[1-9]\d{0,6}$/.test(value)) problem(name, 'must be a whole number, 1 or more');
      return Number(value);
    },
    secrets: (name) => {
      const value = required(name);
      const entries = value.split(',').map((entry) => entry.trim());
      const found = value === '' ? null : secretProblem(entries, isLoopbackHost(text('HOST') ?? 'localhost'));
      if (found !== null) problem(name, found);
      return entries;
    },
    baseUrl: (name) => {
      const value = required(name).replace(/\/+$/, '');
      const found = value === '' ? null : urlProblem(value, text('ALLOW_INSECURE_UPSTREAMS') === 'true');
      if (found !== null) problem(name, found);
      return value;
    },
  };
}

/** The last check before keys and tickets go to an address, for settings that came by another way than the schema. */
export function assertUpstreamAllowed(baseUrl: string, deps: { readonly allowInsecureUpstreams: boolean }): void {
  const problem = upstreamUrlProblem(baseUrl, deps.allowInsecureUpstreams);
  if (problem !== null) throw new Error(`the base URL ${problem}`);
}

function secretProblem(entries: readonly string[], loopback: boolean): string | null {
  if (entries.includes('')) return 'has an empty entry';
  if (entries.some((entry) => entry.length < SECRET_MIN_LENGTH))
    return `must have at least ${SECRET_MIN_LENGTH} characters in each entry`;
  if (loopback || !entries.some((entry) => isWeakSecret(entry, SECRET_MIN_LENGTH))) return null;
  return 'can be guessed (well-known words or few characters), and HOST is not loopback';
}

function urlProblem(value: string, allowInsecure: boolean): string | null {
  const problem = upstreamUrlProblem(value, allowInsecure);
  if (problem !== null) return problem;
  return /\/api(\/v2)?$/.test(value) ? 'must not contain /api/v2' : null;
}
