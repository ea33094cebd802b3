import type { AdminRole } from './admin-token.ts';
import type { Page } from './ticket-reader.ts';

/** What was tried at the admin API, by whom. Names and ids only: no body, no text, no token. */
export interface AuditEntry {
  /** The token's name; null for whoever failed to log in. */
  readonly who: string | null;
  readonly role: AdminRole | null;
  /** Of the connection, so the proxy's where there is one; null when not known, or of many. */
  readonly address: string | null;
  /** `POST /admin/batches/:id/cancel`, or `login`. */
  readonly action: string;
  /** The ids in the path, or of what was made: `zendesk/5158`. */
  readonly subject: string | null;
}

/** How it ended: `ok`, the code of the problem (`forbidden`, `conflict`, …). */
export interface AuditEnd {
  readonly outcome: string;
  readonly subject: string | null;
}

export interface AuditRow extends AuditEntry {
  readonly id: string;
  /** Epoch ms. */
  readonly at: number;
  /** Null: it was begun and its end is not known (it runs still, or the process was killed in the middle). */
  readonly outcome: string | null;
  /** How many times; more than 1 for failed logins only. */
  readonly count: number;
}

/**
 * The record of who changed what. Append-only: a row is written once, gets its end once, and is never changed or
 * removed after. Writes reject with `OutboxUnavailable`.
 */
export interface AuditLog {
  /** Resolves with the row's id once it is on the disk: before anything is changed. */
  begin(entry: AuditEntry): Promise<string>;
  end(id: string, end: AuditEnd): Promise<void>;
  /** Something that began and ended at once, `count` times. */
  record(entry: AuditEntry, outcome: string, count: number): Promise<void>;
  /** Newest first. A cursor that is not ours throws `RequestError('malformed')`. */
  rows(limit: number, cursor?: string): Page<AuditRow>;
  /** Resolves when everything handed in is on the disk or refused. */
  drain(): Promise<void>;
}
