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

/** What the system or the driver says when a file cannot be written, or read, for a reason that lies with the disk. */
const DISK_CODES = /^(EIO|ENOSPC|EDQUOT|EROFS|EFBIG|EACCES|EPERM|SQLITE_(FULL|IOERR|READONLY|CANTOPEN).*)$/;

/** Did it come of a disk that is full, broken or may not be written? Asks the causes of an error too. */
export function isDiskFault(error: unknown): boolean {
  for (let at = error; at instanceof Error; at = at.cause) {
    const { code = '', syscall = '' } = at as NodeJS.ErrnoException;
    // a port that is not ours to take is no disk
    if (DISK_CODES.test(code) && syscall !== 'listen') return true;
  }
  return false;
}
