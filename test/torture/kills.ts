import { type Random, seededRandom } from '../../src/core/clock.ts';
import type { ServiceProcess } from '../support/service-process.ts';
import { sleep } from './ledger.ts';
import { hasStrace, killAtFsync, killAtWrite } from './strace.ts';
import { CONCURRENCY, createWorld, type World } from './world.ts';
import type { Row } from './report.ts';

export interface KillPlan {
  readonly seed: number;
  /** At a random moment. */
  readonly random: number;
  /** At the 1st, 2nd … fsync of a life. */
  readonly fsync: number;
  /** In the middle of a checkpoint. */
  readonly checkpoint: number;
  readonly onProgress?: (what: string) => void;
}

/** A life that its tracer does not end, ends here, ms. */
const LIFE_MS = 4_000;
/** So long a life goes on after it was ready, at most. */
const RANDOM_LIFE_MS = 700;
/** Part of the random kills that come before the service is ready. */
const EARLY = 0.15;

/** Kills the service again and again while webhooks come in, lets it finish, and counts at the simulators. */
export async function torture(plan: KillPlan): Promise<readonly Row[]> {
  const random = seededRandom(plan.seed);
  const traced = hasStrace();
  await using world = await createWorld({ seed: plan.seed });
  const killed = { random: 0, fsync: 0, checkpoint: 0 };
  for (; killed.random < plan.random; killed.random += 1) {
    await killAtRandom(world, random);
    if (killed.random % 50 === 49) plan.onProgress?.(`${killed.random + 1} random kills`);
  }
  if (traced) {
    for (let n = 1; n <= plan.fsync; n += 1) if (await dieUnder(world, killAtFsync(n))) killed.fsync += 1;
    plan.onProgress?.(`${killed.fsync} kills at an fsync`);
    world.feeder.pressure(300);
    for (let round = 0; round < plan.checkpoint; round += 1) {
      const n = 1 + Math.floor(random() * 60);
      if (await dieUnder(world, killAtWrite(n, world.databasePath), stopSoon)) killed.checkpoint += 1;
    }
    plan.onProgress?.(`${killed.checkpoint} kills in a checkpoint`);
  }
  const remains = await world.drain();
  const verdict = world.feeder.ledger.verdict();
  const extra = remains.llmCalls - verdict.acknowledged;
  const slowest = Math.max(...world.readyMs);
  const skipped = traced ? '' : ' (skipped: no strace)';
  return [
    { what: 'random SIGKILLs', value: killed.random },
    { what: `SIGKILLs at an fsync${skipped}`, value: killed.fsync, good: !traced || killed.fsync >= plan.fsync * 0.8 },
    {
      what: `SIGKILLs in a checkpoint${skipped}`,
      value: killed.checkpoint,
      good: !traced || plan.checkpoint === 0 || killed.checkpoint > 0,
    },
    { what: 'tickets acknowledged', value: verdict.acknowledged, good: verdict.acknowledged > 0 },
    { what: '… without a note', value: verdict.without.length, good: verdict.without.length === 0 },
    { what: 'tickets with two notes', value: verdict.doubled.length, good: verdict.doubled.length === 0 },
    { what: 'public comments', value: verdict.public, good: verdict.public === 0 },
    { what: 'dead tickets', value: remains.dead, good: remains.dead === 0 },
    { what: 'tickets in no final status', value: remains.unfinished, good: remains.unfinished === 0 },
    { what: 'stored drafts bought again', value: remains.boughtAgain, good: remains.boughtAgain === 0 },
    {
      what: `extra LLM calls (bound: kills × ${CONCURRENCY})`,
      value: extra,
      good: extra <= world.deaths * CONCURRENCY,
    },
    { what: 'integrity_check at the end', value: remains.integrity, good: remains.integrity === 'ok' },
    { what: 'exit code of the last SIGTERM', value: remains.exitCode ?? 'signal', good: remains.exitCode === 0 },
    { what: 'ready again, median', value: `${Math.round(median(world.readyMs))} ms` },
    { what: 'ready again, slowest', value: `${Math.round(slowest)} ms`, aim: '≤ 2,000 ms', measured: slowest <= 2000 },
  ];
}

async function killAtRandom(world: World, random: Random): Promise<void> {
  const service = world.spawn();
  if (random() < EARLY) await sleep(random() * 300);
  else {
    await world.attend(service);
    await sleep(random() * RANDOM_LIFE_MS);
  }
  await service.kill();
  world.died();
}

/** A life that ends by what its tracer does. Answers whether it did. */
async function dieUnder(
  world: World,
  under: readonly string[],
  hurry: (service: ServiceProcess) => void = () => undefined,
): Promise<boolean> {
  const service = world.spawn(under);
  const died = service.exited.then(() => true);
  const lived = world.attend(service).then(
    async () => {
      hurry(service);
      await sleep(LIFE_MS);
      return false;
    },
    // died before it was ready
    () => true,
  );
  const asWanted = await Promise.race([died, lived]);
  await service.kill();
  world.died();
  return asWanted && (await service.exited)[1] === 'SIGKILL';
}

/** The last checkpoint is that of a stop in order. */
function stopSoon(service: ServiceProcess): void {
  setTimeout(() => service.signal('SIGTERM'), 600).unref();
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}
