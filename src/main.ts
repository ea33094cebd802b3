import type { AddressInfo } from 'node:net';
import { createAdaptorServer, type ServerType } from '@hono/node-server';
import { type Config, ConfigError } from './config.ts';
import type { BatchModel } from './core/batch-model.ts';
import { createCircuit } from './core/circuit.ts';
import { type Clock, type Random, systemClock, systemRandom, uuidv7 } from './core/clock.ts';
import type { EmbeddingModel } from './core/embedding-model.ts';
import { type ErrorClass, errorName } from './core/errors.ts';
import type { KnowledgeBase } from './core/knowledge-base.ts';
import type { Helpdesk } from './core/helpdesk.ts';
import { createHistory } from './core/history.ts';
import { everyRoute, type ModelRoute } from './core/model-routes.ts';
import { combineObservers, type Observer, silentObserver } from './core/observer.ts';
import { ALL_TICKETS, createPaceMeter } from './core/pace-meter.ts';
import { createRateMeter, type RateMeter } from './core/rate-meter.ts';
import type { Memory, ServiceControl } from './core/service-control.ts';
import type { StoreFault } from './core/store-fault.ts';
import { BATCH_DRAFTS, createSpendGuard } from './core/spend-guard.ts';
import { createTally } from './core/tally.ts';
import { countPending, type TicketReader } from './core/ticket-reader.ts';
import { createApp } from './http/app.ts';
import { answerClientErrors } from './http/client-errors.ts';
import { createBatchFeeder } from './pool/batch-feeder.ts';
import { createControl } from './pool/control.ts';
import { createEconomy } from './pool/economy.ts';
import { createEmbedder } from './pool/embedder.ts';
import { createEmbeddingFill } from './pool/embedding-fill.ts';
import { createGate } from './pool/gate.ts';
import { createHandOver } from './pool/hand-over.ts';
import { createPool } from './pool/pool.ts';
import { createRetention } from './pool/retention.ts';
import { createSweep } from './pool/sweep.ts';
import { createEmbeddingRoute, createSideRoutes, createRoutes } from './llm-routes.ts';
import { createRulesKeeper } from './rules-keeper.ts';
import { connectionLimit } from './connection-limit.ts';
import { createUpstreamFetch } from './upstream-fetch.ts';
import { openAuditLog } from './sqlite/audit.ts';
import { createBackups } from './sqlite/backup.ts';
import { openDatabase } from './sqlite/database.ts';
import type { Condemned } from './sqlite/crashes.ts';
import { inspectConnection } from './sqlite/inspect.ts';
import { openKnowledgeBase } from './sqlite/knowledge-base.ts';
import { createKnowledgeSync } from './pool/knowledge-sync.ts';
import { openOutbox } from './sqlite/outbox.ts';
import { openTicketReader } from './sqlite/ticket-reader.ts';
import { createLogger } from './telemetry/log.ts';
import type { LlmAddress } from './telemetry/metrics-observer.ts';
import { createTelemetry, currentSpan, type Telemetry } from './telemetry/telemetry.ts';
import type { RunningTelemetry } from './start-telemetry.ts';
import { createLogObserver } from './telemetry/log-observer.ts';

/** What a caller may put in place of the real thing: tests and the sandbox do. */
export interface ServiceOverrides {
  readonly clock?: Clock;
  readonly random?: Random;
  readonly fetch?: typeof fetch;
  /** How often the provider's Batch API is asked how far it is, ms. */
  readonly economyPollMs?: number;
  /** How often to look for work that nobody announced, ms. */
  readonly pollMs?: number;
  /** Hears every event, besides the log. */
  readonly observer?: Observer;
  /** OpenTelemetry, where it is wanted. Who gives it shuts it down. */
  readonly telemetry?: RunningTelemetry;
  /** What drafts are made from, in place of the service's own knowledge base. */
  readonly knowledge?: Pick<KnowledgeBase, 'search' | 'summary'>;
  /** Where the SQL files lie. */
  readonly migrationsFolder: string;
}

