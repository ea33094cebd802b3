import { createCircuit } from '../../src/core/circuit.ts';
import type { Clock, NewId, Random } from '../../src/core/clock.ts';
import type { Helpdesk } from '../../src/core/helpdesk.ts';
import type { LanguageModel } from '../../src/core/language-model.ts';
import { createModelRoutes } from '../../src/core/model-routes.ts';
import { silentObserver } from '../../src/core/observer.ts';
import type { Outbox } from '../../src/core/outbox.ts';
import { createSpendGuard } from '../../src/core/spend-guard.ts';
import { freshdesk } from '../../src/helpdesks/freshdesk.ts';
import { zendesk } from '../../src/helpdesks/zendesk.ts';
import { createGate, type Gate } from '../../src/pool/gate.ts';
import { createHandOver } from '../../src/pool/hand-over.ts';
import { createPool, type Pool } from '../../src/pool/pool.ts';
import type { Connection } from '../../src/sqlite/database.ts';
import { openOutbox } from '../../src/sqlite/outbox.ts';
import { openTicketReader } from '../../src/sqlite/ticket-reader.ts';
import { makeOpenBudget, makeTeam } from '../support/factories.ts';
import type { Actor } from './scheduler.ts';
import { WEBHOOK_SECRET } from './vendors.ts';

/** What a test may break on purpose, to see that it is found. */
export interface Mutant {
  readonly outbox?: (outbox: Outbox, connection: Connection) => Outbox;
  readonly helpdesk?: (helpdesk: Helpdesk) => Helpdesk;
  readonly fetch?: (fetch: typeof globalThis.fetch) => typeof globalThis.fetch;
}

export interface LifeOptions {
  readonly actor: Actor;
  readonly connection: Connection;
  readonly clock: Clock;
  readonly random: Random;
  readonly newId: NewId;
  readonly fetch: typeof fetch;
  readonly model: LanguageModel;
  readonly requestsPerMinute: number;
  /** With a model that reviews. */
  readonly reviews: boolean;
  readonly onFault: (what: string) => void;
  readonly mutant: Mutant;
}

/** One process of the service, from its start to its crash: the real parts as `main.ts` joins them. */
export interface Life {
  readonly actor: Actor;
  readonly clock: Clock;
  readonly outbox: Outbox;
  readonly pool: Pool;
  readonly gate: Gate;
  readonly helpdesks: ReadonlyMap<string, Helpdesk>;
  /** Another process has its place: what it has begun goes on, new work it gets none (its file is locked). */
  isReplaced: boolean;
}

export const TIMEOUT_MS = 3_000;
export const QUARANTINE_MS = 8_000;
export const LEASE_MS = 10_000;

const openBudget = makeOpenBudget();

export function startLife(options: LifeOptions): Life {
  const { actor, connection, clock, random, newId, mutant, model } = options;
  const real = openOutbox(connection, { clock, newId, owner: actor.name, maxPending: 1000, leaseMs: LEASE_MS });
  const owned: Outbox = { ...real, claim: async (...asked) => (life.isReplaced ? [] : real.claim(...asked)) };
  const outbox = mutant.outbox?.(owned, connection) ?? owned;
  const reader = openTicketReader(connection, clock);
  const helpdesks = createHelpdesks(options);
  const observer = {
    ...silentObserver,
    fault: ({ where, error }: { where: string; error: string }) => options.onFault(`${where}: ${error}`),
  };
  const probe = async (scope: string, signal: AbortSignal): Promise<void> => {
    if (scope === 'llm') await model.probe(signal);
    else await helpdesks.get(scope)?.probe(signal);
  };
  const gate = createGate({ outbox, clock, observer, probe, onOpen: () => pool.wake() });
  const retry = { maxAttempts: 5, baseMs: 500, maxMs: 8_000 };
  const pool = createPool({
    outbox,
    gate,
    helpdesks,
    routes: createModelRoutes([{ model, budget: openBudget }], clock),
    spending: createSpendGuard({ dailyBudgetUsd: null, accounts: reader, clock }),
    clock,
    random,
    observer,
    team: makeTeam(),
    postFindings: true,
    retry,
    circuit: createCircuit(clock, retry),
    concurrency: 4,
    ...(options.reviews
      ? { reviewer: { routes: createModelRoutes([{ model, budget: openBudget }], clock), handOver: createHandOver() } }
      : {}),
    // each look for work costs more than all else here; what wakes the pool does not wait for it
    pollMs: 4_000,
    beatMs: 2_500,
  });
  pool.start();
  const life: Life = { actor, clock, outbox, pool, gate, helpdesks, isReplaced: false };
  return life;
}

function createHelpdesks(options: LifeOptions): ReadonlyMap<string, Helpdesk> {
  const { clock, random, requestsPerMinute, mutant } = options;
  const deps = {
    fetch: mutant.fetch?.(options.fetch) ?? options.fetch,
    clock,
    random,
    timeoutMs: TIMEOUT_MS,
    webhookToleranceSeconds: 300,
    ambiguousPostWaitMs: QUARANTINE_MS,
    allowInsecureUpstreams: false,
    alarm: () => undefined,
  };
  const made = [
    zendesk.create(
      {
        baseUrl: 'https://team.zendesk.com',
        credentials: { kind: 'token', token: 'a-token' },
        webhookSecrets: [WEBHOOK_SECRET],
        requestsPerMinute,
        updatesPerMinute: requestsPerMinute,
      },
      deps,
    ),
    freshdesk.create(
      {
        baseUrl: 'https://team.freshdesk.com',
        apiKey: 'a-key',
        webhookTokens: [WEBHOOK_SECRET],
        requestsPerMinute,
      },
      deps,
    ),
  ];
  return new Map(made.map((helpdesk) => [helpdesk.name, mutant.helpdesk?.(helpdesk) ?? helpdesk]));
}
