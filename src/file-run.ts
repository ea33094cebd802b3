import type { FileRunConfig } from './config.ts';
import { type Clock, systemClock, systemRandom, uuidv7 } from './core/clock.ts';
import type { SkipReason } from './core/errors.ts';
import type { Conversation, Helpdesk } from './core/helpdesk.ts';
import { combineObservers, silentObserver } from './core/observer.ts';
import type { BudgetSnapshot } from './core/rate-budget.ts';
import { createRateMeter } from './core/rate-meter.ts';
import { createSpendGuard } from './core/spend-guard.ts';
import { createTally, type Totals } from './core/tally.ts';
import type { TicketDetail, TicketStatus, TicketSummary } from './core/ticket.ts';
import { buildPrompt } from './drafting/prompt.ts';
import { createGate } from './pool/gate.ts';
import { createPool } from './pool/pool.ts';
import { createRoutes } from './llm-routes.ts';
import { openDatabase } from './sqlite/database.ts';
import { openOutbox } from './sqlite/outbox.ts';
import { openTicketReader } from './sqlite/ticket-reader.ts';
import { createUpstreamFetch } from './upstream-fetch.ts';

export interface FileRunParts {
  /** The SQLite file that remembers what was drafted and paid for. */
  readonly databasePath: string;
  readonly migrationsFolder: string;
  /** Where the tickets come from; nothing is posted to it. */
  readonly helpdesk: Helpdesk;
  /** Told after a ticket has come to rest, on the disk. Must not throw. */
  readonly onFinished: (ticketId: string, status: TicketStatus, reason: string | null) => void;
  /** Told when the model refuses everybody: nothing more is asked of it until it is well again. */
  readonly onPaused: (errorClass: string) => void;
  /** A fault of our own: where, and its name. */
  readonly onFault: (where: string, error: string) => void;
}

/** The service's outbox, pool, limiter and retry policy on a database of their own, without webhooks and without notes. */
export interface FileRun extends AsyncDisposable {
  /** Every ticket that was ever in work here. */
  tickets(): Iterable<TicketSummary>;
  ticket(ticketId: string): TicketDetail | null;
  /** Queues tickets; those that wait already are left as they are. One atomic write. */
  enqueue(ticketIds: readonly string[]): Promise<void>;
  /** Dead tickets go back to work, with what they have cost on record. */
  retryDead(ticketIds: readonly string[]): Promise<void>;
  start(): Promise<void>;
  /** No new work; calls under way get `graceMs`, then they are aborted and go back without losing a try. */
  stop(graceMs: number): Promise<void>;
  progress(): FileRunProgress;
}

export interface FileRunProgress {
  readonly busy: number;
  readonly workers: number;
  readonly ratePerMinute: number;
  readonly llm: BudgetSnapshot;
  /** Of this run. */
  readonly totals: Totals;
  /** False: `totals.costUsd` says nothing, the model's price is not known. */
  readonly priceKnown: boolean;
  /** Why nothing is asked of the model, a sentence; null while it is. */
  readonly waitingFor: string | null;
}

const PAGE = 500;

