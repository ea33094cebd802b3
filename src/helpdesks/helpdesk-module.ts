import type { z } from 'zod';
import type { Clock, Random } from '../core/clock.ts';
import type { HelpdeskSetup, SetupQuestion } from '../core/helpdesk-setup.ts';
import type { Helpdesk } from '../core/helpdesk.ts';
import type { MainStage } from '../core/outbox.ts';

/** What every adapter gets from outside. */
export interface HelpdeskDeps {
  readonly fetch: typeof fetch;
  readonly clock: Clock;
  readonly random: Random;
  /** Of one call, from sending it to the last byte of its answer, ms. */
  readonly timeoutMs: number;
  /** Oldest (and most future) signed timestamp accepted. */
  readonly webhookToleranceSeconds: number;
  /** Quarantine after an ambiguous write where the vendor has no fence against late commits, ms. */
  readonly ambiguousPostWaitMs: number;
  /** Plain http to hosts that are not loopback. */
  readonly allowInsecureUpstreams: boolean;
  /**
   * Tickets of batches that will be asked for soon in the batch lane, the next first: for a `draft` their conversation,
   * for a `post` a look. An adapter whose vendor answers for many at once may take them along (Freshdesk has no such
   * call). Asked when a call is about to be sent, so that nobody has to keep such a list.
   */
  readonly upcoming?: (stage: MainStage, limit: number) => readonly string[];
  /** A call has waited for its turn, ms. `limit` is a name out of few, e.g. `zendesk.update`. */
  readonly waited?: (limit: string, waitedMs: number) => void;
  /** A person must look. `kind` is a snake_case word, `detail` a sentence with ids only. */
  alarm(kind: string, detail: string): void;
  /** A sentence for the operator at start. */
  warn?(message: string): void;
}

/** One kind of helpdesk, as the registry lists it. */
export interface HelpdeskModule<Settings = unknown> {
  /** Also the last segment of its webhook path. */
  readonly name: string;
  /** The environment variable whose presence switches it on. */
  readonly enabledBy: string;
  /** Parses the raw environment; each problem's path is the variable's name. Unknown variables are ignored. */
  readonly settings: z.ZodType<Settings>;
  /** `settings` is what the schema answered. */
  create(settings: Settings, deps: HelpdeskDeps): Helpdesk;
  /** What `draftdesk init` and `connect` ask for, its address first. */
  readonly questions: readonly SetupQuestion[];
  /** The variable that holds the secret of its webhooks. */
  readonly webhookSecretIn: string;
  /** Who makes that secret. */
  readonly webhookSecretBy: 'us' | 'vendor';
  /**
   * For `draftdesk connect`. `adminToken` is a credential for the set-up alone (an OAuth token, an API key), where those
   * of the settings may not do it.
   */
  createSetup(settings: Settings, deps: HelpdeskDeps, adminToken?: string): HelpdeskSetup;
}
