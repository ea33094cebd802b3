import type { BatchModel } from '../core/batch-model.ts';
import type { NewId } from '../core/clock.ts';
import type { ConsignedJob, Consignments } from '../core/consignment.ts';
import type { Completion, LanguageModelError } from '../core/language-model.ts';
import type { AttemptDeps } from './attempt.ts';

export interface EconomyOptions extends AttemptDeps {
  readonly consignments: Consignments;
  readonly model: BatchModel;
  readonly newId: NewId;
  readonly pollMs?: number;
}

/** What sending and following consignments takes. */
export interface EconomyParts extends Omit<EconomyOptions, 'packer'> {
  readonly stop: AbortSignal;
  /** No new lines for so long, ms. */
  holdBack(ms: number): void;
  /** Packed or sent here at this moment. */
  isInMemory(key: string): boolean;
  /** Waited for when the service stops. */
  track(work: Promise<void>): Promise<void>;
  /** Stores what the provider answered to one ticket. */
  conclude(one: ConsignedJob, outcome: Completion | LanguageModelError): Promise<void>;
  /** Ends the wait of all that still wait, for this reason; over with it, where nothing was sent. */
  giveBack(key: string, error: Error): Promise<void>;
}