/** A running Draftdesk. */
export interface Service extends AsyncDisposable {
  /** Where it listens, e.g. `http://127.0.0.1:8787`. */
  readonly url: string;
  readonly control: ServiceControl;
  /** Reads the rules anew; wrong ones change nothing. What came of it is told to the observer. Without rules: nothing. */
  reloadRules(): void;
  /** Resolves when the database can be trusted no longer: `stop`, then start anew. Never, if all is well. */
  readonly broken: Promise<StoreFault>;
  /** No new work; work in flight gets the grace time; then everything is closed. Safe to call twice. */
  stop(): Promise<void>;
}

/**
 * Builds every part, in order, and starts it. Throws `DatabaseRefused` when the database cannot be used and the
 * system's own error when the port cannot be had.
 */
export async function startService(config: Config, overrides: ServiceOverrides): Promise<Service> {
  const clock = overrides.clock ?? systemClock();
  const random = overrides.random ?? systemRandom;
  const newId = uuidv7(clock);
  const log = createLogger({ level: config.logLevel, clock, currentSpan });
  const meter = createRateMeter(clock);
  const pace = createPaceMeter(clock);
  const tally = createTally();
  const telemetry = createTelemetry({
    sdk: overrides.telemetry ?? null,
    llm: addressOf(config.llm),
    clock,
    findBatch: (id) => reader.batch(id),
  });
  const history = createHistory(clock);
  const observer = combineObservers([
    ...telemetry.observers,
    createLogObserver(log, clock),
    meterObserver(meter),
    pace.observer,
    tally.observer,
    history.observer,
    ...(overrides.observer === undefined ? [] : [overrides.observer]),
  ]);

  overrides.telemetry?.onProblem((detail) => observer.alarm({ kind: 'telemetry', detail }));

  const upstream = { fetch: telemetry.fetch(overrides.fetch ?? createUpstreamFetch()), clock, random };
  const modelDeps = { ...upstream, allowInsecureUpstreams: config.allowInsecureUpstreams };
  const routes = createRoutes(config.llm, modelDeps, (model) => telemetry.model(model));
  const { review: reviewRoutes, query: queryRoutes } = createSideRoutes(config.llm, modelDeps, routes, (model) =>
    telemetry.model(model),
  );
  const embedding = createEmbeddingRoute(config.llm, modelDeps);
  assertPriced(config, everyRoute(routes, reviewRoutes, queryRoutes));
  const connection = openDatabase({ path: config.databasePath, migrationsFolder: overrides.migrationsFolder });
  const broken = new Promise<StoreFault>((resolve) => {
    connection.disk.onChange((fault) => {
      if (fault === null) observer.alarm({ kind: 'database', detail: 'The database takes writes again.' });
      else observer.alarm({ kind: 'database', detail: fault.sentence });
      if (fault?.lasting === true) resolve(fault);
    });
  });
  for (const detail of connection.findings) observer.alarm({ kind: 'database', detail });
  const { traceparentFor } = telemetry;
  const outbox = telemetry.outbox(
    openOutbox(connection, {
      clock,
      newId,
      owner: newId(),
      maxPending: config.outboxMaxPending,
      ...(traceparentFor === undefined ? {} : { traceparentFor }),
    }),
  );
  const reader = openTicketReader(connection, clock);
  const audit = openAuditLog(connection, clock);

  const helpdesks = createHelpdesks(config, { ...upstream, reader, telemetry }, observer);
  const spending = createSpendGuard({ dailyBudgetUsd: config.llmDailyBudgetUsd, accounts: reader, clock });
  const probe = async (scope: string, signal: AbortSignal): Promise<void> => {
    if (scope === 'llm' || scope === BATCH_DRAFTS) spending.assertOpen(scope);
    if (scope === 'llm') await routes.preferred.model.probe(signal);
    else await helpdesks.get(scope)?.probe(signal);
  };

  const rules = createRulesKeeper(config, observer);
  const embedder =
    embedding === null
      ? undefined
      : createEmbedder({
          maskPersonalData: config.maskPersonalData,
          ...embedding,
          spending,
          clock,
          random,
          observer,
          spend: async (usd) => knowledge.vectors?.spend(usd),
        });
  const knowledge = openKnowledgeBase(connection, { clock, embedder });
  const embeddings =
    embedder === undefined || knowledge.vectors === null
      ? undefined
      : createEmbeddingFill({ embedder, vectors: knowledge.vectors, clock, random, observer });
  const searched = overrides.knowledge ?? knowledge;
  const retry = { maxAttempts: config.maxAttempts, baseMs: config.retryBaseMs, maxMs: config.retryMaxMs };
  let wake = (): void => undefined;
  const gate = createGate({ outbox, clock, observer, probe, onOpen: () => wake() });
  const attempts = {
    outbox,
    gate,
    helpdesks,
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
    knowledge: searched,
    rules: () => rules.current(),
    postFindings: config.postFindings,
    noteTraceLink: config.noteTraceLink,
    retry,
    circuit: createCircuit(clock, retry),
    ...(reviewRoutes === null ? {} : { reviewer: { routes: reviewRoutes, handOver: createHandOver() } }),
    ...(queryRoutes === null ? {} : { searcher: { routes: queryRoutes, handOver: createHandOver() } }),
  };
  const economy = createEconomy({
    ...attempts,
    consignments: outbox.consignments,
    model: createBatchModel(config, upstream),
    newId,
    ...(overrides.economyPollMs === undefined ? {} : { pollMs: overrides.economyPollMs }),
  });
  const pool = createPool({
    ...attempts,
    packer: economy.packer,
    concurrency: config.workerConcurrency,
    ...(overrides.pollMs === undefined ? {} : { pollMs: overrides.pollMs }),
  });
  wake = () => pool.wake();

  const feeder = createBatchFeeder({
    maxPending: config.outboxMaxPending,
    outbox,
    reader,
    helpdesks,
    gate,
    retry,
    clock,
    random,
    observer,
  });
  const everyMinutes = config.reconcileEveryMinutes;
  const sweep = createSweep({ outbox, reader, helpdesks, gate, clock, observer, everyMinutes });
  const retention = createRetention({
    outbox,
    clock,
    observer,
    days: config.retentionDays,
    isQuiet: () => pool.busy() === 0 && countPending(reader.counts()) === 0,
  });

  const knowledgeSync = createKnowledgeSync({
    knowledge,
    helpdesks,
    gate,
    clock,
    random,
    retry,
    observer,
    everyMinutes: config.knowledgeSyncMinutes,
    joinSolved: config.knowledgeJoinSolved,
    isKnown: (helpdesk, ticketId) => reader.ticket(helpdesk, ticketId) !== null,
    retentionDays: config.knowledgeRetentionDays,
  });

  let stopping = false;
  const control = createControl({
    outbox,
    reader,
    gate,
    pool,
    helpdesks,
    routes,
    reviewRoutes,
    queryRoutes,
    guidelines: config.guidelines,
    maskPersonalData: config.maskPersonalData,
    knowledge: searched,
    rules: () => rules.current(),
    meter,
    pace,
    clock,
    observer,
    probe,
    totals: () => tally.read(),
    memory: readMemory,
    stopping: () => stopping,
    maxPending: config.outboxMaxPending,
    onCancel: () => economy.wake(),
  });
  const app = createApp({
    helpdesks,
    outbox,
    reader,
    control,
    audit,
    makeBackup: createBackups(connection),
    inspectStore: () => inspectConnection(connection),
    knowledge,
    knowledgeSync,
    embeddings,
    adminTokens: config.adminTokens,
    history,
    noteTraceLink: config.noteTraceLink,
    settings: config.shown,
    ...(config.rulesFile === null ? {} : { rules: () => rules.current() }),
    llmAdminUrl: config.llm.module.adminUrl(config.llm.settings),
    dailyBudgetUsd: config.llmDailyBudgetUsd,
    clock,
    random,
    observer,
    metrics: { text: () => telemetry.text(), public: config.metricsPublic },
  });
  const unwatch = telemetry.watch({
    progress: () => control.progress(),
    reader,
    models: () =>
      everyRoute(routes, reviewRoutes, queryRoutes).map(({ model, budget }) => ({
        model: model.model,
        ...budget.snapshot(),
      })),
    ...readProcess,
  });
  const paths = app.routes.map(({ path }) => path);
  const server = await listen(telemetry.server(app.fetch, paths), config, observer).catch((error: unknown) => {
    connection.close();
    throw error;
  });
  const url = urlOf(server, config.host);
  outbox.onBatch((change) => observer.batch(change));
  pool.start();
  feeder.start();
  sweep.start();
  retention.start();
  economy.start();
  knowledgeSync.start();
  embeddings?.start();
  observer.service({ phase: 'listening', url });
  rules.tell();
  for (const detail of [...config.warnings, ...unpricedWarnings(config, embedding?.model)])
    observer.alarm({ kind: 'settings', detail });
  for (const condemned of outbox.condemned) tellCondemned(condemned, observer, clock);
  // Bad credentials are found, and said, before the first ticket comes.
  void control.readiness();

  const shutDown = async (): Promise<void> => {
    stopping = true;
    const stoppingSince = clock.steady();
    observer.service({ phase: 'stopping', url: null });
    await outbox.leave();
    gate.dispose();
    feeder.stop();
    sweep.stop();
    await retention.stop();
    await Promise.all([knowledgeSync.stop(), embeddings?.stop()]);
    // what can never be stored need not be waited for; webhooks under way get their 503
    const isBroken = outbox.storeFault()?.lasting === true;
    if (isBroken) await clock.sleep(BROKEN_GRACE_MS);
    await pool.stop(isBroken ? 0 : config.shutdownGraceMs);
    await economy.stop();
    await closeServer(server, clock, stoppingSince + STREAMS_END_MS - clock.steady());
    unwatch();
    await Promise.all([outbox.close(), audit.drain()]);
    connection.close();
    observer.service({ phase: 'stopped', url: null });
    await log.flush();
  };
  let stopped: Promise<void> | null = null;
  const stop = (): Promise<void> => (stopped ??= shutDown());
  return { url, control, reloadRules: () => rules.reload(), broken, stop, [Symbol.asyncDispose]: stop };
}

