/** Why the store takes no writes. */
export interface StoreFault {
  /** The driver's own code, e.g. `SQLITE_FULL`. */
  readonly code: string;
  /** For the operator: which file, what is wrong, what to do. Holds no secret. */
  readonly sentence: string;
  /**
   * True: what was read or written can no longer be trusted, and only a new start may go on. A failed fsync is one of
   * these: the library goes on as if nothing had been, while the system may have dropped the pages (reliability.md §d).
   */
  readonly lasting: boolean;
}
