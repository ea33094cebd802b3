import { noCircuit } from './core/circuit.ts';
import type { FileRunConfig } from './config.ts';
import { systemClock, systemRandom, uuidv7 } from './core/clock.ts';
import type { ErrorClass, SkipReason } from './core/errors.ts';
import type { Helpdesk } from './core/helpdesk.ts';
import type { KnowledgeBase } from './core/knowledge-base.ts';
import { combineObservers, silentObserver } from './core/observer.ts';
import type { Pause } from './core/outbox.ts';
import { ALL_TICKETS, createPaceMeter, type Pace } from './core/pace-meter.ts';
import type { BudgetSnapshot } from './core/rate-budget.ts';
import { createRateMeter } from './core/rate-meter.ts';
import type { RuleSet } from './core/rules.ts';
import type { ServiceTier } from './core/language-model.ts';
import { BATCH_DRAFTS, createSpendGuard, type SpendGuard } from './core/spend-guard.ts';
import type { StoreFault } from './core/store-fault.ts';
import { createTally, type Totals } from './core/tally.ts';
import type { Page, TicketReader } from './core/ticket-reader.ts';
import type { TicketDetail, TicketStatus, TicketSummary } from './core/ticket.ts';
import { everyRoute } from './core/model-routes.ts';
import { createGate } from './pool/gate.ts';
import { createHandOver } from './pool/hand-over.ts';
import { createPool } from './pool/pool.ts';
import { createSideRoutes, createRoutes } from './llm-routes.ts';
import { openDatabase } from './sqlite/database.ts';
import { openOutbox } from './sqlite/outbox.ts';
import { openTicketReader } from './sqlite/ticket-reader.ts';
import { createUpstreamFetch } from './upstream-fetch.ts';

export interface FileRunParts {
  /** The SQLite file that remembers what was drafted and paid for. */
  readonly databasePath: string;
  readonly migrationsFolder: string;
  /** `flex`: at half the price where the provider has room. */
  readonly tier: ServiceTier;
  /** Of all runs on this database together; null: no bound. */
  readonly budgetUsd: number | null;
  /** Where the tickets come from; nothing is posted to it. */
  readonly helpdesk: Helpdesk;
  /** What drafts are to rest on; not given: on nothing but the ticket. */
  readonly knowledge?: Pick<KnowledgeBase, 'search' | 'summary'>;
  /** Not given: every ticket gets a draft. */
  readonly rules?: RuleSet;
  /** Told after a ticket has come to rest, on the disk. Must not throw. */
  readonly onFinished: (ticketId: string, status: TicketStatus, reason: string | null) => void;
  /** Told when the model refuses everybody: nothing more is asked of it until it is well again. */
  readonly onPaused: (errorClass: string) => void;
  /** Told once, when the database can be trusted no longer: the run must end. */
  readonly onBroken: (fault: StoreFault) => void;
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
  /** Why the database takes no writes; null while it does. */
  fault(): StoreFault | null;
  progress(): FileRunProgress;
}

export interface FileRunProgress {
  readonly busy: number;
  readonly workers: number;
  readonly ratePerMinute: number;
  readonly pace: Pace;
  readonly llm: BudgetSnapshot;
  /** Of this run. */
  readonly totals: Totals;
  /** False: `totals.costUsd` says nothing, the model's price is not known. */
  readonly priceKnown: boolean;
  /** Why nothing is done, a sentence: the disk, or the model; null while something is. */
  readonly waitingFor: string | null;
  /** What this run cannot go on from by itself: a budget is spent, or all have died. Null while it goes on. */
  readonly halted: { readonly errorClass: ErrorClass | null; readonly reason: string } | null;
}

/** All batches of a database share one budget. */
const ACCOUNT = 'file';
const PAGE = 500;