/** What answers that are under way get when the database has failed, ms. */
const BROKEN_GRACE_MS = 250;

interface Upstream {
  readonly fetch: typeof fetch;
  readonly clock: Clock;
  readonly random: Random;
}

function createHelpdesks(
  config: Config,
  {
    reader,
    telemetry,
    ...upstream
  }: Upstream & { readonly reader: Pick<TicketReader, 'upcoming'>; readonly telemetry: Telemetry },
  observer: Observer,
): ReadonlyMap<string, Helpdesk> {
  return new Map(
    config.helpdesks.map(({ module, settings }) => {
      const helpdesk = module.create(settings, {
        ...upstream,
        upcoming: (stage, limit) => reader.upcoming(module.name, stage, limit),
        timeoutMs: config.helpdeskTimeoutMs,
        webhookToleranceSeconds: config.webhookToleranceSeconds,
        ambiguousPostWaitMs: config.ambiguousPostWaitMs,
        allowInsecureUpstreams: config.allowInsecureUpstreams,
        waited: (limit, waitedMs) => observer.limiterWait({ limit, waitedMs }),
        alarm: (kind, detail) => observer.alarm({ kind, detail }),
        warn: (detail) => observer.alarm({ kind: 'settings', detail }),
      });
      return [module.name, telemetry.helpdesk(helpdesk)];
    }),
  );
}