/** Builds the parts as `startService` does. Throws `DatabaseRefused`, whose message is for the user. */
export function openFileRun(config: FileRunConfig, parts: FileRunParts): FileRun {
  const { helpdesk } = parts;
  const clock = systemClock();
  const random = systemRandom;
  const newId = uuidv7(clock);
  const meter = createRateMeter(clock);
  const tally = createTally();
  const observer = combineObservers([
    tally.observer,
    {
      ...silentObserver,
      ticketFinished: ({ ticket, status, reason }) => {
        meter.count('');
        parts.onFinished(ticket.ticketId, status, reason);
      },
      paused: ({ reason }) => parts.onPaused(reason),
      fault: ({ where, error }) => parts.onFault(where, error),
    },
  ]);
  const connection = openDatabase({ path: parts.databasePath, migrationsFolder: parts.migrationsFolder });
  const outbox = openOutbox(connection, { clock, newId, owner: newId(), maxPending: Number.MAX_SAFE_INTEGER });
  const reader = openTicketReader(connection, clock);
  const routes = createRoutes(config.llm, { ...upstreamOf(config, clock), random });
  const { model: llm, budget } = routes.preferred;
  const spending = createSpendGuard({ dailyBudgetUsd: config.llmDailyBudgetUsd, accounts: reader, clock });
  const priceKnown = llm.costUsd({ promptTokens: 1, cachedTokens: 0, completionTokens: 1 }) !== null;
  let wake = (): void => undefined;
  const gate = createGate({
    outbox,
    clock,
    observer,
    probe: (scope, signal) => (scope === 'llm' ? llm.probe(signal) : helpdesk.probe(signal)),
    onOpen: () => wake(),
  });
  const pool = createPool({
    outbox,
    gate,
    helpdesks: new Map([[helpdesk.name, helpdesk]]),
    routes,
    spending,
    clock,
    random,
    observer,
    guidelines: config.guidelines,
    postFindings: false,
    retry: { maxAttempts: config.maxAttempts, baseMs: config.retryBaseMs, maxMs: config.retryMaxMs },
    concurrency: config.workerConcurrency,
  });
  wake = () => pool.wake();

  return {
    *tickets() {
      let cursor: string | null = null;
      do {
        const page = reader.tickets({ helpdesk: helpdesk.name, limit: PAGE, ...(cursor === null ? {} : { cursor }) });
        yield* page.items;
        cursor = page.nextCursor;
      } while (cursor !== null);
    },
    ticket: (ticketId) => reader.ticket(helpdesk.name, ticketId),
    enqueue: async (ticketIds) => {
      if (ticketIds.length > 0)
        await outbox.createBatch({
          helpdesk: helpdesk.name,
          name: null,
          ticketIds,
          source: null,
          post: 'hold',
          lane: 'standard',
          skipDrafted: false,
          canary: null,
          budgetUsd: null,
        });
    },
    retryDead: async (ticketIds) => {
      if (ticketIds.length > 0) await outbox.retryDead({ ticketIds });
    },
    start: async () => {
      // whoever starts it again has seen why it stood still
      await gate.resumeAll();
      pool.start();
    },
    stop: (graceMs) => pool.stop(graceMs),
    progress: () => ({
      busy: pool.busy(),
      workers: pool.concurrency,
      ratePerMinute: meter.perMinute(''),
      llm: budget.snapshot(),
      totals: tally.read(),
      priceKnown,
      waitingFor: gate.pauses()[0]?.reason ?? null,
    }),
    [Symbol.asyncDispose]: async () => {
      gate.dispose();
      await pool.stop(0);
      await outbox.close();
      connection.close();
    },
  };
}

function upstreamOf({ allowInsecureUpstreams }: FileRunConfig, clock: Clock) {
  return { fetch: createUpstreamFetch(), clock, allowInsecureUpstreams };
}

/** What drafting would take; the same fields as the dry run of a batch at the service. */
export interface FileRunEstimate {
  readonly tickets: number;
  readonly promptTokens: number;
  readonly completionTokens: number;
  /** USD at standard prices; null when the model's price is not known. */
  readonly costUsd: number | null;
  readonly minutes: number;
  /** What decides how long it takes. */
  readonly bound: 'llm.requests' | 'llm.tokens' | 'workers';
}

/** What one draft took on average where there are some already. */
export interface PastDrafts {
  readonly completionTokens: number;
  readonly durationMs: number;
}

/** Where nothing has been drafted yet: a reply of some 150 words with its questions, and a small model's time for it. */
export const TYPICAL_DRAFT: PastDrafts = { completionTokens: 300, durationMs: 5_000 };

/** From the token counts of a sample, without a call. `tickets` is how many there are in all. */
export function estimateFileRun(
  config: FileRunConfig,
  { tickets, sample, past }: { tickets: number; sample: readonly Conversation[]; past: PastDrafts },
): FileRunEstimate {
  const prompts = sample.map((conversation) => buildPrompt(conversation, config.guidelines));
  const mean = (valueOf: (prompt: (typeof prompts)[number]) => number): number =>
    prompts.reduce((sum, prompt) => sum + valueOf(prompt), 0) / Math.max(1, prompts.length);
  const promptTokens = Math.round(tickets * mean(({ promptTokens }) => promptTokens));
  const completionTokens = Math.round(tickets * past.completionTokens);
  const { requestsPerMinute, tokensPerMinute } = config.llm.module.limits(config.llm.settings);
  // servers count the largest allowed answer before they answer
  const minutesBy: Readonly<Record<FileRunEstimate['bound'], number>> = {
    'llm.requests': tickets / requestsPerMinute,
    'llm.tokens':
      (tickets * mean(({ promptTokens, prompt }) => promptTokens + prompt.maxOutputTokens)) / tokensPerMinute,
    workers: (tickets * past.durationMs) / 60_000 / config.workerConcurrency,
  };
  const bounds = Object.entries(minutesBy) as [FileRunEstimate['bound'], number][];
  const [bound, minutes] = bounds.reduce((slowest, each) => (each[1] > slowest[1] ? each : slowest));
  const usage = { promptTokens, cachedTokens: 0, completionTokens };
  const { module, settings } = config.llm;
  const costUsd = module.create(settings, upstreamOf(config, systemClock())).costUsd(usage);
  return { tickets, promptTokens, completionTokens, costUsd, minutes, bound };
}

/** A draft stage that ended with this did so for a line that was not asked for: it is no result. */
export const NOT_ASKED: SkipReason = 'deleted';