/** Builds the parts as `startService` does. Throws `DatabaseRefused`, whose message is for the user. */
export function openFileRun(config: FileRunConfig, parts: FileRunParts): FileRun {
  const { helpdesk, rules } = parts;
  const clock = systemClock();
  const random = systemRandom;
  const newId = uuidv7(clock);
  const meter = createRateMeter(clock);
  const pace = createPaceMeter(clock);
  const tally = createTally();
  const observer = combineObservers([
    tally.observer,
    pace.observer,
    {
      ...silentObserver,
      ticketFinished: ({ ticket, status, reason }) => {
        meter.count(ALL_TICKETS);
        parts.onFinished(ticket.ticketId, status, reason);
      },
      paused: ({ reason }) => parts.onPaused(reason),
      fault: ({ where, error }) => parts.onFault(where, error),
    },
  ]);
  const connection = openDatabase({ path: parts.databasePath, migrationsFolder: parts.migrationsFolder });
  connection.disk.onChange((fault) => {
    if (fault?.lasting === true) parts.onBroken(fault);
  });
  const outbox = openOutbox(connection, { clock, newId, owner: newId(), maxPending: Number.MAX_SAFE_INTEGER });
  const reader = openTicketReader(connection, clock);
  const { allowInsecureUpstreams } = config;
  const modelDeps = { fetch: createUpstreamFetch(), clock, random, allowInsecureUpstreams };
  const routes = createRoutes(config.llm, modelDeps);
  const { review: reviewRoutes, query: queryRoutes } = createSideRoutes(config.llm, modelDeps, routes);
  const { model: llm, budget } = routes.preferred;
  const batchIds = Array.from(
    everyPage((cursor) => reader.batches(PAGE, cursor)),
    ({ id }) => id,
  );
  const guard = createSpendGuard({
    dailyBudgetUsd: config.llmDailyBudgetUsd,
    accounts: {
      spentOn: (day, scope) => reader.spentOn(day, scope),
      batchAccount: () => ({
        budgetUsd: parts.budgetUsd,
        costUsd: batchIds.reduce((sum, id) => sum + (reader.batchAccount(id)?.costUsd ?? 0), 0),
        consignedUsd: 0,
      }),
      // a file has no economy lane
      consignedUsd: () => 0,
    },
    clock,
  });
  const spending: SpendGuard = {
    ...guard,
    reserve: (request, signal) => guard.reserve({ ...request, batchId: ACCOUNT }, signal),
  };
  const one = { promptTokens: 1, cachedTokens: 0, completionTokens: 1 };
  const priceKnown = everyRoute(routes, reviewRoutes, queryRoutes).every(({ model }) => model.costUsd(one) !== null);
  let wake = (): void => undefined;
  const gate = createGate({
    outbox,
    clock,
    observer,
    probe: async (scope, signal) => {
      if (scope === 'llm' || scope === BATCH_DRAFTS) spending.assertOpen(scope);
      if (scope === 'llm') await llm.probe(signal);
    },
    onOpen: () => wake(),
  });
  const pool = createPool({
    // what waits from an earlier run is bought as this one says
    outbox: {
      ...outbox,
      claim: async (offers, limit) => (await outbox.claim(offers, limit)).map((job) => ({ ...job, tier: parts.tier })),
    },
    gate,
    helpdesks: new Map([[helpdesk.name, helpdesk]]),
    routes,
    spending,
    clock,
    random,
    observer,
    team: {
      guidelines: config.guidelines,
      linkHosts: config.linkHosts,
      maskPersonalData: config.maskPersonalData,
    },
    knowledge: parts.knowledge,
    ...(rules === undefined ? {} : { rules: () => rules }),
    postFindings: false,
    ...(reviewRoutes === null ? {} : { reviewer: { routes: reviewRoutes, handOver: createHandOver() } }),
    ...(queryRoutes === null ? {} : { searcher: { routes: queryRoutes, handOver: createHandOver() } }),
    retry: { maxAttempts: config.maxAttempts, baseMs: config.retryBaseMs, maxMs: config.retryMaxMs },
    circuit: noCircuit,
    concurrency: config.workerConcurrency,
  });
  wake = () => pool.wake();

  return {
    tickets: () =>
      everyPage((cursor) =>
        reader.tickets({ helpdesk: helpdesk.name, limit: PAGE, ...(cursor === undefined ? {} : { cursor }) }),
      ),
    ticket: (ticketId) => reader.ticket(helpdesk.name, ticketId),
    enqueue: async (ticketIds) => {
      if (ticketIds.length === 0) return;
      const { id } = await outbox.createBatch({
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
      batchIds.push(id);
    },
    retryDead: async (ticketIds) => {
      if (ticketIds.length > 0) await outbox.retryDead({ ticketIds });
    },
    start: async () => {
      // whoever starts it again has seen why it stood still
      await gate.resumeAll();
      for (const id of batchIds) if (reader.batch(id)?.state === 'paused') await outbox.resumeBatch(id);
      pool.start();
    },
    stop: async (graceMs) => {
      await outbox.leave();
      // what can never be stored need not be waited for
      await pool.stop(outbox.storeFault()?.lasting === true ? 0 : graceMs);
    },
    fault: () => outbox.storeFault(),
    progress: () => ({
      busy: pool.busy(),
      workers: pool.concurrency,
      ratePerMinute: meter.perMinute(ALL_TICKETS),
      pace: pace.read(ALL_TICKETS),
      llm: budget.snapshot(),
      totals: tally.read(),
      priceKnown,
      waitingFor: outbox.storeFault()?.sentence ?? gate.pauses()[0]?.reason ?? null,
      halted: readHalt(gate.pauses(), batchIds, reader),
    }),
    [Symbol.asyncDispose]: async () => {
      gate.dispose();
      await outbox.leave();
      await pool.stop(0);
      await outbox.close();
      connection.close();
    },
  };
}

/** What only a person can set going again. */
function readHalt(
  pauses: readonly Pause[],
  batchIds: readonly string[],
  reader: Pick<TicketReader, 'batch'>,
): FileRunProgress['halted'] {
  const spent = pauses.find(({ errorClass }) => errorClass === 'budget_exhausted');
  if (spent !== undefined) return spent;
  for (const id of batchIds) {
    const { state, errorClass = null, reason } = reader.batch(id) ?? {};
    if (state === 'paused') return { errorClass, reason: reason ?? '' };
  }
  return null;
}

function* everyPage<T>(read: (cursor?: string) => Page<T>): Generator<T> {
  let cursor: string | undefined;
  do {
    const page: Page<T> = read(cursor);
    yield* page.items;
    cursor = page.nextCursor ?? undefined;
  } while (cursor !== undefined);
}

/** A draft stage that ended with this did so for a line that was not asked for: it is no result. */
export const NOT_ASKED: SkipReason = 'deleted';
