/** A copy of the whole store as it was at one moment, good for a restore. */
export interface Backup {
  readonly bytes: number;
  /** Read once; the copy is gone when it is read to its end or cancelled. */
  readonly stream: ReadableStream<Uint8Array>;
}

/**
 * Copies the store while it is in use; one copy at a time. Throws `RequestError`: `conflict` while another is made,
 * `unavailable` when there is no room for it beside the store.
 */
export type MakeBackup = () => Promise<Backup>;