/** A budget of a model without a price would bound nothing, in silence. Throws `ConfigError`. */
function assertPriced({ llmDailyBudgetUsd }: Config, routes: readonly ModelRoute[]): void {
  if (llmDailyBudgetUsd === null) return;
  const one = { promptTokens: 1, cachedTokens: 0, completionTokens: 1 };
  const unpriced = routes.filter(({ model }) => model.costUsd(one) === null);
  if (unpriced.length === 0) return;
  throw new ConfigError(
    unpriced.map(({ model }) => `LLM_DAILY_BUDGET_USD cannot be kept: the price of ${model.model} is not known`),
  );
}

/** Most embedding models without a known price run on a machine of one's own: that is no reason not to start. */
function unpricedWarnings({ llmDailyBudgetUsd }: Config, embedding: EmbeddingModel | undefined): readonly string[] {
  if (llmDailyBudgetUsd === null || embedding === undefined || embedding.costUsd(1) !== null) return [];
  return [`LLM_DAILY_BUDGET_USD does not count EMBEDDINGS_MODEL: the price of ${embedding.model} is not known`];
}

function createBatchModel(
  { llm: { module, settings }, allowInsecureUpstreams }: Config,
  upstream: Upstream,
): BatchModel {
  return module.createBatchModel(settings, { ...upstream, allowInsecureUpstreams });
}

