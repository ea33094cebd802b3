/** What the database file is like. */
export interface StoreReport {
  readonly path: string;
  readonly bytes: number;
  /** Of the write-ahead log beside it. */
  readonly walBytes: number;
  readonly tickets: number;
  /** How many migrations it has had. */
  readonly schema: number;
  /** `ok`, what SQLite finds wrong, or null: not looked at, it is too large to be read while it works. */
  readonly integrity: string | null;
}
