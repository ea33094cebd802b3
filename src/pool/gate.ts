import type { Clock } from '../core/clock.ts';
import { type ErrorClass, errorName, type UpstreamError } from '../core/errors.ts';
import type { Observer } from '../core/observer.ts';
import type { Outbox, Pause } from '../core/outbox.ts';
import { asUpstreamError } from '../core/retry-policy.ts';

/** First wait before a stopped scope is probed, and the longest, ms. */
const PROBE_FIRST_MS = 5_000;
const PROBE_MAX_MS = 60_000;

export interface GateOptions {
  readonly outbox: Pick<Outbox, 'setPause' | 'clearPause' | 'pauses'>;
  readonly clock: Clock;
  readonly observer: Observer;
  /** Asks a scope's upstream whether its credentials are good; rejects when they are not. */
  readonly probe: (scope: string, signal: AbortSignal) => Promise<void>;
  /** Called when work may go on. */
  readonly onOpen: () => void;
}

/**
 * Which upstreams may be used now. An error that would hit every ticket closes its scope; a probe, and then one
 * ticket that goes through, opens it again. Operators close and open everything with scope `all`.
 */
export interface Gate {
  /** How many tickets may start that need this scope: none, one on trial, or any number. */
  allowance(scope: string): number;
  /** Closes a scope after a failure that every ticket would share. */
  close(scope: string, errorClass: ErrorClass, reason: string): Promise<void>;
  /** Is the scope's upstream well? Answers what it says against us, or null. */
  ask(scope: string, signal: AbortSignal): Promise<UpstreamError | null>;
  /** A ticket that needs this scope starts. */
  begin(scope: string): void;
  /** It is over: a ticket on trial that went through opens the scope; `unclear` leaves the trial to the next. */
  end(scope: string, verdict: 'ok' | 'failed' | 'unclear'): Promise<void>;
  pauseAll(): Promise<void>;
  resumeAll(): Promise<void>;
  pauses(): readonly Pause[];
  dispose(): void;
}

interface Closed {
  readonly errorClass: ErrorClass | null;
  probeMs: number;
  /** `trial`: the probe was good, one ticket may try; `tried`: it is under way. */
  phase: 'waiting' | 'trial' | 'tried';
  cancelTimer: () => void;
}

export function createGate({ outbox, clock, observer, probe, onOpen }: GateOptions): Gate {
  const closed = new Map<string, Closed>();
  const stop = new AbortController();

  const schedule = (scope: string, state: Closed): void => {
    state.phase = 'waiting';
    state.cancelTimer();
    if (stop.signal.aborted) return;
    state.cancelTimer = clock.after(state.probeMs, () => {
      tryProbe(scope, state).catch((error: unknown) => observer.fault({ where: 'probe', error: errorName(error) }));
    });
    state.probeMs = Math.min(state.probeMs * 2, PROBE_MAX_MS);
  };

  const ask: Gate['ask'] = (scope, signal) => probe(scope, signal).then(() => null, asUpstreamError);

  const tryProbe = async (scope: string, state: Closed): Promise<void> => {
    const failure = await ask(scope, stop.signal);
    if (closed.get(scope) !== state) return;
    // a key that may not do what the probe asks may still do the work
    if (failure !== null && failure.errorClass !== 'forbidden') return schedule(scope, state);
    // a credential that is taken is good, and so is a budget of ours that has room; of a quota only a real call can tell
    const known = state.errorClass === 'auth' || state.errorClass === 'budget_exhausted';
    if (failure === null && known) return open(scope, 'probe');
    state.phase = 'trial';
    onOpen();
  };

  const track = (pause: Pause): void => {
    const { errorClass } = pause;
    const state: Closed = { errorClass, probeMs: PROBE_FIRST_MS, phase: 'waiting', cancelTimer: () => undefined };
    closed.set(pause.scope, state);
    // An operator's pause, and a note that came back public, are for a person to undo.
    if (pause.scope !== 'all' && pause.errorClass !== 'posted_public') schedule(pause.scope, state);
  };

  const open = async (scope: string, by: 'operator' | 'probe'): Promise<void> => {
    closed.get(scope)?.cancelTimer();
    closed.delete(scope);
    if (await outbox.clearPause(scope)) observer.resumed({ scope, by });
    onOpen();
  };

  for (const pause of outbox.pauses()) track(pause);

  return {
    allowance: (scope) => {
      if (closed.has('all')) return 0;
      const state = closed.get(scope);
      if (state === undefined) return Number.POSITIVE_INFINITY;
      return state.phase === 'trial' ? 1 : 0;
    },
    close: async (scope, errorClass, reason) => {
      if (closed.has(scope)) return;
      const pause: Pause = { scope, reason, errorClass, since: clock.now() };
      track(pause);
      observer.paused({ scope, reason: errorClass });
      await outbox.setPause(pause);
    },
    ask,
    begin: (scope) => {
      const state = closed.get(scope);
      if (state?.phase === 'trial') state.phase = 'tried';
    },
    end: async (scope, verdict) => {
      const state = closed.get(scope);
      if (state?.phase !== 'tried') return;
      if (verdict === 'ok') await open(scope, 'probe');
      else if (verdict === 'failed') schedule(scope, state);
      else state.phase = 'trial';
    },
    pauseAll: async () => {
      if (closed.has('all')) return;
      const pause: Pause = { scope: 'all', reason: 'paused by an operator', errorClass: null, since: clock.now() };
      await outbox.setPause(pause);
      track(pause);
      observer.paused({ scope: 'all', reason: 'operator' });
    },
    resumeAll: async () => {
      await Promise.all(Array.from(closed.keys(), (scope) => open(scope, 'operator')));
    },
    pauses: () => outbox.pauses(),
    dispose: () => {
      stop.abort();
      for (const state of closed.values()) state.cancelTimer();
    },
  };
}
