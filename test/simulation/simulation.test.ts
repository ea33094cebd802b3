import { describe, expect, it } from 'vitest';
import { MUTANTS } from './mutants.ts';
import { type Outcome, simulate } from './simulate.ts';

/*
 * The real pool, outbox and adapters over a scheduler that a seed decides, with virtual time, small models of both
 * vendors and everything that goes wrong between them: answers lost after the write, late and doubled writes, 429, 5xx
 * and resets, a model that fails, crashes, freezes, a process that wakes up after another has its place, a disk that
 * refuses, clocks that jump; batches, operators and customers in the midst of it. After every step no ticket may be
 * lost, doubled or stuck (invariants.ts). One thing is let pass, because it is known: a Freshdesk write that takes effect
 * later than the quarantine may double its note.
 *
 * That it bites: each safeguard taken out (mutants.ts) is noticed, on 2026-11-25 first by seed 2 (no look), 12 (no
 * safe_update), 14 (no quarantine), 1 (no intent), 15 (intent ignores the fence), 15 (report ignores it), 7 (early
 * acknowledgement), 1 (never due again), 1 (draft bought again), 14 (reply forgotten).
 *
 *   SEED=123 npm run simulate              one seed, with its whole trace
 *   SEEDS=20000 FROM=1 npm run simulate    more of them
 */

const FROM = Number(process.env['FROM'] ?? 1);
const SEEDS = Number(process.env['SEEDS'] ?? 1_000);
/** Per test, so that a failure names a range early. */
const SLICE = 125;
const TEST_TIMEOUT_MS = 300_000;
/** A mutant that so many seeds do not find is not found. */
const MUTANT_SEEDS = 150;

/** What a person needs of a run that failed. */
function story({ seed, violation, trace }: Outcome, lines: number): string {
  const said = trace.filter((line) => !/: (timer|immediate|timeout)$/.test(line));
  return `seed ${seed}: ${violation}\nreplay: SEED=${seed} npm run simulate\n${said.slice(-lines).join('\n')}`;
}

async function expectSound(seed: number, lines = 60): Promise<void> {
  const outcome = await simulate(seed);
  if (outcome.violation !== null) expect.fail(story(outcome, lines));
}

const only = process.env['SEED'];

describe.runIf(only !== undefined)('one seed', () => {
  it(`${only} loses, doubles and leaves nothing`, { timeout: TEST_TIMEOUT_MS }, async () => {
    await expectSound(Number(only), Number.POSITIVE_INFINITY);
  });
});

describe.skipIf(only !== undefined)('the simulation', () => {
  const starts = Array.from({ length: Math.ceil(SEEDS / SLICE) }, (_, index) => FROM + index * SLICE);
  it.each(starts)('loses, doubles and leaves nothing, from seed %i on', { timeout: TEST_TIMEOUT_MS }, async (start) => {
    const end = Math.min(start + SLICE, FROM + SEEDS);
    for (let seed = start; seed < end; seed++) await expectSound(seed);
  });

  it('is the same for the same seed', { timeout: TEST_TIMEOUT_MS }, async () => {
    for (let seed = 1; seed <= 20; seed++) {
      const [one, other] = [await simulate(seed), await simulate(seed)];
      expect(one.steps).toBeGreaterThan(20);
      expect(other.hash).toBe(one.hash);
    }
  });

  it.each(Object.entries(MUTANTS))('notices %s', { timeout: TEST_TIMEOUT_MS }, async (_, mutant) => {
    for (let seed = 1; seed <= MUTANT_SEEDS; seed++) if ((await simulate(seed, mutant)).violation !== null) return;
    expect.fail(`not noticed by ${MUTANT_SEEDS} seeds`);
  });
});
