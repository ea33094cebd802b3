import type { HelpdeskConnection } from '../helpdesk-connection.ts';
import type { Asker } from './ask.ts';

/** One run of `draftdesk connect`. */
export interface ConnectJob {
  readonly helpdesk: string;
  readonly connection: HelpdeskConnection;
  /** The environment, .env and what was answered just now. */
  readonly env: NodeJS.ProcessEnv;
  /** Null: nobody is there to answer. */
  readonly asker: Asker | null;
  /** Where the helpdesk is to send its webhooks. */
  readonly webhookUrl: string;
  /** What the service needs, too, and .env does not hold yet. */
  readonly toStore: Readonly<Record<string, string>>;
  readonly store: (values: Readonly<Record<string, string>>) => void;
  readonly dryRun: boolean;
  readonly yes: boolean;
  readonly writeSecret: boolean;
  readonly test: boolean;
  /** How long each step of the test may take, ms. */
  readonly timeoutMs: number;
  readonly json: boolean;
  /** One line of progress. */
  readonly say: (line: string) => void;
}

/** Vendors' calls here are few and short; Ctrl-C ends the process. */
export const unhurried: AbortSignal = new AbortController().signal;
