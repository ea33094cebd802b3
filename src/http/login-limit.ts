import type { AuditLog } from '../core/audit.ts';
import type { Clock } from '../core/clock.ts';

/** So many failed logins of one address within a minute are answered 401, more of them 429. */
const FAILURES_MAX = 10;
const WINDOW_MS = 60_000;
/** Addresses remembered at one time; the one that was quiet longest is forgotten first. */
const ADDRESSES_MAX = 10_000;
/** Addresses with a row of their own in the audit log, per minute; the rest shares one. */
const ROWS_MAX = 20;

export interface LoginLimitOptions {
  readonly audit: AuditLog;
  readonly clock: Clock;
  readonly onFailure: (error: unknown) => void;
}

/** Failed logins, counted per address and told to the audit log. */
export interface LoginLimit {
  /** Counts one more. Answers null, or in how many seconds the address may try again. */
  failed(address: string): number | null;
}

interface Failures {
  count: number;
  /** Steady ms of the first. */
  since: number;
  /** Not told to the audit log yet. */
  untold: number;
}

/**
 * The limit is there against noise, not against guessing: a token cannot be guessed (128 bits and more wherever others
 * reach the port). So a right token always passes, whatever its address did before; else anybody behind the same proxy
 * could lock the operators out, as all of them come from the proxy's address (`X-Forwarded-For` is not believed).
 */
export function createLoginLimit({ audit, clock, onFailure }: LoginLimitOptions): LoginLimit {
  /** In the order of the last failure. */
  const byAddress = new Map<string, Failures>();
  let telling = false;
  let forgotten = 0;

  const failuresOf = (key: string, now: number): Failures => {
    const known = byAddress.get(key) ?? { count: 0, since: now, untold: 0 };
    byAddress.delete(key);
    byAddress.set(key, known);
    if (now - known.since >= WINDOW_MS) Object.assign(known, { count: 0, since: now });
    const [oldest] = byAddress;
    if (byAddress.size > ADDRESSES_MAX && oldest !== undefined) {
      byAddress.delete(oldest[0]);
      forgotten += oldest[1].untold;
    }
    return known;
  };

  const record = (address: string | null, count: number): void => {
    const entry = { who: null, role: null, address, action: 'login', subject: null };
    audit.record(entry, 'unauthorized', count).catch(onFailure);
  };

  /** The first failure is told at once, those of the next minute together, and so on while they come. */
  const open = (): void => {
    telling = true;
    clock.after(WINDOW_MS, close);
  };
  const close = (): void => {
    telling = false;
    const untold = [...byAddress].filter(([, failures]) => failures.untold > 0);
    untold.sort(([, a], [, b]) => b.untold - a.untold);
    const rest = untold.slice(ROWS_MAX).reduce((sum, [, failures]) => sum + failures.untold, forgotten);
    for (const [address, failures] of untold.slice(0, ROWS_MAX)) record(address, failures.untold);
    if (rest > 0) record(null, rest);
    for (const [, failures] of untold) failures.untold = 0;
    forgotten = 0;
    if (untold.length > 0 || rest > 0) open();
  };

  return {
    failed(address) {
      const now = clock.steady();
      const key = networkOf(address);
      const failures = failuresOf(key, now);
      failures.count += 1;
      if (telling) failures.untold += 1;
      else {
        record(key, 1);
        open();
      }
      return failures.count <= FAILURES_MAX ? null : Math.ceil((failures.since + WINDOW_MS - now) / 1000);
    },
  };
}

/** An IPv4 address, or the /64 of an IPv6 one: a host has all of its /64 to come from. */
export function networkOf(address: string): string {
  const mapped = /^::ffff:(\d+(?:\.\d+){3})$/i.exec(address)?.[1];
  if (mapped !== undefined) return mapped;
  if (!address.includes(':')) return address;
  const [head = '', tail] = address.split('::', 2);
  const before = head === '' ? [] : head.split(':');
  const after = tail === undefined || tail === '' ? [] : tail.split(':');
  const zeros = tail === undefined ? 0 : 8 - before.length - after.length;
  const groups = [...before, ...Array<string>(Math.max(0, zeros)).fill('0'), ...after];
  return `${groups.slice(0, 4).join(':').toLowerCase()}::/64`;
}
