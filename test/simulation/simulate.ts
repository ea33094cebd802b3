import { createHash } from 'node:crypto';
import Database from 'better-sqlite3';
import { type NewId, seededRandom } from '../../src/core/clock.ts';
import { type Connection, openDatabase } from '../../src/sqlite/database.ts';
import { watchDisk } from '../../src/sqlite/disk.ts';
import { migrationsFolder } from '../support/paths.ts';
import { createInvariants, Violation } from './invariants.ts';
import { createSimulatedModel } from './model.ts';
import { createWire, type Sent } from './network.ts';
import { type Actor, clockOf, createScheduler } from './scheduler.ts';
import { type Life, type Mutant, QUARANTINE_MS, startLife, TIMEOUT_MS } from './service.ts';
import { createFreshdesk, createZendesk, type Vendor, wallAt } from './vendors.ts';
import { createWorld } from './world.ts';

export interface Outcome {
  readonly seed: number;
  /** What did not hold; null when all did. */
  readonly violation: string | null;
  readonly steps: number;
  readonly trace: readonly string[];
  /** Of the trace: the same seed gives the same. */
  readonly hash: string;
  readonly counts: Readonly<Record<string, number>>;
}

/** A fresh database, its tables made once for all simulations. */
let template: Buffer | null = null;

function freshDatabase(): Connection {
  if (template === null) {
    const made = openDatabase({ path: ':memory:', migrationsFolder });
    template = made.serialize();
    made.close();
  }
  const connection = new Database(template);
  for (const pragma of ['temp_store = MEMORY', 'journal_mode = MEMORY', 'foreign_keys = ON']) connection.pragma(pragma);
  return Object.assign(connection, { disk: watchDisk(connection, ':memory:'), findings: [] });
}

/** Faults of a seed: some run without any, some with hardly anything else. */
const FAULT_RATES = [0, 0.05, 0.15, 0.3];
/** Below 12,000 a minute calls go through the limiter of those in flight. */
const CALL_RATES = [60, 300, 1_000_000];
/** Customers and operators are done after this, and nothing fails any more, ms. */
const ACTIVE_MS = 24_000;
/** Whoever is not through by then is stuck, ms. */
const END_MS = ACTIVE_MS + 20 * 60_000;
const MAX_STEPS = 20_000;

