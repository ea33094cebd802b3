import { EXIT } from './command-error.ts';

/** Ends a run: because it is done, because somebody wants it to, or because it cannot go on. */
export interface Stopper {
  readonly signal: AbortSignal;
  finish(): void;
  fail(failure: unknown): void;
  signalled(): boolean;
  failure(): unknown;
}

/** The first signal stops in order, the second at once: what is in the database is safe either way. */
export function createStopper(): Stopper {
  const controller = new AbortController();
  let signalled = false;
  let failure: unknown = null;
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => {
      if (signalled) process.exit(EXIT.interrupted);
      signalled = true;
      controller.abort();
    });
  }
  return {
    signal: controller.signal,
    finish: () => controller.abort(),
    fail: (cause) => {
      failure ??= cause;
      controller.abort();
    },
    signalled: () => signalled,
    failure: () => failure,
  };
}