function meterObserver(meter: RateMeter): Observer {
  return {
    ...silentObserver,
    ticketFinished: ({ batchId }) => {
      meter.count(ALL_TICKETS);
      if (batchId !== null) meter.count(batchId);
    },
  };
}

/** A ticket that the process died of, at the start that gave it up. */
function tellCondemned({ ticket, batchId, queuedAt }: Condemned, observer: Observer, clock: Clock): void {
  const reason: ErrorClass = 'crash_loop';
  observer.alarm({
    kind: reason,
    detail: `${ticket.helpdesk} ticket ${ticket.ticketId} is dead: the process died of it`,
  });
  observer.ticketFinished({ ticket, batchId, status: 'dead', reason, totalMs: clock.steady() - queuedAt });
}

/** Where the model is, as telemetry names it. */
function addressOf({ module, settings }: Config['llm']): LlmAddress {
  const { hostname, port, protocol } = new URL(module.baseUrl(settings));
  const provider = hostname.endsWith('.azure.com') ? 'azure.ai.openai' : module.name;
  return { provider, address: hostname, port: Number(port) || (protocol === 'https:' ? 443 : 80) };
}

const readProcess = {
  cpuSeconds: () => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1e6;
  },
  rssBytes: () => process.memoryUsage.rss(),
};

function readMemory(): Memory {
  return {
    rssMb: Math.round(process.memoryUsage.rss() / 1e5) / 10,
    // resourceUsage speaks KiB
    peakRssMb: Math.round((process.resourceUsage().maxRSS * 1024) / 1e5) / 10,
  };
}

/**
 * Connections that the system holds until we take them. With Node's 511 a flood of connections makes genuine ones wait
 * for a second SYN, 1 to 3 s later; Linux cuts it down to its own limit (4096).
 */
const BACKLOG = 4096;

async function listen(
  handler: Parameters<typeof createAdaptorServer>[0]['fetch'],
  { host, port, workerConcurrency }: Config,
  observer: Observer,
): Promise<ServerType> {
  const server = createAdaptorServer({
    fetch: handler,
    // Without a short checking interval the other two act up to 30 s late (reliability.md §d). Together they let nobody
    // stall for more than 12 s, what waits in the backlog included (measured: 12.1 s with 10 s here).
    serverOptions: {
      requestTimeout: 9_000,
      headersTimeout: 5_000,
      connectionsCheckingInterval: 1_000,
      keepAliveTimeout: 65_000,
    },
  });
  answerClientErrors(server);
  const limit = connectionLimit(workerConcurrency);
  if (limit !== null) server.maxConnections = limit;
  // the log makes one line a second of them
  server.on('drop', () => observer.fault({ where: 'accept', error: 'too many connections' }));
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen({ port, host, backlog: BACKLOG }, () => {
      server.off('error', reject);
      // an accept that fails later is no reason to end
      server.on('error', (error) => observer.fault({ where: 'accept', error: errorName(error) }));
      resolve();
    });
  });
  return server;
}

function urlOf(server: ServerType, host: string): string {
  const { port } = server.address() as AddressInfo;
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
}

/** Streams of events notice that we stop within half a second, and end in order. */
const STREAMS_END_MS = 600;

/** Whoever still hangs on after that (a stalled upload, a peer that has gone) is cut off. */
async function closeServer(server: ServerType, clock: Clock, patienceMs: number): Promise<void> {
  const over = new AbortController();
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  await Promise.race([closed, clock.sleep(patienceMs, over.signal)]);
  over.abort();
  if ('closeAllConnections' in server) server.closeAllConnections();
  await closed;
}