/** Plays one seed to its end, or to the first thing that does not hold. */
export async function simulate(seed: number, mutant: Mutant = {}): Promise<Outcome> {
  const random = seededRandom(seed);
  for (let turn = 0; turn < 8; turn++) random();
  const pick = <T>(items: readonly T[]): T => items[Math.floor(random() * items.length)] as T;
  const scheduler = createScheduler(random);
  const connection = freshDatabase();
  const invariants = createInvariants(connection, () => scheduler.last().name);
  const faultRate = pick(FAULT_RATES);
  const requestsPerMinute = pick(CALL_RATES);
  // a third of the seeds reviews, in a third some lives do
  const reviews = (): boolean => seed % 3 === 0 || (seed % 3 === 1 && random() < 0.5);
  const isActive = (): boolean => scheduler.now() < ACTIVE_MS;
  const wall = { offset: 0 };
  const vendorOptions = {
    now: () => scheduler.now(),
    onWrite: (...changed: Parameters<typeof invariants.ticketChanged>) =>
      guard(() => invariants.ticketChanged(...changed)),
  };
  const vendors: readonly Vendor[] = [createZendesk(vendorOptions), createFreshdesk(vendorOptions)];

  let violation: Error | null = null;
  /** A check in the middle of a step must not be swallowed by the code that is tested. */
  const guard = (check: () => void): void => {
    try {
      check();
    } catch (error) {
      violation ??= error as Error;
    }
  };
  const report = (text: string): void =>
    guard(() => {
      throw new Violation(text);
    });

  // a draft that was handed over has its marker in two jobs
  const holder = connection.prepare<[string], { owner: string | null; status: string; intended: number | null }>(
    'SELECT owner, status, post_intended_at AS intended FROM job WHERE marker = ? ORDER BY owner IS NULL LIMIT 1',
  );
  const onSend = (actor: Actor, { vendor, method, url, body, fault }: Sent): void => {
    const ticketId = /tickets\/(\d+)/.exec(url.pathname)?.[1];
    if (fault === 'too late' && ticketId !== undefined) invariants.lateBeyondQuarantine(vendor, ticketId);
    const marker = /Draftdesk ref (dd-[0-9a-f]{12})/.exec(body)?.[1];
    if (method === 'DELETE' || marker === undefined) return;
    const job = holder.get(marker);
    const isHis = job?.owner === actor.name && job.status === 'posting' && job.intended !== null;
    if (!isHis) report(`${actor.name} writes note ${marker} without holding its job: ${JSON.stringify(job)}`);
  };
  const wire = createWire({
    scheduler,
    vendors,
    faultRate: () => (isActive() ? faultRate : 0),
    timeoutMs: TIMEOUT_MS,
    quarantineMs: QUARANTINE_MS,
    onSend,
  });

  let ids = 0;
  const newId: NewId = () => `id-${String(++ids).padStart(8, '0')}`;
  let lives = 0;
  const disturbances = { count: 0, wokeAt: -1 };
  const start = (): Life => {
    lives += 1;
    const actor: Actor = { name: `life${lives}`, state: 'running' };
    const clock = clockOf(scheduler, actor, () => wallAt(scheduler.now() + wall.offset));
    const model = createSimulatedModel({
      actor,
      scheduler,
      connection,
      faultRate: () => (isActive() ? faultRate : 0),
      disturbances,
      report,
    });
    return scheduler.as(actor, () =>
      startLife({
        actor,
        connection,
        clock,
        random,
        newId,
        fetch: wire(actor),
        model,
        requestsPerMinute,
        reviews: reviews(),
        mutant,
        onFault: (what) => {
          scheduler.note(`${actor.name}: fault ${what}`);
          if (what.startsWith('stage')) report(`a fault inside: ${what}`);
        },
      }),
    );
  };
  const world = createWorld({
    scheduler,
    connection,
    vendors,
    invariants,
    wall,
    disturbances,
    activeMs: ACTIVE_MS,
    start,
  });

  let steps = 0;
  using _ = scheduler.install();
  try {
    for (; violation === null && steps < MAX_STEPS; steps++) {
      if (!(await scheduler.step())) break;
      guard(() => invariants.check());
      if (scheduler.now() > END_MS || (world.isOver() && invariants.isSettled())) break;
    }
    if (violation === null) guard(() => invariants.checkEnd());
    if (violation !== null) for (const row of describe(connection)) scheduler.note(row);
  } finally {
    connection.close();
  }
  const failed = violation as Error | null;
  return {
    seed,
    violation: failed === null ? null : failed instanceof Violation ? failed.message : String(failed.stack),
    steps,
    trace: scheduler.trace,
    hash: createHash('sha256').update(scheduler.trace.join('\n')).digest('hex'),
    counts: world.counts,
  };
}

/** How the tables stand, for who reads a trace. */
function describe(connection: Database.Database): readonly string[] {
  const jobs = connection.prepare(
    `SELECT ticket.ticket_id AS ticketId, job.id, status, stage, lane, batch_id AS batchId, due_at AS dueAt, owner, attempt, current,
       post_intended_at AS intended, pending_at AS pendingAt, error_class AS errorClass
     FROM job JOIN ticket ON ticket.id = job.ticket ORDER BY job.id`,
  );
  const batches = connection.prepare(
    'SELECT id, state, todo, target, opened, total, revive, release, reason FROM batch',
  );
  const pauses = connection.prepare('SELECT scope, error_class AS errorClass FROM pause');
  return [jobs, batches, pauses].flatMap((statement) => statement.all().map((row) => JSON.stringify(row)));
}
