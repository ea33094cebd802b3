import { type Clock, newSecret, sha256 } from '../../core/clock.ts';
import type { Admin } from '../admin-auth.ts';

/** As long as a working day with its breaks. */
export const SESSION_MS = 12 * 3_600_000;
/** More at one time than a company has operators; the oldest is signed out first. */
const SESSIONS_MAX = 1_000;

/** A sentence for the next page that the person sees. */
export interface Flash {
  readonly text: string;
  readonly tone: 'good' | 'bad';
}

/** Somebody who is signed in at the console. */
export interface Session {
  readonly admin: Admin;
  /** Epoch ms. */
  readonly since: number;
  readonly address: string | null;
  flash: Flash | null;
}

export interface Sessions {
  /** Answers the secret that the browser keeps. */
  open(admin: Admin, address: string | null): string;
  find(secret: string): Session | null;
  close(secret: string): void;
  /** Who is signed in, newest first. */
  list(): readonly Session[];
}

/**
 * In memory, under the digest of a random id: signing out really ends a session, and a token that is taken out of the
 * settings takes its sessions with it, as that needs a restart. The price, to sign in again after a restart, is small.
 */
export function createSessions(clock: Clock): Sessions {
  const open = new Map<string, Session & { readonly endsAt: number }>();

  const clean = (): void => {
    const now = clock.steady();
    for (const [key, { endsAt }] of open) {
      if (endsAt > now && open.size <= SESSIONS_MAX) return;
      open.delete(key);
    }
  };

  return {
    open: (admin, address) => {
      const secret = newSecret();
      const since = clock.now();
      open.set(sha256(secret), { admin, address, since, endsAt: clock.steady() + SESSION_MS, flash: null });
      clean();
      return secret;
    },
    find: (secret) => {
      clean();
      return open.get(sha256(secret)) ?? null;
    },
    close: (secret) => void open.delete(sha256(secret)),
    list: () => {
      clean();
      return [...open.values()].toReversed();
    },
  };
}
