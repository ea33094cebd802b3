/**
 * The same promise, but a caller whose signal aborts is let go at once with the error that `leave` answers; null means
 * it is too late to leave.
 */
export function leavable<T>(work: Promise<T>, signal: AbortSignal, leave: () => Error | null): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const onAbort = (): void => {
      const error = leave();
      if (error !== null) reject(error);
    };
    const settled = (): void => signal.removeEventListener('abort', onAbort);
    signal.addEventListener('abort', onAbort, { once: true });
    void work.then(resolve, reject).then(settled, settled);
    if (signal.aborted) onAbort();
  });
}
